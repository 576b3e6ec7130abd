// Who goes next, who is told what, and who is refused. If one of these fails, the wrong intent gets the slot,
// a strategy starves another, or an intent is sent too late.
#include "gateway/pacing/scheduler.hpp"

#include <map>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "queue_world.hpp"

namespace backhand::pacing::test {
namespace {

constexpr Ns kFar = 3'000 * kSecond;

/// Shares of two strategies of one account while both wait, the second pushing `flood` times as much.
double share_of_first(std::vector<std::uint32_t> weights, int flood) {
  QueueWorld world(one_account(std::move(weights)));
  // A burst can send ten in one turn, so "while both wait" means a dozen waiting of the slower one.
  std::map<std::uint16_t, std::uint64_t> served;
  std::size_t counted = 0;
  for (int i = 0; i < 3'000; ++i) {
    const auto waits = [&world](std::uint16_t s) { return world.pacer.room().size_of(StrategyIndex{s}); };
    while (waits(0) < 12) (void)world.submit(intent_of(0, kFar));
    for (int k = 0; k < flood && waits(1) < 2'000; ++k) (void)world.submit(intent_of(1, kFar));
    world.run_until(world.now + 100 * kMillisecond);
    for (; counted < world.served.size(); ++counted) ++served[world.served[counted].intent.strategy.value];
  }
  return static_cast<double>(served[0]) / static_cast<double>(served[0] + served[1]);
}

TEST(Scheduler, SharesFollowWeightsUnderAFlood) {
  EXPECT_NEAR(share_of_first({1, 1}, 100), 0.5, 0.5 * 0.05);
  EXPECT_NEAR(share_of_first({3, 1}, 100), 0.75, 0.75 * 0.05);
  EXPECT_NEAR(share_of_first({1, 4}, 100), 0.2, 0.2 * 0.05);
}

TEST(Scheduler, ATicketKnowsSinceWhenItCouldHaveGone) {
  Pacer pacer(one_account({1}));
  const Ns now = kSecond;
  std::uint32_t handle = 0;
  std::vector<Ticket> open;
  const auto submit = [&](Ns at) {
    Waiting intent = intent_of(0, kFar);
    intent.handle = handle++;
    Ticket ticket;
    const SubmitStatus status = pacer.submit(intent, at, ticket).status;
    if (status == SubmitStatus::ready) {
      EXPECT_EQ(ticket.opened_ns, at) << "it goes when it comes";
      open.push_back(ticket);
    }
    return status;
  };
  while (submit(now) == SubmitStatus::ready) {
  }
  Ns replied = now + kMillisecond;
  for (Ticket& ticket : open) pacer.on_reply(ticket, replied++);
  (void)submit(now + 2 * kMillisecond);
  const Ns slot = pacer.next_due(replied);
  ASSERT_GT(slot, now + kSecond);
  // A turn that is 3 ms late: both slots opened when they did, a nanosecond apart, not when they were seen.
  const Ns late = slot + 3 * kMillisecond;
  Waiting out;
  Ticket first;
  ASSERT_EQ(pacer.pop_due(late, out, first), Due::ready);
  EXPECT_EQ(first.opened_ns, slot);
  Ticket second;
  ASSERT_EQ(pacer.pop_due(late, out, second), Due::ready);
  EXPECT_EQ(second.opened_ns, slot + 1);
}

TEST(Scheduler, ASlotIsNotOlderThanTheIntentThatGetsIt) {
  Pacer pacer(one_account({1}));
  Ticket ticket;
  Waiting intent = intent_of(0, kFar);
  std::vector<Ticket> open;
  for (intent.handle = 0; pacer.submit(intent, kSecond, ticket).status == SubmitStatus::ready;
       ++intent.handle) {
    open.push_back(ticket);
  }
  for (Ticket& one : open) pacer.on_reply(one, kSecond);
  const Ns slot = pacer.next_due(kSecond);
  // It comes after the slot has opened and before anybody has looked, behind the one that waits already.
  ++intent.handle;
  ASSERT_EQ(pacer.submit(intent, slot + kMillisecond, ticket).status, SubmitStatus::queued);
  Waiting out;
  ASSERT_EQ(pacer.pop_due(slot + 2 * kMillisecond, out, ticket), Due::ready);
  EXPECT_EQ(ticket.opened_ns, slot);
  ASSERT_EQ(pacer.pop_due(slot + 2 * kMillisecond, out, ticket), Due::ready);
  EXPECT_EQ(ticket.opened_ns, slot + kMillisecond);
}

TEST(Scheduler, PlantedWeightsIgnoredIsSeen) {
  // What a scheduler without weights gives must lie outside the band of the test above.
  EXPECT_GT(std::abs(share_of_first({1, 1}, 100) - 0.75), 0.75 * 0.05);
}

/// Who was silent for long gets its share from now on, not its past.
TEST(Scheduler, AnIdleStrategyBanksNothing) {
  QueueWorld world(one_account({1, 1}));
  for (int i = 0; i < 500; ++i) (void)world.submit(intent_of(1, kFar));
  world.run_until(world.now + 20 * kSecond);
  const std::size_t before = world.served.size();
  for (int i = 0; i < 100; ++i) (void)world.submit(intent_of(0, kFar));
  world.run_until(world.now + 10 * kSecond);
  std::uint64_t of_late_comer = 0;
  for (std::size_t i = before; i < world.served.size(); ++i) {
    if (world.served[i].intent.strategy.value == 0) ++of_late_comer;
  }
  EXPECT_NEAR(static_cast<double>(of_late_comer) / static_cast<double>(world.served.size() - before), 0.5,
              0.02);
}

/// Random intents at random times; every choice is judged by the plain list.
std::uint64_t wrong_choices(QueuePlant plant, std::uint64_t seed) {
  QueueWorld world(one_account({1, 2, 5}), 5 * kMillisecond, plant);
  Random random(seed);
  for (int i = 0; i < 1'500; ++i) {
    (void)world.submit(intent_of(static_cast<std::uint16_t>(random.below(3)),
                                 world.now + static_cast<Ns>(random.below(20 * kSecond)),
                                 static_cast<std::uint8_t>(random.below(8))));
    world.run_until(world.now + static_cast<Ns>(random.below(150 * kMillisecond)));
    if (!world.waiting.empty() && random.below(10) == 0) {
      EXPECT_TRUE(world.withdraw(world.waiting[random.below(world.waiting.size())].handle));
    }
  }
  EXPECT_GT(world.served.size(), 500U);
  return world.wrong_order + world.late;
}

TEST(Scheduler, PriorityThenDeadlineAreExact) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(wrong_choices(QueuePlant::none, seed), 0U) << "seed " << seed;
  }
}

TEST(Scheduler, PlantedOrderBugsAreSeen) {
  EXPECT_GT(wrong_choices(QueuePlant::priority_inverted, 1), 0U);
  EXPECT_GT(wrong_choices(QueuePlant::deadline_order_ignored, 1), 0U);
  EXPECT_GT(wrong_choices(QueuePlant::deadline_not_looked_at, 1), 0U);
}

struct Overload {
  std::uint64_t late, at_once, expired, sent;
};

/// 10,000 intents, five times what the account may send, each with a second to live: nothing overtakes.
Overload overload(QueuePlant plant, Delay jitter, Ns to_live = kSecond) {
  QueueWorld world(one_account({1}), 5 * kMillisecond, plant, jitter);
  Random random(3);
  for (int i = 0; i < 10'000; ++i) {
    (void)world.submit(intent_of(0, world.now + to_live));
    world.run_until(world.now + static_cast<Ns>(random.below(40 * kMillisecond)));
  }
  world.run_until(world.now + 10 * kSecond);
  return {world.late, world.denied_at_once, world.expired, world.served.size()};
}

TEST(Scheduler, UnderOverloadDenialsComeAtOnceAndNothingIsLate) {
  const Overload steady = overload(QueuePlant::none, Delay::none);
  EXPECT_EQ(steady.late, 0U);
  EXPECT_EQ(steady.at_once + steady.expired + steady.sent, 10'000U);
  EXPECT_GE(static_cast<double>(steady.at_once), 0.99 * static_cast<double>(steady.at_once + steady.expired));
  EXPECT_GE(steady.sent, 1'900U) << "slots are wasted";
  for (const Delay jitter : {Delay::log_normal, Delay::pareto, Delay::bimodal, Delay::uniform}) {
    for (const Ns to_live : {kSecond, 3 * kSecond, 9 * kSecond}) {
      const Overload o = overload(QueuePlant::none, jitter, to_live);
      EXPECT_EQ(o.late, 0U);
      EXPECT_GE(static_cast<double>(o.at_once), 0.99 * static_cast<double>(o.at_once + o.expired))
          << "jitter " << static_cast<int>(jitter) << ", " << to_live << " ns to live";
    }
  }
}

TEST(Scheduler, PlantedDeadlineBugsAreSeen) {
  EXPECT_GT(overload(QueuePlant::deadline_not_looked_at, Delay::none).late, 0U);
  const Overload o = overload(QueuePlant::prediction_not_looked_at, Delay::none);
  EXPECT_EQ(o.late, 0U);
  EXPECT_LT(static_cast<double>(o.at_once), 0.99 * static_cast<double>(o.at_once + o.expired));
}

/// Predictions are the very times at which the intents then go, where nothing comes in between.
TEST(SchedulerProperty, PredictsExactlyWhereNothingOvertakes) {
  EXPECT_TRUE(rc::check([] {
    QueueWorld world(one_account({1, 3, 2}), *rc::gen::inRange<Ns>(0, 300 * kMillisecond));
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    // A first reply makes the round trip known.
    (void)world.submit(intent_of(0, kFar));
    world.run_until(world.now + 5 * kSecond);
    for (int i = 0; i < 60; ++i) {
      (void)world.submit(intent_of(static_cast<std::uint16_t>(random.below(3)),
                                   kFar + static_cast<Ns>(random.below(1'000)),
                                   static_cast<std::uint8_t>(random.below(3))));
      world.run_until(world.now + static_cast<Ns>(random.below(10 * kMillisecond)));
    }
    const SubmitResult last = world.submit(intent_of(static_cast<std::uint16_t>(random.below(3)), kFar + 500,
                                                     static_cast<std::uint8_t>(random.below(3))));
    RC_ASSERT(last.status == SubmitStatus::queued);
    const std::uint32_t handle = world.last_handle;
    world.run_until(world.now + 60 * kSecond);
    for (const Served& s : world.served) {
      if (s.intent.handle == handle && s.at >= last.predicted_ns - 60 * kSecond &&
          s.intent.deadline_ns == kFar + 500) {
        RC_ASSERT(s.at == last.predicted_ns);
        return;
      }
    }
    RC_FAIL("never served");
  }));
}

TEST(Scheduler, TellsAWorsePredictionOnceAndOnlyWhenItIsWorse) {
  QueueWorld world(one_account({1}));
  for (int i = 0; i < 10; ++i) ASSERT_EQ(world.submit(intent_of(0, kFar)).status, SubmitStatus::ready);
  world.run_until(world.now + 10 * kMillisecond);
  const SubmitResult low = world.submit(intent_of(0, kFar, 0));
  const std::uint32_t handle = world.last_handle;
  ASSERT_EQ(low.status, SubmitStatus::queued);
  world.run_until(world.now + 100 * kMillisecond);
  EXPECT_TRUE(world.corrections.empty());
  for (int i = 0; i < 15; ++i) (void)world.submit(intent_of(0, kFar, 3));
  world.run_until(world.now + 100 * kMillisecond);
  ASSERT_FALSE(world.corrections.empty()) << "fifteen of higher priority overtook it";
  EXPECT_LE(world.corrections.size(), 3U) << "coalesced: at most one for each pass";
  EXPECT_EQ(world.corrections.back().handle, handle);
  EXPECT_GT(world.corrections.back().predicted_ns, low.predicted_ns + 900 * kMillisecond);
  const Ns told = world.corrections.back().predicted_ns;
  const std::size_t before = world.corrections.size();
  world.run_until(world.now + 5 * kSecond);
  EXPECT_EQ(world.corrections.size(), before);
  EXPECT_EQ(world.served.back().intent.handle, handle);
  EXPECT_EQ(world.served.back().at, told);
}

TEST(Scheduler, WithdrawsOnlyWhatWaits) {
  QueueWorld world(one_account({1}));
  for (int i = 0; i < 10; ++i) (void)world.submit(intent_of(0, kFar));
  EXPECT_FALSE(world.withdraw(world.last_handle)) << "already sent";
  (void)world.submit(intent_of(0, kFar));
  const std::uint32_t handle = world.last_handle;
  EXPECT_TRUE(world.withdraw(handle));
  EXPECT_FALSE(world.withdraw(handle));
  world.run_until(world.now + 5 * kSecond);
  EXPECT_EQ(world.served.size(), 10U);
  EXPECT_EQ(world.pacer.next_due(world.now), kNever);
}

TEST(Scheduler, QueuesAreBounded) {
  Settings settings = one_account({1, 1});
  settings.scheduler.queue_per_strategy = 3;
  settings.scheduler.queue_per_account = 5;
  QueueWorld world(settings);
  for (int i = 0; i < 13; ++i) (void)world.submit(intent_of(0, kFar));
  EXPECT_EQ(world.submit(intent_of(0, kFar)).status, SubmitStatus::strategy_full);
  EXPECT_EQ(world.submit(intent_of(1, kFar)).status, SubmitStatus::queued);
  EXPECT_EQ(world.submit(intent_of(1, kFar)).status, SubmitStatus::queued);
  EXPECT_EQ(world.submit(intent_of(1, kFar)).status, SubmitStatus::account_full);
}

TEST(Scheduler, RefusesAPassedDeadlineEvenWithASlot) {
  QueueWorld world(one_account({1}));
  EXPECT_EQ(world.submit(intent_of(0, world.now - 1)).status, SubmitStatus::unreachable);
  EXPECT_EQ(world.submit(intent_of(0, world.now)).status, SubmitStatus::ready);
}

TEST(Scheduler, WakesForAnExpiryAlthoughNoReplyComes) {
  Pacer pacer(one_account({1}));
  Ticket ticket;
  for (std::uint32_t h = 0; h < 10; ++h) {
    Waiting w = intent_of(0, kFar);
    ASSERT_EQ(pacer.submit(w, 0, ticket).status, SubmitStatus::ready);
  }
  Waiting w = intent_of(0, 2 * kSecond);
  w.handle = 10;
  ASSERT_EQ(pacer.submit(w, 0, ticket).status, SubmitStatus::queued);
  EXPECT_EQ(pacer.next_due(0), 2 * kSecond + 1) << "nothing else can happen before";
  Waiting out;
  EXPECT_EQ(pacer.pop_due(2 * kSecond, out, ticket), Due::none);
  EXPECT_EQ(pacer.pop_due(2 * kSecond + 1, out, ticket), Due::expired);
  EXPECT_EQ(out.handle, 10U);
}

/// Behind a full rule per IP, the best priority of all accounts goes first, then accounts take turns.
TEST(Scheduler, AccountsTakeTurnsAtTheRulePerIp) {
  Settings settings = one_account({1});
  settings.budget.accounts = 3;
  settings.budget.ip_rule = {11, kSecond};
  QueueWorld world(settings);
  for (int i = 0; i < 8; ++i) (void)world.submit(intent_of(0, kFar, 0, 0));
  for (std::uint16_t a = 0; a < 3; ++a) {
    for (int i = 0; i < 6; ++i) (void)world.submit(intent_of(0, kFar, 0, a));
  }
  (void)world.submit(intent_of(0, kFar, 5, 2));
  ASSERT_EQ(world.served.size(), 8U);
  world.run_until(world.now + 1'100 * kMillisecond);
  ASSERT_GE(world.served.size(), 15U);
  EXPECT_EQ(world.served[8].intent.priority, 5);
  std::map<std::uint16_t, int> turns;
  for (std::size_t i = 9; i < 15; ++i) ++turns[world.served[i].intent.account.value];
  for (std::uint16_t a = 0; a < 3; ++a) EXPECT_EQ(turns[a], 2) << "account " << a;
}

/// Behind a full rule per IP, an account that keeps hearing of its book does not lose its turn by it.
TEST(Scheduler, AnAccountKeepsItsTurnAtTheRulePerIp) {
  Settings settings = one_account({1});
  settings.budget.accounts = 2;
  settings.budget.ip_rule = {6, kSecond};  // Three for reversals.
  Pacer pacer(settings);
  Ticket tickets[3];
  for (Ticket& ticket : tickets)
    ASSERT_EQ(pacer.submit(intent_of(0, kFar), 0, ticket).status, SubmitStatus::ready);
  Ticket ticket;
  for (const std::uint16_t account : {std::uint16_t{1}, std::uint16_t{0}}) {
    Waiting waiting = intent_of(0, kFar, 0, account);
    waiting.handle = account;
    ASSERT_EQ(pacer.submit(waiting, 0, ticket).status, SubmitStatus::queued);
  }
  for (Ticket& open : tickets) pacer.on_reply(open, 2);
  pacer.set_shape(AccountIndex{1}, Shape::burst, 3);
  Waiting out;
  ASSERT_EQ(pacer.pop_due(2 * kSecond, out, ticket), Due::ready);
  EXPECT_EQ(out.account.value, 1);
}

}  // namespace
}  // namespace backhand::pacing::test
