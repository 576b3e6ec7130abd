#include "gateway/order/lookup_plan.hpp"

#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using domain::Product;

constexpr std::uint32_t group(std::uint16_t account) {
  return account * static_cast<std::uint32_t>(LookupPlan::kProducts);
}

struct LookupPlanTest : testing::Test {
  LookupPlan plan{1'000, 64, 100, 800};
  LookupTicket ticket;
  Ns asked_at = 0;

  void want(std::uint32_t id, Ask ask, Ns due, std::uint32_t in = 0) {
    plan.set_due(id, ask, due);
    plan.refresh(in);
  }
};

TEST_F(LookupPlanTest, HasNothingWithoutCases) {
  EXPECT_EQ(plan.next_due(), kNever);
  EXPECT_FALSE(plan.take(1'000, ticket));
  EXPECT_EQ(LookupPlan::group_of(AccountIndex{2}, Product::usdc_futures), 14U);
}

TEST_F(LookupPlanTest, AsksOneQuestionOfAKindAtATime) {
  plan.add(3, 0);
  plan.add(4, 0);
  plan.set_due(3, Ask::history, 50);
  want(4, Ask::history, 60);
  EXPECT_EQ(plan.next_due(), 50);
  EXPECT_FALSE(plan.take(49, ticket));
  ASSERT_TRUE(plan.take(60, ticket));
  EXPECT_EQ(plan.next_due(), kNever) << "one history read answers for both cases";
  EXPECT_TRUE(plan.finish(ticket, LookupPlan::End::answered, 70, 0, asked_at));
  EXPECT_EQ(asked_at, 60);
  EXPECT_FALSE(plan.finish(ticket, LookupPlan::End::answered, 71, 0, asked_at)) << "a second answer is void";
}

TEST_F(LookupPlanTest, BacksOffAfterFailuresAndForgetsThemAfterAnAnswer) {
  plan.add(3, 0);
  want(3, Ask::history, 0);
  Ns now = 0;
  for (const Ns expected : {100, 200, 400, 800, 800}) {
    ASSERT_TRUE(plan.take(now, ticket));
    ASSERT_TRUE(plan.finish(ticket, LookupPlan::End::failed, now, 0, asked_at));
    EXPECT_EQ(plan.next_due(), now + expected);
    now += expected;
  }
  ASSERT_TRUE(plan.take(now, ticket));
  ASSERT_TRUE(plan.finish(ticket, LookupPlan::End::answered, now, 0, asked_at));
  EXPECT_EQ(plan.next_due(), 0) << "still due, as nobody said otherwise";
}

TEST_F(LookupPlanTest, APostponedQuestionLetsOthersGoFirst) {
  plan.add(1, group(0));
  plan.add(2, group(1));
  want(1, Ask::history, 10, group(0));
  want(2, Ask::history, 20, group(1));
  ASSERT_TRUE(plan.take(30, ticket));
  EXPECT_EQ(ticket.case_id, 1U);
  ASSERT_TRUE(plan.finish(ticket, LookupPlan::End::postponed, 30, 90, asked_at));
  ASSERT_TRUE(plan.take(30, ticket));
  EXPECT_EQ(ticket.case_id, 2U);
  EXPECT_FALSE(plan.take(89, ticket));
  EXPECT_TRUE(plan.take(90, ticket));
}

TEST_F(LookupPlanTest, AQuietAccountGoesBeforeABusyOne) {
  // Twenty accounts of one busy strategy have had questions waiting for a second.
  for (std::uint32_t i = 0; i < 20; ++i) {
    plan.add(i, group(static_cast<std::uint16_t>(i)));
    for (const Ask ask : {Ask::history, Ask::positions, Ask::by_client_oid}) plan.set_due(i, ask, 10 + i);
    plan.refresh(group(static_cast<std::uint16_t>(i)));
  }
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(plan.take(1'000, ticket));
    EXPECT_EQ(ticket.case_id, static_cast<std::uint32_t>(i)) << "each account in its turn";
  }
  plan.add(30, group(30));
  want(30, Ask::history, 1'000, group(30));
  ASSERT_TRUE(plan.take(1'000, ticket));
  EXPECT_EQ(ticket.case_id, 30U) << "it asked about nothing before, so it waits behind nobody";
  ASSERT_TRUE(plan.take(1'000, ticket));
  EXPECT_EQ(ticket.case_id, 0U);
}

TEST_F(LookupPlanTest, TellsACaseFromALaterOneWithTheSameNumber) {
  plan.add(5, 0);
  want(5, Ask::by_client_oid, 0);
  ASSERT_TRUE(plan.take(0, ticket));
  EXPECT_TRUE(plan.is_current(ticket));
  plan.remove(5);
  EXPECT_FALSE(plan.is_current(ticket));
  plan.add(5, 0);
  EXPECT_FALSE(plan.is_current(ticket));
}

TEST_F(LookupPlanTest, ALateAnswerToAnEarlierQuestionIsVoid) {
  plan.add(3, 0);
  want(3, Ask::history, 0);
  LookupTicket first;
  ASSERT_TRUE(plan.take(0, first));
  ASSERT_TRUE(plan.finish(first, LookupPlan::End::failed, 0, 0, asked_at));
  ASSERT_TRUE(plan.take(1'000, ticket));
  EXPECT_FALSE(plan.finish(first, LookupPlan::End::answered, 1'001, 0, asked_at));
  EXPECT_TRUE(plan.finish(ticket, LookupPlan::End::answered, 1'001, 0, asked_at));
}

TEST_F(LookupPlanTest, WalksOnFromARemovedCase) {
  for (const std::uint32_t id : {1U, 2U, 3U}) plan.add(id, 0);
  std::set<std::uint32_t> seen;
  for (std::uint32_t id = plan.first_case(0), next; id != LookupPlan::kNone; id = next) {
    next = plan.next_case(id);
    seen.insert(id);
    if (id == 2) plan.remove(id);
  }
  EXPECT_EQ(seen, (std::set<std::uint32_t>{1, 2, 3}));
}

TEST_F(LookupPlanTest, ServesAllGroupsInTurnWhenTheBudgetIsShort) {
  std::map<std::uint32_t, int> served;
  for (std::uint32_t id = 0; id < 50; ++id) {
    plan.add(id, group(static_cast<std::uint16_t>(id * 20)));
    want(id, Ask::history, 0, group(static_cast<std::uint16_t>(id * 20)));
  }
  // One question a tick, and everybody wants one again ten ticks later: five times more than can be had.
  for (Ns now = 0; now < 500; ++now) {
    ASSERT_TRUE(plan.take(now, ticket));
    ++served[ticket.case_id];
    ASSERT_TRUE(plan.finish(ticket, LookupPlan::End::answered, now, 0, asked_at));
    want(ticket.case_id, Ask::history, now + 10, ticket.group);
  }
  ASSERT_EQ(served.size(), 50U) << "an account is starved";
  for (const auto& [id, count] : served) EXPECT_EQ(count, 10) << "case " << id;
}

TEST_F(LookupPlanTest, OrderMatchesASimpleSearchOverRandomChanges) {
  std::mt19937_64 random(7);
  std::map<std::uint32_t, Ns> due;
  for (int step = 0; step < 20'000; ++step) {
    const auto id = static_cast<std::uint32_t>(random() % 64);
    const std::uint32_t in = group(static_cast<std::uint16_t>(id));
    if (!due.contains(id)) {
      plan.add(id, in);
      due[id] = kNever;
    } else if (random() % 8 == 0) {
      plan.remove(id);
      due.erase(id);
      continue;
    }
    due[id] = random() % 10 == 0 ? kNever : static_cast<Ns>(random() % 1'000);
    want(id, Ask::positions, due[id], in);
    Ns earliest = kNever;
    for (const auto& [other, at] : due) earliest = std::min(earliest, at);
    ASSERT_EQ(plan.next_due(), earliest) << "step " << step;
  }
}

}  // namespace
}  // namespace backhand::order
