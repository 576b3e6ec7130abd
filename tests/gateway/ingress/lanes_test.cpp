#include "gateway/ingress/lanes.hpp"

#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/ingress/raw_lane.hpp"

namespace backhand::ingress::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using wire::EventKind;

PublishResult publish(LaneSet& set, LaneIndex lane, wire::Outcome outcome) {
  return set.publish(lane, outcome);
}

TEST(LaneSet, TakesWhatIsPushedInOrderAndAnswersOnTheSameLane) {
  const auto set = make_set(small_lanes());
  RawLane one = attach(*set, "one");
  RawLane two = attach(*set, "two");
  ASSERT_EQ(one.answer.kind, LaneAnswer::Kind::attached);
  EXPECT_NE(one.lane(), two.lane());
  ASSERT_TRUE(one.push(1) && one.push(2) && two.push(1));
  const auto taken = drain(*set);
  EXPECT_EQ(std::count(taken.begin(), taken.end(), Taken{one.lane(), 1}), 1);
  EXPECT_EQ(std::count(taken.begin(), taken.end(), Taken{one.lane(), 2}), 1);
  EXPECT_EQ(std::count(taken.begin(), taken.end(), Taken{two.lane(), 1}), 1);
  EXPECT_EQ(publish(*set, two.lane(), event(1, EventKind::settled, 1)), PublishResult::ok);
  EXPECT_TRUE(one.poll().empty()) << "a strategy must see only its own outcomes";
  const auto told = two.poll();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].event_number, 1U);
  EXPECT_EQ(set->open(one.lane()), 2U);
  EXPECT_EQ(set->open(two.lane()), 0U);
  EXPECT_EQ(set->taken_mark(one.lane()), 2U);
}

TEST(LaneSet, RaisesTheTakenMarkOnlyAfterTheSinkSawTheOldOne) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  ASSERT_TRUE(raw.push(5) && raw.push(3) && raw.push(9));
  std::vector<std::uint64_t> marks;
  set->drain(10,
             [&](LaneIndex lane, const wire::Intent&) noexcept { marks.push_back(set->taken_mark(lane)); });
  EXPECT_THAT(marks, ElementsAre(0, 5, 5));
  EXPECT_EQ(set->taken_mark(raw.lane()), 9U);
}

TEST(LaneSet, LeavesAnIntentInTheRingUntilItsEventsHaveRoom) {
  // 64 slots hold the six events of ten intents; the eleventh must wait.
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(raw.push(id));
  EXPECT_EQ(drain_turns(*set, 5).size(), 10U);
  EXPECT_GT(set->counters(raw.lane()).held_back, 0U);
  // One out, one in, as long as the slots of what nobody polled leave 6 × 10: four times.
  for (std::uint64_t done = 1; done <= 4; ++done) {
    EXPECT_EQ(publish(*set, raw.lane(), event(done, EventKind::denied)), PublishResult::ok);
    EXPECT_EQ(drain_turns(*set, 5).size(), 1U) << done;
  }
  EXPECT_EQ(publish(*set, raw.lane(), event(5, EventKind::denied)), PublishResult::ok);
  EXPECT_EQ(drain_turns(*set, 5).size(), 0U) << "5 + 6 × 10 > 64";
  EXPECT_EQ(raw.poll().size(), 5U);
  EXPECT_EQ(drain_turns(*set, 5).size(), 1U);
}

