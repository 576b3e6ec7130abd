// Look-ups: rows, paging, what shows when, and the oddities of the real ones.
#include <set>

#include <gtest/gtest.h>

#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

const std::string kHistory = "/api/v2/mix/order/orders-history?orderSource=reverse&productType=USDT-FUTURES";
const std::string kDetail = "/api/v2/mix/order/detail?clientOid=x&productType=USDT-FUTURES&symbol=ETHUSDT";
const std::string kSingle =
    "/api/v2/mix/position/single-position?marginCoin=USDT&productType=USDT-FUTURES&symbol=ETHUSDT";

TEST(OrderDetail, ShowsAnOrderOnlyOnceItIsCreated) {
  Venue venue;
  const Client client("main");
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  const Reply early = venue.get(client, kDetail);
  EXPECT_EQ(early.http.status, 400);
  EXPECT_EQ(early.code(), "40109");
  venue.pass(14 * kMillisecond);
  EXPECT_EQ(venue.get(client, kDetail).data()["state"], "live");
  venue.pass(69 * kMillisecond);
  const auto row = venue.get(client, kDetail).data();
  EXPECT_EQ(row["state"], "filled");
  EXPECT_EQ(row["orderSource"], "reverse");
  EXPECT_EQ(row["size"], "20");
  EXPECT_EQ(row["baseVolume"], "20");
  EXPECT_EQ(row["quoteVolume"], "50000");
  EXPECT_EQ(row["side"], "sell") << "one-way: the close leg of a long sells";
  EXPECT_EQ(row["tradeSide"], "sell_single");
  EXPECT_EQ(row["posSide"], "net");
  EXPECT_EQ(row["posMode"], "one_way_mode");
  EXPECT_EQ(row["cTime"], std::to_string(kStart / kMillisecond + 14));
  EXPECT_EQ(row["uTime"], std::to_string(kStart / kMillisecond + 83));
  for (const auto& [key, value] : row.items()) EXPECT_TRUE(value.is_string()) << key;
  venue.exchange.options().detail_says_status = true;
  EXPECT_EQ(venue.get(client, kDetail).data()["status"], "filled");
}

TEST(OrderDetail, FollowsThePositionInHedgeMode) {
  Venue venue;
  const Client client("hedge");
  EXPECT_EQ(venue.reverse(client, "x", "buy", kHedgeOpen).code(), "00000");
  venue.pass(kSecond);
  const auto rows = venue.get(client, kHistory).data()["entrustedList"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["tradeSide"], "open");
  EXPECT_EQ(rows[0]["posSide"], "short");
  EXPECT_EQ(rows[0]["side"], "sell");
  EXPECT_EQ(rows[1]["tradeSide"], "close");
  EXPECT_EQ(rows[1]["posSide"], "long");
  EXPECT_EQ(rows[1]["side"], "buy") << "hedge orders carry the direction of their position";
}

TEST(OrderDetail, WantsItsParameters) {
  Venue venue;
  const Client client("main");
  const std::string base = "/api/v2/mix/order/detail?";
  EXPECT_EQ(venue.get(client, base + "clientOid=x&symbol=ETHUSDT").code(), "40019");
  EXPECT_EQ(venue.get(client, base + "clientOid=x&productType=USDT-FUTURES").code(), "40019");
  EXPECT_EQ(venue.get(client, base + "productType=USDT-FUTURES&symbol=ETHUSDT").code(), "40019");
  EXPECT_EQ(venue.get(client, base + "clientOid=x&productType=USDT-FUTURES&symbol=ethusdt").code(), "40034");
  EXPECT_EQ(venue.get(client, base + "clientOid=x&productType=usdt-futures&symbol=ETHUSDT").code(), "40109");
}

TEST(OrderDetail, MayLag) {
  Options options;
  options.order_lag_ns = 2 * kSecond;
  options.history_lag_ns = 3 * kSecond;
  Venue venue(options);
  const Client client("main");
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  venue.pass(2 * kSecond);
  EXPECT_EQ(venue.get(client, kDetail).code(), "40109");
  venue.pass(20 * kMillisecond);
  EXPECT_EQ(venue.get(client, kDetail).code(), "00000");
  EXPECT_TRUE(venue.get(client, kHistory).data()["entrustedList"].is_null());
  venue.pass(kSecond + 100 * kMillisecond);
  EXPECT_EQ(venue.get(client, kHistory).data()["entrustedList"].size(), 2U);
}

TEST(OrdersHistory, PagesFromTheNewest) {
  Options options;
  options.limits = false;
  Venue venue(options);
  const Client client("main");
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(venue.reverse(client, "x" + std::to_string(i)).code(), "00000");
    venue.pass(kSecond);
  }
  std::set<std::string> seen;
  std::string below;
  int pages = 0;
  while (true) {
    const auto data = venue.get(client, kHistory + "&limit=4" + below).data();
    if (data["entrustedList"].is_null()) {
      EXPECT_TRUE(data["endId"].is_null());
      break;
    }
    ++pages;
    for (const auto& row : data["entrustedList"]) seen.insert(row["orderId"].get<std::string>());
    EXPECT_EQ(data["endId"], data["entrustedList"].back()["orderId"]);
    below = "&idLessThan=" + data["endId"].get<std::string>();
  }
  EXPECT_EQ(seen.size(), 14U) << "two legs each, none twice, none left out";
  EXPECT_EQ(pages, 4);
}

