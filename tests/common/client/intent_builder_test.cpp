#include "common/client/intent_builder.hpp"

#include <string>

#include <gtest/gtest.h>

namespace backhand::client {
namespace {

using namespace std::chrono_literals;

TEST(IntentBuilder, FillsWhatItIsTold) {
  const Ns before = monotonic_now();
  const wire::Intent intent =
      make_reversal("main", wire::Product::usdc_futures, "BTCUSDC", wire::PositionSide::short_side)
          .id(7)
          .size("0.020")
          .expecting("20")
          .within(200ms)
          .priority(3)
          .tag("mine")
          .margin_coin("USDC");
  EXPECT_EQ(intent.id, 7U);
  EXPECT_EQ(intent.kind, wire::IntentKind::reverse);
  EXPECT_EQ(intent.account.view(), "main");
  EXPECT_EQ(intent.symbol.view(), "BTCUSDC");
  EXPECT_EQ(intent.flags, wire::kHasSize | wire::kHasExpectedSize);
  EXPECT_EQ((Decimal{intent.size_digits, intent.size_scale}), *Decimal::parse("0.02"));
  EXPECT_EQ(intent.expected_digits, 20U);
  EXPECT_GE(intent.deadline_ns, before + 200 * kMillisecond);
  EXPECT_LE(intent.deadline_ns, monotonic_now() + 200 * kMillisecond);
  EXPECT_EQ(intent.reserved, 0U);
  EXPECT_EQ(intent.target_id, 0U);
}

TEST(IntentBuilder, WhatDoesNotFitIsMalformedNotCut) {
  const auto good = [] {
    return make_reversal("main", wire::Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side);
  };
  EXPECT_EQ(good().intent().reserved, 0U);
  EXPECT_NE(good().size("0,02").intent().reserved, 0U);
  EXPECT_EQ(good().size("-1").intent().flags & wire::kHasSize, 0U);
  EXPECT_NE(good().expecting("").intent().reserved, 0U);
  EXPECT_NE(good().account(std::string(17, 'a')).intent().reserved, 0U)
      << "a cut name could be another account's";
  EXPECT_NE(good().tag(std::string(17, 'a')).intent().reserved, 0U);
}

TEST(IntentBuilder, NamesTargets) {
  EXPECT_EQ(make_withdraw(5).id(6).intent().target_id, 5U);
  EXPECT_EQ(make_fire(5).intent().kind, wire::IntentKind::fire);
  EXPECT_EQ(make_disarm(5).intent().kind, wire::IntentKind::disarm);
  EXPECT_EQ(
      make_shot("main", wire::Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side).intent().kind,
      wire::IntentKind::arm);
}

}  // namespace
}  // namespace backhand::client
