#include "gateway/order/legs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace backhand::order {

namespace {

using domain::LegRole;
using domain::OrderRow;
using domain::OrderSide;
using domain::PositionMode;
using domain::PositionSide;

PositionSide direction_of(const OrderRow& row) noexcept {
  if (row.has_position_side) return row.position_side;
  return row.side == OrderSide::buy ? PositionSide::long_side : PositionSide::short_side;
}

/// What the row says of itself, or in hedge mode what its direction says; one-way rows may leave it open.
LegRole role_of(const OrderRow& row, const CaseFacts& facts) noexcept {
  if (row.role != LegRole::unstated || facts.mode == PositionMode::one_way) return row.role;
  return direction_of(row) == facts.held_side ? LegRole::close : LegRole::open;
}

/// In one-way mode both legs trade the same way: selling closes a long and opens a short.
PositionSide closed_by(OrderSide side) noexcept {
  return side == OrderSide::sell ? PositionSide::long_side : PositionSide::short_side;
}

/// The row goes the way in which a leg of this reversal goes.
bool fits(const OrderRow& row, const CaseFacts& facts, PositionSide closed_side) noexcept {
  if (facts.mode == PositionMode::one_way) return closed_by(row.side) == closed_side;
  const PositionSide direction = direction_of(row);
  switch (role_of(row, facts)) {
    case LegRole::close:
      return direction == closed_side;
    case LegRole::open:
      return direction == domain::opposite(closed_side);
    case LegRole::unstated:
      return false;
  }
  return false;
}

/// Of two legs that do not say which is which the earlier one closes; at the same millisecond the one that
/// executed more (an opening leg never exceeds what was closed), then the one with the lower number.
bool closes_first(const OrderRow& a, const OrderRow& b) noexcept {
  if (a.created_venue_ms != b.created_venue_ms) return a.created_venue_ms < b.created_venue_ms;
  if (a.filled != b.filled) return a.filled > b.filled;
  const auto left = a.order_id.view();
  const auto right = b.order_id.view();
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

/// Puts two rows into their roles; false where they contradict each other.
bool pair_up(const OrderRow* a, const OrderRow* b, const CaseFacts& facts, Legs& legs) noexcept {
  const LegRole role_a = role_of(*a, facts);
  const LegRole role_b = role_of(*b, facts);
  if (role_a == role_b && role_a != LegRole::unstated) return false;
  const bool a_closes = role_a == LegRole::close || role_b == LegRole::open ||
                        (role_a == LegRole::unstated && role_b == LegRole::unstated && closes_first(*a, *b));
  legs.close = a_closes ? a : b;
  legs.open = a_closes ? b : a;
  return true;
}

struct Sorted {
  std::array<const OrderRow*, CaseEvidence::kMaxRows> ours{};
  std::array<const OrderRow*, CaseEvidence::kMaxRows> others{};
  std::size_t our_count = 0;
  std::size_t other_count = 0;
};

Sorted sort_rows(const CaseEvidence& evidence) noexcept {
  Sorted out;
  for (std::size_t i = 0; i < evidence.row_count; ++i) {
    const OrderRow& row = evidence.rows[i];
    if (is_ours_by_id(evidence.facts, row))
      out.ours[out.our_count++] = &row;
    else
      out.others[out.other_count++] = &row;
  }
  return out;
}

/// `other` can be the leg that is missing beside `own`: the right way, the other role, and near in time.
bool can_be_sibling(const OrderRow& own, const OrderRow& other, const CaseFacts& facts, PositionSide closed,
                    VenueMs grace) noexcept {
  if (!fits(other, facts, closed)) return false;
  const LegRole own_role = role_of(own, facts);
  const LegRole other_role = role_of(other, facts);
  if (own_role != LegRole::unstated && own_role == other_role) return false;
  const VenueMs after = other.created_venue_ms - own.created_venue_ms;
  const bool own_closes = own_role == LegRole::close || other_role == LegRole::open;
  const bool own_opens = own_role == LegRole::open || other_role == LegRole::close;
  if (own_closes) return after >= 0 && after <= grace;
  if (own_opens) return after <= 0 && after >= -grace;
  return after >= -grace && after <= grace;
}

void find_sibling(const Sorted& sorted, const CaseEvidence& evidence, VenueMs grace, Legs& legs) noexcept {
  const CaseFacts& facts = evidence.facts;
  const OrderRow* own = sorted.ours[0];
  const OrderRow* sibling = nullptr;
  std::size_t candidates = 0;
  for (std::size_t i = 0; i < sorted.other_count; ++i) {
    if (!can_be_sibling(*own, *sorted.others[i], facts, legs.closed_side, grace)) continue;
    sibling = sorted.others[i];
    ++candidates;
  }
  legs.unclaimed = evidence.overflow || sorted.other_count > candidates;
  if (candidates > 1) {
    legs.ambiguous = true;
    return;
  }
  if (sibling == nullptr) {
    // Alone and without a word about its role: what comes first in a reversal is the closing.
    const bool opens = role_of(*own, facts) == LegRole::open;
    (opens ? legs.open : legs.close) = own;
    (opens ? legs.open_ours : legs.close_ours) = true;
    return;
  }
  if (!pair_up(own, sibling, facts, legs)) {
    legs.ambiguous = true;
    return;
  }
  legs.weak = !is_nameless(*sibling);
  legs.close_ours = legs.close == own;
  legs.open_ours = legs.open == own;
}

/// No row carries our ids: is there exactly one reversal that nobody's ids are on?
void find_nameless(const Sorted& sorted, const CaseEvidence& evidence, VenueMs grace, Legs& legs) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (sorted.other_count == 0 && !evidence.overflow) return;
  legs.unclaimed = true;
  if (evidence.overflow || sorted.other_count > 2) return;
  for (std::size_t i = 0; i < sorted.other_count; ++i) {
    const OrderRow& row = *sorted.others[i];
    if (!is_nameless(row) || !fits(row, facts, legs.closed_side)) return;
  }
  const OrderRow* first = sorted.others[0];
  if (sorted.other_count == 1) {
    if (role_of(*first, facts) == LegRole::open) return;
    legs.close = first;
    legs.unclaimed = false;
    return;
  }
  if (!pair_up(first, sorted.others[1], facts, legs)) return;
  const VenueMs gap = legs.open->created_venue_ms - legs.close->created_venue_ms;
  if (gap < 0 || gap > grace) {
    legs.close = legs.open = nullptr;
    return;
  }
  legs.unclaimed = false;
}

}  // namespace

