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

namespace {

/// What an operator is told of a reply that says nothing of its reversal.
std::string_view what_came(std::uint16_t http_status) noexcept {
  if (http_status == 0) return "no reply came";
  if (http_status == 403) return "the reply was HTTP 403: something before the venue refused the request";
  if (http_status == 429) return "the reply was HTTP 429: too many requests";
  if (http_status >= 500) return "the reply was HTTP 5xx: the venue, or something before it, is in trouble";
  return "the reply does not say what became of it";
}

}  // namespace

std::uint32_t Engine::awaited_slot(net::RequestToken token) noexcept {
  const std::uint32_t slot = index_of(token);
  if (slot < slots_.size() && slots_[slot].in_use && slots_[slot].generation == generation_of(token) &&
      slots_[slot].state == ReversalState::sent) {
    return slot;
  }
  ++counters_.late_replies;
  return kNoSlot;
}

BH_ON_PATH void Engine::on_reply(net::RequestToken token, const net::ReplyView& reply, Ns now) noexcept {
  if (is_lookup(token)) {
    on_lookup_reply(index_of(token), reply, now);
    return;
  }
  const std::uint32_t slot = awaited_slot(token);
  if (slot != kNoSlot) on_reversal_reply(slot, reply, now);
}

void Engine::on_lost(net::RequestToken token, net::LossReason reason, bool aborted_by_reset,
                     Ns now) noexcept {
  (void)aborted_by_reset;
  if (is_lookup(token)) {
    on_lookup_lost(index_of(token), reason, now);
    return;
  }
  const std::uint32_t slot = awaited_slot(token);
  if (slot == kNoSlot) return;
  pacer_.on_no_reply(slots_[slot].ticket, now);
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
  if (reply.verdict != Verdict::unknown) note_heard();
  switch (reply.verdict) {
    case Verdict::acked:
      on_ack(slot, view, reply, now);
      break;
    case Verdict::rejected:
    case Verdict::throttled:
    case Verdict::doubtful_no:
      on_no(slot, view, reply, now);
      break;
    case Verdict::unknown:
      if (reply.of_another || foreign_sign(view, reply.venue_ms, r.written_ns, clock_) != ForeignSign::none)
        distrust(view);
      on_untied_reply(slot, now);
      break;
  }
  ports_.events.on_raw_reply(key, view.http_status, view.body, dialect_.trace_id(header_lookup(view)), now);
}

/// A yes names our clientOid, which no request before had: it needs no other sign.
BH_ON_PATH void Engine::on_ack(std::uint32_t slot, const net::ReplyView& view,
                               const domain::ReversalReply& reply, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  // Its strategy waits for this one: told first. It is no promise that the journal has to keep.
  r.order_id = reply.order_id;
  step(r, ReversalEvent::reply_acked);
  wire::Outcome out = event_of(r, EventKind::acked);
  tell(r, out);
  if (reply.venue_ms == 0 || view.followed) distrust(view);
  pacer_.on_reply(r.ticket, std::max(now, view.replied_ns), {false, reply.remaining_quota});
  note_throttling(r.account, /*throttled=*/false, now);
  ++counters_.acked;
  // A read made before says nothing about what the reversal does to the position.
  book_.needs_read_since(r.position, std::max(reply.venue_ms, r.written_venue_ms));
  record_learned(slot, reply.verdict, reply.venue_ms, now);
  open_case(slot, order::Answer::acked, reply.venue_ms, /*recovered=*/false, now);
}

/// A no names nobody. Without a sign against it, the probe behind it shows whether it was the only reply so
/// far; until then nothing follows from it.
void Engine::on_no(std::uint32_t slot, const net::ReplyView& view, const domain::ReversalReply& reply,
                   Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  if (foreign_sign(view, reply.venue_ms, r.written_ns, clock_) != ForeignSign::none) {
    distrust(view);
    on_untied_reply(slot, now);
    return;
  }
  r.refusal = reply.verdict;
  r.refused_venue_ms = reply.venue_ms;
  r.quota_left = reply.remaining_quota;
  ports_.wire.check(view.connection);
}

