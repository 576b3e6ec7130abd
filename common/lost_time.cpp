#include "common/lost_time.hpp"

#include <algorithm>
#include <ctime>

#include "common/clock.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

namespace backhand {
namespace {

/// The counter's rate is measured over this long, and again and again.
constexpr Ns kBaseline_ns = kSecond;

}  // namespace

std::uint64_t read_ticks() noexcept {
#if defined(__x86_64__)
  static const bool is_constant = [] {
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    constexpr unsigned kPowerLeaf = 0x8000'0007;
    constexpr unsigned kInvariant = 1U << 8;
    return __get_cpuid(kPowerLeaf, &a, &b, &c, &d) != 0 && (d & kInvariant) != 0;
  }();
  return is_constant ? __rdtsc() : 0;
#else
  return 0;
#endif
}

ClockReadings read_clocks(std::uint64_t ticks) noexcept {
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  return {monotonic_now(), static_cast<Ns>(boot.tv_sec) * kSecond + boot.tv_nsec, ticks};
}

Ns LostTime::look(const ClockReadings& now) noexcept {
  if (!begun_) {
    begun_ = true;
    last_ = now;
    begin_ticks(now);
    return 0;
  }
  const Ns by_boot = (now.boot_ns - last_.boot_ns) - (now.monotonic_ns - last_.monotonic_ns);
  const Ns by_ticks = missed_by_ticks(now);
  last_ = now;
  const Ns missed = std::max(by_boot, by_ticks);
  if (missed < kLeast_ns) return 0;
  // The counter may run at another rate from now on, as on another host.
  ns_per_tick_ = 0;
  begin_ticks(now);
  return missed;
}

Ns LostTime::missed_by_ticks(const ClockReadings& now) noexcept {
  if (now.ticks == 0) return 0;
  if (now.ticks <= since_.ticks) {  // Begun anew, as after some suspends; CLOCK_BOOTTIME tells then.
    ns_per_tick_ = 0;
    begin_ticks(now);
    return 0;
  }
  const auto ticks = static_cast<double>(now.ticks - since_.ticks);
  const Ns passed = now.monotonic_ns - since_.monotonic_ns;
  if (ns_per_tick_ > 0) {
    const Ns missed = static_cast<Ns>(ticks * ns_per_tick_) - passed;
    if (missed >= kLeast_ns) return missed;
  }
  // The kernel steers its clock by up to 500 ppm, so the rate is followed.
  if (passed >= kBaseline_ns) {
    ns_per_tick_ = static_cast<double>(passed) / ticks;
    begin_ticks(now);
  }
  return 0;
}

void LostTime::begin_ticks(const ClockReadings& now) noexcept { since_ = now; }

}  // namespace backhand
