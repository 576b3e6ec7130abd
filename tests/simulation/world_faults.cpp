// What goes wrong around the gateway in a seed's world, and what operators do about it.
#include <algorithm>
#include <array>

#include "tests/simulation/world.hpp"

namespace backhand::simulation {

namespace {

constexpr std::array<std::string_view, kSteps> kStepNames{
    "process_killed_before_append", "process_killed_after_append", "process_killed_before_write",
    "process_killed_after_write",   "process_killed_at_reply",     "process_killed_before_publish",
    "process_killed_after_publish", "process_killed_at_disk",      "process_killed_at_start",
};

}  // namespace

void World::strike_process() {
  if (!context_.faults_on || !process_.running()) return;
  const unsigned all = plan_.kills + plan_.pauses;
  if (context_.random.below(all) < plan_.pauses) {
    context_.fire("process_paused");
    process_.set_paused(true);
    context_.after(context_.random.heavy(500 * kMillisecond, 20 * kSecond),
                   [this] { process_.set_paused(context_.clocks.frozen_at != kNever); });
    return;
  }
  if (context_.random.chance(0.2)) {
    context_.fire("wall_clock_step");
    context_.clocks.wall_offset += context_.random.between(-30, 30) * kSecond;
  }
  const auto step = static_cast<Step>(context_.random.below(kSteps));
  context_.fire(kStepNames[static_cast<std::size_t>(step)]);
  crash_.arm(step, static_cast<std::uint32_t>(context_.random.between(1, 6)));
  if (step == Step::start) {
    crash_.kill();
    on_death();
  }
}

void World::stop_process() {
  if (!context_.faults_on || !process_.running() || process_.paused() || stopping_) return;
  context_.fire("process_stopped");
  process_.engine().stop_intake(context_.clocks.mono());
  stopping_ = true;
  stop_by_ = context_.now() + 5 * kSecond;
}

void World::lose_power() {
  if (!context_.faults_on) return;
  // Beyond what is promised of this durability: more than the last 10 ms would be lost.
  if (plan_.config.gateway.durability == config::Durability::process && process_.disk_is_behind()) return;
  context_.fire("power_lost");
  thaw();
  crash_.kill();
  if (process_.running()) on_death();
  if (plan_.config.gateway.durability == config::Durability::process) {
    records_were_lost_ = true;
    // As is said of this durability: what is younger than 10 ms may be gone, a halt too.
    if (context_.now() - last_halt_ns_ < 10 * kMillisecond) ledger_.forget_halts();
  }
  process_.storage().lose_power([this] { return context_.random.chance(0.5); });
  context_.clocks.booted = context_.now() - 5 * kSecond;
  ledger_.on_records_lost();
  for (auto& strategy : strategies_) strategy->forget();
}

/// Somebody puts other key files in the place of an account's while a reversal of it is open.
void World::replace_key() {
  if (!context_.faults_on || process_.has_other_key()) return;
  const std::string& account = plan_.config.accounts[plan_.key_account.value].name;
  if (!process_.running() || crash_.dead() || !ledger_.has_open(account)) {
    context_.after(20 * kMillisecond, [this] { replace_key(); });
    return;
  }
  context_.fire("account_key_of_another_uid");
  context_.tell("the key of account " + account + " is another UID's from now on");
  key_was_replaced_ = true;
  process_.replace_key(true);
  ledger_.drop_hold(account);
  crash_.kill();
  on_death();
  context_.after(context_.random.between(1, 100) * kSecond, [this] { put_key_back(); });
}

void World::put_key_back() {
  context_.tell("the key is its own again");
  process_.replace_key(false);
  crash_.kill();
  if (process_.running()) on_death();
}

void World::strike_storage() {
  if (!context_.faults_on) return;
  Random& random = context_.random;
  switch (random.below(10)) {
    case 0:
      process_.set_storage_fault(StorageFault::full);
      context_.after(random.between(100, 5'000) * kMillisecond,
                     [this] { process_.set_storage_fault(StorageFault::none); });
      return;
    case 1:
      process_.set_storage_fault(StorageFault::write_error);
      return;
    case 2:
      process_.set_storage_fault(StorageFault::sync_error);
      return;
    case 3:
      process_.set_storage_fault(StorageFault::short_write);
      return;
    case 4:
      process_.set_storage_fault(StorageFault::torn_write);
      return;
    case 5:
    case 6: {
      // Seen at a start only, so there is one.
      process_.set_storage_fault(random.chance(0.5) ? StorageFault::hot_allocation : StorageFault::hot_map);
      crash_.kill();
      if (process_.running()) on_death();
      return;
    }
    default:
      break;
  }
  crash_.kill();
  if (process_.running()) on_death();
  if (!undamaged_) undamaged_ = process_.storage().clone();
  std::vector<std::string> segments;
  for (const std::string& path : process_.storage().paths()) {
    if (path.starts_with("/state") && path.ends_with(".bhj")) segments.push_back(path);
  }
  switch (random.below(3)) {
    case 0:
      if (segments.empty()) return;
      context_.fire("segment_lost");
      process_.storage().erase(segments.back());
      return;
    case 1: {
      if (segments.empty()) return;
      auto& bytes =
          process_.storage().bytes(segments[static_cast<std::size_t>(random.below(segments.size()))]);
      if (bytes.empty()) return;
      context_.fire("disk_bit_flip");
      bytes[static_cast<std::size_t>(random.below(bytes.size()))] ^= std::byte{1} << random.below(8);
      return;
    }
    default:
      for (const std::string& path : process_.storage().paths()) {
        if (!path.starts_with("/hot") || process_.disk_is_behind()) continue;
        context_.fire("hot_segment_lost");
        process_.storage().erase(path);
        if (plan_.config.gateway.durability == config::Durability::power) continue;
        ledger_.on_records_lost();
        records_were_lost_ = true;
        for (auto& strategy : strategies_) strategy->forget();
      }
      return;
  }
}

void World::stall_disk() {
  if (!context_.faults_on) return;
  context_.fire("disk_stalls");
  process_.stall_disk(context_.now() + context_.random.heavy(2 * kSecond, 20 * kSecond));
}

/// The machine stands still and its clock with it; the venue and the network go on.
void World::freeze() {
  if (!context_.faults_on || !process_.running() || process_.paused()) return;
  context_.fire("clock_frozen");
  context_.clocks.frozen_at = context_.now();
  process_.set_paused(true);
  const Ns frozen_at = context_.now();
  context_.after(context_.random.between(20, 15'000) * kMillisecond, [this, frozen_at] {
    if (context_.clocks.frozen_at == frozen_at) thaw();
  });
}

void World::thaw() {
  if (context_.clocks.frozen_at == kNever) return;
  const Ns lost = context_.now() - context_.clocks.frozen_at;
  context_.clocks.frozen_at = kNever;
  context_.clocks.booted += lost;
  context_.clocks.lost = lost;
  process_.set_paused(false);
}

void World::repair_start() {
  ++refused_in_a_row_;
  process_.set_storage_fault(StorageFault::none);
  if (undamaged_) {
    // Refused, as it must be: the operator brings back what was there.
    process_.replace_storage(std::move(undamaged_));
    strike_.reset();  // Nothing is lost then.
    return;
  }
  if (refused_in_a_row_ > 3) context_.violate("start refused without a fault: " + process_.refusal());
}

void World::strike_venue() {
  if (!context_.faults_on) return;
  Random& random = context_.random;
  const auto account = static_cast<std::uint32_t>(random.below(plan_.scenario.accounts.size()));
  const auto contract = static_cast<std::uint32_t>(random.below(plan_.scenario.contracts.size()));
  const Ns back = random.between(500, 5'000) * kMillisecond;
  if (context_.bug == Bug::bound_exceeded) {
    // What the README calls an assumption: seen to be one.
    const config::Venue& assumed = plan_.config.venue;
    venue_was_stepped_ = true;
    context_.clocks.venue_offset -=
        static_cast<Ns>(assumed.clock_tolerance_ms + assumed.execution_grace_ms) * kMillisecond;
    return;
  }
  switch (random.below(5)) {
    case 0: {
      // The stated bound: forward by what of the grace the executions themselves leave, and never back. A
      // step back between our last look at the clock and a write makes the venue's rows look older than the
      // write.
      context_.fire("venue_clock_step");
      venue_was_stepped_ = true;
      const auto bound = static_cast<Ns>(plan_.config.venue.execution_grace_ms) * kMillisecond / 10;
      context_.clocks.venue_offset += random.between(0, bound);
      return;
    }
    case 1:
      context_.fire("venue_contract_closed");
      venue_.set_contract_status(contract, venue::ContractStatus::maintain);
      context_.after(
          back, [this, contract] { venue_.set_contract_status(contract, venue::ContractStatus::normal); });
      return;
    case 3: {
      context_.fire("venue_unreadable_row");
      // Not what stands there now: two of these faults may overlap.
      const venue::OddRow usual = plan_.options.odd_row;
      venue_.options().odd_row = venue::OddRow::own;
      context_.after(back, [this, usual] { venue_.options().odd_row = usual; });
      return;
    }
    case 2:
      context_.fire("venue_short_of_margin");
      venue_.set_equity(account, Decimal{static_cast<std::uint64_t>(random.between(0, 5'000)), 0});
      context_.after(back, [this, account] { venue_.set_equity(account, std::nullopt); });
      return;
    default:
      context_.fire("venue_key_refused");
      venue_.set_unified(account, true);
      context_.after(back, [this, account] { venue_.set_unified(account, false); });
      return;
  }
}

/// Position reads are refused for a while, long enough for everything known to grow old.
void World::blind() {
  if (!context_.faults_on) return;
  context_.fire("venue_positions_unreadable");
  const Ns until = context_.now() + context_.random.between(2, 15) * kSecond;
  network_.blind_until(until);
  // What hides a position for so long may well hide an end: a stop order strikes meanwhile, sometimes.
  if (plan_.other_trades > 0 && context_.random.chance(0.7))
    context_.after(context_.random.between(0, 4'000) * kMillisecond, [this] { turn_a_position(); });
}

/// A stop order closes what is held and opens the other side: the position has turned without us.
void World::turn_a_position() {
  if (!context_.faults_on) return;
  Random& random = context_.random;
  const auto account = static_cast<std::uint32_t>(random.below(plan_.scenario.accounts.size()));
  const auto contract = static_cast<std::uint32_t>(random.below(plan_.scenario.contracts.size()));
  venue_.advance(context_.clocks.venue());
  const venue::Exchange::Sizes held = venue_.position(account, contract);
  const bool is_long = !held.long_size.is_zero();
  const Decimal size = is_long ? held.long_size : held.short_size;
  if (size.is_zero()) return;
  context_.fire("other_stop_turns");
  const auto side = is_long ? wire::PositionSide::long_side : wire::PositionSide::short_side;
  const Ns now = context_.clocks.venue();
  (void)venue_.trade(account, contract, side, true, size, venue::Source::stop, now);
  (void)venue_.trade(account, contract, domain::opposite(side), false, size, venue::Source::stop, now);
}

void World::other_trade() {
  if (!context_.faults_on) return;
  if (context_.random.chance(0.25)) {
    turn_a_position();
    return;
  }
  Random& random = context_.random;
  const auto account = static_cast<std::uint32_t>(random.below(plan_.scenario.accounts.size()));
  const auto contract = static_cast<std::uint32_t>(random.below(plan_.scenario.contracts.size()));
  const auto side = random.chance(0.5) ? wire::PositionSide::long_side : wire::PositionSide::short_side;
  const bool reduces = random.chance(0.5);
  const bool forced = reduces && random.chance(0.3);
  context_.fire(forced ? "other_liquidation" : reduces ? "other_trader_closes" : "other_trader_opens");
  (void)venue_.trade(account, contract, side, reduces,
                     Decimal{static_cast<std::uint64_t>(random.between(1, 30)), 1},
                     forced ? venue::Source::liquidation : venue::Source::market, context_.clocks.venue());
}

void World::strike_strategy() {
  if (!context_.faults_on) return;
  Random& random = context_.random;
  SimStrategy& strategy = *strategies_[static_cast<std::size_t>(random.below(strategies_.size()))];
  const Ns until = context_.now() + random.heavy(500 * kMillisecond, 15 * kSecond);
  switch (random.below(3)) {
    case 0: {
      context_.fire("strategy_dies");
      // One that hangs first leaves events in its lane that nobody has read.
      const Ns hangs = random.chance(0.5) ? random.between(1, 3'000) * kMillisecond : 0;
      strategy.stall(context_.now() + hangs);
      context_.after(hangs, [&strategy, until] { strategy.die(until); });
      return;
    }
    case 1:
      context_.fire("strategy_stalls");
      strategy.stall(until);
      return;
    default:
      context_.fire("strategy_reattaches_from_start");
      strategy.reattach_from_start();
      return;
  }
}

void World::halt_for_a_while() {
  if (!context_.faults_on || !process_.running() || process_.paused() || process_.journal_failed()) return;
  if (context_.random.chance(0.5)) {
    if (process_.engine().halted()) return;
    (void)process_.engine().halt("by the operator", context_.clocks.mono());
    if (crash_.dead() || process_.journal_failed()) return;
    context_.fire("halted_by_operator");
    when_durable([this] {
      if (process_.engine().halted()) ledger_.on_halted(true);
      last_halt_ns_ = context_.now();
    });
    return;
  }
  const AccountIndex account{static_cast<std::uint16_t>(context_.random.below(plan_.config.accounts.size()))};
  if (process_.engine().account(account).halted_by_operator) return;
  (void)process_.engine().halt_account(account, "by the operator", context_.clocks.mono());
  if (crash_.dead() || process_.journal_failed()) return;
  context_.fire("account_halted_by_operator");
  when_durable([this, account] {
    if (process_.engine().account(account).halted_by_operator)
      ledger_.on_account_halted(plan_.config.accounts[account.value].name, true);
    last_halt_ns_ = context_.now();
  });
}

/// With durability "power" a word of the operator's survives the process once it is on disk.
void World::when_durable(EventQueue::Action action) {
  if (plan_.config.gateway.durability == config::Durability::process) {
    action();
    return;
  }
  context_.after(50 * kMillisecond, [this, life = process_.lives(), then = std::move(action)] {
    if (!process_.running() || process_.lives() != life || process_.journal_failed()) return;
    if (process_.disk_is_behind()) {
      when_durable(then);
    } else {
      then();
    }
  });
}

/// Once a second an operator looks: resumes what was halted long enough, restarts what has failed.
void World::operators_rounds() {
  if (!process_.running() || process_.paused() || crash_.dead() || stopping_) return;
  engine::Engine& engine = process_.engine();
  const Ns now = context_.clocks.mono();
  if (process_.journal_failed()) {
    if (context_.random.chance(0.5)) return;
    context_.tell("the operator restarts it: its journal has failed");
    process_.set_storage_fault(StorageFault::none);
    crash_.kill();
    on_death();
    return;
  }
  const bool resumes = !context_.faults_on || context_.random.chance(0.3);
  if (!resumes) return;
  if (engine.halted()) {
    if (engine.resume("looked", now)) ledger_.on_halted(false);
  }
  for (std::uint16_t a = 0; a < plan_.config.accounts.size() && !crash_.dead(); ++a) {
    const engine::AccountState& account = engine.account(AccountIndex{a});
    const bool refused =
        account.phase == engine::AccountPhase::halted || account.phase == engine::AccountPhase::refused;
    if (!account.halted_by_operator && !refused) continue;
    if (engine.resume_account(AccountIndex{a}, "looked", now))
      ledger_.on_account_halted(plan_.config.accounts[a].name, false);
  }
}

}  // namespace backhand::simulation
