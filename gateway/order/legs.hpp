// Which rows are the two legs of one reversal. Pure. Called from: weigh.
#pragma once

#include <cstdint>

#include "gateway/domain/lookup.hpp"
#include "gateway/order/evidence.hpp"

namespace backhand::order {

/// The rows of a case sorted into legs. Pointers go into the evidence.
struct Legs {
  const domain::OrderRow* close = nullptr;
  const domain::OrderRow* open = nullptr;
  std::uint8_t ours = 0;    ///< Rows that carry one of our ids.
  bool close_ours = false;  ///< That leg is one of them; else it was found beside it.
  bool open_ours = false;
  bool weak = false;       ///< The sibling carries a name that is neither ours nor plainly the venue's.
  bool ambiguous = false;  ///< Contradictory or too many rows: nothing follows from them.
  bool unclaimed = false;  ///< API reversal rows are left over that nobody is known to own.
  domain::PositionSide closed_side = domain::PositionSide::long_side;  ///< What the legs closed.
};

/// With ours == 0 the legs are those of the only reversal without ids, if there is exactly one.
[[nodiscard]] Legs attribute(const CaseEvidence& evidence, const Settings& settings) noexcept;

[[nodiscard]] constexpr bool is_final(const domain::OrderRow& row) noexcept {
  return row.state == domain::OrderState::filled || row.state == domain::OrderState::canceled;
}

/// Nobody named the order: the name is missing or of the venue's own making, which is the order's number or
/// one like it. A program that names its orders by numbers as long as that is taken for nobody.
[[nodiscard]] bool is_nameless(const domain::OrderRow& row) noexcept;

/// When the venue last touched the order.
[[nodiscard]] constexpr VenueMs touched_venue_ms(const domain::OrderRow& row) noexcept {
  return row.created_venue_ms > row.updated_venue_ms ? row.created_venue_ms : row.updated_venue_ms;
}

}  // namespace backhand::order