void Engine::on_checked(net::RequestToken token, const net::ReplyView& reply, Ns written_ns,
                        Ns now) noexcept {
  const bitget::ProbeReply probe = dialect_.decode_probe(reply.http_status, reply.body);
  close_ping(reply.replied_ns, /*replied=*/true, probe.throttled);
  const bool in_order = take_probe(reply, probe, written_ns);
  if (!in_order) distrust(reply);
  const std::uint32_t slot = awaited_slot(token);
  if (slot == kNoSlot) return;
  if (in_order) {
    on_certain_no(slot, now);
  } else {
    on_untied_reply(slot, now);
  }
}

void Engine::on_not_checked(net::RequestToken token, bool asked, Ns now) noexcept {
  if (asked) close_ping(now, /*replied=*/false);
  const std::uint32_t slot = awaited_slot(token);
  if (slot != kNoSlot) on_untied_reply(slot, now);
}

/// What was read may answer another request, so that it says nothing about this one, nor about its arrival.
void Engine::on_untied_reply(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  r.refusal = Verdict::unknown;
  pacer_.on_no_reply(r.ticket, std::max(now, r.replied_ns));
  record_learned(slot, Verdict::unknown, 0, now);
  become_unknown(slot, ReversalEvent::reply_unknown, order::Answer::none, 0, now);
}

void Engine::on_certain_no(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  const AccountIndex account = r.account;
  const wire::CodeClass code_class = r.code_class;
  const VenueMs venue_ms = r.refused_venue_ms;
  pacer_.on_reply(r.ticket, std::max(now, r.replied_ns), {r.refusal == Verdict::throttled, r.quota_left});
  if (r.refusal == Verdict::throttled) note_throttling(account, /*throttled=*/true, now);
  record_learned(slot, r.refusal, venue_ms, now);
  if (r.refusal != Verdict::doubtful_no) {
    on_refusal(slot, now);
    return;
  }
  if (code_class == wire::CodeClass::lead_trader) become_lead_trader(account, "the venue says so", now);
  // It may be about the second leg and prove nothing about the account: the account is asked about.
  if (code_class == wire::CodeClass::fatal || code_class == wire::CodeClass::mode) recheck_mode(account, now);
  become_unknown(slot, ReversalEvent::reply_doubtful, order::Answer::doubtful_no, venue_ms, now);
}

void Engine::on_refusal(std::uint32_t slot, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  const AccountIndex account = r.account;
  const PositionIndex position = r.position;
  const wire::VenueCode code = r.venue_code;
  const wire::CodeClass code_class = r.code_class;
  const bool throttled = r.refusal == Verdict::throttled;
  step(r, ReversalEvent::reply_rejected);
  ++counters_.rejected;
  wire::Outcome out = event_of(r, EventKind::rejected);
  out.flags = wire::kTerminal;
  tell_journaled(r, out, now);
  finish(slot, now);
  if (throttled) {
    ++counters_.throttled;
    EventDetails details;
    details.account = account;
    details.code = code;
    ports_.events.on_engine_event(EngineEvent::account_throttled, details, now);
    return;
  }
  EventDetails details;
  details.account = account;
  details.position = position;
  details.code = code;
  details.code_class = code_class;
  ports_.events.on_engine_event(EngineEvent::reversal_rejected, details, now);
  if (code_class == wire::CodeClass::fatal) {
    refuse_account(account, code, code_class, "the venue refused the account", now);
  } else if (code_class == wire::CodeClass::bad_request) {
    // A request of the other mode lacks a field or has one too many, and is refused for that.
    recheck_mode(account, now);
  }
}

void Engine::distrust(const net::ReplyView& view) noexcept {
  ++counters_.distrusted;
  ports_.wire.distrust(view.connection);
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
  block(r.position, order::BlockReason::unknown, what_came(r.http_status), now);
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
