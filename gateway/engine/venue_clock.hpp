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
  /// Times that differ from the proven one by more than this, or by more than the venue's clocks may differ,
  /// are another clock's.
  static constexpr Ns kSkew_ns = kSecond;
  /// So many replies to probes in a row must say the same before they replace what was proven.
  static constexpr int kWitnesses = 3;

  enum class Sample {
    kept,
    narrower_known,
    doubted,  ///< Lies outside what was proven, and not enough others have said the same yet.
    stepped,  ///< The last of kWitnesses: one of the clocks was stepped, and the new time holds.
  };

  explicit VenueClock(Ns skew_ns = kSkew_ns) noexcept : skew_ns_(skew_ns) {}

  /// A reply to a probe says that the venue's clock read `venue_ms` (cut to whole milliseconds) at some
  /// moment between our `written_ns` and `replied_ns`. Each call must be of another request. No other reply
  /// teaches the clock: it names neither its request nor the service whose clock it read.
  Sample on_probe(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept;

  /// Whether a reply between these times may have been made when the venue's clock read `venue_ms`, with
  /// the skew to either side. True while nothing is known.
  [[nodiscard]] bool is_plausible(VenueMs venue_ms, Ns written_ns, Ns replied_ns) const noexcept;

  /// Our own clock was stepped or stood still: nothing is proven any more, and two probes must agree before
  /// anything is again.
  void forget() noexcept {
    has_any_ = false;
    in_doubt_ = false;
    witnesses_ = 0;
    first_witnesses_ = 2;
  }

  /// False also while probes contradict, by more than the skew, what was proven: nothing is signed then.
  [[nodiscard]] bool known(Ns now) const noexcept { return holds(now) && !in_doubt_; }

  /// The latest time that the venue's clock has certainly reached. Only where `known`.
  [[nodiscard]] VenueMs lower_bound_ms(Ns now) const noexcept;
  /// The earliest time that the venue's clock has certainly not reached yet. Only where `known`.
  [[nodiscard]] VenueMs upper_bound_ms(Ns now) const noexcept;
  /// Width of the proven interval, in ns: the error of our knowledge.
  [[nodiscard]] Ns error_ns(Ns now) const noexcept { return proven_.high_at(now) - proven_.low_at(now); }
  /// The middle of the proven offset, for people: venue time − monotonic time, ns.
  [[nodiscard]] Ns offset_ns() const noexcept {
    return proven_.low_ns + (proven_.high_ns - proven_.low_ns) / 2;
  }

 private:
  /// Bounds of venue time − monotonic time; they part with the time since `taken_ns`.
  struct Interval {
    Ns taken_ns = 0;
    Ns low_ns = 0;
    Ns high_ns = 0;

    [[nodiscard]] Ns drift(Ns now) const noexcept {
      return (now - taken_ns) / kSecond * kDriftPerSecond_ns + kDriftPerSecond_ns;
    }
    [[nodiscard]] Ns low_at(Ns now) const noexcept { return low_ns - drift(now); }
    [[nodiscard]] Ns high_at(Ns now) const noexcept { return high_ns + drift(now); }
    [[nodiscard]] bool meets(const Interval& other, Ns tolerance) const noexcept;
    /// Keeps what both say; false where that is no news.
    bool narrow(const Interval& other) noexcept;
  };
  [[nodiscard]] static Interval interval_of(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept;
  [[nodiscard]] bool holds(Ns now) const noexcept { return has_any_ && now - proven_.taken_ns < kMaxAge_ns; }

  Ns skew_ns_;
  bool has_any_ = false;
  bool in_doubt_ = false;
  int witnesses_ = 0;        ///< Of contested_.
  int first_witnesses_ = 1;  ///< So many are needed where nothing is proven.
  Interval proven_;
  Interval contested_;  ///< With witnesses_: what they say instead.
};

}  // namespace backhand::engine
