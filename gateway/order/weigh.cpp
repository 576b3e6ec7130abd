// The judgement: evidence in, finding out. The order of the rules is the order of README.md's table.
#include <algorithm>
#include <cstddef>
#include <optional>

#include "gateway/order/evidence.hpp"
#include "gateway/order/legs.hpp"

namespace backhand::order {

namespace {

using domain::OrderRow;
using domain::OrderState;
using domain::PositionMode;
using domain::PositionSide;
using domain::PositionSnapshot;
using wire::SettledResult;

bool same_holding(const PositionSnapshot& a, const PositionSnapshot& b) noexcept {
  return a.long_size == b.long_size && a.short_size == b.short_size;
}

/// What the position's change from before to now shows; empty where it is not one that a reversal makes.
struct Moved {
  Decimal closed;
  Decimal opened;
};
std::optional<Moved> moved_of(const CaseFacts& facts, const PositionSnapshot& after) noexcept {
  const PositionSide other = domain::opposite(facts.held_side);
  const Decimal held = facts.before.held(facts.held_side);
  if (after.held(facts.held_side) >= held || after.held(other) < facts.before.held(other))
    return std::nullopt;
  return Moved{held - after.held(facts.held_side), after.held(other) - facts.before.held(other)};
}

void name_legs(const Legs& legs, Finding& finding) noexcept {
  const OrderRow* named = legs.close_ours ? legs.close : legs.open_ours ? legs.open : legs.close;
  const OrderRow* other = named == legs.close ? legs.open : legs.close;
  if (named != nullptr) finding.order_id = named->order_id;
  if (other != nullptr) finding.sibling_id = other->order_id;
  finding.closed = legs.close == nullptr ? Decimal{} : legs.close->filled;
  finding.opened = legs.open == nullptr ? Decimal{} : legs.open->filled;
  for (const OrderRow* leg : {legs.close, legs.open})
    if (leg != nullptr)
      finding.last_leg_venue_ms = std::max(finding.last_leg_venue_ms, touched_venue_ms(*leg));
}

void prove(Finding& finding, SettledResult result, Ground ground) noexcept {
  finding.proven = true;
  finding.result = result;
  finding.ground = ground;
}

bool has_traded(const CaseEvidence& evidence, const wire::OrderId& order_id) noexcept {
  const auto end = evidence.traded.begin() + evidence.traded_count;
  return std::find(evidence.traded.begin(), end, order_id) != end;
}

/// A whole list of the instrument's executions names none but the orders of this reversal, and is so much
/// later than the read of the position that everything that the read can show is in it.
bool nobody_else_traded(const CaseEvidence& evidence, const Settings& settings, const Legs& legs) noexcept {
  const VenueMs whole_from =
      evidence.shown.read_venue_ms + settings.execution_grace_ms + settings.clock_skew_ms + evidence.lag_ms;
  if (evidence.shown.read_venue_ms == 0 || evidence.fills_listed.last_venue_ms < whole_from ||
      evidence.foreign_reversal)
    return false;
  for (std::size_t i = 0; i < evidence.traded_count; ++i) {
    const wire::OrderId& id = evidence.traded[i];
    const bool known = id == legs.close->order_id || (legs.open != nullptr && id == legs.open->order_id);
    if (!known) return false;
  }
  return true;
}

/// Two orders, and the closing one did more than could be: it may be both legs in one, and the other one
/// somebody else's.
bool closes_more_than_wanted(const CaseFacts& facts, const Finding& finding) noexcept {
  if (facts.has_size && finding.closed > facts.size) return true;
  return has_before(facts) && finding.closed > facts.before.held(facts.held_side);
}

/// The sibling carries no id, and the position shows what our order alone would have done and not what both
/// would: the sibling may be of a reversal before, or somebody else may have traded. Two stories fit.
bool fits_without_sibling(const CaseEvidence& evidence, const Legs& legs) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (!has_before(facts)) return false;
  const Decimal closed = legs.close->filled;
  const Decimal opened = legs.open->filled;
  if (is_exact(facts, evidence.latest, closed, opened)) return false;
  return is_exact(facts, evidence.latest, legs.close_ours ? closed : opened, {});
}

/// Two orders, both executed in full. Nothing can come after that, so no grace is waited for; the position is
/// read to say what it is now, and to vouch for a sibling that carries no id.
void weigh_complete(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                    Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const PositionSnapshot& now = evidence.latest;
  const bool sure = legs.close_ours && legs.open_ours;
  if (!sure && closes_more_than_wanted(facts, finding)) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  const bool exact = has_before(facts) && is_exact(facts, now, finding.closed, finding.opened);
  const bool shows_legs =
      exact || (facts.mode == PositionMode::one_way && now.held(facts.held_side).is_zero() &&
                now.held(domain::opposite(facts.held_side)) == finding.opened);
  // The read's clock may be ahead of the orders' clock or behind it.
  const bool may_be_later = now.read_venue_ms + settings.clock_skew_ms >= finding.last_leg_venue_ms;
  const bool is_later = now.read_venue_ms >= finding.last_leg_venue_ms + settings.clock_skew_ms;
  const bool settled_down = now.read_venue_ms >= finding.last_leg_venue_ms + settings.clock_skew_ms +
                                                     static_cast<VenueMs>(settings.execution_grace_ms) +
                                                     evidence.lag_ms;
  const bool moved_otherwise =
      has_before(facts) ? !exact : facts.mode == PositionMode::one_way && !shows_legs;
  finding.wants_position = true;
  const Ground ground = sure ? Ground::legs_by_id : Ground::leg_and_sibling;
  const bool seen = exact ? may_be_later : sure && shows_legs && is_later;
  finding.foreign_change = evidence.foreign_reversal || ((seen || settled_down) && moved_otherwise);
  if (!sure && (legs.unclaimed || evidence.early_other || fits_without_sibling(evidence, legs))) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (seen && (!legs.weak || (is_exact(facts, evidence.shown, finding.closed, finding.opened) &&
                              nobody_else_traded(evidence, settings, legs)))) {
    prove(finding, SettledResult::reversed, ground);
    return;
  }
  // Not what was expected: either the read lags behind the legs, or others traded. The grace tells.
  if (!sure && (legs.weak || !evidence.history.done(settings))) {
    finding.wants_fills = legs.weak && evidence.history.done(settings);
    finding.ground = legs.weak ? Ground::ambiguous_rows : Ground::no_evidence;
    return;
  }
  prove(finding, SettledResult::reversed, ground);
  finding.lacks_position = !settled_down;
}

/// Only the opening leg is listed, and says so. It follows a closing one by its nature; how much that closed
/// is for the position to say, exactly or not at all.
void weigh_open_alone(const CaseEvidence& evidence, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  finding.opened = finding.closed;
  finding.closed = wanted(facts);
  if (!has_before(facts) || finding.opened > finding.closed ||
      !is_exact(facts, evidence.latest, finding.closed, finding.opened)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  finding.foreign_change = evidence.foreign_reversal;
  prove(finding, result_of(finding.closed, finding.opened), Ground::open_leg_alone);
}

/// One executed order that does not say which leg it is. It is the whole reversal, listed with the size of
/// one leg or of both, or it is a leg alone. Where nobody else traded, the position shows what was executed,
/// and the order must be able to have done that.
void weigh_one_order(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                     Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const Decimal filled = legs.close->filled;
  finding.wants_fills = true;
  finding.ground = Ground::no_evidence;
  const bool denied = evidence.fills_denied.done(settings);
  if (!evidence.fills_listed.begun() && !denied) return;
  finding.ground = Ground::unexplained_position;
  const PositionSnapshot& shown = evidence.shown;
  std::optional<Moved> moved;
  if (has_before(facts)) {
    moved = moved_of(facts, shown);
  } else if (facts.mode == PositionMode::one_way && shown.held(facts.held_side).is_zero()) {
    // Not known what was held: then only an order of one leg's size shows what was closed.
    moved = Moved{filled, shown.held(domain::opposite(facts.held_side))};
    if (!moved->opened.is_zero() && moved->opened != filled) return;
  }
  if (!moved || evidence.foreign_reversal || moved->opened > moved->closed) return;
  if (has_before(facts) && moved->closed > wanted(facts)) return;
  if (filled < moved->closed && filled < moved->opened) return;
  if (filled > moved->closed + moved->opened) return;
  // Where the venue does not list executions under the number of the order, only a position that turned
  // around exactly, by an order of exactly one leg's size or both's, is believed.
  const bool listed = evidence.fills_listed.begun() && has_traded(evidence, legs.close->order_id);
  const bool whole = has_before(facts) && moved->closed == wanted(facts) && moved->opened == moved->closed &&
                     (filled == moved->closed || filled == moved->closed + moved->opened);
  if (listed ? !nobody_else_traded(evidence, settings, legs) : !whole) return;
  finding.closed = moved->closed;
  finding.opened = moved->opened;
  finding.foreign_change =
      has_before(facts) && !is_exact(facts, evidence.latest, finding.closed, finding.opened);
  prove(finding, result_of(finding.closed, finding.opened), Ground::position_and_order);
}

/// The position moved towards a reversal by more than the rows account for: a leg may be hidden, so that a
/// smaller result than `reversed` must not be given.
bool hides_a_leg(const CaseEvidence& evidence, const Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (evidence.foreign_reversal) return false;
  // Any read since counts: a stop may have taken away what an earlier one showed.
  const PositionSide side = domain::opposite(facts.held_side);
  const Decimal shown = evidence.shown.read_venue_ms == 0 ? Decimal{} : evidence.shown.held(side);
  const Decimal latest = evidence.latest.held(side);
  const Decimal other = latest < shown ? shown : latest;
  if (facts.mode == PositionMode::one_way) return other > finding.opened;
  return has_before(facts) && other > facts.before.held(domain::opposite(facts.held_side)) + finding.opened;
}

/// Executed in part as far as one sees. The rest may be late, so the grace and the second look are waited
/// for.
void weigh_partial(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                   Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const bool read = evidence.latest.read_venue_ms >= evidence.quiet_venue_ms;
  const bool alone = legs.open == nullptr;
  // An early read that shows the position turned around is what a single order is judged by.
  const bool wants_turn = alone && evidence.shown.read_venue_ms == 0 && !only_closes(*legs.close);
  finding.wants_position = wants_turn || (evidence.seen_venue_ms >= evidence.quiet_venue_ms && !read);
  if (!evidence.history.done(settings) || !read) {
    finding.ground = Ground::no_evidence;
    return;
  }
  // From here on a newer read is the only thing that could still help.
  finding.wants_position = true;
  const bool sure = alone || (legs.close_ours && legs.open_ours);
  // Nor by ids: an order may have been listed as both legs first and as one of two later.
  if (!alone && closes_more_than_wanted(facts, finding)) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (!sure &&
      (legs.unclaimed || legs.weak || evidence.early_other || fits_without_sibling(evidence, legs))) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (alone && !legs.close->filled.is_zero() && !only_closes(*legs.close)) {
    if (legs.unclaimed)
      finding.ground = Ground::ambiguous_rows;
    else if (only_opens(*legs.close, facts))
      weigh_open_alone(evidence, finding);
    else
      weigh_one_order(evidence, settings, legs, finding);
    return;
  }
  if (alone && legs.unclaimed) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (hides_a_leg(evidence, finding)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  const bool exact = has_before(facts) && is_exact(facts, evidence.latest, finding.closed, finding.opened);
  if (alone && evidence.early_row && (!exact || !facts.recovered)) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  finding.foreign_change = evidence.foreign_reversal || (has_before(facts) && !exact);
  const SettledResult result = result_of(finding.closed, finding.opened);
  const Ground ground = result == SettledResult::not_executed ? Ground::order_without_fill
                        : sure                                ? Ground::legs_by_id
                                                              : Ground::leg_and_sibling;
  prove(finding, result, ground);
}

Finding weigh_legs(const CaseEvidence& evidence, const Settings& settings, const Legs& legs) noexcept {
  Finding finding;
  if (legs.ambiguous) {
    finding.ground = Ground::ambiguous_rows;
    return finding;
  }
  name_legs(legs, finding);
  const bool close_open = !is_final(*legs.close);
  const bool open_open = legs.open != nullptr && !is_final(*legs.open);
  if (close_open || open_open) {
    finding.ground = Ground::never_final;
    // History may be the one that is late.
    finding.wants_names = true;
    return finding;
  }
  const bool complete = legs.open != nullptr && legs.close->state == OrderState::filled &&
                        legs.open->state == OrderState::filled && !finding.closed.is_zero() &&
                        finding.opened == finding.closed;
  if (complete)
    weigh_complete(evidence, settings, legs, finding);
  else
    weigh_partial(evidence, settings, legs, finding);
  return finding;
}

/// The only reversal there carries nobody's id. It is taken for ours only where it explains the position to
/// the last digit.
void weigh_nameless(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                    Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  name_legs(legs, finding);
  finding.ground = Ground::unexplained_position;
  if (!is_final(*legs.close) || (legs.open != nullptr && !is_final(*legs.open))) {
    finding.ground = Ground::never_final;
    return;
  }
  if (evidence.foreign_reversal || finding.closed.is_zero() || !has_before(facts)) return;
  if (legs.open == nullptr && !only_closes(*legs.close)) {
    weigh_one_order(evidence, settings, legs, finding);
  } else if (is_exact(facts, evidence.latest, finding.closed, finding.opened)) {
    prove(finding, result_of(finding.closed, finding.opened), Ground::pair_without_id);
  }
  if (!finding.proven) return;
  finding.ground = Ground::pair_without_id;
  if (finding.closed == wanted(facts)) return;
  finding.proven = false;
  finding.ground = Ground::unexplained_position;
}

/// The order is nowhere, but executions of the ack's order id are.
void weigh_fills(const CaseEvidence& evidence, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const Decimal size = evidence.filled_by_id;
  if (!has_before(facts) || size != wanted(facts) || !is_exact(facts, evidence.latest, size, size)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  finding.closed = finding.opened = size;
  finding.order_id = facts.order_id;
  finding.last_leg_venue_ms = evidence.filled_venue_ms;
  prove(finding, SettledResult::reversed, Ground::fills_by_id);
}

/// Nothing that could be ours is there, and nothing can come any more.
void weigh_nothing(const CaseEvidence& evidence, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const PositionSide other = domain::opposite(facts.held_side);
  const PositionSnapshot& now = evidence.latest;
  const bool unchanged = has_before(facts) && same_holding(facts.before, now);
  // An accepted order that is not there is odd enough to want the position untouched as well.
  const bool accepted = facts.answer == Answer::acked;
  const bool looks_reversed = has_before(facts) &&
                              now.held(facts.held_side) < facts.before.held(facts.held_side) &&
                              now.held(other) > facts.before.held(other);
  if ((accepted && (!unchanged || evidence.foreign_reversal)) ||
      (looks_reversed && !evidence.foreign_reversal)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  // After a restart it may be of a reversal before: then only a position that moved speaks for this one.
  if (evidence.early_row && (!unchanged || !facts.recovered)) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  finding.foreign_change = evidence.foreign_reversal || (has_before(facts) && !unchanged);
  prove(finding, SettledResult::not_executed,
        facts.answer == Answer::doubtful_no ? Ground::refused : Ground::never_arrived);
}

Finding weigh_absence(const CaseEvidence& evidence, const Settings& settings, const Legs& legs) noexcept {
  const CaseFacts& facts = evidence.facts;
  Finding finding;
  finding.ground = Ground::no_evidence;
  finding.wants_names = true;
  const bool read = evidence.latest.read_venue_ms >= evidence.quiet_venue_ms;
  finding.wants_position = evidence.seen_venue_ms >= evidence.quiet_venue_ms && !read;
  const bool absent = evidence.client_oid_absent.done(settings) &&
                      (facts.order_id.empty() || evidence.order_id_absent.done(settings)) &&
                      evidence.history.done(settings);
  if (!absent || !read) {
    if (legs.unclaimed) finding.ground = Ground::ambiguous_rows;
    return finding;
  }
  finding.wants_position = true;
  // Beside another's row just before the window, what carries no id in it may be that one's other leg.
  if (legs.unclaimed || (legs.close != nullptr && evidence.early_other))
    finding.ground = Ground::ambiguous_rows;
  else if (legs.close != nullptr)
    weigh_nameless(evidence, settings, legs, finding);
  else if (!evidence.filled_by_id.is_zero())
    weigh_fills(evidence, finding);
  else
    weigh_nothing(evidence, finding);
  return finding;
}

}  // namespace

Decimal wanted(const CaseFacts& facts) noexcept {
  const Decimal held = facts.before.held(facts.held_side);
  return facts.has_size && facts.size < held ? facts.size : held;
}

bool is_exact(const CaseFacts& facts, const PositionSnapshot& after, Decimal closed,
              Decimal opened) noexcept {
  const PositionSide other = domain::opposite(facts.held_side);
  const PositionSnapshot& before = facts.before;
  return closed <= before.held(facts.held_side) &&
         after.held(facts.held_side) == before.held(facts.held_side) - closed &&
         after.held(other) == before.held(other) + opened;
}

SettledResult result_of(Decimal closed, Decimal opened) noexcept {
  if (opened.is_zero()) return closed.is_zero() ? SettledResult::not_executed : SettledResult::closed_only;
  // All that could be closed was opened again: others had taken the rest away before.
  return opened == closed ? SettledResult::reversed : SettledResult::partly_reversed;
}

bool contradicts(const CaseEvidence& evidence, const Finding& finding,
                 const PositionSnapshot& after) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (finding.result != result_of(finding.closed, finding.opened)) return true;
  if (!has_before(facts)) return false;
  if (!finding.foreign_change) return !is_exact(facts, after, finding.closed, finding.opened);
  // Whatever others did: a position that turned around exactly is not told to be anything less, unless a
  // person's reversal was seen.
  const Decimal whole = wanted(facts);
  return finding.result != SettledResult::reversed && !evidence.foreign_reversal && !whole.is_zero() &&
         is_exact(facts, after, whole, whole);
}

Finding weigh(const CaseEvidence& evidence, const Settings& settings) noexcept {
  const Legs legs = attribute(evidence, settings);
  Finding finding =
      legs.ours > 0 ? weigh_legs(evidence, settings, legs) : weigh_absence(evidence, settings, legs);
  if (finding.proven && !finding.lacks_position && contradicts(evidence, finding, evidence.latest)) {
    finding.proven = false;
    finding.wants_position = true;
    finding.ground = Ground::unexplained_position;
  }
  return finding;
}

}  // namespace backhand::order
