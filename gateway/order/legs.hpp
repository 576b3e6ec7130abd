// Which rows are the orders of one reversal. Pure. Called from: weigh.
#pragma once

#include <cstdint>

#include "gateway/domain/lookup.hpp"
#include "gateway/order/evidence.hpp"

namespace backhand::order {

/// The rows of a case that belong together. How the venue lists a reversal is not documented: as two orders
/// (closing and opening leg) or as one, with any printed side. So a printed side is not read at all, and of
/// two rows the one that executed more is the closing leg: an opening leg is never larger than what was
/// closed. Pointers go into the evidence.
struct Legs {
  const domain::OrderRow* close = nullptr;  ///< Of two rows the closing leg; else the only row.
  const domain::OrderRow* open = nullptr;   ///< Of two rows the opening leg; null: there is only one row.
  std::uint8_t ours = 0;                    ///< Rows that carry one of our ids.
  bool close_ours = false;                  ///< That row is one of them; else it was found beside it.
  bool open_ours = false;
  bool weak = false;       ///< The sibling carries a name that is neither ours nor plainly the venue's.
  bool ambiguous = false;  ///< Contradictory or too many rows: nothing follows from them.
  bool unclaimed = false;  ///< API reversal rows are left over that nobody is known to own.
};

/// With ours == 0 the rows are those of the only reversal without ids, if there is exactly one.
[[nodiscard]] Legs attribute(const CaseEvidence& evidence, const Settings& settings) noexcept;

[[nodiscard]] constexpr bool is_final(const domain::OrderRow& row) noexcept {
  return row.state == domain::OrderState::filled || row.state == domain::OrderState::canceled;
}

/// The row says that it only closes (reduceOnly, or tradeSide close): it did not open anything.
[[nodiscard]] constexpr bool only_closes(const domain::OrderRow& row) noexcept {
  return row.role == domain::LegRole::close;
}

/// The row says that it opens the side that was not held (hedge mode): it did not close anything.
[[nodiscard]] constexpr bool only_opens(const domain::OrderRow& row, const CaseFacts& facts) noexcept {
  return row.role == domain::LegRole::open && row.has_position_side && row.position_side != facts.held_side;
}

/// Nobody named the order: the name is missing or of the venue's own making, which is the order's number or
/// one like it. A program that names its orders by numbers as long as that is taken for nobody.
[[nodiscard]] bool is_nameless(const domain::OrderRow& row) noexcept;

/// When the venue last touched the order.
[[nodiscard]] constexpr VenueMs touched_venue_ms(const domain::OrderRow& row) noexcept {
  return row.created_venue_ms > row.updated_venue_ms ? row.created_venue_ms : row.updated_venue_ms;
}

}  // namespace backhand::order
