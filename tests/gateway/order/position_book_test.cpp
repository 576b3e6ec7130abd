#include "gateway/order/position_book.hpp"

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using domain::PositionMode;
using domain::PositionSide;
using domain::PositionSnapshot;
using wire::DenyReason;

constexpr PositionIndex kFirstPosition{0};
constexpr PositionIndex kSecondPosition{1};
constexpr auto kLong = PositionSide::long_side;
constexpr auto kShort = PositionSide::short_side;

Decimal size(const char* text) { return *Decimal::parse(text); }
PositionSnapshot holding(const char* longs, const char* shorts, VenueMs at) {
  return {size(longs), size(shorts), at};
}

class PositionBookTest : public testing::Test {
 protected:
  DenyReason check(PositionSide side, std::optional<Decimal> expected = {}, Ns max_age = 0, Ns now = 100) {
    return book.check(kFirstPosition, side, expected, max_age, now);
  }
  PositionBook book{2};
};

TEST_F(PositionBookTest, DeniesWhatWasNeverRead) { EXPECT_EQ(check(kLong), DenyReason::position_stale); }

TEST_F(PositionBookTest, ComparesSideAndSize) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::none);
  EXPECT_EQ(check(kShort), DenyReason::wrong_side);
  EXPECT_EQ(check(kLong, size("5.00")), DenyReason::none) << "5.00 is 5";
  EXPECT_EQ(check(kLong, size("4")), DenyReason::size_differs);
  ASSERT_EQ(book.on_read(kFirstPosition, holding("0", "0", 1'001), 11), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::nothing_held);
}

TEST_F(PositionBookTest, HoldsBothSidesInHedgeModeAsOnePosition) {
  book.set_mode(kFirstPosition, PositionMode::hedge);
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "3", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::none);
  EXPECT_EQ(check(kShort), DenyReason::none);
  book.occupy(kFirstPosition, 7);
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(check(kShort), DenyReason::position_busy) << "the other side is changed by the same reversal";
  EXPECT_EQ(book.check_held(kFirstPosition, kShort, {}, 0, 100), DenyReason::none);
  EXPECT_EQ(book.occupant(kFirstPosition), 7U);
  EXPECT_EQ(book.occupant(kSecondPosition), PositionBook::kNobody);
  book.release(kFirstPosition, 7);
  EXPECT_EQ(check(kShort), DenyReason::none);
}

TEST_F(PositionBookTest, DoesNotBelieveBothSidesInOneWayMode) {
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "3", 1'000), 10), ReadResult::inconsistent);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 0), 10), ReadResult::inconsistent);
  EXPECT_EQ(check(kLong), DenyReason::position_stale);
}

TEST_F(PositionBookTest, AReadThatContradictsWhatWasProvenIsNotBelievedWhileItMayBeOlder) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  book.needs_read_since(kFirstPosition, 2'000);
  ASSERT_EQ(book.on_settling_read(kFirstPosition, holding("0", "5", 2'000), 20, 12'000), ReadResult::taken);
  EXPECT_EQ(check(kShort), DenyReason::none);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 4'000), 30), ReadResult::doubted);
  EXPECT_EQ(check(kShort), DenyReason::position_busy)
      << "turned again meanwhile, or a read from before: who knows";
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("0", "5", 5'000), 40), ReadResult::taken);
  EXPECT_EQ(check(kShort), DenyReason::none);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 12'000), 50), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::none) << "no look-up is as old as that";
}

TEST_F(PositionBookTest, AgesByOurClock) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(check(kLong, {}, 50, 60), DenyReason::none);
  EXPECT_EQ(check(kLong, {}, 50, 61), DenyReason::position_stale);
  EXPECT_EQ(check(kLong, {}, 0, kNever), DenyReason::none) << "0 switches the age off";
}

TEST_F(PositionBookTest, AnOlderReadNeverOverwritesNewerKnowledge) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("9", "0", 999), 20), ReadResult::stale)
      << "the reply came later, but what it says is older";
  EXPECT_EQ(book.snapshot(kFirstPosition).long_size, size("5"));
  EXPECT_EQ(book.read_at(kFirstPosition), 10);
}

