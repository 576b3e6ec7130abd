// Reversals that were executed, wholly or in part, and how soon that is told.
#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

using SettlementTest = Scene;

TEST_F(SettlementTest, SettlesAReversalAtOnceWhenBothLegsAreThere) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(0.1, 0.2);
  expect(end, SettledResult::reversed, Ground::legs_by_id);
  EXPECT_EQ(end.case_id, 9U);
  EXPECT_TRUE(end.has_before && end.has_after);
  EXPECT_EQ(end.before.long_size, units(5));
  EXPECT_EQ(end.after.short_size, units(5));
  EXPECT_TRUE(end.after.long_size.is_zero());
  EXPECT_EQ(end.closed, units(5));
  EXPECT_EQ(end.opened, units(5));
  EXPECT_EQ(end.last_leg_venue_ms, sent_ms + 97);
  EXPECT_GE(end.after.read_venue_ms, end.last_leg_venue_ms);
  EXPECT_EQ(rig.asked[static_cast<std::size_t>(domain::LookupKind::reversal_history)], 1);
  EXPECT_EQ(rig.asked[static_cast<std::size_t>(domain::LookupKind::positions)], 1);
  EXPECT_EQ(rig.asked[static_cast<std::size_t>(domain::LookupKind::order_by_client_oid)], 0)
      << "one history and one positions read settle it";
}

TEST_F(SettlementTest, AckLostAfterExecutionIsSettledWithoutWaitingForTheFuse) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::none, 5'000);
  expect(decision(5, 5.1), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, SettlesSoonAfterTheVenueIsReachableAgain) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  const VenueMs reachable_ms = sent_ms + 600'000;
  rig.lose = [&](const domain::Lookup&) { return rig.venue_now() < reachable_ms; };
  open(Answer::none, 100);
  rig.run_until(Rig::from_venue(reachable_ms));
  EXPECT_TRUE(rig.told.empty()) << "the venue was out of reach: nothing may be given up, however long";
  expect(decision(600, 606), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, SettlesAPartialHedgeReversal) {
  mode = PositionMode::hedge;
  hold(20, 1);
  close_leg(14, 60, 3);
  open_leg(62, 97, 3);
  know(Answer::acked, "100");
  facts.has_size = true;
  facts.size = units(3);
  open_known();
  const Decision& end = decision(0.1, 0.2);
  expect(end, SettledResult::reversed, Ground::legs_by_id);
  EXPECT_EQ(end.after.long_size, units(17));
  EXPECT_EQ(end.after.short_size, units(4));
}

