// The judgement: evidence in, finding out. The order of the rules is the order of README.md's table.
#include <algorithm>

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

/// `after` is `before` less `closed` on one side and `opened` more on the other, to the last digit.
bool is_exact(const PositionSnapshot& before, const PositionSnapshot& after, PositionSide closed_side,
              Decimal closed, Decimal opened) noexcept {
  const PositionSide other = domain::opposite(closed_side);
  return closed <= before.held(closed_side) && after.held(closed_side) == before.held(closed_side) - closed &&
         after.held(other) == before.held(other) + opened;
}

/// What a whole reversal would have moved, by what was held before.
Decimal wanted(const CaseFacts& facts) noexcept {
  const Decimal held = facts.before.held(facts.held_side);
  return facts.has_size && facts.size < held ? facts.size : held;
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

/// Both legs executed in full. Nothing can come after that, so no grace is waited for; the position is read
/// to say what it is now, and to vouch for a sibling that carries no id.
void weigh_complete(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                    Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const PositionSnapshot& now = evidence.latest;
  const bool sure = legs.close_ours && legs.open_ours;
  const bool fresh = now.read_venue_ms >= finding.last_leg_venue_ms;
  const bool exact =
      has_before(facts) && is_exact(facts.before, now, legs.closed_side, finding.closed, finding.opened);
  const bool shows_legs = facts.mode == PositionMode::one_way
                              ? now.held(legs.closed_side).is_zero() &&
                                    now.held(domain::opposite(legs.closed_side)) == finding.opened
                              : exact;
  const auto grace = static_cast<VenueMs>(settings.execution_grace_ms);
  const bool settled_down = now.read_venue_ms >= finding.last_leg_venue_ms + grace;
  const bool moved_otherwise =
      has_before(facts) ? !exact : facts.mode == PositionMode::one_way && !shows_legs;
  finding.foreign_change = evidence.foreign_reversal || (fresh && moved_otherwise);
  finding.wants_position = true;
  const Ground ground = sure ? Ground::legs_by_id : Ground::leg_and_sibling;
  if (!sure && legs.unclaimed) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (fresh && (sure ? shows_legs : exact)) {
    prove(finding, SettledResult::reversed, ground);
    return;
  }
  // Not what was expected: either the read lags behind the legs, or others traded. The grace tells.
  if (!sure && (legs.weak || !evidence.history.done(settings))) {
    finding.ground = legs.weak ? Ground::ambiguous_rows : Ground::no_evidence;
    return;
  }
  prove(finding, SettledResult::reversed, ground);
  finding.lacks_position = !settled_down;
}

/// Only the opening leg is listed. It follows a closing one by its nature; how much that closed is for the
/// position to say, exactly or not at all.
void weigh_open_alone(const CaseEvidence& evidence, const Legs& legs, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (!has_before(facts) || legs.closed_side != facts.held_side || finding.opened > wanted(facts) ||
      !is_exact(facts.before, evidence.latest, legs.closed_side, wanted(facts), finding.opened)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  finding.closed = wanted(facts);
  finding.foreign_change = evidence.foreign_reversal;
  const bool whole = finding.opened == finding.closed;
  prove(finding, whole ? SettledResult::reversed : SettledResult::partly_reversed, Ground::open_leg_alone);
}

/// The position moved towards a reversal by more than the rows account for: a leg may be hidden, so that a
/// smaller result than `reversed` must not be given.
bool hides_a_leg(const CaseEvidence& evidence, const Legs& legs, const Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  if (evidence.foreign_reversal) return false;
  const PositionSide other = domain::opposite(legs.closed_side);
  if (facts.mode == PositionMode::one_way) {
    if (evidence.latest.held(other) > finding.opened) return true;
  } else if (has_before(facts) && evidence.latest.held(other) > facts.before.held(other) + finding.opened) {
    return true;
  }
  return legs.close == nullptr && has_before(facts) &&
         evidence.latest.held(legs.closed_side) < facts.before.held(legs.closed_side);
}

SettledResult result_of(const Finding& finding) noexcept {
  if (finding.opened.is_zero())
    return finding.closed.is_zero() ? SettledResult::not_executed : SettledResult::closed_only;
  // All that could be closed was opened again: others had taken the rest away before.
  return finding.opened == finding.closed ? SettledResult::reversed : SettledResult::partly_reversed;
}

/// Executed in part as far as one sees. The rest may be late, so the grace and the second look are waited
/// for.
void weigh_partial(const CaseEvidence& evidence, const Settings& settings, const Legs& legs,
                   Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const bool read = evidence.latest.read_venue_ms >= evidence.quiet_venue_ms;
  finding.wants_position = evidence.seen_venue_ms >= evidence.quiet_venue_ms && !read;
  if (!evidence.history.done(settings) || !read) {
    finding.ground = Ground::no_evidence;
    return;
  }
  // From here on a newer read is the only thing that could still help.
  finding.wants_position = true;
  const bool sure = legs.close_ours && legs.open_ours;
  if (!sure && (legs.unclaimed || legs.weak)) {
    finding.ground = Ground::ambiguous_rows;
    return;
  }
  if (legs.close == nullptr && !finding.opened.is_zero()) {
    weigh_open_alone(evidence, legs, finding);
    return;
  }
  if (finding.opened > finding.closed || hides_a_leg(evidence, legs, finding)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  const bool exact = has_before(facts) && is_exact(facts.before, evidence.latest, legs.closed_side,
                                                   finding.closed, finding.opened);
  finding.foreign_change = evidence.foreign_reversal || (has_before(facts) && !exact);
  const SettledResult result = result_of(finding);
  const Ground ground = result == SettledResult::not_executed ? Ground::order_without_fill
                        : sure || legs.open == nullptr        ? Ground::legs_by_id
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
  const bool close_open = legs.close != nullptr && !is_final(*legs.close);
  const bool open_open = legs.open != nullptr && !is_final(*legs.open);
  if (close_open || open_open) {
    finding.ground = Ground::never_final;
    // History may be the one that is late.
    finding.wants_names = true;
    return finding;
  }
  const bool complete = legs.close != nullptr && legs.open != nullptr &&
                        legs.close->state == OrderState::filled && !finding.closed.is_zero() &&
                        finding.opened == finding.closed;
  if (complete)
    weigh_complete(evidence, settings, legs, finding);
  else
    weigh_partial(evidence, settings, legs, finding);
  return finding;
}

/// The only reversal there carries nobody's id. It is taken for ours only where it explains the position to
/// the last digit.
void weigh_nameless(const CaseEvidence& evidence, const Legs& legs, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  name_legs(legs, finding);
  if (!is_final(*legs.close) || (legs.open != nullptr && !is_final(*legs.open))) {
    finding.ground = Ground::never_final;
    return;
  }
  if (evidence.foreign_reversal || finding.closed.is_zero() || finding.opened > finding.closed ||
      !has_before(facts) || finding.closed != wanted(facts) ||
      !is_exact(facts.before, evidence.latest, legs.closed_side, finding.closed, finding.opened)) {
    finding.ground = Ground::unexplained_position;
    return;
  }
  const bool whole = finding.opened == finding.closed;
  prove(finding, whole ? SettledResult::reversed : result_of(finding), Ground::pair_without_id);
}

/// The order is nowhere, but executions of the ack's order id are.
void weigh_fills(const CaseEvidence& evidence, Finding& finding) noexcept {
  const CaseFacts& facts = evidence.facts;
  const Decimal size = evidence.filled_by_id;
  if (!has_before(facts) || size != wanted(facts) ||
      !is_exact(facts.before, evidence.latest, facts.held_side, size, size)) {
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
  if (legs.unclaimed)
    finding.ground = Ground::ambiguous_rows;
  else if (legs.close != nullptr)
    weigh_nameless(evidence, legs, finding);
  else if (!evidence.filled_by_id.is_zero())
    weigh_fills(evidence, finding);
  else
    weigh_nothing(evidence, finding);
  return finding;
}

}  // namespace

Finding weigh(const CaseEvidence& evidence, const Settings& settings) noexcept {
  const Legs legs = attribute(evidence, settings);
  return legs.ours > 0 ? weigh_legs(evidence, settings, legs) : weigh_absence(evidence, settings, legs);
}

}  // namespace backhand::order
