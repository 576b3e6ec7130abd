// Replies to questions: documented and recorded ones, and every way in which one says less than it seems to.
#include <gtest/gtest.h>

#include "tests/gateway/bitget/support.hpp"

namespace backhand::bitget {
namespace {

using domain::Lookup;
using domain::LookupKind;
using domain::LookupReply;
using domain::LookupStatus;
using testing::Headers;
using testing::PaddedBody;

class LookupReplies : public ::testing::Test {
 protected:
  LookupReplies() {
    reply_.positions.reserve(8);
    reply_.unread.reserve(8);
    reply_.contracts.reserve(8);
    reply_.orders.reserve(128);
    reply_.fills.reserve(128);
  }

  LookupReply& decode(LookupKind kind, int status, std::string_view body, const Headers& headers = {}) {
    Lookup lookup;
    lookup.kind = kind;
    lookup.account = testing::kAccount;
    lookup.instrument = testing::instrument();
    lookup.client_oid = wire::ClientOid("1750958278008");
    lookup.order_id = wire::OrderId("1323031696869281794");
    const PaddedBody padded(body);
    dialect_->decode_lookup(lookup, status, padded.view(), testing::look_into(headers), reply_);
    return reply_;
  }
  LookupReply& decode_data(LookupKind kind, std::string_view data, int status = 200) {
    return decode(
        kind, status,
        R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":)" + std::string(data) + "}");
  }
  LookupReply& decode_code(LookupKind kind, std::string_view code, int status = 400) {
    return decode(
        kind, status,
        R"({"code":")" + std::string(code) + R"(","msg":"x","requestTime":1695806875837,"data":null})");
  }

