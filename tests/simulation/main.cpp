// backhand-simulate: runs seeds, says what was violated and how to run it again.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/simulation/digests.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/world.hpp"

namespace backhand::simulation {
namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t seeds = 100;
  std::uint32_t intents = 50;
  unsigned jobs = 0;
  std::string json;
  std::string bug;
  bool trace = false;
  bool all_bugs = false;
  bool list_faults = false;
  std::string digest;  ///< A file to write.
  std::string expect;  ///< A file to compare with; it says which seeds.
};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t intents = 0;
  std::uint64_t executions = 0;
  std::uint64_t unresolved = 0;
  std::uint64_t shots = 0;
  std::uint64_t restarts = 0;
  std::uint64_t violations = 0;
  std::uint64_t first_bad = 0;  ///< Seeds run until the first violation, 0: none.
  FaultCounts faults;
  std::vector<std::uint32_t> digests;  ///< By seed.

  void add(const SeedResult& result) {
    ++seeds;
    intents += result.intents;
    executions += result.executions;
    unresolved += result.unresolved;
    shots += result.shots;
    restarts += result.restarts;
    violations += result.violations.size();
    faults.add(result.faults);
  }
};

void report(const SeedOptions& options, const SeedResult& result) {
  std::string again = "backhand-simulate --from " + std::to_string(options.seed) + " --seeds 1 --intents " +
                      std::to_string(options.intents) + " --trace";
  if (options.bug != Bug::none) again += " --bug " + std::string(to_string(options.bug));
  std::printf("seed %llu: %s%s; again: %s\n", static_cast<unsigned long long>(options.seed),
              result.violations.front().c_str(),
              result.violations.size() > 1
                  ? (" (and " + std::to_string(result.violations.size() - 1) + " more)").c_str()
                  : "",
              again.c_str());
  std::fflush(stdout);
}

thread_local std::uint64_t current_seed = 0;

/// An assertion that fails ends the program; the seed is told with it.
void on_abort(int) {
  char text[96];
  const int size = std::snprintf(text, sizeof text, "backhand-simulate: aborted in seed %llu\n",
                                 static_cast<unsigned long long>(current_seed));
  (void)!::write(STDERR_FILENO, text, static_cast<std::size_t>(size));
}

/// Runs seeds side by side, each in one thread. With `stop_at_first`, ends soon after the first violation.
Totals run_seeds(const Arguments& arguments, Bug bug, bool stop_at_first, bool quiet) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned jobs = arguments.trace ? 1 : arguments.jobs == 0 ? cores : arguments.jobs;
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  Totals totals;
  totals.digests.resize(arguments.seeds);
  const auto work = [&] {
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint64_t index = next.fetch_add(1, std::memory_order_relaxed);
      if (index >= arguments.seeds) return;
      SeedOptions options;
      options.seed = arguments.from + index;
      options.intents = arguments.intents;
      options.bug = bug;
      options.trace = arguments.trace;
      current_seed = options.seed;
      const SeedResult result = run_seed(options);
      const std::lock_guard lock(mutex);
      totals.add(result);
      totals.digests[index] = result.digest;
      if (result.violations.empty()) continue;
      if (totals.first_bad == 0 || index + 1 < totals.first_bad) totals.first_bad = index + 1;
      if (!quiet) report(options, result);
      if (stop_at_first) stop.store(true, std::memory_order_relaxed);
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return totals;
}

bool write_json(const std::string& path, const Totals& totals) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::fprintf(file,
               "{\"seeds\":%llu,\"intents\":%llu,\"executions\":%llu,\"violations\":%llu,\"unresolved\":%llu,"
               "\"shots\":%llu,"
               "\"restarts\":%llu,\"faults\":{",
               number(totals.seeds), number(totals.intents), number(totals.executions),
               number(totals.violations), number(totals.unresolved), number(totals.shots),
               number(totals.restarts));
  const auto kinds = fault_kinds();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    std::fprintf(file, "%s\"%.*s\":%llu", i == 0 ? "" : ",", static_cast<int>(kinds[i].name.size()),
                 kinds[i].name.data(), number(totals.faults.fired(i)));
  }
  std::fprintf(file, "}}\n");
  return std::fclose(file) == 0;
}

/// Tells the first seeds that did something else than was expected.
bool are_same(const Digests& expected, const std::vector<std::uint32_t>& digests) {
  constexpr unsigned kTold = 5;
  unsigned different = 0;
  for (std::size_t i = 0; i < digests.size(); ++i) {
    if (digests[i] == expected.values[i]) continue;
    if (++different <= kTold)
      std::printf("seed %llu: digest %08x, expected %08x\n",
                  static_cast<unsigned long long>(expected.from + i), digests[i], expected.values[i]);
  }
  std::printf("%zu digests, %u differ\n", digests.size(), different);
  return different == 0;
}

