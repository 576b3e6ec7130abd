// What an intent is told and what is recorded of it while it waits or is denied, also where the disk stands
// still, a strategy floods, or time passes that our clock does not count.
#include <algorithm>
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include "gateway/engine/journal_room.hpp"
#include "tests/gateway/engine/gateway_world.hpp"

namespace backhand::test {
namespace {

using wire::DenyReason;
using wire::EventKind;

TEST(Queued, IsToldOnceHoweverOftenAConnectionIsMissing) {
  WorldSettings settings;
  settings.symbols = 16;
  settings.pacing = "requests_per_second = 2";
  GatewayWorld world{settings};
  world.start();
  ASSERT_TRUE(world.engine->ready());
  for (std::uint32_t symbol = 0; symbol < 16; ++symbol) ASSERT_TRUE(world.push(0, world.reversal(0, symbol)));
  // A connection comes and goes: each intent gets its rate slot, finds no connection, and is submitted again.
  for (int i = 0; i < 400; ++i) {
    world.connections_taken = i % 4 != 0;
    world.pass(20 * kMillisecond);
  }
  world.connections_taken = false;
  world.pass(5 * kSecond);
  std::multiset<std::uint64_t> queued;
  for (const wire::Outcome& out : world.told(0, EventKind::queued)) queued.insert(out.intent_id);
  EXPECT_GT(queued.size(), 5U);
  for (const std::uint64_t id : queued) EXPECT_EQ(queued.count(id), 1U) << "intent " << id;
}

TEST(JournalRoom, AFullRingMakesIntentsWaitAndNothingFails) {
  WorldSettings settings;
  settings.strategies = 3;
  settings.gateway = "max_lanes = 8";
  settings.hot_records = 1'024;
  GatewayWorld world{settings};
  world.start();
  world.disk_stands = true;
  bool held_back = false;
  // Three strategies at the default limit of 100 intents a second; the disk stands still for 18 s.
  for (int i = 0; i < 18 * 100; ++i) {
    for (std::uint16_t lane = 0; lane < 3; ++lane) {
      wire::Intent intent = world.reversal(lane, 0);
      intent.symbol = wire::SymbolName{"NOSUCH"};
      if (!world.push(lane, intent)) {
        held_back = true;
        --world.next_ids[lane];
      }
    }
    (void)world.push(0, world.reversal(0, static_cast<std::uint32_t>(i) % 4));
    world.pass(10 * kMillisecond);
  }
  EXPECT_TRUE(held_back);
  EXPECT_GE(world.count(engine::EngineEvent::journal_behind), 1U) << "an operator is told";
  EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U);
  world.disk_stands = false;
  world.pass(kSecond);
  const std::size_t before = world.trades;
  for (std::uint32_t symbol = 0; symbol < 4; ++symbol) EXPECT_TRUE(world.push(0, world.reversal(0, symbol)));
  world.pass(2 * kSecond);
  EXPECT_GT(world.trades, before) << "it goes on when the disk is back";
}

TEST(JournalRoom, ALaneIsServedOnlyWithItsNameOnRecord) {
  WorldSettings settings;
  settings.strategies = 2;
  settings.gateway = "max_lanes = 8";
  settings.hot_records = 256;
  GatewayWorld world{settings};
  world.start();
  world.disk_stands = true;
  // Lane 1 is new to the journal after this: its strategy attached before anything was recorded of it.
  for (int i = 0; i < 2'000; ++i) {
    wire::Intent intent = world.reversal(0, 0);
    intent.symbol = wire::SymbolName{"NOSUCH"};
    if (!world.push(0, intent)) break;
    if (i % 50 == 0) world.pass(kSecond);
  }
  const LaneIndex fresh{7};
  const bool served = world.engine->on_lane_opened(fresh, StrategyIndex{1}, journal::StrategyName{"s1"},
                                                   journal::LaneName{"new"}, world.now);
  EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U);
  EXPECT_TRUE(served) << "a lane's name has its room";
  world.disk_stands = false;
  world.pass(kSecond);
  wire::Intent intent = world.reversal(1, 0);
  world.engine->on_intent(fresh, intent, world.now);
  world.pass(kSecond);
  world.kill();
  world.now += 30 * kSecond;
  world.start();
  ASSERT_TRUE(world.engine->lanes().is_open(fresh)) << "the lane's name is on record";
  EXPECT_EQ(world.engine->lanes().taken_mark(fresh), intent.id) << "its strategy would push the id again";
}

