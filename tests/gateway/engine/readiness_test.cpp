// One thing that cannot be had does not keep from the rest; what can be had later is asked for again; and
// what does not come is named.
#include "tests/gateway/engine/lookup_rig.hpp"

namespace backhand::engine {
namespace {

using testing::LookupRig;
using wire::DenyReason;
using wire::EventKind;
using wire::Product;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

bool holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

std::string no(std::string_view code, std::string_view message) {
  return R"({"code":")" + std::string(code) + R"(","msg":")" + std::string(message) + R"(","data":null})";
}

class Readiness : public ::testing::Test {
 protected:
  Readiness() {
    rig.account("main");
    rig.config().venue.position_refresh_ms = 300;
    rig.config().venue.execution_grace_ms = 500;
  }
  void eth() { rig.instrument(Product::usdt_futures, "ETHUSDT", "USDT"); }
  void btc() { rig.instrument(Product::usdt_futures, "BTCUSDT", "USDT"); }
  /// Appends `row` to every list of positions.
  void add_row(std::string row) {
    rig.rule = [row = std::move(row)](std::string_view target, LookupRig::Answer& answer) {
      if (!holds(target, "all-position")) return;
      const auto end = answer.body.rfind(']');
      answer.body.insert(end, (answer.body[end - 1] == '[' ? "" : ",") + row);
    };
  }
  LookupRig rig;
};

// Rows that cannot be read.

TEST_F(Readiness, ARowOfNobodysCostsOneLine) {
  eth();
  add_row(R"({"marginCoin":"USDT","symbol":"币安人生USDT","holdSide":"long","total":"1"})");
  rig.start();
  EXPECT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  EXPECT_EQ(rig.reverse_eth(wire::PositionSide::short_side).result, wire::SettledResult::reversed);
  rig.run(120 * kSecond);
  ASSERT_EQ(rig.troubles.size(), 1U);
  EXPECT_EQ(rig.troubles[0].cause, TroubleCause::foreign_rows);
  EXPECT_EQ(rig.troubles[0].field, "symbol");
}

TEST_F(Readiness, ARowOfOneInstrumentIsNoProofOfThatOneAlone) {
  eth();
  btc();
  add_row(R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"net","total":"1"})");
  rig.start();
  EXPECT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::position_stale);
  EXPECT_EQ(rig.reverse("main", Product::usdt_futures, "BTCUSDT", wire::PositionSide::long_side, 20 * kSecond)
                .result,
            wire::SettledResult::reversed);
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles[0].cause, TroubleCause::unread_row);
  EXPECT_EQ(rig.troubles[0].symbol.view(), "ETHUSDT");
  EXPECT_EQ(rig.troubles[0].field, "holdSide");
  rig.rule = nullptr;
  rig.run(kSecond);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
}

TEST_F(Readiness, TwoRowsOfOneSideAreNoProof) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  add_row(R"({"marginCoin":"USDT","symbol":"ETHUSDT","holdSide":"long","total":"7"})");
  rig.run(kSecond);
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::position_stale);
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles.back().symbol.view(), "ETHUSDT");
  EXPECT_EQ(rig.troubles.back().field, "holdSide");
}

TEST_F(Readiness, ARowThatBecomesUnreadableTakesBackWhatWasKnown) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  add_row(R"({"marginCoin":"USDT","symbol":"ETH/USDT","holdSide":"long","total":"1E+2"})");
  rig.run(kSecond);
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::position_stale);
}

TEST_F(Readiness, AReversalWhosePositionCannotBeReadIsNotSettledByIt) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  // The row of ETHUSDT itself becomes unreadable: left out of the sum it would look like nothing held.
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (holds(target, "all-position")) answer.body = replaced(answer.body, R"("total":")", R"("total":"x)");
  };
  const wire::Outcome end = rig.reverse_eth();
  EXPECT_NE(end.result, wire::SettledResult::closed_only);
  EXPECT_NE(end.result, wire::SettledResult::not_executed);
}

// Products, symbols, accounts.

TEST_F(Readiness, AProductWithoutContractsDoesNotKeepFromTheOthers) {
  eth();
  rig.instrument(Product::susdt_futures, "SETHSUSDT", "SUSDT");
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "contracts") || !holds(target, "SUSDT-FUTURES")) return;
    answer.status = 400;
    answer.body = no("40034", "Parameter productType does not exist");
  };
  rig.start();
  EXPECT_TRUE(rig.ready_within(10 * kSecond));
  EXPECT_EQ(
      rig.reverse("main", Product::susdt_futures, "SETHSUSDT", wire::PositionSide::long_side).deny_reason,
      DenyReason::not_ready);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles[0].product, Product::susdt_futures);
  EXPECT_EQ(rig.troubles[0].code.view(), "40034");
  EXPECT_EQ(rig.troubles[0].trace.http_status, 400);
  EXPECT_EQ(rig.troubles[0].trace.message.view(), "Parameter productType does not exist");
  // Not asked for twice a second for ever, and taken as soon as it is there.
  const std::size_t before = rig.asked("contracts");
  rig.run(120 * kSecond);
  EXPECT_LE(rig.asked("contracts") - before, 8U);
  rig.rule = nullptr;
  rig.run(40 * kSecond);
  EXPECT_EQ(rig.told(EngineEvent::product_ready), 1U);
  EXPECT_NE(
      rig.reverse("main", Product::susdt_futures, "SETHSUSDT", wire::PositionSide::long_side).deny_reason,
      DenyReason::not_ready);
}

