#include "tests/simulation/process.hpp"

#include <algorithm>
#include <cerrno>

#include "common/assert.hpp"
#include "common/lost_time.hpp"

namespace backhand::simulation {

using test::MemoryStorage;

namespace {

constexpr Ns kTick = 5 * kMillisecond;

bitget::Settings dialect_settings(const config::Config& config) {
  bitget::Settings out;
  out.host = config.venue.host;
  out.max_reply_bytes = config.venue.max_reply_bytes;
  out.one_way_sends_size = config.venue.one_way_sends_size;
  return out;
}

}  // namespace

journal::Appended WatchedJournal::append(std::span<journal::Record> parts) noexcept {
  constexpr journal::Appended kUnseen{journal::AppendStatus::durable, 1};
  if (crash_.reach(Step::before_append) || journal_ == nullptr) return kUnseen;
  const journal::Kind kind = parts[0].kind;
  if (context_.bug == Bug::journal_after_send) {
    if (kind == journal::Kind::intended) {
      kept_back_.assign(parts.begin(), parts.end());
      return kUnseen;
    }
    if (!kept_back_.empty()) {
      std::vector<journal::Record> late = std::exchange(kept_back_, {});
      const journal::Appended appended = journal_->append(std::span{late});
      note(late, appended);
    }
  }
  dirty_ = true;
  const journal::Appended appended = journal_->append(parts);
  if (appended.status == journal::AppendStatus::full) {
    context_.violate("no room in the journal for a record that was owed it");
    return {journal::AppendStatus::failed, 0};
  }
  note(parts, appended);
  (void)crash_.reach(Step::after_append);
  return appended;
}

void WatchedJournal::note(std::span<const journal::Record> parts, const journal::Appended& appended) {
  using journal::AppendStatus;
  if (appended.status == AppendStatus::full || appended.status == AppendStatus::failed) return;
  context_.digest.add(std::as_bytes(parts));
  const journal::Record& first = parts[0];
  switch (first.kind) {
    case journal::Kind::intended:
      ledger_.on_intended(journal::body_of<journal::Intended>(parts),
                          journal::render_client_oid(journal_->oid_start(), first.key()), appended.number);
      return;
    case journal::Kind::shot_taken:
      ledger_.on_shot_taken(journal::body_of<journal::ShotTaken>(parts).taken.user_tag);
      return;
    case journal::Kind::outcome: {
      const wire::Outcome outcome =
          journal::unpack_outcome(journal::body_of<journal::OutcomeBody>(parts), first.key());
      if (wire::is_terminal(outcome) && outcome.kind != wire::EventKind::unresolved)
        ledger_.on_recorded_end(first.lane, outcome.user_tag);
      return;
    }
    default:
      return;
  }
}

journal::Room WatchedJournal::room() noexcept {
  constexpr journal::Room kPlenty{1U << 20, 1U << 20};
  if (crash_.dead() || journal_ == nullptr || context_.bug == Bug::journal_room_ignored) return kPlenty;
  return journal_->room();
}

std::uint64_t WatchedJournal::durable_number() const noexcept {
  return crash_.dead() || journal_ == nullptr ? 0 : journal_->durable_number();
}

bool WatchedJournal::take_dirty() noexcept { return std::exchange(dirty_, false); }

Process::Process(Context& context, const Plan& plan, CrashPoint& crash, Ledger& ledger, SimLanes& lanes,
                 Network& network)
    : context_(context),
      plan_(plan),
      crash_(crash),
      ledger_(ledger),
      lanes_(lanes),
      network_(network),
      settings_(plan.journal),
      storage_(std::make_unique<MemoryStorage>()),
      watched_(context, crash, ledger) {
  storage_->seed_random(context.random.next());
  if (context.bug == Bug::random_part_constant) storage_->freeze_random();
}

Process::~Process() = default;

MemoryStorage::Fault Process::at_storage(MemoryStorage::Operation operation, const std::string& path) {
  using Operation = MemoryStorage::Operation;
  MemoryStorage::Fault fault;
  if (operation != Operation::pread && crash_.reach(starting_ ? Step::start : Step::disk)) {
    fault.kill = true;
    if (operation == Operation::pwrite && context_.random.chance(0.5))
      fault.torn = static_cast<std::size_t>(context_.random.below(512));
    return fault;
  }
  const bool on_disk = path.starts_with(settings_.state_dir);
  const auto once = [&](std::string_view name) {
    context_.fire(name);
    storage_fault_ = StorageFault::none;
  };
  switch (storage_fault_) {
    case StorageFault::none:
      break;
    case StorageFault::full:
      if (on_disk && (operation == Operation::allocate || operation == Operation::pwrite)) {
        context_.fire("disk_full");
        fault.fail = ENOSPC;
      }
      break;
    case StorageFault::write_error:
      if (on_disk && operation == Operation::pwrite) {
        once("disk_write_error");
        fault.fail = EIO;
      }
      break;
    case StorageFault::sync_error:
      if (on_disk && operation == Operation::fdatasync) {
        if (context_.bug == Bug::sync_error_ignored) {
          fault.lie = true;  // And so it goes on: what was not synced once never is.
        } else {
          once("disk_sync_error");
          fault.fail = EIO;
        }
      }
      break;
    case StorageFault::short_write:
      if (on_disk && operation == Operation::pwrite) {
        once("disk_short_write");
        fault.short_write = true;
      }
      break;
    case StorageFault::torn_write:
      if (on_disk && operation == Operation::pwrite) {
        once("disk_torn_write");
        fault.kill = true;
        fault.torn = static_cast<std::size_t>(context_.random.below(1'024));
        crash_.kill();
      }
      break;
    case StorageFault::hot_allocation:
      if (!on_disk && operation == Operation::allocate) {
        once("hot_allocation_fails");
        fault.fail = ENOSPC;
      }
      break;
    case StorageFault::hot_map:
      if (!on_disk && operation == Operation::map) {
        once("hot_map_fails");
        fault.fail = EIO;
      }
      break;
  }
  return fault;
}

StartResult Process::start() {
  BH_ASSERT(engine_ == nullptr);
  crash_.revive();
  journal_failed_ = false;
  refused_accounts_.clear();
  ++lives_;
  ledger_.on_start();
  storage_->set_plan([this](std::uint64_t, MemoryStorage::Operation operation, const std::string& path) {
    return at_storage(operation, path);
  });
  context_.clocks.lost = 0;
  starting_ = true;
  std::expected<void, Error> made;
  try {
    made = make();
  } catch (const test::Killed&) {
    crash_.kill();
  }
  starting_ = false;
  if (crash_.dead()) {
    bury();
    return StartResult::killed;
  }
  if (!made) {
    refusal_ = made.error().message;
    context_.tell("start refused: " + refusal_);
    bury();
    return StartResult::refused;
  }
  context_.tell("started, life " + std::to_string(lives_));
  schedule_disk_work();
  return StartResult::started;
}

void Process::plant(journal::Recovered& recovered) const {
  switch (context_.bug) {
    case Bug::taken_mark_lost:
      for (auto& [number, lane] : recovered.state.lanes) lane.taken_mark = 0;
      break;
    case Bug::open_cases_forgotten:
      std::erase_if(recovered.state.cases,
                    [](const auto& open) { return open.second.phase != journal::CasePhase::unresolved; });
      break;
    case Bug::shots_forgotten:
      std::erase_if(recovered.state.cases, [](const auto& open) { return open.second.is_shot; });
      break;
    case Bug::history_not_replayed:
      for (auto& [number, lane] : recovered.state.lanes) lane.outcomes.clear();
      break;
    case Bug::history_not_looked_at:
      for (const std::string& oid : ledger_.oids()) {
        if (const auto name = journal::parse_client_oid(oid))
          recovered.state.names.restore({name->start, 0, UINT64_MAX, false});
      }
      break;
    case Bug::uid_forgotten:
      recovered.state.uids.clear();
      break;
    case Bug::halt_forgotten:
      recovered.state.halts.clear();
      break;
    default:
      break;
  }
}

std::expected<void, Error> Process::make() {
  auto recovered = journal::recover(*storage_, settings_, context_.clocks.wall_seconds());
  if (!recovered) return std::unexpected(recovered.error());
  recovered_number_ = recovered->next_number;
  if (context_.bug == Bug::manifest_not_compared && recovered->tail == journal::TailLoss::end_missing)
    recovered->tail = journal::TailLoss::none;
  if (recovered->must_block_all()) context_.tell("recovered: " + recovered->tail_reason);
  auto opened = journal::open_journal(*storage_, settings_, *recovered, context_.clocks.mono(),
                                      context_.clocks.wall_offset);
  if (!opened) return std::unexpected(opened.error());
  journal_ = std::move(*opened);
  watched_.open(journal_.get());

  auto dialect = bitget::make_classic_dialect(dialect_settings(plan_.config));
  BH_ASSERT(dialect.has_value());
  dialect_ = with_bug(std::move(*dialect), context_.bug);
  for (std::uint16_t a = 0; a < plan_.config.accounts.size(); ++a) {
    const bool other_key = other_key_ && AccountIndex{a} == plan_.key_account;
    const venue::AccountSpec& spec = other_key ? plan_.scenario.accounts.back() : plan_.scenario.accounts[a];
    bitget::Credentials credentials{bitget::SecretText{spec.key}, bitget::SecretText{spec.secret},
                                    bitget::SecretText{spec.passphrase}};
    const auto added = dialect_->add_account(AccountIndex{a}, std::move(credentials));
    BH_ASSERT(added.has_value());
  }
  plant(*recovered);
  lanes_.forget();
  lanes_.restore(recovered->state);
  engine_ = std::make_unique<engine::Engine>(plan_.config, *dialect_,
                                             engine::Ports{network_, lanes_, watched_, *this},
                                             engine::StartId{journal_->epoch(), journal_->oid_start()});
  if (auto done = engine_->recover(*recovered, context_.clocks.mono()); !done) return done;
  if (crash_.dead()) return {};
  network_.begin(*engine_, watched_, dialect_->probe_request());
  engine_->start(context_.clocks.mono());
  return {};
}

std::optional<std::uint64_t> Process::recoverable() {
  const auto recovered = journal::recover(*storage_, settings_, context_.clocks.wall_seconds());
  if (!recovered) return std::nullopt;
  return recovered->next_number;
}

void Process::bury() {
  network_.end();
  engine_.reset();
  watched_.open(nullptr);
  (void)watched_.take_dirty();
  journal_.reset();
  dialect_.reset();
  storage_->clear_plan();
  storage_->kill_process();
  lanes_.forget();
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_.ring(lane).attached = false;
    lanes_.ring(lane).intents.clear();
  }
  paused_ = false;
}

bool Process::stop() {
  try {
    const auto closed = journal_->close(context_.clocks.mono(), engine_->without_end());
    if (!closed) context_.tell("stop: " + closed.error().message);
  } catch (const test::Killed&) {
    crash_.kill();
  }
  const bool alive = !crash_.dead();
  bury();
  return alive;
}

int Process::turn() {
  const Ns now = context_.clocks.mono();
  const Ns lost = std::exchange(context_.clocks.lost, 0);
  if (lost >= LostTime::kLeast_ns && context_.bug != Bug::lost_time_unseen) engine_->on_time_lost(lost, now);
  for (const SimLanes::Change& change : lanes_.take_changes()) {
    const LaneIndex lane{change.lane};
    if (!change.attached) {
      if (engine_->lanes().is_open(lane)) {
        engine_->on_lane_closed(lane, now);
        engine_->on_noted(lane, change.noted, now);
      }
    } else {
      const StrategyIndex strategy{change.lane};
      if (engine_->on_lane_opened(lane, strategy,
                                  journal::StrategyName{plan_.config.strategies[change.lane].name},
                                  journal::LaneName{"main"}, now)) {
        engine_->on_lane_attached(lane, change.cursor, now);
      } else {
        lanes_.cut_off(change.lane);
      }
    }
    if (crash_.dead()) return 1;
  }
  const std::size_t budget = engine_->intake_budget(64, now);
  if (budget == 0) context_.fire("journal_ring_full");
  int done = lanes_.drain(budget, [&](LaneIndex lane, const wire::Intent& intent) {
    if (context_.bug == Bug::deadline_ignored && intent.deadline_ns > now) {
      wire::Intent late = intent;
      late.deadline_ns += kSecond;
      engine_->on_intent(lane, late, now);
    } else {
      engine_->on_intent(lane, intent, now);
    }
  });
  if (!crash_.dead()) done += network_.do_work();
  if (!crash_.dead()) done += engine_->do_work(context_.clocks.mono());
  if (watched_.take_dirty()) schedule_disk_work();
  return done;
}

Ns Process::next_due() noexcept {
  const Ns now = context_.clocks.mono();
  if (lanes_.anything_waits()) return engine_->intake_budget(1, now) > 0 ? 0 : now + kMillisecond;
  return std::min(engine_->next_due(context_.clocks.mono()), network_.next_due());
}

void Process::schedule_disk_work() {
  if (disk_scheduled_) return;
  disk_scheduled_ = true;
  const bool power = settings_.durability == journal::Durability::power;
  context_.after(power ? context_.random.heavy(300 * kMicrosecond, 20 * kMillisecond) : kTick, [this] {
    disk_scheduled_ = false;
    disk_work();
  });
}

void Process::disk_work() {
  if (engine_ == nullptr || crash_.dead()) return;
  if (paused_ || (context_.faults_on && context_.now() < disk_stands_until_)) {
    schedule_disk_work();
    return;
  }
  try {
    while (journal_->do_work() > 0) {
    }
  } catch (const test::Killed&) {
    crash_.kill();
  }
}

std::vector<AccountIndex> Process::take_refused_accounts() noexcept {
  return std::exchange(refused_accounts_, {});
}

void Process::on_engine_event(engine::EngineEvent event, const engine::EventDetails& details, Ns) noexcept {
  if (crash_.dead()) return;
  switch (event) {
    case engine::EngineEvent::journal_failed:
      context_.tell("the journal failed: " + journal_->failure());
      journal_failed_ = true;
      break;
    case engine::EngineEvent::account_halted:
    case engine::EngineEvent::account_refused:
      context_.tell("account " + std::to_string(details.account.value) +
                    " refused: " + std::string(details.text) + " " + std::string(details.code.view()));
      refused_accounts_.push_back(details.account);
      break;
    case engine::EngineEvent::ready:
      context_.tell("ready");
      break;
    case engine::EngineEvent::reversal_unresolved:
      context_.tell("unresolved: " + std::string(details.text));
      break;
    case engine::EngineEvent::clock_stepped:
      context_.tell("the venue's clock was stepped");
      break;
    default:
      break;
  }
}

}  // namespace backhand::simulation
