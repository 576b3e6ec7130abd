// When an answer of "not found" begins to count, and when it has been given often enough. All times are the
// venue's own; our clock plays no part in it. Pure.
#pragma once

#include <algorithm>

#include "common/time.hpp"
#include "gateway/order/case.hpp"

namespace backhand::order {

/// From this venue time on nothing of the request can newly happen: it can no longer be accepted (its
/// timestamp is too old, or the venue has already said no to it), and what was accepted is done.
[[nodiscard]] constexpr VenueMs burnt_venue_ms(const CaseFacts& facts, const Settings& settings) noexcept {
  const auto grace = static_cast<VenueMs>(settings.execution_grace_ms);
  if (facts.answer == Answer::doubtful_no && facts.answered_venue_ms > 0)
    return facts.answered_venue_ms + grace;
  return facts.signed_venue_ms + static_cast<VenueMs>(settings.clock_tolerance_ms) + grace;
}

/// Rows created before this are not of this request. The signed time alone holds for rows that carry our id.
[[nodiscard]] constexpr VenueMs written_venue_ms(const CaseFacts& facts) noexcept {
  return std::max(facts.signed_venue_ms, facts.written_venue_ms);
}

/// Rows created later than this are not of this request either.
[[nodiscard]] constexpr VenueMs last_creation_venue_ms(const CaseFacts& facts,
                                                       const Settings& settings) noexcept {
  return burnt_venue_ms(facts, settings);
}

/// The same negative answer, given at two venue times far enough apart, both from `from_ms` on.
struct Confirmation {
  VenueMs first_venue_ms = 0;
  VenueMs last_venue_ms = 0;

  /// Counts an answer given at `at` where that is not before `from`; an answer without a time never counts.
  constexpr void note(VenueMs at, VenueMs from) noexcept {
    if (at <= 0 || at < from) return;
    first_venue_ms = first_venue_ms == 0 ? at : std::min(first_venue_ms, at);
    last_venue_ms = std::max(last_venue_ms, at);
  }
  [[nodiscard]] constexpr bool begun() const noexcept { return first_venue_ms != 0; }
  [[nodiscard]] constexpr bool done(const Settings& settings) const noexcept {
    return begun() && last_venue_ms - first_venue_ms >= static_cast<VenueMs>(settings.settle_recheck_ms);
  }
};

}  // namespace backhand::order
