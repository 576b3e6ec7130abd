#include "tests/gateway/order/fake_venue.hpp"

#include <algorithm>
#include <string>

#include "gateway/order/evidence.hpp"
#include "gateway/order/page_walk.hpp"

namespace backhand::order::test {

domain::Instrument instrument(const char* symbol) {
  return {domain::Product::usdt_futures, wire::SymbolName{symbol}, wire::CoinName{"USDT"}};
}

VenueMs FakeVenue::seen_at(VenueMs at, VenueMs lag) const {
  if (random == nullptr || lag == 0) return at - lag;
  return at - static_cast<VenueMs>((*random)() % (static_cast<std::uint64_t>(lag) + 1));
}

domain::OrderRow FakeVenue::row_at(const FakeOrder& order, VenueMs at) {
  domain::OrderRow row = order.row;
  if (at < row.updated_venue_ms) {
    row.state = domain::OrderState::live;
    row.filled = {};
    row.updated_venue_ms = row.created_venue_ms;
  }
  row.created_venue_ms += order.clock_ms;
  row.updated_venue_ms += order.clock_ms;
  return row;
}

domain::PositionSnapshot FakeVenue::holding(const domain::Instrument& wanted, VenueMs at) const {
  std::int64_t longs = 0;
  std::int64_t shorts = 0;
  for (const FakeChange& change : changes) {
    if (change.at > at || !same_instrument(change.instrument, wanted)) continue;
    longs += change.long_by;
    shorts += change.short_by;
  }
  return {units(longs), units(shorts), at};
}

void FakeVenue::answer_history(const domain::Lookup& lookup, VenueMs at, domain::LookupReply& out) const {
  const VenueMs seen = seen_at(at, history_lag_ms);
  for (const FakeOrder& order : orders) {
    if (!order.listed || order.row.created_venue_ms > seen) continue;
    if (order.row.created_venue_ms + order.clock_ms < lookup.since_venue_ms) continue;
    if (!lookup.instrument.symbol.empty() && lookup.instrument.symbol != order.row.instrument.symbol)
      continue;
    if (!lookup.before_id.empty() && !is_older(order.row.order_id.view(), lookup.before_id.view())) continue;
    out.orders.push_back(row_at(order, seen));
  }
  std::sort(out.orders.begin(), out.orders.end(), [&](const auto& a, const auto& b) {
    return page_order == PageOrder::oldest_first ? is_older(a.order_id.view(), b.order_id.view())
                                                 : is_older(b.order_id.view(), a.order_id.view());
  });
  if (page_order == PageOrder::none && random != nullptr)
    std::shuffle(out.orders.begin(), out.orders.end(), *random);
  if (out.orders.size() > page_rows) out.orders.resize(page_rows);
  if (!out.orders.empty()) out.end_id = out.orders.back().order_id;
}

void FakeVenue::answer(const domain::Lookup& lookup, VenueMs at, domain::LookupReply& out) const {
  using domain::LookupKind;
  using domain::LookupStatus;
  out.clear();
  const bool jitters = random != nullptr && clock_jitter_ms > 0;
  const VenueMs jitter =
      jitters ? static_cast<VenueMs>((*random)() % static_cast<std::uint64_t>(2 * clock_jitter_ms + 1)) -
                    clock_jitter_ms
              : 0;
  out.venue_ms = at + jitter + (lookup.kind == LookupKind::positions ? position_clock_ms : reply_clock_ms);
  out.status = LookupStatus::ok;
  if (lookup.kind == LookupKind::positions) {
    const VenueMs seen = seen_at(at, position_lag_ms);
    std::vector<domain::Instrument> done;
    for (const FakeChange& change : changes) {
      bool known = false;
      for (const auto& other : done) known = known || same_instrument(other, change.instrument);
      if (known) continue;
      done.push_back(change.instrument);
      const auto held = holding(change.instrument, seen);
      for (const auto side : {domain::PositionSide::long_side, domain::PositionSide::short_side})
        if (!held.held(side).is_zero()) out.positions.push_back({change.instrument, side, held.held(side)});
    }
    return;
  }
  if (lookup.kind == LookupKind::reversal_history) {
    answer_history(lookup, at, out);
    return;
  }
  if (lookup.kind == LookupKind::fills) {
    out.status = lists_fills ? LookupStatus::ok : LookupStatus::absent;
    if (lists_fills) list_fills(lookup, seen_at(at, history_lag_ms), out);
    return;
  }
  const VenueMs seen = seen_at(at, order_lag_ms);
  for (const FakeOrder& order : orders) {
    if (order.row.created_venue_ms > seen) continue;
    switch (lookup.kind) {
      case LookupKind::order_by_client_oid:
        if (!order.named || order.row.client_oid != lookup.client_oid) continue;
        break;
      case LookupKind::order_by_order_id:
        if (order.row.order_id != lookup.order_id) continue;
        break;
      default:
        continue;
    }
    out.orders.push_back(row_at(order, seen));
    return;
  }
  out.status = LookupStatus::not_found;
}

/// Executions of the symbol: of the orders here, and of others who traded.
void FakeVenue::list_fills(const domain::Lookup& lookup, VenueMs seen, domain::LookupReply& out) const {
  for (const FakeOrder& order : orders) {
    const VenueMs time = order.row.updated_venue_ms + order.clock_ms;
    if (order.row.filled.is_zero() || order.row.updated_venue_ms > seen || time < lookup.since_venue_ms)
      continue;
    if (same_instrument(order.row.instrument, lookup.instrument))
      out.fills.push_back({order.row.order_id, order.row.filled, time});
  }
  for (const FakeChange& change : changes) {
    if (change.order == 0 || change.at > seen || change.at < lookup.since_venue_ms) continue;
    if (same_instrument(change.instrument, lookup.instrument) &&
        (change.long_by != 0 || change.short_by != 0))
      out.fills.push_back({wire::OrderId{std::to_string(change.order)}, units(1), change.at});
  }
}

}  // namespace backhand::order::test
