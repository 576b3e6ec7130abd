#include "common/decimal.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace backhand {
namespace {

std::string text(Decimal value) {
  char out[Decimal::kMaxText];
  return {out, value.format(out)};
}

TEST(Decimal, ReadsPlainNumbersAndWritesThemShort) {
  EXPECT_EQ(text(*Decimal::parse("0.020")), "0.02");
  EXPECT_EQ(text(*Decimal::parse("00012")), "12");
  EXPECT_EQ(text(*Decimal::parse("0.0")), "0");
  EXPECT_EQ(text(*Decimal::parse("18446744073709551615")), "18446744073709551615");
  EXPECT_EQ(text(*Decimal::parse("0.000000000000000001")), "0.000000000000000001");
}

TEST(Decimal, RefusesWhatIsNoPlainNumber) {
  for (const char* bad : {"", ".", "1.", ".5", "-1", "+1", "1e3", " 1", "1 ", "1..2", "1.2.3", "0x1", "nan",
                          "18446744073709551616", "0.0000000000000000001", "1,5"})
    EXPECT_FALSE(Decimal::parse(bad).has_value()) << '"' << bad << "\" was taken for a number";
}

TEST(Decimal, ComparesByValueNotBySpelling) {
  EXPECT_EQ(*Decimal::parse("1.50"), *Decimal::parse("1.5"));
  EXPECT_LT(*Decimal::parse("1.49999"), *Decimal::parse("1.5"));
  EXPECT_GT(*Decimal::parse("18446744073709551615"), *Decimal::parse("0.000000000000000001"));
}

TEST(Decimal, KnowsWholeSteps) {
  EXPECT_TRUE(Decimal::parse("0.06")->is_multiple_of(*Decimal::parse("0.02")));
  EXPECT_FALSE(Decimal::parse("0.05")->is_multiple_of(*Decimal::parse("0.02")));
  EXPECT_FALSE(Decimal::parse("1")->is_multiple_of(Decimal{}));
}

TEST(Decimal, RoundTripsAnyNumber) {
  std::mt19937_64 random(20240501);
  for (int i = 0; i < 20'000; ++i) {
    const Decimal value{random() >> (random() % 64), static_cast<std::uint8_t>(random() % 19)};
    const auto back = Decimal::parse(text(value));
    ASSERT_TRUE(back.has_value()) << text(value);
    ASSERT_EQ(*back, value) << text(value);
  }
}

TEST(Decimal, AddsAndSubtractsExactly) {
  EXPECT_EQ(*Decimal::parse("0.1") + *Decimal::parse("0.2"), *Decimal::parse("0.3"));
  EXPECT_EQ(*Decimal::parse("20") - *Decimal::parse("3"), *Decimal::parse("17"));
  EXPECT_TRUE((*Decimal::parse("3") - *Decimal::parse("20")).is_zero()) << "never below zero";
}

}  // namespace
}  // namespace backhand
