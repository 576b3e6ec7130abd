// Which lines are asked for cannot be seen from outside; that each piece is walked whole, and no more than
// may be, can.
#include "common/near_memory.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace backhand {
namespace {

constexpr std::size_t kMuch = 1'048'576;

alignas(kCacheLine) const std::array<char, 8 * kCacheLine> memory{};

/// Lines that one round takes.
std::size_t round_of(NearMemory& near) {
  std::size_t lines = 0;
  while (!near.walk(1)) ++lines;
  return lines;
}

TEST(NearMemory, TakesEveryLineThatHasOneOfTheBytes) {
  NearMemory near(kMuch);
  near.add(memory.data() + kCacheLine - 1, 2);
  EXPECT_EQ(near.lines(), 2U);
  near.add(memory.data() + kCacheLine, kCacheLine);
  EXPECT_EQ(near.lines(), 3U);
  near.add(memory.data() + 2 * kCacheLine, kCacheLine + 1);
  EXPECT_EQ(near.lines(), 5U);
  near.add(memory.data(), 0);
  EXPECT_EQ(near.lines(), 5U);
}

TEST(NearMemory, GoesRoundAndRound) {
  NearMemory near(kMuch);
  near.add(memory);
  near.add(std::vector<char>{});
  near.add(memory.data(), 1);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(round_of(near), 9U) << round;
  EXPECT_FALSE(near.walk(9));
  EXPECT_TRUE(near.walk(1));
}

TEST(NearMemory, LeavesOutWhatIsTooMuch) {
  NearMemory near(3 * kCacheLine);
  near.add(memory.data(), 2 * kCacheLine);
  near.add(memory.data() + 4 * kCacheLine, 2 * kCacheLine);
  EXPECT_EQ(near.lines(), 3U);
  near.add(memory);
  EXPECT_EQ(near.lines(), 3U);
}

TEST(NearMemory, OfNothingIsWalkedInVain) {
  NearMemory near(0);
  near.add(memory);
  EXPECT_EQ(near.lines(), 0U);
  EXPECT_TRUE(near.walk(100));
}

}  // namespace
}  // namespace backhand
