#include "gateway/order/legs.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace backhand::order {

namespace {

using domain::OrderRow;

/// Of two orders of one reversal: which of them closed. Both executed alike: it does not matter, and the
/// earlier one is named.
bool closes(const OrderRow& a, const OrderRow& b) noexcept {
  if (a.filled != b.filled) return a.filled > b.filled;
  if (only_closes(a) != only_closes(b)) return only_closes(a);
  return a.created_venue_ms <= b.created_venue_ms;
}

void pair_up(const OrderRow* a, const OrderRow* b, Legs& legs) noexcept {
  const bool a_closes = closes(*a, *b);
  legs.close = a_closes ? a : b;
  legs.open = a_closes ? b : a;
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

/// Two orders of one reversal are created within the grace, whichever of them the clocks show first.
bool are_near(const OrderRow& a, const OrderRow& b, const Settings& settings) noexcept {
  const VenueMs apart = a.created_venue_ms - b.created_venue_ms;
  const auto most = static_cast<VenueMs>(settings.execution_grace_ms) + settings.clock_skew_ms;
  return apart <= most && -apart <= most;
}

void find_sibling(const Sorted& sorted, const CaseEvidence& evidence, const Settings& settings,
                  Legs& legs) noexcept {
  const OrderRow* own = sorted.ours[0];
  const OrderRow* sibling = nullptr;
  std::size_t candidates = 0;
  for (std::size_t i = 0; i < sorted.other_count; ++i) {
    if (!are_near(*own, *sorted.others[i], settings)) continue;
    sibling = sorted.others[i];
    ++candidates;
  }
  legs.unclaimed = evidence.overflow || sorted.other_count > candidates;
  if (candidates > 1) {
    legs.ambiguous = true;
    return;
  }
  if (sibling == nullptr) {
    legs.close = own;
    legs.close_ours = true;
    return;
  }
  pair_up(own, sibling, legs);
  legs.weak = !is_nameless(*sibling);
  legs.close_ours = legs.close == own;
  legs.open_ours = legs.open == own;
}

/// No row carries our ids: is there exactly one reversal that nobody's ids are on?
void find_nameless(const Sorted& sorted, const CaseEvidence& evidence, const Settings& settings,
                   Legs& legs) noexcept {
  if (sorted.other_count == 0 && !evidence.overflow) return;
  legs.unclaimed = true;
  if (evidence.overflow || sorted.other_count > 2) return;
  for (std::size_t i = 0; i < sorted.other_count; ++i)
    if (!is_nameless(*sorted.others[i])) return;
  if (sorted.other_count == 1) {
    legs.close = sorted.others[0];
  } else {
    if (!are_near(*sorted.others[0], *sorted.others[1], settings)) return;
    pair_up(sorted.others[0], sorted.others[1], legs);
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
  const Sorted sorted = sort_rows(evidence);
  Legs legs;
  legs.ours = static_cast<std::uint8_t>(sorted.our_count);
  if (sorted.our_count == 0) {
    find_nameless(sorted, evidence, settings, legs);
  } else if (sorted.our_count == 1) {
    find_sibling(sorted, evidence, settings, legs);
  } else if (sorted.our_count > 2) {
    legs.ambiguous = true;
  } else {
    pair_up(sorted.ours[0], sorted.ours[1], legs);
    legs.close_ours = legs.open_ours = true;
    legs.unclaimed = evidence.overflow || sorted.other_count > 0;
  }
  return legs;
}

}  // namespace backhand::order
