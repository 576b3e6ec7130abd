// May this intent be sent at all: entitlement, sizes, contract, rates of a strategy and of a position, and
// the kill switch. What the account holds is order/'s business, when it may be sent is pacing/'s. Pure: `now`
// comes in, memory is fixed at construction, nothing throws. Owned by the I/O thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/decimal.hpp"
#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/prefetch.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/risk/rolling_count.hpp"

namespace backhand::risk {

using wire::DenyReason;

struct StrategyLimits {
  Decimal max_size;                        ///< Of one reversal; zero: none.
  std::uint32_t intents_per_second = 100;  ///< In any second.
  /// Most reversals of one position, whoever asked for them, after which this strategy is denied.
  std::uint32_t reversals_per_position_minute = 30;
  std::uint32_t reversals_per_position_day = 1'000;
  std::uint8_t max_priority = 3;
};

struct PositionLimits {
  AccountIndex account;
  Decimal max_size;  ///< Of one reversal of this instrument; zero: none.
};

struct Entitlement {
  StrategyIndex strategy;
  PositionIndex position;
};

struct Settings {
  std::uint32_t accounts = 1;
  std::vector<StrategyLimits> strategies;
  std::vector<PositionLimits> positions;  ///< By PositionIndex.
  std::vector<Entitlement> entitlements;  ///< Everything that is not here is denied.
  bool one_way_partial_allowed = false;   ///< Offer partial sizes in one-way mode (bitget-facts C3).
};

/// An intent as far as risk looks at it. Indexes are within the settings' tables.
struct Candidate {
  StrategyIndex strategy;
  PositionIndex position;
  domain::PositionMode mode = domain::PositionMode::one_way;
  bool has_size = false;
  Decimal size;                                     ///< With has_size.
  bool held_known = false;                          ///< The position has been read.
  Decimal held;                                     ///< With held_known: of the side that is to be reversed.
  const domain::ContractRules* contract = nullptr;  ///< Null: not loaded, which counts as closed.
};

class RiskBook {
 public:
  explicit RiskBook(const Settings& settings);

  /// Counts one intent of a strategy; `too_many_intents` where the last second had its fill. Denied ones are
  /// not counted. Called once for each well-formed intent, before `check`.
  [[nodiscard]] DenyReason admit_intent(StrategyIndex strategy, Ns now) noexcept;

  /// `none`, or the first check that fails. Changes nothing; called when the intent is taken, and again right
  /// before the write where it waited.
  [[nodiscard]] DenyReason check(const Candidate& candidate, Ns now) const noexcept;

  /// A reversal of this position was written. At start also for each one that the journal knows of the last
  /// 24 hours, in the order of time.
  void on_sent(PositionIndex position, Ns now) noexcept;

  [[nodiscard]] bool entitled(StrategyIndex strategy, PositionIndex position) const noexcept;
  /// A priority above the strategy's cap is lowered to it, not denied.
  [[nodiscard]] std::uint8_t capped_priority(StrategyIndex strategy, std::uint8_t asked) const noexcept;

  /// What a check uses, and a count.
  void add_to(NearMemory& near) const {
    near.add(strategies_);
    near.add(intents_);
    near.add(positions_);
    near.add(entitled_);
    near.add(account_halted_);
  }
  /// It is about to be checked, and counted: a hint to the cache.
  void expect(PositionIndex position) const noexcept { prefetch_to_write(positions_[position.value]); }
  void expect(StrategyIndex strategy) const noexcept { intents_[strategy.value].expect(); }

  void halt() noexcept { halted_ = true; }
  void resume() noexcept { halted_ = false; }
  void halt_account(AccountIndex account) noexcept;
  void resume_account(AccountIndex account) noexcept;
  [[nodiscard]] bool halted() const noexcept { return halted_; }
  [[nodiscard]] bool account_halted(AccountIndex account) const noexcept;

 private:
  [[nodiscard]] DenyReason check_size(const Candidate& candidate) const noexcept;
  [[nodiscard]] DenyReason check_counts(const Candidate& candidate, Ns now) const noexcept;

  struct PositionState {
    PositionLimits limits;
    MinuteCount minute;
    DayCount day;
  };

  std::vector<StrategyLimits> strategies_;
  std::vector<SlidingLimit> intents_;  ///< By strategy.
  std::vector<PositionState> positions_;
  std::vector<std::uint64_t> entitled_;  ///< Bits, strategy by position.
  std::vector<std::uint8_t> account_halted_;
  bool halted_ = false;
  bool one_way_partial_allowed_;
};

}  // namespace backhand::risk
