#include "tests/simulation/world.hpp"

#include <algorithm>

#include "common/wire/names.hpp"

namespace backhand::simulation {

namespace {

/// A turn of the I/O loop takes at least so long, and it never sleeps longer.
constexpr Ns kTurn = 50 * kMicrosecond;
constexpr Ns kLongestSleep = 250 * kMillisecond;
/// How long everything may take to come to rest once the faults are over: fuse, grace, patience, retries.
constexpr Ns kRest = 600 * kSecond;

}  // namespace

SeedResult run_seed(const SeedOptions& options) {
  World world(options);
  return world.run();
}

World::World(const SeedOptions& options)
    : options_(options),
      context_(options.seed, options.bug, options.trace),
      plan_(draw_plan(context_)),
      venue_(plan_.options, plan_.scenario),
      ledger_(context_, plan_),
      lanes_(context_, crash_, plan_.config.strategies.size(), plan_.lane_places),
      network_(context_, plan_, crash_, ledger_, venue_),
      process_(context_, plan_, crash_, ledger_, lanes_, network_) {
  for (std::uint16_t s = 0; s < plan_.config.strategies.size(); ++s)
    strategies_.push_back(std::make_unique<SimStrategy>(context_, plan_, s, lanes_, ledger_, venue_));
}

SeedResult World::run() {
  if (context_.trace) {
    const config::Venue& venue = plan_.config.venue;
    context_.tell("window " + std::to_string(venue.clock_tolerance_ms) + " ms, grace " +
                  std::to_string(venue.execution_grace_ms) + " ms, fuse " +
                  std::to_string(venue.request_fuse_ms) + " ms, durability " +
                  (plan_.config.gateway.durability == config::Durability::power ? "power" : "process") +
                  ", clientOid on leg " + std::to_string(static_cast<int>(plan_.options.client_oid_leg)) +
                  ", lags ms: orders " + std::to_string(plan_.options.order_lag_ns / kMillisecond) +
                  " history " + std::to_string(plan_.options.history_lag_ns / kMillisecond) + " positions " +
                  std::to_string(plan_.options.position_lag_ns / kMillisecond) + " legs " +
                  std::to_string(plan_.options.leg_gap_ns / kMillisecond));
  }
  start_process();
  plan_events();
  run_until(context_.now() + plan_.span);
  come_to_rest();
  restart_once_more();
  venue_.advance(context_.clocks.venue() + 600 * kSecond);
  ledger_.check_end(venue_);
  check_counts();
  SeedResult result;
  result.intents = ledger_.intents();
  result.executions = venue_.truth().counters.reversals_executed;
  result.unresolved = ledger_.unresolved();
  result.shots = ledger_.fired();
  result.restarts = process_.lives() - 1;
  const venue::Truth& truth = venue_.truth();
  for (std::size_t i = 0; i < truth.fault_names.size(); ++i)
    context_.faults.fire(truth.fault_names[i], truth.fault_strikes[i]);
  result.faults = context_.faults;
  result.digest = context_.digest.value();
  result.violations = context_.violations;
  return result;
}

void World::plan_events() {
  Random& random = context_.random;
  const auto any_time = [&] { return random.between(0, plan_.span); };
  // A part of the intents comes in bursts, which is what pacing is for.
  const unsigned bursts = static_cast<unsigned>(random.between(1, 4));
  std::vector<Ns> burst_times;
  for (unsigned i = 0; i < bursts; ++i) burst_times.push_back(any_time());
  for (std::uint32_t i = 0; i < options_.intents; ++i) {
    const auto who = static_cast<std::size_t>(random.below(strategies_.size()));
    Ns when = any_time();
    if (random.chance(0.5))
      when =
          burst_times[static_cast<std::size_t>(random.below(bursts))] + random.between(0, 20) * kMillisecond;
    context_.after(when, [this, who] { strategies_[who]->act(); });
  }
  const auto often = [&](unsigned times, void (World::*what)()) {
    for (unsigned i = 0; i < times; ++i) context_.after(any_time(), [this, what] { (this->*what)(); });
  };
  often(plan_.kills + plan_.pauses, &World::strike_process);
  often(plan_.stops, &World::stop_process);
  often(plan_.power_losses, &World::lose_power);
  often(plan_.storage_faults, &World::strike_storage);
  often(plan_.journal_strikes, &World::copy_state);
  often(plan_.journal_strikes, &World::strike_journal);
  often(plan_.venue_events, &World::strike_venue);
  often(plan_.other_trades, &World::other_trade);
  often(plan_.strategy_events, &World::strike_strategy);
  often(plan_.halts, &World::halt_for_a_while);
  often(plan_.disk_stalls, &World::stall_disk);
  often(plan_.freezes, &World::freeze);
  for (unsigned i = 0; i < plan_.outages; ++i) {
    context_.after(any_time(), [this] {
      context_.fire("net_outage");
      network_.begin_outage(context_.now() + context_.random.between(200, 8'000) * kMillisecond);
    });
  }
  often(plan_.blind_spells, &World::blind);
  often(plan_.key_strikes, &World::replace_key);
  if (plan_.network_fault > 0) {
    for (int i = 0; i < 3; ++i) context_.after(any_time(), [this] { network_.end_idle_connection(); });
  }
}

void World::run_until(Ns end) {
  while (context_.now() < end) step(end);
}

void World::step(Ns limit) {
  const bool serves = process_.running() && !process_.paused();
  Ns next = std::min(context_.events.next(), limit);
  if (serves) {
    const Ns due = process_.next_due();
    const Ns woken = due == kNever ? last_turn_ + kLongestSleep
                                   : std::clamp(due + context_.clocks.booted, last_turn_ + kTurn,
                                                last_turn_ + kLongestSleep);
    next = std::min(next, woken);
  }
  context_.clocks.now = std::max(context_.clocks.now, next);
  while (context_.events.next() <= context_.clocks.now) context_.events.pop()();
  if (process_.running() && !process_.paused()) turn();
  after_turn();
}

void World::turn() {
  last_turn_ = context_.clocks.now;
  for (int i = 0; i < 4 && !crash_.dead() && process_.turn() > 0; ++i) {
    context_.clocks.now += context_.random.between(1, 20) * kMicrosecond;
  }
  if (crash_.dead()) {
    on_death();
    return;
  }
  if (stopping_ && (process_.engine().on_their_way() == 0 || context_.now() >= stop_by_)) {
    stopping_ = false;
    context_.tell("stopped");
    if (!process_.stop()) crash_.disarm();
    on_death();
  }
}

void World::after_turn() {
  if (crash_.dead() && process_.running()) on_death();
  if (network_.showed_other_account()) ledger_.drop_holds_by_names();
  const bool serves = process_.running() && !process_.paused();
  for (auto& strategy : strategies_) strategy->look_after(serves);
  if (!rounds_planned_) {
    rounds_planned_ = true;
    context_.after(kSecond, [this] {
      rounds_planned_ = false;
      operators_rounds();
    });
  }
}

void World::on_death() {
  if (crash_.dead()) context_.tell("killed");
  thaw();
  stopping_ = false;
  process_.bury();
  if (start_planned_) return;
  start_planned_ = true;
  context_.after(context_.random.heavy(100 * kMillisecond, 3 * kSecond), [this] {
    start_planned_ = false;
    start_process();
  });
}

void World::start_process() {
  if (process_.running()) return;
  set_clock_back();
  switch (process_.start()) {
    case StartResult::started:
      judge_strike();
      refused_in_a_row_ = 0;
      undamaged_.reset();
      return;
    case StartResult::killed:
      on_death();
      return;
    case StartResult::refused:
      repair_start();
      on_death();
      return;
  }
}

bool World::at_rest() {
  if (!process_.running() || process_.paused() || crash_.dead() || !process_.engine().ready()) return false;
  if (process_.has_other_key()) return false;
  if (!std::all_of(strategies_.begin(), strategies_.end(), [](const auto& s) { return s->at_rest(); }))
    return false;
  return process_.engine().open_intents() == 0 && process_.engine().shots().open() == 0;
}

void World::resolve_open() {
  for (const IntentEntry& entry : ledger_.entries()) {
    if (entry.client_oid.empty() || entry.resolved) continue;
    const bool open = std::any_of(entry.ends.begin(), entry.ends.end(),
                                  [](const Told& end) { return end.kind == wire::EventKind::unresolved; });
    if (!open) continue;
    const wire::ClientOid oid = entry.client_oid;
    if (process_.engine().resolve(oid, wire::SettledResult::reversed, 1'000, "looked",
                                  context_.clocks.mono()))
      ledger_.on_resolved(oid);
  }
}

void World::come_to_rest() {
  context_.faults_on = false;
  context_.tell("faults are over");
  crash_.disarm();
  venue_.clear_faults();
  process_.set_storage_fault(StorageFault::none);
  thaw();
  process_.set_paused(false);
  for (auto& strategy : strategies_) strategy->finish();
  const Ns begun = context_.now();
  const Ns limit = begun + kRest;
  while (context_.now() < limit) {
    step(limit);
    if (!process_.running() || process_.paused() || crash_.dead()) continue;
    if (process_.journal_failed()) {
      context_.tell("the operator restarts it: its journal has failed");
      on_death();
      continue;
    }
    if (process_.engine().halted()) {
      if (process_.engine().resume("end", context_.clocks.mono())) ledger_.on_halted(false);
    }
    if (process_.engine().open_intents() > 0) resolve_open();
    if (at_rest() && context_.now() > begun + kSecond / 2) break;
  }
  if (!at_rest()) context_.violate("not at rest: " + what_is_open());
  // What is still on its way to the venue must do no harm when it arrives.
  run_until(std::max(context_.now(), network_.last_arrival()) + kSecond);
}

std::string World::what_is_open() {
  if (!process_.running()) return "the gateway does not run: " + process_.refusal();
  std::string out =
      network_.describe() + ", open intents " + std::to_string(process_.engine().open_intents()) +
      ", shots " + std::to_string(process_.engine().shots().open()) +
      ", ready: " + std::string(process_.engine().ready() ? "yes" : process_.engine().not_ready_because());
  for (std::size_t s = 0; s < strategies_.size(); ++s) {
    if (!strategies_[s]->at_rest()) out += ", strategy " + std::to_string(s) + " is not at rest";
  }
  return out;
}

void World::restart_once_more() {
  if (!context_.violations.empty() || !process_.running()) return;
  for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
    if (lanes_.open(lane) != 0)
      context_.violate("lane " + std::to_string(lane) + " still owes " + std::to_string(lanes_.open(lane)) +
                       " terminal events");
  }
  if (!context_.random.chance(0.25)) return;
  context_.tell("killed at rest; all strategies read everything again");
  for (auto& strategy : strategies_) strategy->reattach_from_start();
  crash_.kill();
  on_death();
  const Ns limit = context_.now() + kRest;
  while (context_.now() < limit && !at_rest()) step(limit);
  if (!at_rest()) context_.violate("not at rest after one more restart: " + what_is_open());
  run_until(context_.now() + kSecond);
}

void World::check_counts() {
  const venue::Counters& counters = venue_.truth().counters;
  if (counters.reversals_repeated > 0 || counters.max_executions_of_client_oid > 1)
    context_.violate("the venue executed a clientOid more than once");
  // Beyond its assumptions about the network pacing promises nothing.
  bool assumptions_hold = !network_.arrived_beyond_assumption();
  // Nor where the venue's clock is stepped within one of its windows, or a start does not know what was sent.
  if (venue_was_stepped_ || journal_was_replaced_) assumptions_hold = false;
  // A lead trader whom neither the configuration nor the venue announces is known by the first refusal only;
  // so is one of whom each of the look-ups that a start waits for was lost, which replies too many make
  // likelier.
  for (std::size_t a = 0; a < plan_.config.accounts.size(); ++a) {
    if (plan_.scenario.accounts[a].lead_trader && !plan_.config.accounts[a].lead_trader &&
        (!plan_.options.spot_info || plan_.extra_reply > 0))
      assumptions_hold = false;
  }
  if (assumptions_hold && counters.reversals_throttled > 0)
    context_.violate("the venue throttled " + std::to_string(counters.reversals_throttled) + " reversals");
  // What a restart reads of positions is younger than the rows; where clocks differ, several reversals fit
  // them.
  const bool hidden = plan_.hides_evidence || network_.showed_other_account() || plan_.other_trades > 0 ||
                      records_were_lost_ || venue_was_stepped_ || key_was_replaced_ ||
                      (plan_.clocks_apart && process_.lives() > 1);
  // Clocks that differ can put one reversal's rows among those of its neighbour: that hides one, not all.
  const std::uint64_t blurred = plan_.clocks_apart ? 1 : 0;
  if (!hidden && ledger_.needless() > blurred)
    context_.violate(std::to_string(ledger_.needless()) + " unresolved although nothing hid the evidence");
}

}  // namespace backhand::simulation
