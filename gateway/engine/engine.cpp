// Construction from the configuration, lanes, operator's commands, and the turn.
#include "gateway/engine/engine.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/cpu.hpp"
#include "gateway/engine/settings.hpp"

namespace backhand::engine {

using order::ReversalState;

namespace {

constexpr std::uint32_t kOpenLookups = 64;
/// How often it is looked whether everything can still serve.
constexpr Ns kReadyCheck_ns = kSecond / 4;
/// Denials at the door that are recorded of one strategy in any second; further ones are told all the same.
constexpr std::uint32_t kRecordedDenials = 100;
/// Jobs besides the five of each (account, product): account kind, mode, history, positions, a recheck of the
/// mode.
constexpr std::size_t kSpareJobs = 64;
constexpr std::size_t kJobsPerProduct = 5;
/// The venue's own steps are shorter.
constexpr Ns kLeastLeap_ns = kSecond;
constexpr std::size_t kProducts = 8;
/// What the venue's clock can read, 2017 … 2255.
constexpr VenueMs kEarliestVenue_ms = 1'500'000'000'000;
constexpr VenueMs kLatestVenue_ms = 9'000'000'000'000;

std::size_t products_of(const Directory& directory, std::size_t accounts) {
  std::size_t count = 0;
  for (std::uint16_t a = 0; a < accounts; ++a) {
    std::array<bool, 8> seen{};
    for (const PositionIndex position : directory.of_account(AccountIndex{a})) {
      bool& product = seen[static_cast<std::size_t>(directory[position].id.product)];
      count += product ? 0 : 1;
      product = true;
    }
  }
  return count;
}

/// Old enough to be worth a new signature, young enough that firing never meets the venue's limit on age.
Ns shot_age(const config::Config& config) noexcept {
  const std::uint32_t fuse_ms =
      config.venue.request_fuse_ms == 0 ? config.venue.clock_tolerance_ms : config.venue.request_fuse_ms;
  return static_cast<Ns>(std::min(config.shots.sign_again_ms, fuse_ms / 4)) * kMillisecond;
}

}  // namespace

Engine::Engine(const config::Config& config, bitget::Dialect& dialect, const Ports& ports,
               const StartId& start)
    : config_(config),
      dialect_(dialect),
      ports_(ports),
      epoch_(start.epoch),
      oid_start_(start.names),
      names_(start.names, start.epoch),
      set_back_ms_(config.venue.request_fuse_ms == 0
                       ? 0
                       : static_cast<VenueMs>(config.venue.clock_tolerance_ms) -
                             static_cast<VenueMs>(config.venue.request_fuse_ms)),
      directory_(config),
      clock_(std::max(VenueClock::kSkew_ns, static_cast<Ns>(config.venue.clock_skew_ms) * kMillisecond)),
      risk_(risk_settings(config, directory_)),
      pacer_(pacing_settings(config, dialect)),
      book_(directory_.positions().size(), config.venue.clock_skew_ms),
      settlement_(settlement_settings(config), config.accounts.size(), directory_.positions().size(),
                  config.gateway.max_open_intents),
      lane_book_(config.gateway.max_lanes, config.gateway.kept_events()),
      jobs_{
          JobQueue{(products_of(directory_, config.accounts.size()) + 1) * kJobsPerProduct +
                   config.instruments.size() + kSpareJobs},
          // Positions of each (account, product), rules of each product, and of each closed contract.
          JobQueue{products_of(directory_, config.accounts.size()) + kProducts + config.instruments.size()}},
      shots_(config.shots.max_armed, config.gateway.max_lanes, config.strategies.size()),
      shot_age_ns_(shot_age(config)),
      accounts_(config.accounts.size()),
      contracts_(config.instruments.size()),
      slots_(config.gateway.max_open_intents),
      lane_heads_(config.gateway.max_lanes, kNoSlot),
      waiter_heads_(directory_.positions().size(), kNoSlot),
      waiter_deadlines_(config.gateway.max_open_intents),
      until_durable_(config.gateway.max_open_intents),
      is_freed_(directory_.positions().size(), false),
      lookups_(kOpenLookups),
      rehearse_every_ns_(static_cast<Ns>(config.shots.rehearse_us) * kMicrosecond),
      near_(second_cache_bytes() / 2),
      refreshed_ns_(directory_.positions().size(), 0) {
  for (std::size_t s = 0; s < config.strategies.size(); ++s)
    denial_records_.emplace_back(kRecordedDenials, kSecond);
  BH_ASSERT(config.gateway.max_open_intents <= 65'536);
  for (std::uint32_t slot = config.gateway.max_open_intents; slot-- > 0;) free_slots_.push_back(slot);
  for (std::uint32_t i = kOpenLookups; i-- > 0;) free_lookups_.push_back(i);
  freed_.reserve(directory_.positions().size());
  no_connection_.reserve(config.gateway.max_open_intents);
  rules_read_.resize(config.instruments.size());
  lookup_reply_.positions.reserve(1'024);
  lookup_reply_.unread.reserve(1'024);
  lookup_reply_.contracts.reserve(4'096);
  lookup_reply_.orders.reserve(1'024);
  lookup_reply_.fills.reserve(1'024);
  for (std::uint32_t i = 0; i < contracts_.size(); ++i) contracts_[i].instrument = config.instruments[i].id;
  for (std::uint32_t p = 0; p < directory_.positions().size(); ++p) {
    const PositionIndex position{p};
    const PositionEntry& entry = directory_[position];
    const domain::PositionMode mode = config.accounts[entry.account.value].position_mode;
    book_.set_mode(position, mode);
    const auto prepared = dialect_.prepare(position, entry.account, entry.id, mode);
    BH_ASSERT(prepared.has_value());  // The configuration has checked names and symbols.
  }
  list_memory();
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    accounts_[a].why = "not started";
    if (config.accounts[a].lead_trader) {
      accounts_[a].lead_trader = true;
      dialect_.set_lead_trader(AccountIndex{a}, true);
    }
  }
}

void Engine::start(Ns now) noexcept {
  BH_ASSERT(!started_);
  started_ = true;
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    if (accounts_[a].lead_trader) {
      pacer_.set_reversal_limit(AccountIndex{a}, config_.pacing.lead_trader_requests_per_second, now);
    }
  }
  // Its lanes' marks are too low, and only a person can say what the strategies have done meanwhile.
  if (end_missing_) (void)halt("the end of the journal is missing", now);
  std::array<bool, 8> seen{};
  for (const config::Instrument& instrument : config_.instruments) {
    bool& product = seen[static_cast<std::size_t>(instrument.id.product)];
    if (product) continue;
    product = true;
    LookupJob job;
    job.due_ns = now;
    job.lookup.kind = domain::LookupKind::contracts;
    job.lookup.instrument.product = instrument.id.product;
    const bool kept = jobs_.readiness.push(job);
    BH_ASSERT(kept);
    contracts_needed_ |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(instrument.id.product));
  }
  if (!unclean_) prove_all_accounts(now);
  // What waits for a UID takes room in the journal that the end of the fuse needs, too.
  for (std::uint16_t a = 0; a < accounts_.size() && unclean_; ++a) {
    if (accounts_[a].awaiting_uid == 0) continue;
    LookupJob like;
    like.lookup.kind = domain::LookupKind::account_kind;
    like.lookup.instrument = directory_[directory_.of_account(AccountIndex{a})[0]].id;
    ask_kind_again(AccountIndex{a}, like, now);
  }
  ready_changed_ns_ = now;
  check_ready(now);
}

void Engine::prove_all_accounts(Ns now) noexcept {
  accounts_begun_ = true;
  for (std::uint16_t a = 0; a < accounts_.size(); ++a) {
    const AccountIndex account{a};
    if (accounts_[a].phase == AccountPhase::starting) begin_readiness(account, now);
    std::array<bool, 8> seen{};
    for (const PositionIndex position : directory_.of_account(account)) {
      const domain::Instrument& id = directory_[position].id;
      bool& product = seen[static_cast<std::size_t>(id.product)];
      if (product) continue;
      product = true;
      LookupJob job;
      job.kind = JobKind::refresh;
      job.lookup.kind = domain::LookupKind::positions;
      job.lookup.account = account;
      job.lookup.instrument = id;
      repeat(job, now);
    }
  }
}

bool Engine::on_lane_opened(LaneIndex lane, StrategyIndex strategy,
                            const journal::StrategyName& strategy_name, const journal::LaneName& lane_name,
                            Ns now) {
  if (lane_book_.is_open(lane)) return true;
  journal::LaneOpened body{};
  body.strategy = strategy_name;
  body.name = lane_name;
  journal::Stamp stamp;
  stamp.mono_ns = now;
  stamp.key.lane = lane.value;
  // Without its name on record a lane would begin again at mark 0 after a restart, and its strategy push
  // again what was executed.
  const journal::Appended appended = ports_.journal.append(stamp, body);
  note_appended(appended, now);
  if (appended.status == journal::AppendStatus::failed) return false;
  lane_book_.open(lane, strategy, 0, 0);
  return true;
}

void Engine::on_lane_attached(LaneIndex lane, std::uint64_t cursor, Ns now) noexcept {
  lane_book_.attached(lane, cursor);
  wire::Outcome out{};
  out.kind = wire::EventKind::notice;
  out.notice = ready_ ? wire::NoticeKind::ready : wire::NoticeKind::not_ready;
  (void)ports_.lanes.offer(lane, out);
  if (risk_.halted()) {
    out = {};
    out.kind = wire::EventKind::notice;
    out.notice = wire::NoticeKind::halted;
    (void)ports_.lanes.offer(lane, out);
  }
  (void)now;
}

void Engine::on_lane_closed(LaneIndex lane, Ns now) noexcept {
  lane_book_.detached(lane, ports_.lanes);
  std::uint32_t slot = lane_heads_[lane.value];
  while (slot != kNoSlot) {
    const std::uint32_t next = slots_[slot].next_in_lane;
    if (slots_[slot].state == ReversalState::waiting) {
      abandon_wait(slot);
      deny(slot, wire::DenyReason::strategy_gone, order::ReversalEvent::lane_lost, now);
    }
    slot = next;
  }
  std::uint32_t shot = shots_.first_in_lane(lane);
  while (shot != kNoSlot) {
    const std::uint32_t next = shots_[shot].next_in_lane;
    if (shots_[shot].state == order::ShotState::armed) end_shot(shot, wire::DenyReason::strategy_gone, now);
    shot = next;
  }
}

void Engine::on_noted(LaneIndex lane, std::uint64_t record, Ns now) noexcept {
  // Where there is no room to spare, the next start tells some events again that the strategy knows.
  if (journal_failed_ || !lane_book_.is_open(lane) || spare_records() == 0) return;
  if (!lane_book_.note(lane, record)) return;
  journal::LaneNoted body{};
  body.record_number = record;
  journal::Stamp stamp;
  stamp.mono_ns = now;
  stamp.key.lane = lane.value;
  note_appended(ports_.journal.append(stamp, body), now);
}

/// What is to be said of a halt that is in force already: it is not recorded twice, as room for its record
/// was kept once.
journal::Appended Engine::recorded_before(std::uint64_t record) const noexcept {
  using journal::AppendStatus;
  if (journal_failed_) return {AppendStatus::failed, 0};
  const bool durable = ports_.journal.durable_number() >= record;
  return {durable ? AppendStatus::durable : AppendStatus::pending, record};
}

journal::Appended Engine::halt(std::string_view reason, Ns now) noexcept {
  if (risk_.halted()) {
    if (halt_reason_.empty()) halt_reason_ = FixedString<48>{reason};  // It had halted itself.
    return recorded_before(halt_record_);
  }
  risk_.halt();
  journal::Halted body{};
  body.reason = FixedString<48>{reason};
  halt_reason_ = body.reason;
  body.scope = journal::Scope::all;
  const journal::Appended appended = ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body);
  note_appended(appended, now);
  halt_record_ = appended.number;
  notice(wire::NoticeKind::halted, {}, {}, nullptr, now);
  stand_down(std::nullopt, wire::DenyReason::halted, now);
  return appended;
}

bool Engine::resume(std::string_view reason, Ns now) noexcept {
  if (!risk_.halted()) return true;
  if (!may_record_resume()) return false;
  risk_.resume();
  journal::Resumed body{};
  body.reason = FixedString<48>{reason};
  body.scope = journal::Scope::all;
  note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
  notice(wire::NoticeKind::resumed, {}, {}, nullptr, now);
  return true;
}

bool Engine::may_record_resume() noexcept { return !journal_failed_ && spare_records() > 0; }

journal::Appended Engine::halt_account(AccountIndex account, std::string_view reason, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  if (state.halted_by_operator) return recorded_before(state.halt_record);
  state.halted_by_operator = true;
  journal::Halted body{};
  body.name = FixedString<24>{config_.accounts[account.value].name};
  body.reason = FixedString<48>{reason};
  body.scope = journal::Scope::account;
  const journal::Appended appended = ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body);
  note_appended(appended, now);
  state.halt_record = appended.number;
  notice(wire::NoticeKind::halted, account, {}, nullptr, now);
  stand_down(account, wire::DenyReason::halted, now);
  return appended;
}

bool Engine::resume_account(AccountIndex account, std::string_view reason, Ns now) noexcept {
  AccountState& state = accounts_[account.value];
  const bool by_venue = state.phase == AccountPhase::halted || state.phase == AccountPhase::refused;
  if (!state.halted_by_operator && !by_venue) return true;
  if (!may_record_resume()) return false;
  state.halted_by_operator = false;
  journal::Resumed body{};
  body.name = FixedString<24>{config_.accounts[account.value].name};
  body.reason = FixedString<48>{reason};
  body.scope = journal::Scope::account;
  note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
  notice(wire::NoticeKind::resumed, account, {}, nullptr, now);
  if (by_venue) begin_readiness(account, now);
  return true;
}

void Engine::stop_intake(Ns now) noexcept {
  stopping_ = true;
  stand_down(std::nullopt, wire::DenyReason::stopping, now);
}

std::uint32_t Engine::without_end() const noexcept {
  std::uint32_t count = 0;
  for (const OpenReversal& r : slots_) {
    if (r.in_use && (order::may_have_left(r.state) || r.state == ReversalState::unresolved)) ++count;
  }
  return count;
}

std::uint32_t Engine::on_their_way() const noexcept {
  std::uint32_t count = 0;
  for (const OpenReversal& r : slots_) {
    if (r.in_use && !order::is_terminal(r.state)) ++count;
  }
  return count;
}

std::size_t Engine::open_positions(std::span<OpenPosition> out) const noexcept {
  std::size_t count = 0;
  for (std::uint32_t p = 0; p < book_.size() && count < out.size(); ++p) {
    const PositionIndex position{p};
    const std::uint32_t occupant = book_.occupant(position);
    const order::BlockReason blocked = book_.blocked(position);
    if (occupant == order::PositionBook::kNobody && blocked == order::BlockReason::none) continue;
    out[count++] = {position, blocked, occupant};
  }
  return count;
}

int Engine::do_work(Ns now) noexcept {
  int done = 0;
  // Whoever waits for a record to become durable must not wait for the next append to learn that none will.
  if (ports_.journal.failed()) on_journal_failed(now);
  done += send_durable(now);
  done += wake_freed(now);
  done += send_due(now);
  done += expire_waiters(now);
  if (unclean_ && started_ && !accounts_begun_ && clock_.known(now)) {
    if (blocked_until_venue_ms_ == 0) {
      blocked_until_venue_ms_ = clock_.upper_bound_ms(now) + fuse_ms();
    }
    if (clock_.lower_bound_ms(now) > blocked_until_venue_ms_ && may_record_resume()) {
      prove_all_accounts(now);
      journal::Resumed body{};
      body.name = FixedString<24>{journal::kUncleanStart};
      body.reason = FixedString<48>{"the fuse has burnt"};
      body.scope = journal::Scope::position;
      note_appended(ports_.journal.append(journal::Stamp{now, {}, {}, {}}, body), now);
      ++done;
    }
  }
  if (held_accounts_ > 0) done += release_holds(now);
  if (lookups_due(now) <= now) done += run_lookups(now);
  done += take_decisions(now);
  watch_address(now);
  if (shots_.next_due() <= now) done += tend_shots(now);
  const int replayed = lane_book_.replay(ports_.lanes, ports_.journal.durable_number(), 64);
  counters_.replayed += static_cast<std::uint64_t>(replayed);
  done += replayed;
  if (pool_changed_ || now >= next_ready_check_ns_) {
    pool_changed_ = false;
    next_ready_check_ns_ = now + kReadyCheck_ns;
    check_ready(now);
  }
  if (done == 0) {
    refresh_templates(now);
    if (rehearse_every_ns_ != 0) {
      keep_near();
      if (now >= next_rehearsal_ns_) rehearse(now);
    }
  }
  return done;
}

Ns Engine::next_due(Ns now) noexcept {
  Ns due = std::min(pacer_.next_due(now), pacer_.next_correction());
  due = std::min(due, shots_.next_due());
  if (!waiter_deadlines_.empty()) due = std::min(due, waiter_deadlines_.top_key());
  if (!no_connection_.empty() && connection_to_spare())
    return has_room_to_send() ? now : now + kMillisecond;  // Until the disk has caught up.
  if (!freed_.empty()) return now;
  // One whose record is not on disk yet is told of by the journal's thread.
  if (durable_count_ > 0) {
    const OpenReversal& r = slots_[until_durable_[durable_head_]];
    if (r.durable_number <= ports_.journal.durable_number())
      due = std::min(due, ports_.wire.can_send(net::RequestClass::trade) ? now : now + kMillisecond);
  }
  // Without a free connection a look-up that is due waits for one; its reply will wake the loop.
  if (can_ask()) {
    // A look-up that its budget put off is looked at again after a short pause, not in every turn.
    due = std::min(due, std::max(lookups_due(now), now + kMillisecond / 2));
  }
  if ((unclean_ && !accounts_begun_) || held_accounts_ > 0) due = std::min(due, now + 100 * kMillisecond);
  if (lane_book_.replay_pending()) due = std::min(due, now + kMillisecond);
  return std::min(due, next_ready_check_ns_);
}

bool Engine::take_probe(const net::ReplyView& reply, const bitget::ProbeReply& probe,
                        Ns written_ns) noexcept {
  const Ns now = reply.replied_ns;
  const VenueMs venue_ms = probe.server_venue_ms;
  if (!probe.ok || venue_ms < kEarliestVenue_ms || venue_ms > kLatestVenue_ms) return false;
  const ForeignSign sign = foreign_sign(reply, venue_ms, written_ns, clock_);
  // A time that contradicts the clock may be a step of either clock: several probes that agree will tell.
  if (sign != ForeignSign::none && sign != ForeignSign::other_time) return false;
  const bool was_known = clock_.known(now);
  // A leap forward is time that our clock did not count, or a step of theirs: the former is assumed.
  const bool contradicts = sign == ForeignSign::other_time;
  const Ns leap = contradicts ? (venue_ms - clock_.upper_bound_ms(now)) * kMillisecond : 0;
  if (clock_.on_probe(venue_ms, written_ns, now) == VenueClock::Sample::stepped) {
    if (leap >= kLeastLeap_ns) {
      on_time_lost(leap, now);
      (void)clock_.on_probe(venue_ms, written_ns, now);
    }
    ports_.events.on_engine_event(EngineEvent::clock_stepped, {}, now);
  }
  if (!was_known) check_ready(now);
  return sign == ForeignSign::none;
}

void Engine::on_ping(const net::ReplyView& reply, Ns written_ns) noexcept {
  const bitget::ProbeReply probe = dialect_.decode_probe(reply.http_status, reply.body);
  close_ping(reply.replied_ns, /*replied=*/true, probe.throttled);
  if (probe.throttled) ++counters_.throttled;
  note_probe(reply, probe, reply.replied_ns);
  if (take_probe(reply, probe, written_ns)) {
    note_heard();
    return;
  }
  // A venue in trouble refuses probes too; what is no refusal, or a no to another request, was not made for
  // one.
  constexpr int kForbidden = 403;
  constexpr int kTooMany = 429;
  const int status = reply.http_status;
  if (status < 500 && status != kForbidden && status != kTooMany && !probe.throttled) distrust(reply);
}

void Engine::on_ping_lost(Ns written_ns, Ns now) noexcept {
  (void)written_ns;
  close_ping(now, /*replied=*/false);
}

void Engine::on_dial_failed(Ns now) noexcept { close_ping(now, /*replied=*/false); }

void Engine::on_pool_changed(unsigned ready, unsigned wanted, std::string_view why) noexcept {
  (void)wanted;
  (void)why;
  connections_ready_ = ready;
  pool_changed_ = true;
}

bool Engine::may_ping(Ns now) noexcept { return spend_upkeep(now); }

bool Engine::may_dial(Ns now) noexcept { return spend_upkeep(now); }

bool Engine::spend_upkeep(Ns now) noexcept {
  if (!pacer_.may_send_upkeep(now)) return false;
  const auto free =
      std::find_if(pings_.begin(), pings_.end(), [](const pacing::Ticket& t) { return !t.open(); });
  if (free == pings_.end()) return false;
  *free = pacer_.take_upkeep(now);
  note_asked(now);
  return true;
}

/// Whoever is refused everywhere is told once, and once when it is over; the pacer does the waiting.
void Engine::watch_address(Ns now) noexcept {
  const pacing::Budget& budget = pacer_.budget();
  if (budget.penalties() != penalties_seen_) {
    penalties_seen_ = budget.penalties();
    if (!address_held_) ports_.events.on_engine_event(EngineEvent::address_throttled, {}, now);
    address_held_ = true;
  }
  if (address_held_ && now >= budget.held_until()) {
    address_held_ = false;
    ports_.events.on_engine_event(EngineEvent::address_free, {}, now);
  }
}

void Engine::close_ping(Ns now, bool replied, bool throttled) noexcept {
  // Upkeep requests are alike to the rules; whichever is open is closed.
  const auto open =
      std::find_if(pings_.begin(), pings_.end(), [](const pacing::Ticket& t) { return t.open(); });
  if (open == pings_.end()) return;
  if (replied) {
    pacer_.on_reply(*open, now, {throttled, -1});
  } else {
    pacer_.on_no_reply(*open, now);
  }
}

}  // namespace backhand::engine
