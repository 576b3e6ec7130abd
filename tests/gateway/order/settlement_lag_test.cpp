// Look-ups that are older than their replies, pages of another account, and history in many pages.
#include "tests/gateway/order/scene.hpp"

namespace backhand::order::test {
namespace {

using domain::LookupKind;

class SettlementLag : public Scene {
 protected:
  /// The venue's look-ups are assumed to lag at most so far.
  void assume_lag(std::uint32_t lag_ms) {
    Settings settings = prompt_settings();
    settings.lookup_lag_ms = lag_ms;
    rig = Rig{settings};
    hold(5);
  }
  void lag_all(VenueMs ms) {
    rig.venue.history_lag_ms = rig.venue.order_lag_ms = rig.venue.position_lag_ms = ms;
  }
  /// The reversal of the scene, executed after an ack that was lost.
  void execute() {
    close_leg(14, 60, 5);
    open_leg(62, 97, 5);
  }
  /// An earlier reversal of the same account, settled long before, of another position.
  void settle_one_before(VenueMs seconds_before = 60) {
    const VenueMs then = -seconds_before * 1'000;
    for (const LegRole role : {LegRole::close, LegRole::open}) {
      const bool closes = role == LegRole::close;
      FakeOrder& row = leg(role, then + (closes ? 14 : 62), then + (closes ? 60 : 97), 5, 5, "bh-0", false);
      row.row.instrument = instrument("BTCUSDT");
    }
    rig.venue.changes.push_back({instrument("BTCUSDT"), 0, 5, 0});
    rig.venue.changes.push_back({instrument("BTCUSDT"), sent_ms + then + 97, -5, 5});
    know(Answer::acked);
    CaseFacts other = facts;
    other.case_id = 1;
    other.position = PositionIndex{4};
    other.instrument = instrument("BTCUSDT");
    other.client_oid = wire::ClientOid{"bh-0"};
    other.signed_venue_ms = sent_ms + then - 20;
    other.written_venue_ms = sent_ms + then - 5;
    other.before = {units(5), {}, sent_ms + then - 500};
    rig.now = Rig::from_venue(sent_ms + then + 10);
    rig.open(other);
    rig.run_until(Rig::from_venue(sent_ms + then) + 5 * kSecond);
    ASSERT_EQ(rig.told.size(), 1U);
    expect(rig.told[0].decision, SettledResult::reversed, Ground::legs_by_id);
    rig.told.clear();
  }
  void SetUp() override {
    sent_ms = Rig::kEpoch_ms + 400'000;
    Scene::SetUp();
  }
};

TEST_F(SettlementLag, AnExecutionThatIsShownLateButWithinTheBoundIsNeverCalledNotExecuted) {
  assume_lag(20'000);
  lag_all(19'900);
  close_leg(29'900, 38'000, 5);
  open_leg(38'100, 39'900, 5);
  open(Answer::none, 5'000);
  expect(decision(50, 75), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementLag, NotExecutedIsToldOnlyAfterTheLagHasPassedTwice) {
  assume_lag(20'000);
  open(Answer::none, 5'000);
  expect(decision(kBurnt_s + 20, 66), SettledResult::not_executed, Ground::never_arrived);
}

TEST_F(SettlementLag, ADoubtfulNoWaitsForTheLagToo) {
  assume_lag(20'000);
  close_leg(1, 2, 5);
  lag_all(19'000);
  open(Answer::doubtful_no, 10);
  expect(decision(30, 90), SettledResult::closed_only, Ground::position_and_order);
}

TEST_F(SettlementLag, AHistoryWithoutAnOrderOfOursThatIsKnownProvesNothing) {
  settle_one_before();
  execute();
  // All pages stand still from before the reversal on: far beyond what is assumed.
  lag_all(200'000);
  open(Answer::none, 5'000);
  rig.run_until(Rig::from_venue(sent_ms) + 190 * kSecond);
  EXPECT_TRUE(rig.told.empty()) << rig.told[0].decision;
  // Once they move on, they show it.
  expect(decision(190, 330), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementLag, ALagThatWasSeenIsAllowedForFromThenOn) {
  settle_one_before(20);
  execute();
  // The page shows the order before for 20 s before it shows this one.
  lag_all(90'000);
  open(Answer::none, 1'000);
  expect(decision(90, 200), SettledResult::reversed, Ground::legs_by_id);
}

TEST_F(SettlementLag, PagesOfAnotherAccountProveNothing) {
  settle_one_before();
  close_leg(14, 60, 5);
  for (FakeOrder& order : rig.venue.orders) order.named = false;  // Only history could tell.
  FakeVenue other = rig.venue;
  other.orders.clear();
  rig.replace = [&other](const domain::Lookup& lookup) -> const FakeVenue* {
    return lookup.kind == LookupKind::reversal_history ? &other : nullptr;
  };
  open(Answer::none, 5'000);
  rig.run_until(Rig::from_venue(sent_ms) + 100 * kSecond);
  EXPECT_TRUE(rig.told.empty()) << rig.told[0].decision;
  rig.replace = nullptr;
  expect(decision(100, 4000), SettledResult::closed_only, Ground::position_and_order);
}

/// What people did to the position since the request, from their screens: nothing of it ours.
void add_others(Rig& rig, VenueMs from, int count) {
  for (int i = 0; i < count; ++i) {
    FakeOrder order;
    order.row.order_id = wire::OrderId{std::to_string(1'000 + i)};
    order.row.client_oid = wire::ClientOid{"x-" + std::to_string(i)};
    order.row.instrument = instrument();
    order.row.from_api = false;
    order.row.state = OrderState::filled;
    order.row.from_reversal = true;
    order.row.size = order.row.filled = units(1);
    order.row.created_venue_ms = order.row.updated_venue_ms = from + 100 * i;
    rig.venue.orders.push_back(order);
  }
}

TEST_F(SettlementLag, AHistoryOfManyPagesIsWalkedToItsEnd) {
  for (const auto order : {FakeVenue::PageOrder::newest_first, FakeVenue::PageOrder::oldest_first}) {
    for (const std::size_t rows : {7, 20, 100}) {
      SCOPED_TRACE(std::to_string(rows) + " rows a page, order " + std::to_string(static_cast<int>(order)));
      rig = Rig{};
      hold(5);
      rig.venue.page_rows = rows;
      rig.venue.page_order = order;
      add_others(rig, sent_ms + 200, static_cast<int>(rows) * 4);
      open(Answer::none, 100);
      expect(decision(kBurnt_s, 46), SettledResult::not_executed, Ground::never_arrived, true);
    }
  }
}

TEST_F(SettlementLag, AnOrderOfOursOnALaterPageIsFound) {
  next_order = 900;
  execute();
  for (FakeOrder& order : rig.venue.orders) order.named = false;
  add_others(rig, sent_ms + 200, 350);
  open(Answer::none, 2'000);
  expect(decision(2, 5), SettledResult::reversed, Ground::legs_by_id, true);
}

TEST_F(SettlementLag, PagesThatAreInNoOrderOrDoNotEndProveNothing) {
  add_others(rig, sent_ms + 200, 30);
  std::mt19937_64 random(7);
  rig.venue.random = &random;
  rig.venue.page_rows = 7;
  rig.venue.page_order = FakeVenue::PageOrder::none;
  open(Answer::none, 100);
  expect_unresolved(decision(100, 200), Ground::no_evidence);

  rig = Rig{};
  hold(5);
  add_others(rig, sent_ms + 200, 2'000);
  rig.venue.page_rows = 20;
  open(Answer::none, 100);
  rig.run_until(Rig::from_venue(sent_ms) + 200 * kSecond);
  ASSERT_EQ(rig.told.size(), 1U);
  EXPECT_TRUE(rig.told[0].decision.unresolved) << "by then there are more than ten pages";
}

TEST_F(SettlementLag, OneHistoryLookupIsEnoughWhereItsPageShowsOurOrders) {
  execute();
  open(Answer::acked, 10, "100");
  expect(decision(0, 1), SettledResult::reversed, Ground::legs_by_id);
  EXPECT_EQ(rig.asked[static_cast<std::size_t>(LookupKind::reversal_history)], 1);
}

}  // namespace
}  // namespace backhand::order::test
