// Which leg carries our name or the ack's number is not documented (bitget-facts C6): every combination must
// end true, and none may wait for the fuse where the legs can be told.
#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

enum class Carrier { close, open, both, none };
enum class OtherName { empty, number, like_number };

struct Venue {
  Carrier name = Carrier::close;
  Carrier number = Carrier::close;  ///< The ack's order id; `none`: known to no look-up.
  OtherName other = OtherName::empty;
  PositionMode mode = PositionMode::one_way;
  bool stated = false;  ///< One-way rows say which leg they are.
  bool acked = true;
};

std::vector<Venue> all_venues() {
  std::vector<Venue> out;
  for (const auto name : {Carrier::close, Carrier::open, Carrier::both, Carrier::none})
    for (const auto number : {Carrier::close, Carrier::open, Carrier::none})
      for (const auto other : {OtherName::empty, OtherName::number, OtherName::like_number})
        for (const auto mode : {PositionMode::one_way, PositionMode::hedge})
          for (const bool stated : {false, true})
            for (const bool acked : {false, true}) out.push_back({name, number, other, mode, stated, acked});
  return out;
}

class SettlementIds : public Scene {
 protected:
  static constexpr const char* kClose = "1323031696869281794";
  static constexpr const char* kOpen = "1323031696869281811";

  void dress(FakeOrder& order, const char* number, bool carries, const Venue& venue, LegRole role) {
    order.row.order_id = wire::OrderId{number};
    order.row.client_oid = wire::ClientOid{carries                            ? "bh-1"
                                           : venue.other == OtherName::empty  ? ""
                                           : venue.other == OtherName::number ? number
                                                                              : "1323031696869280000"};
    if (venue.stated) order.row.role = role;
  }
  void play(const Venue& venue, std::int64_t opened) {
    rig = Rig{};
    rig.venue.orders.reserve(4);
    mode = venue.mode;
    hold(5);
    dress(close_leg(14, 60, 5), kClose, venue.name == Carrier::close || venue.name == Carrier::both, venue,
          LegRole::close);
    if (opened > 0)
      dress(leg(LegRole::open, 62, 97, opened, opened, ""), kOpen,
            venue.name == Carrier::open || venue.name == Carrier::both, venue, LegRole::open);
    if (venue.acked)
      open(Answer::acked, 10,
           venue.number == Carrier::close  ? kClose
           : venue.number == Carrier::open ? kOpen
                                           : "1323031696869299999");
    else
      open(Answer::none, 5'000);
  }
  static std::string text(const Venue& venue) {
    return "name " + std::to_string(static_cast<int>(venue.name)) + " number " +
           std::to_string(static_cast<int>(venue.number)) + " other " +
           std::to_string(static_cast<int>(venue.other)) + " mode " +
           std::to_string(static_cast<int>(venue.mode)) + (venue.stated ? " stated" : "") +
           (venue.acked ? " acked" : " ack lost");
  }
  /// One of the two rows can be told for ours.
  static bool is_named(const Venue& venue) {
    return venue.name != Carrier::none || (venue.acked && venue.number != Carrier::none);
  }
};

TEST_F(SettlementIds, EveryOptionEndsReversed) {
  for (const Venue& venue : all_venues()) {
    SCOPED_TRACE(text(venue));
    play(venue, 5);
    rig.run_for(60);
    ASSERT_EQ(rig.told.size(), 1U);
    const Decision& end = rig.told[0].decision;
    EXPECT_FALSE(end.unresolved) << end;
    EXPECT_EQ(end.result, SettledResult::reversed) << end;
    EXPECT_FALSE(end.foreign_change);
    if (is_named(venue))
      EXPECT_LT(since_sent(rig.told[0].at), 5.5) << end << ": a leg of ours is known, no fuse is waited for";
    else
      EXPECT_EQ(to_string(end.ground), to_string(Ground::pair_without_id));
  }
}

TEST_F(SettlementIds, EveryOptionEndsPartlyReversedOrClosedOnly) {
  for (const std::int64_t opened : {2, 0}) {
    for (const Venue& venue : all_venues()) {
      SCOPED_TRACE(text(venue));
      play(venue, opened);
      rig.run_for(60);
      ASSERT_EQ(rig.told.size(), 1U);
      const Decision& end = rig.told[0].decision;
      EXPECT_FALSE(end.unresolved) << end;
      EXPECT_EQ(end.result, opened > 0 ? SettledResult::partly_reversed : SettledResult::closed_only) << end;
      EXPECT_GE(since_sent(rig.told[0].at), 12);
    }
  }
}

TEST_F(SettlementIds, AnOpeningLegWhoseClosingOneIsNotListedIsConfirmedByThePosition) {
  mode = PositionMode::hedge;
  close_leg(14, 60, 5, "").listed = false;
  open_leg(62, 97, 5);
  open(Answer::acked, 10, "101");
  expect(decision(10, 15), SettledResult::reversed, Ground::open_leg_alone);
}

TEST_F(SettlementIds, AClosingLegWhoseOpeningOneIsNotListedIsLeftToAPerson) {
  mode = PositionMode::hedge;
  close_leg(14, 60, 5);
  open_leg(62, 97, 5, "").listed = false;
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::unexplained_position);
}