TEST_F(PositionBookTest, AfterAReversalOnlyAReadSinceItsLastLegCounts) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  book.occupy(kFirstPosition, 3);
  book.needs_read_since(kFirstPosition, 2'000);
  book.needs_read_since(kFirstPosition, 1'500);
  book.release(kFirstPosition, 3);
  EXPECT_EQ(check(kLong), DenyReason::position_busy) << "what is held now has not been read";
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'999), 30), ReadResult::stale);
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 2'000), 30), ReadResult::stale)
      << "of the same millisecond, but perhaps from before";
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("0", "5", 2'001), 30), ReadResult::taken);
  EXPECT_EQ(check(kLong), DenyReason::wrong_side);
  EXPECT_EQ(check(kShort), DenyReason::none);
}

TEST_F(PositionBookTest, AReadThatSettledCountsInItsOwnMillisecond) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 2'000), 10), ReadResult::taken);
  book.needs_read_since(kFirstPosition, 2'000);
  EXPECT_EQ(check(kLong), DenyReason::position_busy) << "it was read before the reversal";
  EXPECT_EQ(book.on_settling_read(kFirstPosition, holding("0", "5", 1'999), 30), ReadResult::stale);
  EXPECT_EQ(book.on_settling_read(kFirstPosition, holding("0", "5", 2'000), 30), ReadResult::taken);
  EXPECT_EQ(check(kShort), DenyReason::none);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 2'000), 40), ReadResult::stale)
      << "a reply that was overtaken";
  EXPECT_EQ(check(kShort), DenyReason::none);
  book.needs_read_since(kFirstPosition, 2'000);
  EXPECT_EQ(check(kShort), DenyReason::position_busy) << "another reversal in the same millisecond";
}

TEST_F(PositionBookTest, BlocksUntilUnblockedAndKeepsTheStrongerReason) {
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 10), ReadResult::taken);
  EXPECT_TRUE(book.block(kFirstPosition, BlockReason::unknown));
  EXPECT_EQ(check(kLong), DenyReason::position_blocked);
  EXPECT_EQ(book.check(kSecondPosition, kLong, {}, 0, 0), DenyReason::position_stale)
      << "only the one position";
  EXPECT_FALSE(book.block(kFirstPosition, BlockReason::unresolved));
  EXPECT_FALSE(book.block(kFirstPosition, BlockReason::unknown));
  EXPECT_EQ(book.blocked(kFirstPosition), BlockReason::unresolved);
  EXPECT_EQ(book.blocked_count(), 1U);
  EXPECT_TRUE(book.unblock(kFirstPosition));
  EXPECT_FALSE(book.unblock(kFirstPosition));
  EXPECT_EQ(book.blocked_count(), 0U);
  EXPECT_EQ(check(kLong), DenyReason::none);
}

TEST(PositionBookDeath, AFreePositionCannotBeReleasedNorATakenOneTaken) {
  PositionBook book(1);
  book.occupy(kFirstPosition, 1);
  EXPECT_DEATH(book.occupy(kFirstPosition, 2), "occupant");
  EXPECT_DEATH(book.release(kFirstPosition, 2), "occupant");
}

TEST_F(PositionBookTest, AReadWhoseClockMayBeAheadIsNotFromAfterALeg) {
  book = PositionBook{2, 50};
  ASSERT_EQ(book.on_read(kFirstPosition, holding("5", "0", 1'000), 0), ReadResult::taken);
  book.needs_read_since(kFirstPosition, 2'000);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 2'050), 0), ReadResult::stale)
      << "50 ms ahead: it may be from before";
  EXPECT_EQ(check(kLong), DenyReason::position_busy);
  EXPECT_EQ(book.on_settling_read(kFirstPosition, holding("0", "5", 1'949), 0), ReadResult::stale);
  EXPECT_EQ(book.on_settling_read(kFirstPosition, holding("0", "5", 1'980), 0), ReadResult::taken)
      << "50 ms behind, and it shows the effect: nothing to wait for";
  EXPECT_EQ(check(kShort), DenyReason::none);
  EXPECT_EQ(book.on_read(kFirstPosition, holding("5", "0", 2'050), 0), ReadResult::stale)
      << "an older read that comes late";
  EXPECT_EQ(book.on_read(kFirstPosition, holding("0", "4", 2'051), 0), ReadResult::taken);
}

}  // namespace
}  // namespace backhand::order
