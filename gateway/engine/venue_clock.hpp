// What we can prove about the venue's clock: an interval for (venue time − our monotonic time), from replies
// whose write and read times are known. The lower bound is what request timestamps are made from, so that
// none is ever ahead of the venue; the upper bound is never relied on. I/O thread only; reads no clock
// itself.
#pragma once

#include "common/time.hpp"

namespace backhand::engine {

class VenueClock {
 public:
  /// How far two clocks may part per second that passes since a sample: 200 ppm, twice the worst crystal
  /// allowed.
  static constexpr Ns kDriftPerSecond_ns = 200'000;
  /// Samples older than this are given up, whatever their precision.
  static constexpr Ns kMaxAge_ns = 120 * kSecond;

  enum class Sample { kept, narrower_known, contradicts };

  /// A reply says that the venue's clock read `venue_ms` (cut to whole milliseconds) at some moment between
  /// our `written_ns` and `replied_ns`. `contradicts`: the interval lies outside what was proven before, so
  /// one of the clocks was stepped; the new sample replaces the old.
  Sample on_sample(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept;

  /// Our own clock was stepped or stood still: nothing is proven any more.
  void forget() noexcept { known_ = false; }

  [[nodiscard]] bool known(Ns now) const noexcept { return known_ && now - taken_ns_ < kMaxAge_ns; }

  /// The latest time that the venue's clock has certainly reached. Only where `known`.
  [[nodiscard]] VenueMs lower_bound_ms(Ns now) const noexcept;
  /// The earliest time that the venue's clock has certainly not reached yet. Only where `known`.
  [[nodiscard]] VenueMs upper_bound_ms(Ns now) const noexcept;
  /// Width of the proven interval, in ns: the error of our knowledge.
  [[nodiscard]] Ns error_ns(Ns now) const noexcept { return high_at(now) - low_at(now); }
  /// The middle of the proven offset, for people: venue time − monotonic time, ns.
  [[nodiscard]] Ns offset_ns() const noexcept { return low_ns_ + (high_ns_ - low_ns_) / 2; }

 private:
  [[nodiscard]] Ns drift(Ns now) const noexcept {
    return (now - taken_ns_) / kSecond * kDriftPerSecond_ns + kDriftPerSecond_ns;
  }
  [[nodiscard]] Ns low_at(Ns now) const noexcept { return low_ns_ - drift(now); }
  [[nodiscard]] Ns high_at(Ns now) const noexcept { return high_ns_ + drift(now); }

  bool known_ = false;
  Ns taken_ns_ = 0;
  Ns low_ns_ = 0;   ///< Least venue time − monotonic time, at taken_ns_.
  Ns high_ns_ = 0;  ///< Greatest, at taken_ns_.
};

}  // namespace backhand::engine
