// Each check by itself: one candidate that passes everything, and one change at a time that must be denied
// for its own reason. If one fails, an intent that must not be sent is sent.
#include "gateway/risk/risk_book.hpp"

#include <gtest/gtest.h>

namespace backhand::risk::test {
namespace {

constexpr StrategyIndex kTrader{0};
constexpr StrategyIndex kStranger{1};
constexpr PositionIndex kEth{0};
constexpr PositionIndex kBtc{1};
constexpr AccountIndex kMain{0};
constexpr AccountIndex kOther{1};
constexpr Ns kNow = 1'000 * kSecond;

Decimal dec(const char* text) { return Decimal::parse(text).value(); }

domain::ContractRules contract() {
  domain::ContractRules out;
  out.size_step = dec("0.01");
  out.min_size = dec("0.02");
  out.max_market_size = dec("1900");
  out.status = domain::ContractStatus::normal;
  return out;
}

class RiskBookTest : public testing::Test {
 protected:
  static Settings settings() {
    Settings out;
    out.accounts = 2;
    out.strategies = {{dec("100"), 5, 3, 6, 3}, {dec("0"), 100, 1'000, 1'000, 7}};
    out.positions = {{kMain, dec("50")}, {kOther, dec("0")}};
    out.entitlements = {{kTrader, kEth}, {kTrader, kBtc}};
    return out;
  }
  /// Passes every check: half of a hedge position of 20.
  Candidate good() const {
    Candidate out;
    out.strategy = kTrader;
    out.position = kEth;
    out.mode = domain::PositionMode::hedge;
    out.has_size = true;
    out.size = dec("10");
    out.held_known = true;
    out.held = dec("20");
    out.contract = &contract_;
    return out;
  }
  DenyReason check(const Candidate& candidate, Ns now = kNow) const { return book_.check(candidate, now); }