TEST_F(SettlementTest, WaitsForAnOrderThatIsStillLive) {
  close_leg(14, 60, 5);
  open_leg(62, 4'000, 5);
  open(Answer::acked, 10, "100");
  expect(decision(4, 6.5), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, WaitsForAnOpenLegThatComesEightSecondsLater) {
  close_leg(14, 60, 5);
  open_leg(8'060, 8'100, 5);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(8.1, 10.5);
  expect(end, SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, TellsClosedOnlyOnlyAfterTheGraceAndASecondLook) {
  close_leg(14, 60, 5).row.role = LegRole::close;
  open(Answer::acked, 10, "100");
  const Decision& end = decision(12.06, 15);
  expect(end, SettledResult::closed_only, Ground::legs_by_id);
  EXPECT_EQ(end.closed, units(5));
  EXPECT_TRUE(end.opened.is_zero());
  EXPECT_TRUE(end.after.long_size.is_zero() && end.after.short_size.is_zero());
}

TEST_F(SettlementTest, TellsPartlyReversedAfterTheGraceWhicheverSizeTheRowNames) {
  for (const std::int64_t named : {5, 2}) {
    SCOPED_TRACE(named);
    rig = Rig{};
    hold(5);
    rig.venue.orders.clear();
    close_leg(14, 60, 5);
    leg(LegRole::open, 62, 97, named, 2, "bh-1");
    open(Answer::acked, 10, rig.venue.orders[0].row.order_id.view().data());
    const Decision& end = decision(12.09, 15);
    expect(end, SettledResult::partly_reversed, Ground::legs_by_id);
    EXPECT_EQ(end.opened, units(2));
  }
}

TEST_F(SettlementTest, ACloseThatWasCutShortWaitsForTheGraceBeforeItIsCalledReversed) {
  leg(LegRole::close, 14, 60, 5, 3, "bh-1").row.role = LegRole::close;
  leg(LegRole::open, 62, 97, 3, 3, "bh-1").row.role = LegRole::open;
  mode = PositionMode::hedge;
  for (FakeOrder& order : rig.venue.orders) {
    order.row.has_position_side = true;
    order.row.position_side =
        order.row.role == LegRole::close ? PositionSide::long_side : PositionSide::short_side;
  }
  open(Answer::acked, 10, "100");
  expect(decision(12, 15), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, AnOpenLegCanceledEmptyIsClosedOnly) {
  close_leg(14, 60, 5);
  leg(LegRole::open, 62, 97, 5, 0, "bh-1");
  open(Answer::acked, 10, "100");
  expect(decision(12.09, 15), SettledResult::closed_only, Ground::legs_by_id);
}

TEST_F(SettlementTest, AnOrderCanceledEmptyIsNotExecuted) {
  leg(LegRole::close, 14, 60, 5, 0, "bh-1");
  open(Answer::acked, 10, "100");
  expect(decision(12, 15), SettledResult::not_executed, Ground::order_without_fill);
}

TEST_F(SettlementTest, AnOrderThatStaysLiveIsLeftToAPerson) {
  close_leg(14, 60, 5);
  open_leg(62, 3'600'000, 5);
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(120, kPatience_s), Ground::never_final);
}

TEST_F(SettlementTest, AStopAfterTheReversalDoesNotHideIt) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  trade(98, 0, -5);
  open(Answer::acked, 150, "100");
  const Decision& end = decision(10, 13);
  expect(end, SettledResult::reversed, Ground::legs_by_id, true);
  EXPECT_TRUE(end.after.short_size.is_zero()) << "what is held now, not what the legs opened";
}

TEST_F(SettlementTest, ForeignTradesBetweenTheLegsOrBeforeThemAreFlagged) {
  trade(5, 2, 0);
  close_leg(14, 60, 7);
  open_leg(62, 97, 7);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(0.1, 1);
  expect(end, SettledResult::reversed, Ground::legs_by_id, true);
  EXPECT_EQ(end.after.short_size, units(7));
}

TEST_F(SettlementTest, LiquidationDuringAPartialReversalStillTellsWhatOurLegsDid) {
  mode = PositionMode::hedge;
  hold(10);
  close_leg(14, 60, 3);
  open_leg(62, 97, 3);
  trade(96, -7, 0);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(10, 13);
  expect(end, SettledResult::reversed, Ground::legs_by_id, true);
  EXPECT_EQ(end.closed, units(3));
}

TEST_F(SettlementTest, HistoryThatLagsIsWaitedFor) {
  rig.venue.history_lag_ms = 6'000;
  rig.venue.order_lag_ms = 6'000;
  rig.venue.position_lag_ms = 3'000;
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  expect(decision(6, 9), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, APositionReadThatLagsDoesNotMakeAForeignChange) {
  rig.venue.position_lag_ms = 4'000;
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(4, 6.5);
  expect(end, SettledResult::reversed, Ground::legs_by_id, false);
  EXPECT_EQ(end.after.short_size, units(5));
}

TEST_F(SettlementTest, TellsTheResultWithoutAPositionWhenNoneCanBeRead) {
  rig.lose = [](const domain::Lookup& lookup) { return lookup.kind == domain::LookupKind::positions; };
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(15, 21);
  EXPECT_FALSE(end.unresolved);
  EXPECT_EQ(end.result, SettledResult::reversed);
  EXPECT_FALSE(end.has_after);
  EXPECT_EQ(end.last_leg_venue_ms, sent_ms + 97) << "the book must not let another one go before a read";
}

TEST_F(SettlementTest, DirectLookupsServeWhereHistoryIsLate) {
  rig.venue.history_lag_ms = 9'000;
  mode = PositionMode::hedge;
  FakeOrder& close = close_leg(14, 60, 5, "5000000000000000100");
  close.row.order_id = wire::OrderId{"777"};
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "777");
  expect(decision(0.1, 2), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, OtherWitnessesCountForWhatTheyShow) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "100");
  rig.now = Rig::from_venue(sent_ms + 99);
  for (const FakeOrder& order : rig.venue.orders)
    rig.settlement.observe_order(facts.account, order.row, rig.now);
  domain::LookupReply reply;
  domain::Lookup lookup;
  lookup.kind = domain::LookupKind::positions;
  rig.venue.answer(lookup, sent_ms + 98, reply);
  rig.settlement.observe_positions(facts.account, domain::Product::usdt_futures, reply, rig.now);
  Decision end;
  ASSERT_TRUE(rig.settlement.pop_decision(end)) << "a stream told everything before the first question";
  expect(end, SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, RepeatedAndOutdatedRowsChangeNothing) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  const auto orders = rig.venue.orders;
  for (const FakeOrder& order : orders) rig.venue.orders.push_back(order);
  domain::OrderRow live = orders[0].row;
  live.state = OrderState::live;
  live.filled = {};
  live.updated_venue_ms = live.created_venue_ms;
  open(Answer::acked, 10, "100");
  rig.settlement.observe_order(facts.account, orders[0].row, rig.now);
  rig.settlement.observe_order(facts.account, live, rig.now);
  expect(decision(0.1, 0.2), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementTest, ThirdRowWithOurNameIsNeverExplainedAway) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  close_leg(200, 240, 5);
  open(Answer::acked, 300, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementTest, AfterARestartAPositionReadSinceThenIsNotThePositionBefore) {
  close_leg(14, 60, 5);
  open_leg(62, 97, 5);
  know(Answer::none);
  facts.recovered = true;
  facts.before = rig.venue.holding(instrument(), sent_ms + 5'000);
  open_known(6'000);
  const Decision& end = decision(6, 6.5);
  expect(end, SettledResult::reversed, Ground::legs_by_id, false);
  EXPECT_FALSE(end.has_before);
}

}  // namespace
}  // namespace backhand::order::test
