#include "gateway/journal/fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/journal/journal_fixture.hpp"
#include "tests/gateway/journal/state_compare.hpp"

namespace backhand::journal {
namespace {

using test::intended;
using test::lane_opened;
using test::outcome;
using test::taken;

/// A fold that is fed as a sink is.
struct Fed {
  Fold fold{4};
  Ns now_ns = 0;

  template <class Body>
  std::expected<void, std::string> operator()(std::uint16_t lane, std::uint64_t sequence, const Body& body) {
    now_ns += 10;
    Entry entry{Stamp{now_ns,
                      {sequence == 0 ? 0U : 100U, lane, sequence},
                      wire::Product::usdt_futures,
                      wire::PositionSide::long_side},
                body};
    for (Record& record : entry.parts()) {
      record.real_ns = test::kRealOffset_ns + now_ns;
      record.epoch = 100;
    }
    return fold.apply(entry.parts());
  }
  std::expected<void, std::string> tell(std::uint16_t lane, std::uint64_t sequence,
                                        std::uint64_t record_number, std::uint64_t intent_id,
                                        wire::EventKind kind) {
    return (*this)(
        lane, sequence,
        pack_outcome(outcome(record_number, intent_id, kind, {sequence == 0 ? 0U : 100U, lane, sequence})));
  }
  const OpenCase& at(std::uint16_t lane, std::uint64_t intent_id) {
    return fold.state().cases.at({lane, intent_id});
  }
};

TEST(Fold, ACaseIsOpenFromTakenUntilItsTerminalOutcome) {
  Fed feed;
  ASSERT_TRUE(feed(1, 0, lane_opened()));
  ASSERT_TRUE(feed(1, 0, taken(5)));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::waiting);
  ASSERT_TRUE(feed(1, 1, intended(5)));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::intended);
  EXPECT_TRUE(feed.at(1, 5).key.valid());
  ASSERT_TRUE(feed(1, 1, Sent{5, 1, 2, 300, 4, {}}));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::sent);
  ASSERT_TRUE(feed(1, 1, Learned{5, 3, 0, {}, {}, 500, 4, wire::CodeClass::none, {}}));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::learned);
  ASSERT_TRUE(feed.tell(1, 1, 1, 5, wire::EventKind::unknown));
  EXPECT_TRUE(feed.at(1, 5).told_unknown);
  ASSERT_TRUE(feed(1, 1, Settled{5, 0, 0, 0, 0, {}, wire::SettledResult::reversed, 0, 0, 1, {}}));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::settled);
  ASSERT_TRUE(feed.tell(1, 1, 2, 5, wire::EventKind::settled));
  EXPECT_TRUE(feed.fold.state().cases.empty());
  EXPECT_EQ(feed.fold.state().lanes.at(1).outcomes.size(), 2U)
      << "both are replayed to a strategy that missed them";
  EXPECT_EQ(feed.fold.orphans(), 0U);
}

TEST(Fold, AnUnresolvedCaseStaysUntilAnOperatorResolvesIt) {
  Fed feed;
  ASSERT_TRUE(feed(1, 1, intended(5)));
  ASSERT_TRUE(feed.tell(1, 1, 1, 5, wire::EventKind::unresolved));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::unresolved);
  ASSERT_TRUE(feed(1, 1, Resolved{5, 0, wire::SettledResult::reversed, {}, {}}));
  EXPECT_TRUE(feed.fold.state().cases.empty());
}

TEST(Fold, AWriteOfAnIntentThatMayHaveBeenWrittenIsRefused) {
  Fed feed;
  ASSERT_TRUE(feed(1, 1, intended(5)));
  const auto again = feed(1, 2, intended(5));
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error(), ::testing::HasSubstr("second write"));
}

TEST(Fold, AVoidedWriteMayBeMadeAgainAndIsNotCounted) {
  Fed feed;
  ASSERT_TRUE(feed(1, 1, intended(5)));
  ASSERT_TRUE(feed(1, 1, Voided{5, 11, wire::DenyReason::not_written, {}}));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::voided);
  EXPECT_TRUE(feed.fold.state().hour_counts.empty());
  ASSERT_TRUE(feed(1, 2, intended(5)));
  EXPECT_EQ(feed.at(1, 5).phase, CasePhase::intended);
  EXPECT_EQ(feed.fold.state().hour_counts.begin()->second, 1U);
}

