// Questions and what their answers lead to: readiness of accounts, positions, contract rules, and
// settlement's decisions about reversals. Nothing here stands between an intent and its write.
#include <algorithm>

#include "common/assert.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/engine/tokens.hpp"

namespace backhand::engine {

using domain::LookupKind;
using domain::LookupStatus;
using order::ReversalEvent;
using order::ReversalState;
using wire::EventKind;

namespace {

/// A readiness question without a usable answer is asked again after this, later after twice as long, …
constexpr Ns kRetry_ns = 500 * kMillisecond;
/// … but no longer than this where the venue may be back any moment,
constexpr Ns kLongestRetry_ns = 2 * kSecond;
/// this where it says that we ask too often,
constexpr Ns kThrottledRetry_ns = 10 * kSecond;
/// and this where it has said no.
constexpr Ns kRefusedRetry_ns = 30 * kSecond;
/// A question of readiness that was asked so often in vain holds up nothing else.
constexpr std::uint8_t kTries = 3;
/// Rules of a contract that an intent found closed are read again, but not sooner than this.
constexpr Ns kReopen_ns = 10 * kSecond;

/// Before an account has proven ready, a fatal answer is final; these kinds are the ones that prove it. Its
/// kind is not among them: that page may need a permission that trading futures does not.
bool proves_account(LookupKind kind) noexcept {
  return kind == LookupKind::account_mode || kind == LookupKind::positions ||
         kind == LookupKind::reversal_history;
}

std::string_view mode_differs(domain::PositionMode is) noexcept {
  return is == domain::PositionMode::hedge ? "is hedge_mode, configured one_way"
                                           : "is one_way_mode, configured hedge";
}

}  // namespace

Ns Engine::settlement_due(Ns now) const noexcept {
  const Ns due = settlement_.next_due();
  if (due > now || pacer_.budget().lookups_may_flow(now)) return due;
  return std::max(due, next_question_ns_);
}

Ns Engine::job_due(const JobQueue& queue, pacing::RequestClass c, Ns now) const noexcept {
  if (queue.empty()) return kNever;
  return std::max(queue.front().due_ns, pacer_.budget().ip_earliest(c, now));
}

Ns Engine::lookups_due(Ns now) const noexcept {
  return std::min({settlement_due(now), job_due(jobs_.readiness, pacing::RequestClass::lookup, now),
                   job_due(jobs_.refresh, pacing::RequestClass::refresh, now)});
}

bool Engine::can_ask() const noexcept {
  return ports_.wire.can_send(net::RequestClass::lookup) && !free_lookups_.empty();
}

int Engine::run_lookups(Ns now) noexcept {
  // Settlement goes first, since it unblocks positions. A refresh that is late goes before it, or a busy
  // settlement could take every connection; the refreshes' own part of the address's rule bounds how many do.
  const Ns late = static_cast<Ns>(config_.venue.position_refresh_ms) * kMillisecond / 2;
  const auto refreshes = [this, now] { return ask_jobs(jobs_.refresh, pacing::RequestClass::refresh, now); };
  int done = job_due(jobs_.refresh, pacing::RequestClass::refresh, now) <= now - late ? refreshes() : 0;
  done += ask_for_settlement(now);
  done += ask_jobs(jobs_.readiness, pacing::RequestClass::lookup, now);
  return done + refreshes();
}

int Engine::ask_for_settlement(Ns now) noexcept {
  int done = 0;
  domain::Lookup lookup;
  LookupOrigin origin;
  origin.from_settlement = true;
  while (settlement_due(now) <= now && can_ask()) {
    if (!settlement_.next_lookup(now, lookup, origin.ticket)) break;
    // Where their part is half used and nothing is lent to them, look-ups are spread over the window, since
    // a minute without any look-up would stop all positions. Most of it is for look-ups that settle
    // everything open on an account.
    const bool single =
        origin.ticket.ask != order::Ask::history && origin.ticket.ask != order::Ask::positions;
    const bool short_of = !pacer_.budget().lookups_may_flow(now);
    if (short_of && single && now < next_single_ns_) {
      settlement_.postpone(origin.ticket, next_single_ns_);
      continue;
    }
    const Ns earliest = pacer_.lookup_earliest(lookup.account, dialect_.rule_of(lookup.kind).group, now);
    if (earliest > now) {
      settlement_.postpone(origin.ticket, std::min(earliest, now + 100 * kMillisecond));
      continue;
    }
    if (!send_lookup(lookup, origin, now)) {
      settlement_.postpone(origin.ticket, now + 10 * kMillisecond);
      break;
    }
    next_question_ns_ = now + pacer_.budget().lookup_gap();
    if (single) next_single_ns_ = now + 4 * pacer_.budget().lookup_gap();
    ++done;
  }
  return done;
}

int Engine::ask_jobs(JobQueue& queue, pacing::RequestClass c, Ns now) noexcept {
  LookupOrigin origin;
  int done = 0;
  // At most once around: a job whose budget is spent goes to the back with a later time.
  for (std::size_t left = queue.size(); left > 0; --left) {
    // While the address's rule has no room the order stays: who has waited longest is asked about first.
    if (job_due(queue, c, now) > now || !can_ask()) break;
    origin.job = queue.front();
    if (origin.job.lookup.kind == LookupKind::reversal_history) ask_names(origin.job, now);
    const domain::Lookup& lookup = origin.job.lookup;
    if (pacer_.lookup_earliest(lookup.account, dialect_.rule_of(lookup.kind).group, now, c) > now) {
      // One account's own rule must not hold up the others.
      LookupJob job = queue.pop();
      job.due_ns = now + kMillisecond;
      (void)queue.push(job);
      continue;
    }
    if (!send_lookup(lookup, origin, now)) break;
    (void)queue.pop();
    ++done;
  }
  return done;
}

bool Engine::send_lookup(const domain::Lookup& lookup, const LookupOrigin& origin, Ns now) noexcept {
  // Signed with a timestamp that is never ahead; before the clock is known only unsigned questions can go.
  const bool is_public = lookup.kind == LookupKind::venue_time || lookup.kind == LookupKind::contracts;
  if (!is_public && !clock_.known(now)) return false;
  const VenueMs timestamp = is_public && !clock_.known(now) ? 1'000'000'000'000 : clock_.lower_bound_ms(now);
  const std::size_t length = dialect_.encode_lookup(lookup, timestamp, request_);
  BH_ASSERT(length > 0);
  const std::uint32_t index = free_lookups_.back();
  OpenLookup& open = lookups_[index];
  open.generation = static_cast<std::uint16_t>((open.generation + 1) & kGenerationMask);
  const bool refreshes =
      !origin.from_settlement && origin.job.kind != JobKind::readiness && origin.job.kind != JobKind::recheck;
  open.ticket = pacer_.take_lookup(lookup.account, dialect_.rule_of(lookup.kind).group, now,
                                   refreshes ? pacing::RequestClass::refresh : pacing::RequestClass::lookup);
  const Ns deadline = now + static_cast<Ns>(config_.venue.lookup_timeout_ms) * kMillisecond;
  const Sent sent = ports_.wire.send(make_token(true, index, open.generation), net::RequestClass::lookup,
                                     std::span<const char>{request_.data(), length}, deadline, now);
  if (sent.status != net::WriteStatus::written) {
    pacer_.on_not_written(open.ticket, now);
    return false;
  }
  free_lookups_.pop_back();
  open.in_use = true;
  open.lookup = lookup;
  open.origin = origin;
  open.written_ns = sent.written_ns;
  ++counters_.lookups;
  note_asked(now);
  return true;
}

void Engine::on_lookup_lost(std::uint32_t index, std::optional<net::LossReason> reason, Ns now) noexcept {
  if (index >= lookups_.size() || !lookups_[index].in_use) return;
  OpenLookup& open = lookups_[index];
  open.in_use = false;
  free_lookups_.push_back(index);
  ++counters_.lookups_lost;
  pacer_.on_no_reply(open.ticket, now);
  if (reason) note_loss(open.lookup, *reason, now);
  if (open.origin.from_settlement) {
    settlement_.on_failed(open.origin.ticket, now);
    return;
  }
  LookupJob job = open.origin.job;
  job.refused = false;
  failed(job, LookupStatus::unavailable, now);
}

Ns Engine::pause_before(const LookupJob& job) const noexcept {
  Ns pause = kRetry_ns;
  if (job.kind == JobKind::reopen) pause = kReopen_ns;
  if (job.kind == JobKind::refresh) {
    const bool rules = job.lookup.kind == LookupKind::contracts;
    pause = static_cast<Ns>(rules ? config_.venue.contract_refresh_ms : config_.venue.position_refresh_ms) *
            kMillisecond;
  }
  const Ns most = job.last == LookupStatus::throttled                           ? kThrottledRetry_ns
                  : job.kind == JobKind::refresh || job.kind == JobKind::reopen ? pause
                  : job.refused                                                 ? kRefusedRetry_ns
                                                                                : kLongestRetry_ns;
  // After the first failure once, after the second twice, then four times as long, …
  for (unsigned n = 1; n < job.failures && pause < most; ++n) pause *= 2;
  return std::min(pause, std::max(most, kRetry_ns));
}

/// Readiness is being proven anew since this was asked.
bool Engine::is_superseded(const LookupJob& job) const noexcept {
  return job.kind == JobKind::readiness && job.lookup.account.valid() &&
         job.round != accounts_[job.lookup.account.value].round;
}

void Engine::repeat(LookupJob job, Ns now) noexcept {
  if (is_superseded(job)) return;
  job.due_ns = now + pause_before(job);
  JobQueue& queue =
      job.kind == JobKind::refresh || job.kind == JobKind::reopen ? jobs_.refresh : jobs_.readiness;
  const bool kept = queue.push(job);
  BH_ASSERT(kept);
}

void Engine::failed(LookupJob job, LookupStatus status, Ns now) noexcept {
  if (is_superseded(job)) return;
  if (job.kind == JobKind::reopen) {
    // The next intent that finds it closed asks again.
    for (std::uint32_t i = 0; i < contracts_.size(); ++i) {
      if (config_.instruments[i].id == job.lookup.instrument) rules_read_[i] = {now, false, false};
    }
    return;
  }
  job.last = status;
  if (job.failures < UINT8_MAX) ++job.failures;
  if (job.kind == JobKind::readiness && job.failures == kTries) {
    if (job.lookup.kind == LookupKind::contracts) {
      contracts_tried_ |= product_bit(job.lookup);
    } else {
      AccountState& account = accounts_[job.lookup.account.value];
      // Where other accounts are configured, the venue must have answered whose UID the key belongs to: two
      // accounts with keys of one UID would reverse the same position. The same where the journal has a UID:
      // after a restart, what is sent now counts as sent on that UID.
      if (job.lookup.kind == LookupKind::account_kind && accounts_.size() == 1 &&
          account.journaled_uid.empty())
        account.kind_settled = true;
      if (job.lookup.kind == LookupKind::account_mode) account.mode_tried |= product_bit(job.lookup);
      if (job.lookup.kind == LookupKind::positions) account.positions_tried |= product_bit(job.lookup);
      if (job.lookup.kind == LookupKind::reversal_history) account.names_tried |= product_bit(job.lookup);
    }
    check_ready(now);
  }
  if (job.lookup.kind == LookupKind::account_mode) ask_for_next_symbol(job);
  repeat(job, now);
}

/// The mode belongs to the product, but is asked for with one of its symbols, which may be delisted or
/// mistyped.
void Engine::ask_for_next_symbol(LookupJob& job) const noexcept {
  const domain::Instrument first = job.lookup.instrument;
  bool take = false;
  for (int round = 0; round < 2; ++round) {
    for (const PositionIndex position : directory_.of_account(job.lookup.account)) {
      const domain::Instrument& id = directory_[position].id;
      if (id.product != first.product) continue;
      if (take) {
        job.lookup.instrument = id;
        return;
      }
      take = id == first;
    }
  }
}

void Engine::on_lookup_reply(std::uint32_t index, const net::ReplyView& view, Ns now) noexcept {
  if (index >= lookups_.size() || !lookups_[index].in_use) return;
  OpenLookup& open = lookups_[index];
  dialect_.decode_lookup(open.lookup, view.http_status, view.body, header_lookup(view), lookup_reply_);
  const domain::LookupReply& reply = lookup_reply_;
  // Its reply names neither account nor request, so that any sign makes it as good as lost.
  const ForeignSign sign = foreign_sign(view, reply.venue_ms, open.written_ns, clock_);
  const bool is_foreign = sign != ForeignSign::none || is_of_other_product(reply, open.lookup);
  if (!is_foreign || sign == ForeignSign::no_envelope) note_reply(open.lookup, reply, now);
  if (is_foreign) {
    distrust(view);
    on_lookup_lost(index, std::nullopt, std::max(now, view.replied_ns));
    return;
  }
  open.in_use = false;
  free_lookups_.push_back(index);
  pacer_.on_reply(open.ticket, std::max(now, view.replied_ns),
                  {reply.status == LookupStatus::throttled, reply.remaining_quota});
  if (reply.status == LookupStatus::throttled) ++counters_.throttled;
  if (reply.status != LookupStatus::throttled && reply.status != LookupStatus::unavailable) note_heard();
  const bool is_positions = open.lookup.kind == LookupKind::positions && reply.status == LookupStatus::ok;
  if (is_positions)
    take_positions(open.lookup.account, open.lookup.instrument.product, reply, open.written_ns, now);
  if (open.origin.from_settlement) {
    if (is_positions && reply.unread.empty() && !reply.truncated) put_off_refresh(open.lookup, now);
    settlement_.on_reply(open.origin.ticket, reply, now);
    // One reply to a look-up may be another's: the account is asked about before anything follows for it.
    if (reply.status == LookupStatus::refused) recheck_mode(open.lookup.account, now);
    return;
  }
  if (is_positions && settlement_.open_cases() > 0) {
    settlement_.observe_positions(open.lookup.account, open.lookup.instrument.product, reply, now);
  }
  on_job_reply(open.origin.job, reply, now);
}

/// Settlement has just read what the refresh would.
void Engine::put_off_refresh(const domain::Lookup& read, Ns now) noexcept {
  const Ns due = now + static_cast<Ns>(config_.venue.position_refresh_ms) * kMillisecond;
  jobs_.refresh.move_to(due, [&read](const LookupJob& job) {
    return job.lookup.kind == LookupKind::positions && job.lookup.account == read.account &&
           job.lookup.instrument.product == read.instrument.product;
  });
}

/// A symbol belongs to one product: rows that are known under another one only answer another question.
bool Engine::is_of_other_product(const domain::LookupReply& reply,
                                 const domain::Lookup& lookup) const noexcept {
  if (lookup.kind != LookupKind::positions) return false;
  return std::ranges::any_of(reply.positions, [&](const domain::PositionRow& row) {
    bool known_elsewhere = false;
    for (const config::Instrument& instrument : config_.instruments) {
      if (instrument.id.symbol != row.instrument.symbol) continue;
      if (instrument.id.product == lookup.instrument.product) return false;
      known_elsewhere = true;
    }
    return known_elsewhere;
  });
}

void Engine::take_positions(AccountIndex account, domain::Product product, const domain::LookupReply& reply,
                            Ns written_ns, Ns now) noexcept {
  if (reply.truncated) return;
  const domain::PositionMode configured = config_.accounts[account.value].position_mode;
  const bool switched = std::ranges::any_of(
      reply.positions, [&](const domain::PositionRow& row) { return row.mode && *row.mode != configured; });
  if (switched && accounts_[account.value].phase == AccountPhase::ready) recheck_mode(account, now);
  for (const PositionIndex position : directory_.of_account(account)) {
    const domain::Instrument& id = directory_[position].id;
    if (id.product != product) continue;
    domain::PositionSnapshot snapshot;
    snapshot.read_venue_ms = reply.venue_ms;
    if (reply.may_hide(id)) book_.forget(position, reply.venue_ms);
    for (const domain::PositionRow& row : reply.positions) {
      if (row.instrument.symbol != id.symbol || row.instrument.margin_coin != id.margin_coin) continue;
      (row.side == domain::PositionSide::long_side ? snapshot.long_size : snapshot.short_size) = row.total;
    }
    // A read that is older than what is known says nothing of now, however lately it came.
    if (!reply.may_hide(id) && book_.on_read(position, snapshot, written_ns) == order::ReadResult::taken)
      accounts_[account.value].read_ns[static_cast<std::size_t>(product)] = now;
    if (waiter_heads_[position.value] != kNoSlot && !is_freed_[position.value]) {
      is_freed_[position.value] = true;
      freed_.push_back(position);
    }
  }
}

void Engine::on_job_reply(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept {
  const LookupKind kind = job.lookup.kind;
  const AccountIndex account = job.lookup.account;
  if (is_superseded(job)) return;
  const bool is_refused = reply.status == LookupStatus::refused && proves_account(kind);
  const bool is_other_mode = reply.status == LookupStatus::ok && kind == LookupKind::account_mode &&
                             reply.position_mode != config_.accounts[account.value].position_mode;
  // That the venue does not say what kind of account this is could be another's reply, too.
  const bool is_absent = kind == LookupKind::account_kind &&
                         (reply.status == LookupStatus::absent || reply.status == LookupStatus::refused);
  if ((is_refused || is_other_mode || is_absent) && !job.refused_once) {
    LookupJob again = job;
    again.refused_once = true;
    repeat(again, now);
    return;
  }
  if (is_refused) {
    if (job.kind == JobKind::recheck) job_done(job, now);
    refuse_account(account, reply.code, reply.code_class, "the venue refused the account", now);
    if (job.kind == JobKind::refresh) failed(job, reply.status, now);
    return;
  }
  // Where the venue has no such page, or none for this key, the configuration's word on lead traders stands.
  const bool answered = reply.status == LookupStatus::ok ||
                        (kind == LookupKind::account_kind &&
                         (reply.status == LookupStatus::absent || reply.status == LookupStatus::refused));
  if (kind == LookupKind::reversal_history) {
    on_names_reply(job, reply, now);
    return;
  }
  // A list of contracts that is longer than our room for it is good for those that it has.
  if (!answered || (reply.truncated && kind != LookupKind::contracts)) {
    LookupJob again = job;
    again.refused = !reply.code.empty() && reply.trace.http_status < 500;
    failed(again, reply.status, now);
    return;
  }
  switch (kind) {
    case LookupKind::account_kind:
      if (!identify(job, reply, now)) return;
      if (reply.status == LookupStatus::ok && reply.is_lead_trader)
        become_lead_trader(account, "the venue says so", now);
      break;
    case LookupKind::account_mode:
      if (is_other_mode) {
        if (job.kind == JobKind::recheck) job_done(job, now);
        refuse_account(account, {}, wire::CodeClass::mode, mode_differs(reply.position_mode), now);
        return;
      }
      break;
    case LookupKind::contracts:
      take_contracts(job, reply, now);
      break;
    case LookupKind::positions:
    case LookupKind::venue_time:
    case LookupKind::order_by_client_oid:
    case LookupKind::order_by_order_id:
    case LookupKind::reversal_history:
    case LookupKind::fills:
      break;
  }
  if (job.kind == JobKind::refresh) {
    LookupJob again = job;
    again.failures = 0;
    again.last = reply.status;
    repeat(again, now);
  } else if (job.kind != JobKind::reopen) {
    job_done(job, now);
  }
}

/// Rules of the whole product, or of the one contract that was asked about. One that a whole list lacks, and
/// one whose row cannot be read, is closed.
void Engine::take_contracts(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept {
  const domain::Instrument& asked = job.lookup.instrument;
  for (std::uint32_t i = 0; i < contracts_.size(); ++i) {
    const domain::Instrument& id = config_.instruments[i].id;
    if (id.product != asked.product || (!asked.symbol.empty() && id.symbol != asked.symbol)) continue;
    const auto found = std::ranges::find_if(reply.contracts, [&](const domain::ContractRules& rules) {
      return rules.instrument.symbol == id.symbol;
    });
    const bool listed = found != reply.contracts.end();
    if (!listed && reply.truncated) continue;
    contracts_[i] = listed ? *found : domain::ContractRules{};
    contracts_[i].instrument = id;
    RulesRead& read = rules_read_[i];
    read.read_ns = now;
    Trouble trouble;
    trouble.kind = LookupKind::contracts;
    trouble.product = id.product;
    trouble.symbol = id.symbol;
    trouble.cause = listed ? TroubleCause::unread_row : TroubleCause::not_listed;
    if (!listed || !found->unread.empty()) {
      if (listed) trouble.field = found->unread;
      note_trouble(trouble, now);
    } else {
      end_trouble(trouble, now);
    }
    if (job.kind != JobKind::reopen) continue;
    const bool closed = contracts_[i].status != domain::ContractStatus::normal;
    read.asked = closed && read.denied;
    read.denied = false;
    if (read.asked) repeat(job, now);
  }
}

/// An intent found the contract closed: that may have changed since its rules were read.
void Engine::note_closed(PositionIndex position, Ns now) noexcept {
  const InstrumentIndex instrument = directory_[position].instrument;
  RulesRead& read = rules_read_[instrument.value];
  read.denied = true;
  if (read.asked) return;
  LookupJob job;
  job.kind = JobKind::reopen;
  job.due_ns = std::max(now, read.read_ns + kReopen_ns);
  job.lookup.kind = LookupKind::contracts;
  job.lookup.instrument = directory_[position].id;
  read.asked = jobs_.refresh.push(job);
  BH_ASSERT(read.asked);
}

void Engine::job_done(const LookupJob& job, Ns now) noexcept {
  if (job.kind == JobKind::recheck) {
    accounts_[job.lookup.account.value].rechecking &= static_cast<std::uint8_t>(~product_bit(job.lookup));
    return;
  }
  if (job.lookup.kind == LookupKind::contracts) {
    contracts_known_ |= product_bit(job.lookup);
    LookupJob again = job;
    again.kind = JobKind::refresh;
    again.failures = 0;
    again.lookup.instrument.symbol = {};
    repeat(again, now);
  } else {
    AccountState& account = accounts_[job.lookup.account.value];
    if (job.lookup.kind == LookupKind::account_kind) account.kind_settled = true;
    if (job.lookup.kind == LookupKind::account_mode) account.mode_known |= product_bit(job.lookup);
    if (job.lookup.kind == LookupKind::positions) account.positions_known |= product_bit(job.lookup);
    if (job.lookup.kind == LookupKind::reversal_history) account.names_known |= product_bit(job.lookup);
  }
  check_ready(now);
}

void Engine::begin_readiness(AccountIndex account, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  state.phase = AccountPhase::starting;
  state.why = "its readiness is being proven";
  ++state.round;
  // However often it is asked for, an account's proof has its questions in the queue once.
  jobs_.readiness.remove_if(
      [&](const LookupJob& old) { return old.kind == JobKind::readiness && old.lookup.account == account; });
  state.needed = state.mode_known = state.positions_known = state.names_known = state.proven = 0;
  state.mode_tried = state.positions_tried = state.names_tried = 0;
  state.kind_settled = false;
  LookupJob job;
  job.round = state.round;
  job.kind = JobKind::readiness;
  job.due_ns = now;
  job.lookup.account = account;
  const auto ask = [&](LookupKind kind, const domain::Instrument& instrument) {
    job.lookup.kind = kind;
    job.lookup.instrument = instrument;
    const bool kept = jobs_.readiness.push(job);
    BH_ASSERT(kept);
    if (kind != LookupKind::account_kind) state.needed |= product_bit(job.lookup);
  };
  bool any = false;
  std::array<bool, 8> seen{};
  for (const PositionIndex position : directory_.of_account(account)) {
    const domain::Instrument& id = directory_[position].id;
    bool& product_seen = seen[static_cast<std::size_t>(id.product)];
    if (product_seen) continue;
    product_seen = true;
    if (!any) ask(LookupKind::account_kind, id);
    any = true;
    ask(LookupKind::account_mode, id);
    domain::Instrument whole_product = id;
    whole_product.symbol = {};
    ask(LookupKind::reversal_history, whole_product);
    ask(LookupKind::positions, id);
  }
  if (!any) {
    state.phase = AccountPhase::unused;
    state.why = "no strategy may trade on it";
  }
}

void Engine::refuse_account(AccountIndex account, const wire::VenueCode& code, wire::CodeClass code_class,
                            std::string_view why, Ns now) noexcept {
  if (!account.valid()) return;
  AccountState& state = accounts_[account.value];
  if (state.phase == AccountPhase::refused || state.phase == AccountPhase::halted) return;
  const bool was_ready = state.phase == AccountPhase::ready;
  state.phase = was_ready ? AccountPhase::halted : AccountPhase::refused;
  state.refusal = code;
  state.refusal_class = code_class;
  state.why = why;
  if (was_ready) {
    journal::AccountHalted body{};
    body.name = FixedString<24>{config_.accounts[account.value].name};
    body.reason = FixedString<40>{why};
    body.code = code;
    body.code_class = code_class;
    note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
  }
  EventDetails details;
  details.account = account;
  details.code = code;
  details.code_class = code_class;
  details.text = why;
  ports_.events.on_engine_event(was_ready ? EngineEvent::account_halted : EngineEvent::account_refused,
                                details, now);
  wire::Outcome about{};
  about.venue_code = code;
  about.code_class = code_class;
  notice(wire::NoticeKind::account_halted, account, {}, &about, now);
  stand_down(account, wire::DenyReason::account_halted, now);
  check_ready(now);
}

void Engine::recheck_mode(AccountIndex account, Ns now) noexcept {
  std::array<bool, 8> seen{};
  for (const PositionIndex position : directory_.of_account(account)) {
    const domain::Instrument& id = directory_[position].id;
    bool& product_seen = seen[static_cast<std::size_t>(id.product)];
    if (product_seen) continue;
    product_seen = true;
    LookupJob job;
    job.kind = JobKind::recheck;
    job.due_ns = now;
    job.lookup.kind = LookupKind::account_mode;
    job.lookup.account = account;
    job.lookup.instrument = id;
    // One at a time, however often the venue says so: those of all accounts have their places in the queue.
    std::uint8_t& rechecking = accounts_[account.value].rechecking;
    if ((rechecking & product_bit(job.lookup)) != 0) continue;
    const bool kept = jobs_.readiness.push(job);
    BH_ASSERT(kept);
    rechecking |= product_bit(job.lookup);
  }
}

/// A limit that nobody has told us of is learned from what it lets through.
void Engine::note_throttling(AccountIndex account, bool throttled, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (state.lead_trader || !state.throttles.on_reply(throttled, now)) return;
  become_lead_trader(account, "most of its reversals were throttled", now);
}

void Engine::become_lead_trader(AccountIndex account, std::string_view why, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (state.lead_trader) return;
  state.lead_trader = true;
  dialect_.set_lead_trader(account, true);
  pacer_.set_reversal_limit(account, config_.pacing.lead_trader_requests_per_second, now);
  EventDetails details;
  details.account = account;
  details.text = why;
  ports_.events.on_engine_event(EngineEvent::lead_trader_detected, details, now);
}

int Engine::take_decisions(Ns now) noexcept {
  int done = 0;
  order::Decision decision;
  while (settlement_.pop_decision(decision)) {
    apply(decision, now);
    ++done;
  }
  return done;
}

void Engine::apply(const order::Decision& decision, Ns now) noexcept {
  const std::uint32_t slot = decision.case_id;
  OpenReversal& r = slots_[slot];
  BH_ASSERT(r.in_use);
  if (!decision.order_id.empty()) r.order_id = decision.order_id;
  r.ground = decision.ground;
  wire::Outcome out = event_of(r, decision.unresolved ? EventKind::unresolved : EventKind::settled);
  out.flags = wire::kTerminal;
  out.result = decision.result;
  if (decision.foreign_change) out.flags |= wire::kForeignChange;
  if (decision.has_before && decision.has_after) fill_positions(decision, out);

  if (decision.unresolved) {
    end_unresolved(slot, out, now);
    return;
  }
  step(r, ReversalEvent::settled);
  ++counters_.settled;
  if (decision.foreign_change) {
    ++counters_.foreign_changes;
    EventDetails details;
    details.account = r.account;
    details.position = r.position;
    ports_.events.on_engine_event(EngineEvent::foreign_change, details, now);
  }
  journal::Settled body{};
  body.intent_id = r.intent.id;
  body.long_before = out.long_before;
  body.short_before = out.short_before;
  body.long_after = out.long_after;
  body.short_after = out.short_after;
  body.order_id = r.order_id;
  body.result = decision.result;
  body.flags = static_cast<std::uint8_t>(out.flags & ~wire::kTerminal);
  body.position_scale = out.position_scale;
  body.ground = static_cast<std::uint8_t>(decision.ground);
  (void)append(r, body, now);
  if (decision.last_leg_venue_ms != 0) book_.needs_read_since(r.position, decision.last_leg_venue_ms);
  if (decision.has_after) {
    // Where the end is not exactly what was read, others have traded, and later reads may well differ.
    const bool proven = decision.last_leg_venue_ms != 0 && !decision.foreign_change;
    const VenueMs proven_until =
        proven ? decision.last_leg_venue_ms + config_.venue.lookup_lag_ms + config_.venue.clock_skew_ms : 0;
    (void)book_.on_settling_read(r.position, decision.after, age_to_ns(decision.after.read_venue_ms, now),
                                 proven_until);
  }
  const PositionIndex position = r.position;
  const bool was_unknown = book_.blocked(position) == order::BlockReason::unknown;
  tell_journaled(r, out, now);
  finish(slot, now);
  if (was_unknown) unblock(position, now);
}

/// The slot stays, and with it the position's block, until an operator has spoken.
void Engine::end_unresolved(std::uint32_t slot, wire::Outcome& out, Ns now) noexcept {
  OpenReversal& r = slots_[slot];
  step(r, ReversalEvent::gave_up);
  ++counters_.unresolved;
  block(r.position, order::BlockReason::unresolved, "no evidence says how it ended", now);
  tell_journaled(r, out, now);
  EventDetails details;
  details.account = r.account;
  details.position = r.position;
  details.text = domain::to_string(r.ground);
  ports_.events.on_engine_event(EngineEvent::reversal_unresolved, details, now);
}

/// When the venue's clock read `venue_ms`, on our clock, or a little earlier.
Ns Engine::age_to_ns(VenueMs venue_ms, Ns now) const noexcept {
  if (!clock_.known(now)) return now;
  return now - std::max<VenueMs>(clock_.upper_bound_ms(now) - venue_ms, 0) * kMillisecond;
}

void Engine::fill_positions(const order::Decision& decision, wire::Outcome& out) noexcept {
  const std::array sizes{decision.before.long_size, decision.before.short_size, decision.after.long_size,
                         decision.after.short_size};
  std::uint8_t scale = 0;
  for (const Decimal& size : sizes) scale = std::max(scale, size.normalized().scale);
  std::array<std::uint64_t, 4> digits{};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto rescaled = sizes[i].normalized().rescaled(scale);
    if (!rescaled) return;  // Too large to be told at one scale; the event goes without positions.
    digits[i] = rescaled->digits;
  }
  out.flags |= wire::kHasPositions;
  out.position_scale = scale;
  out.long_before = digits[0];
  out.short_before = digits[1];
  out.long_after = digits[2];
  out.short_after = digits[3];
}

bool Engine::resolve(const wire::ClientOid& client_oid, wire::SettledResult result, std::uint32_t uid,
                     std::string_view note, Ns now) noexcept {
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    OpenReversal& r = slots_[slot];
    if (!r.in_use || r.state != ReversalState::unresolved || r.client_oid != client_oid) continue;
    journal::Resolved body{};
    body.intent_id = r.intent.id;
    body.uid = uid;
    body.result = result;
    body.note = FixedString<56>{note};
    // What is not recorded would be open again after the next start.
    if (append(r, body, now).status == journal::AppendStatus::failed) return false;
    (void)settlement_.resolve(slot);
    step(r, ReversalEvent::resolved);
    wire::Outcome about = event_of(r, EventKind::notice);
    about.result = result;
    about.notice = wire::NoticeKind::resolved;
    if (lane_book_.is_attached(r.lane)) (void)ports_.lanes.offer(r.lane, about);
    const PositionIndex position = r.position;
    finish(slot, now);
    unblock(position, now);
    return true;
  }
  return false;
}

}  // namespace backhand::engine
