// What the venue's history and the accounts' UIDs tell about other senders: reversals that this journal does
// not know, two keys of one UID, and a key that was replaced between two starts. Looked at while readiness is
// proven, before anything is sent.
#include <algorithm>

#include "common/assert.hpp"
#include "gateway/engine/engine.hpp"

namespace backhand::engine {

using journal::NameOrigin;

namespace {

/// Its key was replaced between two starts. What was told in this start may have been another account's
/// reply, and is corrected by what is told later.
bool is_other_uid(const AccountState& account, const domain::UserId& user_id) noexcept {
  return account.user_id.empty() && !account.journaled_uid.empty() && account.journaled_uid != user_id;
}

}  // namespace

VenueMs Engine::names_since(bool recent_only, Ns now) const noexcept {
  constexpr VenueMs kDay_ms = 24 * 3'600 * 1'000;
  const VenueMs window = recent_only ? 2 * fuse_ms() : kDay_ms;
  return std::max<VenueMs>(clock_.lower_bound_ms(now) - window, 1);
}

VenueMs Engine::fuse_ms() const noexcept {
  return static_cast<VenueMs>(config_.venue.clock_tolerance_ms) + config_.venue.execution_grace_ms +
         config_.venue.lookup_lag_ms;
}

/// The next page of the walk that is under way, or the first one of a new walk.
void Engine::ask_names(LookupJob& job, Ns now) const noexcept {
  if (!job.pages.under_way()) job.pages.begin(names_since(job.recent_only, now), config_.venue.clock_skew_ms);
  job.lookup.since_venue_ms = job.pages.since();
  job.lookup.before_id = job.pages.before();
}

void Engine::on_names_reply(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept {
  using domain::LookupStatus;
  using order::PageWalk;
  const AccountIndex account = job.lookup.account;
  LookupJob again = job;
  again.pages.stop();
  if (reply.status != LookupStatus::ok && reply.status != LookupStatus::not_found) {
    again.refused = !reply.code.empty() && reply.trace.http_status < 500;
    failed(again, reply.status, now);
    return;
  }
  if (reply.status == LookupStatus::ok) {
    const NamesSeen seen = judge_names(account, reply, now);
    if (seen == NamesSeen::not_given && job.refused_once) {
      refuse_account(account, {}, wire::CodeClass::none,
                     "the venue shows a name of this start that this start has not given", now);
      return;
    }
    again.refused_once = job.refused_once || seen == NamesSeen::not_given;
    if (seen == NamesSeen::no_room || seen == NamesSeen::not_given) {
      repeat(again, now);
      return;
    }
    const AccountPhase phase = accounts_[account.value].phase;
    if (seen == NamesSeen::recent && phase == AccountPhase::starting) hold(account, now);
    // Its other products are ready already; this one is looked at again when the fuse has burnt.
    if (seen == NamesSeen::recent && phase == AccountPhase::ready) {
      again.held = true;
      again.due_ns = now + (fuse_ms() + config_.venue.lookup_timeout_ms) * kMillisecond;
      const bool kept = jobs_.readiness.push(again);
      BH_ASSERT(kept);
      return;
    }
    PageWalk pages = job.pages;
    const PageWalk::Step step = pages.take(reply);
    // Which end of a day's orders the pages began with is the venue's choice; what is still on its way is
    // what counts.
    if (step == PageWalk::Step::more || (step == PageWalk::Step::broken && !job.recent_only)) {
      if (step == PageWalk::Step::more) again.pages = pages;
      again.recent_only = job.recent_only || step == PageWalk::Step::broken;
      again.due_ns = now;
      const bool kept = jobs_.readiness.push(again);
      BH_ASSERT(kept);
      return;
    }
  }
  if (job.held) read_positions_again(job, now);
  job_done(job, now);
}

/// What was read before may be older than what was still on its way.
void Engine::read_positions_again(const LookupJob& names, Ns now) noexcept {
  AccountState& state = accounts_[names.lookup.account.value];
  const std::uint8_t product = product_bit(names.lookup);
  if ((state.positions_known & product) == 0) return;  // They are asked for.
  state.positions_known &= static_cast<std::uint8_t>(~product);
  LookupJob positions;
  positions.round = names.round;
  positions.due_ns = now;
  positions.lookup.kind = domain::LookupKind::positions;
  positions.lookup.account = names.lookup.account;
  positions.lookup.instrument = names.lookup.instrument;
  const bool kept = jobs_.readiness.push(positions);
  BH_ASSERT(kept);
}

Engine::NamesSeen Engine::judge_names(AccountIndex account, const domain::LookupReply& reply,
                                      Ns now) noexcept {
  NamesSeen seen = NamesSeen::nothing;
  for (const domain::OrderRow& row : reply.orders) {
    if (row.client_oid.empty()) continue;
    const auto name = journal::parse_client_oid(row.client_oid.view());
    if (!name) continue;
    const bool of_this_start =
        name->start.random == oid_start_.random && name->start.journal_tag == oid_start_.journal_tag;
    if (of_this_start) {
      if (name->sequence <= names_.last_sequence()) continue;
      return NamesSeen::not_given;
    }
    const NameOrigin origin = known_names_.origin_of(*name, oid_start_);
    if (origin == NameOrigin::foreign || origin == NameOrigin::known) continue;
    if (origin != NameOrigin::found) {
      if (journal_failed_ || spare_records() < journal::kPartsOf<journal::NameFound>)
        return NamesSeen::no_room;
      note_name(account, row, *name, origin, now);
    }
    // Whoever sent it may have sent more, which is on its way still and in no page yet.
    const VenueMs burnt = row.created_venue_ms + config_.venue.clock_skew_ms + fuse_ms();
    if (burnt <= clock_.lower_bound_ms(now)) continue;
    seen = NamesSeen::recent;
    if (origin == NameOrigin::lost_here) hold_others(account, now);
  }
  return seen;
}

void Engine::note_name(AccountIndex account, const domain::OrderRow& row, const journal::ParsedOid& name,
                       NameOrigin origin, Ns now) noexcept {
  known_names_.note_found(name);
  journal::NameFound body{};
  body.client_oid = row.client_oid;
  body.account = wire::AccountName{config_.accounts[account.value].name};
  body.created_venue_ms = row.created_venue_ms;
  note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
  // Where the journal is known to have lost its end this is what was to be expected, and all were told.
  const bool rolled_back = origin == NameOrigin::lost_here && !unclean_;
  EventDetails details;
  details.account = account;
  if (rolled_back) {
    details.text =
        "an older copy of the state directory runs; everything is halted until an operator resumes";
  } else if (origin == NameOrigin::lost_here) {
    details.text = "its record was lost when the journal lost its end";
  } else {
    details.text =
        "it has our prefix and another journal's tag: a journal was lost, or another gateway trades "
        "this account";
  }
  ports_.events.on_engine_event(EngineEvent::records_missing, details, now);
  if (rolled_back) (void)halt("the venue shows what this journal has lost", now);
}

void Engine::hold(AccountIndex account, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (state.held_until_venue_ms == 0) {
    ++held_accounts_;
    notice(wire::NoticeKind::not_ready, account, {}, nullptr, now);
  }
  state.held_until_venue_ms = clock_.upper_bound_ms(now) + fuse_ms();
  state.why = kUnknownNamesShown;
}

/// The journal has lost its end, whatever account that was seen on. A shot is named when it is armed and sent
/// later, so that a name that looks known may be of what was lost.
void Engine::hold_others(AccountIndex account, Ns now) noexcept {
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    AccountState& other = accounts_[a];
    const bool serves = other.phase == AccountPhase::ready || other.phase == AccountPhase::starting;
    if (a == account.value || !serves || other.held_until_venue_ms != 0) continue;
    other.phase = AccountPhase::starting;
    hold(AccountIndex{a}, now);
  }
}

int Engine::release_holds(Ns now) noexcept {
  if (!clock_.known(now)) return 0;
  int released = 0;
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    AccountState& state = accounts_[a];
    if (state.held_until_venue_ms == 0) continue;
    const bool starting = state.phase == AccountPhase::starting;
    const bool burnt = clock_.lower_bound_ms(now) > state.held_until_venue_ms;
    if (starting && !burnt) continue;
    state.held_until_venue_ms = 0;
    BH_ASSERT(held_accounts_ > 0);
    --held_accounts_;
    ++released;
    // What was read before may be older than what was still on its way.
    if (starting) begin_readiness(AccountIndex{a}, now);
  }
  if (released > 0) check_ready(now);
  return released;
}

