// A flood of lines becomes a few and a number; none is lost without being counted.
#include "gateway/ingress/line_limit.hpp"

#include <gtest/gtest.h>

namespace backhand::ingress {
namespace {

TEST(LineLimit, WritesSoManyASecondAndCountsTheRest) {
  LineLimit limit{3};
  const Ns begin = 5 * kSecond;
  EXPECT_EQ(limit.summary_due(), kNever);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(limit.allow(begin + i));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(limit.allow(begin + kSecond - 1));
  EXPECT_EQ(limit.summary_due(), begin + kSecond);
  EXPECT_EQ(limit.take_left_out(begin + kSecond - 1), 0U) << "the second is not over";
  EXPECT_EQ(limit.take_left_out(begin + kSecond), 4U);
  EXPECT_EQ(limit.take_left_out(begin + kSecond), 0U) << "told once";
  EXPECT_TRUE(limit.allow(begin + kSecond));
}

TEST(LineLimit, BeginsItsSecondWithALine) {
  LineLimit limit{1};
  EXPECT_TRUE(limit.allow(100 * kSecond));
  EXPECT_FALSE(limit.allow(100 * kSecond + 999 * kMillisecond));
  EXPECT_TRUE(limit.allow(107 * kSecond + 500 * kMillisecond));
  EXPECT_FALSE(limit.allow(108 * kSecond + 499 * kMillisecond));
}

}  // namespace
}  // namespace backhand::ingress
