// From a copied intent to a slot in the pacer: validate, who may, risk, position, one at a time, pacing.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "common/prefetch.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"
#include "gateway/engine/validate.hpp"

namespace backhand::engine {

using order::ReversalEvent;
using order::ReversalState;
using wire::DenyReason;
using wire::EventKind;

BH_ON_PATH void Engine::on_intent(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept {
  ++counters_.intents;
  const StrategyIndex strategy = lane_book_.strategy(lane);
  const DenyReason malformed = validate(intent, lane_book_.taken_mark(lane));
  if (malformed == DenyReason::id_not_increasing) {
    // The mark stays: this id has, or had, an answer of its own.
    deny_at_once(lane, intent, malformed, /*journaled=*/false, now);
    return;
  }
  lane_book_.take(lane, intent.id);
  // These two are what a mad strategy can make without end, so they are not recorded: nothing was sent, and
  // after a restart such an id is either above the taken mark or without a record, which says the same.
  if (malformed != DenyReason::none) {
    deny_at_once(lane, intent, malformed, /*journaled=*/false, now);
    return;
  }
  const DenyReason flooded = risk_.admit_intent(strategy, now);
  if (flooded != DenyReason::none) {
    deny_at_once(lane, intent, flooded, /*journaled=*/false, now);
    return;
  }
  if (intent.created_ns <= lost_until_ns_) [[unlikely]] {
    take(lane, strategy, judged_by_time_lost(intent), now);
    return;
  }
  take(lane, strategy, intent, now);
}

BH_ON_PATH void Engine::take(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent,
                             Ns now) noexcept {
  const DenyReason late = check_deadline(intent, now);
  if (late != DenyReason::none) {
    deny_at_once(lane, intent, late, /*journaled=*/true, now);
    return;
  }
  switch (intent.kind) {
    case wire::IntentKind::reverse:
      take_reversal(lane, strategy, intent, now);
      return;
    case wire::IntentKind::withdraw:
      withdraw(lane, intent, now);
      return;
    case wire::IntentKind::arm:
      arm(lane, strategy, intent, now);
      return;
    case wire::IntentKind::fire:
      fire_shot(lane, strategy, intent, now);
      return;
    case wire::IntentKind::disarm:
      disarm(lane, intent, now);
      return;
  }
  BH_ASSERT(false && "validate lets no other kind through");
}

BH_ON_PATH void Engine::take_reversal(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent,
                                      Ns now) noexcept {
  const Directory::Found found = directory_.find(intent);
  if (!found.position.valid() || !risk_.entitled(strategy, found.position)) {
    const DenyReason reason =
        found.account_known ? DenyReason::unknown_instrument : DenyReason::unknown_account;
    deny_at_once(lane, intent, reason, /*journaled=*/true, now);
    return;
  }
  expect(found.position);
  dialect_.expect(found.position, intent.position_side);
  admit_and_submit(lane, strategy, intent, found.position, kNoSlot, now);
}

/// All that a reversal of this position reads or writes some hundreds of nanoseconds from here, and that is
/// far away where many positions take turns.
void Engine::expect(PositionIndex position) const noexcept {
  book_.expect(position);
  risk_.expect(position);
  if (!free_slots_.empty()) prefetch_to_write(slots_[free_slots_.back()]);
  const PositionEntry& entry = directory_[position];
  prefetch(contracts_[entry.instrument.value]);
  pacer_.budget().expect(entry.account);
}

BH_ON_PATH void Engine::admit_and_submit(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent,
                                         PositionIndex position, std::uint32_t shot, Ns now) noexcept {
  const DenyReason reason = admit(strategy, intent, position, now);
  if (reason == DenyReason::contract_closed) note_closed(position, now);
  const bool waits = reason == DenyReason::position_busy &&
                     config_.strategies[strategy.value].when_busy == config::WhenBusy::wait;
  if (reason != DenyReason::none && !waits) {
    deny_at_once(lane, intent, reason, /*journaled=*/true, now);
    return;
  }
  const std::uint32_t slot = allocate(lane, strategy, position, intent, now);
  if (slot == kNoSlot) {
    deny_at_once(lane, intent, DenyReason::capacity, /*journaled=*/true, now);
    return;
  }
  if (shot != kNoSlot) {
    step(shots_[shot], order::ShotEvent::fired);
    shots_[shot].reversal = slot;
    slots_[slot].shot = shot;
  }
  if (waits) {
    wait_for_position(slot, now);
  } else {
    submit(slot, now);
  }
}

wire::DenyReason Engine::admit_account(PositionIndex position, Ns now) const noexcept {
  if (stopping_) return DenyReason::stopping;
  if (risk_.halted()) return journal_failed_ ? DenyReason::journal_unavailable : DenyReason::halted;
  const PositionEntry& entry = directory_[position];
  const AccountState& account = accounts_[entry.account.value];
  if (account.halted_by_operator) return DenyReason::halted;
  if (account.phase == AccountPhase::halted || account.phase == AccountPhase::refused)
    return DenyReason::account_halted;
  const bool proven = (account.proven >> static_cast<unsigned>(entry.id.product) & 1U) != 0;
  if (account.phase != AccountPhase::ready || !proven || !clock_.known(now)) return DenyReason::not_ready;
  return DenyReason::none;
}

wire::DenyReason Engine::admit(StrategyIndex strategy, const wire::Intent& intent, PositionIndex position,
                               Ns now) const noexcept {
  const DenyReason account = admit_account(position, now);
  if (account != DenyReason::none) return account;
  const DenyReason risk = check_risk(strategy, intent, position, now);
  if (risk != DenyReason::none) return risk;
  std::optional<Decimal> expected;
  if ((intent.flags & wire::kHasExpectedSize) != 0)
    expected = Decimal{intent.expected_digits, intent.expected_scale};
  const Ns max_age = static_cast<Ns>(config_.venue.position_max_age_ms) * kMillisecond;
  return book_.check(position, intent.position_side, expected, max_age, now);
}

wire::DenyReason Engine::check_risk(StrategyIndex strategy, const wire::Intent& intent,
                                    PositionIndex position, Ns now) const noexcept {
  const PositionEntry& entry = directory_[position];
  const domain::PositionSnapshot& held = book_.snapshot(position);
  risk::Candidate candidate;
  candidate.strategy = strategy;
  candidate.position = position;
  candidate.mode = book_.mode(position);
  candidate.has_size = (intent.flags & wire::kHasSize) != 0;
  if (candidate.has_size) candidate.size = Decimal{intent.size_digits, intent.size_scale};
  candidate.held_known = held.read_venue_ms != 0;
  candidate.held = held.held(intent.position_side);
  candidate.contract = &contracts_[entry.instrument.value];
  return risk_.check(candidate, now);
}

BH_ON_PATH std::uint32_t Engine::allocate(LaneIndex lane, StrategyIndex strategy, PositionIndex position,
                                          const wire::Intent& intent, Ns now) noexcept {
  if (free_slots_.empty()) return kNoSlot;
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  ++open_count_;
  OpenReversal& r = slots_[slot];
  const auto generation = static_cast<std::uint16_t>((r.generation + 1) & kGenerationMask);
  r = OpenReversal{};
  r.generation = generation;
  r.in_use = true;
  r.lane = lane;
  r.strategy = strategy;
  r.position = position;
  r.account = directory_[position].account;
  r.intent = intent;
  r.taken_ns = now;
  r.next_in_lane = lane_heads_[lane.value];
  if (r.next_in_lane != kNoSlot) slots_[r.next_in_lane].previous_in_lane = slot;
  lane_heads_[lane.value] = slot;
  return slot;
}

void Engine::release_slot(std::uint32_t slot) noexcept {
  OpenReversal& r = slots_[slot];
  BH_ASSERT(r.in_use && !r.occupies && !r.ticket.open());
  if (r.next_in_lane != kNoSlot) slots_[r.next_in_lane].previous_in_lane = r.previous_in_lane;
  if (r.previous_in_lane != kNoSlot) {
    slots_[r.previous_in_lane].next_in_lane = r.next_in_lane;
  } else {
    lane_heads_[r.lane.value] = r.next_in_lane;
  }
  if (r.is_sending) --sending_;
  r.in_use = false;
  free_slots_.push_back(slot);
  --open_count_;
}

void Engine::record_taken(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  if (r.taken_recorded) return;
  r.taken_recorded = append(r, taken_body(r.intent), now).status != journal::AppendStatus::failed;
}

BH_ON_PATH void Engine::submit(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  if (!r.occupies) {
    book_.occupy(r.position, slot);
    r.occupies = true;
  }
  const pacing::Waiting waiting{slot, r.account, r.strategy,
                                risk_.capped_priority(r.strategy, r.intent.priority), r.intent.deadline_ns};
  const pacing::SubmitResult result = pacer_.submit(waiting, now, r.ticket);
  r.slot_ns = result.predicted_ns;
  switch (result.status) {
    case pacing::SubmitStatus::ready:
      r.waits_for = WaitsFor::nothing;
      fire(slot, now);
      return;
    case pacing::SubmitStatus::queued: {
      r.waits_for = WaitsFor::slot;
      record_taken(slot, now);
      tell_queued(r);
      return;
    }
    case pacing::SubmitStatus::unreachable:
      deny(slot, DenyReason::deadline_unreachable, ReversalEvent::denied, now);
      return;
    case pacing::SubmitStatus::strategy_full:
    case pacing::SubmitStatus::account_full:
      deny(slot, DenyReason::queue_full, ReversalEvent::denied, now);
      return;
  }
}

void Engine::wait_for_position(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  r.waits_for = WaitsFor::position;
  // By priority, then by deadline. Few wait for one position at a time; the list is short.
  const std::uint8_t priority = risk_.capped_priority(r.strategy, r.intent.priority);
  std::uint32_t* link = &waiter_heads_[r.position.value];
  while (*link != kNoSlot) {
    const OpenReversal& other = slots_[*link];
    const std::uint8_t theirs = risk_.capped_priority(other.strategy, other.intent.priority);
    if (priority > theirs || (priority == theirs && r.intent.deadline_ns < other.intent.deadline_ns)) break;
    link = &slots_[*link].next_waiter;
  }
  r.next_waiter = *link;
  *link = slot;
  waiter_deadlines_.put(slot, r.intent.deadline_ns);
  record_taken(slot, now);
  tell_queued(r);
}

void Engine::wait_for_connection(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  pacer_.on_not_written(r.ticket, now);
  r.waits_for = WaitsFor::connection;
  no_connection_.push_back(slot);
  waiter_deadlines_.put(slot, r.intent.deadline_ns);
  record_taken(slot, now);
}

void Engine::abandon_wait(std::uint32_t slot) noexcept {
  OpenReversal& r = slots_[slot];
  switch (r.waits_for) {
    case WaitsFor::nothing:
    case WaitsFor::durable:
      break;
    case WaitsFor::slot:
      (void)pacer_.withdraw(slot);
      break;
    case WaitsFor::position: {
      std::uint32_t* link = &waiter_heads_[r.position.value];
      while (*link != slot) {
        BH_ASSERT(*link != kNoSlot);
        link = &slots_[*link].next_waiter;
      }
      *link = r.next_waiter;
      r.next_waiter = kNoSlot;
      waiter_deadlines_.remove(slot);
      break;
    }
    case WaitsFor::connection:
      no_connection_.erase(std::find(no_connection_.begin(), no_connection_.end(), slot));
      waiter_deadlines_.remove(slot);
      break;
  }
  r.waits_for = WaitsFor::nothing;
}

void Engine::withdraw(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept {
  std::uint32_t slot = lane_heads_[lane.value];
  while (slot != kNoSlot && slots_[slot].intent.id != intent.target_id) slot = slots_[slot].next_in_lane;
  if (slot == kNoSlot) {
    deny_at_once(lane, intent, DenyReason::no_such_target, /*journaled=*/true, now);
    return;
  }
  if (slots_[slot].state != ReversalState::waiting) {
    deny_at_once(lane, intent, DenyReason::too_late, /*journaled=*/true, now);
    return;
  }
  abandon_wait(slot);
  deny(slot, DenyReason::withdrawn, ReversalEvent::withdrawn, now);
  // What was asked has been done, and the target's event says so; the asking intent has none of its own.
  ports_.lanes.close_intent(lane);
}

}  // namespace backhand::engine