bool Engine::identify(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept {
  const AccountIndex account = job.lookup.account;
  AccountState& state = accounts_[account.value];
  const domain::UserId& user_id = reply.user_id;
  const bool is_told = reply.status == domain::LookupStatus::ok && !user_id.empty();
  if (!is_told) {
    const bool may_go = may_go_without_uid(account, now);
    if (may_go && !state.uid_was_shared) return true;
    LookupJob again = job;
    again.refused = !reply.code.empty();
    failed(again, domain::LookupStatus::absent, now);
    return false;
  }
  state.untold_since_ns = 0;
  if (state.user_id == user_id) return true;
  const auto other = std::ranges::find(accounts_, user_id, &AccountState::user_id);
  const bool is_shared = other != accounts_.end();
  // It may have been another account's reply: it is asked about once more.
  if (!is_shared && is_other_uid(state, user_id) && !job.uid_differs_once) {
    LookupJob again = job;
    again.uid_differs_once = true;
    repeat(again, now);
    return false;
  }
  if (!is_shared && !judge_uid(account, user_id, now)) return false;
  if (!is_shared && ports_.events.lock_uid(account, user_id)) {
    if (!record_uid(account, user_id, now)) {
      repeat(job, now);
      return false;
    }
    state.user_id = user_id;
    state.uid_was_shared = false;
    return true;
  }
  state.uid_was_shared = true;
  // One of the replies may have been another account's: both are asked about once more.
  if (!job.uid_shared_once) {
    LookupJob again = job;
    again.uid_shared_once = true;
    repeat(again, now);
    if (is_shared)
      ask_kind_again(AccountIndex{static_cast<std::uint16_t>(other - accounts_.begin())}, job, now);
    return false;
  }
  if (is_shared) {
    if (!judge_uid(account, user_id, now)) return false;
    EventDetails details;
    details.account = account;
    details.other = AccountIndex{static_cast<std::uint16_t>(other - accounts_.begin())};
    details.text = "two accounts are one: their keys belong to the same UID";
    ports_.events.on_engine_event(EngineEvent::uid_shared, details, now);
    refuse_account(account, {}, wire::CodeClass::none, "its key belongs to the UID of another account", now);
  } else {
    refuse_account(account, {}, wire::CodeClass::none, "another gateway on this host is using its UID", now);
  }
  return false;
}

bool Engine::judge_uid(AccountIndex account, const domain::UserId& user_id, Ns now) noexcept {
  if (!is_other_uid(accounts_[account.value], user_id)) {
    look_up_awaiting(account, now);
    return true;
  }
  // Look-ups with this key show nothing of what was sent on the other UID.
  give_up_awaiting(account, domain::Ground::other_uid, now);
  if (!has_open_reversal(account)) return true;
  // The journal keeps the UID of what is open: the next start is to find the same.
  refuse_account(
      account, {}, wire::CodeClass::none,
      "its key belongs to another UID than when the gateway last used it; reversals of it are open", now);
  return false;
}

bool Engine::may_go_without_uid(AccountIndex account, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (!state.user_id.empty() || state.journaled_uid.empty()) return true;
  if (state.awaiting_uid > 0) {
    // As patient as with look-ups that prove nothing.
    if (state.untold_since_ns == 0) state.untold_since_ns = now;
    const Ns patience = static_cast<Ns>(config_.venue.unresolved_after_ms) * kMillisecond;
    if (now - state.untold_since_ns < patience) return false;
    give_up_awaiting(account, domain::Ground::no_evidence, now);
  }
  // What is sent from now on may be sent on any UID.
  return record_uid(account, {}, now);
}

bool Engine::record_uid(AccountIndex account, const domain::UserId& user_id, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (state.journaled_uid == user_id || journal_failed_) return true;
  if (spare_records() < journal::kPartsOf<journal::AccountUid>) return false;
  if (!state.journaled_uid.empty() && state.user_id.empty()) {
    EventDetails details;
    details.account = account;
    if (user_id.empty()) details.text = "the venue does not tell its UID any more";
    ports_.events.on_engine_event(EngineEvent::uid_changed, details, now);
  }
  journal::AccountUid body{};
  body.account = FixedString<24>{config_.accounts[account.value].name};
  body.uid = user_id;
  note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
  state.journaled_uid = user_id;
  return true;
}

/// The account's UID is the one that its open reversals were sent on.
void Engine::look_up_awaiting(AccountIndex account, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  for (std::uint32_t slot = 0; state.awaiting_uid > 0 && slot < slots_.size(); ++slot) {
    OpenReversal& r = slots_[slot];
    if (!r.in_use || r.account != account || !r.awaits_uid) continue;
    r.awaits_uid = false;
    --state.awaiting_uid;
    open_case(slot, r.answer, r.answered_venue_ms, /*recovered=*/true, now);
  }
}

void Engine::give_up_awaiting(AccountIndex account, domain::Ground ground, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  for (std::uint32_t slot = 0; state.awaiting_uid > 0 && slot < slots_.size(); ++slot) {
    OpenReversal& r = slots_[slot];
    if (!r.in_use || r.account != account || !r.awaits_uid) continue;
    r.awaits_uid = false;
    --state.awaiting_uid;
    r.ground = ground;
    wire::Outcome out = event_of(r, wire::EventKind::unresolved);
    out.flags = wire::kTerminal;
    end_unresolved(slot, out, now);
  }
}

bool Engine::has_open_reversal(AccountIndex account) const noexcept {
  return std::ranges::any_of(slots_, [&](const OpenReversal& r) {
    return r.in_use && r.account == account &&
           (order::may_have_left(r.state) || r.state == order::ReversalState::unresolved);
  });
}

/// Whose key it is was told; what is told now replaces it. `like` is such a look-up of another account.
void Engine::ask_kind_again(AccountIndex account, const LookupJob& like, Ns now) noexcept {
  LookupJob job;
  job.round = accounts_[account.value].round;
  job.due_ns = now;
  job.lookup.kind = like.lookup.kind;
  job.lookup.account = account;
  job.lookup.instrument = like.lookup.instrument;
  const bool kept = jobs_.readiness.push(job);
  BH_ASSERT(kept);
}

}  // namespace backhand::engine