TEST(LaneSet, ASlowStrategyNeverLosesAnEventOfAnIntent) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    std::mt19937_64 random(seed);
    const auto set = make_set(small_lanes());
    RawLane raw = attach(*set, "one");
    std::map<std::uint64_t, int> published;  // Events so far, by open intent.
    std::uint64_t expected = 0;
    std::uint64_t received = 0;
    std::uint64_t next_id = 1;
    std::uint64_t terminals = 0;
    for (int step = 0; step < 4'000; ++step) {
      switch (random() % 8) {
        case 0:
        case 1:
          if (raw.push(next_id)) ++next_id;
          break;
        case 2:
        case 3:
          for (const Taken& one : drain(*set, 1 + random() % 8)) published[one.id] = 0;
          break;
        case 4:
          if (random() % 4 == 0) received += raw.poll().size();
          break;
        case 5: {
          wire::Outcome notice = event(0, EventKind::notice);
          if (set->publish(raw.lane(), notice) == PublishResult::ok) ++expected;
          break;
        }
        default: {
          if (published.empty()) break;
          auto at = published.begin();
          std::advance(at, static_cast<std::ptrdiff_t>(random() % published.size()));
          const bool last = ++at->second == 6 || random() % 3 == 0;
          ASSERT_EQ(publish(*set, raw.lane(), event(at->first, last ? EventKind::settled : EventKind::sent)),
                    PublishResult::ok)
              << "an event of an intent found no room; seed " << seed << " step " << step;
          ++expected;
          if (last) {
            ++terminals;
            published.erase(at);
          }
        }
      }
    }
    received += raw.poll().size();
    EXPECT_EQ(received, expected) << "seed " << seed;
    EXPECT_GT(terminals, 50U) << "the test itself got stuck; seed " << seed;
    EXPECT_EQ(set->counters(raw.lane()).lost, 0U);
  }
}

TEST(LaneSet, DropsNoticesRatherThanRoomOfOpenIntentsAndLeavesAGap) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  for (std::uint64_t id = 1; id <= 10; ++id) ASSERT_TRUE(raw.push(id));
  ASSERT_EQ(drain_turns(*set, 5).size(), 10U);
  int fitted = 0;
  while (publish(*set, raw.lane(), event(0, EventKind::notice)) == PublishResult::ok) ++fitted;
  EXPECT_EQ(fitted, 4) << "64 - 6 × 10";
  EXPECT_EQ(set->counters(raw.lane()).dropped, 1U);
  EXPECT_EQ(publish(*set, raw.lane(), event(1, EventKind::settled)), PublishResult::ok);
  const auto told = raw.poll();
  ASSERT_EQ(told.size(), 5U);
  EXPECT_EQ(told[3].event_number, 4U);
  EXPECT_EQ(told[4].event_number, 6U) << "the dropped notice must be seen as a gap";
}

TEST(LaneSet, AReplayThatFindsNoRoomLeavesNoGap) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  wire::Outcome replay = event(1, EventKind::settled, 1);
  while (set->offer(raw.lane(), replay) == PublishResult::ok) replay.record_number++;
  EXPECT_EQ(raw.poll().size(), 64U);
  EXPECT_EQ(set->offer(raw.lane(), replay), PublishResult::ok);
  EXPECT_EQ(raw.poll().at(0).event_number, 65U);
  EXPECT_EQ(set->counters(raw.lane()).dropped, 0U);
  EXPECT_EQ(set->last_record(raw.lane()), 65U);
}

TEST(LaneSet, KeepsIdentityMarksAndOpenIntentsOverAReattach) {
  const auto set = make_set(small_lanes());
  RawLane first = attach(*set, "one");
  ASSERT_TRUE(first.push(1) && first.push(2));
  ASSERT_EQ(drain(*set).size(), 2U);
  EXPECT_EQ(publish(*set, first.lane(), event(1, EventKind::unknown, 1)), PublishResult::ok);
  const auto changes = close(*set, first);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].kind, LaneChange::Kind::detached);
  EXPECT_FALSE(set->attached(first.lane()));
  EXPECT_EQ(publish(*set, first.lane(), event(2, EventKind::settled, 2)), PublishResult::detached);
  EXPECT_EQ(set->open(first.lane()), 1U) << "a terminal event closes its intent, whoever hears it";
  RawLane second = attach(*set, "one", 0, 1);
  ASSERT_EQ(second.answer.kind, LaneAnswer::Kind::released) << "the old memory comes back first";
  ASSERT_TRUE(set->port().take(second.answer));
  ASSERT_EQ(second.answer.kind, LaneAnswer::Kind::attached);
  EXPECT_EQ(second.lane(), first.lane());
  EXPECT_EQ(second.answer.taken_mark, 2U);
  EXPECT_EQ(second.answer.last_record, 2U);
  ASSERT_EQ(second.changes.size(), 1U);
  EXPECT_EQ(second.changes[0].cursor, 1U);
  EXPECT_EQ(publish(*set, second.lane(), event(1, EventKind::settled, 3)), PublishResult::ok);
  EXPECT_EQ(second.poll().at(0).event_number, 1U) << "event numbers start anew with each attach";
}

