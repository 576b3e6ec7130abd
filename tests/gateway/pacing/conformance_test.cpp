// Nothing is throttled, nothing is wasted, and each planted bug is seen. If one of these fails, the venue
// would answer 429 to a live gateway.
#include <gtest/gtest.h>

#include "simulation.hpp"

namespace backhand::pacing::test {
namespace {

constexpr Delay kDelays[] = {Delay::none,       Delay::constant, Delay::uniform,
                             Delay::log_normal, Delay::pareto,   Delay::bimodal};
constexpr Counting kWindows[] = {Counting::fixed_window, Counting::fixed_from_first, Counting::sliding_window,
                                 Counting::token_bucket};

void expect_conforms(const Scenario& s) {
  const Result r = simulate(s);
  EXPECT_EQ(r.throttled, 0U) << describe(s);
  EXPECT_EQ(r.violations, 0U) << describe(s);
  EXPECT_GE(r.reversals, s.sends) << describe(s);
}

TEST(Conformance, BurstAgainstWindowsAndBuckets) {
  std::uint64_t seed = 100;
  for (const Counting counting : kWindows) {
    for (const Delay delay : kDelays) {
      Scenario s;
      s.counting = counting;
      s.delay = delay;
      s.accounts = seed % 2 == 0 ? 3 : 20;
      s.lead_traders = s.accounts / 4;
      s.drift_ppm = static_cast<int>(seed % 3) * 200 - 200;
      s.millisecond_clock = seed % 2 == 0;
      s.sends = 20'000;
      s.seed = ++seed;
      expect_conforms(s);
    }
  }
}

TEST(Conformance, EvenAgainstAll) {
  std::uint64_t seed = 200;
  for (const Counting counting :
       {Counting::fixed_window, Counting::fixed_from_first, Counting::sliding_window, Counting::token_bucket,
        Counting::strict_spacing}) {
    for (const Delay delay : kDelays) {
      Scenario s;
      s.shape = Shape::even;
      s.counting = counting;
      s.delay = delay;
      s.accounts = seed % 2 == 0 ? 3 : 20;
      s.lead_traders = s.accounts / 4;
      s.drift_ppm = static_cast<int>(seed % 3) * 200 - 200;
      s.sends = 20'000;
      s.seed = ++seed;
      expect_conforms(s);
    }
  }
}

/// A burst is not spaced, so a venue that spaces strictly must throttle it: the counter can fail.
TEST(Conformance, StrictSpacingThrottlesABurst) {
  Scenario s;
  s.counting = Counting::strict_spacing;
  s.sends = 1'000;
  EXPECT_GT(simulate(s).throttled, 0U);
}

TEST(Conformance, UsesWhatTheoryAllows) {
  Scenario s;
  s.delay = Delay::constant;
  s.accounts = 1;
  s.lookups = false;
  s.lose_request = s.lose_reply = s.hold_back = 0;
  s.sends = 5'000;
  const double burst = simulate(s).per_second;
  EXPECT_GE(burst, 9.85) << "less than 98.5 % of the allowance of 10/s";
  EXPECT_GE(burst, 0.99 * 10 / 1.005) << "less than 99 % of 10 for each second plus round trip";
  s.shape = Shape::even;
  EXPECT_GE(simulate(s).per_second, 0.99 / 0.105) << "less than 99 % of one for each 100 ms plus round trip";
}

/// Twenty accounts want 200/s; reversals have 80 % of the rule of 100/s per IP, and use it.
TEST(Conformance, UsesTheRulePerIp) {
  Scenario s;
  s.delay = Delay::constant;
  s.accounts = 20;
  s.ip_rule = {600, 6 * kSecond};
  s.lose_request = s.lose_reply = s.hold_back = 0;
  s.sends = 20'000;
  const Result r = simulate(s);
  EXPECT_EQ(r.throttled, 0U);
  EXPECT_GE(r.per_second * 20, 0.98 * 80);
  EXPECT_GE(static_cast<double>(r.lookups) / (static_cast<double>(r.elapsed_ns) / double{kSecond}), 0.95 * 15)
      << "reversals starve look-ups";
  EXPECT_GE(static_cast<double>(r.upkeep) / (static_cast<double>(r.elapsed_ns) / double{kSecond}), 0.95 * 5)
      << "look-ups starve upkeep";
}

class PlantedBug : public testing::TestWithParam<Plant> {};

/// The circumstances in which a bug shows; without it, the same circumstances are clean.
Scenario circumstances(Plant plant) {
  Scenario s;
  s.sends = 20'000;
  s.delay = Delay::log_normal;
  s.ip_rule = {600, 6 * kSecond};
  s.accounts = 12;
  switch (plant) {
    case Plant::window_short_by_1ms:
      s.delay = Delay::none;
      break;
    case Plant::no_reply_taken_as_reply:
    case Plant::no_reply_forgotten:
      s.accounts = 2;
      s.hold_back = 0.02;
      break;
    case Plant::drift_ignored:
      s.delay = Delay::none;
      s.lookups = false;
      s.drift_ppm = -200;
      s.millisecond_clock = false;
      break;
    case Plant::lead_trader_at_ten:
      s.lead_traders = 3;
      break;
    case Plant::even_not_even:
      s.shape = Shape::even;
      s.counting = Counting::strict_spacing;
      break;
    default:
      break;
  }
  return s;
}

TEST_P(PlantedBug, IsSeen) {
  Scenario s = circumstances(GetParam());
  expect_conforms(s);
  s.plant = GetParam();
  const Result r = simulate(s);
  EXPECT_GT(r.throttled + r.violations, 0U) << describe(s);
  // One millisecond is small beside the margins: only the auditors can see it.
  if (s.plant != Plant::window_short_by_1ms) {
    EXPECT_GT(r.throttled, 0U) << describe(s);
  }
}

INSTANTIATE_TEST_SUITE_P(Conformance, PlantedBug,
                         testing::Values(Plant::window_short_by_1ms, Plant::reply_time_ignored,
                                         Plant::no_reply_taken_as_reply, Plant::no_reply_forgotten,
                                         Plant::refused_not_counted, Plant::lookups_not_counted_on_ip,
                                         Plant::upkeep_not_counted_on_ip, Plant::reserve_not_kept,
                                         Plant::drift_ignored, Plant::lead_trader_at_ten,
                                         Plant::even_not_even));

/// Without any margin, a window that is 1 ms too short is throttled by the venue itself.
TEST(Conformance, VenueSeesAWindowShortBy1msWithoutMargin) {
  Scenario s;
  s.delay = Delay::none;
  s.lookups = false;
  s.millisecond_clock = false;
  s.margins.window_margin_ns = 1;
  s.margins.clock_drift_ppm = 0;
  s.sends = 1'000;
  EXPECT_EQ(simulate(s).throttled, 0U);
  s.plant = Plant::window_short_by_1ms;
  EXPECT_GT(simulate(s).throttled, 0U);
}

}  // namespace
}  // namespace backhand::pacing::test
