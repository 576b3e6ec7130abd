// Shots are found by lane and arm, whatever came and went before. A failure means that a fire would send
// another strategy's shot, or none.
#include "gateway/engine/shot_book.hpp"

#include <map>
#include <random>
#include <utility>

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

TEST(ShotBook, IsFullAtItsSize) {
  ShotBook book(2, 4, 1);
  EXPECT_NE(book.add(LaneIndex{0}, StrategyIndex{0}, 1), kNoSlot);
  EXPECT_NE(book.add(LaneIndex{1}, StrategyIndex{0}, 1), kNoSlot);
  EXPECT_EQ(book.add(LaneIndex{2}, StrategyIndex{0}, 1), kNoSlot);
  EXPECT_EQ(book.open(), 2U);
  EXPECT_EQ(book.of_strategy(StrategyIndex{0}), 2U);
}

TEST(ShotBook, HoldsNothingWhereNoneAreAllowed) {
  ShotBook book(0, 4, 1);
  EXPECT_EQ(book.add(LaneIndex{0}, StrategyIndex{0}, 1), kNoSlot);
  EXPECT_EQ(book.find(LaneIndex{0}, 1), kNoSlot);
  EXPECT_EQ(book.next_due(), kNever);
}

TEST(ShotBook, FindsWhatAMapFinds) {
  constexpr std::uint32_t kShots = 24;
  ShotBook book(kShots, 3, 2);
  std::map<std::pair<std::uint16_t, std::uint64_t>, std::uint32_t> known;
  std::mt19937 random(7);
  for (int step = 0; step < 200'000; ++step) {
    const std::pair<std::uint16_t, std::uint64_t> key{static_cast<std::uint16_t>(random() % 3),
                                                      random() % 40};
    const LaneIndex lane{key.first};
    const auto found = known.find(key);
    ASSERT_EQ(book.find(lane, key.second), found == known.end() ? kNoSlot : found->second) << "step " << step;
    if (found != known.end()) {
      book.remove(found->second);
      known.erase(found);
    } else if (known.size() < kShots) {
      const std::uint32_t index =
          book.add(lane, StrategyIndex{static_cast<std::uint16_t>(key.first % 2)}, key.second);
      ASSERT_NE(index, kNoSlot);
      known[key] = index;
    }
    ASSERT_EQ(book.open(), known.size());
  }
  std::size_t listed = 0;
  for (std::uint16_t lane = 0; lane < 3; ++lane)
    for (std::uint32_t i = book.first_in_lane(LaneIndex{lane}); i != kNoSlot; i = book[i].next_in_lane)
      ++listed;
  EXPECT_EQ(listed, known.size());
}

TEST(ShotBook, TendsTheEarliestFirst) {
  ShotBook book(3, 1, 1);
  const std::uint32_t a = book.add(LaneIndex{0}, StrategyIndex{0}, 1);
  const std::uint32_t b = book.add(LaneIndex{0}, StrategyIndex{0}, 2);
  book.tend_at(a, 200);
  book.tend_at(b, 100);
  EXPECT_EQ(book.next(), b);
  book.tend_no_more(b);
  EXPECT_EQ(book.next_due(), 200);
  book.remove(a);
  EXPECT_EQ(book.next_due(), kNever);
}

}  // namespace
}  // namespace backhand::engine
