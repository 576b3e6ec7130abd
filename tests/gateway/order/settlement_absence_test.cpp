// Reversals that were not executed, and everything that looks like one: the fuse, both looks, foreign trades.
#include <functional>

#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

class SettlementAbsence : public Scene {
 protected:
  /// Answers each look-up as the venue does, but for what `change` makes of the reply, until the case is
  /// over.
  void answer_all(const std::function<void(domain::LookupReply&)>& change) {
    domain::Lookup lookup;
    LookupTicket ticket;
    domain::LookupReply reply;
    for (int turn = 0; turn < 100'000 && rig.settlement.open_cases() > 0; ++turn) {
      rig.now = std::max(rig.now, rig.settlement.next_due());
      if (!rig.settlement.next_lookup(rig.now, lookup, ticket)) break;
      rig.venue.answer(lookup, rig.venue_now(), reply);
      change(reply);
      rig.settlement.on_reply(ticket, reply, rig.now);
    }
  }
};

TEST_F(SettlementAbsence, AckLostBeforeExecutionIsToldOnlyWhenTheFuseHasBurntTwice) {
  open(Answer::none, 5'000);
  const Decision& end = decision(kBurnt_s, 45);
  expect(end, SettledResult::not_executed, Ground::never_arrived);
  EXPECT_TRUE(end.has_before && end.has_after);
  EXPECT_EQ(end.after.long_size, units(5));
  EXPECT_EQ(end.last_leg_venue_ms, 0);
}

TEST_F(SettlementAbsence, ARequestThatArrivesAtTheLastMomentIsNeverCalledNotExecuted) {
  close_leg(29'990, 36'000, 5);
  open_leg(38'000, 39'900, 5);
  open(Answer::none, 5'000);
  expect(decision(39.9, 45), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementAbsence, TheFuseBurnsByTheVenuesClockAlone) {
  rig.settings.clock_tolerance_ms = 1'000;
  rig.settings.execution_grace_ms = 500;
  rig.settings.settle_recheck_ms = 200;
  rig = Rig{rig.settings};
  hold(5);
  open(Answer::none, 10);
  expect(decision(1.68, 2.3), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementAbsence, AnAnswerWithoutTheVenuesTimeNeverBurnsTheFuse) {
  know(Answer::none);
  open_known();
  answer_all([](domain::LookupReply& reply) { reply.venue_ms = 0; });
  Decision end;
  ASSERT_TRUE(rig.settlement.pop_decision(end));
  expect_unresolved(end, Ground::no_evidence);
}

TEST_F(SettlementAbsence, AVenueWhoseClockLeapsBurnsNoGrace) {
  rig.venue.orders.reserve(2);
  close_leg(8'000, 8'050, 5);
  open_leg(8'051, 8'099, 5);
  know(Answer::none);
  open_known();
  answer_all([](domain::LookupReply& reply) { reply.venue_ms += 60'000; });
  Decision end;
  ASSERT_TRUE(rig.settlement.pop_decision(end));
  EXPECT_NE(end.result, SettledResult::not_executed) << end;
}

TEST_F(SettlementAbsence, ADoubtfulNoWithoutEffectIsNotExecutedAfterTheGrace) {
  open(Answer::doubtful_no, 10);
  expect(decision(12, 15), SettledResult::not_executed, Ground::refused);
}

TEST_F(SettlementAbsence, ADoubtfulNoAfterAnExecutedCloseIsClosedOnly) {
  close_leg(1, 2, 5);
  open(Answer::doubtful_no, 10);
  expect(decision(20, 25), SettledResult::closed_only, Ground::position_and_order);
}

TEST_F(SettlementAbsence, NothingToCloseSinceAStopWasFasterIsNotExecuted) {
  trade(-10, -5, 0);
  know(Answer::doubtful_no);
  facts.before = {units(5), {}, sent_ms - 500};
  open_known();
  expect(decision(12, 15), SettledResult::not_executed, Ground::refused, true);
}

TEST_F(SettlementAbsence, AnAcceptedOrderThatIsNowhereIsNotExecutedOnlyIfThePositionIsUntouched) {
  open(Answer::acked, 10, "100");
  expect(decision(kBurnt_s, 45), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementAbsence, AnAcceptedOrderThatIsNowhereAndAPositionThatMovedAreLeftToAPerson) {
  trade(50, -5, 0);
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(120, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementAbsence, NoNameMayGoUnasked) {
  for (const auto kind : {domain::LookupKind::order_by_order_id, domain::LookupKind::order_by_client_oid,
                          domain::LookupKind::positions}) {
    SCOPED_TRACE(static_cast<int>(kind));
    rig = Rig{};
    hold(5);
    rig.lose = [kind](const domain::Lookup& lookup) { return lookup.kind == kind; };
    open(Answer::acked, 10, "100");
    expect_unresolved(decision(150, 300), Ground::no_evidence);
  }
}

TEST_F(SettlementAbsence, AHistoryThatCannotBeHadIsNotAnEmptyOne) {
  using domain::LookupStatus;
  for (const auto status : {LookupStatus::unavailable, LookupStatus::throttled, LookupStatus::not_found,
                            LookupStatus::absent, LookupStatus::refused}) {
    SCOPED_TRACE(static_cast<int>(status));
    rig = Rig{};
    hold(5);
    rig.spoil = [status](const domain::Lookup& lookup, VenueMs) -> std::optional<LookupStatus> {
      if (lookup.kind == domain::LookupKind::reversal_history) return status;
      return std::nullopt;
    };
    open(Answer::none, 100);
    expect_unresolved(decision(150, 300), Ground::no_evidence);
  }
}

TEST_F(SettlementAbsence, ExecutionsOfTheAcksNumberProveItWhereNoRowDoes) {
  close_leg(14, 60, 5, "").listed = false;
  open_leg(62, 97, 5, "").listed = false;
  for (FakeOrder& order : rig.venue.orders) order.named = false;
  rig.spoil = [](const domain::Lookup& lookup, VenueMs) -> std::optional<domain::LookupStatus> {
    if (lookup.kind == domain::LookupKind::order_by_order_id) return domain::LookupStatus::not_found;
    return std::nullopt;
  };
  open(Answer::acked, 10, "100");
  expect(decision(40, 50), SettledResult::reversed, Ground::fills_by_id);
}

TEST_F(SettlementAbsence, AStopMeanwhileIsAForeignChange) {
  trade(10'000, -5, 0);
  open(Answer::none, 100);
  expect(decision(kBurnt_s, 45), SettledResult::not_executed, Ground::never_arrived, true);
}

TEST_F(SettlementAbsence, APersonsReversalIsNeverOurs) {
  close_leg(3'000, 3'050, 5, "").row.from_api = false;
  open_leg(3'060, 3'100, 5, "").row.from_api = false;
  open(Answer::none, 100);
  expect(decision(kBurnt_s, 46), SettledResult::not_executed, Ground::never_arrived, true);
}

TEST_F(SettlementAbsence, AnotherProgramsReversalIsNeverCalledOursNorDenied) {
  close_leg(3'000, 3'050, 5, "x-9");
  open_leg(3'060, 3'100, 5, "x-9");
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementAbsence, APositionThatTurnedAroundByItselfIsLeftToAPerson) {
  trade(3'000, -5, 5);
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementAbsence, AReversalWithoutAnyNameMustExplainThePositionExactly) {
  close_leg(3'000, 3'050, 5, "");
  open_leg(3'060, 3'100, 5, "");
  trade(20'000, 0, 1);
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementAbsence, TwoReversalsWithoutAnyNameAreLeftToAPerson) {
  close_leg(3'000, 3'050, 5, "");
  open_leg(3'060, 3'100, 5, "");
  leg(LegRole::close, 4'000, 4'050, 5, 5, "", false);
  trade(4'050, 5, -5);
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementAbsence, PatienceIsSpentOnlyWhileTheVenueAnswers) {
  rig.spoil = [](const domain::Lookup& lookup, VenueMs) -> std::optional<domain::LookupStatus> {
    if (lookup.kind == domain::LookupKind::reversal_history) return domain::LookupStatus::absent;
    return std::nullopt;
  };
  const VenueMs out_from = sent_ms + 60'000;
  const VenueMs out_until = sent_ms + 7'200'000;
  rig.lose = [&](const domain::Lookup&) {
    return rig.venue_now() >= out_from && rig.venue_now() < out_until;
  };
  open(Answer::none, 100);
  rig.run_until(Rig::from_venue(out_until));
  EXPECT_TRUE(rig.told.empty()) << "two hours out of reach are not patience";
  expect_unresolved(decision(7'280, 7'330), Ground::no_evidence);
}

TEST_F(SettlementAbsence, NothingButAnOperatorClosesAnUnresolvedCase) {
  trade(3'000, -5, 5);
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::unexplained_position);
  EXPECT_EQ(rig.settlement.unresolved_cases(), 1U);
  EXPECT_EQ(rig.settlement.next_due(), kNever) << "it asks no more";
  EXPECT_FALSE(rig.settlement.resolve(8));
  EXPECT_TRUE(rig.settlement.resolve(9));
  EXPECT_FALSE(rig.settlement.resolve(9));
  EXPECT_EQ(rig.settlement.unresolved_cases(), 0U);
}

TEST_F(SettlementAbsence, OrdersOlderThanTheRequestAreNotItsEvidenceButMayBeByAnotherClock) {
  close_leg(-400, -350, 5, "");
  open(Answer::none, 100);
  expect_unresolved(decision(100, kPatience_s), Ground::ambiguous_rows);
}

}  // namespace
}  // namespace backhand::order::test
