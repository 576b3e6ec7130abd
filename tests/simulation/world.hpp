// One seed's world from its first event to its last: gateway, network, venue, strategies, and what goes
// wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/simulation/context.hpp"
#include "tests/simulation/crash.hpp"
#include "tests/simulation/lanes.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/simulation/process.hpp"
#include "tests/simulation/strategy.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::simulation {

struct SeedResult {
  std::uint64_t intents = 0;
  std::uint64_t executions = 0;  ///< Reversals of which a leg was executed.
  std::uint64_t unresolved = 0;
  std::uint64_t shots = 0;  ///< Armed and sent.
  std::uint64_t restarts = 0;
  std::uint32_t digest = 0;
  FaultCounts faults;
  std::vector<std::string> violations;
};

struct SeedOptions {
  std::uint64_t seed = 1;
  std::uint32_t intents = 50;
  Bug bug = Bug::none;
  bool trace = false;
};

[[nodiscard]] SeedResult run_seed(const SeedOptions& options);

class World {
 public:
  explicit World(const SeedOptions& options);
  [[nodiscard]] SeedResult run();

 private:
  void plan_events();
  void run_until(Ns end);
  void step(Ns limit);
  void turn();
  void after_turn();
  void start_process();
  void on_death();
  void come_to_rest();
  [[nodiscard]] bool at_rest();
  void resolve_open();
  void restart_once_more();
  void check_counts();
  [[nodiscard]] std::string what_is_open();

  // Faults, in world_faults.cpp.
  void strike_process();
  void strike_storage();
  void strike_venue();
  void strike_strategy();
  void blind();
  void turn_a_position();
  void other_trade();
  void halt_for_a_while();
  void when_durable(EventQueue::Action action);
  void stop_process();
  void stall_disk();
  void freeze();
  void thaw();
  void lose_power();
  void replace_key();
  void put_key_back();
  void repair_start();
  void operators_rounds();

  // In world_journal.cpp.
  void copy_state();
  void strike_journal();
  void set_clock_back();
  void judge_strike();

  SeedOptions options_;
  Context context_;
  Plan plan_;
  venue::Exchange venue_;
  CrashPoint crash_;
  Ledger ledger_;
  SimLanes lanes_;
  Network network_;
  Process process_;
  std::vector<std::unique_ptr<SimStrategy>> strategies_;
  /// What the state directory has lost, until the next start.
  struct Strike {
    std::uint64_t next_number = 1;          ///< That a start before it would have found.
    VenueMs venue_ms = 0;                   ///< When it was struck.
    std::unordered_set<std::string> known;  ///< Names that what is left knows.
    bool only_segments = false;
    std::uint64_t manifest_number = 0;  ///< With only_segments: the record that the manifest tells of.
  };
  std::optional<Strike> strike_;
  std::unique_ptr<test::MemoryStorage> copy_;  ///< A backup.
  std::unordered_set<std::string> oids_of_copy_;
  std::int64_t first_start_second_ = 0;
  bool same_second_ = false;  ///< The next start reads the clock of the first.
  bool journal_was_replaced_ = false;
  std::unique_ptr<test::MemoryStorage> undamaged_;  ///< The storage before it was damaged.
  Ns last_turn_ = 0;
  bool start_planned_ = false;
  bool stopping_ = false;
  Ns stop_by_ = 0;
  bool rounds_planned_ = false;
  bool venue_was_stepped_ = false;
  bool records_were_lost_ = false;
  bool key_was_replaced_ = false;
  Ns last_halt_ns_ = INT64_MIN / 2;
  std::uint32_t refused_in_a_row_ = 0;
};

}  // namespace backhand::simulation
