// Journaled events reach a strategy in the order of their numbers, each at least once, and room is given
// back.
#include "gateway/engine/lane_book.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

class RecordingLanes final : public LanePort {
 public:
  bool publish(LaneIndex, wire::Outcome& outcome) noexcept override { return put(outcome); }
  bool offer(LaneIndex, wire::Outcome& outcome) noexcept override {
    ++offers;
    return put(outcome);
  }
  void close_intent(LaneIndex) noexcept override { ++closed; }

  std::vector<wire::Outcome> told;
  std::size_t room = 1'000;
  int offers = 0;
  int closed = 0;

 private:
  bool put(const wire::Outcome& outcome) {
    if (told.size() >= room) return false;
    told.push_back(outcome);
    return true;
  }
};

constexpr LaneIndex kLane{3};

wire::Outcome terminal(std::uint64_t intent) {
  wire::Outcome out{};
  out.intent_id = intent;
  out.kind = wire::EventKind::settled;
  out.flags = wire::kTerminal;
  return out;
}

class LaneBookTest : public ::testing::Test {
 protected:
  LaneBookTest() { book.open(kLane, StrategyIndex{0}, 0, 0); }
  std::uint64_t add(std::uint64_t intent) {
    wire::Outcome out = terminal(intent);
    return book.number(kLane, out);
  }
  LaneBook book{8, 16};
  RecordingLanes lanes;
};

std::vector<wire::Outcome> of_kind(const std::vector<wire::Outcome>& told, wire::EventKind kind) {
  std::vector<wire::Outcome> out;
  for (const wire::Outcome& o : told) {
    if (o.kind == kind) out.push_back(o);
  }
  return out;
}

TEST_F(LaneBookTest, WhatIsKeptNoMoreIsToldAsLost) {
  for (std::uint64_t i = 1; i <= 40; ++i) add(i);  // 16 are kept.
  book.attached(kLane, 3);
  lanes.room = 0;
  EXPECT_EQ(book.replay(lanes, 1'000, 64), 0) << "no room: the notice waits like the events";
  lanes.room = 1'000;
  while (book.replay(lanes, 1'000, 64) > 0) {
  }
  ASSERT_EQ(lanes.told.size(), 17U);
  EXPECT_EQ(lanes.told[0].notice, wire::NoticeKind::events_lost);
  EXPECT_EQ(lanes.told[0].long_before, 4U);
  EXPECT_EQ(lanes.told[0].long_after, 24U);
  EXPECT_EQ(lanes.told[1].record_number, 25U);
  EXPECT_EQ(lanes.told.back().record_number, 40U);
  EXPECT_FALSE(book.replay_pending());
}

TEST_F(LaneBookTest, NothingIsLostOfWhatIsKept) {
  for (std::uint64_t i = 1; i <= 40; ++i) add(i);
  book.attached(kLane, 24);
  while (book.replay(lanes, 1'000, 64) > 0) {
  }
  EXPECT_TRUE(of_kind(lanes.told, wire::EventKind::notice).empty());
  EXPECT_EQ(lanes.told.size(), 16U);
}

TEST_F(LaneBookTest, WhatIsOverwrittenWhileAReplayWaitsIsToldAsLost) {
  for (std::uint64_t i = 1; i <= 16; ++i) add(i);
  book.attached(kLane, 0);
  lanes.room = 2;
  (void)book.replay(lanes, 1'000, 64);
  for (std::uint64_t i = 17; i <= 24; ++i) add(i);  // 9 to 24 are kept now; 1 and 2 were told.
  lanes.room = 1'000;
  while (book.replay(lanes, 1'000, 64) > 0) {
  }
  const auto notices = of_kind(lanes.told, wire::EventKind::notice);
  ASSERT_EQ(notices.size(), 1U);
  EXPECT_EQ(notices[0].long_before, 3U);
  EXPECT_EQ(notices[0].long_after, 8U);
  EXPECT_EQ(lanes.told.size(), 2U + 1U + 16U);
}

TEST_F(LaneBookTest, NumbersAreDense) {
  EXPECT_EQ(add(1), 1U);
  EXPECT_EQ(add(2), 2U);
  EXPECT_EQ(book.last_record(kLane), 2U);
}

TEST_F(LaneBookTest, MissedEventsAreRepeatedInOrderAfterTheCursor) {
  for (std::uint64_t i = 1; i <= 5; ++i) (void)add(i);
  book.attached(kLane, 2);
  EXPECT_TRUE(book.replaying(kLane));
  EXPECT_EQ(book.replay(lanes, UINT64_MAX, 100), 3);
  ASSERT_EQ(lanes.told.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(lanes.told[i].record_number, i + 3);
    EXPECT_NE(lanes.told[i].flags & wire::kReplayed, 0);
  }
  EXPECT_EQ(lanes.offers, 3) << "a repeat takes spare room only";
  EXPECT_FALSE(book.replay_pending());
}

TEST_F(LaneBookTest, ACursorFromTheFutureMissesNothing) {
  (void)add(1);
  book.attached(kLane, UINT64_MAX);
  EXPECT_FALSE(book.replaying(kLane));
  EXPECT_EQ(book.replay(lanes, UINT64_MAX, 100), 0);
}

TEST_F(LaneBookTest, NewEventsQueueBehindAReplayAndAreNoRepeats) {
  (void)add(1);
  lanes.room = 0;
  book.attached(kLane, 0);
  EXPECT_EQ(book.replay(lanes, UINT64_MAX, 100), 0);
  (void)add(2);
  lanes.room = 10;
  EXPECT_EQ(book.replay(lanes, UINT64_MAX, 100), 2);
  EXPECT_NE(lanes.told[0].flags & wire::kReplayed, 0);
  EXPECT_EQ(lanes.told[1].flags & wire::kReplayed, 0);
  EXPECT_EQ(lanes.offers, 2) << "one that found no room, and one that did";
}

TEST_F(LaneBookTest, AHeldEventIsToldWhenItIsDurable) {
  book.attached(kLane, 0);
  const std::uint64_t record = add(1);
  book.hold(kLane, record, 50);
  EXPECT_EQ(book.replay(lanes, 49, 100), 0);
  EXPECT_EQ(book.replay(lanes, 50, 100), 1);
}

TEST_F(LaneBookTest, DetachingGivesBackTheRoomOfHeldEvents) {
  book.attached(kLane, 0);
  book.hold(kLane, add(1), 50);
  (void)add(2);
  book.detached(kLane, lanes);
  EXPECT_EQ(lanes.closed, 2);
  EXPECT_FALSE(book.replay_pending());
}

}  // namespace
}  // namespace backhand::engine