TEST(JournalRoom, AHaltAndAStartWithManyWaitingIntents) {
  constexpr std::uint32_t kWaiting = 7'000;
  WorldSettings settings;
  settings.gateway = "max_open_intents = 8192\nlane_capacity = 65536\nmax_lanes = 16";
  settings.strategy = "when_busy = \"wait\"\nintents_per_second = 100000";
  const auto fill = [&](GatewayWorld& world) {
    world.answers = false;  // The first stays without an answer, so that all others wait for its position.
    for (std::uint32_t i = 0; i <= kWaiting; ++i) {
      ASSERT_TRUE(world.push(0, world.reversal(0, 0)));
      if (i % 500 == 0) world.pass(kMillisecond);
    }
    world.pass(kMillisecond);
    world.disk_stands = true;
  };
  {
    GatewayWorld world{settings};
    world.start();
    fill(world);
    (void)world.engine->halt("now", world.now);
    EXPECT_EQ(world.told(0, EventKind::denied).size(), kWaiting);
    EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U);
    EXPECT_TRUE(world.engine->halted());
  }
  GatewayWorld world{settings};
  world.start();
  fill(world);
  world.kill();
  world.lanes[0].clear();
  world.answers = true;
  world.disk_stands = false;
  world.start();
  world.attach(0, 0);
  world.pass(kSecond);
  EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U);
  const auto restarted = std::count_if(world.offered.begin(), world.offered.end(), [](const auto& out) {
    return out.kind == EventKind::denied && out.deny_reason == DenyReason::restarted;
  });
  EXPECT_EQ(restarted, kWaiting) << "each is told once, however many there were";
}

