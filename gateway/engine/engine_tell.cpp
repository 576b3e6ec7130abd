// What strategies are told, and what is recorded of it. A journaled event is numbered, recorded, then
// published; one that finds no room in its ring is told by the lane's replay as soon as there is some.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/engine/append.hpp"
#include "gateway/engine/engine.hpp"

namespace backhand::engine {

using order::ReversalEvent;
using order::ReversalState;
using wire::EventKind;

// The room that a lane keeps for an intent: of these each is told at most once. A shot's arm has two, `armed`
// and `disarmed`; repeats, corrections and notices take spare room only.
static_assert(1 /* queued */ + 1 /* sent */ + 1 /* acked */ + 1 /* unknown */ +
                  1 /* denied, rejected, settled or unresolved */
              <= wire::kEventsPerIntent);

BH_ON_PATH void Engine::step(OpenReversal& r, ReversalEvent event) noexcept {
  const ReversalState next = order::next_state(r.state, event);
  BH_ASSERT(next != ReversalState::invalid);
  r.state = next;
}

template journal::Appended Engine::append(const OpenReversal&, const journal::Taken&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::ShotTaken&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Intended&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Voided&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Sent&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Learned&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Settled&, Ns) noexcept;
template journal::Appended Engine::append(const OpenReversal&, const journal::Resolved&, Ns) noexcept;

void Engine::on_journal_failed(Ns now) noexcept {
  if (journal_failed_) return;
  journal_failed_ = true;
  // Nothing more may be sent without a record; what was sent is still settled and told.
  risk_.halt();
  EventDetails details;
  details.text = "the journal failed; nothing more is sent";
  ports_.events.on_engine_event(EngineEvent::journal_failed, details, now);
}

BH_ON_PATH void Engine::note_appended(const journal::Appended& appended, Ns now) noexcept {
  // The room for every record was kept when its intent was taken (journal_room.hpp).
  BH_ASSERT(appended.status != journal::AppendStatus::full);
  if (appended.status == journal::AppendStatus::failed) on_journal_failed(now);
}

std::uint64_t Engine::owed_records() const noexcept {
  return kWaitingRecords * (open_count_ + shots_.open()) + kSendingRecords * sending_;
}

BH_ON_PATH std::uint64_t Engine::spare_records() noexcept {
  const std::uint64_t free = ports_.journal.room().free;
  const std::uint64_t kept =
      owed_records() + halt_records(accounts_.size()) + (lane_book_.size() - lane_book_.opened());
  return free > kept ? free - kept : 0;
}

std::size_t Engine::intake_budget(std::size_t most, Ns now) noexcept {
  if (journal_failed_) return most;  // They are denied without a record.
  const std::uint64_t spare = spare_records();
  const bool behind = spare < kIntentRecords;
  if (behind) ++counters_.held_back;
  // Told again only when it had caught up well in between.
  if (behind != journal_behind_ && (behind || spare >= ports_.journal.room().slots / 4)) {
    journal_behind_ = behind;
    ports_.events.on_engine_event(behind ? EngineEvent::journal_behind : EngineEvent::journal_caught_up, {},
                                  now);
  }
  return static_cast<std::size_t>(std::min<std::uint64_t>(most, spare / kIntentRecords));
}

/// A denial says that nothing was sent, which is as true without a record. So a strategy that floods, and a
/// disk that is behind, cost records of denials and nothing else.
bool Engine::may_record_denial(LaneIndex lane, Ns now) noexcept {
  if (journal_failed_) return false;
  if (spare_records() < ports_.journal.room().slots / 8) return false;
  const StrategyIndex strategy = lane_book_.strategy(lane);
  return strategy.value < denial_records_.size() && denial_records_[strategy.value].admit(now);
}

BH_ON_PATH wire::Outcome Engine::event_of(const OpenReversal& r, EventKind kind) const noexcept {
  wire::Outcome out{};
  out.intent_id = r.intent.id;
  out.kind = kind;
  out.code_class = r.code_class;
  out.position_side = r.intent.position_side;
  out.connection = r.connection;
  out.http_status = r.http_status;
  out.created_ns = r.intent.created_ns;
  out.taken_ns = r.taken_ns;
  out.encoded_ns = r.encoded_ns;
  out.written_ns = r.written_ns;
  out.replied_ns = r.replied_ns;
  out.slot_ns = r.slot_ns;
  out.order_id = r.order_id;
  out.client_oid = r.client_oid;
  out.user_tag = r.intent.user_tag;
  out.venue_code = r.venue_code;
  out.account = r.intent.account;
  out.symbol = r.intent.symbol;
  return out;
}

BH_ON_PATH void Engine::tell(const OpenReversal& r, wire::Outcome& outcome) noexcept {
  // While a replay is under way nothing overtakes it; what is neither journaled nor terminal is best effort
  // and left out then. A terminal event that is not journaled is its intent's only one, so its place does not
  // matter.
  if (lane_book_.replaying(r.lane) && !wire::is_terminal(outcome)) return;
  (void)ports_.lanes.publish(r.lane, outcome);
}

void Engine::tell_queued(OpenReversal& r) noexcept {
  wire::Outcome out = event_of(r, EventKind::queued);
  if (!r.told_queued) {
    r.told_queued = true;
    tell(r, out);
    return;
  }
  // That it waits is known: what is new is where for and until when, which is best effort and takes spare
  // room only.
  if (lane_book_.is_attached(r.lane) && !lane_book_.replaying(r.lane)) (void)ports_.lanes.offer(r.lane, out);
}

void Engine::tell_journaled(const OpenReversal& r, wire::Outcome& outcome, Ns now) noexcept {
  const auto swallow = [&] {
    // The next start tells it: a number that no record holds would be given a second time then, and so would
    // the event.
    if (wire::is_terminal(outcome)) ports_.lanes.close_intent(r.lane);
  };
  if (journal_failed_) {
    swallow();
    return;
  }
  const std::uint64_t record = lane_book_.number(r.lane, outcome);
  journal::OutcomeBody body = journal::pack_outcome(outcome);
  body.ground = static_cast<std::uint8_t>(r.ground);
  const journal::Appended appended = append(r, body, now);
  if (journal_failed_) {
    lane_book_.take_back(r.lane, record);
    swallow();
    return;
  }
  // Durability "power": told, or repeated, as soon as it is on disk, so that a number once told is never
  // given again.
  const bool pending = appended.status == journal::AppendStatus::pending;
  if (pending) lane_book_.hold(r.lane, record, appended.number);
  if (!lane_book_.is_attached(r.lane)) {
    (void)ports_.lanes.publish(r.lane, outcome);  // Swallowed; the next attach repeats it.
    return;
  }
  if (pending) return;
  if (lane_book_.replaying(r.lane)) return;
  if (!ports_.lanes.publish(r.lane, outcome)) lane_book_.hold(r.lane, record, 0);
}

void Engine::finish(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  BH_ASSERT(order::is_terminal(r.state));
  if (r.shot != kNoSlot) release_shot(r, now);
  if (r.occupies) {
    book_.release(r.position, slot);
    r.occupies = false;
    if (!is_freed_[r.position.value]) {
      is_freed_[r.position.value] = true;
      freed_.push_back(r.position);
    }
  }
  release_slot(slot);
}

void Engine::deny(std::uint32_t slot, wire::DenyReason reason, ReversalEvent event, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  step(r, event);
  BH_ASSERT(r.state == ReversalState::denied);
  counters_.deny(reason);
  wire::Outcome out = event_of(r, EventKind::denied);
  out.deny_reason = reason;
  out.flags = wire::kTerminal;
  if (journal_failed_ && !r.taken_recorded && !r.key.valid()) {
    tell(r, out);  // No start will ever know of it, so this is its only word.
  } else {
    tell_journaled(r, out, now);
  }
  finish(slot, now);
}

void Engine::deny_at_once(LaneIndex lane, const wire::Intent& intent, wire::DenyReason reason, bool journaled,
                          Ns now) noexcept {
  counters_.deny(reason);
  OpenReversal r;
  r.lane = lane;
  r.intent = intent;
  r.taken_ns = now;
  wire::Outcome out = event_of(r, EventKind::denied);
  out.deny_reason = reason;
  out.flags = wire::kTerminal;
  if (journaled && may_record_denial(lane, now)) {
    tell_journaled(r, out, now);
  } else {
    tell(r, out);
  }
}

void Engine::notice(wire::NoticeKind kind, AccountIndex account, PositionIndex position,
                    const wire::Outcome* about, Ns now) noexcept {
  (void)now;
  for (std::uint16_t i = 0; i < lane_book_.size(); ++i) {
    const LaneIndex lane{i};
    if (!lane_book_.is_open(lane) || !lane_book_.is_attached(lane)) continue;
    if (position.valid() && !risk_.entitled(lane_book_.strategy(lane), position)) continue;
    wire::Outcome out{};
    if (about != nullptr) out = *about;
    out.record_number = 0;
    out.kind = EventKind::notice;
    out.notice = kind;
    out.flags &= static_cast<std::uint8_t>(~wire::kTerminal);
    if (position.valid()) {
      const PositionEntry& entry = directory_[position];
      out.account = wire::AccountName{config_.accounts[entry.account.value].name};
      out.symbol = entry.id.symbol;
    } else if (account.valid()) {
      out.account = wire::AccountName{config_.accounts[account.value].name};
    }
    (void)ports_.lanes.offer(lane, out);
  }
}

void Engine::block(PositionIndex position, order::BlockReason reason, std::string_view why, Ns now) noexcept {
  if (!book_.block(position, reason)) return;
  EventDetails details;
  details.text = why;
  details.position = position;
  details.account = directory_[position].account;
  ports_.events.on_engine_event(EngineEvent::position_blocked, details, now);
  notice(wire::NoticeKind::position_blocked, {}, position, nullptr, now);
}

void Engine::unblock(PositionIndex position, Ns now) noexcept {
  if (!book_.unblock(position)) return;
  EventDetails details;
  details.position = position;
  details.account = directory_[position].account;
  ports_.events.on_engine_event(EngineEvent::position_unblocked, details, now);
  notice(wire::NoticeKind::position_unblocked, {}, position, nullptr, now);
}

void Engine::stand_down(std::optional<AccountIndex> account, wire::DenyReason reason, Ns now) noexcept {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    OpenReversal& r = slots_[slot];
    if (!r.in_use || (account && r.account != *account)) continue;
    if (r.state == ReversalState::waiting) {
      abandon_wait(slot);
      deny(slot, reason, ReversalEvent::halted, now);
    }
  }
  drop_shots(account, reason, now);
}

}  // namespace backhand::engine
