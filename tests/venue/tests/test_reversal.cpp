// What a reversal does, its own checks, and every open question C1 … C7 of the facts.
#include <gtest/gtest.h>

#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

std::string detail_code(Venue& venue, const Client& client, const std::string& by) {
  return venue.get(client, "/api/v2/mix/order/detail?" + by + "&productType=USDT-FUTURES&symbol=ETHUSDT")
      .code();
}

TEST(OneWay, ReversesTheWholePositionAfterTheAck) {
  Venue venue;
  const Reply ack = venue.reverse(Client("main"), "rev-1");
  EXPECT_EQ(ack.http.status, 200);
  EXPECT_EQ(ack.code(), "00000");
  EXPECT_EQ(ack.data()["clientOid"], "rev-1");
  EXPECT_TRUE(ack.data()["orderId"].is_string());
  EXPECT_EQ(ack.json["requestTime"], venue.now / kMillisecond);
  EXPECT_EQ(venue.exchange.next_due(), kStart + 14 * kMillisecond);
  venue.pass(82 * kMillisecond);
  EXPECT_EQ(venue.held("main"), sizes("20", "0")) << "the ack comes before the execution";
  venue.pass(kMillisecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "20"));
  const Truth& truth = venue.exchange.truth();
  ASSERT_EQ(truth.executions.size(), 2U);
  EXPECT_EQ(truth.executions[0].leg, Leg::close);
  EXPECT_EQ(truth.executions[0].long_after, Decimal{});
  EXPECT_EQ(truth.executions[1].leg, Leg::open);
  EXPECT_NE(truth.executions[0].order, truth.executions[1].order);
  ASSERT_EQ(truth.reversals.size(), 1U);
  EXPECT_EQ(truth.reversals[0].closed, (Decimal{20, 0}));
  EXPECT_EQ(truth.reversals[0].opened, (Decimal{20, 0}));
  EXPECT_TRUE(truth.reversals[0].done);
  EXPECT_EQ(venue.exchange.executed_times("main", "rev-1"), 1U);
  EXPECT_EQ(venue.exchange.executed_times("hedge", "rev-1"), 0U);
  EXPECT_EQ(venue.exchange.next_due(), kNever);
}

TEST(OneWay, ASecondReversalRestoresTheFirst) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("main"), "same").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.reverse(Client("main"), "same").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("20", "0"));
  EXPECT_EQ(venue.exchange.executed_times("main", "same"), 2U);
  EXPECT_EQ(venue.exchange.truth().counters.reversals_repeated, 1U);
  EXPECT_EQ(venue.exchange.truth().counters.max_executions_of_client_oid, 2U);
}

TEST(Hedge, ReversesPartOfAPosition) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("hedge"), "h", "buy", R"(,"tradeSide":"open","size":"3")").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("hedge"), sizes("17", "3"));
}

TEST(Hedge, NeverReversesMoreThanIsHeld) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("hedge"), "h", "buy", R"(,"tradeSide":"open","size":"21")").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("hedge"), sizes("0", "20"));
  EXPECT_EQ(venue.reverse(Client("hedge"), "i", "sell", kHedgeOpen).code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("hedge"), sizes("20", "0")) << "without a size: whole";
}

TEST(Reversal, TakesAnyCaseAndIgnoresUnknownKeys) {
  Venue venue;
  const Client client("main");
  constexpr std::string_view kPath = "/api/v2/mix/order/click-backhand";
  EXPECT_EQ(venue
                .send(client, "POST", kPath,
                      R"({"symbol":"ethusdt","productType":"usdt-futures","marginCoin":"usdt","side":"buy",)"
                      R"("colour":7,"nested":{"a":[1]}})")
                .code(),
            "00000");
  venue.exchange.options().upper_case_required = true;
  EXPECT_EQ(venue.reverse(client, "x", "buy", "", "ethusdt").code(), "40034");
}

