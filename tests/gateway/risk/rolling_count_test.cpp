// Bucketed counts against a plain list: never fewer than happened in the window, and soon forgotten after it.
#include "gateway/risk/rolling_count.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace backhand::risk::test {
namespace {

TEST(RollingCountProperty, NeverCountsTooFewAndForgetsInTime) {
  EXPECT_TRUE(rc::check([] {
    constexpr Ns kWidth = 100;
    constexpr Ns kWindow = 12 * kWidth;
    RollingCount<12, kWidth> count;
    std::vector<Ns> times;
    Ns now = *rc::gen::inRange<Ns>(-5'000, 5'000);
    const auto steps = *rc::gen::container<std::vector<Ns>>(rc::gen::inRange<Ns>(0, 400));
    for (const Ns step : steps) {
      now += step;
      count.add(now);
      times.push_back(now);
      for (const Ns later :
           {Ns{0}, Ns{1}, kWidth, 5 * kWidth, kWindow - 1, kWindow + kWidth, 100 * kWindow}) {
        const Ns at = now + later;
        const auto within = [&](Ns span) {
          return static_cast<std::uint32_t>(
              std::count_if(times.begin(), times.end(), [&](Ns t) { return t > at - span; }));
        };
        RC_ASSERT(count.count(at) >= within(kWindow));
        RC_ASSERT(count.count(at) <= within(kWindow + kWidth));
      }
    }
  }));
}

TEST(SlidingLimitProperty, IsExact) {
  EXPECT_TRUE(rc::check([] {
    const auto limit = *rc::gen::inRange<std::uint32_t>(0, 8);
    SlidingLimit sliding(limit, 1'000);
    std::vector<Ns> admitted;
    Ns now = 0;
    for (const Ns step : *rc::gen::container<std::vector<Ns>>(rc::gen::inRange<Ns>(0, 500))) {
      now += step;
      const auto recent =
          std::count_if(admitted.begin(), admitted.end(), [now](Ns t) { return t > now - 1'000; });
      const bool expected = recent < static_cast<std::ptrdiff_t>(limit);
      RC_ASSERT(sliding.admit(now) == expected);
      if (expected) admitted.push_back(now);
    }
  }));
}

}  // namespace
}  // namespace backhand::risk::test
