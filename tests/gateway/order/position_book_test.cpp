#include "gateway/order/position_book.hpp"

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using domain::PositionMode;
using domain::PositionSide;
using domain::PositionSnapshot;
using wire::DenyReason;

constexpr PositionIndex kFirst{0};
constexpr PositionIndex kSecond{1};
constexpr auto kLong = PositionSide::long_side;
constexpr auto kShort = PositionSide::short_side;

Decimal size(const char* text) { return *Decimal::parse(text); }
PositionSnapshot holding(const char* longs, const char* shorts, VenueMs at) {
  return {size(longs), size(shorts), at};
}

class PositionBookTest : public testing::Test {
 protected:
  DenyReason check(PositionSide side, std::optional<Decimal> expected = {}, Ns max_age = 0, Ns now = 100) {
    return book.check(kFirst, side, expected, max_age, now);
  }
  PositionBook book{2};
};

TEST_F(PositionBookTest, DeniesWhatWasNeverRead) { EXPECT_EQ(check(kLong), DenyReason::position_stale); }

TEST_F(PositionBookTest, ComparesSideAndSize) {
  ASSERT_EQ(book.on_read(kFirst, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::none);
  EXPECT_EQ(check(kShort), DenyReason::wrong_side);
  EXPECT_EQ(check(kLong, size("5.00")), DenyReason::none) << "5.00 is 5";
  EXPECT_EQ(check(kLong, size("4")), DenyReason::size_differs);
  ASSERT_EQ(book.on_read(kFirst, holding("0", "0", 1'001), 11), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::nothing_held);
}

TEST_F(PositionBookTest, HoldsBothSidesInHedgeModeAsOnePosition) {
  book.set_mode(kFirst, PositionMode::hedge);
  ASSERT_EQ(book.on_read(kFirst, holding("5", "3", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::none);
  EXPECT_EQ(check(kShort), DenyReason::none);
  book.occupy(kFirst, 7);
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(check(kShort), DenyReason::position_busy) << "the other side is changed by the same reversal";
  EXPECT_EQ(book.check_held(kFirst, kShort, {}, 0, 100), DenyReason::none);
  EXPECT_EQ(book.occupant(kFirst), 7U);
  EXPECT_EQ(book.occupant(kSecond), PositionBook::kNobody);
  book.release(kFirst, 7);
  EXPECT_EQ(check(kShort), DenyReason::none);
}

TEST_F(PositionBookTest, DoesNotBelieveBothSidesInOneWayMode) {
  EXPECT_EQ(book.on_read(kFirst, holding("5", "3", 1'000), 10), ReadResult::inconsistent);
  EXPECT_EQ(book.on_read(kFirst, holding("5", "0", 0), 10), ReadResult::inconsistent);
  EXPECT_EQ(check(kLong), DenyReason::position_stale);
}

TEST_F(PositionBookTest, AgesByOurClock) {
  ASSERT_EQ(book.on_read(kFirst, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong, {}, 50, 60), DenyReason::none);
  EXPECT_EQ(check(kLong, {}, 50, 61), DenyReason::position_stale);
  EXPECT_EQ(check(kLong, {}, 0, kNever), DenyReason::none) << "0 switches the age off";
}

TEST_F(PositionBookTest, AnOlderReadNeverOverwritesNewerKnowledge) {
  ASSERT_EQ(book.on_read(kFirst, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(book.on_read(kFirst, holding("9", "0", 999), 20), ReadResult::stale)
      << "the reply came later, but what it says is older";
  EXPECT_EQ(book.snapshot(kFirst).long_size, size("5"));
  EXPECT_EQ(book.read_at(kFirst), 10);
}

TEST_F(PositionBookTest, AfterAReversalOnlyAReadSinceItsLastLegCounts) {
  ASSERT_EQ(book.on_read(kFirst, holding("5", "0", 1'000), 10), ReadResult::taken);
  book.occupy(kFirst, 3);
  book.needs_read_since(kFirst, 2'000);
  book.needs_read_since(kFirst, 1'500);
  book.release(kFirst, 3);
  EXPECT_EQ(check(kLong), DenyReason::position_busy) << "what is held now has not been read";
  EXPECT_EQ(book.on_read(kFirst, holding("5", "0", 1'999), 30), ReadResult::stale);
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(book.on_read(kFirst, holding("0", "5", 2'000), 30), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::wrong_side);
  EXPECT_EQ(check(kShort), DenyReason::none);
}

TEST_F(PositionBookTest, BlocksUntilUnblockedAndKeepsTheStrongerReason) {
  ASSERT_EQ(book.on_read(kFirst, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_TRUE(book.block(kFirst, BlockReason::unknown));
  EXPECT_EQ(check(kLong), DenyReason::position_blocked);
  EXPECT_EQ(book.check(kSecond, kLong, {}, 0, 0), DenyReason::position_stale) << "only the one position";
  EXPECT_FALSE(book.block(kFirst, BlockReason::unresolved));
  EXPECT_FALSE(book.block(kFirst, BlockReason::unknown));
  EXPECT_EQ(book.blocked(kFirst), BlockReason::unresolved);
  EXPECT_EQ(book.blocked_count(), 1U);
  EXPECT_TRUE(book.unblock(kFirst));
  EXPECT_FALSE(book.unblock(kFirst));
  EXPECT_EQ(book.blocked_count(), 0U);
  EXPECT_EQ(check(kLong), DenyReason::none);
}

TEST(PositionBookDeath, AFreePositionCannotBeReleasedNorATakenOneTaken) {
  PositionBook book(1);
  book.occupy(kFirst, 1);
  EXPECT_DEATH(book.occupy(kFirst, 2), "occupant");
  EXPECT_DEATH(book.release(kFirst, 2), "occupant");
}

}  // namespace
}  // namespace backhand::order