TEST(Reversal, ServesAllSixProducts) {
  Venue venue;
  const Client client("main");
  const auto code = [&](std::string_view product, std::string_view symbol, std::string_view coin) {
    std::string body = R"({"side":"buy","productType":")";
    body.append(product).append(R"(","symbol":")").append(symbol).append(R"(","marginCoin":")");
    body.append(coin).append("\"}");
    return venue.send(client, "POST", "/api/v2/mix/order/click-backhand", body).code();
  };
  EXPECT_EQ(code("USDT-FUTURES", "BTCUSDT", "USDT"), "00000");
  EXPECT_EQ(code("COIN-FUTURES", "BTCUSD", "BTC"), "00000");
  EXPECT_EQ(code("USDC-FUTURES", "BTCPERP", "USDC"), "00000");
  EXPECT_EQ(code("SUSDT-FUTURES", "SETHSUSDT", "SUSDT"), "00000");
  EXPECT_EQ(code("SCOIN-FUTURES", "SBTCSUSD", "SBTC"), "00000");
  EXPECT_EQ(code("SUSDC-FUTURES", "SBTCSPERP", "SUSDC"), "00000");
  EXPECT_EQ(code("COIN-FUTURES", "BTCUSDT", "USDT"), "40034");
  EXPECT_EQ(code("MOON-FUTURES", "BTCUSDT", "USDT"), "40020");
  EXPECT_EQ(code("USDT-FUTURES", "BTCUSDT", "USDC"), "40020");
}

struct Refusal {
  std::string_view account, body, code, why;
};

TEST(Reversal, RefusesWhatTheVenueRefuses) {
  constexpr std::string_view kBase = R"("productType":"USDT-FUTURES","marginCoin":"USDT")";
  const Refusal refusals[] = {
      {"main", R"(,"side":"buy")", "40019", "symbol missing"},
      {"main", R"(,"symbol":"ETHUSDT")", "40019", "C2: side required"},
      {"main", R"(,"symbol":"ETHUSDT","side":"long")", "40020", "side unknown"},
      {"main", R"(,"symbol":"ETHUSDT","side":"Buy")", "40020", "side is lower case"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","tradeSide":"open")", "40774", "tradeSide in one-way"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":3)", "400172", "numbers are strings"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":"0")", "40020", "zero"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":"-1")", "40020", "negative"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":"1e2")", "40020", "not plain"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":"0.005")", "40808", "between steps"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","size":"1900.01")", "45113", "above one market order"},
      {"main", R"(,"symbol":"NONEUSDT","side":"buy")", "40034", "no such symbol"},
      {"main", R"(,"symbol":"XRPUSDT","side":"buy")", "22002", "flat"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","clientOid":"a/b")", "40304", "clientOid characters"},
      {"main", R"(,"symbol":"ETHUSDT","side":"buy","clientOid":"012345678901234567890123456789012")", "40304",
       "33 characters"},
      {"hedge", R"(,"symbol":"ETHUSDT","side":"buy")", "40019", "tradeSide required in hedge"},
      {"hedge", R"(,"symbol":"ETHUSDT","side":"buy","tradeSide":"close")", "40020", "C5: open only"},
      {"hedge", R"(,"symbol":"ETHUSDT","side":"sell","tradeSide":"open")", "22002", "no short held"},
  };
  for (const auto& r : refusals) {
    Venue venue;
    std::string body = "{";
    body.append(kBase).append(r.body).append("}");
    const Reply reply =
        venue.send(Client(std::string(r.account)), "POST", "/api/v2/mix/order/click-backhand", body);
    EXPECT_EQ(reply.code(), r.code) << r.why;
    EXPECT_EQ(reply.http.status, 400) << r.why;
    EXPECT_TRUE(reply.json["data"].is_null());
    venue.pass(kSecond);
    EXPECT_TRUE(venue.exchange.truth().executions.empty()) << r.why;
    EXPECT_EQ(venue.exchange.truth().counters.refused, 1U);
  }
}

TEST(Reversal, LooksAtTheContractsStatus) {
  Venue venue;
  const auto eth = venue.exchange.find_contract("ETHUSDT").value();
  const std::pair<ContractStatus, std::string_view> cases[] = {{ContractStatus::maintain, "40844"},
                                                               {ContractStatus::off, "40845"},
                                                               {ContractStatus::limit_open, "45119"},
                                                               {ContractStatus::normal, "00000"}};
  for (const auto& [status, code] : cases) {
    venue.exchange.set_contract_status(eth, status);
    EXPECT_EQ(venue.reverse(Client("main"), "x").code(), code);
  }
}

TEST(QuestionC1, SizeMayBeRequired) {
  Options options;
  options.size_required = true;
  Venue venue(options);
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "40019");
  EXPECT_EQ(venue.reverse(Client("main"), "x", "buy", R"(,"size":"20")").code(), "00000");
}