  std::unique_ptr<Dialect> dialect_ = testing::make_dialect(domain::PositionMode::one_way);
  LookupReply reply_;
};

/// A market order as the venue told it in 2025-06.
constexpr std::string_view kOrder =
    R"({"symbol":"ETHUSDT","size":"0.02","orderId":"1323031696869281794","clientOid":"1750958278008",)"
    R"("baseVolume":"0.02","fee":"-0.02917512","priceAvg":"2431.26","state":"filled","side":"buy","force":"gtc",)"
    R"("totalProfits":"0","posSide":"net","marginCoin":"USDT","presetStopLossPrice":"2400","quoteVolume":"48.6252",)"
    R"("orderType":"market","leverage":"2","marginMode":"crossed","reduceOnly":"NO","enterPointSource":"API",)"
    R"("tradeSide":"buy_single","posMode":"one_way_mode","orderSource":"market","cTime":"1751161257957",)"
    R"("uTime":"1751161258026"})";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  const auto at = out.find(from);
  BH_ASSERT(at != std::string::npos);
  return out.replace(at, from.size(), to);
}

TEST_F(LookupReplies, VenueTime) {
  const auto& reply = decode_data(LookupKind::venue_time, R"({"serverTime":"1695806875900"})");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  EXPECT_EQ(reply.server_venue_ms, 1'695'806'875'900);
  EXPECT_EQ(reply.venue_ms, 1'695'806'875'837);
  EXPECT_EQ(decode_data(LookupKind::venue_time, R"({"serverTime":1695806875900})").server_venue_ms,
            1'695'806'875'900);
  for (const std::string_view data : {"{}", "null", "[]", R"({"serverTime":"soon"})", R"({"serverTime":-1})",
                                      R"({"serverTime":""})", R"({"serverTime":"1695806875900000000"})"}) {
    EXPECT_EQ(decode_data(LookupKind::venue_time, data).status, LookupStatus::unavailable) << data;
    EXPECT_EQ(reply_.server_venue_ms, 0) << data;
  }
}

TEST_F(LookupReplies, TheProbeReadsTheSameReply) {
  const std::string body =
      R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":{"serverTime":"1695806875900"}})";
  EXPECT_TRUE(dialect_->decode_probe(200, body).ok);
  EXPECT_EQ(dialect_->decode_probe(200, body).server_venue_ms, 1'695'806'875'900);
  EXPECT_FALSE(dialect_->decode_probe(429, body).ok);
  EXPECT_FALSE(dialect_->decode_probe(200, body.substr(0, body.size() - 1)).ok);
  EXPECT_FALSE(dialect_->decode_probe(200, "").ok);
  EXPECT_FALSE(dialect_->decode_probe(200, std::string(2'000, ' ') + body).ok);
  EXPECT_FALSE(dialect_->decode_probe(200, replaced(body, "00000", "40200")).ok);
}

TEST_F(LookupReplies, AccountKind) {
  EXPECT_EQ(decode_data(LookupKind::account_kind, R"({"userId":"1","traderType":"trader"})").status,
            LookupStatus::ok);
  EXPECT_TRUE(reply_.is_lead_trader);
  EXPECT_EQ(decode_data(LookupKind::account_kind, R"({"traderType":"not_trader"})").status, LookupStatus::ok);
  EXPECT_FALSE(reply_.is_lead_trader);
  for (const std::string_view data : {"{}", "null", R"({"traderType":null})", R"({"traderType":"king"})"}) {
    EXPECT_EQ(decode_data(LookupKind::account_kind, data).status, LookupStatus::absent) << data;
    EXPECT_FALSE(reply_.is_lead_trader);
  }
  EXPECT_EQ(decode(LookupKind::account_kind, 404, "").status, LookupStatus::absent);
  EXPECT_EQ(decode_code(LookupKind::account_kind, "40404", 404).status, LookupStatus::absent);
  EXPECT_EQ(decode_code(LookupKind::account_kind, "40404", 400).status, LookupStatus::absent);
  EXPECT_EQ(decode(LookupKind::account_mode, 404, "").status, LookupStatus::unavailable)
      << "only the account's kind may be missing";
  EXPECT_EQ(decode_code(LookupKind::account_kind, "40085").status, LookupStatus::refused);
}

TEST_F(LookupReplies, AccountKindTellsWhoseKeyItIs) {
  for (const std::string_view data :
       {R"({"userId":"7000000001","traderType":"not_trader"})", R"({"userId":7000000001})",
        R"({"userId":"7000000001","traderType":"king"})"}) {
    EXPECT_EQ(decode_data(LookupKind::account_kind, data).status, LookupStatus::ok) << data;
    EXPECT_EQ(reply_.user_id.view(), "7000000001") << data;
    EXPECT_FALSE(reply_.is_lead_trader);
  }
  for (const std::string_view data :
       {R"({"traderType":"trader"})", R"({"userId":null,"traderType":"trader"})",
        R"({"userId":"","traderType":"trader"})",
        R"({"userId":"1234567890123456789012345","traderType":"trader"})"}) {
    EXPECT_EQ(decode_data(LookupKind::account_kind, data).status, LookupStatus::ok) << data;
    EXPECT_TRUE(reply_.user_id.empty()) << data << ": nobody is another only because neither says who he is";
    EXPECT_TRUE(reply_.is_lead_trader);
  }
}

TEST_F(LookupReplies, AccountMode) {
  EXPECT_EQ(
      decode_data(LookupKind::account_mode, R"({"marginCoin":"USDT","posMode":"hedge_mode","coupon":0})")
          .status,
      LookupStatus::ok);
  EXPECT_EQ(reply_.position_mode, domain::PositionMode::hedge);
  EXPECT_EQ(decode_data(LookupKind::account_mode, R"({"posMode":"one_way_mode"})").status, LookupStatus::ok);
  EXPECT_EQ(reply_.position_mode, domain::PositionMode::one_way);
  EXPECT_EQ(decode_data(LookupKind::account_mode, R"({"marginCoin":"usdt","posMode":"one_way_mode"})").status,
            LookupStatus::ok);
  EXPECT_EQ(decode_data(LookupKind::account_mode, R"({"marginCoin":"USDC","posMode":"one_way_mode"})").status,
            LookupStatus::unavailable)
      << "the account of another product";
  for (const std::string_view data : {"{}", "null", "[]", R"({"posMode":""})", R"({"posMode":"both"})",
                                      R"({"posMode":null})", R"({"posMode":1})"}) {
    EXPECT_EQ(decode_data(LookupKind::account_mode, data).status, LookupStatus::unavailable) << data;
  }
}

TEST_F(LookupReplies, Positions) {
  const auto& reply = decode_data(
      LookupKind::positions,
      R"([{"marginCoin":"usdt","symbol":"ethusdt","holdSide":"long","total":"20","available":"20","leverage":5},)"
      R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"short","total":3.50,"cTime":null,"totalFee":""}])");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  EXPECT_FALSE(reply.truncated);
  ASSERT_EQ(reply.positions.size(), 2U);
  EXPECT_EQ(reply.positions[0].instrument, testing::instrument());
  EXPECT_EQ(reply.positions[0].side, domain::PositionSide::long_side);
  EXPECT_EQ(reply.positions[0].total, (Decimal{20, 0}));
  EXPECT_EQ(reply.positions[1].side, domain::PositionSide::short_side);
  EXPECT_EQ(reply.positions[1].total, (Decimal{35, 1}));
}

TEST_F(LookupReplies, FlatIsAnEmptyListAndNothingElse) {
  EXPECT_EQ(decode_data(LookupKind::positions, "[]").status, LookupStatus::ok);
  EXPECT_TRUE(reply_.positions.empty());
  for (const std::string_view data : {"null", "{}", "\"\"", "0", R"({"list":[]})"}) {
    EXPECT_EQ(decode_data(LookupKind::positions, data).status, LookupStatus::unavailable)
        << data << " would look like nothing held";
  }
  EXPECT_EQ(decode(LookupKind::positions, 200, R"({"code":"00000","msg":"success","requestTime":1})").status,
            LookupStatus::unavailable);
}

TEST_F(LookupReplies, APositionThatCannotBeReadHidesThoseThatItMayBeAndNoOther) {
  const domain::Instrument eth = testing::instrument();
  const domain::Instrument btc = testing::instrument("BTCUSDT");
  const std::string_view good = R"({"marginCoin":"USDT","symbol":"BTCUSDT","holdSide":"long","total":"1"})";
  struct Case {
    std::string_view row;
    std::string_view field;
    bool hides_eth;
    bool hides_btc;
  };
  const Case cases[] = {
      {R"({"symbol":"ETHUSDT","holdSide":"long","total":"1"})", "marginCoin", true, false},
      {R"({"marginCoin":"USDT","holdSide":"long","total":"1"})", "symbol", true, true},
      {R"({"marginCoin":"USDT","symbol":17,"holdSide":"long"})", "total", false, false},
      {R"({"marginCoin":"USDT","symbol":{},"holdSide":"long","total":"1"})", "symbol", true, true},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","total":"1"})", "holdSide", true, false},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"net","total":"1"})", "holdSide", true, false},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long"})", "total", true, false},
      {R"({"marginCoin":"USDT","symbol":"ethusdt","holdSide":"long","total":""})", "total", true, false},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","total":"-1"})", "total", true, false},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","total":"1E+2"})", "total", true, false},
      {R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","total":1e3})", "total", true, false},
      {R"({"marginCoin":"USDC","symbol":"ETHUSDT","holdSide":"long","total":""})", "total", false, false},
      // Other spellings of our names: still ours.
      {R"({"marginCoin":"USDT","symbol":"ETH/USDT","holdSide":"long","total":"1"})", "symbol", true, false},
      {R"({"marginCoin":"USDT","symbol":" ETH-USDT ","holdSide":"long","total":""})", "symbol", true, false},
      // Nobody's: characters or lengths that no name of ours has.
      {R"({"marginCoin":"USDT","symbol":"币安人生USDT","holdSide":"long","total":"1"})", "symbol", false,
       false},
      {R"({"marginCoin":"USDT","symbol":"A\u0000B","holdSide":"long","total":"1"})", "symbol", false, false},
      {R"({"marginCoin":"USDT","symbol":"AAAAAAAAAABBBBBBBBBBCCCCCUSDT","holdSide":"net","total":"1"})",
       "symbol", false, false},
      {R"({"marginCoin":"STETHUSDX","symbol":"ETHUSDT","holdSide":"long","total":"1"})", "marginCoin", false,
       false},
      {"null", "row", true, true},
      {"1", "row", true, true},
      {"[]", "row", true, true},
  };
  for (const Case& c : cases) {
    const auto& reply =
        decode_data(LookupKind::positions, "[" + std::string(c.row) + "," + std::string(good) + "]");
    EXPECT_EQ(reply.status, LookupStatus::ok) << c.row;
    ASSERT_EQ(reply.positions.size(), 1U) << c.row;
    EXPECT_EQ(reply.positions[0].instrument, btc);
    ASSERT_EQ(reply.unread.size(), 1U) << c.row;
    EXPECT_EQ(reply.unread[0].field, c.field) << c.row;
    EXPECT_EQ(reply.may_hide(eth), c.hides_eth) << c.row;
    EXPECT_EQ(reply.may_hide(btc), c.hides_btc) << c.row;
  }
  EXPECT_TRUE(decode_data(LookupKind::positions, "[" + std::string(good) + "]").unread.empty());
  EXPECT_EQ(decode_data(LookupKind::positions, "[" + std::string(good) + ",}]").status,
            LookupStatus::unavailable)
      << "behind broken JSON there may be anything";
}