/// What a strategy has noted outlives its attachment, and only what it noted of what there is.
TEST(LaneSet, TellsWhatIsOwedFromWhatWasNotedOn) {
  const auto set = make_set(small_lanes());
  const auto owed_after = [&](std::uint64_t cursor, std::uint64_t noted) {
    RawLane raw = attach(*set, "one", 0, cursor);
    while (raw.answer.kind != LaneAnswer::Kind::attached) EXPECT_TRUE(set->port().take(raw.answer));
    const std::uint64_t begins = raw.changes.at(0).cursor;
    EXPECT_EQ(raw.answer.cursor, begins) << "the strategy counts from where the gateway replays";
    raw.view.header->noted.store(noted);
    EXPECT_EQ(close(*set, raw).at(0).noted, set->noted(raw.lane()));
    return begins;
  };
  {
    RawLane raw = attach(*set, "one", 0, wire::kCursorOwed);
    for (std::uint64_t n = 1; n <= 5; ++n)
      EXPECT_EQ(publish(*set, raw.lane(), event(n, EventKind::settled, n)), PublishResult::ok);
    EXPECT_EQ(close(*set, raw).at(0).noted, 0U) << "published and polled is not dealt with";
  }
  EXPECT_EQ(owed_after(wire::kCursorOwed, 3), 0U);
  EXPECT_EQ(owed_after(wire::kCursorOwed, 3), 3U);
  EXPECT_EQ(owed_after(wire::kCursorOwed, 1), 3U) << "it never goes down";
  EXPECT_EQ(owed_after(wire::kCursorOwed, 6), 3U) << "a mark beyond the last record is nonsense";
  EXPECT_EQ(owed_after(wire::kCursorAll, 0), 0U) << "everything can still be asked for";
  EXPECT_EQ(owed_after(2, 2), 2U);
  EXPECT_EQ(owed_after(wire::kCursorNow, 5), 5U);
  EXPECT_EQ(owed_after(wire::kCursorOwed, 5), 5U);
}

TEST(LaneSet, RefusesAStrategyThatHasSeenMoreThanTheJournalKnows) {
  const auto set = make_set(small_lanes());
  ASSERT_TRUE(set->restore({.strategy = StrategyIndex{0},
                            .name = wire::LaneName("one"),
                            .lane = LaneIndex{0},
                            .taken_mark = 4,
                            .last_record = 7,
                            .open = 0}));
  RawLane ahead = attach(*set, "one", 0, 8);
  ASSERT_EQ(ahead.answer.kind, LaneAnswer::Kind::refused) << "it would take ids again that were executed";
  EXPECT_EQ(ahead.answer.status, wire::AttachStatus::journal_behind);
  EXPECT_TRUE(ahead.changes.empty());
  RawLane fresh = attach(*set, "new", 0, 1);
  EXPECT_EQ(fresh.answer.status, wire::AttachStatus::journal_behind) << "a lost journal knows no lane at all";
  RawLane now = attach(*set, "new", 0, wire::kCursorNow);
  EXPECT_EQ(now.answer.kind, LaneAnswer::Kind::attached);
  RawLane even = attach(*set, "one", 0, 7);
  EXPECT_EQ(even.answer.kind, LaneAnswer::Kind::attached);
  EXPECT_EQ(even.answer.taken_mark, 4U);
}

