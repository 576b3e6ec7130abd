// What the journal left open becomes live again: whatever has no definite answer is unknown until evidence
// comes.
#include <algorithm>
#include <string>

#include "common/assert.hpp"
#include "gateway/engine/engine.hpp"

namespace backhand::engine {

using journal::CasePhase;
using order::ReversalState;
using wire::EventKind;

namespace {

/// A look-up made before a clean stop is counted no longer than this.
constexpr Ns kRecentLookup_ns = 5 * kSecond;

/// A reboot makes the clock smaller, and takes longer than any window.
bool is_recent(Ns at, Ns now, Ns longest) noexcept { return at <= now && now - at <= longest; }

/// The intent again, as far as its records tell.
wire::Intent intent_of(const journal::OpenCase& open) noexcept {
  wire::Intent intent{};
  intent.id = open.intent_id;
  intent.kind = wire::IntentKind::reverse;
  intent.product = open.product;
  intent.position_side = open.position_side;
  intent.account = open.account();
  intent.symbol = open.symbol();
  intent.user_tag = open.user_tag();
  if (open.taken) intent.created_ns = open.taken->body.created_ns;
  if (open.intended) {
    const journal::Intended& body = open.intended->body;
    intent.kind = body.intent_kind;
    intent.target_id = body.target_id;
    intent.created_ns = body.created_ns;
    intent.deadline_ns = body.deadline_ns;
    intent.margin_coin = body.margin_coin;
    if (body.has_size != 0) {
      intent.flags |= wire::kHasSize;
      intent.size_digits = body.size_digits;
      intent.size_scale = body.size_scale;
    }
  }
  return intent;
}

}  // namespace

std::expected<void, Error> Engine::recover(const journal::Recovered& recovered, Ns now) {
  BH_ASSERT(!started_);
  unclean_ = recovered.unclean();
  const journal::State& state = recovered.state;
  // With durability "power" nothing was sent whose record was not on disk.
  end_missing_ = recovered.tail == journal::TailLoss::end_missing;
  records_lost_ = end_missing_ || (unclean_ && state.last_start.durability ==
                                                   static_cast<std::uint8_t>(journal::Durability::process));
  known_names_ = state.names;
  known_names_.reserve();
  for (const auto& [number, lane] : state.lanes) {
    const auto found =
        std::find_if(config_.strategies.begin(), config_.strategies.end(),
                     [&](const config::Strategy& s) { return s.name == lane.strategy.view(); });
    // A strategy that is configured no more keeps its lane number; nobody can attach to it.
    if (number >= lane_book_.size()) {
      return std::unexpected(
          Error{"journal: lane " + std::to_string(number) + " is beyond gateway.max_lanes"});
    }
    const auto strategy = found == config_.strategies.end()
                              ? StrategyIndex{static_cast<std::uint16_t>(config_.strategies.size())}
                              : StrategyIndex{static_cast<std::uint16_t>(found - config_.strategies.begin())};
    lane_book_.open(LaneIndex{number}, strategy, lane.taken_mark, lane.last_record_number);
    (void)lane_book_.note(LaneIndex{number}, lane.noted);
    for (const journal::StoredOutcome& stored : lane.outcomes)
      lane_book_.restore(LaneIndex{number}, stored.outcome);
  }
  for (const auto& [name, told] : state.uids) {
    const AccountIndex account = config_.account_named(name.view());
    if (account.valid()) accounts_[account.value].journaled_uid = told.body.uid;
  }
  for (const auto& [key, open] : state.cases) {
    if (auto done = recover_case(open, now); !done) return done;
  }
  for (const journal::Halt& halt : state.halts) {
    if (halt.scope == journal::Scope::all) {
      risk_.halt();
      halt_reason_ = FixedString<48>{halt.reason};
    }
    if (halt.scope != journal::Scope::account) continue;
    // The venue's own refusal is asked anew at every start; an operator's word stands.
    const AccountIndex account = config_.account_named(halt.name.view());
    if (account.valid() && !halt.by_venue) accounts_[account.value].halted_by_operator = true;
  }
  recover_counts(state, recovered.unix_seconds * kSecond, now);
  if (state.epoch == 0) return {};
  recall_recent_sends(state, now);
  // A clean stop leaves no reversal behind, but the venue still counts the look-ups made just before it.
  const bool stopped_long_ago = state.clean_stop && !is_recent(state.last_record_ns, now, kRecentLookup_ns);
  if (!stopped_long_ago) pacer_.recall_lookups(now);
  return {};
}

void Engine::recall_recent_sends(const journal::State& state, Ns now) noexcept {
  // An account that may have sent just before the end starts as if its whole allowance had just been used.
  // The newest record of each reversal is younger than its send.
  // One may have been without an answer for as long as requests are waited for when the gateway died; from
  // then on it may arrive for as long as pacing assumes, and the venue counts it for one window.
  const Ns longest = static_cast<Ns>(config_.venue.request_timeout_ms + config_.pacing.no_reply_hold_ms +
                                     config_.pacing.window_margin_ms) *
                         kMillisecond +
                     dialect_.reversal_rule().window_ns;
  std::vector<bool> recent(accounts_.size(), false);
  const auto note = [&](const wire::AccountName& name, Ns at) {
    if (!is_recent(at, now, longest)) return;
    if (const AccountIndex account = config_.account_named(name.view()); account.valid())
      recent[account.value] = true;
  };
  for (const auto& [key, open] : state.cases) {
    if (open.intended) note(open.account(), open.intended->mono_ns);
  }
  for (const auto& [number, lane] : state.lanes) {
    for (const journal::StoredOutcome& stored : lane.outcomes) {
      if (stored.key.valid()) note(stored.outcome.account, stored.mono_ns);
    }
  }
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    if (!recent[a]) continue;
    for (std::uint32_t i = 0; i < config_.pacing.requests_per_second; ++i)
      pacer_.recall_reversal(AccountIndex{a}, now);
    recalled_until_ns_ = std::max(recalled_until_ns_, pacer_.budget().account_earliest(AccountIndex{a}, now));
  }
}