  domain::ContractRules contract_ = contract();
  RiskBook book_{settings()};
};

TEST_F(RiskBookTest, AGoodIntentPasses) { EXPECT_EQ(check(good()), DenyReason::none); }

TEST_F(RiskBookTest, HaltStopsAllUntilResume) {
  book_.halt();
  EXPECT_EQ(check(good()), DenyReason::halted);
  book_.resume();
  EXPECT_EQ(check(good()), DenyReason::none);
}

TEST_F(RiskBookTest, AnAccountHaltsAlone) {
  book_.halt_account(kMain);
  EXPECT_EQ(check(good()), DenyReason::account_halted);
  Candidate other = good();
  other.position = kBtc;
  EXPECT_EQ(check(other), DenyReason::none);
  book_.resume_account(kMain);
  EXPECT_EQ(check(good()), DenyReason::none);
}

TEST_F(RiskBookTest, OnlyEntitledStrategies) {
  Candidate stranger = good();
  stranger.strategy = kStranger;
  EXPECT_EQ(check(stranger), DenyReason::unknown_instrument);
  EXPECT_FALSE(book_.entitled(kStranger, kEth));
  EXPECT_FALSE(book_.entitled(kTrader, PositionIndex{99}));
  EXPECT_FALSE(book_.entitled(StrategyIndex{99}, kEth));
}

TEST_F(RiskBookTest, ClosedOrUnloadedContracts) {
  contract_.status = domain::ContractStatus::closed;
  EXPECT_EQ(check(good()), DenyReason::contract_closed);
  Candidate unloaded = good();
  unloaded.contract = nullptr;
  EXPECT_EQ(check(unloaded), DenyReason::contract_closed);
}

TEST_F(RiskBookTest, OneWayReversesTheWholePosition) {
  Candidate one_way = good();
  one_way.mode = domain::PositionMode::one_way;
  EXPECT_EQ(check(one_way), DenyReason::size_not_allowed);
  one_way.has_size = false;
  EXPECT_EQ(check(one_way), DenyReason::none);

  Settings partial = settings();
  partial.one_way_partial_allowed = true;
  one_way.has_size = true;
  EXPECT_EQ(RiskBook(partial).check(one_way, kNow), DenyReason::none);
}

TEST_F(RiskBookTest, SizeStepAndMinimum) {
  Candidate c = good();
  c.size = dec("0.01");
  EXPECT_EQ(check(c), DenyReason::size_too_small);
  c.size = Decimal{};
  EXPECT_EQ(check(c), DenyReason::size_too_small);
  c.size = dec("0.02");
  EXPECT_EQ(check(c), DenyReason::none);
  c.size = dec("0.025");
  EXPECT_EQ(check(c), DenyReason::size_off_step);
  contract_.size_step = Decimal{};
  c.size = dec("0.02");
  EXPECT_EQ(check(c), DenyReason::size_off_step) << "a step of zero divides nothing";
}

TEST_F(RiskBookTest, EachMaximumHolds) {
  Candidate c = good();
  c.size = dec("50");
  EXPECT_EQ(check(c), DenyReason::none);
  c.size = dec("50.01");
  EXPECT_EQ(check(c), DenyReason::size_too_large) << "the instrument's";
  c.position = kBtc;  // No maximum of its own.
  c.size = dec("100");
  EXPECT_EQ(check(c), DenyReason::none);
  c.size = dec("100.01");
  EXPECT_EQ(check(c), DenyReason::size_too_large) << "the strategy's";
  contract_.max_market_size = dec("9");
  c.size = dec("9.01");
  EXPECT_EQ(check(c), DenyReason::size_too_large) << "the contract's, for each leg";
}

TEST_F(RiskBookTest, AWholePositionIsHeldToTheMaximaToo) {
  Candidate c = good();
  c.has_size = false;
  c.held = dec("50.01");
  EXPECT_EQ(check(c), DenyReason::size_too_large);
  c.held = dec("50");
  EXPECT_EQ(check(c), DenyReason::none);
  c.held_known = false;
  EXPECT_EQ(check(c), DenyReason::position_stale) << "no maximum can be vouched for";
}

TEST_F(RiskBookTest, ReversalsOfAPositionAMinute) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(check(good(), kNow + i), DenyReason::none);
    book_.on_sent(kEth, kNow + i);
  }
  EXPECT_EQ(check(good(), kNow + 3), DenyReason::too_many_reversals);
  EXPECT_EQ(check(good(), kNow + 59 * kSecond), DenyReason::too_many_reversals);
  EXPECT_EQ(check(good(), kNow + 66 * kSecond), DenyReason::none);
  Candidate other = good();
  other.position = kBtc;
  EXPECT_EQ(check(other, kNow + 3), DenyReason::none) << "another position is counted apart";
}

TEST_F(RiskBookTest, ReversalsOfAPositionADay) {
  constexpr Ns kHour = 3'600 * kSecond;
  for (int i = 0; i < 6; ++i) book_.on_sent(kEth, kNow + i * kHour);
  EXPECT_EQ(check(good(), kNow + 6 * kHour), DenyReason::too_many_reversals);
  EXPECT_EQ(check(good(), kNow + 24 * kHour - 1), DenyReason::too_many_reversals);
  EXPECT_EQ(check(good(), kNow + 25 * kHour), DenyReason::none);
}

TEST_F(RiskBookTest, IntentsASecondSlide) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(book_.admit_intent(kTrader, kNow + i * 100 * kMillisecond), DenyReason::none);
  }
  EXPECT_EQ(book_.admit_intent(kTrader, kNow + 999 * kMillisecond), DenyReason::too_many_intents);
  EXPECT_EQ(book_.admit_intent(kStranger, kNow + 999 * kMillisecond), DenyReason::none) << "per strategy";
  EXPECT_EQ(book_.admit_intent(kTrader, kNow + kSecond), DenyReason::none);
  EXPECT_EQ(book_.admit_intent(kTrader, kNow + kSecond + 99 * kMillisecond), DenyReason::too_many_intents);
  EXPECT_EQ(book_.admit_intent(kTrader, kNow + kSecond + 100 * kMillisecond), DenyReason::none);
}

TEST_F(RiskBookTest, PriorityIsCappedNotDenied) {
  EXPECT_EQ(book_.capped_priority(kTrader, 7), 3);
  EXPECT_EQ(book_.capped_priority(kTrader, 2), 2);
}

}  // namespace
}  // namespace backhand::risk::test