TEST_F(Readiness, AProductThatTheAccountLacksDoesNotKeepFromTheOthers) {
  eth();
  rig.instrument(Product::coin_futures, "BTCUSD", "BTC");
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "account/account") || !holds(target, "COIN-FUTURES")) return;
    answer.status = 400;
    answer.body = no("40768", "The account does not exist");
  };
  rig.start();
  EXPECT_TRUE(rig.ready_within(10 * kSecond));
  EXPECT_EQ(rig.reverse("main", Product::coin_futures, "BTCUSD", wire::PositionSide::long_side).deny_reason,
            DenyReason::not_ready);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
}

TEST_F(Readiness, AMistypedFirstSymbolDoesNotKeepFromTheSecond) {
  rig.instrument(Product::usdt_futures, "ETHUSTD", "USDT");
  eth();
  rig.start();
  EXPECT_TRUE(rig.ready_within(10 * kSecond));
  EXPECT_EQ(rig.reverse("main", Product::usdt_futures, "ETHUSTD", wire::PositionSide::long_side).deny_reason,
            DenyReason::contract_closed);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  const auto not_listed = [](const Trouble& t) {
    return t.cause == TroubleCause::not_listed && t.symbol.view() == "ETHUSTD";
  };
  EXPECT_EQ(std::ranges::count_if(rig.troubles, not_listed), 1);
}

TEST_F(Readiness, AnAccountThatIsRefusedDoesNotKeepFromTheOthers) {
  eth();
  rig.account("unified");
  rig.start();
  EXPECT_TRUE(rig.ready_within(10 * kSecond));
  EXPECT_EQ(rig.told(EngineEvent::account_refused), 1U);
  EXPECT_EQ(rig.told(EngineEvent::nobody_ready), 0U);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  EXPECT_EQ(
      rig.reverse("unified", Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side).deny_reason,
      DenyReason::account_halted);
}

TEST(ReadinessOfNobody, IsToldWhereEveryAccountIsRefused) {
  LookupRig rig;
  rig.account("unified");
  rig.instrument(Product::usdt_futures, "ETHUSDT", "USDT");
  rig.start();
  EXPECT_FALSE(rig.ready_within(10 * kSecond));
  EXPECT_EQ(rig.told(EngineEvent::nobody_ready), 1U);
}

TEST_F(Readiness, AKeyThatMayNotAskForTheAccountsKindTradesAll) {
  eth();
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "spot/account/info")) return;
    answer.status = 400;
    answer.body = no("40014", "Incorrect permissions, need spot read permissions");
  };
  rig.start();
  EXPECT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
}

// What keeps it from serving is told soon.

TEST_F(Readiness, AVenueThatSaysNothingOfUseIsToldWithinTwoSeconds) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  for (const int status : {0, 403, 502}) {
    SCOPED_TRACE(status);
    rig.rule = [status](std::string_view, LookupRig::Answer& answer) {
      answer.lost = status == 0;
      answer.status = status;
      answer.body = "<html>no</html>";
      answer.headers = {{"content-type", "text/html"}};
    };
    EXPECT_TRUE(rig.run_until([this] { return !rig.engine().ready(); }, 2 * kSecond));
    rig.rule = nullptr;
    EXPECT_TRUE(rig.ready_within(2 * kSecond));
  }
}

// Whose key it is.

LookupRig::Rule failing_account_info() {
  return [](std::string_view target, LookupRig::Answer& answer) {
    if (holds(target, "spot/account/info")) answer.status = 503;
  };
}

TEST_F(Readiness, AnOnlyAccountTradesWithoutBeingToldWhoseKeyItHas) {
  eth();
  rig.rule = failing_account_info();
  rig.start();
  EXPECT_TRUE(rig.ready_within(20 * kSecond));
}

TEST_F(Readiness, OfSeveralAccountsNoneTradesBeforeItWasToldWhoseKeyItHas) {
  eth();
  rig.account("hedge", domain::PositionMode::hedge);
  rig.rule = failing_account_info();
  rig.start();
  EXPECT_FALSE(rig.ready_within(60 * kSecond));
  rig.rule = nullptr;
  EXPECT_TRUE(rig.ready_within(20 * kSecond));
}

