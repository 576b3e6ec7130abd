// What a reply to a reversal means, and what follows when there is none. From the first byte written a
// request cannot fail: without a trustworthy answer it is unknown, and only evidence ends it.
#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"

namespace backhand::engine {

using domain::Verdict;
using order::ReversalEvent;
using order::ReversalState;
using wire::EventKind;

BH_ON_PATH void Engine::on_reply(net::RequestToken token, const net::ReplyView& reply, Ns now) noexcept {
  if (is_lookup(token)) {
    on_lookup_reply(index_of(token), reply, now);
    return;
  }
  const std::uint32_t slot = index_of(token);
  if (slot >= slots_.size() || !slots_[slot].in_use || slots_[slot].generation != generation_of(token) ||
      slots_[slot].state != ReversalState::sent) {
    ++counters_.late_replies;
    return;
  }
  on_reversal_reply(slot, reply, now);
}

void Engine::on_lost(net::RequestToken token, net::LossReason reason, bool aborted_by_reset,
                     Ns now) noexcept {
  (void)aborted_by_reset;
  if (is_lookup(token)) {
    on_lookup_lost(index_of(token), reason, now);
    return;
  }
  const std::uint32_t slot = index_of(token);
  if (slot >= slots_.size() || !slots_[slot].in_use || slots_[slot].generation != generation_of(token) ||
      slots_[slot].state != ReversalState::sent) {
    ++counters_.late_replies;
    return;
  }
  OpenReversal& r = slots_[slot];
  pacer_.on_no_reply(r.ticket, now);
  record_learned(slot, Verdict::unknown, 0, now);
  become_unknown(slot, ReversalEvent::lost, order::Answer::none, 0, now);
}

BH_ON_PATH void Engine::on_reversal_reply(std::uint32_t slot, const net::ReplyView& view, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  const journal::ReversalKey key = r.key;
  const domain::ReversalReply reply =
      dialect_.decode_reversal(r.client_oid, view.http_status, view.body, header_lookup(view));
  r.replied_ns = view.replied_ns;
  r.http_status = static_cast<std::uint16_t>(view.http_status);
  r.venue_code = reply.code;
  r.code_class = reply.code_class;
  if (reply.verdict == Verdict::acked) {
    // Its strategy waits for this one: told first. It is no promise that the journal has to keep.
    r.order_id = reply.order_id;
    step(r, ReversalEvent::reply_acked);
    wire::Outcome out = event_of(r, EventKind::acked);
    tell(r, out);
  }
  if (reply.of_another || answers_nothing(view, reply.venue_ms)) ports_.wire.distrust(view.connection);
  if (reply.verdict == Verdict::unknown) {
    // It need not be this request's: it may have lain in the socket before the write, and says nothing of
    // arrival.
    pacer_.on_no_reply(r.ticket, std::max(now, view.replied_ns));
  } else {
    if (reply.venue_ms != 0) note_clock(reply.venue_ms, r.written_ns, view.replied_ns, now);
    pacer_.on_reply(r.ticket, std::max(now, view.replied_ns),
                    {reply.verdict == Verdict::throttled, reply.remaining_quota});
  }

  if (reply.verdict == Verdict::acked || reply.verdict == Verdict::throttled)
    note_throttling(r.account, reply.verdict == Verdict::throttled, now);
  switch (reply.verdict) {
    case Verdict::acked:
      ++counters_.acked;
      // A read made before says nothing about what the reversal does to the position.
      book_.needs_read_since(r.position, std::max(reply.venue_ms, r.written_venue_ms));
      record_learned(slot, reply.verdict, reply.venue_ms, now);
      open_case(slot, order::Answer::acked, reply.venue_ms, /*recovered=*/false, now);
      break;
    case Verdict::rejected:
    case Verdict::throttled:
      record_learned(slot, reply.verdict, reply.venue_ms, now);
      on_refusal(slot, reply, now);
      break;
    case Verdict::doubtful_no:
      record_learned(slot, reply.verdict, reply.venue_ms, now);
      if (reply.code_class == wire::CodeClass::lead_trader)
        become_lead_trader(r.account, "the venue says so", now);
      become_unknown(slot, ReversalEvent::reply_doubtful, order::Answer::doubtful_no, reply.venue_ms, now);
      break;
    case Verdict::unknown:
      record_learned(slot, reply.verdict, reply.venue_ms, now);
      become_unknown(slot, ReversalEvent::reply_unknown, order::Answer::none, 0, now);
      break;
  }
  ports_.events.on_raw_reply(key, view.http_status, view.body, dialect_.trace_id(header_lookup(view)), now);
}

void Engine::on_refusal(std::uint32_t slot, const domain::ReversalReply& reply, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  const AccountIndex account = r.account;
  step(r, ReversalEvent::reply_rejected);
  ++counters_.rejected;
  wire::Outcome out = event_of(r, EventKind::rejected);
  out.flags = wire::kTerminal;
  tell_journaled(r, out, now);
  finish(slot, now);
  if (reply.verdict == Verdict::throttled) {
    ++counters_.throttled;
    EventDetails details;
    details.account = account;
    details.code = reply.code;
    ports_.events.on_engine_event(EngineEvent::account_throttled, details, now);
    return;
  }
  switch (reply.code_class) {
    case wire::CodeClass::fatal:
      refuse_account(account, reply.code, reply.code_class, "the venue refused the account", now);
      break;
    case wire::CodeClass::mode:
    // A request of the other mode lacks a field or has one too many, and is refused for that.
    case wire::CodeClass::bad_request:
      recheck_mode(account, now);
      break;
    case wire::CodeClass::none:
    case wire::CodeClass::success:
    case wire::CodeClass::not_executed:
    case wire::CodeClass::ambiguous:
    case wire::CodeClass::closed:
    case wire::CodeClass::nothing_held:
    case wire::CodeClass::funds:
    case wire::CodeClass::market:
    case wire::CodeClass::duplicate:
    case wire::CodeClass::lead_trader:
      break;
  }
}

void Engine::become_unknown(std::uint32_t slot, ReversalEvent event, order::Answer answer, VenueMs answered,
                            Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  step(r, event);
  BH_ASSERT(r.state == ReversalState::unknown);
  ++counters_.unknown;
  r.told_unknown = true;
  book_.needs_read_since(r.position, r.written_venue_ms);
  // Blocked before it is told, so that the strategy's next intent meets the block.
  block(r.position, order::BlockReason::unknown, now);
  wire::Outcome out = event_of(r, EventKind::unknown);
  tell_journaled(r, out, now);
  open_case(slot, answer, answered, /*recovered=*/false, now);
}

void Engine::open_case(std::uint32_t slot, order::Answer answer, VenueMs answered, bool recovered,
                       Ns now) noexcept {
  const OpenReversal& r = slots_[slot];
  const PositionEntry& entry = directory_[r.position];
  order::CaseFacts facts;
  facts.case_id = slot;
  facts.account = r.account;
  facts.position = r.position;
  facts.instrument = entry.id;
  facts.mode = config_.accounts[r.account.value].position_mode;
  facts.held_side = r.intent.position_side;
  facts.has_size = (r.intent.flags & wire::kHasSize) != 0;
  if (facts.has_size) facts.size = Decimal{r.intent.size_digits, r.intent.size_scale};
  facts.client_oid = r.client_oid;
  facts.order_id = r.order_id;
  facts.signed_venue_ms = r.signed_venue_ms;
  facts.written_venue_ms = r.written_venue_ms;
  facts.answer = answer;
  facts.answered_venue_ms = answered;
  facts.before = r.before;
  facts.recovered = recovered;
  settlement_.open(facts, now);
}

void Engine::record_learned(std::uint32_t slot, Verdict verdict, VenueMs venue_ms, Ns now) noexcept {
  const OpenReversal& r = slots_[slot];
  journal::Learned body{};
  body.intent_id = r.intent.id;
  body.replied_ns = r.replied_ns;
  body.venue_ms = venue_ms;
  body.order_id = r.order_id;
  body.code = r.venue_code;
  body.http_status = r.http_status;
  body.verdict = static_cast<std::uint8_t>(verdict);
  body.code_class = r.code_class;
  (void)append(r, body, now);
}

}  // namespace backhand::engine
