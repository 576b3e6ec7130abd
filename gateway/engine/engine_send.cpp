// From a slot to the wire: journal (intended), sign, one write, journal (sent). Nothing here is ever done
// twice for one intent: a reversal that was handed to the port has left the only state from which it can be.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/engine/append.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"

namespace backhand::engine {

using order::ReversalEvent;
using order::ReversalState;
using wire::DenyReason;
using wire::EventKind;

namespace {

/// Templates are refreshed this often where turns are spare; well inside the dialect's tolerance.
constexpr Ns kTemplateAge_ns = 250 * kMillisecond;
/// A recorded reversal waits so long for a connection: as long as what was checked before its record is still
/// as good as checked.
constexpr Ns kConnectionWait_ns = 20 * kMillisecond;

}  // namespace

BH_ON_PATH void Engine::fire(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  BH_ASSERT(r.state == ReversalState::waiting && r.ticket.open());
  if (r.shot != kNoSlot) freshen_shot(r.shot, now);
  if (!connection_to_spare() || !has_room_to_send()) {
    wait_for_connection(slot, now);
    return;
  }
  // The world may have changed while it waited; all of it is asked again but what belongs to its coming.
  DenyReason reason = DenyReason::none;
  std::optional<Decimal> expected;
  if ((r.intent.flags & wire::kHasExpectedSize) != 0) {
    expected = Decimal{r.intent.expected_digits, r.intent.expected_scale};
  }
  const AccountState& account = accounts_[r.account.value];
  if (now >= r.intent.deadline_ns) {
    reason = DenyReason::deadline_passed;
  } else if (risk_.halted() || account.halted_by_operator) {
    reason = DenyReason::halted;
  } else if (account.phase != AccountPhase::ready || !clock_.known(now)) {
    reason = DenyReason::not_ready;
  } else if (now != r.taken_ns) {
    reason = check_risk(r.strategy, r.intent, r.position, now);
    const Ns max_age = static_cast<Ns>(config_.venue.position_max_age_ms) * kMillisecond;
    if (reason == DenyReason::none) {
      reason = book_.check_held(r.position, r.intent.position_side, expected, max_age, now);
    }
  }
  if (reason != DenyReason::none) {
    pacer_.on_not_written(r.ticket, now);
    deny(slot, reason, ReversalEvent::denied, now);
    return;
  }
  r.slot_ns = r.ticket.opened_ns;
  if (!record_intended(slot, now)) {
    pacer_.on_not_written(r.ticket, now);
    deny(slot, DenyReason::journal_unavailable, ReversalEvent::denied, now);
    return;
  }
  if (r.waits_for == WaitsFor::nothing) transmit(slot, now);
}

// Flattened, as transmit: what it inlines lies in the section with it, templates included.
[[gnu::flatten]] BH_ON_PATH bool Engine::record_intended(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  r.written_venue_ms = clock_.lower_bound_ms(now);
  if (r.shot != kNoSlot) {
    take_shot(r, now);
  } else {
    const journal::OidSeries::Name name = names_.next(r.lane.value);
    r.key = name.key;
    r.client_oid = name.text;
    r.signed_venue_ms = r.written_venue_ms - set_back_ms_;
  }
  r.before = book_.snapshot(r.position);

  const PositionEntry& entry = directory_[r.position];
  journal::Intended body{};
  body.intent_id = r.intent.id;
  body.target_id = r.intent.target_id;
  body.created_ns = r.intent.created_ns;
  body.deadline_ns = r.intent.deadline_ns;
  body.slot_ns = r.slot_ns;
  body.size_digits = r.intent.size_digits;
  body.request_venue_ms = r.signed_venue_ms;
  body.account = r.intent.account;
  body.symbol = entry.id.symbol;
  body.margin_coin = entry.id.margin_coin;
  body.user_tag = r.intent.user_tag;
  body.has_size = (r.intent.flags & wire::kHasSize) != 0 ? 1 : 0;
  body.size_scale = r.intent.size_scale;
  body.position_mode = static_cast<std::uint8_t>(book_.mode(r.position));
  body.intent_kind = r.intent.kind;
  const std::uint8_t scale = std::max(r.before.long_size.scale, r.before.short_size.scale);
  const auto long_size = r.before.long_size.rescaled(scale);
  const auto short_size = r.before.short_size.rescaled(scale);
  if (r.before.read_venue_ms != 0 && long_size && short_size) {
    body.has_before = 1;
    body.before_scale = scale;
    body.long_before = long_size->digits;
    body.short_before = short_size->digits;
    body.before_venue_ms = r.before.read_venue_ms;
  }
  const journal::Appended appended = append(r, body, now);
  switch (appended.status) {
    case journal::AppendStatus::durable:
      r.is_sending = true;
      ++sending_;
      step(r, ReversalEvent::slot_given);
      return true;
    case journal::AppendStatus::pending:
      r.is_sending = true;
      ++sending_;
      step(r, ReversalEvent::slot_given);
      r.waits_for = WaitsFor::durable;
      r.durable_number = appended.number;
      until_durable_[(durable_head_ + durable_count_++) % until_durable_.size()] = slot;
      return true;
    case journal::AppendStatus::full:
    case journal::AppendStatus::failed:
      r.key = {};
      r.client_oid = {};
      return false;
  }
  return false;
}

[[gnu::flatten]] BH_ON_PATH void Engine::transmit(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  BH_ASSERT(r.state == ReversalState::intended);
  std::span<const char> bytes;
  if (r.shot == kNoSlot) {
    const std::size_t length = dialect_.encode_reversal(
        request_of(r.intent, r.account, r.position, r.client_oid), r.signed_venue_ms, request_);
    BH_ASSERT(length > 0);
    bytes = {request_.data(), length};
  } else {
    BH_ASSERT(shots_[r.shot].state == order::ShotState::spent);
    bytes = shots_[r.shot].bytes();
  }
  if (config_.gateway.dry_run) {
    void_intended(slot, DenyReason::dry_run, ReversalEvent::not_written, now);
    return;
  }
  const Ns reply_deadline = now + static_cast<Ns>(config_.venue.request_timeout_ms) * kMillisecond;
  const net::RequestToken token = make_token(false, slot, r.generation);
  const Sent sent = ports_.wire.send(token, net::RequestClass::trade, bytes, reply_deadline, now);
  r.encoded_ns = sent.encoded_ns;
  switch (sent.status) {
    case net::WriteStatus::no_connection:
      void_intended(slot, DenyReason::no_connection, ReversalEvent::not_written, now);
      return;
    case net::WriteStatus::not_written:
      r.connection = sent.connection;
      void_intended(slot, DenyReason::not_written, ReversalEvent::not_written, now);
      return;
    case net::WriteStatus::written:
      break;
  }
  step(r, ReversalEvent::written);
  r.connection = sent.connection;
  r.written_ns = sent.written_ns;
  ++counters_.sent;
  risk_.on_sent(r.position, now);
  note_asked(now);

  journal::Sent body{};
  body.intent_id = r.intent.id;
  body.encoded_ns = r.encoded_ns;
  body.written_ns = r.written_ns;
  body.bytes = static_cast<std::uint32_t>(bytes.size());
  body.connection = r.connection;
  (void)append(r, body, now);
  wire::Outcome out = event_of(r, EventKind::sent);
  tell(r, out);
  if (r.shot != kNoSlot) {
    ++counters_.shots_fired;
    release_shot(r, now);
  }
}

void Engine::void_intended(std::uint32_t slot, DenyReason reason, ReversalEvent event, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  pacer_.on_not_written(r.ticket, now);
  if (r.shot != kNoSlot) shots_[r.shot].end_reason = reason;
  journal::Voided body{};
  body.intent_id = r.intent.id;
  body.reason = reason;
  (void)append(r, body, now);
  deny(slot, reason, event, now);
}

int Engine::send_due(Ns now) noexcept {
  int done = 0;
  // Those that a connection was missing for go first; they have had a slot before.
  while (!no_connection_.empty() && connection_to_spare() && has_room_to_send()) {
    const std::uint32_t slot = no_connection_.front();
    abandon_wait(slot);
    submit(slot, now);
    ++done;
  }
  for (;;) {
    pacing::Waiting waiting;
    pacing::Ticket ticket;
    const pacing::Due due = pacer_.pop_due(now, waiting, ticket);
    if (due == pacing::Due::none) break;
    OpenReversal& r = slots_[waiting.handle];
    r.waits_for = WaitsFor::nothing;
    ++done;
    if (due == pacing::Due::expired) {
      deny(waiting.handle, DenyReason::deadline_passed, ReversalEvent::deadline_passed, now);
      continue;
    }
    r.ticket = ticket;
    fire(waiting.handle, now);
  }
  pacing::Correction correction;
  while (pacer_.pop_correction(now, correction)) {
    OpenReversal& r = slots_[correction.handle];
    r.slot_ns = correction.predicted_ns;
    wire::Outcome out = event_of(r, EventKind::queued);
    // A correction is best effort: it takes spare room only, so that it never uses up an intent's own six.
    if (lane_book_.is_attached(r.lane) && !lane_book_.replaying(r.lane))
      (void)ports_.lanes.offer(r.lane, out);
  }
  return done;
}

int Engine::send_durable(Ns now) noexcept {
  int done = 0;
  while (durable_count_ > 0) {
    const std::uint32_t slot = until_durable_[durable_head_];
    OpenReversal& r = slots_[slot];
    const bool durable = r.durable_number <= ports_.journal.durable_number();
    if (!durable && !journal_failed_) break;
    const AccountState& account = accounts_[r.account.value];
    const bool halted = risk_.halted() || account.phase != AccountPhase::ready || account.halted_by_operator;
    const bool may_go = durable && !halted && now < r.intent.deadline_ns;
    if (may_go && waits_for_connection(now)) break;
    durable_head_ = (durable_head_ + 1) % until_durable_.size();
    --durable_count_;
    r.waits_for = WaitsFor::nothing;
    ++done;
    if (!durable) {
      void_intended(slot, DenyReason::journal_unavailable, ReversalEvent::journal_refused, now);
    } else if (now >= r.intent.deadline_ns) {
      void_intended(slot, DenyReason::deadline_passed, ReversalEvent::deadline_passed, now);
    } else if (halted) {
      void_intended(slot, DenyReason::halted, ReversalEvent::halted, now);
    } else {
      transmit(slot, now);
    }
  }
  return done;
}

/// Whether the journal has room for all that a reversal may need once it is written.
BH_ON_PATH bool Engine::has_room_to_send() noexcept {
  return journal_failed_ || spare_records() >= kSendingRecords;
}

/// Whether a reversal that is recorded now will find a connection: those that are recorded, and wait for the
/// disk, come first.
BH_ON_PATH bool Engine::connection_to_spare() const noexcept {
  if (durable_count_ == 0) return ports_.wire.can_send(net::RequestClass::trade);
  return ports_.wire.free_connections() > durable_count_;
}

/// One that was to be had may be lost meanwhile, or taken by a question. The time runs from when there was
/// last one.
bool Engine::waits_for_connection(Ns now) noexcept {
  if (ports_.wire.can_send(net::RequestClass::trade)) {
    no_connection_since_ns_ = kNever;
    return false;
  }
  no_connection_since_ns_ = std::min(no_connection_since_ns_, now);
  return now < no_connection_since_ns_ + kConnectionWait_ns;
}

int Engine::expire_waiters(Ns now) noexcept {
  int done = 0;
  while (!waiter_deadlines_.empty() && waiter_deadlines_.top_key() <= now) {
    const std::uint32_t slot = waiter_deadlines_.top();
    DenyReason reason = DenyReason::deadline_passed;
    if (slots_[slot].waits_for == WaitsFor::connection)
      reason = has_room_to_send() ? DenyReason::no_connection : DenyReason::journal_unavailable;
    abandon_wait(slot);
    deny(slot, reason, ReversalEvent::deadline_passed, now);
    ++done;
  }
  return done;
}

int Engine::wake_freed(Ns now) noexcept {
  int done = 0;
  while (!freed_.empty()) {
    const PositionIndex position = freed_.back();
    freed_.pop_back();
    is_freed_[position.value] = false;
    while (waiter_heads_[position.value] != kNoSlot &&
           book_.occupant(position) == order::PositionBook::kNobody) {
      const std::uint32_t slot = waiter_heads_[position.value];
      OpenReversal& r = slots_[slot];
      const DenyReason reason = admit(r.strategy, r.intent, position, now);
      if (reason == DenyReason::position_busy) break;  // Its last reversal's effect has not been read yet.
      abandon_wait(slot);
      ++done;
      if (reason != DenyReason::none) {
        deny(slot, reason, ReversalEvent::denied, now);
      } else {
        submit(slot, now);
      }
    }
  }
  return done;
}

void Engine::refresh_templates(Ns now) noexcept {
  if (refreshed_ns_.empty() || !clock_.known(now)) return;
  refresh_cursor_ = refresh_cursor_ + 1 < refreshed_ns_.size() ? refresh_cursor_ + 1 : 0;
  const PositionIndex position{refresh_cursor_};
  if (now - refreshed_ns_[refresh_cursor_] < kTemplateAge_ns) return;
  if (accounts_[directory_[position].account.value].phase != AccountPhase::ready) return;
  refreshed_ns_[refresh_cursor_] = now;
  dialect_.refresh(position, clock_.lower_bound_ms(now) - set_back_ms_);
}

}  // namespace backhand::engine