TEST_F(Readiness, OfTwoKeysOfOneUidOneTradesAtMost) {
  eth();
  rig.account("hedge", domain::PositionMode::hedge);
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "spot/account/info")) return;
    const std::size_t at = answer.body.find(R"("userId":")") + 10;
    answer.body.replace(at, answer.body.find('"', at) - at, "777");
  };
  rig.start();
  rig.run(20 * kSecond);
  EXPECT_EQ(rig.told(EngineEvent::uid_shared), 1U);
  const DenyReason main =
      rig.reverse("main", Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side).deny_reason;
  const DenyReason hedge =
      rig.reverse("hedge", Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side).deny_reason;
  EXPECT_TRUE((main == DenyReason::account_halted) != (hedge == DenyReason::account_halted));
}

TEST_F(Readiness, AKeyThatWasToldAnothersUidNeedsAnAnswerWithAUid) {
  eth();
  rig.account("hedge", domain::PositionMode::hedge);
  // Each account's first answer names one UID; from then on the question is refused.
  int asked = 0;
  rig.rule = [&asked](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "spot/account/info")) return;
    if (++asked > 2) {
      answer.status = 400;
      answer.body = no("40014", "Incorrect permissions, need spot read permissions");
      return;
    }
    const std::size_t at = answer.body.find(R"("userId":")") + 10;
    answer.body.replace(at, answer.body.find('"', at) - at, "777");
  };
  rig.start();
  EXPECT_FALSE(rig.ready_within(30 * kSecond));
  rig.rule = nullptr;
  EXPECT_TRUE(rig.ready_within(30 * kSecond));
}

// What does not come is named.

TEST_F(Readiness, ThePageOfAnEdgeIsNamed) {
  for (const int status : {403, 429, 520, 302}) {
    LookupRig edge;
    edge.account("main");
    edge.instrument(Product::usdt_futures, "ETHUSDT", "USDT");
    edge.rule = [&](std::string_view, LookupRig::Answer& answer) {
      answer.status = status;
      answer.body = "<!DOCTYPE html><html></html>";
      answer.headers["content-type"] = "text/html";
    };
    edge.start();
    EXPECT_FALSE(edge.ready_within(3 * kSecond));
    ASSERT_FALSE(edge.troubles.empty()) << status;
    EXPECT_EQ(edge.troubles[0].trace.http_status, status);
    EXPECT_EQ(edge.troubles[0].trace.content_type.view(), "text/html");
    EXPECT_EQ(edge.troubles[0].cause, status == 429 ? TroubleCause::throttled : TroubleCause::not_venue);
    EXPECT_LE(edge.troubles.size(), 8U) << "a page that is always the same fills the log";
    ASSERT_NE(edge.engine().waits().last, nullptr);
    EXPECT_EQ(edge.engine().waits().last->trace.http_status, status);
  }
}

TEST_F(Readiness, ALookupThatIsLostSaysWhy) {
  eth();
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    answer.lost = holds(target, "contracts");
    answer.reason = net::LossReason::too_large;
  };
  rig.start();
  EXPECT_FALSE(rig.ready_within(5 * kSecond));
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles[0].cause, TroubleCause::lost);
  EXPECT_EQ(rig.troubles[0].loss, net::LossReason::too_large);
  EXPECT_EQ(rig.troubles[0].kind, domain::LookupKind::contracts);
  rig.rule = nullptr;
  EXPECT_TRUE(rig.ready_within(5 * kSecond));
  EXPECT_FALSE(rig.ended.empty()) << "nobody was told that it is over";
  EXPECT_EQ(rig.engine().waits().last, nullptr);
}

TEST_F(Readiness, ACompressedReplyIsNamed) {
  eth();
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "contracts")) return;
    answer.body = "\x1f\x8b\x08";
    answer.headers["content-encoding"] = "gzip";
  };
  rig.start();
  EXPECT_FALSE(rig.ready_within(3 * kSecond));
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles[0].cause, TroubleCause::compressed);
  EXPECT_EQ(rig.troubles[0].trace.content_encoding.view(), "gzip");
}

TEST_F(Readiness, AContractWhoseRowCannotBeReadIsNamed) {
  eth();
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (holds(target, "contracts"))
      answer.body = replaced(answer.body, R"("sizeMultiplier":"0.01")", R"("sizeMultiplier":"1E-2")");
  };
  rig.start();
  EXPECT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::contract_closed);
  ASSERT_FALSE(rig.troubles.empty());
  EXPECT_EQ(rig.troubles[0].field, "sizeMultiplier");
  EXPECT_EQ(rig.troubles[0].symbol.view(), "ETHUSDT");
}