TEST_F(LookupReplies, APositionsRowMayTellTheMode) {
  const auto mode = [&](std::string_view word) {
    const auto& reply =
        decode_data(LookupKind::positions,
                    R"([{"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","total":"1","posMode":)" +
                        std::string(word) + "}]");
    return reply.positions.at(0).mode;
  };
  EXPECT_EQ(mode(R"("hedge_mode")"), domain::PositionMode::hedge);
  EXPECT_EQ(mode(R"("one_way_mode")"), domain::PositionMode::one_way);
  EXPECT_EQ(mode(R"("both")"), std::nullopt);
  EXPECT_EQ(mode("null"), std::nullopt);
}

TEST_F(LookupReplies, ACodeMayBeANumber) {
  EXPECT_EQ(decode(LookupKind::positions, 200,
                   R"({"code":0,"msg":"success","requestTime":1695806875837,"data":[]})")
                .status,
            LookupStatus::ok);
  EXPECT_EQ(reply_.code.view(), "00000");
  EXPECT_EQ(
      decode(LookupKind::account_mode, 400, R"({"code":40037,"msg":"x","requestTime":1,"data":null})").status,
      LookupStatus::refused);
  for (const std::string_view code : {R"("0")", "0.0", "-0", "0e0", "1", "true", "null"}) {
    EXPECT_NE(decode(LookupKind::positions, 200,
                     R"({"code":)" + std::string(code) + R"(,"msg":"success","requestTime":1,"data":[]})")
                  .status,
              LookupStatus::ok)
        << code;
  }
}