TEST(JournalRoom, TheRingHoldsWhatTheConfigurationMayOwe) {
  WorldSettings settings;
  const GatewayWorld world{settings};
  const std::uint64_t records = engine::journal_records(world.config, 0, journal::kMostHotRecords);
  EXPECT_GE(records, engine::kWaitingRecords * world.config.gateway.max_open_intents);
  EXPECT_EQ(engine::journal_records(world.config, 0, 16'384), 16'384U) << "never more than a segment holds";
  EXPECT_GE(engine::journal_records(world.config, 50'000, journal::kMostHotRecords),
            50'000 * engine::kIntentRecords);
}

struct Flood {
  const char* name;
  std::function<void(GatewayWorld&, wire::Intent&)> spoil;
};

TEST(Flood, OfAnyDenialCostsTheJournalLittleAndOthersNothing) {
  const std::vector<Flood> floods{
      {"deadline_passed", [](GatewayWorld& w, wire::Intent& i) { i.deadline_ns = w.now - kSecond; }},
      {"deadline_too_far",
       [](GatewayWorld& w, wire::Intent& i) { i.deadline_ns = w.now + GatewayWorld::kUnixBase_ns; }},
      {"unknown_instrument", [](GatewayWorld&, wire::Intent& i) { i.symbol = wire::SymbolName{"NOSUCH"}; }},
      {"unknown_account", [](GatewayWorld&, wire::Intent& i) { i.account = wire::AccountName{"nobody"}; }},
      {"malformed", [](GatewayWorld&, wire::Intent& i) { i.priority = 99; }},
      {"no_such_target",
       [](GatewayWorld&, wire::Intent& i) {
         i.kind = wire::IntentKind::withdraw;
         i.target_id = i.id - 1;
       }},
      {"fire of nothing",
       [](GatewayWorld&, wire::Intent& i) {
         i.kind = wire::IntentKind::fire;
         i.target_id = i.id - 1;
       }},
      {"wrong side",
       [](GatewayWorld&, wire::Intent& i) { i.position_side = wire::PositionSide::short_side; }},
      {"size_not_allowed",
       [](GatewayWorld&, wire::Intent& i) {
         i.flags |= wire::kHasSize;
         i.size_digits = 1;
       }},
  };
  WorldSettings settings;
  settings.strategies = 2;
  // Not even the flood limit helps.
  settings.strategy = "intents_per_second = 100000\nreversals_per_position_minute = 10000";
  GatewayWorld world{settings};
  world.start();
  ASSERT_TRUE(world.engine->ready());
  std::size_t good = 0;
  for (const Flood& flood : floods) {
    const std::uint64_t before = world.journal->durable_number();
    const Ns begun = world.now;
    for (int i = 0; i < 10'000; ++i) {
      wire::Intent intent = world.reversal(0, 0);
      intent.id += 1'000'000;
      flood.spoil(world, intent);
      ASSERT_TRUE(world.push(0, intent)) << flood.name;
      if (i % 1'000 == 0) {
        EXPECT_TRUE(world.push(1, world.reversal(1, 1)));
        ++good;
        world.pass(kSecond);
      }
    }
    const auto seconds = static_cast<std::uint64_t>((world.now - begun) / kSecond) + 1;
    EXPECT_LE(world.journal->durable_number() - before, seconds * 100 * 3 + 10 * 30) << flood.name;
    EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U) << flood.name;
    world.lanes[0].clear();
  }
  EXPECT_EQ(world.told(1, EventKind::settled).size(), good) << "the other strategy notices nothing";
}

TEST(Flood, TheLimitStandsBeforeTheDeadlines) {
  WorldSettings settings;
  settings.strategy = "intents_per_second = 5";
  GatewayWorld world{settings};
  world.start();
  for (int i = 0; i < 20; ++i) {
    wire::Intent intent = world.reversal(0, 0);
    intent.deadline_ns = world.now - 1;
    ASSERT_TRUE(world.push(0, intent));
  }
  std::size_t flooded = 0;
  for (const wire::Outcome& out : world.told(0, EventKind::denied))
    flooded += out.deny_reason == DenyReason::too_many_intents ? 1 : 0;
  EXPECT_EQ(flooded, 15U);
}

TEST(Resume, OfARefusedAccountAsOftenAsSomebodyLikes) {
  WorldSettings settings;
  settings.accounts = 2;
  GatewayWorld world{settings};
  world.start();
  world.exchange.set_unified(0, true);
  world.pass(3 * kSecond);
  for (int i = 0; i < 600; ++i) {
    (void)world.engine->resume_account(AccountIndex{0}, "again", world.now);
    if (i % 3 == 0) world.answers = !world.answers;  // Some are asked anew before an answer has come.
    world.pass(50 * kMillisecond);
  }
  world.answers = true;
  world.exchange.set_unified(0, false);
  (void)world.engine->resume_account(AccountIndex{0}, "again", world.now);
  world.pass(10 * kSecond);
  EXPECT_EQ(world.engine->account(AccountIndex{0}).phase, engine::AccountPhase::ready);
  EXPECT_EQ(world.engine->account(AccountIndex{1}).phase, engine::AccountPhase::ready);
  EXPECT_EQ(world.count(engine::EngineEvent::journal_failed), 0U);
}

class DayCounts : public ::testing::Test {
 protected:
  /// Sends three at 23:30 and starts again after `pause`; what the fourth is told.
  DenyReason fourth_after(Ns pause) {
    WorldSettings settings;
    settings.strategy = "reversals_per_position_day = 3\nreversals_per_position_minute = 1000";
    GatewayWorld world{settings};
    const Ns of_day = (GatewayWorld::kUnixBase_ns + world.now) % (24 * kHour);
    world.now += 23 * kHour + kHour / 2 - of_day;
    world.start();
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(world.push(0, world.reversal(0, 0)));
      world.pass(5 * kSecond);
    }
    EXPECT_EQ(world.trades, 3U);
    world.kill();
    world.now += pause;
    world.start();
    EXPECT_TRUE(world.push(0, world.reversal(0, 0)));
    const auto denied = world.told(0, EventKind::denied);
    return denied.empty() ? DenyReason::none : denied[0].deny_reason;
  }
  static constexpr Ns kHour = 3'600 * kSecond;
};

TEST_F(DayCounts, GoOnOverARestartAndMidnight) {
  EXPECT_EQ(fourth_after(10 * kSecond), DenyReason::too_many_reversals);
  EXPECT_EQ(fourth_after(kHour), DenyReason::too_many_reversals) << "a new day, but not 24 hours later";
  EXPECT_EQ(fourth_after(22 * kHour), DenyReason::too_many_reversals);
}

TEST_F(DayCounts, EndADayLaterOverARestart) {
  EXPECT_EQ(fourth_after(26 * kHour), DenyReason::none);
  EXPECT_EQ(fourth_after(72 * kHour), DenyReason::none);
}

TEST(Recall, LastsAsLongAsALostRequestMayStillArrive) {
  WorldSettings settings;
  settings.pacing = "no_reply_hold_ms = 20000\nrequests_per_second = 1";
  GatewayWorld world{settings};
  world.start();
  world.answers = false;
  ASSERT_TRUE(world.push(0, world.reversal(0, 0)));
  ASSERT_EQ(world.trades, 1U);
  world.pass(kSecond);
  world.kill();
  world.now += 8 * kSecond;
  world.answers = true;
  world.start();
  world.pass(kSecond);
  ASSERT_TRUE(world.push(0, world.reversal(0, 1)));
  EXPECT_EQ(world.trades, 1U) << "the venue may still count the one before";
  EXPECT_EQ(world.told(0, EventKind::sent).size(), 1U);
}

TEST(TimeLost, AnIntentIsNeverSentAfterItsDeadline) {
  WorldSettings settings;
  settings.symbols = 5;
  settings.pacing = "requests_per_second = 1";
  GatewayWorld world{settings};
  world.start();
  ASSERT_TRUE(world.push(0, world.reversal(0, 0)));
  ASSERT_EQ(world.trades, 1U);
  wire::Intent waits = world.reversal(0, 1);
  waits.deadline_ns = world.now + 3 * kSecond;
  ASSERT_TRUE(world.push(0, waits));
  wire::Intent lies_in_its_lane = world.reversal(0, 2);
  lies_in_its_lane.deadline_ns = world.now + 5 * kSecond;
  wire::Intent has_time = world.reversal(0, 3);
  has_time.deadline_ns = world.now + 25 * kSecond;
  // The machine stands still for 12 s, and its clock with it.
  world.lost += 12 * kSecond;
  world.engine->on_time_lost(12 * kSecond, world.now);
  ASSERT_TRUE(world.push(0, lies_in_its_lane));
  world.pass(2 * kMillisecond);  // Two probes that agree prove the venue's clock anew.
  ASSERT_TRUE(world.push(0, has_time));
  world.pass(20 * kMillisecond);
  const wire::Intent fresh = world.reversal(0, 4);
  ASSERT_TRUE(world.push(0, fresh));
  world.pass(4 * kSecond);
  std::set<std::uint64_t> sent;
  for (const wire::Outcome& out : world.told(0, EventKind::sent)) sent.insert(out.intent_id);
  EXPECT_FALSE(sent.contains(waits.id));
  EXPECT_FALSE(sent.contains(lies_in_its_lane.id));
  EXPECT_TRUE(sent.contains(has_time.id));
  EXPECT_TRUE(sent.contains(fresh.id));
  EXPECT_GE(world.count(engine::EngineEvent::clock_stepped), 1U);
}

TEST(TimeLost, IsLearntFromTheVenueWhereNoClockOfOursSawIt) {
  WorldSettings settings;
  settings.pacing = "requests_per_second = 1";
  GatewayWorld world{settings};
  world.start();
  ASSERT_TRUE(world.push(0, world.reversal(0, 0)));
  wire::Intent waits = world.reversal(0, 1);
  waits.deadline_ns = world.now + 3 * kSecond;
  ASSERT_TRUE(world.push(0, waits));
  world.lost += 12 * kSecond;  // Nobody tells; the venue's next reply does.
  world.pass(4 * kSecond);
  EXPECT_EQ(world.trades, 1U);
}

}  // namespace
}  // namespace backhand::test
