// The control port's answers, and options, faults and scenarios as JSON.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/venue/control.hpp"
#include "tests/venue/settings.hpp"
#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

using nlohmann::json;

struct Panel {
  Venue venue;
  std::vector<Control::Drop> drops;
  Control control{venue.exchange, [this](Control::Drop how) { drops.push_back(how); }};

  json get(std::string_view target) { return json::parse(control.handle("GET", target, "", venue.now).body); }
  int post(std::string_view target, const json& body) {
    return control.handle("POST", target, body.dump(), venue.now).status;
  }
};

TEST(Control, TellsTheTruth) {
  Panel panel;
  EXPECT_EQ(panel.venue.reverse(Client("main"), "a").code(), "00000");
  EXPECT_EQ(panel.venue.reverse(Client("hedge"), "b", "buy", kHedgeOpen).code(), "00000");
  panel.venue.now += kSecond;  // The control port runs what is due by itself.
  const json truth = panel.get("/truth");
  EXPECT_EQ(truth["counters"]["accepted"], 2);
  EXPECT_EQ(truth["counters"]["executions"], 4);
  EXPECT_EQ(truth["executed"]["main"]["a"], 1);
  EXPECT_EQ(truth["verdicts"]["00000"], 2);
  EXPECT_EQ(truth["max_in_second"]["main"]["/api/v2/mix/order/click-backhand"], 1);
  ASSERT_EQ(truth["arrivals"].size(), 2U);
  EXPECT_EQ(truth["arrivals"][0]["client_oid"], "a");
  EXPECT_EQ(truth["arrivals"][0]["verdict"], "00000");
  EXPECT_EQ(truth["reversals"][1]["long_before"], "20");
  EXPECT_EQ(truth["reversals"][1]["short_after"], "20");
  const json some = panel.get("/truth?account=hedge&parts=executions");
  EXPECT_EQ(some["executions"].size(), 2U);
  EXPECT_FALSE(some.contains("arrivals"));
  EXPECT_EQ(panel.get("/truth?client_oid=a&parts=executions")["executions"].size(), 2U);
  EXPECT_EQ(panel.get("/truth?since_ns=" + std::to_string(kStart + 1) + "&parts=arrivals")["arrivals"].size(),
            0U);
  EXPECT_EQ(panel.get("/health")["arrivals"], 2);
}

TEST(Control, SetsPositionsAndTrades) {
  Panel panel;
  EXPECT_EQ(panel.post("/positions", {{"account", "main"}, {"symbol", "XRPUSDT"}, {"short", "7"}}), 200);
  EXPECT_EQ(panel.venue.held("main", "XRPUSDT"), sizes("0", "7"));
  EXPECT_EQ(
      panel.post("/positions", json::array({{{"account", "hedge"}, {"symbol", "XRPUSDT"}, {"short", "7"}},
                                            {{"account", "nobody"}, {"symbol", "XRPUSDT"}}})),
      400);
  EXPECT_EQ(
      panel.post("/positions", {{"account", "main"}, {"symbol", "XRPUSDT"}, {"short", "7"}, {"long", "1"}}),
      400);
  EXPECT_EQ(panel.post("/trade", {{"account", "main"},
                                  {"symbol", "XRPUSDT"},
                                  {"side", "short"},
                                  {"action", "close"},
                                  {"size", "3"},
                                  {"source", "liquidation"}}),
            200);
  EXPECT_EQ(panel.venue.held("main", "XRPUSDT"), sizes("0", "4"));
  const json positions = panel.get("/positions?account=main");
  EXPECT_THAT(positions, testing::Contains(json({{"account", "main"},
                                                 {"symbol", "XRPUSDT"},
                                                 {"product", "USDT-FUTURES"},
                                                 {"long", "0"},
                                                 {"short", "4"}})));
  EXPECT_EQ(panel.get("/truth?parts=executions")["executions"][0]["source"], "liquidation");
}

TEST(Control, ChangesOptionsAllOrNone) {
  Panel panel;
  EXPECT_EQ(
      panel.post("/options", {{"counting", "token_bucket"}, {"leg_gap_ms", 0.5}, {"client_oid_leg", "none"}}),
      200);
  EXPECT_EQ(panel.venue.exchange.options().counting, Counting::token_bucket);
  EXPECT_EQ(panel.venue.exchange.options().leg_gap_ns, kMillisecond / 2);
  EXPECT_EQ(panel.venue.exchange.options().client_oid_leg, IdLeg::none);
  for (const auto& bad : {json({{"counting", "fixed"}, {"nonsense", 1}}), json({{"counting", "sometimes"}}),
                          json({{"limits", "yes"}}), json({{"reversals_per_second", -1}}),
                          json({{"order_id_leg", "both"}}), json::array()}) {
    EXPECT_EQ(panel.post("/options", bad), 400) << bad;
    EXPECT_EQ(panel.venue.exchange.options().counting, Counting::token_bucket) << bad;
  }
  // What is read back can be sent again.
  EXPECT_EQ(panel.post("/options", panel.get("/options")), 200);
}