TEST_F(LookupReplies, WhatWasOfNoUseLeavesATrace) {
  const Headers html{{"content-type", "text/html; charset=UTF-8"}};
  EXPECT_EQ(decode(LookupKind::positions, 520, "<html>", html).status, LookupStatus::unavailable);
  EXPECT_EQ(reply_.trace.http_status, 520);
  EXPECT_EQ(reply_.trace.content_type.view(), "text/html; charset=UTF-8");
  EXPECT_TRUE(reply_.trace.message.empty());
  (void)decode(LookupKind::positions, 200, "\x1f\x8b", {{"content-encoding", "gzip"}});
  EXPECT_EQ(reply_.trace.content_encoding.view(), "gzip");
  (void)decode(LookupKind::contracts, 400,
               R"({"code":"40034","msg":"no such \u001b[31mthing\n\u4f60","requestTime":1,"data":null})");
  EXPECT_EQ(reply_.trace.message.view(), "no such ?[31mthing????") << "control characters reach the log";
  const std::string longest(500, 'x');
  (void)decode(LookupKind::contracts, 400, R"({"code":"40034","msg":")" + longest + R"(","requestTime":1})");
  EXPECT_EQ(reply_.trace.message.view().size(), 96U);
}

TEST_F(LookupReplies, ATraceShowsNoCredential) {
  for (const std::string_view secret : {testing::kKey, testing::kPassphrase}) {
    (void)decode(
        LookupKind::positions, 400,
        R"({"code":"40037","msg":"Apikey does not exist: )" + std::string(secret) + R"(","requestTime":1})");
    EXPECT_EQ(reply_.trace.message.view().find(secret), std::string_view::npos);
    EXPECT_FALSE(reply_.trace.message.empty());
  }
  (void)decode_code(LookupKind::positions, "40037");
  EXPECT_EQ(reply_.trace.message.view(), "x");
}

TEST_F(LookupReplies, RowsWithoutRoomAreDroppedAndSaidSo) {
  std::string data = "[";
  for (int i = 0; i < 9; ++i) {
    if (i > 0) data += ",";
    data += R"({"marginCoin":"USDT","symbol":"S)" + std::to_string(i) + R"(","holdSide":"long","total":"1"})";
  }
  const auto& reply = decode_data(LookupKind::positions, data + "]");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  EXPECT_TRUE(reply.truncated);
  EXPECT_EQ(reply.positions.size(), 8U);
  EXPECT_EQ(reply.positions.capacity(), 8U) << "decoding allocated";
  EXPECT_FALSE(decode_data(LookupKind::positions, "[]").truncated) << "left over from the answer before";
}

TEST_F(LookupReplies, Contracts) {
  const auto& reply = decode_data(
      LookupKind::contracts,
      R"([{"symbol":"ETHUSDT","baseCoin":"ETH","minTradeNum":"0.01","sizeMultiplier":"0.01","volumePlace":"2",)"
      R"("maxMarketOrderQty":"1900","symbolStatus":"normal","supportMarginCoins":["USDT"],"offTime":"-1"},)"
      R"({"symbol":"BTCUSD","minTradeNum":"0.001","sizeMultiplier":"0.001","symbolStatus":"normal",)"
      R"("supportMarginCoins":["BTC","ETH"]},)"
      R"({"symbol":"OLDUSDT","minTradeNum":"1","sizeMultiplier":"1","symbolStatus":"limit_open","supportMarginCoins":[]}])");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  ASSERT_EQ(reply.contracts.size(), 4U);
  EXPECT_EQ(reply.contracts[0].instrument, testing::instrument());
  EXPECT_EQ(reply.contracts[0].size_step, (Decimal{1, 2}));
  EXPECT_EQ(reply.contracts[0].min_size, (Decimal{1, 2}));
  EXPECT_EQ(reply.contracts[0].max_market_size, (Decimal{1'900, 0}));
  EXPECT_EQ(reply.contracts[0].status, domain::ContractStatus::normal);
  EXPECT_EQ(reply.contracts[1].instrument.margin_coin.view(), "BTC");
  EXPECT_EQ(reply.contracts[2].instrument.margin_coin.view(), "ETH");
  EXPECT_TRUE(reply.contracts[1].max_market_size.is_zero());
  EXPECT_EQ(reply.contracts[3].status, domain::ContractStatus::closed);
}

TEST_F(LookupReplies, AContractWhoseRulesCannotBeReadIsClosed) {
  const std::string_view good =
      R"({"symbol":"ETHUSDT","minTradeNum":"0.01","sizeMultiplier":"0.01","maxMarketOrderQty":"1900",)"
      R"("symbolStatus":"normal","supportMarginCoins":["USDT"]})";
  const std::pair<std::string_view, std::string_view> spoils[] = {
      {R"("0.01","sizeM)", R"("few","sizeM)"},
      {R"(sizeMultiplier":"0.01")", R"(sizeMultiplier":"0")"},
      {"sizeMultiplier", "step"},
      {"minTradeNum", "min"},
      {R"("1900")", R"("many")"},
      {R"("1900")", "{}"},
      {R"("normal")", R"("maintain")"},
      {R"("normal")", R"("restrictedAPI")"},
      {R"("normal")", R"("new_word")"},
      {"symbolStatus", "status"}};
  for (const auto& [from, to] : spoils) {
    const auto& reply = decode_data(LookupKind::contracts, "[" + replaced(good, from, to) + "]");
    ASSERT_EQ(reply.contracts.size(), 1U) << to;
    EXPECT_EQ(reply.contracts[0].status, domain::ContractStatus::closed) << to;
    const bool is_a_state = to == R"("maintain")" || to == R"("restrictedAPI")" || to == R"("new_word")";
    EXPECT_EQ(reply.contracts[0].unread.empty(), is_a_state)
        << to << " is told as " << reply.contracts[0].unread;
  }
  EXPECT_EQ(decode_data(LookupKind::contracts, "[" + std::string(good) + "]").contracts[0].status,
            domain::ContractStatus::normal);
}

TEST_F(LookupReplies, OneContractWithoutANameDoesNotSpoilTheOthers) {
  const auto& reply =
      decode_data(LookupKind::contracts, R"([{"minTradeNum":"1"},{"symbol":"A","symbolStatus":"off"}])");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  EXPECT_EQ(reply.contracts.size(), 1U);
}

TEST_F(LookupReplies, TheRecordedOrder) {
  for (const LookupKind kind : {LookupKind::order_by_client_oid, LookupKind::order_by_order_id}) {
    const auto& reply = decode_data(kind, kOrder);
    EXPECT_EQ(reply.status, LookupStatus::ok);
    ASSERT_EQ(reply.orders.size(), 1U);
    const domain::OrderRow& order = reply.orders[0];
    EXPECT_EQ(order.order_id.view(), "1323031696869281794");
    EXPECT_EQ(order.client_oid.view(), "1750958278008");
    EXPECT_EQ(order.instrument, testing::instrument());
    EXPECT_EQ(order.state, domain::OrderState::filled);
    EXPECT_FALSE(order.has_position_side) << "net is neither side";
    EXPECT_EQ(order.role, domain::LegRole::unstated);
    EXPECT_FALSE(order.from_reversal);
    EXPECT_TRUE(order.from_api);
    EXPECT_EQ(order.size, (Decimal{2, 2}));
    EXPECT_EQ(order.filled, (Decimal{2, 2}));
    EXPECT_EQ(order.created_venue_ms, 1'751'161'257'957);
    EXPECT_EQ(order.updated_venue_ms, 1'751'161'258'026);
  }
}

TEST_F(LookupReplies, OrderWordsInTheirVariants) {
  const auto order = [&](std::string_view from, std::string_view to) -> const domain::OrderRow& {
    const auto& reply = decode_data(LookupKind::order_by_client_oid, replaced(kOrder, from, to));
    BH_ASSERT(reply.orders.size() == 1);
    return reply.orders[0];
  };
  EXPECT_EQ(order(R"("state":"filled")", R"("status":"filled")").state, domain::OrderState::filled);
  EXPECT_EQ(order(R"("filled")", R"("partially_filled")").state, domain::OrderState::partly_filled);
  EXPECT_EQ(order(R"("filled")", R"("canceled")").state, domain::OrderState::canceled);
  EXPECT_EQ(order(R"("filled")", R"("cancelled")").state, domain::OrderState::canceled);
  EXPECT_EQ(order(R"("filled")", R"("live")").state, domain::OrderState::live);
  EXPECT_EQ(order(R"("filled")", R"("new")").state, domain::OrderState::live);
  for (const char* side : {R"("side":"Sell")", R"("side":"")", R"("side":null)", R"("other":"buy")"})
    EXPECT_EQ(order(R"("side":"buy")", side).filled, (Decimal{2, 2})) << "what is not read may be anything";
  EXPECT_TRUE(order(R"("orderSource":"market")", R"("orderSource":"reverse")").from_reversal);
  EXPECT_TRUE(order(R"("orderSource":"market")", R"("orderSource":"trader_reverse")").from_reversal);
  EXPECT_TRUE(order(R"("enterPointSource":"API",)", "").from_api);
  EXPECT_FALSE(order(R"("API")", R"("WEB")").from_api);
  EXPECT_EQ(order(R"("buy_single")", R"("open")").role, domain::LegRole::open);
  EXPECT_EQ(order(R"("buy_single")", R"("close")").role, domain::LegRole::close);
  EXPECT_EQ(order(R"("reduceOnly":"NO")", R"("reduceOnly":"yes")").role, domain::LegRole::close);
  EXPECT_TRUE(order(R"("net")", R"("short")").has_position_side);
  EXPECT_EQ(reply_.orders[0].position_side, domain::PositionSide::short_side);
  EXPECT_EQ(order(R"("0.02","orderId")", R"(0.020,"orderId")").size, (Decimal{2, 2}))
      << "a number for a string";
}

TEST_F(LookupReplies, AnOrderThatIsNotWholeTeachesNothing) {
  const std::pair<std::string_view, std::string_view> spoils[] = {
      {R"("orderId")", R"("order")"},
      {R"("symbol")", R"("sym")"},
      {R"("state")", R"("stat")"},
      {R"("filled")", R"("done")"},
      {R"("size")", R"("qty")"},
      {R"("0.02")", R"("")"},
      {R"("baseVolume")", R"("vol")"},
      {R"("baseVolume":"0.02")", R"("baseVolume":"")"},
      {R"("baseVolume":"0.02")", R"("baseVolume":null)"},
      {R"("cTime")", R"("time")"},
      {R"("1751161257957")", R"("")"}};
  for (const auto& [from, to] : spoils) {
    const auto& reply = decode_data(LookupKind::order_by_client_oid, replaced(kOrder, from, to));
    EXPECT_EQ(reply.status, LookupStatus::unavailable) << from << " -> " << to;
    EXPECT_TRUE(reply.orders.empty());
  }
  EXPECT_EQ(decode_data(LookupKind::order_by_client_oid, "{}").status, LookupStatus::unavailable);
  EXPECT_EQ(decode_data(LookupKind::order_by_client_oid, "[]").status, LookupStatus::unavailable);
}

TEST_F(LookupReplies, AnotherOrderThanTheOneAskedForTeachesNothing) {
  EXPECT_EQ(
      decode_data(LookupKind::order_by_client_oid, replaced(kOrder, "1750958278008", "1750958278009")).status,
      LookupStatus::unavailable);
  EXPECT_EQ(decode_data(LookupKind::order_by_client_oid, replaced(kOrder, "1750958278008", "a#b")).status,
            LookupStatus::unavailable);
  EXPECT_EQ(decode_data(LookupKind::order_by_order_id, replaced(kOrder, "1323031696869281794", "1")).status,
            LookupStatus::unavailable);
  const auto& nameless =
      decode_data(LookupKind::order_by_client_oid, replaced(kOrder, R"("clientOid":"1750958278008",)", ""));
  EXPECT_EQ(nameless.status, LookupStatus::ok) << "which leg carries the name is an open question";
  EXPECT_TRUE(nameless.orders[0].client_oid.empty());
}

TEST_F(LookupReplies, AnOrderOfAnotherSymbolAnswersAnotherQuestion) {
  for (const LookupKind kind : {LookupKind::order_by_client_oid, LookupKind::order_by_order_id})
    EXPECT_EQ(decode_data(kind, replaced(kOrder, "ETHUSDT", "BTCUSDT")).status, LookupStatus::unavailable);
}

TEST_F(LookupReplies, AnUnknownOrderIsNotFound) {
  for (const LookupKind kind : {LookupKind::order_by_client_oid, LookupKind::order_by_order_id}) {
    for (const std::string_view code : {"40109", "40768", "43001", "45057", "31007", "80011"}) {
      EXPECT_EQ(decode_code(kind, code).status, LookupStatus::not_found) << code;
      EXPECT_EQ(reply_.venue_ms, 1'695'806'875'837) << "the fuse is measured by it";
      EXPECT_EQ(decode_code(kind, code, 500).status, LookupStatus::unavailable) << code;
    }
    EXPECT_EQ(decode_data(kind, "null").status, LookupStatus::not_found);
    EXPECT_EQ(decode(kind, 200, R"({"code":"00000","msg":"success","requestTime":1})").status,
              LookupStatus::not_found);
  }
  EXPECT_EQ(decode_code(LookupKind::positions, "40109").status, LookupStatus::unavailable);
}

TEST_F(LookupReplies, ReversalHistory) {
  const std::string reversed = replaced(kOrder, R"("orderSource":"market")", R"("orderSource":"reverse")");
  const auto& reply = decode_data(LookupKind::reversal_history,
                                  R"({"endId":"1","entrustedList":[)" + reversed + "," + reversed + "]}");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  EXPECT_FALSE(reply.truncated);
  EXPECT_EQ(reply.end_id.view(), "1") << "the next page is asked for by it";
  ASSERT_EQ(reply.orders.size(), 2U);
  EXPECT_TRUE(reply.orders[1].from_reversal);
  EXPECT_EQ(decode_data(LookupKind::reversal_history, R"({"entrustedList":null,"endId":null})").status,
            LookupStatus::ok);
  EXPECT_TRUE(reply_.orders.empty());
  EXPECT_TRUE(reply_.end_id.empty());
  EXPECT_EQ(decode_data(LookupKind::reversal_history, R"({"entrustedList":[],"endId":17})").end_id.view(),
            "17");
  EXPECT_TRUE(
      decode_data(LookupKind::reversal_history, R"({"entrustedList":[],"endId":"a&b"})").end_id.empty())
      << "it will stand in a request";
  for (const std::string_view data : {"{}", "[]", "null", R"({"entrustedList":{}})", R"({"endId":"1"})"}) {
    const auto& nothing = decode_data(LookupKind::reversal_history, data);
    EXPECT_TRUE(nothing.status != LookupStatus::ok || nothing.truncated) << data << " would prove absence";
  }
}

TEST_F(LookupReplies, AHistoryThatCannotAllBeReadProvesNoAbsence) {
  const auto& partial = decode_data(LookupKind::reversal_history,
                                    R"({"entrustedList":[{"orderId":"1"},)" + std::string(kOrder) + "]}");
  EXPECT_EQ(partial.status, LookupStatus::ok);
  EXPECT_TRUE(partial.truncated);
  EXPECT_EQ(partial.orders.size(), 1U) << "what can be read still proves what it says";
}

TEST_F(LookupReplies, ALongNameOfSomebodyElseIsNotCutIntoOurs) {
  const std::string ours(32, 'x');
  const auto& reply =
      decode_data(LookupKind::reversal_history,
                  R"({"entrustedList":[)" + replaced(kOrder, "1750958278008", ours + "y") + "]}");
  ASSERT_EQ(reply.orders.size(), 1U);
  EXPECT_TRUE(reply.orders[0].client_oid.empty());
}

TEST_F(LookupReplies, Fills) {
  const auto& reply = decode_data(
      LookupKind::fills,
      R"({"fillList":[{"tradeId":"1","orderId":"1323031696869281794","price":"1900","baseVolume":"1.5","cTime":"1627293509612",)"
      R"("feeDetail":[{"deduction":"no","feeCoin":"USDT"}]},{"orderId":1323031696869281794,"baseVolume":2,"cTime":1627293509613}],)"
      R"("endId":"123"})");
  EXPECT_EQ(reply.status, LookupStatus::ok);
  ASSERT_EQ(reply.fills.size(), 2U);
  EXPECT_EQ(reply.fills[0].order_id.view(), "1323031696869281794");
  EXPECT_EQ(reply.fills[0].size, (Decimal{15, 1}));
  EXPECT_EQ(reply.fills[1].time_venue_ms, 1'627'293'509'613);
  EXPECT_FALSE(reply.truncated);
  EXPECT_TRUE(decode_data(LookupKind::fills, R"({"fillList":[{"orderId":"1","baseVolume":"1"}]})").truncated);
  const auto& of_another = decode_data(
      LookupKind::fills, R"({"fillList":[{"orderId":"121212","baseVolume":"1","cTime":"1627293509612"}]})");
  EXPECT_TRUE(of_another.truncated) << "fills of an order that was not asked about";
  EXPECT_TRUE(of_another.fills.empty());
  EXPECT_EQ(decode_data(LookupKind::fills, R"({"fillList":null})").status, LookupStatus::ok);
}

TEST_F(LookupReplies, ANoIsClassed) {
  for (std::size_t i = 0; i < domain::kLookupKinds; ++i) {
    const auto kind = static_cast<LookupKind>(i);
    EXPECT_EQ(decode_code(kind, "40085").status, LookupStatus::refused) << i;
    EXPECT_EQ(reply_.code_class, domain::CodeClass::fatal);
    EXPECT_EQ(reply_.code.view(), "40085");
    EXPECT_EQ(decode_code(kind, "40199").status, LookupStatus::refused) << i;
    EXPECT_EQ(decode_code(kind, "429", 429).status, LookupStatus::throttled) << i;
    EXPECT_EQ(decode_code(kind, "30026").status, LookupStatus::throttled) << i;
    EXPECT_EQ(decode(kind, 429, "<html>").status, LookupStatus::throttled) << "slowing down does no harm";
    EXPECT_EQ(decode_code(kind, "40008").status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode_code(kind, "98765").status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode_code(kind, "40085", 502).status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode(kind, 403, "<html><title>Forbidden</title>").status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode(kind, 200, "").status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode(kind, 200, R"({"data":[]})").status, LookupStatus::unavailable) << i;
    EXPECT_EQ(decode(kind, 0, "").status, LookupStatus::unavailable) << i;
  }
}

TEST_F(LookupReplies, EveryCutOfAReplyTeachesNothing) {
  const std::pair<LookupKind, std::string> samples[] = {
      {LookupKind::venue_time, R"({"serverTime":"1695806875900"})"},
      {LookupKind::account_mode, R"({"posMode":"hedge_mode"})"},
      {LookupKind::positions, R"([{"marginCoin":"USDT","symbol":"A","holdSide":"long","total":"1"}])"},
      {LookupKind::contracts, R"([{"symbol":"A","supportMarginCoins":["USDT"]}])"},
      {LookupKind::order_by_client_oid, std::string(kOrder)},
      {LookupKind::reversal_history, R"({"entrustedList":[)" + std::string(kOrder) + "]}"},
      {LookupKind::fills,
       R"({"fillList":[{"orderId":"1323031696869281794","baseVolume":"1","cTime":"1627293509612"}]})"}};
  for (const auto& [kind, data] : samples) {
    for (const std::string& whole :
         {R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":)" + data + "}",
          R"({"data":)" + data + R"(,"code":"00000","msg":"success","requestTime":1695806875837})"}) {
      ASSERT_EQ(decode(kind, 200, whole).status, LookupStatus::ok) << whole;
      for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(decode(kind, 200, std::string_view(whole).substr(0, size)).status,
                  LookupStatus::unavailable)
            << whole.substr(0, size);
      }
    }
  }
}

TEST_F(LookupReplies, RowsThatComeBeforeANoAreDropped) {
  const auto& reply = decode(
      LookupKind::positions, 400,
      R"({"data":[{"marginCoin":"USDT","symbol":"A","holdSide":"long","total":"1"}],"code":"40200","msg":"x"})");
  EXPECT_EQ(reply.status, LookupStatus::unavailable);
  EXPECT_TRUE(reply.positions.empty());
}

TEST_F(LookupReplies, TheQuotaIsReadWhateverTheAnswer) {
  EXPECT_EQ(decode(LookupKind::venue_time, 429, "", {{"x-mbx-used-remain-limit", "0"}}).remaining_quota, 0);
  EXPECT_EQ(decode(LookupKind::venue_time, 200, "").remaining_quota, -1);
}

}  // namespace
}  // namespace backhand::bitget