TEST(OrdersHistory, PagesMayBeShorterThanAskedAndInAnotherOrder) {
  Options options;
  options.limits = false;
  options.page_rows = 3;
  options.page_order = PageOrder::oldest_first;
  Venue venue(options);
  const Client client("main");
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(venue.reverse(client, "x" + std::to_string(i)).code(), "00000");
    venue.pass(kSecond);
  }
  const auto ids = [&](const std::string& more) {
    std::vector<std::string> out;
    const auto list = venue.get(client, kHistory + more).data()["entrustedList"];
    for (const auto& row : list) out.push_back(row["orderId"].get<std::string>());
    return out;
  };
  const auto oldest = ids("&limit=100");
  ASSERT_EQ(oldest.size(), 3U);
  EXPECT_LT(oldest[0], oldest[1]);
  EXPECT_LT(oldest[1], oldest[2]);
  EXPECT_EQ(ids("&idLessThan=" + oldest[2]).size(), 2U) << "the cursor leads to older rows in any order";
  venue.exchange.options().page_order = PageOrder::none;
  venue.exchange.options().page_rows = 100;
  std::set<std::vector<std::string>> orders;
  for (int i = 0; i < 20; ++i) orders.insert(ids(""));
  EXPECT_GT(orders.size(), 5U);
  EXPECT_EQ(orders.begin()->size(), 8U);
}

TEST(OrdersHistory, LagsMayVarySoThatPagesGoBackwards) {
  Options options;
  options.limits = false;
  options.history_lag_ns = 10 * kSecond;
  options.lags_vary = true;
  Venue venue(options);
  const Client client("main");
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  venue.pass(5 * kSecond);
  int shown = 0;
  for (int i = 0; i < 40; ++i) shown += venue.get(client, kHistory).data()["entrustedList"].is_null() ? 0 : 1;
  EXPECT_GT(shown, 5);
  EXPECT_LT(shown, 35);
  venue.pass(6 * kSecond);
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(venue.get(client, kHistory).data()["entrustedList"].size(), 2U)
        << "never later than the longest";
}

TEST(OrdersHistory, AFaultAnswersForAnotherAccount) {
  Venue venue;
  const Client client("main");
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  venue.pass(kSecond);
  Fault fault;
  fault.name = "other";
  fault.path = "/api/v2/mix/order/orders-history";
  fault.answer = Answer::other_account;
  venue.exchange.add_fault(fault);
  EXPECT_TRUE(venue.get(client, kHistory).data()["entrustedList"].is_null());
  EXPECT_EQ(venue.get(client, kHistory).data()["entrustedList"].size(), 2U) << "once";
}

TEST(OrdersHistory, FiltersByTimeSourceSymbolAndIds) {
  Options options;
  options.limits = false;
  Venue venue(options);
  const Client client("main");
  const auto main = venue.exchange.find_account("main").value();
  EXPECT_EQ(venue.reverse(client, "first").code(), "00000");
  venue.pass(10 * kSecond);
  EXPECT_EQ(venue.reverse(client, "second", "buy", "", "BTCUSDT").code(), "00000");
  venue.pass(10 * kSecond);
  venue.exchange.trade(main, *venue.exchange.find_contract("ETHUSDT"), PositionSide::long_side, false,
                       Decimal{1, 0}, Source::market, venue.now);
  const auto count = [&](const std::string& target) {
    const auto list = venue.get(client, target).data()["entrustedList"];
    return list.is_null() ? 0U : list.size();
  };
  const std::string all = "/api/v2/mix/order/orders-history?productType=USDT-FUTURES";
  EXPECT_EQ(count(all), 5U);
  EXPECT_EQ(count(kHistory), 4U);
  EXPECT_EQ(count(all + "&orderSource=market"), 1U);
  EXPECT_EQ(count(kHistory + "&symbol=BTCUSDT"), 2U);
  EXPECT_EQ(count(kHistory + "&clientOid=second"), 1U);
  const auto start = kStart / kMillisecond;
  EXPECT_EQ(count(kHistory + "&startTime=" + std::to_string(start + 5'000)), 2U);
  EXPECT_EQ(count(kHistory + "&endTime=" + std::to_string(start + 5'000)), 2U);
  EXPECT_EQ(count("/api/v2/mix/order/orders-history?productType=COIN-FUTURES"), 0U);
  EXPECT_EQ(venue.held("main"), sizes("0", "19")) << "the other trader's buy netted against the short";
}

TEST(OrdersHistory, CallsALeadTradersReversalByItsName) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("lead"), "x").code(), "00000");
  venue.pass(kSecond);
  const auto rows = venue.get(Client("lead"), kHistory).data()["entrustedList"];
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0]["orderSource"], "trader_reverse");
}

TEST(OrdersPending, ShowsLiveOrdersOnly) {
  Venue venue;
  const Client client("main");
  const std::string pending = "/api/v2/mix/order/orders-pending?productType=USDT-FUTURES";
  EXPECT_TRUE(venue.get(client, pending).data()["entrustedList"].is_null());
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  venue.pass(20 * kMillisecond);
  EXPECT_EQ(venue.get(client, pending).data()["entrustedList"].size(), 2U);
  venue.pass(kSecond);
  venue.exchange.options().empty_list_is_null = false;
  EXPECT_EQ(venue.get(client, pending).data()["entrustedList"].size(), 0U);
  EXPECT_TRUE(venue.get(client, pending).data()["entrustedList"].is_array());
}

TEST(Fills, NameTheirOrder) {
  Venue venue;
  const Client client("main");
  const auto id = venue.reverse(client, "x").data()["orderId"].get<std::string>();
  venue.pass(kSecond);
  const std::string fills = "/api/v2/mix/order/fills?productType=USDT-FUTURES";
  EXPECT_EQ(venue.get(client, fills).data()["fillList"].size(), 2U);
  const auto rows = venue.get(client, fills + "&orderId=" + id).data()["fillList"];
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0]["baseVolume"], "20");
  EXPECT_EQ(rows[0]["feeDetail"][0]["feeCoin"], "USDT");
}