TEST(LaneSet, AnIntentWithoutATerminalEventOfItsOwnCanBeClosed) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  ASSERT_TRUE(raw.push(1));
  ASSERT_EQ(drain(*set).size(), 1U);
  set->close_intent(raw.lane());
  EXPECT_EQ(set->open(raw.lane()), 0U);
}

TEST(LaneSet, GivesRestoredLanesTheirNumbersBack) {
  const auto set = make_set(small_lanes());
  RestoredLane old;
  old.strategy = StrategyIndex{1};
  old.name = wire::LaneName("main");
  old.lane = LaneIndex{5};
  old.taken_mark = 77;
  old.last_record = 12;
  old.open = 2;
  ASSERT_TRUE(set->restore(old).has_value());
  EXPECT_THAT(set->restore(old).error().message, HasSubstr("has the number of lane"));
  old.lane = LaneIndex{8};
  EXPECT_THAT(set->restore(old).error().message, HasSubstr("max_lanes is 8"));
  const RawLane other = attach(*set, "main", 0);
  EXPECT_EQ(other.lane().value, 0U) << "the same name under another strategy is another lane";
  const RawLane same = attach(*set, "main", 1);
  EXPECT_EQ(same.lane().value, 5U);
  EXPECT_EQ(same.answer.taken_mark, 77U);
  EXPECT_EQ(same.answer.last_record, 12U);
  EXPECT_EQ(set->open(same.lane()), 2U);
}

TEST(LaneSet, RefusesASecondAttachAndTooManyNames) {
  const auto set = make_set(small_lanes());
  const RawLane first = attach(*set, "one", 2);
  const RawLane again = attach(*set, "one", 2);
  EXPECT_EQ(again.answer.kind, LaneAnswer::Kind::refused);
  EXPECT_EQ(again.answer.status, wire::AttachStatus::already_attached);
  EXPECT_NE(again.answer.memory, nullptr) << "the memory must come back to be unmapped elsewhere";
  const RawLane other = attach(*set, "two", 2);
  EXPECT_EQ(other.answer.status, wire::AttachStatus::too_many_lanes) << "this strategy may have one";
  for (int i = 0; i < 7; ++i)
    ASSERT_EQ(attach(*set, "lane" + std::to_string(i)).answer.kind, LaneAnswer::Kind::attached) << i;
  EXPECT_EQ(attach(*set, "lane8").answer.status, wire::AttachStatus::too_many_lanes) << "eight in all";
  EXPECT_TRUE(set->attached(first.lane()));
}

TEST(LaneSet, NoStrategyTakesTheNamesThatAreKeptForOthersAndTheOperator) {
  LaneSettings settings = small_lanes();
  settings.max_lanes_of = {8, 8};
  settings.kept_for_each = 2;
  const auto set = make_set(settings);
  const auto kind = [&set](const std::string& name, std::uint16_t strategy) {
    return attach(*set, name, strategy).answer.kind;
  };
  for (int i = 0; i < 5; ++i) ASSERT_EQ(kind("lane" + std::to_string(i), 0), LaneAnswer::Kind::attached) << i;
  EXPECT_EQ(kind("lane5", 0), LaneAnswer::Kind::refused)
      << "three of eight are left: its operator's, two of the other";
  EXPECT_EQ(kind("cli", 0), LaneAnswer::Kind::attached);
  EXPECT_EQ(kind("lane5", 0), LaneAnswer::Kind::refused);
  EXPECT_EQ(kind("main", 1), LaneAnswer::Kind::attached);
  EXPECT_EQ(kind("second", 1), LaneAnswer::Kind::refused) << "the last one is its operator's";
  EXPECT_EQ(kind("cli", 1), LaneAnswer::Kind::attached);
}