TEST_F(Readiness, NumbersForCodesAreCodes) {
  eth();
  rig.options().code_as_number = true;
  rig.start();
  EXPECT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  EXPECT_EQ(rig.distrusted, 0U);
}

// What changes while it runs.

TEST_F(Readiness, AContractThatOpensAgainIsTraded) {
  eth();
  rig.start();
  rig.venue().set_contract_status(*rig.venue().find_contract("ETHUSDT"), venue::ContractStatus::maintain);
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::contract_closed);
  rig.venue().set_contract_status(*rig.venue().find_contract("ETHUSDT"), venue::ContractStatus::normal);
  rig.run(15 * kSecond);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
  EXPECT_LE(rig.asked("contracts"), 3U);
}

TEST_F(Readiness, WhileIntentsFindAContractClosedItsRulesAreReadAgainButNotForEach) {
  eth();
  rig.start();
  rig.venue().set_contract_status(*rig.venue().find_contract("ETHUSDT"), venue::ContractStatus::maintain);
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  for (int i = 0; i < 600; ++i) {
    EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::contract_closed);
    rig.run(100 * kMillisecond);
  }
  const std::size_t asked = rig.asked("contracts");
  EXPECT_GE(asked, 5U);
  EXPECT_LE(asked, 8U);
  EXPECT_GE(rig.asked("symbol=ETHUSDT"), 4U) << "the whole list was read for one contract";
}

TEST_F(Readiness, RulesThatChangeAreLearned) {
  eth();
  rig.config().venue.contract_refresh_ms = 5'000;
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (holds(target, "contracts"))
      answer.body = replaced(answer.body, R"("maxMarketOrderQty":"1900")", R"("maxMarketOrderQty":"1")");
  };
  rig.run(6 * kSecond);
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::size_too_large);
}

TEST_F(Readiness, AModeThatWasSwitchedHaltsTheAccountAndSaysSo) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  rig.venue().set_mode(*rig.venue().find_account("main"), venue::PositionMode::hedge);
  rig.config().venue.position_refresh_ms = 3'600'000;  // The rows are not what tells it here.
  EXPECT_EQ(rig.reverse_eth().kind, EventKind::rejected);
  rig.run(kSecond);
  EXPECT_EQ(rig.engine().account(AccountIndex{0}).phase, AccountPhase::halted);
  EXPECT_EQ(rig.engine().account(AccountIndex{0}).why, "is hedge_mode, configured one_way");
  EXPECT_EQ(rig.reverse_eth().deny_reason, DenyReason::account_halted);
}

TEST_F(Readiness, ThePositionsRowsTellOfASwitchedModeToo) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  rig.venue().set_mode(*rig.venue().find_account("main"), venue::PositionMode::hedge);
  rig.run(2 * kSecond);
  EXPECT_EQ(rig.engine().account(AccountIndex{0}).phase, AccountPhase::halted)
      << "no intent had to fail for it";
}

// Bans and limits.

TEST_F(Readiness, AnAddressThatIsBannedIsNoticedByLookUps) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  rig.rule = [](std::string_view, LookupRig::Answer& answer) {
    answer.status = 429;
    answer.body = no("429", "Too Many Requests");
  };
  rig.run(10 * kSecond);
  EXPECT_EQ(rig.told(EngineEvent::address_throttled), 1U);
  const std::size_t before = rig.targets.size();
  rig.run(60 * kSecond);
  EXPECT_LE(rig.targets.size() - before, 2U) << "asked on through the ban";
  rig.rule = nullptr;
  rig.run(300 * kSecond);
  EXPECT_EQ(rig.told(EngineEvent::address_free), 1U);
  EXPECT_EQ(rig.reverse_eth().result, wire::SettledResult::reversed);
}

TEST_F(Readiness, LookUpsBackOffWhileEachIsThrottled) {
  eth();
  rig.start();
  ASSERT_TRUE(rig.ready_within(3 * kSecond));
  // One page only, so that nothing is known of the address.
  rig.rule = [](std::string_view target, LookupRig::Answer& answer) {
    if (!holds(target, "all-position")) return;
    answer.status = 429;
    answer.body = no("429", "Too Many Requests");
  };
  const std::size_t before = rig.asked("all-position");
  rig.run(60 * kSecond);
  EXPECT_LE(rig.asked("all-position") - before, 14U);
  EXPECT_EQ(rig.told(EngineEvent::address_throttled), 0U);
  rig.rule = nullptr;
  rig.run(11 * kSecond);
  const std::size_t after = rig.asked("all-position");
  rig.run(3 * kSecond);
  EXPECT_GE(rig.asked("all-position") - after, 9U) << "the old pace is not back";
}

}  // namespace
}  // namespace backhand::engine
