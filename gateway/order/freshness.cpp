#include "gateway/order/freshness.hpp"

#include <algorithm>

#include "gateway/order/legs.hpp"
#include "gateway/order/page_walk.hpp"

namespace backhand::order {

namespace {

/// A lag that was seen is allowed for at least so long after it was seen last.
constexpr VenueMs kRemembered_ms = 600'000;
/// What is missing for longer is taken as never listed: pages without it prove nothing, but no wait would
/// help.
constexpr VenueMs kMostLag_ms = 300'000;

/// Whether the page should show the order: it is all there is, or the order lies within its rows.
bool belongs_on(const wire::OrderId& order_id, std::span<const domain::OrderRow> rows) noexcept {
  if (rows.size() < PageWalk::kLeastPage) return true;
  const auto first = rows.front().order_id.view();
  const auto last = rows.back().order_id.view();
  return is_older(first, last) ? is_older(order_id.view(), last) : is_older(last, order_id.view());
}

}  // namespace

void KnownOrders::remember(const domain::OrderRow& row, bool listed) noexcept {
  for (Known& known : known_) {
    if (known.order_id != row.order_id) continue;
    known.listed = known.listed || listed;
    known.ended_venue_ms = std::max(known.ended_venue_ms, touched_venue_ms(row));
    return;
  }
  known_[next_] = {row.order_id, row.instrument.symbol, row.created_venue_ms, touched_venue_ms(row), listed,
                   /*seen=*/true};
  next_ = (next_ + 1) % kMost;
}

void KnownOrders::expect_all() noexcept {
  for (Known& known : known_) known.seen = false;
}

bool KnownOrders::note_page(std::span<const domain::OrderRow> rows, VenueMs since,
                            const wire::SymbolName& symbol, VenueMs as_of) noexcept {
  bool shows_ours = false;
  for (Known& known : known_) {
    if (known.order_id.empty()) continue;
    const bool here = std::any_of(rows.begin(), rows.end(), [&](const domain::OrderRow& row) {
      return row.order_id == known.order_id && is_final(row);
    });
    known.seen = known.seen || here;
    shows_ours = shows_ours || here;
  }
  if (shows_ours) return true;
  return std::none_of(known_.begin(), known_.end(), [&](const Known& known) {
    return is_missing(known, since, symbol, as_of) && belongs_on(known.order_id, rows);
  });
}

bool KnownOrders::is_missing(const Known& known, VenueMs since, const wire::SymbolName& symbol,
                             VenueMs as_of) noexcept {
  return !known.order_id.empty() && !known.seen && known.created_venue_ms >= since &&
         (symbol.empty() || symbol == known.symbol) && known.ended_venue_ms < as_of;
}

VenueMs KnownOrders::missing_since(VenueMs since, const wire::SymbolName& symbol,
                                   VenueMs as_of) const noexcept {
  VenueMs oldest = 0;
  for (const Known& known : known_) {
    if (!is_missing(known, since, symbol, as_of)) continue;
    if (oldest == 0 || known.ended_venue_ms < oldest) oldest = known.ended_venue_ms;
  }
  return oldest;
}

VenueMs KnownOrders::newest_listed() const noexcept {
  VenueMs newest = 0;
  for (const Known& known : known_)
    if (known.listed) newest = std::max(newest, known.created_venue_ms);
  return newest;
}

void SeenLag::note(VenueMs lag, VenueMs at) noexcept {
  if (lag > kMostLag_ms) return;
  lag_ = std::max(lag, allowance(at) / 2);
  seen_at_ = std::max(seen_at_, at);
}

VenueMs SeenLag::allowance(VenueMs at) const noexcept {
  return at - seen_at_ > std::max(kRemembered_ms, 4 * lag_) ? 0 : 2 * lag_;
}

}  // namespace backhand::order