/// Each planted bug must be caught within the given number of seeds.
int run_bugs(const Arguments& arguments) {
  unsigned missed = 0;
  for (const BugName& bug : bug_names()) {
    const Totals totals = run_seeds(arguments, bug.bug, true, true);
    if (totals.first_bad == 0) {
      ++missed;
      std::printf("%-26s NOT caught in %llu seeds\n", std::string(bug.name).c_str(),
                  static_cast<unsigned long long>(totals.seeds));
    } else {
      std::printf("%-26s caught by seed number %llu\n", std::string(bug.name).c_str(),
                  static_cast<unsigned long long>(totals.first_bad));
    }
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

int run(const Arguments& arguments) {
  if (arguments.list_faults) {
    for (const FaultKind& kind : fault_kinds())
      std::printf("%-34s %s\n", std::string(kind.name).c_str(), std::string(kind.could_break).c_str());
    return 0;
  }
  if (arguments.all_bugs) return run_bugs(arguments);
  Bug bug = Bug::none;
  if (!arguments.bug.empty()) {
    const auto named = bug_named(arguments.bug);
    if (!named) {
      std::fprintf(stderr, "backhand-simulate: no bug is called %s\n", arguments.bug.c_str());
      return 2;
    }
    bug = *named;
  }
  Arguments wanted = arguments;
  Digests expected;
  if (!arguments.expect.empty()) {
    auto read = Digests::read(arguments.expect);
    if (!read) {
      std::fprintf(stderr, "backhand-simulate: %s\n", read.error().message.c_str());
      return 2;
    }
    expected = std::move(*read);
    wanted.from = expected.from;
    wanted.intents = expected.intents;
    wanted.seeds = expected.values.size();
  }
  const auto begun = std::chrono::steady_clock::now();
  const Totals totals = run_seeds(wanted, bug, false, false);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  unsigned fired = 0;
  std::string never;
  const auto kinds = fault_kinds();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (totals.faults.fired(i) > 0) {
      ++fired;
    } else {
      never += " " + std::string(kinds[i].name);
    }
  }
  std::printf(
      "%llu seeds, %llu intents, %llu executions (%llu shots), %llu unresolved, %llu restarts, "
      "%llu violations; %u of %zu "
      "kinds of fault fired; %.1f s\n",
      static_cast<unsigned long long>(totals.seeds), static_cast<unsigned long long>(totals.intents),
      static_cast<unsigned long long>(totals.executions), static_cast<unsigned long long>(totals.shots),
      static_cast<unsigned long long>(totals.unresolved), static_cast<unsigned long long>(totals.restarts),
      static_cast<unsigned long long>(totals.violations), fired, kinds.size(), seconds);
  if (!never.empty()) std::printf("never fired:%s\n", never.c_str());
  if (!arguments.json.empty() && !write_json(arguments.json, totals)) {
    std::fprintf(stderr, "backhand-simulate: cannot write %s\n", arguments.json.c_str());
    return 2;
  }
  if (!arguments.digest.empty()) {
    const auto written = Digests{wanted.from, wanted.intents, totals.digests}.write(arguments.digest);
    if (!written) {
      std::fprintf(stderr, "backhand-simulate: %s\n", written.error().message.c_str());
      return 2;
    }
  }
  const bool same = arguments.expect.empty() || are_same(expected, totals.digests);
  return totals.violations == 0 && same ? 0 : 1;
}

}  // namespace
}  // namespace backhand::simulation

int main(int argc, char** argv) {
  backhand::simulation::Arguments arguments;
  CLI::App app{"Runs the gateway's engine in simulated worlds full of faults, each from one seed."};
  app.add_option("--from", arguments.from, "First seed");
  app.add_option("--seeds", arguments.seeds, "How many");
  app.add_option("--intents", arguments.intents, "Intents of each");
  app.add_option("--jobs", arguments.jobs, "Seeds side by side; 0: one for each core");
  app.add_option("--json", arguments.json, "Writes the counts to this file");
  app.add_option("--bug", arguments.bug, "Plants a bug; the run is to fail");
  app.add_option(
      "--digest", arguments.digest,
      "Writes a fingerprint of each seed to this file: of records, outcomes and bytes to the venue");
  app.add_option("--expect", arguments.expect,
                 "Runs the seeds of such a file; fails where a fingerprint differs");
  app.add_flag("--trace", arguments.trace, "Tells the whole story");
  app.add_flag("--bugs", arguments.all_bugs, "Plants every bug in turn, each until it is caught");
  app.add_flag("--list-faults", arguments.list_faults, "Names all kinds of fault and what each could break");
  CLI11_PARSE(app, argc, argv);
  std::signal(SIGABRT, backhand::simulation::on_abort);
  return backhand::simulation::run(arguments);
}
