// Shots: a reversal prepared ahead (arm), its request kept signed, then sent by one short intent (fire) that
// obeys everything an intent obeys. A shot's clientOid is reserved when it is armed and stands in one record
// at most, so there is one attempt.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/engine/engine.hpp"

namespace backhand::engine {

using order::ShotEvent;
using order::ShotState;
using wire::DenyReason;
using wire::EventKind;

namespace {

/// Where the venue's clock is not known, nothing can be signed; looked at again after so long.
constexpr Ns kClockRetry_ns = 10 * kMillisecond;

/// The shot's own words, as the engine's tellers take them.
OpenReversal words_of(const Shot& shot) noexcept {
  OpenReversal r;
  r.lane = shot.lane;
  r.intent = shot.intent;
  r.taken_ns = shot.taken_ns;
  return r;
}

}  // namespace

BH_ON_PATH void Engine::step(Shot& shot, ShotEvent event) noexcept {
  const ShotState next = order::next_state(shot.state, event);
  BH_ASSERT(next != ShotState::invalid);
  shot.state = next;
}

DenyReason Engine::admit_shot(StrategyIndex strategy, const wire::Intent& intent, PositionIndex position,
                              Ns now) const noexcept {
  const DenyReason account = admit_account(position, now);
  if (account != DenyReason::none) return account;
  // What is held, and how often it was reversed, counts when the shot is fired.
  const DenyReason risk = check_risk(strategy, intent, position, now);
  if (risk != DenyReason::none && risk != DenyReason::too_many_reversals) return risk;
  if (shots_.of_strategy(strategy) >= config_.strategies[strategy.value].max_shots ||
      shots_.open() == shots_.size())
    return DenyReason::too_many_shots;
  return DenyReason::none;
}

void Engine::arm(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent, Ns now) noexcept {
  const Directory::Found found = directory_.find(intent);
  if (!found.position.valid() || !risk_.entitled(strategy, found.position)) {
    deny_at_once(lane, intent,
                 found.account_known ? DenyReason::unknown_instrument : DenyReason::unknown_account,
                 /*journaled=*/true, now);
    return;
  }
  const DenyReason reason = admit_shot(strategy, intent, found.position, now);
  if (reason != DenyReason::none) {
    deny_at_once(lane, intent, reason, /*journaled=*/true, now);
    return;
  }
  OpenReversal words;
  words.lane = lane;
  words.intent = intent;
  journal::ShotTaken body{};
  body.taken = taken_body(intent);
  if (append(words, body, now).status == journal::AppendStatus::failed) {
    deny_at_once(lane, intent, DenyReason::journal_unavailable, /*journaled=*/true, now);
    return;
  }
  const std::uint32_t index = shots_.add(lane, strategy, intent.id);
  BH_ASSERT(index != kNoSlot);
  Shot& shot = shots_[index];
  shot.account = directory_[found.position].account;
  shot.position = found.position;
  shot.intent = intent;
  shot.taken_ns = now;
  const journal::OidSeries::Name name = names_.next(lane.value);
  shot.key = name.key;
  shot.client_oid = name.text;
  sign_shot(shot, now);
  ++counters_.shots_armed;
  tell_armed(shot, now);
  schedule_shot(index);
}

void Engine::expect_shot(std::uint32_t index) const noexcept {
  shots_.expect(index);
  expect(shots_[index].position);
}

BH_ON_PATH void Engine::fire_shot(LaneIndex lane, StrategyIndex strategy, const wire::Intent& fire,
                                  Ns now) noexcept {
  const std::uint32_t index = shots_.find(lane, fire.target_id);
  if (index == kNoSlot) {
    deny_at_once(lane, fire, DenyReason::no_such_target, /*journaled=*/true, now);
    return;
  }
  expect_shot(index);
  const Shot& shot = shots_[index];
  if (shot.state != ShotState::armed) {
    deny_at_once(lane, fire, DenyReason::too_late, /*journaled=*/true, now);
    return;
  }
  if (shot.intent.deadline_ns <= now) {
    deny_at_once(lane, fire, DenyReason::shot_expired, /*journaled=*/true, now);
    return;
  }
  // The arm says what, the fire says when.
  wire::Intent intent = shot.intent;
  intent.id = fire.id;
  intent.target_id = fire.target_id;
  intent.kind = wire::IntentKind::fire;
  intent.created_ns = fire.created_ns;
  intent.deadline_ns = std::min(fire.deadline_ns, shot.intent.deadline_ns);
  intent.priority = fire.priority;
  intent.user_tag = fire.user_tag;
  if ((fire.flags & wire::kHasExpectedSize) != 0) {
    intent.flags |= wire::kHasExpectedSize;
    intent.expected_digits = fire.expected_digits;
    intent.expected_scale = fire.expected_scale;
  }
  admit_and_submit(lane, strategy, intent, shot.position, index, now);
}

void Engine::disarm(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept {
  const std::uint32_t index = shots_.find(lane, intent.target_id);
  if (index == kNoSlot) {
    deny_at_once(lane, intent, DenyReason::no_such_target, /*journaled=*/true, now);
    return;
  }
  Shot& shot = shots_[index];
  if (shot.state == ShotState::spent) {
    deny_at_once(lane, intent, DenyReason::too_late, /*journaled=*/true, now);
    return;
  }
  if (shot.state == ShotState::firing) {
    const std::uint32_t slot = shot.reversal;
    abandon_wait(slot);
    deny(slot, DenyReason::withdrawn, order::ReversalEvent::withdrawn, now);
  }
  end_shot(index, DenyReason::withdrawn, now);
  // As for a withdraw: the shot's own event says that it was done.
  ports_.lanes.close_intent(lane);
}

void Engine::sign_shot(Shot& shot, Ns now) noexcept {
  shot.signed_venue_ms = clock_.lower_bound_ms(now) - set_back_ms_;
  shot.signed_ns = now;
  const std::size_t length =
      dialect_.encode_reversal(request_of(shot.intent, shot.account, shot.position, shot.client_oid),
                               shot.signed_venue_ms, shot.request);
  BH_ASSERT(length > 0);
  shot.length = static_cast<std::uint32_t>(length);
}

/// One shot a turn: what is due here is never as urgent as an intent.
int Engine::tend_shots(Ns now) noexcept {
  const std::uint32_t index = shots_.next();
  Shot& shot = shots_[index];
  if (shot.state != ShotState::armed) {
    // Fired since, which had more urgent things to do. Should it come back, it is given a time again.
    shots_.tend_no_more(index);
    return 1;
  }
  if (shot.intent.deadline_ns <= now) {
    end_shot(index, DenyReason::shot_expired, now);
    return 1;
  }
  if (!clock_.known(now)) {
    shots_.tend_at(index, std::min(shot.intent.deadline_ns, now + kClockRetry_ns));
    return 1;
  }
  if (now - shot.signed_ns >= shot_age_ns_) {
    sign_shot(shot, now);
    ++counters_.signed_again;
  }
  schedule_shot(index);
  return 1;
}

void Engine::schedule_shot(std::uint32_t index) noexcept {
  const Shot& shot = shots_[index];
  shots_.tend_at(index, std::min(shot.intent.deadline_ns, shot.signed_ns + shot_age_ns_));
}

BH_ON_PATH void Engine::freshen_shot(std::uint32_t index, Ns now) noexcept {
  Shot& shot = shots_[index];
  // Its timer keeps it younger, unless it waited, or this thread was kept from running.
  if (now - shot.signed_ns >= 2 * shot_age_ns_ && clock_.known(now)) sign_shot(shot, now);
}

BH_ON_PATH void Engine::take_shot(OpenReversal& r, Ns now) noexcept {
  Shot& shot = shots_[r.shot];
  BH_ASSERT(now - shot.signed_ns < 2 * shot_age_ns_);
  step(shot, ShotEvent::recorded);
  shot.end_reason = DenyReason::journal_unavailable;
  r.key = shot.key;
  r.client_oid = shot.client_oid;
  r.signed_venue_ms = shot.signed_venue_ms;
}

void Engine::release_shot(OpenReversal& r, Ns now) noexcept {
  const std::uint32_t index = r.shot;
  r.shot = kNoSlot;
  Shot& shot = shots_[index];
  shot.reversal = kNoSlot;
  if (shot.state == ShotState::spent) {
    end_shot(index, r.written_ns != 0 ? DenyReason::none : shot.end_reason, now);
    return;
  }
  step(shot, ShotEvent::returned);
  schedule_shot(index);
}

void Engine::end_shot(std::uint32_t index, DenyReason reason, Ns now) noexcept {
  Shot& shot = shots_[index];
  step(shot, ShotEvent::dropped);
  const OpenReversal words = words_of(shot);
  shots_.remove(index);
  wire::Outcome out = event_of(words, EventKind::disarmed);
  out.deny_reason = reason;
  out.flags = wire::kTerminal;
  tell_journaled(words, out, now);
}

void Engine::tell_armed(const Shot& shot, Ns now) noexcept {
  const OpenReversal words = words_of(shot);
  wire::Outcome out = event_of(words, EventKind::armed);
  out.client_oid = shot.client_oid;
  out.encoded_ns = now;
  tell(words, out);
}

void Engine::drop_shots(std::optional<AccountIndex> account, DenyReason reason, Ns now) noexcept {
  if (shots_.open() == 0) return;
  for (std::uint32_t index = 0; index < shots_.size(); ++index) {
    const Shot& shot = shots_[index];
    if (shot.state != ShotState::armed || (account && shot.account != *account)) continue;
    end_shot(index, reason, now);
  }
}

}  // namespace backhand::engine