TEST(QuestionC2, SideMayBeLeftOut) {
  Options options;
  options.side_required = false;
  Venue venue(options);
  EXPECT_EQ(venue.reverse(Client("main"), "x", "").code(), "00000");
  EXPECT_EQ(venue.reverse(Client("hedge"), "x", "", kHedgeOpen).code(), "40019")
      << "hedge mode needs it anyway";
}

TEST(QuestionC3, OneWaySizeIsIgnoredOrPartial) {
  for (const auto meaning : {OneWaySize::ignored, OneWaySize::partial}) {
    Options options;
    options.one_way_size = meaning;
    Venue venue(options);
    EXPECT_EQ(venue.reverse(Client("main"), "x", "buy", R"(,"size":"3")").code(), "00000");
    venue.pass(kSecond);
    // Partial: 3 are closed, then 3 are opened against what is left, which nets.
    EXPECT_EQ(venue.held("main"), meaning == OneWaySize::ignored ? sizes("0", "20") : sizes("14", "0"));
  }
}

TEST(QuestionC4, OneWaySideHasThreeMeanings) {
  const auto code = [](OneWaySide meaning, std::string_view side) {
    Options options;
    options.one_way_side = meaning;
    Venue venue(options);
    return venue.reverse(Client("main"), "x", side).code();  // Holds a long position.
  };
  EXPECT_EQ(code(OneWaySide::ignored, "buy"), "00000");
  EXPECT_EQ(code(OneWaySide::ignored, "sell"), "00000");
  EXPECT_EQ(code(OneWaySide::position, "buy"), "00000");
  EXPECT_EQ(code(OneWaySide::position, "sell"), "22002");
  EXPECT_EQ(code(OneWaySide::order, "buy"), "22002");
  EXPECT_EQ(code(OneWaySide::order, "sell"), "00000");
}

TEST(QuestionC5, HedgeTradeSideIsOpenCloseOrAny) {
  const auto code = [](HedgeTradeSide takes, std::string_view more) {
    Options options;
    options.hedge_trade_side = takes;
    Venue venue(options);
    return venue.reverse(Client("hedge"), "x", "buy", more).code();
  };
  constexpr std::string_view kClose = R"(,"tradeSide":"close")";
  EXPECT_EQ(code(HedgeTradeSide::open, kHedgeOpen), "00000");
  EXPECT_EQ(code(HedgeTradeSide::open, kClose), "40020");
  EXPECT_EQ(code(HedgeTradeSide::close, kHedgeOpen), "40020");
  EXPECT_EQ(code(HedgeTradeSide::close, kClose), "00000");
  EXPECT_EQ(code(HedgeTradeSide::any, kHedgeOpen), "00000");
  EXPECT_EQ(code(HedgeTradeSide::any, kClose), "00000");
  EXPECT_EQ(code(HedgeTradeSide::any, R"(,"tradeSide":"flip")"), "40020");
}

TEST(QuestionC6, TheIdsMayBelongToEitherLegOrNone) {
  for (const auto oid_leg : {IdLeg::close, IdLeg::open, IdLeg::both, IdLeg::none}) {
    for (const auto id_leg : {IdLeg::close, IdLeg::open, IdLeg::none}) {
      Options options;
      options.client_oid_leg = oid_leg;
      options.order_id_leg = id_leg;
      Venue venue(options);
      const Client client("main");
      const Reply ack = venue.reverse(client, "mine");
      const auto id = ack.data()["orderId"].get<std::string>();
      venue.pass(kSecond);
      const Reversal& reversal = venue.exchange.truth().reversals.at(0);
      const Order& close = *venue.exchange.find_order(reversal.close_order);
      const Order& open = *venue.exchange.find_order(reversal.open_order);
      EXPECT_EQ(close.client_oid.view() == "mine", oid_leg == IdLeg::close || oid_leg == IdLeg::both);
      EXPECT_EQ(open.client_oid.view() == "mine", oid_leg == IdLeg::open || oid_leg == IdLeg::both);
      EXPECT_EQ(id == std::to_string(reversal.close_order), id_leg == IdLeg::close);
      EXPECT_EQ(id == std::to_string(reversal.open_order), id_leg == IdLeg::open);
      EXPECT_EQ(detail_code(venue, client, "clientOid=mine"), oid_leg == IdLeg::none ? "40109" : "00000");
      EXPECT_EQ(detail_code(venue, client, "orderId=" + id), id_leg == IdLeg::none ? "40109" : "00000");
      EXPECT_EQ(venue.exchange.executed_times("main", "mine"), 1U) << "the truth knows it whatever rows say";
    }
  }
}