bool is_nameless(const OrderRow& row) noexcept {
  constexpr std::size_t kShortestVenueNumber = 16;
  const auto name = row.client_oid.view();
  const auto number = row.order_id.view();
  if (name.empty() || name == number) return true;
  return name.size() == number.size() && name.size() >= kShortestVenueNumber &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Legs attribute(const CaseEvidence& evidence, const Settings& settings) noexcept {
  const CaseFacts& facts = evidence.facts;
  const auto grace = static_cast<VenueMs>(settings.execution_grace_ms);
  const Sorted sorted = sort_rows(evidence);
  Legs legs;
  legs.ours = static_cast<std::uint8_t>(sorted.our_count);
  legs.closed_side = facts.held_side;
  if (sorted.our_count == 0) {
    find_nameless(sorted, evidence, grace, legs);
    return legs;
  }
  // The venue may have reversed what it really held, which another trader had turned around meanwhile.
  if (facts.mode == PositionMode::one_way) legs.closed_side = closed_by(sorted.ours[0]->side);
  if (sorted.our_count > 2) {
    legs.ambiguous = true;
    return legs;
  }
  if (sorted.our_count == 1) {
    find_sibling(sorted, evidence, grace, legs);
    return legs;
  }
  legs.unclaimed = evidence.overflow || sorted.other_count > 0;
  if (!pair_up(sorted.ours[0], sorted.ours[1], facts, legs)) {
    legs.ambiguous = true;
    return legs;
  }
  legs.close_ours = legs.open_ours = true;
  return legs;
}

}  // namespace backhand::order
