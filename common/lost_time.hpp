// Whether CLOCK_MONOTONIC has stood still while real time went on: it does not count while the host is
// suspended, and may not while a virtual machine is paused. CLOCK_BOOTTIME counts the first; the processor's
// time-stamp counter mostly counts the second. Pure: the readings come in. One thread.
#pragma once

#include <cstdint>

#include "common/time.hpp"

namespace backhand {

/// One look at the clocks, close together.
struct ClockReadings {
  Ns monotonic_ns = 0;
  Ns boot_ns = 0;           ///< CLOCK_BOOTTIME.
  std::uint64_t ticks = 0;  ///< Time-stamp counter; 0 where there is none that runs at one rate.
};

class LostTime {
 public:
  /// What is shorter cannot be told from two looks that were not close together.
  static constexpr Ns kLeast_ns = 20 * kMillisecond;

  /// Whether a look is worth its clock reads: about a millisecond has passed by the counter, or there is
  /// none.
  [[nodiscard]] bool is_due(std::uint64_t ticks) const noexcept {
    constexpr std::uint64_t kTicks = 2'000'000;
    return ticks == 0 || ticks - last_.ticks >= kTicks;  // One that began anew is far away too.
  }
  /// How much time CLOCK_MONOTONIC has missed since the last look; 0: none that could be told.
  [[nodiscard]] Ns look(const ClockReadings& now) noexcept;

 private:
  [[nodiscard]] Ns missed_by_ticks(const ClockReadings& now) noexcept;
  void begin_ticks(const ClockReadings& now) noexcept;

  bool begun_ = false;
  ClockReadings last_;
  ClockReadings since_;     ///< Where the ticks are measured from.
  double ns_per_tick_ = 0;  ///< 0: not known yet.
};

/// 0 where the processor does not promise one rate.
[[nodiscard]] std::uint64_t read_ticks() noexcept;
/// The other two are read now.
[[nodiscard]] ClockReadings read_clocks(std::uint64_t ticks) noexcept;

}  // namespace backhand
