#include "common/wire/names.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace backhand::wire {
namespace {

/// Every number that has a word comes back from it; no two share one; the count is what the enum has.
template <typename Enum>
void expect_total(std::size_t count) {
  std::set<std::string_view> words;
  for (unsigned number = 0; number < 256; ++number) {
    const auto value = static_cast<Enum>(number);
    const std::string_view word = to_string(value);
    if (word == "invalid") {
      EXPECT_FALSE(is_valid(value));
      continue;
    }
    EXPECT_TRUE(is_valid(value));
    EXPECT_TRUE(words.insert(word).second) << word << " names two numbers";
    EXPECT_EQ(from_string<Enum>(word), value) << word;
    EXPECT_EQ(word.data()[word.size()], '\0') << "the C ABI hands these out";
  }
  EXPECT_EQ(words.size(), count);
  EXPECT_FALSE(from_string<Enum>("invalid").has_value());
  EXPECT_FALSE(from_string<Enum>("").has_value());
}

TEST(Names, CoverEveryEnumBothWays) {
  expect_total<Product>(6);
  expect_total<PositionSide>(2);
  expect_total<IntentKind>(5);
  expect_total<EventKind>(11);
  expect_total<DenyReason>(40);
  EXPECT_EQ(kDenyReasons, 40U);
  expect_total<SettledResult>(5);
  expect_total<CodeClass>(13);
  expect_total<NoticeKind>(10);
  expect_total<AttachStatus>(14);
}

TEST(Names, AreTheVenuesForProductsAndTheUsersForSides) {
  EXPECT_EQ(to_string(Product::usdt_futures), "USDT-FUTURES");
  EXPECT_EQ(from_string<Product>("usdc-Futures"), Product::usdc_futures);
  EXPECT_FALSE(from_string<Product>("USDT_FUTURES").has_value());
  EXPECT_EQ(from_string<PositionSide>("short"), PositionSide::short_side);
  EXPECT_FALSE(from_string<PositionSide>("Short").has_value());
  EXPECT_EQ(to_string(DenyReason::deadline_too_far), "deadline_too_far");
}

}  // namespace
}  // namespace backhand::wire