TEST(LaneSet, ANameThatCannotBeRecordedIsRefusedAndTakesNoPlace) {
  const auto set = make_set(small_lanes());
  const RawLane known = attach(*set, "known", 0);
  ASSERT_EQ(known.answer.kind, LaneAnswer::Kind::attached);
  set->refuse_new_names();
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(attach(*set, "new" + std::to_string(i), 0).answer.status, wire::AttachStatus::journal_failed);
  EXPECT_EQ(attach(*set, "known", 0).answer.status, wire::AttachStatus::already_attached)
      << "a lane on record is served as before";
}

TEST(LaneSet, TheOperatorsLaneIsBesideAStrategysOwn) {
  const auto set = make_set(small_lanes());
  EXPECT_EQ(attach(*set, "one", 2).answer.kind, LaneAnswer::Kind::attached);
  EXPECT_EQ(attach(*set, "two", 2).answer.status, wire::AttachStatus::too_many_lanes);
  EXPECT_EQ(attach(*set, "cli", 2).answer.kind, LaneAnswer::Kind::attached)
      << "a strategy that has used up its names must still be helped by hand";
}

TEST(LaneSet, ASmallBudgetReachesEveryLane) {
  const auto set = make_set(small_lanes(64));
  std::vector<RawLane> lanes;
  for (int i = 0; i < 40; ++i) lanes.push_back(attach(*set, "lane" + std::to_string(i)));
  std::vector<std::uint64_t> next(lanes.size(), 1);
  std::map<std::uint16_t, int> taken;
  // All flood; every intent is answered at once, so that only the order of looking decides.
  for (int turn = 0; turn < 4'000; ++turn) {
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (lanes[i].push(next[i])) ++next[i];
    for (const Taken& one : drain(*set, 1)) {
      ++taken[one.lane.value];
      ASSERT_EQ(publish(*set, one.lane, event(one.id, EventKind::denied)), PublishResult::ok);
    }
    for (RawLane& raw : lanes) (void)raw.poll();
  }
  for (const RawLane& raw : lanes)
    EXPECT_GT(taken[raw.lane().value], 0) << "lane " << raw.lane().value << " starved among floods";
}

TEST(LaneSet, AClearedDoorbellDelaysByAtMostOneRoundOfAllLanes) {
  const auto set = make_set(small_lanes(64));
  std::vector<RawLane> lanes;
  for (int i = 0; i < 64; ++i) lanes.push_back(attach(*set, "lane" + std::to_string(i)));
  auto* const words = reinterpret_cast<wire::DoorbellWord*>(lanes[0].doorbell.bytes());
  for (RawLane& victim : lanes) {
    ASSERT_TRUE(victim.push(1));
    words[0].store(0);
    std::size_t turns = 0;
    while (drain(*set).empty()) {
      ASSERT_LE(++turns, 64U) << "lane " << victim.lane().value;
      words[0].store(0);
    }
  }
}

TEST(LaneSet, ADoorbellFullOfLiesCostsABoundedNumberOfLooks) {
  const auto set = make_set(small_lanes(64));
  std::vector<RawLane> lanes;
  for (int i = 0; i < 40; ++i) lanes.push_back(attach(*set, "lane" + std::to_string(i)));
  auto* const words = reinterpret_cast<wire::DoorbellWord*>(lanes[0].doorbell.bytes());
  ASSERT_TRUE(lanes[39].push(1));
  std::size_t turns = 1;
  for (; drain(*set).empty(); ++turns) words[0].store(~std::uint64_t{0});
  EXPECT_LE(turns, 64U / 16U + 1U) << "sixteen looks a turn, in rotation";
}

TEST(LaneSet, RefusesSettingsThatMakeNoLane) {
  LaneSettings settings = small_lanes();
  settings.max_lanes = 0;
  EXPECT_FALSE(LaneSet::create(settings).has_value());
  settings = small_lanes();
  settings.geometry.intent_capacity = 48;
  EXPECT_THAT(LaneSet::create(settings).error().message, HasSubstr("power of two"));
}

}  // namespace
}  // namespace backhand::ingress::test
