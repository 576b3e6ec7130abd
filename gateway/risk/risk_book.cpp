#include "gateway/risk/risk_book.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::risk {

RiskBook::RiskBook(const Settings& settings)
    : strategies_(settings.strategies),
      entitled_((settings.strategies.size() * settings.positions.size() + 63) / 64, 0),
      account_halted_(settings.accounts, 0),
      one_way_partial_allowed_(settings.one_way_partial_allowed) {
  intents_.reserve(strategies_.size());
  for (const StrategyLimits& limits : strategies_) intents_.emplace_back(limits.intents_per_second, kSecond);
  positions_.reserve(settings.positions.size());
  for (const PositionLimits& limits : settings.positions) {
    BH_ASSERT(limits.account.value < settings.accounts);
    positions_.push_back({limits, {}, {}});
  }
  for (const Entitlement& e : settings.entitlements) {
    BH_ASSERT(e.strategy.value < strategies_.size() && e.position.value < positions_.size());
    const std::size_t bit = e.strategy.value * positions_.size() + e.position.value;
    entitled_[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }
}

bool RiskBook::entitled(StrategyIndex strategy, PositionIndex position) const noexcept {
  if (strategy.value >= strategies_.size() || position.value >= positions_.size()) return false;
  const std::size_t bit = strategy.value * positions_.size() + position.value;
  return (entitled_[bit / 64] >> (bit % 64) & 1U) != 0;
}

BH_ON_PATH std::uint8_t RiskBook::capped_priority(StrategyIndex strategy, std::uint8_t asked) const noexcept {
  return std::min(asked, strategies_[strategy.value].max_priority);
}

void RiskBook::halt_account(AccountIndex account) noexcept { account_halted_[account.value] = 1; }
void RiskBook::resume_account(AccountIndex account) noexcept { account_halted_[account.value] = 0; }
bool RiskBook::account_halted(AccountIndex account) const noexcept {
  return account_halted_[account.value] != 0;
}

BH_ON_PATH DenyReason RiskBook::admit_intent(StrategyIndex strategy, Ns now) noexcept {
  return intents_[strategy.value].admit(now) ? DenyReason::none : DenyReason::too_many_intents;
}

DenyReason RiskBook::check(const Candidate& candidate, Ns now) const noexcept {
  if (halted_) return DenyReason::halted;
  if (!entitled(candidate.strategy, candidate.position)) return DenyReason::unknown_instrument;
  if (account_halted(positions_[candidate.position.value].limits.account)) return DenyReason::account_halted;
  if (candidate.contract == nullptr || candidate.contract->status != domain::ContractStatus::normal) {
    return DenyReason::contract_closed;
  }
  const DenyReason size = check_size(candidate);
  if (size != DenyReason::none) return size;
  return check_counts(candidate, now);
}

DenyReason RiskBook::check_size(const Candidate& candidate) const noexcept {
  const domain::ContractRules& contract = *candidate.contract;
  if (candidate.has_size) {
    if (candidate.mode == domain::PositionMode::one_way && !one_way_partial_allowed_) {
      return DenyReason::size_not_allowed;
    }
    if (candidate.size.is_zero() || candidate.size < contract.min_size) return DenyReason::size_too_small;
    if (!candidate.size.is_multiple_of(contract.size_step)) return DenyReason::size_off_step;
  }
  // Each leg is one market order, so the same maximum holds for it as for the reversal.
  const Decimal maxima[] = {strategies_[candidate.strategy.value].max_size,
                            positions_[candidate.position.value].limits.max_size, contract.max_market_size};
  for (const Decimal& most : maxima) {
    if (most.is_zero()) continue;
    // Without a size the whole position is meant; a maximum cannot be vouched for where nobody has read it.
    if (!candidate.has_size && !candidate.held_known) return DenyReason::position_stale;
    if ((candidate.has_size ? candidate.size : candidate.held) > most) return DenyReason::size_too_large;
  }
  return DenyReason::none;
}

DenyReason RiskBook::check_counts(const Candidate& candidate, Ns now) const noexcept {
  const StrategyLimits& limits = strategies_[candidate.strategy.value];
  const PositionState& position = positions_[candidate.position.value];
  if (position.minute.count(now) >= limits.reversals_per_position_minute) {
    return DenyReason::too_many_reversals;
  }
  if (position.day.count(now) >= limits.reversals_per_position_day) return DenyReason::too_many_reversals;
  return DenyReason::none;
}

void RiskBook::on_sent(PositionIndex position, Ns now) noexcept {
  PositionState& state = positions_[position.value];
  state.minute.add(now);
  state.day.add(now);
}

}  // namespace backhand::risk