TEST(Fold, RecordNumbersOfALaneAreDense) {
  Fed feed;
  ASSERT_TRUE(feed.tell(1, 0, 1, 5, wire::EventKind::denied));
  ASSERT_TRUE(feed.tell(2, 0, 1, 5, wire::EventKind::denied)) << "each lane has its own";
  EXPECT_FALSE(feed.tell(1, 0, 3, 6, wire::EventKind::denied));
  EXPECT_FALSE(feed.tell(1, 0, 1, 6, wire::EventKind::denied));
  EXPECT_TRUE(feed.tell(1, 0, 2, 6, wire::EventKind::denied));
}

TEST(Fold, KeepsTheLastOutcomesOfEachLane) {
  Fed feed;
  for (std::uint64_t n = 1; n <= 9; ++n) ASSERT_TRUE(feed.tell(1, 0, n, n, wire::EventKind::denied));
  const auto& lane = feed.fold.state().lanes.at(1);
  ASSERT_EQ(lane.outcomes.size(), 4U);
  EXPECT_EQ(lane.outcomes.front().outcome.record_number, 6U);
  EXPECT_EQ(lane.last_record_number, 9U);
  EXPECT_EQ(lane.taken_mark, 9U);
}

TEST(Fold, KnowsHowFarTheStrategyHasNotedAlsoBehindACheckpoint) {
  Fed feed;
  for (std::uint64_t n = 1; n <= 3; ++n) ASSERT_TRUE(feed.tell(1, 0, n, n, wire::EventKind::denied));
  EXPECT_EQ(feed.fold.state().lanes.at(1).noted, 0U) << "nothing is known: all of it is told again";
  ASSERT_TRUE(feed(1, 0, LaneNoted{2}));
  ASSERT_TRUE(feed(1, 0, LaneNoted{1}));
  EXPECT_EQ(feed.fold.state().lanes.at(1).noted, 2U) << "it only goes up";
}

TEST(Fold, ARefusedIdDoesNotMoveTheTakenMarkNorEndTheFirstBearersCase) {
  Fed feed;
  ASSERT_TRUE(feed(1, 0, taken(5)));
  auto refused = outcome(1, 5, wire::EventKind::denied, {});
  refused.deny_reason = wire::DenyReason::id_not_increasing;
  ASSERT_TRUE(feed(1, 0, pack_outcome(refused)));
  EXPECT_EQ(feed.fold.state().cases.size(), 1U);
  refused.intent_id = 1'000'000;
  refused.record_number = 2;
  refused.deny_reason = wire::DenyReason::malformed;
  ASSERT_TRUE(feed(1, 0, pack_outcome(refused)));
  EXPECT_EQ(feed.fold.state().lanes.at(1).taken_mark, 5U);
}

TEST(Fold, HaltsLastUntilTheirOwnResume) {
  Fed feed;
  ASSERT_TRUE(feed(0, 0, Halted{{}, FixedString<48>{"by hand"}, Scope::all, {}}));
  ASSERT_TRUE(feed(0, 0,
                   AccountHalted{FixedString<24>{"alpha"},
                                 FixedString<40>{"bad key"},
                                 wire::VenueCode{"40037"},
                                 wire::CodeClass::fatal,
                                 {}}));
  ASSERT_EQ(feed.fold.state().halts.size(), 2U);
  ASSERT_TRUE(feed(0, 0, Resumed{{}, {}, Scope::all, {}}));
  ASSERT_EQ(feed.fold.state().halts.size(), 1U);
  EXPECT_TRUE(feed.fold.state().halts[0].by_venue);
  ASSERT_TRUE(feed(0, 0, Resumed{FixedString<24>{"alpha"}, {}, Scope::account, {}}));
  EXPECT_TRUE(feed.fold.state().halts.empty());
}

