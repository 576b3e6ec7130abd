#include "gateway/order/evidence.hpp"

#include <algorithm>

#include "gateway/order/legs.hpp"

namespace backhand::order {

namespace {

using domain::OrderRow;

/// Nothing new can appear once the request itself is dead and every row seen has rested for the grace. A row
/// that is ours shows that the request has arrived: then only the grace is left.
VenueMs quiet_venue_ms(const CaseEvidence& evidence, const Settings& settings) noexcept {
  const auto grace = static_cast<VenueMs>(settings.execution_grace_ms);
  VenueMs rested = evidence.filled_venue_ms == 0 ? 0 : evidence.filled_venue_ms + grace;
  bool ours = false;
  for (std::size_t i = 0; i < evidence.row_count; ++i) {
    rested = std::max(rested, touched_venue_ms(evidence.rows[i]) + grace);
    ours = ours || is_ours_by_id(evidence.facts, evidence.rows[i]);
  }
  return ours ? rested : std::max(rested, burnt_venue_ms(evidence.facts, settings));
}

void start_over(CaseEvidence& evidence, const Settings& settings) noexcept {
  evidence.history = {};
  evidence.client_oid_absent = {};
  evidence.order_id_absent = {};
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
  evidence.quiet_venue_ms = quiet_venue_ms(evidence, settings);
  return evidence;
}

bool is_ours_by_id(const CaseFacts& facts, const OrderRow& row) noexcept {
  const bool named = (!facts.client_oid.empty() && row.client_oid == facts.client_oid) ||
                     (!facts.order_id.empty() && row.order_id == facts.order_id);
  return named && row.created_venue_ms >= facts.signed_venue_ms;
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
    if (!row.from_reversal || row.created_venue_ms < written_venue_ms(facts) ||
        row.created_venue_ms > last_creation_venue_ms(facts, settings))
      return false;
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
    if (fill.order_id != evidence.facts.order_id || fill.time_venue_ms < evidence.facts.signed_venue_ms)
      continue;
    total = total + fill.size;
    last = std::max(last, fill.time_venue_ms);
  }
  if (total <= evidence.filled_by_id) return false;
  evidence.filled_by_id = total;
  evidence.filled_venue_ms = last;
  start_over(evidence, settings);
  return true;
}

void take_position(CaseEvidence& evidence, const domain::PositionSnapshot& snapshot) noexcept {
  if (evidence.facts.mode == domain::PositionMode::one_way && !snapshot.long_size.is_zero() &&
      !snapshot.short_size.is_zero())
    return;
  if (snapshot.read_venue_ms >= evidence.latest.read_venue_ms) evidence.latest = snapshot;
}

std::optional<domain::PositionSnapshot> snapshot_of(const domain::LookupReply& reply,
                                                    const domain::Instrument& instrument) noexcept {
  if (reply.status != domain::LookupStatus::ok || reply.truncated || reply.venue_ms <= 0) return std::nullopt;
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
