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
  EXPECT_EQ(clock.on_probe(1'700'000'000'000, kSecond, kSecond + kMillisecond), VenueClock::Sample::kept);
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
      const auto sample = clock.on_probe(venue.at(there) / kMillisecond, written, replied);
      ASSERT_TRUE(sample == VenueClock::Sample::kept || sample == VenueClock::Sample::narrower_known)
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
  (void)clock.on_probe(1'000'000, 0, 400 * kMillisecond);
  const Ns wide = clock.error_ns(400 * kMillisecond);
  EXPECT_EQ(clock.on_probe(1'000'401, 401 * kMillisecond, 402 * kMillisecond), VenueClock::Sample::kept);
  EXPECT_LT(clock.error_ns(402 * kMillisecond), wide);
  EXPECT_EQ(clock.on_probe(1'000'500, 410 * kMillisecond, 700 * kMillisecond),
            VenueClock::Sample::narrower_known);
}

/// A clock that knows from probes of a millisecond that the venue reads 1,000,000 ms at our 0.
VenueClock proven() {
  VenueClock clock;
  for (Ns at = 0; at < 5 * kSecond; at += kSecond)
    (void)clock.on_probe(1'000'000 + at / kMillisecond, at, at + kMillisecond);
  return clock;
}

/// What a probe at `at` says on a venue whose clock is `off_ms` away from the proven one.
VenueClock::Sample probe(VenueClock& clock, Ns at, VenueMs off_ms) {
  return clock.on_probe(1'000'000 + at / kMillisecond + off_ms, at, at + kMillisecond);
}

TEST(VenueClock, OneReplyThatContradictsReplacesNothing) {
  for (const VenueMs off : {600'000, -600'000, 1'100, -1'100}) {
    VenueClock clock = proven();
    const VenueMs before = clock.lower_bound_ms(10 * kSecond);
    EXPECT_EQ(probe(clock, 5 * kSecond, off), VenueClock::Sample::doubted);
    EXPECT_EQ(clock.lower_bound_ms(10 * kSecond), before) << "one reply moved the clock by " << off;
    EXPECT_FALSE(clock.known(6 * kSecond)) << "nothing is signed while the clock is in doubt";
    EXPECT_NE(probe(clock, 6 * kSecond, 0), VenueClock::Sample::doubted);
    EXPECT_TRUE(clock.known(6 * kSecond)) << "a probe that agrees ends the doubt";
    EXPECT_EQ(probe(clock, 7 * kSecond, off), VenueClock::Sample::doubted);
    EXPECT_EQ(probe(clock, 8 * kSecond, off), VenueClock::Sample::doubted) << "it begins to count anew";
  }
}

TEST(VenueClock, ThreeProbesThatAgreeAreAStep) {
  for (const VenueMs off : {600'000, -600'000, 30, -30}) {
    VenueClock clock = proven();
    EXPECT_EQ(probe(clock, 10 * kSecond, off), VenueClock::Sample::doubted);
    EXPECT_EQ(probe(clock, 10 * kSecond + kMillisecond, off), VenueClock::Sample::doubted);
    EXPECT_EQ(probe(clock, 12 * kSecond, off), VenueClock::Sample::stepped);
    EXPECT_TRUE(clock.known(12 * kSecond));
    const VenueMs now = 1'000'000 + 20'000 + off;
    EXPECT_LE(clock.lower_bound_ms(20 * kSecond), now);
    EXPECT_GE(clock.lower_bound_ms(20 * kSecond), now - 10);
  }
}

TEST(VenueClock, ProbesThatContradictEachOtherProveNothing) {
  VenueClock clock = proven();
  const VenueMs before = clock.lower_bound_ms(30 * kSecond);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(probe(clock, (10 + i) * kSecond, i % 2 == 0 ? 60'000 : -60'000), VenueClock::Sample::doubted);
  EXPECT_EQ(clock.lower_bound_ms(30 * kSecond), before);
}

TEST(VenueClock, AfterOurClockStoodStillTwoProbesMustAgree) {
  VenueClock clock = proven();
  clock.forget();
  EXPECT_EQ(probe(clock, 10 * kSecond, 500'000), VenueClock::Sample::doubted);
  EXPECT_FALSE(clock.known(10 * kSecond));
  EXPECT_EQ(probe(clock, 11 * kSecond, 12'000), VenueClock::Sample::doubted);
  EXPECT_EQ(probe(clock, 12 * kSecond, 12'000), VenueClock::Sample::kept);
  EXPECT_TRUE(clock.known(12 * kSecond));
  EXPECT_LE(clock.lower_bound_ms(20 * kSecond), 1'032'000);
  EXPECT_GE(clock.lower_bound_ms(20 * kSecond), 1'031'990);
}

TEST(VenueClock, ServicesThatDifferALittleRaiseNoDoubt) {
  VenueClock clock = proven();
  EXPECT_EQ(probe(clock, 10 * kSecond, 100), VenueClock::Sample::doubted);
  EXPECT_TRUE(clock.known(10 * kSecond));
}

TEST(VenueClock, ATimeIsPlausibleBetweenWriteAndReadWithTheSkew) {
  VenueClock clock;
  EXPECT_TRUE(clock.is_plausible(5, 0, 1)) << "nothing is known yet";
  clock = proven();
  const Ns written = 5 * kSecond;
  const Ns replied = written + 20 * kMillisecond;
  constexpr VenueMs kSkew_ms = VenueClock::kSkew_ns / kMillisecond;
  for (const VenueMs time :
       {VenueMs{1'005'000}, VenueMs{1'005'020}, 1'005'000 - kSkew_ms, 1'005'020 + kSkew_ms})
    EXPECT_TRUE(clock.is_plausible(time, written, replied)) << time;
  for (const VenueMs time :
       {1'005'000 - kSkew_ms - 10, 1'005'020 + kSkew_ms + 10, VenueMs{0}, VenueMs{1'605'000}})
    EXPECT_FALSE(clock.is_plausible(time, written, replied)) << time;
}

}  // namespace
}  // namespace backhand::engine
