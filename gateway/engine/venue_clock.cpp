#include "gateway/engine/venue_clock.hpp"

#include <algorithm>

namespace backhand::engine {

VenueClock::Sample VenueClock::on_sample(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept {
  // The venue read t with venue_ms <= t < venue_ms + 1 at a moment m with written <= m <= replied.
  const Ns low = venue_ms * kMillisecond - replied_ns;
  const Ns high = (venue_ms + 1) * kMillisecond - written_ns;
  if (!known(replied_ns)) {
    known_ = true;
    low_ns_ = low;
    high_ns_ = high;
    taken_ns_ = replied_ns;
    return Sample::kept;
  }
  const Ns old_low = low_at(replied_ns);
  const Ns old_high = high_at(replied_ns);
  if (low > old_high || high < old_low) {
    low_ns_ = low;
    high_ns_ = high;
    taken_ns_ = replied_ns;
    return Sample::contradicts;
  }
  const bool helps = low > old_low || high < old_high;
  if (!helps) return Sample::narrower_known;
  low_ns_ = std::max(low, old_low);
  high_ns_ = std::min(high, old_high);
  taken_ns_ = replied_ns;
  return Sample::kept;
}

VenueMs VenueClock::lower_bound_ms(Ns now) const noexcept { return (now + low_at(now)) / kMillisecond; }

VenueMs VenueClock::upper_bound_ms(Ns now) const noexcept { return (now + high_at(now)) / kMillisecond + 1; }

}  // namespace backhand::engine
