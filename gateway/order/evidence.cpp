#include "gateway/order/evidence.hpp"

#include <algorithm>

#include "gateway/order/legs.hpp"

namespace backhand::order {

namespace {

using domain::OrderRow;

/// Clocks that differ by more than is believed, but by less than this, must not make anything false.
constexpr VenueMs kFarOff_ms = 1'000;

/// Nothing new can happen once the request itself is dead and every row seen has rested for the grace. A row
/// that is ours shows that the request has arrived: then only the grace is left. A reply shows that moment
/// when it is later by the look-ups' lag, and its time may be of another clock than the rows' and the one
/// that checks timestamps.
VenueMs quiet_venue_ms(const CaseEvidence& evidence, const Settings& settings) noexcept {
  const auto grace = static_cast<VenueMs>(settings.execution_grace_ms);
  VenueMs rested = evidence.filled_venue_ms == 0 ? 0 : evidence.filled_venue_ms + grace;
  bool ours = false;
  for (std::size_t i = 0; i < evidence.row_count; ++i) {
    rested = std::max(rested, touched_venue_ms(evidence.rows[i]) + grace);
    ours = ours || is_ours_by_id(evidence.facts, evidence.rows[i]);
  }
  return settings.clock_skew_ms + evidence.lag_ms +
         (ours ? rested : std::max(rested, burnt_venue_ms(evidence.facts, settings)));
}

void start_over(CaseEvidence& evidence, const Settings& settings) noexcept {
  evidence.history = {};
  evidence.client_oid_absent = {};
  evidence.order_id_absent = {};
  evidence.fills_listed = {};
  evidence.fills_denied = {};
  evidence.quiet_venue_ms = quiet_venue_ms(evidence, settings);
}

/// Keeps what is newest of two versions of one order. Replies overtake one another, so a final order never
/// becomes live again and executions never shrink; what only one version tells is kept from either.
bool merge(OrderRow& known, const OrderRow& row) noexcept {
  bool changed = false;
  if (known.client_oid.empty() && !row.client_oid.empty()) {
    known.client_oid = row.client_oid;
    changed = true;
  }
  if (known.role == domain::LegRole::unstated && row.role != domain::LegRole::unstated) {
    known.role = row.role;
    changed = true;
  }
  if (!known.has_position_side && row.has_position_side) {
    known.has_position_side = true;
    known.position_side = row.position_side;
    changed = true;
  }
  known.from_reversal = known.from_reversal || row.from_reversal;
  const bool newer = row.updated_venue_ms > known.updated_venue_ms || row.filled > known.filled ||
                     (is_final(row) && !is_final(known));
  const bool backwards = row.filled < known.filled || (is_final(known) && !is_final(row));
  if (newer && !backwards) {
    known.state = row.state;
    known.size = row.size;
    known.filled = row.filled;
    known.updated_venue_ms = std::max(known.updated_venue_ms, row.updated_venue_ms);
    changed = true;
  }
  return changed;
}

/// More orders than fit: the last place stands for them, as an order that is nobody's of ours.
void note_traded(CaseEvidence& evidence, const wire::OrderId& order_id) noexcept {
  const auto end = evidence.traded.begin() + evidence.traded_count;
  if (std::find(evidence.traded.begin(), end, order_id) != end) return;
  if (evidence.traded_count < evidence.traded.size())
    evidence.traded[evidence.traded_count++] = order_id;
  else
    evidence.traded.back() = {};
}

/// Room for a new row. A row of ours pushes one out that is not.
OrderRow* place_for(CaseEvidence& evidence, bool ours) noexcept {
  if (evidence.row_count < CaseEvidence::kMaxRows) return &evidence.rows[evidence.row_count++];
  evidence.overflow = true;
  if (!ours) return nullptr;
  for (OrderRow& known : evidence.rows)
    if (!is_ours_by_id(evidence.facts, known)) return &known;
  return nullptr;
}

}  // namespace

CaseEvidence begin_case(const CaseFacts& facts, const Settings& settings) noexcept {
  CaseEvidence evidence;
  evidence.facts = facts;
  evidence.lag_ms = static_cast<VenueMs>(settings.lookup_lag_ms);
  const VenueMs from = facts.before.read_venue_ms > 0 ? facts.before.read_venue_ms : facts.signed_venue_ms;
  evidence.traded_from_venue_ms =
      from - settings.execution_grace_ms - settings.clock_skew_ms - evidence.lag_ms;
  evidence.quiet_venue_ms = quiet_venue_ms(evidence, settings);
  return evidence;
}

void widen_lag(CaseEvidence& evidence, VenueMs lag_ms, const Settings& settings) noexcept {
  if (lag_ms <= evidence.lag_ms) return;
  evidence.lag_ms = lag_ms;
  start_over(evidence, settings);
}

bool is_ours_by_id(const CaseFacts& facts, const OrderRow& row) noexcept {
  return (!facts.client_oid.empty() && row.client_oid == facts.client_oid) ||
         (!facts.order_id.empty() && row.order_id == facts.order_id);
}

bool has_before(const CaseFacts& facts) noexcept {
  if (facts.before.read_venue_ms <= 0) return false;
  return !facts.recovered || facts.before.read_venue_ms <= written_venue_ms(facts);
}

bool take_row(CaseEvidence& evidence, const OrderRow& row, const Settings& settings) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (!same_instrument(facts.instrument, row.instrument)) return false;
  const bool ours = is_ours_by_id(facts, row);
  if (!ours) {
    if (!row.from_reversal ||
        row.created_venue_ms > last_creation_venue_ms(facts, settings) + settings.clock_skew_ms)
      return false;
    if (row.created_venue_ms + settings.clock_skew_ms < written_venue_ms(facts)) {
      const bool near = row.created_venue_ms + kFarOff_ms >= written_venue_ms(facts);
      const bool earlier = row.order_id == evidence.earlier[0] || row.order_id == evidence.earlier[1] ||
                           row.created_venue_ms <= evidence.earlier_leg_venue_ms;
      evidence.early_row =
          evidence.early_row || (near && !earlier && !row.filled.is_zero() && is_nameless(row));
      evidence.early_other = evidence.early_other || (near && !earlier && row.from_api && !is_nameless(row));
      return false;
    }
    if (!row.from_api) {
      const bool news = !row.filled.is_zero() && !evidence.foreign_reversal;
      evidence.foreign_reversal = evidence.foreign_reversal || news;
      return news;
    }
  }
  for (std::size_t i = 0; i < evidence.row_count; ++i) {
    if (evidence.rows[i].order_id != row.order_id) continue;
    if (!merge(evidence.rows[i], row)) return false;
    start_over(evidence, settings);
    return true;
  }
  OrderRow* place = place_for(evidence, ours);
  if (place == nullptr) return false;
  *place = row;
  start_over(evidence, settings);
  return true;
}