TEST(QuestionC7, AUsedClientOidMayBeRefused) {
  for (const auto rule : {UniqueClientOid::never, UniqueClientOid::pending, UniqueClientOid::always}) {
    Options options;
    options.unique_client_oid = rule;
    Venue venue(options);
    EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
    EXPECT_EQ(venue.reverse(Client("main"), "x").code(), rule == UniqueClientOid::never ? "00000" : "40786");
    venue.pass(2 * kSecond);
    EXPECT_EQ(venue.reverse(Client("main"), "x").code(), rule == UniqueClientOid::always ? "40786" : "00000");
    EXPECT_EQ(venue.reverse(Client("hedge"), "x", "buy", kHedgeOpen).code(), "00000") << "per account";
  }
}

TEST(Margin, LimitsTheOpenLegToTheLargestPossible) {
  Venue venue;
  const auto main = venue.exchange.find_account("main").value();
  for (const auto symbol : {"BTCUSDT", "SOLUSDT"}) {
    venue.exchange.set_position(main, *venue.exchange.find_contract(symbol), {}, venue.now);
  }
  // 20 ETH at 2,500 with leverage 10 need 5,000; 3,000.01 is enough for 12 (3,000) and not for a step of 2.50
  // more.
  venue.exchange.set_equity(main, Decimal{300'001, 2});
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "12"));
  EXPECT_EQ(venue.exchange.truth().reversals[0].opened, (Decimal{12, 0}));
  const Order& open = *venue.exchange.find_order(venue.exchange.truth().reversals[0].open_order);
  EXPECT_EQ(open.state, OrderState::filled);
  EXPECT_EQ(open.size, (Decimal{12, 0}));
}

TEST(Margin, MayAllowNothing) {
  Options options;
  options.partial_open_keeps_size = true;
  Venue venue(options);
  const auto main = venue.exchange.find_account("main").value();
  venue.exchange.set_equity(main, Decimal{});
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "0")) << "closed only";
  const Reversal& reversal = venue.exchange.truth().reversals[0];
  EXPECT_EQ(venue.exchange.find_order(reversal.open_order)->state, OrderState::canceled);
  EXPECT_TRUE(reversal.done);
}

TEST(Reversal, FindsNothingWhenSomebodyElseClosedFirst) {
  Venue venue;
  const auto main = venue.exchange.find_account("main").value();
  const auto eth = venue.exchange.find_contract("ETHUSDT").value();
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
  venue.pass(50 * kMillisecond);
  EXPECT_EQ(venue.exchange.trade(main, eth, PositionSide::long_side, true, Decimal{25, 0},
                                 Source::liquidation, venue.now),
            (Decimal{20, 0}));
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "0"));
  const Reversal& reversal = venue.exchange.truth().reversals[0];
  EXPECT_TRUE(reversal.done);
  EXPECT_EQ(venue.exchange.find_order(reversal.close_order)->state, OrderState::canceled);
  EXPECT_EQ(venue.exchange.find_order(reversal.open_order)->state, OrderState::canceled);
  EXPECT_EQ(venue.exchange.executed_times("main", "x"), 0U);
}

TEST(Truth, CanBeForgottenInTheMiddle) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
  venue.pass(50 * kMillisecond);
  venue.exchange.reset_truth();
  EXPECT_EQ(venue.exchange.truth().counters.arrivals, 0U);
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "20")) << "what was under way still happens";
  EXPECT_EQ(venue.exchange.executed_times("main", "x"), 1U);
}

TEST(Exchange, GeneratesAccountsForLoad) {
  Venue venue({}, generated_scenario(100, PositionMode::hedge, 64));
  EXPECT_EQ(venue.exchange.accounts(), 100U);
  Client client("");
  client.key = "k0100";
  client.secret = "s0100";
  client.passphrase = "p0100";
  EXPECT_EQ(venue.reverse(client, "x", "buy", kHedgeOpen, "X058USDT").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("a0100", "X058USDT"), sizes("0", "20"));
}

}  // namespace
}  // namespace backhand::venue
