#include "gateway/engine/venue_clock.hpp"

#include <algorithm>

namespace backhand::engine {

VenueClock::Interval VenueClock::interval_of(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept {
  // The venue read t with venue_ms <= t < venue_ms + 1 at a moment m with written <= m <= replied.
  return {replied_ns, venue_ms * kMillisecond - replied_ns, (venue_ms + 1) * kMillisecond - written_ns};
}

bool VenueClock::Interval::meets(const Interval& other, Ns tolerance) const noexcept {
  return other.low_ns <= high_at(other.taken_ns) + tolerance &&
         other.high_ns >= low_at(other.taken_ns) - tolerance;
}

bool VenueClock::Interval::narrow(const Interval& other) noexcept {
  const Ns low = low_at(other.taken_ns);
  const Ns high = high_at(other.taken_ns);
  if (other.low_ns <= low && other.high_ns >= high) return false;
  low_ns = std::max(other.low_ns, low);
  high_ns = std::min(other.high_ns, high);
  taken_ns = other.taken_ns;
  return true;
}

VenueClock::Sample VenueClock::on_probe(VenueMs venue_ms, Ns written_ns, Ns replied_ns) noexcept {
  const Interval said = interval_of(venue_ms, written_ns, replied_ns);
  const bool proven = holds(replied_ns);
  if (proven && proven_.meets(said, 0)) {
    witnesses_ = 0;
    in_doubt_ = false;
    return proven_.narrow(said) ? Sample::kept : Sample::narrower_known;
  }
  if (witnesses_ > 0 && contested_.meets(said, 0)) {
    (void)contested_.narrow(said);
    ++witnesses_;
  } else {
    contested_ = said;
    witnesses_ = 1;
  }
  in_doubt_ = in_doubt_ || (proven && !proven_.meets(said, skew_ns_));
  if (witnesses_ < (proven ? kWitnesses : first_witnesses_)) return Sample::doubted;
  has_any_ = true;
  proven_ = contested_;
  witnesses_ = 0;
  first_witnesses_ = 1;
  in_doubt_ = false;
  return proven ? Sample::stepped : Sample::kept;
}

bool VenueClock::is_plausible(VenueMs venue_ms, Ns written_ns, Ns replied_ns) const noexcept {
  return !holds(replied_ns) || proven_.meets(interval_of(venue_ms, written_ns, replied_ns), skew_ns_);
}

VenueMs VenueClock::lower_bound_ms(Ns now) const noexcept {
  return (now + proven_.low_at(now)) / kMillisecond;
}

VenueMs VenueClock::upper_bound_ms(Ns now) const noexcept {
  return (now + proven_.high_at(now)) / kMillisecond + 1;
}

}  // namespace backhand::engine