TEST(Control, TakesFaults) {
  Panel panel;
  EXPECT_EQ(panel.post("/faults", {{"fault", "code_before"}, {"code", "22039"}, {"client_oid", "x"}}), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "x").code(), "22039");
  EXPECT_EQ(panel.get("/truth")["faults"]["code_before"], 1);
  EXPECT_EQ(panel.post("/faults", json::array({{{"fault", "code_before"}, {"count", 0}}})), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "y").code(), "40762");
  EXPECT_EQ(panel.post("/faults", {{"clear", true}}), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "y").code(), "00000");
  EXPECT_EQ(panel.post("/faults", {{"fault", "nonsense"}}), 400);
  EXPECT_EQ(panel.post("/faults", {{"answer", "code"}}), 400) << "which code?";
  EXPECT_GE(panel.get("/faults").size(), 30U);
}

TEST(Control, ChangesContractsAndAccounts) {
  Panel panel;
  EXPECT_EQ(panel.post("/contracts", {{"symbol", "ETHUSDT"}, {"status", "maintain"}}), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "x").code(), "40844");
  EXPECT_EQ(panel.post("/contracts", {{"symbol", "ETHUSDT"}, {"status", "normal"}, {"mark_price", "1000"}}),
            200);
  EXPECT_EQ(panel.post("/accounts", {{"account", "main"}, {"equity", "0"}}), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "x").code(), "00000");
  panel.venue.pass(kSecond);
  EXPECT_EQ(panel.venue.held("main"), sizes("0", "0"));
  EXPECT_EQ(panel.post("/accounts", {{"account", "main"}, {"equity", nullptr}, {"unified", true}}), 200);
  EXPECT_EQ(panel.venue.reverse(Client("main"), "x").code(), "40085");
  EXPECT_EQ(panel.post("/accounts", {{"account", "nobody"}}), 400);
}

TEST(Control, SurvivesAnything) {
  Panel panel;
  EXPECT_EQ(panel.control.handle("POST", "/options", "not json", panel.venue.now).status, 400);
  EXPECT_EQ(panel.control.handle("DELETE", "/options", "", panel.venue.now).status, 405);
  EXPECT_EQ(panel.control.handle("GET", "/nowhere", "", panel.venue.now).status, 404);
  for (const auto path :
       {"/options", "/faults", "/positions", "/trade", "/contracts", "/accounts", "/connections"}) {
    for (const auto body : {"null", "1", "[1]", R"({"account":1})", R"(["x"])", R"({"action":"explode"})"}) {
      const int status = panel.control.handle("POST", path, body, panel.venue.now).status;
      EXPECT_EQ(status, 400) << path << ' ' << body;
    }
  }
  EXPECT_EQ(panel.post("/connections", {{"action", "reset"}}), 200);
  EXPECT_EQ(panel.drops, std::vector{Control::Drop::reset});
  // A clientOid with bytes that are not text must not spoil the truth.
  EXPECT_EQ(panel.venue.reverse(Client("main"), "gr\xc3\xb6\xc3\x9f\x65").code(), "40304");
  EXPECT_EQ(panel.get("/truth")["arrivals"][0]["verdict"], "40304");
}

TEST(Control, ResetsTheTruth) {
  Panel panel;
  EXPECT_EQ(panel.venue.reverse(Client("main"), "a").code(), "00000");
  EXPECT_EQ(panel.post("/reset", json::object()), 200);
  const json truth = panel.get("/truth");
  EXPECT_EQ(truth["counters"]["arrivals"], 0);
  EXPECT_TRUE(truth["arrivals"].empty());
}

TEST(ScenarioFile, IsReadAndChecked) {
  const auto read = scenario_from(R"({
    "options": {"counting": "fixed", "one_way_side": "order"},
    "contracts": [{"symbol": "ETHUSDT", "mark_price": "3000"},
                  {"symbol": "PEPEUSDT", "base_coin": "PEPE", "quote_coin": "USDT", "margin_coin": "USDT",
                   "min_size": "100", "size_step": "100", "mark_price": "0.00001"}],
    "accounts": [{"name": "one", "key": "k", "secret": "s", "passphrase": "p", "mode": "hedge", "leverage": 5,
                  "equity": "100", "allowed_ips": ["10.0.0.1"],
                  "positions": [{"symbol": "PEPEUSDT", "long": "500", "short": "200"}]}]})",
                                  {});
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(read->options.counting, Counting::fixed);
  Venue venue(read->options, read->scenario);
  EXPECT_EQ(venue.held("one", "PEPEUSDT"), sizes("500", "200"));
  EXPECT_EQ(venue.exchange.contract(*venue.exchange.find_contract("ETHUSDT")).mark_price,
            (Decimal{3'000, 0}));
  EXPECT_EQ(venue.exchange.contract(*venue.exchange.find_contract("ETHUSDT")).size_step, (Decimal{1, 2}));
  for (const auto bad :
       {R"({"accounts":[{"name":"a","mode":"net"}]})", R"({"accounts":[{"name":"a"},{"name":"a"}]})",
        R"({"accounts":[{"name":"a","positions":[{"symbol":"NOPE","long":"1"}]}]})", R"({"colour":1})",
        R"({"accounts":[{"name":"a","positions":[{"symbol":"ETHUSDT","long":"1","short":"1"}]}]})",
        R"({"contracts":[{"symbol":"A"}]})", R"({"options":{"x":1}})", R"({"accounts":3})", "[]", "{"}) {
    EXPECT_FALSE(scenario_from(bad, {}).has_value()) << bad;
  }
  const auto generated = scenario_from(R"({"generate":{"accounts":3,"mode":"hedge","symbols":8}})", {});
  ASSERT_TRUE(generated.has_value());
  EXPECT_EQ(generated->scenario.accounts.size(), 3U);
}

}  // namespace
}  // namespace backhand::venue