TEST_F(SettlementIds, TwoSiblingsToChooseFromAreLeftToAPerson) {
  mode = PositionMode::hedge;
  hold(10);
  close_leg(14, 60, 5);
  open_leg(62, 97, 5, "");
  open_leg(70, 99, 5, "");
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementIds, ANameThatTheVenueSeemsToHaveMadeIsTrustedOnlyWithTheExactPosition) {
  mode = PositionMode::hedge;
  close_leg(14, 60, 5);
  open_leg(62, 97, 5, "sys_77");
  open(Answer::acked, 10, "100");
  // It may be another program's: nobody else may have traded.
  expect(decision(10, 15), SettledResult::reversed, Ground::leg_and_sibling);
  rig = Rig{};
  hold(5);
  rig.venue.orders.clear();
  next_order = 100;
  close_leg(14, 60, 5);
  open_leg(62, 97, 5, "sys_77");
  trade(98, 1, 0);
  open(Answer::acked, 150, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementIds, ReversalsOfOurOwnBeforeThisOneAreNotItsEvidence) {
  rig.settings.client_oid_prefix = FixedString<8>{"bh"};
  rig = Rig{rig.settings};
  hold(5);
  close_leg(-600, -550, 5, "bh-0");
  open_leg(-540, -500, 5, "bh-0");
  trade(-400, 5, -5);
  know(Answer::none);
  facts.written_venue_ms = 0;
  facts.signed_venue_ms = sent_ms - 20'000;
  facts.before = rig.venue.holding(instrument(), sent_ms - 300);
  open_known();
  expect(decision(21, 30), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementIds, ANumberOfTheVenuesIsNotOurNameHoweverItBegins) {
  rig.settings.client_oid_prefix = FixedString<8>{"1"};
  rig = Rig{rig.settings};
  hold(5);
  close_leg(14, 60, 5, "100");
  open_leg(62, 97, 5, "101");
  open(Answer::none, 5'000);
  expect(decision(40, 50), SettledResult::reversed, Ground::pair_without_id);
}

TEST_F(SettlementIds, ALegOfTheReversalBeforeIsRememberedByItsNumber) {
  rig.venue.orders.reserve(4);
  close_leg(14, 60, 5, "bh-1");
  open_leg(62, 97, 5, "");
  open(Answer::acked, 10, "100");
  expect(decision(0.1, 0.3), SettledResult::reversed, Ground::leg_and_sibling);
  rig.told.clear();
  // Signed ahead and without a better bound: the last reversal's rows lie in this one's window.
  know(Answer::none);
  facts.client_oid = wire::ClientOid{"bh-2"};
  facts.held_side = PositionSide::short_side;
  facts.written_venue_ms = 0;
  facts.before = rig.venue.holding(instrument(), sent_ms + 400);
  open_known(500);
  expect(decision(41, 50), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementIds, AnotherProgramsRowsBesideASiblingAreLeftToAPerson) {
  mode = PositionMode::hedge;
  hold(10, 2);
  close_leg(14, 60, 5);
  open_leg(62, 97, 5, "");
  FakeOrder& close = close_leg(40, 41, 2, "x-9");
  close.row.position_side = PositionSide::short_side;
  // As if nothing but ours had happened, so that only the row itself speaks against it.
  trade(42, 2, 0);
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementIds, ASmallerLegUnderAnotherNameIsNotTakenForOurs) {
  mode = PositionMode::hedge;
  close_leg(14, 60, 5);
  open_leg(62, 97, 2, "x-9");
  open(Answer::acked, 10, "100");
  expect_unresolved(decision(40, kPatience_s), Ground::ambiguous_rows);
}

TEST_F(SettlementIds, ALegOfTheReversalBeforeIsRememberedAlsoForARecoveredOne) {
  rig.venue.orders.reserve(4);
  close_leg(14, 60, 5, "bh-1");
  open_leg(62, 97, 5, "");
  open(Answer::acked, 10, "100");
  expect(decision(0.1, 0.3), SettledResult::reversed, Ground::leg_and_sibling);
  rig.told.clear();
  know(Answer::none);
  facts.client_oid = wire::ClientOid{"bh-2"};
  facts.held_side = PositionSide::short_side;
  facts.recovered = true;
  facts.written_venue_ms = 0;
  facts.before = {};
  open_known(500);
  expect(decision(41, 50), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementIds, LegsOfEarlierReversalsAreOlderThanTheLastOnesEnd) {
  rig.venue.orders.reserve(8);
  close_leg(14, 60, 5, "bh-1");
  open_leg(62, 97, 5, "");
  open(Answer::acked, 10, "100");
  rig.run_for(0.5);
  leg(LegRole::close, 1'014, 1'060, 5, 5, "bh-2", false);
  leg(LegRole::open, 1'062, 1'097, 5, 5, "", false);
  trade(1'097, 5, -5);
  know(Answer::none);
  facts.client_oid = wire::ClientOid{"bh-2"};
  facts.held_side = PositionSide::short_side;
  facts.before = rig.venue.holding(instrument(), sent_ms + 900);
  open_known(1'200);
  rig.run_for(0.5);
  ASSERT_EQ(rig.told.size(), 2U);
  rig.told.clear();
  know(Answer::none);
  facts.client_oid = wire::ClientOid{"bh-3"};
  facts.written_venue_ms = 0;
  facts.before = rig.venue.holding(instrument(), sent_ms + 1'900);
  open_known(2'000);
  expect(decision(41, 50), SettledResult::not_executed, Ground::never_arrived);
}

}  // namespace
}  // namespace backhand::order::test
