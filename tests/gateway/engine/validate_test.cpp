// Any 120 bytes get an answer, and each rule has a case that fails without it.
#include "gateway/engine/validate.hpp"

#include <bit>
#include <cstring>
#include <random>

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

using wire::DenyReason;
using wire::Intent;

constexpr Ns kNow = 100 * kSecond;

Intent good() {
  Intent intent{};
  intent.id = 8;
  intent.created_ns = kNow;
  intent.deadline_ns = kNow + kSecond;
  intent.account = wire::AccountName{"main"};
  intent.symbol = wire::SymbolName{"ETHUSDT"};
  intent.kind = wire::IntentKind::reverse;
  intent.product = wire::Product::usdt_futures;
  intent.position_side = wire::PositionSide::long_side;
  return intent;
}

TEST(Validate, AcceptsAPlainReversal) { EXPECT_EQ(validate(good(), 7), DenyReason::none); }

TEST(Validate, IdsMustIncrease) {
  EXPECT_EQ(validate(good(), 8), DenyReason::id_not_increasing);
  EXPECT_EQ(validate(good(), UINT64_MAX), DenyReason::id_not_increasing);
  Intent zero = good();
  zero.id = 0;
  EXPECT_EQ(validate(zero, 0), DenyReason::id_not_increasing);
}

TEST(Validate, DeadlinesArePresentAndNear) {
  Intent late = good();
  late.deadline_ns = kNow;
  EXPECT_EQ(check_deadline(late, kNow), DenyReason::deadline_passed);
  late.deadline_ns = INT64_MIN;
  EXPECT_EQ(check_deadline(late, kNow), DenyReason::deadline_passed);
  late.deadline_ns = kNow + wire::kMaxDeadlineAhead_ns;
  EXPECT_EQ(check_deadline(late, kNow), DenyReason::none);
  late.deadline_ns += 1;
  EXPECT_EQ(check_deadline(late, kNow), DenyReason::deadline_too_far);
  late.deadline_ns = INT64_MAX;
  EXPECT_EQ(check_deadline(late, kNow), DenyReason::deadline_too_far);
}

TEST(Validate, EachFieldOutOfRangeIsMalformed) {
  const auto malformed = [](auto change) {
    Intent intent = good();
    change(intent);
    return validate(intent, 7) == DenyReason::malformed;
  };
  EXPECT_TRUE(malformed([](Intent& i) { i.kind = static_cast<wire::IntentKind>(0); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.kind = static_cast<wire::IntentKind>(200); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.product = static_cast<wire::Product>(0); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.product = static_cast<wire::Product>(7); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.position_side = static_cast<wire::PositionSide>(0); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.position_side = static_cast<wire::PositionSide>(3); }));
  EXPECT_TRUE(malformed([](Intent& i) { i.priority = wire::kMaxPriority + 1; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.flags = 0x80; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.reserved = 1; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.target_id = 1; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.account = {}; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.symbol = {}; }));
  EXPECT_TRUE(malformed([](Intent& i) { i.symbol.bytes[20] = 'x'; })) << "text behind the end";
  EXPECT_TRUE(malformed([](Intent& i) { i.size_digits = 3; })) << "a size without its flag";
  EXPECT_TRUE(malformed([](Intent& i) { i.flags = wire::kHasSize; })) << "a size of zero";
  EXPECT_TRUE(malformed([](Intent& i) {
    i.flags = wire::kHasSize;
    i.size_digits = 1;
    i.size_scale = 19;
  }));
  EXPECT_TRUE(malformed([](Intent& i) { i.flags = wire::kHasExpectedSize; }));
}

TEST(Validate, WithdrawAndFireNameAnEarlierIntent) {
  Intent intent = good();
  intent.kind = wire::IntentKind::withdraw;
  EXPECT_EQ(validate(intent, 7), DenyReason::malformed);
  intent.target_id = 8;
  EXPECT_EQ(validate(intent, 7), DenyReason::malformed);
  intent.target_id = 7;
  EXPECT_EQ(validate(intent, 7), DenyReason::none);
  intent.kind = wire::IntentKind::fire;
  EXPECT_EQ(validate(intent, 7), DenyReason::none);
  intent.deadline_ns = kNow - 1;
  EXPECT_EQ(validate(intent, 7), DenyReason::none);
  EXPECT_EQ(check_deadline(intent, kNow), DenyReason::deadline_passed);
}

TEST(Validate, AnyBytesGetAnAnswer) {
  std::mt19937_64 random{11};
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    Intent intent = good();
    auto bytes = std::bit_cast<std::array<unsigned char, sizeof(Intent)>>(intent);
    for (std::uint64_t changes = random() % 6; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<unsigned char>(random());
    }
    std::memcpy(&intent, bytes.data(), bytes.size());
    const DenyReason reason = validate(intent, 7);
    if (reason != DenyReason::none) continue;
    ++accepted;
    ASSERT_GT(intent.id, 7U);
    (void)check_deadline(intent, kNow);
    ASSERT_LE(intent.priority, wire::kMaxPriority);
  }
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace backhand::engine
