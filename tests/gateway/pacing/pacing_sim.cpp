// backhand-pacing-sim: the long run of the pacing simulation. Prints one line a scenario and the totals; exit
// 0 only where nothing was throttled and no claim was broken.
//   backhand-pacing-sim [--sends N] [--seed S]
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "simulation.hpp"

namespace {

using namespace backhand;
using namespace backhand::pacing;
using namespace backhand::pacing::test;

std::vector<Scenario> scenarios(std::uint64_t sends, std::uint64_t seed) {
  std::vector<Scenario> out;
  const Delay delays[] = {Delay::none,       Delay::constant, Delay::uniform,
                          Delay::log_normal, Delay::pareto,   Delay::bimodal};
  const Counting countings[] = {Counting::fixed_window, Counting::fixed_from_first, Counting::sliding_window,
                                Counting::token_bucket, Counting::strict_spacing};
  for (const Shape shape : {Shape::burst, Shape::even}) {
    for (const Counting counting : countings) {
      if (shape == Shape::burst && counting == Counting::strict_spacing) continue;
      for (const Delay delay : delays) {
        for (const std::uint32_t accounts : {3U, 20U}) {
          Scenario s;
          s.shape = shape;
          s.counting = counting;
          s.delay = delay;
          s.accounts = accounts;
          s.lead_traders = accounts / 4;
          s.drift_ppm = static_cast<int>(out.size() % 3) * 200 - 200;
          s.millisecond_clock = out.size() % 2 == 0;
          s.seed = seed + out.size();
          out.push_back(s);
        }
      }
    }
  }
  for (Scenario& s : out) s.sends = sends / out.size() + 1;
  return out;
}

void print_use(Shape shape) {
  Scenario s;
  s.shape = shape;
  s.delay = Delay::constant;
  s.accounts = 1;
  s.lookups = false;
  s.lose_request = s.lose_reply = s.hold_back = 0;
  s.sends = 10'000;
  const Result r = simulate(s);
  constexpr double kRoundTrip = 0.005;
  const double bound = shape == Shape::burst ? 10 / (1 + kRoundTrip) : 1 / (0.1 + kRoundTrip);
  std::printf(
      "%s at 5 ms round trip: %.3f/s = %.2f %% of the allowance; bound %.3f/s, reached %.2f %% of it\n",
      shape == Shape::burst ? "burst" : "even ", r.per_second, r.per_second * 10, bound,
      100 * r.per_second / bound);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t sends = 10'000'000;
  std::uint64_t seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--sends") == 0) {
      sends = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (std::strcmp(argv[i], "--seed") == 0) {
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    } else {
      std::fprintf(stderr, "usage: %s [--sends N] [--seed S]\n", argv[0]);
      return 2;
    }
  }
  Result total;
  const auto start = std::chrono::steady_clock::now();
  for (const Scenario& s : scenarios(sends, seed)) {
    const Result r = simulate(s);
    std::printf("%-100s %9" PRIu64 " reversals %6.3f/s throttled %" PRIu64 " violations %" PRIu64 "\n",
                describe(s).c_str(), r.reversals, r.per_second, r.throttled, r.violations);
    total.reversals += r.reversals;
    total.lookups += r.lookups;
    total.upkeep += r.upkeep;
    total.throttled += r.throttled;
    total.violations += r.violations;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  print_use(Shape::burst);
  print_use(Shape::even);
  std::printf("reversals %" PRIu64 ", look-ups %" PRIu64 ", upkeep %" PRIu64 ", throttled %" PRIu64
              ", violations %" PRIu64 ", %.1f s\n",
              total.reversals, total.lookups, total.upkeep, total.throttled, total.violations, took.count());
  return total.throttled == 0 && total.violations == 0 ? 0 : 1;
}
