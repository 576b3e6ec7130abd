// Shots: a reversal prepared ahead (arm), its request kept signed (armed) and, where configured, encrypted
// into a connection of its own (sealed), then sent by one short intent (fire) that obeys everything an intent
// obeys. A shot's clientOid is reserved when it is armed and stands in one record at most, so there is one
// attempt.
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

/// Between two attempts to seal a shot: bounds the handshakes that a peer who closes at once can cause.
constexpr Ns kSealRetry_ns = 100 * kMillisecond;
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

bool Engine::seals() const noexcept { return config_.shots.max_sealed > 0 && !config_.gateway.dry_run; }

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
  tell_armed(shot, /*spare_room_only=*/false, now);
  schedule_shot(index, now);
}

void Engine::expect_shot(std::uint32_t index) const noexcept {
  shots_.expect(index);
  const Shot& shot = shots_[index];
  if (shot.seal) ports_.wire.expect(*shot.seal);
  expect(shot.position);
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

/// Encrypts the request as it is now. The old seal holds an older one, so it goes in any case; that there is
/// a connection for the new one was asked before the request was signed again.
void Engine::seal_shot(std::uint32_t index, Ns now) noexcept {
  Shot& shot = shots_[index];
  const bool may = shot.seal.has_value() || shots_.sealed() < config_.shots.max_sealed;
  const std::optional<net::Reservation> fresh =
      may ? ports_.wire.seal(shot.bytes(), now) : std::optional<net::Reservation>{};
  const bool was_sealed = shot.seal.has_value();
  unseal_shot(shot, now);
  if (!fresh) {
    shot.seal_after_ns = now + kSealRetry_ns;
    return;
  }
  shots_.note_sealed(shot, *fresh);
  ++counters_.seals;
  if (!was_sealed) tell_armed(shot, /*spare_room_only=*/true, now);
}

void Engine::unseal_shot(Shot& shot, Ns now) noexcept {
  if (!shot.seal) return;
  ports_.wire.spoil(*shot.seal, now);
  shots_.note_unsealed(shot);
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
  const bool old = now - shot.signed_ns >= shot_age_ns_;
  // Without a connection for the new seal the old one stays for a while: it is as good as it was.
  const bool too_old = now - shot.signed_ns >= shot_age_ns_ + shot_age_ns_ / 2;
  if (old && !too_old && shot.seal && ports_.wire.free_connections() < 2) {
    shots_.tend_at(index, std::min(shot.intent.deadline_ns, now + kSealRetry_ns));
    return 1;
  }
  if (old) {
    sign_shot(shot, now);
    ++counters_.signed_again;
  }
  if (seals() && (old || (!shot.seal && shot.seal_after_ns <= now))) seal_shot(index, now);
  schedule_shot(index, now);
  return 1;
}

void Engine::schedule_shot(std::uint32_t index, Ns now) noexcept {
  const Shot& shot = shots_[index];
  Ns due = std::min(shot.intent.deadline_ns, shot.signed_ns + shot_age_ns_);
  if (seals() && !shot.seal) due = std::min(due, std::max(now, shot.seal_after_ns));
  shots_.tend_at(index, due);
}

BH_ON_PATH bool Engine::freshen_shot(std::uint32_t index, Ns now) noexcept {
  Shot& shot = shots_[index];
  // Its timer keeps it younger, unless it waited, or this thread was kept from running.
  if (now - shot.signed_ns >= 2 * shot_age_ns_ && clock_.known(now)) {
    unseal_shot(shot, now);
    sign_shot(shot, now);
  }
  return shot.seal.has_value();
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

BH_ON_PATH Sent Engine::send_shot(Shot& shot, net::RequestToken token, Ns reply_deadline_ns,
                                  Ns now) noexcept {
  BH_ASSERT(shot.state == ShotState::spent);
  if (shot.seal) {
    const Sent sent = ports_.wire.fire(*shot.seal, token, reply_deadline_ns, now);
    shots_.note_unsealed(shot);
    if (sent.status == net::WriteStatus::written) ++counters_.seals_fired;
    if (sent.status != net::WriteStatus::no_connection) return sent;
    ++counters_.seals_lost;
  }
  return ports_.wire.send(token, net::RequestClass::trade, shot.bytes(), reply_deadline_ns, now);
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
  schedule_shot(index, now);
}

void Engine::end_shot(std::uint32_t index, DenyReason reason, Ns now) noexcept {
  Shot& shot = shots_[index];
  step(shot, ShotEvent::dropped);
  unseal_shot(shot, now);
  const OpenReversal words = words_of(shot);
  shots_.remove(index);
  wire::Outcome out = event_of(words, EventKind::disarmed);
  out.deny_reason = reason;
  out.flags = wire::kTerminal;
  tell_journaled(words, out, now);
}

void Engine::tell_armed(const Shot& shot, bool spare_room_only, Ns now) noexcept {
  const OpenReversal words = words_of(shot);
  wire::Outcome out = event_of(words, EventKind::armed);
  out.client_oid = shot.client_oid;
  out.encoded_ns = now;
  if (shot.seal) out.connection = static_cast<std::uint16_t>(shot.seal->connection + 1);
  if (!spare_room_only) {
    tell(words, out);
  } else if (lane_book_.is_attached(shot.lane) && !lane_book_.replaying(shot.lane)) {
    (void)ports_.lanes.offer(shot.lane, out);
  }
}

void Engine::drop_shots(std::optional<AccountIndex> account, DenyReason reason, Ns now) noexcept {
  if (shots_.open() == 0) return;
  for (std::uint32_t index = 0; index < shots_.size(); ++index) {
    const Shot& shot = shots_[index];
    if (shot.state != ShotState::armed || (account && shot.account != *account)) continue;
    end_shot(index, reason, now);
  }
}

void Engine::on_reserved_lost(std::uint16_t connection, Ns now) noexcept {
  for (std::uint32_t index = 0; index < shots_.size(); ++index) {
    Shot& shot = shots_[index];
    if (!shot.seal || shot.seal->connection != connection) continue;
    shots_.note_unsealed(shot);
    ++counters_.seals_lost;
    shot.seal_after_ns = now + kSealRetry_ns;
    if (shot.state == ShotState::armed) schedule_shot(index, now);
    return;
  }
}

}  // namespace backhand::engine
