// What look-ups and probes that brought nothing looked like: what is kept of it, and what is worth a line in
// the log. Nothing here decides anything.
#include <algorithm>

#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"

namespace backhand::engine {

using domain::LookupKind;
using domain::LookupStatus;

namespace {

Trouble object_of(const domain::Lookup& lookup) noexcept {
  Trouble out;
  out.kind = lookup.kind;
  const bool is_public = lookup.kind == LookupKind::venue_time || lookup.kind == LookupKind::contracts;
  if (!is_public) out.account = lookup.account;
  const bool of_product = lookup.kind != LookupKind::venue_time && lookup.kind != LookupKind::account_kind;
  if (of_product) out.product = lookup.instrument.product;
  // The mode is the product's, but an unknown symbol may be why it was refused.
  if (lookup.kind == LookupKind::account_mode || lookup.kind == LookupKind::contracts)
    out.symbol = lookup.instrument.symbol;
  return out;
}

bool is_encoded(const domain::ReplyTrace& trace) noexcept {
  return !trace.content_encoding.empty() && trace.content_encoding.view() != "identity";
}

TroubleCause cause_of(const domain::LookupReply& reply) noexcept {
  if (reply.status == LookupStatus::throttled) return TroubleCause::throttled;
  if (reply.code.empty()) return is_encoded(reply.trace) ? TroubleCause::compressed : TroubleCause::not_venue;
  return reply.code_class == wire::CodeClass::success ? TroubleCause::incomplete : TroubleCause::refused;
}

}  // namespace

void Engine::note_trouble(Trouble trouble, Ns now) noexcept {
  const Trouble* const said = troubles_.note(trouble, now);
  if (said != nullptr) ports_.events.on_trouble(*said, /*ended=*/false, now);
}

void Engine::end_trouble(const Trouble& object, Ns now) noexcept {
  const Trouble* const said = troubles_.end(object, now);
  if (said != nullptr) ports_.events.on_trouble(*said, /*ended=*/true, now);
}

void Engine::note_reply(const domain::Lookup& lookup, const domain::LookupReply& reply, Ns now) noexcept {
  Trouble trouble = object_of(lookup);
  const bool of_use = reply.status == LookupStatus::ok || reply.status == LookupStatus::not_found ||
                      reply.status == LookupStatus::absent;
  // A full page of a history is usual; a list that does not fit is not.
  const bool cut =
      reply.truncated && (lookup.kind == LookupKind::positions || lookup.kind == LookupKind::contracts);
  if (of_use && !cut) {
    end_trouble(trouble, now);
    if (lookup.kind == LookupKind::positions) note_unread_rows(lookup, reply, now);
    return;
  }
  trouble.cause = of_use ? TroubleCause::incomplete : cause_of(reply);
  trouble.trace = reply.trace;
  trouble.code = reply.code;
  trouble.code_class = reply.code_class;
  note_trouble(trouble, now);
}

void Engine::note_loss(const domain::Lookup& lookup, net::LossReason reason, Ns now) noexcept {
  if (reason == net::LossReason::closed_by_us) return;
  Trouble trouble = object_of(lookup);
  trouble.cause = TroubleCause::lost;
  trouble.loss = reason;
  note_trouble(trouble, now);
}

void Engine::note_probe(const net::ReplyView& reply, const bitget::ProbeReply& probe, Ns now) noexcept {
  domain::Lookup lookup;
  lookup.kind = LookupKind::venue_time;
  Trouble trouble = object_of(lookup);
  if (probe.ok) {
    end_trouble(trouble, now);
    return;
  }
  domain::LookupReply seen;
  seen.status = probe.throttled ? LookupStatus::throttled : LookupStatus::unavailable;
  seen.code = probe.code;
  seen.code_class = probe.code_class;
  seen.trace = bitget::trace_of(reply.http_status, header_lookup(reply));
  seen.trace.message = probe.message;
  note_reply(lookup, seen, now);
}

/// Rows of positions that could not be read: one entry for each instrument of ours that one may be, and one
/// for all that are nobody's.
void Engine::note_unread_rows(const domain::Lookup& lookup, const domain::LookupReply& reply,
                              Ns now) noexcept {
  Trouble foreign = object_of(lookup);
  foreign.cause = TroubleCause::foreign_rows;
  for (const domain::UnreadRow& row : reply.unread) {
    bool ours = false;
    for (const PositionIndex position : directory_.of_account(lookup.account)) {
      const domain::Instrument& id = directory_[position].id;
      if (id.product != lookup.instrument.product || !domain::may_be(row, id)) continue;
      ours = true;
      Trouble trouble = object_of(lookup);
      trouble.cause = TroubleCause::unread_row;
      trouble.symbol = id.symbol;
      trouble.field = row.field;
      trouble.shown = row.shown;
      note_trouble(trouble, now);
    }
    if (ours) continue;
    if (foreign.rows++ == 0) {
      foreign.field = row.field;
      foreign.shown = row.shown;
    }
  }
  if (foreign.rows > 0) note_trouble(foreign, now);
  troubles_.end_rows(lookup.kind, lookup.account, lookup.instrument.product, now);
}

}  // namespace backhand::engine