bool take_fills(CaseEvidence& evidence, std::span<const domain::FillRow> fills,
                const Settings& settings) noexcept {
  Decimal total;
  VenueMs last = 0;
  for (const domain::FillRow& fill : fills) {
    if (fill.order_id == evidence.facts.order_id) {
      total = total + fill.size;
      last = std::max(last, fill.time_venue_ms);
    }
    const bool earlier = fill.order_id == evidence.earlier[0] || fill.order_id == evidence.earlier[1];
    if (!earlier && fill.time_venue_ms >= evidence.traded_from_venue_ms) note_traded(evidence, fill.order_id);
  }
  if (total <= evidence.filled_by_id) return false;
  evidence.filled_by_id = total;
  evidence.filled_venue_ms = last;
  const auto end = evidence.rows.begin() + evidence.row_count;
  const bool listed = std::any_of(evidence.rows.begin(), end,
                                  [&](const OrderRow& row) { return is_ours_by_id(evidence.facts, row); });
  // Beside a row of ours they are nothing new.
  if (!listed) start_over(evidence, settings);
  return true;
}

void take_position(CaseEvidence& evidence, const domain::PositionSnapshot& snapshot,
                   const Settings& settings) noexcept {
  if (evidence.facts.mode == domain::PositionMode::one_way && !snapshot.long_size.is_zero() &&
      !snapshot.short_size.is_zero())
    return;
  if (snapshot.read_venue_ms < evidence.latest.read_venue_ms) return;
  evidence.latest = snapshot;
  const CaseFacts& facts = evidence.facts;
  // A read that lags may show what was held before the position's last reversal, which looks alike.
  const VenueMs lag =
      static_cast<VenueMs>(settings.execution_grace_ms) + settings.clock_skew_ms + evidence.lag_ms;
  const VenueMs turn_from = evidence.earlier_leg_venue_ms == 0 ? 0 : evidence.earlier_leg_venue_ms + lag;
  const auto turned = [&](const domain::PositionSnapshot& read) {
    const Decimal whole = wanted(facts);
    return read.read_venue_ms + settings.clock_skew_ms >= written_venue_ms(facts) &&
           read.read_venue_ms >= turn_from && has_before(facts) && !whole.is_zero() &&
           is_exact(facts, read, whole, whole);
  };
  const bool shows = evidence.shown.read_venue_ms >= evidence.quiet_venue_ms || turned(evidence.shown);
  if (!shows && (snapshot.read_venue_ms >= evidence.quiet_venue_ms || turned(snapshot)))
    evidence.shown = snapshot;
}

std::optional<domain::PositionSnapshot> snapshot_of(const domain::LookupReply& reply,
                                                    const domain::Instrument& instrument) noexcept {
  if (reply.status != domain::LookupStatus::ok || reply.truncated || reply.venue_ms <= 0) return std::nullopt;
  if (reply.may_hide(instrument)) return std::nullopt;
  domain::PositionSnapshot snapshot;
  snapshot.read_venue_ms = reply.venue_ms;
  for (const domain::PositionRow& row : reply.positions) {
    if (!same_instrument(instrument, row.instrument)) continue;
    (row.side == domain::PositionSide::long_side ? snapshot.long_size : snapshot.short_size) = row.total;
  }
  return snapshot;
}

bool same_instrument(const domain::Instrument& a, const domain::Instrument& b) noexcept {
  if (a.product != b.product || a.symbol != b.symbol) return false;
  return a.margin_coin.empty() || b.margin_coin.empty() || a.margin_coin == b.margin_coin;
}

}  // namespace backhand::order
