// What has been learned of one case, and what it proves. Pure functions over plain values: the same evidence
// always gives the same finding, in whatever order it came. Called from: Settlement.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "gateway/domain/lookup.hpp"
#include "gateway/order/case.hpp"
#include "gateway/order/fuse.hpp"

namespace backhand::order {

/// Everything learned of one case. Rows are kept merged by order id, newest version first to count.
struct CaseEvidence {
  static constexpr std::size_t kMaxRows = 8;

  CaseFacts facts;
  std::array<domain::OrderRow, kMaxRows> rows{};  ///< Ours, and those that the venue lists as API reversals.
  std::uint8_t row_count = 0;
  bool overflow = false;  ///< More rows than fit: those that are not ours by id are incomplete.
  bool early_row =
      false;  ///< A nameless reversal came a little too early to be ours, by the clocks believed.
  bool early_other = false;        ///< So did one under somebody's name: its other leg may look like ours.
  bool foreign_reversal = false;   ///< A reversal from a person's screen was executed meanwhile.
  Confirmation history;            ///< Complete history without anything new, since quiet_venue_ms.
  Confirmation client_oid_absent;  ///< "No such order" for our clientOid, since quiet_venue_ms.
  Confirmation order_id_absent;    ///< The same for the order id of the ack.
  Decimal filled_by_id;            ///< Executions listed for the order id of the ack.
  VenueMs filled_venue_ms = 0;
  VenueMs traded_from_venue_ms = 0;  ///< Executions older than this are in `before` for certain.
  Confirmation fills_listed;         ///< A whole list of the instrument's executions, since quiet_venue_ms.
  Confirmation fills_denied;         ///< The venue answers, but gives no whole list.
  /// The orders that executed anything on the instrument since then, ours among them.
  std::array<wire::OrderId, kMaxRows> traded{};
  std::uint8_t traded_count = 0;
  VenueMs earlier_leg_venue_ms = 0;        ///< The last leg of the position's last reversal; 0: not known.
  std::array<wire::OrderId, 2> earlier{};  ///< The orders of the position's last reversal: not others'.
  domain::PositionSnapshot latest;         ///< The newest read since the case was opened.
  /// The first read that shows the position turned around, else the first one past quiet_venue_ms: what is
  /// held against the list of executions, which is later.
  domain::PositionSnapshot shown;
  VenueMs seen_venue_ms = 0;   ///< The newest venue time in any answer about it.
  VenueMs quiet_venue_ms = 0;  ///< A reply from here on shows all there will be; moves when a row does.
  VenueMs lag_ms = 0;          ///< How old what a reply shows may be: as assumed, or more where seen.
};

/// What the evidence proves, or what is still lacking.
struct Finding {
  bool proven = false;
  /// With proven: only a read of the position is lacking. It is asked for; without it the end is still true.
  bool lacks_position = false;
  wire::SettledResult result = wire::SettledResult::none;
  Ground ground = Ground::none;  ///< Not proven: what `unresolved` would say.
  bool foreign_change = false;
  Decimal closed;
  Decimal opened;
  wire::OrderId order_id;
  wire::OrderId sibling_id;
  VenueMs last_leg_venue_ms = 0;
  bool wants_position = false;  ///< A read of the position would help now.
  bool wants_names = false;     ///< Asking for the order by its names would help.
  bool wants_fills = false;     ///< A list of the instrument's executions would help.
};

/// Begins a case: nothing learned.
[[nodiscard]] CaseEvidence begin_case(const CaseFacts& facts, const Settings& settings) noexcept;

/// The venue's look-ups were seen to lag so far: negative answers count later from now on.
void widen_lag(CaseEvidence& evidence, VenueMs lag_ms, const Settings& settings) noexcept;

/// Takes a row if it can have to do with the case; returns whether anything new was learned. Rows known to be
/// of another of our reversals must not be given.
bool take_row(CaseEvidence& evidence, const domain::OrderRow& row, const Settings& settings) noexcept;
/// Executions of the instrument, anybody's.
bool take_fills(CaseEvidence& evidence, std::span<const domain::FillRow> fills,
                const Settings& settings) noexcept;
/// A read of the position; an older one than the newest is ignored.
void take_position(CaseEvidence& evidence, const domain::PositionSnapshot& snapshot,
                   const Settings& settings) noexcept;

/// The row carries our clientOid or the ack's order id. Neither is ever used twice, so no time is compared.
[[nodiscard]] bool is_ours_by_id(const CaseFacts& facts, const domain::OrderRow& row) noexcept;
/// `before` was read before the request went.
[[nodiscard]] bool has_before(const CaseFacts& facts) noexcept;

/// The judgement; README.md has it as a table.
[[nodiscard]] Finding weigh(const CaseEvidence& evidence, const Settings& settings) noexcept;

/// What is told does not fit the positions told with it. The last check of `weigh`: such an end is never
/// told. Pure; `after` must be a read from after the legs.
[[nodiscard]] bool contradicts(const CaseEvidence& evidence, const Finding& finding,
                               const domain::PositionSnapshot& after) noexcept;

/// What a whole reversal would have moved, by what was held before.
[[nodiscard]] Decimal wanted(const CaseFacts& facts) noexcept;
/// `after` is what was held before, less `closed` on the side asked to be reversed and `opened` more on the
/// other, to the last digit.
[[nodiscard]] bool is_exact(const CaseFacts& facts, const domain::PositionSnapshot& after, Decimal closed,
                            Decimal opened) noexcept;
/// What was executed, by its sizes.
[[nodiscard]] wire::SettledResult result_of(Decimal closed, Decimal opened) noexcept;

/// What an answer to `positions` says of one instrument; no row is a flat position. Empty where the answer is
/// no proof (not ok, truncated, without a venue time, or with a row that cannot be read and may be of this
/// instrument).
[[nodiscard]] std::optional<domain::PositionSnapshot> snapshot_of(
    const domain::LookupReply& reply, const domain::Instrument& instrument) noexcept;

/// Same product and symbol, and the same margin coin where both name one.
[[nodiscard]] bool same_instrument(const domain::Instrument& a, const domain::Instrument& b) noexcept;

}  // namespace backhand::order
