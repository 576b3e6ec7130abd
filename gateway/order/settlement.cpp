#include "gateway/order/settlement.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "gateway/order/fuse.hpp"
#include "gateway/order/legs.hpp"

namespace backhand::order {

namespace {

constexpr Ns ms(std::uint32_t value) noexcept { return static_cast<Ns>(value) * kMillisecond; }

/// Asked a little further back than needed, so that a venue that cuts at whole seconds hides nothing.
constexpr VenueMs kHistoryMargin_ms = 1'000;

/// Where a whole account's history could not be walked to its end, it is asked for one symbol at a time for
/// so long: a position's own rows are few.
constexpr Ns kNarrow_ns = 5 * kSecond;

/// A look-up of history reaches back to the newest order of ours that history has shown, if that is not
/// older: a page without it is not up to date, or of another account.
constexpr VenueMs kAnchorReach_ms = 3'600'000;

/// A page with so many rows is probably not all there is, so that an order of ours may lie on the next one.
constexpr std::size_t kLongPage = 20;

}  // namespace

Settlement::Settlement(const Settings& settings, std::size_t accounts, std::size_t positions,
                       std::size_t max_cases)
    : settings_(settings),
      plan_(accounts, max_cases, ms(settings.backoff_min_ms), ms(settings.backoff_max_ms)),
      cases_(max_cases),
      past_(positions),
      histories_(accounts * LookupPlan::kProducts),
      lags_(accounts),
      decided_(max_cases) {}

void Settlement::open(const CaseFacts& facts, Ns now) noexcept {
  BH_ASSERT(facts.case_id < cases_.size());
  BH_ASSERT(facts.position.value < past_.size());
  Case& subject = cases_[facts.case_id];
  BH_ASSERT(subject.stage == Stage::free);
  const Past& past = past_[facts.position.value];
  CaseFacts known = facts;
  // One reversal of a position at a time: this one was written after the last one's legs were seen done.
  if (!facts.recovered) known.written_venue_ms = std::max(known.written_venue_ms, past.last_leg_venue_ms);
  subject = {};
  CaseEvidence& evidence = subject.evidence;
  evidence = begin_case(known, settings_);
  evidence.earlier = {past.named_id, past.sibling_id};
  evidence.earlier_leg_venue_ms = past.last_leg_venue_ms;
  evidence.traded_from_venue_ms =
      std::max(evidence.traded_from_venue_ms, past.last_leg_venue_ms - settings_.clock_skew_ms);
  widen_lag(evidence, lags_[facts.account.value].allowance(written_venue_ms(known)), settings_);
  subject.stage = Stage::open;
  subject.opened_at = now;
  ++open_;
  const std::uint32_t group = LookupPlan::group_of(facts.account, facts.instrument.product);
  plan_.add(facts.case_id, group);
  const bool fresh_ack = facts.answer == Answer::acked && !facts.recovered;
  plan_.set_due(facts.case_id, Ask::history, fresh_ack ? now + ms(settings_.first_read_ms) : now);
  plan_.refresh(group);
}

bool Settlement::is_open(std::uint32_t case_id) const noexcept {
  return case_id < cases_.size() && cases_[case_id].stage == Stage::open;
}

bool Settlement::next_lookup(Ns now, domain::Lookup& out, LookupTicket& ticket) noexcept {
  if (!plan_.take(now, ticket)) return false;
  const CaseFacts& facts = cases_[ticket.case_id].evidence.facts;
  out = {};
  out.kind = kind_of(ticket.ask);
  out.account = facts.account;
  switch (ticket.ask) {
    case Ask::history:
      ask_history(now, out, ticket);
      break;
    case Ask::positions:
      out.instrument.product = facts.instrument.product;
      break;
    case Ask::by_client_oid:
      out.instrument = facts.instrument;
      out.client_oid = facts.client_oid;
      break;
    case Ask::by_order_id:
      out.instrument = facts.instrument;
      out.order_id = facts.order_id;
      break;
    case Ask::fills:
      // Everybody's, so that others who traded meanwhile are seen.
      out.instrument = facts.instrument;
      out.since_venue_ms =
          std::min(facts.signed_venue_ms, cases_[ticket.case_id].evidence.traded_from_venue_ms) -
          kHistoryMargin_ms;
      break;
  }
  return true;
}

/// The next page of the walk that is under way, or the first one of a new walk.
void Settlement::ask_history(Ns now, domain::Lookup& out, LookupTicket& ticket) noexcept {
  History& history = histories_[ticket.group];
  PageWalk& walk = history.walk;
  if (walk.under_way() && history.narrow) {
    // It is walked to its end first, whichever case is due, unless its own case has ended.
    const std::uint32_t due_case = std::exchange(ticket.case_id, history.case_id);
    const std::uint32_t due_generation = std::exchange(ticket.generation, history.generation);
    ticket.narrow = plan_.is_current(ticket);
    if (!ticket.narrow) {
      walk.stop();
      ticket.case_id = due_case;
      ticket.generation = due_generation;
    }
  }
  const CaseFacts& facts = cases_[ticket.case_id].evidence.facts;
  if (!walk.under_way()) {
    ticket.narrow = now < history.narrow_until;
    VenueMs since = facts.signed_venue_ms;
    if (!ticket.narrow) {
      for (std::uint32_t id = plan_.first_case(ticket.group); id != LookupPlan::kNone;
           id = plan_.next_case(id))
        since = std::min(since, cases_[id].evidence.facts.signed_venue_ms);
      const VenueMs anchor = history.known.newest_listed();
      if (since - anchor <= kAnchorReach_ms) since = std::min(since, anchor);
    }
    walk.begin(since - kHistoryMargin_ms, settings_.clock_skew_ms);
    history.known.expect_all();
    history.skipped = false;
    history.begun_at = now;
    history.narrow = ticket.narrow;
    history.case_id = ticket.case_id;
    history.generation = ticket.generation;
  }
  if (ticket.narrow) out.instrument = facts.instrument;
  out.instrument.product = facts.instrument.product;
  out.since_venue_ms = walk.since();
  out.before_id = walk.before();
}

/// Absence is shown by the last page of a window of which everything has been seen, by pages that are as
/// young as is assumed, for all that they show.
Settlement::PageWorth Settlement::take_page(const LookupTicket& ticket, const domain::LookupReply& page,
                                            Ns now) noexcept {
  History& history = histories_[ticket.group];
  PageWalk& walk = history.walk;
  for (std::uint32_t id = plan_.first_case(ticket.group); id != LookupPlan::kNone; id = plan_.next_case(id))
    for (const domain::OrderRow& row : page.orders) remember(cases_[id].evidence.facts, row, /*listed=*/true);
  wire::SymbolName symbol;
  if (ticket.narrow) symbol = cases_[ticket.case_id].evidence.facts.instrument.symbol;
  PageWorth worth;
  const VenueMs window = walk.window_begin();
  const PageWalk::Step step = walk.take(page);
  const VenueMs as_of = walk.as_of();
  worth.any_row = history.known.note_page(page.orders, window, symbol, as_of);
  history.skipped = history.skipped || !worth.any_row;
  if (step == PageWalk::Step::broken && !ticket.narrow) history.narrow_until = now + kNarrow_ns;
  if (step != PageWalk::Step::complete) return worth;
  const VenueMs ended = history.known.missing_since(window, symbol, as_of);
  worth.absence = ended == 0 && !history.skipped;
  if (ended == 0) return worth;
  lags_[ticket.group / LookupPlan::kProducts].note(as_of - ended, as_of);
  widen_lags(ticket.group, as_of);
  return worth;
}

void Settlement::take_rows(Case& subject, const domain::LookupReply& page, bool any_row) noexcept {
  for (const domain::OrderRow& row : page.orders)
    if (any_row || is_ours_by_id(subject.evidence.facts, row)) take_known_row(subject, row);
}

void Settlement::remember(const CaseFacts& facts, const domain::OrderRow& row, bool listed) noexcept {
  if (is_final(row) && is_ours_by_id(facts, row))
    histories_[LookupPlan::group_of(facts.account, facts.instrument.product)].known.remember(row, listed);
}

/// Whether the walk saw all rows that could be the case's. One that was opened meanwhile was not shown the
/// first pages.
bool Settlement::covers(const History& history, const Case& subject) const noexcept {
  return subject.opened_at <= history.begun_at &&
         history.walk.window_begin() <= subject.evidence.facts.signed_venue_ms;
}

/// Further pages cost look-ups: they are asked for where an order of ours may lie on them, or where absence
/// would count.
bool Settlement::wants_next_page(const History& history, const Case& subject,
                                 const domain::LookupReply& page) const noexcept {
  if (!history.walk.under_way()) return false;
  if (page.orders.size() >= kLongPage) return true;
  return covers(history, subject) && history.walk.as_of() >= subject.evidence.quiet_venue_ms &&
         !subject.evidence.history.done(settings_);
}

void Settlement::widen_lags(std::uint32_t group, VenueMs at) noexcept {
  const auto account = static_cast<std::uint32_t>(group / LookupPlan::kProducts);
  const VenueMs allowed = lags_[account].allowance(at);
  for (std::uint32_t product = 0; product < LookupPlan::kProducts; ++product) {
    const auto first = static_cast<std::uint32_t>(account * LookupPlan::kProducts) + product;
    for (std::uint32_t id = plan_.first_case(first); id != LookupPlan::kNone; id = plan_.next_case(id))
      widen_lag(cases_[id].evidence, allowed, settings_);
  }
}

void Settlement::on_reply(const LookupTicket& ticket, const domain::LookupReply& reply, Ns now) noexcept {
  using domain::LookupStatus;
  const bool answers_orders = ticket.ask != Ask::history && ticket.ask != Ask::positions;
  // That there is no page of executions is an answer, too.
  const bool no_page = reply.status == LookupStatus::absent && ticket.ask == Ask::fills;
  const bool useful = reply.status == LookupStatus::ok || no_page ||
                      (reply.status == LookupStatus::not_found && answers_orders);
  // A no to the question itself is an answer too, though it proves nothing: patience runs, and it is asked
  // again at longer and longer intervals.
  const bool answered = useful || reply.status == LookupStatus::not_found ||
                        reply.status == LookupStatus::absent || reply.status == LookupStatus::refused;
  if (!answered) {
    on_failed(ticket, now);
    return;
  }
  Ns asked_at = 0;
  if (!plan_.finish(ticket, useful ? LookupPlan::End::answered : LookupPlan::End::failed, now, 0, asked_at))
    return;
  const bool is_page = useful && ticket.ask == Ask::history;
  const PageWorth worth = is_page ? take_page(ticket, reply, now) : PageWorth{};
  History& history = histories_[ticket.group];
  bool goes_on = false;
  const bool answers_one = answers_orders || ticket.narrow;
  for (std::uint32_t id = plan_.first_case(ticket.group), next; id != LookupPlan::kNone; id = next) {
    next = plan_.next_case(id);
    if (answers_one && !(id == ticket.case_id && plan_.is_current(ticket))) continue;
    Case& subject = cases_[id];
    if (is_page)
      take_rows(subject, reply, worth.any_row);
    else if (useful)
      take(subject, ticket, reply);
    if (worth.absence && covers(history, subject))
      subject.evidence.history.note(history.walk.as_of(), subject.evidence.quiet_venue_ms);
    count_answer(subject, reply.venue_ms, now);
    if (useful && plan_.due(id, ticket.ask) <= asked_at)
      plan_.set_due(id, ticket.ask, now + interval(subject, now));
    judge(subject, now);
    if (!is_page || subject.stage != Stage::open || !wants_next_page(history, subject, reply)) continue;
    plan_.set_due(id, Ask::history, now);
    goes_on = true;
  }
  if (is_page && !goes_on) history.walk.stop();
  plan_.refresh(ticket.group);
}

void Settlement::take(Case& subject, const LookupTicket& ticket, const domain::LookupReply& reply) noexcept {
  CaseEvidence& evidence = subject.evidence;
  switch (ticket.ask) {
    case Ask::history:
      break;  // Page by page: take_rows.
    case Ask::positions:
      if (const auto snapshot = snapshot_of(reply, evidence.facts.instrument))
        take_position(evidence, *snapshot, settings_);
      break;
    case Ask::by_client_oid:
    case Ask::by_order_id: {
      for (domain::OrderRow row : reply.orders) {
        // What the venue gives for our name is ours, even where the row does not repeat the name.
        if (ticket.ask == Ask::by_client_oid && row.client_oid.empty())
          row.client_oid = evidence.facts.client_oid;
        take_known_row(subject, row);
      }
      if (reply.status != domain::LookupStatus::not_found) break;
      Confirmation& absent =
          ticket.ask == Ask::by_client_oid ? evidence.client_oid_absent : evidence.order_id_absent;
      absent.note(reply.venue_ms, evidence.quiet_venue_ms);
      break;
    }
    case Ask::fills:
      take_fills(evidence, reply.fills, settings_);
      if (reply.status != domain::LookupStatus::ok || reply.truncated)
        evidence.fills_denied.note(reply.venue_ms, evidence.quiet_venue_ms);
      else
        evidence.fills_listed.note(reply.venue_ms, evidence.quiet_venue_ms);
      break;
  }
}

bool Settlement::take_known_row(Case& subject, const domain::OrderRow& row) noexcept {
  remember(subject.evidence.facts, row, /*listed=*/false);
  return !belongs_to_other(subject, row) && take_row(subject.evidence, row, settings_);
}

bool Settlement::belongs_to_other(const Case& subject, const domain::OrderRow& row) const noexcept {
  const CaseFacts& facts = subject.evidence.facts;
  if (is_ours_by_id(facts, row)) return false;
  const auto prefix = settings_.client_oid_prefix.view();
  // A name of the venue's making may begin like ours by chance.
  if (!prefix.empty() && !is_nameless(row) && row.client_oid.view().starts_with(prefix)) return true;
  if (row.order_id.empty()) return false;
  const Past& past = past_[facts.position.value];
  return row.order_id == past.named_id || row.order_id == past.sibling_id;
}

void Settlement::on_failed(const LookupTicket& ticket, Ns now) noexcept {
  Ns asked_at = 0;
  if (!plan_.finish(ticket, LookupPlan::End::failed, now, 0, asked_at)) return;
  // The other questions do not wait for the one that is not answered.
  for (std::uint32_t id = plan_.first_case(ticket.group), next; id != LookupPlan::kNone; id = next) {
    next = plan_.next_case(id);
    judge(cases_[id], now);
  }
  plan_.refresh(ticket.group);
}

void Settlement::postpone(const LookupTicket& ticket, Ns until) noexcept {
  Ns asked_at = 0;
  static_cast<void>(plan_.finish(ticket, LookupPlan::End::postponed, 0, until, asked_at));
}

void Settlement::observe_positions(AccountIndex account, domain::Product product,
                                   const domain::LookupReply& reply, Ns now) noexcept {
  const std::uint32_t group = LookupPlan::group_of(account, product);
  for (std::uint32_t id = plan_.first_case(group), next; id != LookupPlan::kNone; id = next) {
    next = plan_.next_case(id);
    Case& subject = cases_[id];
    const auto snapshot = snapshot_of(reply, subject.evidence.facts.instrument);
    if (!snapshot) continue;  // A row of another instrument may be the unreadable one.
    take_position(subject.evidence, *snapshot, settings_);
    count_answer(subject, reply.venue_ms, now);
    judge(subject, now);
  }
  plan_.refresh(group);
}

void Settlement::observe_order(AccountIndex account, const domain::OrderRow& row, Ns now) noexcept {
  const std::uint32_t group = LookupPlan::group_of(account, row.instrument.product);
  for (std::uint32_t id = plan_.first_case(group), next; id != LookupPlan::kNone; id = next) {
    next = plan_.next_case(id);
    Case& subject = cases_[id];
    if (take_known_row(subject, row)) judge(subject, now);
  }
  plan_.refresh(group);
}

/// Pages that never show what they should look like a lag that grows for ever: patience does not.
VenueMs Settlement::patient_lag_ms(const CaseEvidence& evidence) const noexcept {
  const auto most =
      static_cast<VenueMs>(settings_.lookup_lag_ms) + 4 * VenueMs{settings_.unresolved_after_ms};
  return std::min(evidence.lag_ms, most);
}

/// Patience is spent only while the venue answers and only from the time on at which it could say something
/// final: a long silence between two answers counts for no more than two pauses.
void Settlement::count_answer(Case& subject, VenueMs venue_ms, Ns now) noexcept {
  CaseEvidence& evidence = subject.evidence;
  evidence.seen_venue_ms = std::max(evidence.seen_venue_ms, venue_ms);
  const bool by_venue = evidence.seen_venue_ms >= evidence.quiet_venue_ms;
  const bool by_us = now - subject.opened_at >= ms(settings_.clock_tolerance_ms) +
                                                    2 * ms(settings_.execution_grace_ms) +
                                                    patient_lag_ms(evidence) * kMillisecond;
  if (!by_venue && !by_us) return;
  if (subject.answered_at != 0)
    subject.answering_ns += std::min(now - subject.answered_at, 2 * ms(settings_.poll_max_ms));
  subject.answered_at = now;
}

void Settlement::judge(Case& subject, Ns now) noexcept {
  Finding finding = weigh(subject.evidence, settings_);
  // The venue's clock may leap: what is told for want of more must have had its time on ours as well.
  const bool too_soon =
      now - subject.opened_at < ms(settings_.execution_grace_ms) + subject.evidence.lag_ms * kMillisecond;
  if (finding.proven && finding.result != wire::SettledResult::reversed && too_soon) {
    finding.proven = false;
    finding.wants_position = true;
    finding.ground = Ground::no_evidence;
  }
  if (finding.proven) {
    if (subject.proven_at == 0) subject.proven_at = now;
    const bool waited = now - subject.proven_at >= ms(settings_.execution_grace_ms) +
                                                       ms(settings_.backoff_max_ms) +
                                                       subject.evidence.lag_ms * kMillisecond;
    if (!finding.lacks_position || waited) {
      decide(subject, finding);
      return;
    }
  } else {
    subject.proven_at = 0;
    // Where look-ups were seen to lag further than is assumed, what they are compared with comes later, too.
    const VenueMs seen_lag = patient_lag_ms(subject.evidence) - static_cast<VenueMs>(settings_.lookup_lag_ms);
    if (subject.answering_ns >= ms(settings_.unresolved_after_ms) + seen_lag * kMillisecond) {
      give_up(subject, finding);
      return;
    }
  }
  schedule(subject, finding, now);
}

void Settlement::decide(Case& subject, const Finding& finding) noexcept {
  const CaseEvidence& evidence = subject.evidence;
  Decision& decision = subject.decision;
  decision = {};
  decision.result = finding.result;
  decision.ground = finding.ground;
  decision.foreign_change = finding.foreign_change;
  decision.closed = finding.closed;
  decision.opened = finding.opened;
  decision.order_id = finding.order_id;
  decision.last_leg_venue_ms = finding.last_leg_venue_ms;
  decision.has_after = evidence.latest.read_venue_ms > 0 && !finding.lacks_position;
  Past& past = past_[evidence.facts.position.value];
  if (finding.last_leg_venue_ms != 0) {
    past.named_id = finding.order_id;
    past.sibling_id = finding.sibling_id;
    past.last_leg_venue_ms = std::max(past.last_leg_venue_ms, finding.last_leg_venue_ms);
  }
  finish(subject);
}

void Settlement::give_up(Case& subject, const Finding& finding) noexcept {
  Decision& decision = subject.decision;
  decision = {};
  decision.unresolved = true;
  decision.ground = finding.ground;
  decision.foreign_change = subject.evidence.foreign_reversal;
  decision.order_id = finding.order_id;
  decision.closed = finding.closed;
  decision.opened = finding.opened;
  decision.last_leg_venue_ms = finding.last_leg_venue_ms;
  decision.has_after = subject.evidence.latest.read_venue_ms > 0;
  finish(subject);
}

void Settlement::finish(Case& subject) noexcept {
  const CaseFacts& facts = subject.evidence.facts;
  Decision& decision = subject.decision;
  decision.case_id = facts.case_id;
  decision.account = facts.account;
  decision.position = facts.position;
  decision.has_before = has_before(facts);
  if (decision.has_before) decision.before = facts.before;
  if (decision.has_after) decision.after = subject.evidence.latest;
  subject.stage = Stage::decided;
  --open_;
  plan_.remove(facts.case_id);
  BH_ASSERT(decided_count_ < decided_.size());
  decided_[(decided_head_ + decided_count_) % decided_.size()] = facts.case_id;
  ++decided_count_;
}

/// Questions come quickly at first and then ever more slowly; once an answer can be final, often enough that
/// the second look is not late.
Ns Settlement::interval(const Case& subject, Ns now) const noexcept {
  const Ns shortest = std::max<Ns>(ms(settings_.first_read_ms) / 2, kMillisecond);
  const Ns longest = std::max(ms(settings_.poll_max_ms), shortest);
  const Ns pause = std::clamp((now - subject.opened_at) / 2, shortest, longest);
  if (subject.evidence.seen_venue_ms < subject.evidence.quiet_venue_ms) return pause;
  return std::clamp(ms(settings_.settle_recheck_ms) / 2, shortest, longest);
}

void Settlement::schedule(Case& subject, const Finding& finding, Ns now) noexcept {
  const CaseFacts& facts = subject.evidence.facts;
  const auto wish = [&](Ask ask, bool wanted) {
    const Ns due = plan_.due(facts.case_id, ask);
    if (!wanted)
      plan_.set_due(facts.case_id, ask, kNever);
    else if (due == kNever)
      plan_.set_due(facts.case_id, ask, now);
  };
  wish(Ask::positions, finding.wants_position);
  wish(Ask::by_client_oid, finding.wants_names && !facts.client_oid.empty());
  wish(Ask::by_order_id, finding.wants_names && !facts.order_id.empty());
  wish(Ask::fills, finding.wants_fills || (finding.wants_names && subject.evidence.order_id_absent.begun()));
}

bool Settlement::pop_decision(Decision& out) noexcept {
  if (decided_count_ == 0) return false;
  Case& subject = cases_[decided_[decided_head_]];
  decided_head_ = (decided_head_ + 1) % decided_.size();
  --decided_count_;
  out = subject.decision;
  if (out.unresolved) {
    subject.stage = Stage::unresolved;
    ++unresolved_;
  } else {
    subject.stage = Stage::free;
  }
  return true;
}

bool Settlement::resolve(std::uint32_t case_id) noexcept {
  if (case_id >= cases_.size() || cases_[case_id].stage != Stage::unresolved) return false;
  cases_[case_id].stage = Stage::free;
  --unresolved_;
  return true;
}

}  // namespace backhand::order
