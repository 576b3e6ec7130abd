// What is asked, how often, and what it costs.
#include "tests/gateway/order/allocation_count.hpp"
#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

using domain::LookupKind;
using SettlementPlan = Scene;

int asked(const Rig& rig, LookupKind kind) { return rig.asked[static_cast<std::size_t>(kind)]; }

TEST_F(SettlementPlan, OneHistoryAndOnePositionsReadSettleAWholeAccount) {
  for (std::uint32_t i = 0; i < 40; ++i) {
    const std::string symbol = "S" + std::to_string(i) + "USDT";
    const std::string name = "bh-" + std::to_string(1'000 + i);
    rig.venue.changes.push_back({instrument(symbol.c_str()), 0, 5, 0});
    close_leg(14, 60, 5, name).row.instrument = instrument(symbol.c_str());
    rig.venue.changes.back().instrument = instrument(symbol.c_str());
    open_leg(62, 97, 5, name).row.instrument = instrument(symbol.c_str());
    rig.venue.changes.back().instrument = instrument(symbol.c_str());
    know(Answer::acked);
    facts.case_id = i;
    facts.position = PositionIndex{i};
    facts.instrument = instrument(symbol.c_str());
    facts.client_oid = wire::ClientOid{name};
    facts.before = {units(5), {}, sent_ms - 500};
    open_known();
  }
  rig.run_for(1);
  ASSERT_EQ(rig.told.size(), 40U);
  for (const Told& told : rig.told) expect(told.decision, SettledResult::reversed, Ground::legs_by_id);
  EXPECT_LE(asked(rig, LookupKind::reversal_history), 2);
  EXPECT_LE(asked(rig, LookupKind::positions), 2);
}

TEST_F(SettlementPlan, AnUnknownReversalCostsFewLookups) {
  open(Answer::none, 100);
  expect(decision(kBurnt_s, 45), SettledResult::not_executed, Ground::never_arrived);
  EXPECT_LE(asked(rig, LookupKind::reversal_history), 45);
  EXPECT_LE(asked(rig, LookupKind::order_by_client_oid), 45);
  EXPECT_LE(asked(rig, LookupKind::positions), 5) << "before the fuse has burnt a position proves nothing";
  EXPECT_EQ(asked(rig, LookupKind::fills), 0);
}

TEST_F(SettlementPlan, LostThrottledAndUselessLookupsOnlyDelay) {
  int count = 0;
  rig.lose = [&](const domain::Lookup&) { return ++count % 3 == 0; };
  rig.spoil = [&](const domain::Lookup&, VenueMs) -> std::optional<domain::LookupStatus> {
    if (count % 4 == 1) return domain::LookupStatus::throttled;
    if (count % 5 == 1) return domain::LookupStatus::unavailable;
    return std::nullopt;
  };
  open(Answer::none, 100);
  expect(decision(kBurnt_s, 70), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementPlan, APostponedQuestionIsAskedLater) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  rig.now = rig.settlement.next_due();
  domain::Lookup lookup;
  LookupTicket ticket;
  ASSERT_TRUE(rig.settlement.next_lookup(rig.now, lookup, ticket));
  EXPECT_EQ(lookup.kind, LookupKind::reversal_history);
  EXPECT_EQ(lookup.account, facts.account);
  EXPECT_EQ(lookup.instrument.product, domain::Product::usdt_futures);
  EXPECT_LE(lookup.since_venue_ms, facts.signed_venue_ms);
  rig.settlement.postpone(ticket, rig.now + kSecond);
  EXPECT_EQ(rig.settlement.next_due(), rig.now + kSecond);
  expect(decision(1, 2), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementPlan, AHistoryThatDoesNotReachBackIsAskedForOneSymbolForAWhile) {
  open(Answer::none, 100);
  const auto next_history = [&](bool truncated) {
    for (;;) {
      rig.now = std::max(rig.now, rig.settlement.next_due());
      domain::Lookup lookup;
      LookupTicket ticket;
      EXPECT_TRUE(rig.settlement.next_lookup(rig.now, lookup, ticket));
      domain::LookupReply reply;
      rig.venue.answer(lookup, rig.venue_now(), reply);
      reply.truncated = truncated && lookup.kind == LookupKind::reversal_history;
      rig.settlement.on_reply(ticket, reply, rig.now);
      if (lookup.kind == LookupKind::reversal_history) return lookup;
    }
  };
  EXPECT_TRUE(next_history(true).instrument.symbol.empty());
  EXPECT_EQ(next_history(false).instrument.symbol, facts.instrument.symbol);
  rig.now += 10 * kSecond;
  (void)next_history(false);
  EXPECT_TRUE(next_history(false).instrument.symbol.empty()) << "one page may do again";
  expect(decision(kBurnt_s - 30, 60), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementPlan, AReplyToAQuestionOfAnEarlierCaseIsNotTakenForThisOne) {
  open(Answer::none, 100);
  domain::Lookup lookup;
  LookupTicket history;
  ASSERT_TRUE(rig.settlement.next_lookup(rig.now, lookup, history));
  domain::LookupReply reply;
  rig.venue.answer(lookup, rig.venue_now(), reply);
  rig.settlement.on_reply(history, reply, rig.now);
  LookupTicket by_name;
  ASSERT_TRUE(rig.settlement.next_lookup(rig.now, lookup, by_name));
  ASSERT_EQ(lookup.kind, LookupKind::order_by_client_oid);
  rig.settlement.on_reply(history, reply, rig.now);
  EXPECT_EQ(rig.settlement.open_cases(), 1U);
}

TEST_F(SettlementPlan, AllocatesNothingAfterConstruction) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  domain::LookupReply reply;
  reply.orders.reserve(200);
  reply.positions.reserve(100);
  reply.fills.reserve(100);
  domain::Lookup lookup;
  LookupTicket ticket;
  Decision end;
  std::size_t during = 0;
  for (int round = 0; round < 3; ++round) {
    know(Answer::acked, "100");
    Ns now = Rig::from_venue(sent_ms + 200);
    std::size_t before = allocations();
    rig.settlement.open(facts, now);
    during += allocations() - before;
    bool done = false;
    while (!done) {
      now = std::max(now, rig.settlement.next_due());
      before = allocations();
      const bool asks = rig.settlement.next_lookup(now, lookup, ticket);
      during += allocations() - before;
      ASSERT_TRUE(asks);
      rig.venue.answer(lookup, Rig::at(now), reply);
      before = allocations();
      rig.settlement.on_reply(ticket, reply, now);
      done = rig.settlement.pop_decision(end);
      during += allocations() - before;
    }
  }
  EXPECT_EQ(during, 0U) << "settlement runs on the thread that sends reversals";
}

}  // namespace
}  // namespace backhand::order::test