void Engine::recover_counts(const journal::State& state, std::int64_t unix_ns, Ns now) noexcept {
  // By hour, as risk counts them: the oldest first.
  std::vector<std::pair<std::uint32_t, const journal::HourKey*>> oldest_first;
  oldest_first.reserve(state.hour_counts.size());
  for (const auto& [key, count] : state.hour_counts) oldest_first.emplace_back(key.unix_hour, &key);
  std::sort(oldest_first.begin(), oldest_first.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [hour, key] : oldest_first) {
    const Directory::Found found = directory_.find(key->account, key->product, key->symbol, {});
    if (!found.position.valid()) continue;
    // When in the hour each was sent is not kept; as if at its end errs to the strict side. As if just now
    // would deny by the minute's count what is allowed, so none is younger than two minutes.
    const Ns hour_ends = now - (unix_ns - (static_cast<std::int64_t>(hour) + 1) * journal::kHour_ns);
    const Ns at = std::min(hour_ends, now - 120 * kSecond);
    const std::uint32_t count = std::min(state.hour_counts.at(*key), 100'000U);
    for (std::uint32_t i = 0; i < count; ++i) risk_.on_sent(found.position, at);
  }
}

std::expected<void, Error> Engine::recover_case(const journal::OpenCase& open, Ns now) {
  const wire::Intent intent = intent_of(open);
  const LaneIndex lane{open.key.lane};
  if (!lane_book_.is_open(lane)) {
    return std::unexpected(
        Error{"journal: an open case names lane " + std::to_string(open.key.lane) + ", which has no name"});
  }
  const bool needs_position = open.phase != CasePhase::waiting && open.phase != CasePhase::voided;
  const Directory::Found found =
      directory_.find(intent.account, intent.product, intent.symbol, intent.margin_coin);
  if (needs_position && !found.position.valid()) {
    return std::unexpected(
        Error{"journal: a reversal of " + std::string{intent.symbol.view()} + " on account '" +
              std::string{intent.account.view()} +
              "' has no proven end, but the configuration has no such account and instrument any "
              "more; put them back, or settle it first"});
  }
  if (!needs_position) {
    OpenReversal r;
    r.lane = lane;
    r.intent = intent;
    r.key = open.key;
    if (open.is_shot) {
      // Nothing of a shot is sent before another intent's record says so.
      wire::Outcome out = event_of(r, EventKind::disarmed);
      out.deny_reason = wire::DenyReason::restarted;
      out.flags = wire::kTerminal;
      tell_journaled(r, out, now);
      return {};
    }
    if (open.phase == CasePhase::waiting && records_lost_) {
      end_without_record(r, now);
      return {};
    }
    wire::Outcome out = event_of(r, EventKind::denied);
    out.deny_reason = open.phase == CasePhase::voided && open.voided->body.reason != wire::DenyReason::none
                          ? open.voided->body.reason
                          : wire::DenyReason::restarted;
    if (open.key.valid()) out.client_oid = open.client_oid();
    out.flags = wire::kTerminal;
    counters_.deny(out.deny_reason);
    tell_journaled(r, out, now);
    return {};
  }
  const StrategyIndex strategy = lane_book_.strategy(lane);
  const std::uint32_t slot = allocate(lane, strategy, found.position, intent, now);
  if (slot == kNoSlot)
    return std::unexpected(Error{"journal: more open cases than gateway.max_open_intents"});
  OpenReversal& r = slots_[slot];
  restore_slot(r, open);
  switch (open.phase) {
    case CasePhase::waiting:
    case CasePhase::voided:
      BH_ASSERT(false && "told above");
      break;
    case CasePhase::settled:
      retell_settled(slot, open.settled->body, now);
      break;
    case CasePhase::unresolved:
      r.state = ReversalState::unresolved;
      occupy_recovered(slot);
      (void)book_.block(r.position, order::BlockReason::unresolved);
      break;
    case CasePhase::learned:
      resume_learned(slot, open, now);
      break;
    case CasePhase::intended:
    case CasePhase::sent:
      resume_unknown(slot, order::Answer::none, 0, open.told_unknown, now);
      break;
  }
  return {};
}

void Engine::end_without_record(const OpenReversal& r, Ns now) noexcept {
  // The record of its write may be among the lost ones, and with it the only name to ask the venue by. Nobody
  // can find out what became of it; its position is not used before the fuse has burnt and the positions are
  // read anew.
  journal::Resolved body{};
  body.intent_id = r.intent.id;
  body.note = FixedString<56>{"its records may have been lost with the power"};
  (void)append(r, body, now);
  wire::Outcome out = event_of(r, EventKind::unresolved);
  out.flags = wire::kTerminal;
  ++counters_.unresolved;
  tell_journaled(r, out, now);
}

void Engine::restore_slot(OpenReversal& r, const journal::OpenCase& open) noexcept {
  r.key = open.key;
  r.client_oid = open.client_oid();
  r.is_sending = true;
  ++sending_;
  r.taken_recorded = true;
  r.told_unknown = open.told_unknown;
  r.taken_ns = open.taken ? open.taken->mono_ns : 0;
  if (open.intended) {
    const journal::Intended& body = open.intended->body;
    r.slot_ns = body.slot_ns;
    r.signed_venue_ms = body.request_venue_ms;
    r.written_venue_ms = body.request_venue_ms;
    if (body.has_before != 0) {
      // The write came after this read, however far its timestamp was set back: what is older is not its
      // doing.
      r.written_venue_ms = std::max(r.written_venue_ms, body.before_venue_ms);
      r.before.long_size = {body.long_before, body.before_scale};
      r.before.short_size = {body.short_before, body.before_scale};
      r.before.read_venue_ms = body.before_venue_ms;
    }
  }
  if (open.sent) {
    r.connection = open.sent->body.connection;
    r.encoded_ns = open.sent->body.encoded_ns;
    r.written_ns = open.sent->body.written_ns;
  }
  if (open.learned) {
    const journal::Learned& body = open.learned->body;
    r.replied_ns = body.replied_ns;
    r.order_id = body.order_id;
    r.venue_code = body.code;
    r.code_class = body.code_class;
    r.http_status = body.http_status;
  }
}

void Engine::occupy_recovered(std::uint32_t slot) noexcept {
  OpenReversal& r = slots_[slot];
  // At most one reversal of a position was under way, so it is free unless the journal holds an older
  // unresolved one.
  if (book_.occupant(r.position) != order::PositionBook::kNobody) return;
  book_.occupy(r.position, slot);
  r.occupies = true;
}

void Engine::resume_learned(std::uint32_t slot, const journal::OpenCase& open, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  const journal::Learned& body = open.learned->body;
  switch (static_cast<domain::Verdict>(body.verdict)) {
    case domain::Verdict::acked:
      r.state = ReversalState::acked;
      occupy_recovered(slot);
      book_.needs_read_since(r.position, std::max(body.venue_ms, r.written_venue_ms));
      // Its execution has not been seen, so its position waits for it like an unknown one.
      (void)book_.block(r.position, order::BlockReason::unknown);
      open_recovered(slot, order::Answer::acked, body.venue_ms, now);
      return;
    case domain::Verdict::rejected:
    case domain::Verdict::throttled: {
      r.state = ReversalState::rejected;
      ++counters_.rejected;
      wire::Outcome out = event_of(r, EventKind::rejected);
      out.flags = wire::kTerminal;
      tell_journaled(r, out, now);
      finish(slot, now);
      return;
    }
    case domain::Verdict::doubtful_no:
      resume_unknown(slot, order::Answer::doubtful_no, body.venue_ms, open.told_unknown, now);
      return;
    case domain::Verdict::unknown:
      break;
  }
  resume_unknown(slot, order::Answer::none, 0, open.told_unknown, now);
}

void Engine::resume_unknown(std::uint32_t slot, order::Answer answer, VenueMs answered, bool told,
                            Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  r.state = ReversalState::unknown;
  occupy_recovered(slot);
  book_.needs_read_since(r.position, r.written_venue_ms);
  (void)book_.block(r.position, order::BlockReason::unknown);
  ++counters_.unknown;
  if (!told) {
    r.told_unknown = true;
    wire::Outcome out = event_of(r, EventKind::unknown);
    tell_journaled(r, out, now);
  }
  open_recovered(slot, answer, answered, now);
}

/// What look-ups do not show proves something only where they ask the account that the reversal was sent on.
void Engine::open_recovered(std::uint32_t slot, order::Answer answer, VenueMs answered, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  AccountState& account = accounts_[r.account.value];
  if (account.journaled_uid.empty()) {
    open_case(slot, answer, answered, /*recovered=*/true, now);
    return;
  }
  r.awaits_uid = true;
  r.answer = answer;
  r.answered_venue_ms = answered;
  ++account.awaiting_uid;
}

void Engine::retell_settled(std::uint32_t slot, const journal::Settled& body, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  r.state = ReversalState::settled;
  r.order_id = body.order_id;
  ++counters_.settled;
  wire::Outcome out = event_of(r, EventKind::settled);
  out.result = body.result;
  out.flags = static_cast<std::uint8_t>(body.flags | wire::kTerminal);
  out.position_scale = body.position_scale;
  out.long_before = body.long_before;
  out.short_before = body.short_before;
  out.long_after = body.long_after;
  out.short_after = body.short_after;
  tell_journaled(r, out, now);
  finish(slot, now);
}

}  // namespace backhand::engine
