// Rules together: endpoints, the parts of the rule per IP, penalties, quota headers, memory of an earlier
// life. If one of these fails, one kind of request starves another, or a rule is not counted.
#include "gateway/pacing/budget.hpp"

#include <gtest/gtest.h>

#include "allocation_count.hpp"
#include "gateway/pacing/pacer.hpp"
#include "queue_world.hpp"

namespace backhand::pacing::test {
namespace {

constexpr AccountIndex kFirst{0};
constexpr AccountIndex kSecondAccount{1};
constexpr Endpoint kPositions = 0;
constexpr Endpoint kContracts = 1;
constexpr Endpoint kTime = 2;

BudgetSettings two_accounts() {
  BudgetSettings out;
  out.accounts = 2;
  out.endpoints = {
      {{5, kSecond}, Scope::per_account}, {{20, kSecond}, Scope::per_ip}, {{20, kSecond}, Scope::per_ip}};
  out.upkeep_endpoint = kTime;
  return out;
}

int lookups_at_once(Budget& budget, AccountIndex account, Endpoint endpoint, Ns now) {
  int sent = 0;
  for (; budget.lookup_earliest(account, endpoint, now) <= now; ++sent) {
    (void)budget.take_lookup(account, endpoint, now);
  }
  return sent;
}

TEST(Budget, EachEndpointIsCountedAlone) {
  Budget budget(two_accounts());
  EXPECT_EQ(lookups_at_once(budget, kFirst, kPositions, 0), 5);
  EXPECT_EQ(lookups_at_once(budget, kSecondAccount, kPositions, 0), 5) << "per account";
  EXPECT_EQ(lookups_at_once(budget, kFirst, kContracts, 0), 20);
  EXPECT_EQ(lookups_at_once(budget, kSecondAccount, kContracts, 0), 0) << "per IP: shared";
  EXPECT_EQ(lookups_at_once(budget, {}, kTime, 0), 20);
  EXPECT_GT(budget.upkeep_earliest(0), 0) << "a ping is counted with other questions for the time";
  EXPECT_LE(budget.account_earliest(kFirst, 0), 0) << "no look-up touches a reversal's own rule";
}

TEST(Budget, ClassesCannotStarveEachOtherOnTheRulePerIp) {
  BudgetSettings settings = two_accounts();
  settings.ip_rule = {40, 60 * kSecond};
  settings.settlement_reserve_percent = 20;  // 32 reversals, 4 look-ups, 2 refreshes, 2 upkeep.
  Budget budget(settings);
  int reversals = 0;
  Ns now = 0;
  while (budget.ip_earliest(RequestClass::reversal, now) <= now) {
    const AccountIndex account = budget.account_earliest(kFirst, now) <= now ? kFirst : kSecondAccount;
    if (budget.account_earliest(account, now) > now) {
      now += 2 * kSecond;
      continue;
    }
    Ticket ticket = budget.take_reversal(account, now);
    budget.on_reply(ticket, now, {});
    ++reversals;
  }
  EXPECT_EQ(reversals, 32);
  EXPECT_EQ(lookups_at_once(budget, kFirst, kContracts, now), 4);
  int refreshes = 0;
  for (; budget.lookup_earliest(kFirst, kPositions, now, RequestClass::refresh) <= now; ++refreshes)
    (void)budget.take_lookup(kFirst, kPositions, now, RequestClass::refresh);
  EXPECT_EQ(refreshes, 2) << "neither reversals nor other look-ups may keep positions from being read";
  int pings = 0;
  for (; budget.upkeep_earliest(now) <= now; ++pings) (void)budget.take_upkeep(now);
  EXPECT_EQ(pings, 2);
}

TEST(Budget, LookupsBorrowOnlyWhatReversalsLeaveAndTheRuleHolds) {
  BudgetSettings settings = two_accounts();
  settings.ip_rule = {40, 60 * kSecond};  // 32 reversals, 4 look-ups, 2 refreshes, 2 upkeep.
  settings.endpoints[kContracts].rule = {100, kSecond};
  Budget budget(settings);
  EXPECT_EQ(lookups_at_once(budget, kFirst, kContracts, 0), 4 + 16)
      << "their own, and half of the reversals'";
  int reversals = 0;
  Ns now = 0;
  for (; budget.ip_earliest(RequestClass::reversal, now) <= now; ++reversals, now += kSecond) {
    Ticket ticket = budget.take_reversal(kFirst, now);
    budget.on_reply(ticket, now, {});
  }
  EXPECT_EQ(reversals, 16) << "the other half is always theirs";
  for (int i = 0; i < 2; ++i) (void)budget.take_lookup(kFirst, kContracts, now, RequestClass::refresh);
  EXPECT_GT(budget.lookup_earliest(kFirst, kContracts, now, RequestClass::refresh), now);
  int pings = 0;
  for (; budget.upkeep_earliest(now) <= now; ++pings) (void)budget.take_upkeep(now);
  EXPECT_EQ(pings, 2) << "40 in all: nothing is counted twice, nothing escapes";
}

TEST(Budget, LookupsThatAreSpreadNeverFallSilent) {
  BudgetSettings settings = two_accounts();
  settings.ip_rule = {400, 60 * kSecond};  // 320 reversals, 40 look-ups.
  settings.endpoints[kContracts].rule = {100, kSecond};
  Budget budget(settings);
  const auto answered = [&](Ticket ticket, Ns now) { budget.on_reply(ticket, now + kMillisecond, {}); };
  // Reversals use most of their part all the time, so that nothing is lent; look-ups always have more to ask.
  Ns next_reversal = 0, next_lookup = 0, last = 0, longest = 0;
  int lookups = 0;
  for (Ns now = 0; now < 600 * kSecond; now += 10 * kMillisecond) {
    if (now >= next_reversal && budget.ip_earliest(RequestClass::reversal, now) <= now &&
        budget.account_earliest(kFirst, now) <= now) {
      answered(budget.take_reversal(kFirst, now), now);
      next_reversal = now + 200 * kMillisecond;
    }
    const bool may = budget.lookups_may_flow(now) || now >= next_lookup;
    if (!may || budget.lookup_earliest(kFirst, kContracts, now) > now) continue;
    answered(budget.take_lookup(kFirst, kContracts, now), now);
    next_lookup = now + budget.lookup_gap();
    longest = std::max(longest, now - last);
    last = now;
    ++lookups;
  }
  EXPECT_LE(longest, budget.lookup_gap() + 20 * kMillisecond) << "the window is a minute";
  EXPECT_GT(lookups, 300) << "of at most 400 and what was lent at the start";
}

TEST(Budget, ABorrowedSlotGoesBackToItsLender) {
  BudgetSettings settings = two_accounts();
  settings.ip_rule = {40, 60 * kSecond};
  settings.endpoints[kContracts].rule = {100, kSecond};
  Budget budget(settings);
  for (int i = 0; i < 2; ++i) (void)budget.take_lookup(kFirst, kContracts, 0);
  Ticket borrowed = budget.take_lookup(kFirst, kContracts, 0);
  EXPECT_EQ(borrowed.paid_by, RequestClass::reversal);
  EXPECT_EQ(budget.ip_book(RequestClass::reversal).outstanding(), 1U);
  budget.on_not_written(borrowed);
  EXPECT_EQ(budget.ip_book(RequestClass::reversal).outstanding(), 0U);
  EXPECT_EQ(budget.ip_book(RequestClass::lookup).outstanding(), 2U) << "the second half of their own is kept";
}

/// Sends one reversal and lets the venue answer it.
void throttle(Budget& budget, AccountIndex account, Ns now) {
  Ticket ticket = budget.take_reversal(account, now);
  budget.on_reply(ticket, now, {.throttled = true});
}

TEST(Budget, AThrottledAccountGoesEvenForAWhile) {
  Budget budget(two_accounts());
  throttle(budget, kFirst, 0);
  EXPECT_EQ(budget.throttled(), 1U);
  EXPECT_EQ(budget.reversal_book(kFirst).shape_at(1), Shape::even);
  EXPECT_EQ(budget.reversal_book(kSecondAccount).shape_at(1), Shape::burst) << "only the one account";
  EXPECT_GT(budget.account_earliest(kFirst, 1), 99 * kMillisecond);
  EXPECT_EQ(budget.reversal_book(kFirst).shape_at(10 * kSecond), Shape::burst);
  EXPECT_EQ(budget.held_until(), INT64_MIN);
}

TEST(Budget, ARunOfThrottledRepliesOnSeveralBooksIsThePenaltyPerIp) {
  Budget budget(two_accounts());
  throttle(budget, kFirst, 0);
  throttle(budget, kSecondAccount, 1);
  EXPECT_LE(budget.ip_earliest(RequestClass::lookup, 2), 2);
  throttle(budget, kFirst, kSecond);
  const Ns end = kSecond + 300 * kSecond;
  for (const RequestClass c :
       {RequestClass::reversal, RequestClass::lookup, RequestClass::refresh, RequestClass::upkeep}) {
    EXPECT_EQ(budget.ip_earliest(c, kSecond), end);
  }
  EXPECT_EQ(budget.lookup_earliest(kFirst, kPositions, kSecond), end);
  EXPECT_EQ(budget.upkeep_earliest(kSecond), end);
  EXPECT_EQ(budget.ip_earliest(RequestClass::reversal, end), end);
  EXPECT_EQ(budget.penalties(), 1U);
}

TEST(Budget, OneAccountAloneOrAGoodReplyBetweenIsNoPenalty) {
  Budget alone(two_accounts());
  for (int i = 0; i < 6; ++i) throttle(alone, kFirst, i * kSecond);
  EXPECT_EQ(alone.penalties(), 0U) << "somebody else on the same UID, more likely";

  Budget between(two_accounts());
  throttle(between, kFirst, 0);
  throttle(between, kSecondAccount, 1);
  Ticket good = between.take_reversal(kFirst, kSecond);
  between.on_reply(good, kSecond, {});
  throttle(between, kSecondAccount, kSecond);
  EXPECT_EQ(between.penalties(), 0U);

  BudgetSettings off = two_accounts();
  off.ip_penalty_after = 0;
  Budget never(off);
  for (int i = 0; i < 4; ++i) {
    throttle(never, kFirst, i * kSecond);
    throttle(never, kSecondAccount, i * kSecond);
  }
  EXPECT_EQ(never.penalties(), 0U);
}

TEST(Budget, HeedsTheQuotaHeaderOnlyWhereAskedTo) {
  for (const bool heed : {false, true}) {
    BudgetSettings settings = two_accounts();
    settings.heed_remaining = heed;
    Budget budget(settings);
    Ticket ticket = budget.take_reversal(kFirst, 0);
    budget.on_reply(ticket, 0, {.throttled = false, .remaining_quota = 0});
    EXPECT_EQ(budget.account_earliest(kFirst, 1) <= 1, !heed);
  }
}

TEST(Budget, ALeadTraderHasOneASecond) {
  Budget budget(two_accounts());
  budget.set_reversal_limit(kFirst, 1);
  Ticket ticket = budget.take_reversal(kFirst, 0);
  budget.on_reply(ticket, 0, {});
  EXPECT_GE(budget.account_earliest(kFirst, 1), kSecond);
}

TEST(Budget, AnEarlierLifeStillCounts) {
  Budget budget(two_accounts());
  for (int i = 0; i < 10; ++i) budget.recall_reversal(kFirst, 0);
  EXPECT_GE(budget.account_earliest(kFirst, 1), 3 * kSecond) << "they may arrive for no_reply_hold still";
  budget.recall_lookups(0);
  EXPECT_GE(budget.lookup_earliest(kFirst, kPositions, 1), kSecond);
  EXPECT_LT(budget.lookup_earliest(kFirst, kPositions, 1), 2 * kSecond);
  EXPECT_GE(budget.upkeep_earliest(1), kSecond);
}

TEST(BudgetDeath, ATicketClosesOnce) {
  Budget budget(two_accounts());
  Ticket ticket = budget.take_reversal(kFirst, 0);
  budget.on_reply(ticket, 1, {});
  EXPECT_DEATH(budget.on_no_reply(ticket, 2), "open");
}

TEST(Pacer, AReplyWakesWhoWaits) {
  Pacer pacer(one_account({1}));
  Ticket tickets[10];
  for (Ticket& ticket : tickets) {
    ASSERT_EQ(pacer.submit(intent_of(0, 60 * kSecond), 0, ticket).status, SubmitStatus::ready);
  }
  Ticket ticket;
  ASSERT_EQ(pacer.submit(intent_of(0, 60 * kSecond), 0, ticket).status, SubmitStatus::queued);
  pacer.on_not_written(tickets[0], 5);
  EXPECT_EQ(pacer.next_due(5), 5) << "the kernel took nothing: its slot is free at once";
  Waiting out;
  EXPECT_EQ(pacer.pop_due(5, out, ticket), Due::ready);
  ASSERT_EQ(pacer.submit(intent_of(0, 60 * kSecond), 5, tickets[0]).status, SubmitStatus::queued);
  pacer.on_reply(tickets[1], 10);
  EXPECT_EQ(pacer.next_due(10), 10 + pacer.budget().reversal_book(kFirst).span_ns());
  pacer.set_reversal_limit(kFirst, 1, 11);
  EXPECT_GT(pacer.next_due(11), 10 + pacer.budget().reversal_book(kFirst).span_ns())
      << "a lead trader waits for all ten";
}

TEST(Pacer, AllocatesNothingAfterConstruction) {
  Settings settings = one_account({1, 2});
  settings.budget.accounts = 50;
  settings.budget.endpoints = two_accounts().endpoints;
  settings.budget.upkeep_endpoint = kTime;
  Pacer pacer(settings);
  Random random(5);
  std::vector<Ticket> open;
  open.reserve(100'000);
  Ns now = 0;
  const std::uint64_t before = allocations();
  std::uint32_t handle = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += static_cast<Ns>(random.below(2 * kMillisecond));
    Waiting waiting =
        intent_of(static_cast<std::uint16_t>(random.below(2)), now + 5 * kSecond,
                  static_cast<std::uint8_t>(random.below(8)), static_cast<std::uint16_t>(random.below(50)));
    waiting.handle = handle;
    Ticket ticket;
    if (!pacer.room().holds(handle) && pacer.submit(waiting, now, ticket).status == SubmitStatus::ready) {
      open.push_back(ticket);
    }
    handle = (handle + 1) % 4'096;
    if (pacer.may_send_lookup(waiting.account, kPositions, now)) {
      open.push_back(pacer.take_lookup(waiting.account, kPositions, now));
    }
    while (pacer.pop_due(now, waiting, ticket) == Due::ready) open.push_back(ticket);
    Correction correction;
    (void)pacer.pop_correction(now, correction);
    if (random.below(8) == 0) (void)pacer.withdraw(static_cast<std::uint32_t>(random.below(4'096)));
    while (open.size() > 20) {
      pacer.on_reply(open.back(), now);
      open.pop_back();
    }
  }
  EXPECT_EQ(allocations(), before);
}

}  // namespace
}  // namespace backhand::pacing::test
