// The venue clock's one promise: the lower bound is never ahead of the venue, whatever the network does.
#include "gateway/engine/venue_clock.hpp"

#include <random>

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

/// A venue whose clock is `offset` ahead of ours and drifts by `ppm`.
struct TrueVenue {
  Ns offset_ns;
  double ppm;
  [[nodiscard]] Ns at(Ns mono) const {
    return mono + offset_ns + static_cast<Ns>(static_cast<double>(mono) * ppm * 1e-6);
  }
};

TEST(VenueClock, IsUnknownUntilTheFirstSampleAndAgainWhenItIsOld) {
  VenueClock clock;
  EXPECT_FALSE(clock.known(kSecond));
  EXPECT_EQ(clock.on_sample(1'700'000'000'000, kSecond, kSecond + kMillisecond), VenueClock::Sample::kept);
  EXPECT_TRUE(clock.known(2 * kSecond));
  EXPECT_FALSE(clock.known(2 * kSecond + VenueClock::kMaxAge_ns));
}

TEST(VenueClock, LowerBoundIsNeverAheadAndUpperNeverBehind) {
  std::mt19937_64 random{7};
  for (int world = 0; world < 200; ++world) {
    const TrueVenue venue{static_cast<Ns>(random() % 60'000'000'000ULL) + 1'700'000'000LL * kSecond,
                          static_cast<double>(random() % 200) - 100.0};
    VenueClock clock;
    Ns now = static_cast<Ns>(random() % 1'000) * kSecond;
    for (int i = 0; i < 300; ++i) {
      const Ns written = now;
      const Ns there = written + static_cast<Ns>(random() % (300 * kMillisecond));
      const Ns replied = there + static_cast<Ns>(random() % (300 * kMillisecond));
      const auto sample = clock.on_sample(venue.at(there) / kMillisecond, written, replied);
      ASSERT_NE(sample, VenueClock::Sample::contradicts)
          << "an honest venue never contradicts itself; world " << world;
      now = replied + static_cast<Ns>(random() % (10 * kSecond));
      ASSERT_LE(clock.lower_bound_ms(now), venue.at(now) / kMillisecond)
          << "a timestamp from the future; world " << world;
      ASSERT_GT(clock.upper_bound_ms(now) * kMillisecond, venue.at(now));
    }
  }
}

TEST(VenueClock, NarrowsWithBetterSamplesAndKeepsThem) {
  VenueClock clock;
  (void)clock.on_sample(1'000'000, 0, 400 * kMillisecond);
  const Ns wide = clock.error_ns(400 * kMillisecond);
  EXPECT_EQ(clock.on_sample(1'000'401, 401 * kMillisecond, 402 * kMillisecond), VenueClock::Sample::kept);
  EXPECT_LT(clock.error_ns(402 * kMillisecond), wide);
  EXPECT_EQ(clock.on_sample(1'000'500, 410 * kMillisecond, 700 * kMillisecond),
            VenueClock::Sample::narrower_known);
}

TEST(VenueClock, AStepIsSeenAndTheNewTimeIsBelieved) {
  VenueClock clock;
  (void)clock.on_sample(1'000'000, 0, kMillisecond);
  EXPECT_EQ(clock.on_sample(1'031'000, kSecond, kSecond + kMillisecond), VenueClock::Sample::contradicts);
  EXPECT_GE(clock.lower_bound_ms(kSecond + kMillisecond), 1'030'998);
}

}  // namespace
}  // namespace backhand::engine
