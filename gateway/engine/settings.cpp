#include "gateway/engine/settings.hpp"

#include <algorithm>
#include <bit>

#include "common/assert.hpp"
#include "gateway/engine/journal_room.hpp"

namespace backhand::engine {

risk::Settings risk_settings(const config::Config& config, const Directory& directory) {
  risk::Settings out;
  out.accounts = static_cast<std::uint32_t>(config.accounts.size());
  out.one_way_partial_allowed = config.venue.one_way_sends_size;
  for (const PositionEntry& entry : directory.positions()) {
    out.positions.push_back({entry.account, config.instruments[entry.instrument.value].max_size});
  }
  for (std::uint16_t s = 0; s < config.strategies.size(); ++s) {
    const config::Strategy& strategy = config.strategies[s];
    risk::StrategyLimits limits;
    limits.max_size = strategy.max_size;
    limits.intents_per_second = strategy.intents_per_second;
    limits.reversals_per_position_minute = strategy.reversals_per_position_minute;
    limits.reversals_per_position_day = strategy.reversals_per_position_day;
    limits.max_priority = strategy.max_priority;
    out.strategies.push_back(limits);
    for (const config::Entitlement& entitlement : strategy.entitlements) {
      for (const PositionIndex position : directory.of_account(entitlement.account)) {
        const InstrumentIndex instrument = directory[position].instrument;
        const auto& allowed = entitlement.instruments;
        if (std::find(allowed.begin(), allowed.end(), instrument) == allowed.end()) continue;
        out.entitlements.push_back({StrategyIndex{s}, position});
      }
    }
  }
  return out;
}

pacing::Settings pacing_settings(const config::Config& config, const bitget::Dialect& dialect) {
  pacing::Settings out;
  pacing::BudgetSettings& budget = out.budget;
  budget.accounts = static_cast<std::uint32_t>(config.accounts.size());
  budget.reversal_rule = {config.pacing.requests_per_second, dialect.reversal_rule().window_ns};
  budget.shape =
      config.pacing.shape == config::PacingShape::even ? pacing::Shape::even : pacing::Shape::burst;
  budget.endpoints.resize(bitget::kEndpointGroups);
  for (std::size_t kind = 0; kind < domain::kLookupKinds; ++kind) {
    const bitget::EndpointRule rule = dialect.rule_of(static_cast<domain::LookupKind>(kind));
    pacing::EndpointRule& endpoint = budget.endpoints[rule.group];
    endpoint.rule = {rule.requests, rule.window_ns};
    endpoint.scope = rule.per_ip ? pacing::Scope::per_ip : pacing::Scope::per_account;
  }
  budget.upkeep_endpoint = dialect.rule_of(domain::LookupKind::venue_time).group;
  budget.ip_rule = {config.pacing.ip_requests_per_minute, dialect.overall_rule().window_ns};
  budget.settlement_reserve_percent = config.pacing.settlement_reserve_percent;
  BH_ASSERT(pacing::shares_of(
                budget.ip_rule.requests,
                budget.settlement_reserve_percent)[static_cast<std::size_t>(pacing::RequestClass::refresh)] ==
            config::refreshes_per_minute(config.pacing));
  budget.margins.window_margin_ns = static_cast<Ns>(config.pacing.window_margin_ms) * kMillisecond;
  budget.margins.no_reply_hold_ns = static_cast<Ns>(config.pacing.no_reply_hold_ms) * kMillisecond;
  budget.heed_remaining = config.pacing.heed_remaining_header;
  budget.slow_down_ns = static_cast<Ns>(config.pacing.slow_down_ms) * kMillisecond;
  budget.ip_penalty_ns = dialect.overall_penalty_ns();

  pacing::SchedulerSettings& scheduler = out.scheduler;
  scheduler.weights.clear();
  for (const config::Strategy& strategy : config.strategies)
    scheduler.weights.push_back(std::max(1U, strategy.weight));
  scheduler.max_waiting = config.gateway.max_open_intents;
  scheduler.queue_per_strategy = config.pacing.queue_per_strategy;
  scheduler.queue_per_account = config.pacing.queue_per_account;
  return out;
}

order::Settings settlement_settings(const config::Config& config) {
  order::Settings out;
  out.clock_tolerance_ms = config.venue.clock_tolerance_ms;
  out.execution_grace_ms = config.venue.execution_grace_ms;
  out.clock_skew_ms = config.venue.clock_skew_ms;
  out.lookup_lag_ms = config.venue.lookup_lag_ms;
  out.settle_recheck_ms = config.venue.settle_recheck_ms;
  out.unresolved_after_ms = config.venue.unresolved_after_ms;
  out.client_oid_prefix = FixedString<8>{config.gateway.client_oid_prefix};
  return out;
}

std::uint32_t journal_records(const config::Config& config, std::uint64_t open_cases,
                              std::uint64_t most) noexcept {
  /// What the disk may be behind by while nothing waits for it: some seconds at usual rates.
  constexpr std::uint64_t kDiskLag = 8'192;
  const std::uint64_t open = config.gateway.max_open_intents;
  const std::uint64_t positions = config.accounts.size() * config.instruments.size();
  const std::uint64_t records = kWaitingRecords * (open + config.shots.max_armed)  // all of them wait,
                                + kSendingRecords * std::min(open, positions)      // one a position is sent,
                                + kIntentRecords * open_cases                      // the last run's,
                                + halt_records(config.accounts.size())             // every halt,
                                + config.gateway.max_lanes                         // every lane's name,
                                + kDiskLag;
  return static_cast<std::uint32_t>(std::min(std::bit_ceil(records), std::bit_floor(most)));
}

}  // namespace backhand::engine
