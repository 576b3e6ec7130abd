// A file of intents is read exactly, or refused with every mistake named by its line.
#include "gateway/cli/intents.hpp"

#include <string>

#include <gtest/gtest.h>

namespace backhand::cli {
namespace {

const std::string kGood =
    R"({"account":"main","symbol":"ETHUSDT","product":"usdt-futures","position":"long"})";

std::vector<TimedIntent> good(const std::string& text) {
  auto intents = read_intents(text, "f");
  if (!intents) {
    for (const std::string& problem : intents.error()) ADD_FAILURE() << problem;
    return {};
  }
  return std::move(*intents);
}

std::string problems(const std::string& text) {
  const auto intents = read_intents(text, "f");
  std::string out;
  if (!intents) {
    for (const std::string& problem : intents.error()) out += problem + "\n";
  }
  return out;
}

TEST(Intents, ReadsEveryKey) {
  const auto intents = good(
      R"({"at_ms":5,"account":"main","symbol":"ETHUSDT","product":"COIN-FUTURES","position":"short",)"
      R"("size":"3.50","expected_size":"20","deadline_ms":200,"priority":7,"tag":"t1","margin_coin":"ETH","id":9})");
  ASSERT_EQ(intents.size(), 1U);
  const TimedIntent& timed = intents[0];
  EXPECT_EQ(timed.line, 1U);
  EXPECT_EQ(timed.at_ms, 5);
  EXPECT_EQ(timed.deadline_ms, 200);
  EXPECT_EQ(timed.intent.kind, wire::IntentKind::reverse);
  EXPECT_EQ(timed.intent.account.view(), "main");
  EXPECT_EQ(timed.intent.symbol.view(), "ETHUSDT");
  EXPECT_EQ(timed.intent.product, wire::Product::coin_futures);
  EXPECT_EQ(timed.intent.position_side, wire::PositionSide::short_side);
  EXPECT_EQ(timed.intent.size_digits, 350U);
  EXPECT_EQ(timed.intent.size_scale, 2);
  EXPECT_EQ(timed.intent.expected_digits, 20U);
  EXPECT_EQ(timed.intent.flags, wire::kHasSize | wire::kHasExpectedSize);
  EXPECT_EQ(timed.intent.priority, 7);
  EXPECT_EQ(timed.intent.user_tag.view(), "t1");
  EXPECT_EQ(timed.intent.margin_coin.view(), "ETH");
  EXPECT_EQ(timed.intent.id, 9U);
}

TEST(Intents, HasDefaultsAndSkipsCommentsAndEmptyLines) {
  const auto intents = good("# two\n\n" + kGood + "\r\n  \n" + kGood);
  ASSERT_EQ(intents.size(), 2U);
  EXPECT_EQ(intents[0].line, 3U);
  EXPECT_EQ(intents[1].line, 5U);
  EXPECT_EQ(intents[0].at_ms, 0);
  EXPECT_EQ(intents[0].deadline_ms, kDefaultDeadline_ms);
  EXPECT_EQ(intents[0].intent.flags, 0);
  EXPECT_EQ(intents[0].intent.id, 0U);
}

TEST(Intents, AreOrderedByTimeAndKeepTheirOrderWithinOne) {
  const auto at = [](int ms) {
    return "{\"at_ms\":" + std::to_string(ms) +
           R"(,"account":"a","symbol":"S","product":"USDT-FUTURES","position":"long"})" + "\n";
  };
  const auto intents = good(at(20) + at(10) + at(20) + at(0));
  ASSERT_EQ(intents.size(), 4U);
  EXPECT_EQ(intents[0].line, 4U);
  EXPECT_EQ(intents[1].line, 2U);
  EXPECT_EQ(intents[2].line, 1U);
  EXPECT_EQ(intents[3].line, 3U);
}

TEST(Intents, TellsEveryMistakeWithItsLineAndKey) {
  EXPECT_EQ(
      problems(
          kGood + "\n" +
          R"({"account":"","symbol":7,"product":"SPOT","position":"up","size":3,"expected_size":"1e3"})" +
          "\n" + R"({"at_ms":-1,"deadline_ms":60001,"priority":8,"id":0,"tag":"12345678901234567"})" + "\n" +
          "[1]\n{\n" + R"({"account":"a","account":"a","sise":"1"})"),
      "f:2: account: must be a string of 1 to 16 bytes\n"
      "f:2: symbol: must be a string of 1 to 24 bytes\n"
      "f:2: product: must be a product like \"USDT-FUTURES\"\n"
      "f:2: position: must be \"long\" or \"short\"\n"
      "f:2: size: must be a plain decimal in quotes, like \"0.5\"\n"
      "f:2: expected_size: must be a plain decimal in quotes, like \"0.5\"\n"
      "f:3: at_ms: must be an integer between 0 and 86400000\n"
      "f:3: deadline_ms: must be an integer between 0 and 60000\n"
      "f:3: priority: must be an integer between 0 and 7\n"
      "f:3: id: must be an integer between 1 and 9223372036854775807\n"
      "f:3: tag: must be a string of 1 to 16 bytes\n"
      "f:3: account: is missing\n"
      "f:3: symbol: is missing\n"
      "f:3: product: is missing\n"
      "f:3: position: is missing\n"
      "f:4: must be a JSON object\n"
      "f:5: not valid JSON: The JSON document has an improper structure: missing or superfluous commas, "
      "braces, "
      "missing keys, etc.\n"
      "f:6: account: is given twice\n"
      "f:6: sise: unknown key\n"
      "f:6: symbol: is missing\n"
      "f:6: product: is missing\n"
      "f:6: position: is missing\n");
}

TEST(Intents, ReadsShotsAndWhatMeansThem) {
  const std::string arm =
      R"({"do":"arm","name":"x","account":"main","symbol":"ETHUSDT","product":"USDT-FUTURES","position":"long")";
  const auto intents =
      good(R"({"do":"fire","target":"x","name":"f","at_ms":20,"priority":2,"expected_size":"3","tag":"t"})"
           "\n" +
           arm + "}\n" + R"({"do":"withdraw","target":"f","at_ms":30})" + "\n" +
           R"({"do":"disarm","target":"x","at_ms":10,"deadline_ms":60000})" + "\n" +
           R"({"do":"arm","account":"a","symbol":"S","product":"USDT-FUTURES","position":"short",)" +
           R"("deadline_ms":86400000})");
  ASSERT_EQ(intents.size(), 5U);
  EXPECT_EQ(intents[0].line, 2U);
  EXPECT_EQ(intents[0].intent.kind, wire::IntentKind::arm);
  EXPECT_EQ(intents[0].deadline_ms, kDefaultShotDeadline_ms);
  EXPECT_EQ(intents[0].target_line, 0U);
  EXPECT_EQ(intents[1].deadline_ms, 86'400'000);
  EXPECT_EQ(intents[2].intent.kind, wire::IntentKind::disarm);
  EXPECT_EQ(intents[2].target_line, 2U);
  EXPECT_EQ(intents[3].intent.kind, wire::IntentKind::fire);
  EXPECT_EQ(intents[3].target_line, 2U);
  EXPECT_EQ(intents[3].deadline_ms, kDefaultDeadline_ms);
  EXPECT_EQ(intents[3].intent.priority, 2);
  EXPECT_EQ(intents[3].intent.flags, wire::kHasExpectedSize);
  EXPECT_EQ(intents[3].intent.user_tag.view(), "t");
  EXPECT_TRUE(intents[3].intent.account.empty());
  EXPECT_EQ(intents[4].intent.kind, wire::IntentKind::withdraw);
  EXPECT_EQ(intents[4].target_line, 1U);
  EXPECT_EQ(good(R"({"do":"reverse",)" + kGood.substr(1))[0].intent.kind, wire::IntentKind::reverse);
}

TEST(Intents, RefusesKeysThatWhatItDoesHasNoUseFor) {
  EXPECT_EQ(
      problems(R"({"do":"fire","target":"x","account":"a","position":"long","size":"1","margin_coin":"U"})"
               "\n"
               R"({"do":"disarm","target":"x","priority":1,"expected_size":"1","deadline_ms":60001})"
               "\n"
               R"({"do":"withdraw"})"
               "\n"
               R"({"do":"arm","deadline_ms":86400001,"name":"","target":"x"})"
               "\n"
               R"({"do":"shoot"})"
               "\n"
               R"({"do":1})"
               "\n" +
               std::string{R"({"target":"x",)"} + kGood.substr(1)),
      "f:1: account: is not for a line that does \"fire\"\n"
      "f:1: position: is not for a line that does \"fire\"\n"
      "f:1: size: is not for a line that does \"fire\"\n"
      "f:1: margin_coin: is not for a line that does \"fire\"\n"
      "f:2: priority: is not for a line that does \"disarm\"\n"
      "f:2: expected_size: is not for a line that does \"disarm\"\n"
      "f:2: deadline_ms: must be an integer between 0 and 60000\n"
      "f:3: target: is missing\n"
      "f:4: deadline_ms: must be an integer between 0 and 86400000\n"
      "f:4: name: must be a string of 1 to 64 bytes\n"
      "f:4: target: is not for a line that does \"arm\"\n"
      "f:4: account: is missing\n"
      "f:4: symbol: is missing\n"
      "f:4: product: is missing\n"
      "f:4: position: is missing\n"
      "f:5: do: must be \"reverse\", \"arm\", \"fire\", \"disarm\" or \"withdraw\"\n"
      "f:6: do: must be \"reverse\", \"arm\", \"fire\", \"disarm\" or \"withdraw\"\n"
      "f:7: target: is not for a line that does \"reverse\"\n");
}

TEST(Intents, RefusesTargetsThatAreUnknownLaterOrOfAnotherKind) {
  const auto line = [](const std::string& more) { return "{" + more + "," + kGood.substr(1) + "\n"; };
  EXPECT_EQ(problems(line(R"("do":"arm","name":"x","at_ms":5)") + R"({"do":"fire","target":"x"})" + "\n" +
                     R"({"do":"fire","target":"y"})" + "\n" + line(R"("name":"r")") +
                     R"({"do":"disarm","target":"r","at_ms":9})" + "\n" +
                     R"({"do":"withdraw","target":"x","at_ms":9})" + "\n" + line(R"("name":"r")") +
                     R"({"do":"disarm","name":"d","target":"d","at_ms":9})"),
            "f:2: target: must name a line that comes earlier\n"
            "f:3: target: names no line\n"
            "f:7: name: is another line's already\n"
            "f:5: target: must not name a line that does \"reverse\"\n"
            "f:6: target: must not name a line that does \"arm\"\n"
            "f:8: target: must name a line that comes earlier\n");
  EXPECT_EQ(good(line(R"("do":"arm","name":"x")") + R"({"do":"fire","target":"x"})")[1].target_line, 1U)
      << "of the same time, the one above comes earlier";
}

TEST(Intents, RefusesAFileWithoutAny) {
  EXPECT_EQ(problems("# nothing\n\n"), "f: holds no intent\n");
  EXPECT_EQ(problems(""), "f: holds no intent\n");
}

TEST(Intents, FileThatIsMissingIsNamed) {
  const auto text = read_file("/nowhere/i.jsonl");
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().message, "/nowhere/i.jsonl cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace backhand::cli
