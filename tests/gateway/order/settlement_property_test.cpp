// Whatever happens and whatever is seen of it, a decision is never false; where nobody else trades it is
// never given up. A wrong belief about the venue is planted to prove that the checker can fail.
#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/gateway/order/random_world.hpp"

namespace backhand::order::test {
namespace {

/// More worlds for a long run: BACKHAND_SETTLEMENT_WORLDS=1000000.
std::uint64_t worlds() {
  const char* text = std::getenv("BACKHAND_SETTLEMENT_WORLDS");
  return text == nullptr ? 2'000 : std::strtoull(text, nullptr, 10);
}

void print(const Tally& tally) {
  std::cout << tally.worlds << " worlds, " << tally.cases << " reversals (" << tally.benign << " alone), "
            << tally.lookups << " look-ups; unresolved " << tally.unresolved << ", reversed "
            << tally.results[1] << ", partly " << tally.results[2] << ", closed only " << tally.results[3]
            << ", not executed " << tally.results[4] << "\n";
  for (const auto& [ground, count] : tally.grounds) std::cout << "  " << ground << " " << count << "\n";
  std::cout << "unresolved by cause (ground: what hid the end), of all reversals:\n";
  for (const auto& [cause, count] : tally.causes)
    std::cout << "  " << cause << " " << count << " ("
              << 100.0 * static_cast<double>(count) / static_cast<double>(tally.cases) << " %)\n";
  std::cout << "executed, by listing:\n";
  for (const auto& [listing, count] : tally.listings) std::cout << "  " << listing << " " << count << "\n";
}

TEST(SettlementProperty, ADecisionIsNeverFalse) {
  Tally tally;
  const std::uint64_t batch = 100;
  rc::detail::TestParams params = rc::detail::configuration().testParams;
  params.maxSuccess = static_cast<int>(worlds() / batch);
  params.disableShrinking = true;
  rc::detail::TestMetadata metadata;
  metadata.id = "a decision is never false";
  const auto result = rc::detail::checkTestable(
      [&] {
        const auto from = *rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
        for (std::uint64_t i = 0; i < batch; ++i) {
          const std::string wrong = RandomWorld(from + i, {}).play(tally);
          if (!wrong.empty()) RC_FAIL("world " + std::to_string(from + i) + ": " + wrong);
        }
      },
      metadata, params);
  rc::detail::printResultMessage(result, std::cout);
  print(tally);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>());
  for (const char* ground :
       {"legs_by_id", "leg_and_sibling", "position_and_order", "pair_without_id", "order_without_fill",
        "never_arrived", "refused", "unresolved ambiguous_rows", "unresolved unexplained_position"})
    EXPECT_GT(tally.grounds[ground], 0U) << "never came up, so nothing was tried: " << ground;
}

/// Something false is told; or, where a belief only costs proof, an end is given up that nothing hid.
bool is_caught(const std::string& wrong, const Planted& planted) {
  return wrong.starts_with("false") || (planted.forgets_clocks && !wrong.empty());
}

/// The first world in which the planted belief tells something false.
std::uint64_t caught_after(const Planted& planted) {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed)
    if (is_caught(RandomWorld(seed, planted).play(tally), planted)) return seed;
  return 0;
}

TEST(SettlementProperty, EveryPlantedBeliefIsCaught) {
  struct Case {
    const char* name;
    Planted planted;
  };
  const std::array cases{
      Case{"believes 'not found' at once", {.believes_absence_at_once = true}},
      Case{"forgets the fuse", {.forgets_fuse = true}},
      Case{"forgets the grace", {.forgets_grace = true}},
      Case{"forgets the lag", {.forgets_lag = true}},
      Case{"venue lags beyond the bound", {.venue_lags_beyond_bound = true}},
      Case{"another program names nothing", {.nameless_program = true}},
      Case{"others' trades are not listed", {.others_unlisted = true}},
      Case{"forgets that clocks differ", {.forgets_clocks = true}},
      Case{"positions are mixed up", {.swaps_positions = true}},
  };
  for (const Case& each : cases) {
    const std::uint64_t after = caught_after(each.planted);
    EXPECT_GT(after, 0U) << "not caught: " << each.name;
    std::cout << each.name << ": caught after " << after << " worlds\n";
  }
}

/// One world again, by its number: BACKHAND_SETTLEMENT_WORLD=n.
TEST(SettlementProperty, OneWorldAgain) {
  const char* text = std::getenv("BACKHAND_SETTLEMENT_WORLD");
  if (text == nullptr) GTEST_SKIP() << "no world named";
  Tally tally;
  EXPECT_EQ(RandomWorld(std::strtoull(text, nullptr, 10), {}).play(tally), "");
}

}  // namespace
}  // namespace backhand::order::test
