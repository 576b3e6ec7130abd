// How the venue lists a reversal is not documented (bitget-facts C8): as one order or as two, of one size or
// both. Whatever it does, what is told must be what the positions show.
#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

class SettlementListing : public Scene {
 protected:
  /// A reversal listed as one order; `closed` and `opened` are what it did to the position.
  FakeOrder& one_order(VenueMs created, VenueMs done, std::int64_t filled, std::int64_t closed,
                       std::int64_t opened, const std::string& name = "bh-1") {
    FakeOrder& order = leg(LegRole::close, created, done, filled, filled, name, false);
    order.row.role = LegRole::unstated;
    order.row.has_position_side = false;
    rig.venue.changes.push_back({instrument(), sent_ms + done - 10, -closed, 0});
    rig.venue.changes.push_back({instrument(), sent_ms + done, 0, opened});
    return order;
  }
};

TEST_F(SettlementListing, OneOrderOfEitherSizeIsAReversalWhereThePositionTurnedAround) {
  for (const PositionMode each : {PositionMode::one_way, PositionMode::hedge}) {
    for (const std::int64_t filled : {5, 10}) {
      for (const char* name : {"bh-1", ""}) {
        SCOPED_TRACE(testing::Message() << "filled " << filled << " name '" << name << "'");
        rig = Rig{};
        mode = each;
        hold(5);
        rig.venue.orders.clear();
        next_order = 100;
        one_order(14, 97, filled, 5, 5, name);
        open(Answer::acked, 10, "100");
        const Decision& end = decision(10, 15);
        expect(end, SettledResult::reversed, Ground::position_and_order);
        EXPECT_EQ(end.closed, units(5));
        EXPECT_EQ(end.opened, units(5));
      }
    }
  }
}

TEST_F(SettlementListing, OneOrderThatOnlyClosedOrOpenedLessIsToldByThePosition) {
  one_order(14, 97, 5, 5, 0);
  open(Answer::acked, 10, "100");
  expect(decision(20, 30), SettledResult::closed_only, Ground::position_and_order);
  rig = Rig{};
  hold(5);
  rig.venue.orders.clear();
  next_order = 100;
  one_order(14, 97, 7, 5, 2);
  open(Answer::acked, 10, "100");
  const Decision& end = decision(20, 30);
  expect(end, SettledResult::partly_reversed, Ground::position_and_order);
  EXPECT_EQ(end.opened, units(2));
}

TEST_F(SettlementListing, AStopRightAfterAReversalOfOneOrderIsNotCalledClosedOnly) {
  one_order(14, 97, 5, 5, 5);
  trade(98, 0, -5);
  open(Answer::acked, 150, "100");
  expect_unresolved(decision(120, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementListing, AnOpeningTradeOfOthersIsNotTakenForTheOpeningLeg) {
  close_leg(14, 60, 5);
  trade(80, 0, 5);
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(120, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementListing, OneOrderOfBothSizesIsNoLegBesideAnothersOrder) {
  one_order(14, 97, 10, 5, 5);
  leg(LegRole::open, 150, 190, 5, 5, "", /*moves=*/false);
  trade(190, 5, -5);  // Another's stop turned the position back.
  open(Answer::acked, 10, "100");
  const Decision& end = decision(0, kPatience_s);
  EXPECT_NE(end.result, SettledResult::partly_reversed) << "ten cannot have been closed of five";
  EXPECT_NE(end.result, SettledResult::closed_only);
}

TEST_F(SettlementListing, WithoutAListOfExecutionsOnlyAnExactTurnIsBelieved) {
  rig.venue.lists_fills = false;
  one_order(14, 97, 5, 5, 5);
  open(Answer::acked, 10, "100");
  expect(decision(10, 20), SettledResult::reversed, Ground::position_and_order);
  rig = Rig{};
  rig.venue.lists_fills = false;
  hold(5);
  rig.venue.orders.clear();
  next_order = 100;
  one_order(14, 97, 5, 5, 0);
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(120, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementListing, TwoOrdersAreTwoLegsWhateverTheySayOfThemselves) {
  for (const LegRole role : {LegRole::unstated, LegRole::open, LegRole::close}) {
    SCOPED_TRACE(static_cast<int>(role));
    rig = Rig{};
    hold(5);
    rig.venue.orders.clear();
    rig.venue.orders.reserve(2);
    next_order = 100;
    close_leg(14, 60, 5).row.role = role;
    open_leg(62, 97, 5).row.role = role;
    open(Answer::acked, 10, "100");
    expect(decision(0.1, 0.3), SettledResult::reversed, Ground::legs_by_id);
  }
}

TEST_F(SettlementListing, ALegOfAnEarlierReversalIsNotOursWhereOursAloneExplainsThePosition) {
  for (const std::int64_t size : {5, 10}) {
    SCOPED_TRACE(size);
    rig = Rig{};
    mode = PositionMode::hedge;
    hold(20);
    rig.venue.orders.clear();
    rig.venue.orders.reserve(2);
    next_order = 100;
    // Ours closed five of twenty, and opened nothing.
    close_leg(14, 60, 5);
    leg(LegRole::open, -2, -1, size, size, "", /*moves=*/false);
    know(Answer::acked, "100");
    facts.has_size = true;
    facts.size = units(5);
    open_known();
    expect_unresolved(decision(kBurnt_s, kPatience_s), Ground::ambiguous_rows);
  }
}

TEST_F(SettlementListing, ANamelessRowIsNotOursBesideAnothersRowJustBefore) {
  rig.venue.orders.reserve(2);
  close_leg(14, 60, 5, "");
  leg(LegRole::open, -1'000, -900, 5, 5, "x-1", /*moves=*/false);
  open(Answer::none);
  expect_unresolved(decision(kBurnt_s, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementListing, OrdersWhoseClockIsBehindAndPositionsWhoseClockIsAheadAreStillOurs) {
  rig.venue.orders.reserve(2);
  close_leg(14, 60, 5).clock_ms = -40;
  open_leg(62, 97, 5, "").clock_ms = -40;
  rig.venue.position_clock_ms = 10;
  open(Answer::acked, 10, "100");
  const Decision& end = decision(0.1, 0.3);
  expect(end, SettledResult::reversed, Ground::leg_and_sibling);
  EXPECT_EQ(end.after.short_size, units(5));
}

TEST_F(SettlementListing, ARowUnderOurNameNeedsNoTime) {
  rig.venue.orders.reserve(2);
  close_leg(14, 60, 5).clock_ms = -700;
  open_leg(62, 97, 5).clock_ms = -700;
  open(Answer::acked, 10, "100");
  expect(decision(0.1, 0.3), SettledResult::reversed, Ground::legs_by_id);
}

}  // namespace
}  // namespace backhand::order::test