TEST(Fold, AnAccountHasTheUidThatWasToldLast) {
  Fed feed;
  const FixedString<24> alpha{"alpha"};
  EXPECT_TRUE(feed.fold.state().uids.empty()) << "as after a journal of an earlier version";
  ASSERT_TRUE(feed(0, 0, AccountUid{alpha, FixedString<24>{"1"}}));
  ASSERT_TRUE(feed(0, 0, AccountUid{FixedString<24>{"beta"}, FixedString<24>{"3"}}));
  ASSERT_TRUE(feed(0, 0, AccountUid{alpha, FixedString<24>{"2"}}));
  EXPECT_EQ(feed.fold.state().uids.at(alpha).body.uid.view(), "2");
  ASSERT_TRUE(feed(0, 0, AccountUid{alpha, {}}));
  EXPECT_FALSE(feed.fold.state().uids.contains(alpha)) << "the venue does not tell it any more";
  EXPECT_EQ(feed.fold.state().uids.size(), 1U);
}

TEST(Fold, ALaneKeepsItsName) {
  Fed feed;
  ASSERT_TRUE(feed(1, 0, lane_opened("main")));
  EXPECT_TRUE(feed(1, 0, lane_opened("main")));
  EXPECT_FALSE(feed(1, 0, lane_opened("other")));
}

TEST(Fold, ACheckpointGivesTheSameStateAgain) {
  Fed feed;
  ASSERT_TRUE(feed(0, 0, Started{1, 2, FixedString<8>{"bh"}, FixedString<16>{"1.0"}, 0, 0, {}, 99, 7, {}}));
  ASSERT_TRUE(feed(1, 0, lane_opened()));
  ASSERT_TRUE(feed(2, 0, lane_opened("second")));
  ASSERT_TRUE(feed(1, 0, taken(1)));
  ASSERT_TRUE(feed(2, 0, ShotTaken{taken(3)}));
  ASSERT_TRUE(feed(1, 1, intended(2)));
  ASSERT_TRUE(feed(1, 2, intended(3)));
  ASSERT_TRUE(feed(1, 2, Sent{3, 1, 2, 300, 4, {}}));
  ASSERT_TRUE(feed(1, 2, Learned{3, 3, 0, {}, {}, 500, 4, wire::CodeClass::none, {}}));
  ASSERT_TRUE(feed.tell(1, 2, 1, 3, wire::EventKind::unknown));
  ASSERT_TRUE(feed(1, 3, intended(4)));
  ASSERT_TRUE(feed(1, 3, Voided{4, 11, wire::DenyReason::not_written, {}}));
  ASSERT_TRUE(feed(1, 4, intended(6)));
  ASSERT_TRUE(feed(1, 4, Settled{6, 1, 2, 3, 4, {}, wire::SettledResult::closed_only, 3, 2, 1, {}}));
  ASSERT_TRUE(feed(1, 4, Resolved{6, 1000, wire::SettledResult::closed_only, {}, FixedString<56>{"seen"}}));
  ASSERT_TRUE(feed(1, 5, intended(7)));
  ASSERT_TRUE(feed.tell(1, 5, 2, 7, wire::EventKind::unresolved));
  for (std::uint64_t n = 3; n <= 9; ++n) ASSERT_TRUE(feed.tell(1, 0, n, n + 10, wire::EventKind::denied));
  ASSERT_TRUE(feed(0, 0, Halted{FixedString<24>{"alpha"}, FixedString<48>{"by hand"}, Scope::account, {}}));
  ASSERT_TRUE(feed(0, 0, AccountUid{FixedString<24>{"alpha"}, FixedString<24>{"7000000001"}}));
  const std::vector<Record> checkpoint = feed.fold.checkpoint();
  Fold again{4};
  for (std::size_t at = 0; at < checkpoint.size(); at += checkpoint[at].parts()) {
    ASSERT_TRUE(is_valid(checkpoint[at]));
    ASSERT_EQ(checkpoint[at].number, at + 1);
    ASSERT_TRUE(again.apply_checkpoint(std::span{checkpoint}.subspan(at, checkpoint[at].parts())));
  }
  EXPECT_EQ(checkpoint.back().kind, Kind::checkpoint_end);
  EXPECT_EQ(test::describe(again.state()), test::describe(feed.fold.state()));
  EXPECT_EQ(again.state().names.all(), feed.fold.state().names.all());
  ASSERT_EQ(again.state().names.all().size(), 1U);
  EXPECT_EQ(again.state().names.all().front().last_sequence, 5U);
}

}  // namespace
}  // namespace backhand::journal
