// A clock that stood still is noticed by the clocks that went on, and by nothing else.
#include "common/lost_time.hpp"

#include <gtest/gtest.h>

namespace backhand {
namespace {

constexpr std::uint64_t kTicksPerMs = 2'600'000;

class LostTimeTest : public ::testing::Test {
 protected:
  Ns pass(Ns monotonic, Ns boot, Ns ticks) {
    at_.monotonic_ns += monotonic;
    at_.boot_ns += boot;
    at_.ticks += static_cast<std::uint64_t>(ticks) * kTicksPerMs / kMillisecond;
    return lost_.look(at_);
  }
  /// Ordinary turns for three seconds; what they are told to have missed.
  Ns settle() {
    Ns told = 0;
    for (int i = 0; i < 300; ++i) told += pass(10 * kMillisecond, 10 * kMillisecond, 10 * kMillisecond);
    return told;
  }

  LostTime lost_;
  ClockReadings at_{1'000 * kSecond, 1'000 * kSecond, 7'000'000};
};

TEST_F(LostTimeTest, NothingIsLostWhileAllGoOn) {
  EXPECT_EQ(settle(), 0);
  EXPECT_EQ(pass(20 * kSecond, 20 * kSecond, 20 * kSecond), 0) << "a stopped process loses no time";
  // The kernel steers its clock.
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(pass(100 * kMillisecond, 100 * kMillisecond, 100 * kMillisecond + 50 * kMicrosecond), 0);
  }
}

TEST_F(LostTimeTest, ASuspendIsToldByTheBootClock) {
  settle();
  EXPECT_EQ(pass(kMillisecond, 12 * kSecond + kMillisecond, kMillisecond), 12 * kSecond);
  EXPECT_EQ(settle(), 0) << "it is told once";
}

TEST_F(LostTimeTest, APausedGuestIsToldByTheCounter) {
  settle();
  EXPECT_NEAR(static_cast<double>(pass(kMillisecond, kMillisecond, 12 * kSecond + kMillisecond)), 12e9, 1e7);
  EXPECT_EQ(settle(), 0) << "it is told once";
}

TEST_F(LostTimeTest, ACounterThatBeginsAnewIsNoEvidence) {
  settle();
  at_.ticks = 5;
  EXPECT_EQ(pass(kMillisecond, kMillisecond, kMillisecond), 0);
  EXPECT_TRUE(lost_.is_due(3)) << "it is looked at again at once";
  EXPECT_EQ(settle(), 0);
}

TEST_F(LostTimeTest, WithoutACounterTheBootClockIsLookedAtEachTime) {
  EXPECT_TRUE(lost_.is_due(0));
  const ClockReadings real = read_clocks(read_ticks());
  EXPECT_GE(real.boot_ns + kSecond, real.monotonic_ns);
}

}  // namespace
}  // namespace backhand