TEST(Positions, HaveNoRowWhenFlat) {
  Venue venue;
  const Client client("main");
  EXPECT_EQ(venue.get(client, kSingle).data().size(), 1U);
  const auto row = venue.get(client, kSingle).data()[0];
  EXPECT_EQ(row["holdSide"], "long");
  EXPECT_EQ(row["total"], "20");
  EXPECT_FALSE(row.contains("uTime"));
  const auto main = venue.exchange.find_account("main").value();
  venue.exchange.set_position(main, *venue.exchange.find_contract("ETHUSDT"), {}, venue.now);
  EXPECT_EQ(venue.get(client, kSingle).data().size(), 0U);
  const auto all =
      venue.get(client, "/api/v2/mix/position/all-position?marginCoin=USDT&productType=USDT-FUTURES");
  EXPECT_EQ(all.data().size(), 2U) << "BTCUSDT and SOLUSDT";
}

TEST(Positions, ShowBothSidesInHedgeMode) {
  Venue venue;
  const auto data =
      venue
          .get(Client("hedge"),
               "/api/v2/mix/position/single-position?marginCoin=USDT&productType=USDT-FUTURES&symbol=BTCUSDT")
          .data();
  ASSERT_EQ(data.size(), 2U);
  EXPECT_EQ(data[0]["holdSide"], "long");
  EXPECT_EQ(data[1]["holdSide"], "short");
  EXPECT_EQ(data[1]["total"], "0.25");
}

TEST(Positions, MayLag) {
  Options options;
  options.position_lag_ns = kSecond;
  Venue venue(options);
  const Client client("main");
  EXPECT_EQ(venue.reverse(client, "x").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.get(client, kSingle).data()[0]["holdSide"], "long");
  venue.pass(100 * kMillisecond);
  EXPECT_EQ(venue.get(client, kSingle).data()[0]["holdSide"], "short");
}

TEST(Account, TellsItsMode) {
  Venue venue;
  const std::string target =
      "/api/v2/mix/account/account?marginCoin=USDT&productType=USDT-FUTURES&symbol=BTCUSDT";
  EXPECT_EQ(venue.get(Client("main"), target).data()["posMode"], "one_way_mode");
  EXPECT_EQ(venue.get(Client("hedge"), target).data()["posMode"], "hedge_mode");
  EXPECT_EQ(venue.get(Client("lead"), "/api/v2/spot/account/info").data()["traderType"], "trader");
  EXPECT_EQ(venue.get(Client("main"), "/api/v2/spot/account/info").data()["traderType"], "not_trader");
}

TEST(Contracts, TellStepsAndStatus) {
  Venue venue;
  venue.exchange.set_contract_status(*venue.exchange.find_contract("SOLUSDT"),
                                     ContractStatus::restricted_api);
  const auto data = venue.get(Client("main"), "/api/v2/mix/market/contracts?productType=USDT-FUTURES").data();
  ASSERT_EQ(data.size(), 6U);
  EXPECT_EQ(data[0]["symbol"], "BTCUSDT");
  EXPECT_EQ(data[0]["sizeMultiplier"], "0.0001");
  EXPECT_EQ(data[0]["volumePlace"], "4");
  EXPECT_EQ(data[0]["maxMarketOrderQty"], "220");
  EXPECT_EQ(data[0]["symbolStatus"], "normal");
  EXPECT_TRUE(data[0]["supportMarginCoins"].is_array());
  EXPECT_EQ(data[2]["symbolStatus"], "restrictedAPI");
}

}  // namespace
}  // namespace backhand::venue
