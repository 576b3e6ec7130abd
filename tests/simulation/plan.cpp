#include "tests/simulation/plan.hpp"

#include <algorithm>
#include <string>

namespace backhand::simulation {

namespace {

struct Symbol {
  const char* name;
  wire::Product product;
  const char* coin;
  Decimal size;
};
constexpr Symbol kSymbols[] = {
    {"BTCUSDT", wire::Product::usdt_futures, "USDT", {5, 1}},
    {"ETHUSDT", wire::Product::usdt_futures, "USDT", {20, 0}},
    {"SOLUSDT", wire::Product::usdt_futures, "USDT", {100, 0}},
    {"BTCUSD", wire::Product::coin_futures, "BTC", {1, 0}},
};
constexpr const char* kAccounts[] = {"alpha", "beta", "gamma", "delta"};
constexpr const char* kStrategies[] = {"one", "two", "three", "four"};

void draw_gateway(Context& context, Plan& plan) {
  Random& random = context.random;
  config::Gateway& gateway = plan.config.gateway;
  gateway.state_dir = "/state";
  gateway.hot_dir = "/hot";
  gateway.max_open_intents = 256;
  gateway.max_lanes = 8;
  gateway.lane_capacity = 64;
  gateway.durability = random.chance(0.25) ? config::Durability::power : config::Durability::process;
  config::Venue& venue = plan.config.venue;
  venue.host = "venue.test";
  venue.connections = static_cast<std::uint32_t>(random.between(2, 5));
  venue.ping_interval_ms = static_cast<std::uint32_t>(random.between(2, 6) * 1'000);
  venue.request_timeout_ms =
      static_cast<std::uint32_t>(random.chance(0.5) ? 1'000 : random.between(300, 5'000));
  venue.lookup_timeout_ms = static_cast<std::uint32_t>(random.between(500, 3'000));
  venue.max_reply_bytes = 65'536;
  // Most worlds have the venue's own window; some a short one, where whole fuses burn between two intents.
  const bool short_fuse = random.chance(0.4);
  venue.clock_tolerance_ms = short_fuse ? static_cast<std::uint32_t>(random.between(1'000, 5'000)) : 30'000;
  venue.execution_grace_ms = short_fuse ? 6'000 : 10'000;
  venue.settle_recheck_ms = static_cast<std::uint32_t>(random.between(500, 2'000));
  venue.unresolved_after_ms = 60'000;
  venue.lookup_lag_ms = static_cast<std::uint32_t>(random.chance(0.3) ? 0 : random.between(500, 20'000));
  venue.position_refresh_ms = static_cast<std::uint32_t>(random.between(500, 3'000));
  venue.contract_refresh_ms = static_cast<std::uint32_t>(random.between(1'000, 30'000));
  venue.position_max_age_ms = random.chance(0.1) ? 0 : 3 * venue.position_refresh_ms;
  if (random.chance(0.15)) venue.request_fuse_ms = venue.clock_tolerance_ms / 2;
  config::Pacing& pacing = plan.config.pacing;
  // The few positions of such a world do not reach ten a second often.
  if (random.chance(0.5)) pacing.requests_per_second = static_cast<std::uint32_t>(random.between(2, 5));
  pacing.shape = random.chance(0.3) ? config::PacingShape::even : config::PacingShape::burst;
  pacing.heed_remaining_header = random.chance(0.3);

  config::Shots& shots = plan.config.shots;
  if (random.chance(0.2)) shots.max_armed = static_cast<std::uint32_t>(random.between(0, 4));
  shots.sign_again_ms = static_cast<std::uint32_t>(random.between(100, 5'000));
  plan.shots = random.chance(0.6) ? random.unit() * 0.8 : 0;

  journal::Settings& journal = plan.journal;
  journal.state_dir = gateway.state_dir;
  journal.hot_dir = gateway.hot_dir;
  journal.durability = gateway.durability == config::Durability::power ? journal::Durability::power
                                                                       : journal::Durability::process;
  // In the small ones a disk that stands still for a moment is enough to fill them.
  journal.hot_records = 1U << static_cast<unsigned>(random.between(6, 10));
  journal.segment_records = journal.hot_records * static_cast<std::uint64_t>(random.between(1, 2));
  journal.keep_segments = static_cast<std::uint32_t>(random.between(2, 4));
  journal.oid_prefix = FixedString<8>{gateway.client_oid_prefix};
}

void draw_accounts(Context& context, Plan& plan) {
  Random& random = context.random;
  const auto accounts = static_cast<std::uint16_t>(random.between(2, 4));
  const auto symbols = static_cast<std::uint32_t>(random.between(2, 4));
  for (const venue::Contract& contract : venue::default_contracts()) {
    for (std::uint32_t s = 0; s < symbols; ++s) {
      if (contract.symbol.view() == kSymbols[s].name) plan.scenario.contracts.push_back(contract);
    }
  }
  for (std::uint32_t s = 0; s < symbols; ++s) {
    config::Instrument instrument;
    instrument.id = {kSymbols[s].product, wire::SymbolName{kSymbols[s].name},
                     wire::CoinName{kSymbols[s].coin}};
    plan.config.instruments.push_back(instrument);
  }
  for (std::uint16_t a = 0; a < accounts; ++a) {
    venue::AccountSpec spec;
    spec.name = kAccounts[a];
    spec.key = "key-" + spec.name;
    spec.secret = "secret-" + spec.name;
    spec.passphrase = "pass-" + spec.name;
    spec.mode = random.chance(0.4) ? venue::PositionMode::hedge : venue::PositionMode::one_way;
    spec.lead_trader = random.chance(0.12);
    for (std::uint32_t s = 0; s < symbols; ++s) {
      venue::HeldPosition held{kSymbols[s].name, {}, {}};
      const bool both = spec.mode == venue::PositionMode::hedge && random.chance(0.4);
      const bool is_long = random.chance(0.5);
      if (both || is_long) held.long_size = kSymbols[s].size;
      if (both || !is_long) held.short_size = kSymbols[s].size;
      spec.positions.push_back(held);
    }
    config::Account account;
    account.name = spec.name;
    account.position_mode =
        spec.mode == venue::PositionMode::hedge ? domain::PositionMode::hedge : domain::PositionMode::one_way;
    account.lead_trader = spec.lead_trader && random.chance(0.7);
    if (spec.lead_trader && !account.lead_trader) context.fire("venue_lead_trader_unannounced");
    plan.config.accounts.push_back(account);
    plan.scenario.accounts.push_back(spec);
  }
}

void draw_strategies(Context& context, Plan& plan) {
  Random& random = context.random;
  const auto strategies = static_cast<std::uint16_t>(random.between(2, 4));
  for (std::uint16_t s = 0; s < strategies; ++s) {
    config::Strategy strategy;
    strategy.name = kStrategies[s];
    for (std::uint16_t a = 0; a < plan.config.accounts.size(); ++a) {
      if (a != s % plan.config.accounts.size() && random.chance(0.3)) continue;
      config::Entitlement entitlement;
      entitlement.account = AccountIndex{a};
      for (std::uint32_t i = 0; i < plan.config.instruments.size(); ++i)
        entitlement.instruments.push_back(InstrumentIndex{i});
      strategy.entitlements.push_back(entitlement);
    }
    strategy.reversals_per_position_minute = 600;
    strategy.intents_per_second = random.chance(0.2) ? 5 : 100;
    strategy.when_busy = random.chance(0.5) ? config::WhenBusy::wait : config::WhenBusy::deny;
    strategy.weight = static_cast<std::uint32_t>(random.between(1, 3));
    strategy.max_shots = static_cast<std::uint32_t>(random.between(1, 8));
    strategy.max_priority = static_cast<std::uint8_t>(random.between(0, 7));
    plan.config.strategies.push_back(strategy);
  }
}

/// C8 and C9: how the venue lists reversals, and how its services' clocks differ. Within what is believed of
/// them; at times beyond, where an end may be left open but is never false.
void draw_listing(Context& context, Plan& plan) {
  Random& random = context.random;
  venue::Options& options = plan.options;
  if (random.chance(0.4)) {
    options.reversal_orders =
        random.chance(0.5) ? venue::ReversalOrders::one_of_size : venue::ReversalOrders::one_of_both;
    context.fire(options.reversal_orders == venue::ReversalOrders::one_of_size
                     ? "venue_lists_one_order"
                     : "venue_lists_one_order_of_both_sizes");
  }
  if (random.chance(0.4)) {
    options.row_side = static_cast<venue::RowSide>(random.between(1, 3));
    if (options.row_side == venue::RowSide::echoed) context.fire("venue_rows_echo_the_side");
    if (options.row_side == venue::RowSide::empty) context.fire("venue_rows_have_no_side");
    if (options.row_side == venue::RowSide::swapped) context.fire("venue_rows_swap_the_side");
  }
  if (!random.chance(0.4)) return;
  plan.config.venue.clock_skew_ms = static_cast<std::uint32_t>(random.between(1, 200));
  Ns apart = static_cast<Ns>(plan.config.venue.clock_skew_ms) * kMillisecond;
  plan.clocks_apart = true;
  context.fire("venue_clocks_apart");
  if (random.chance(0.15)) {
    apart = random.between(apart, kSecond);
    plan.hides_evidence = plan.clocks_beyond = true;
    context.fire("venue_clocks_further_apart_than_believed");
  }
  // An offset and a jitter of two clocks: together at most so far apart.
  options.order_clock_ns = random.between(-apart / 4, apart / 4);
  options.position_clock_ns = random.between(-apart / 4, apart / 4);
  options.order_clock_jitter_ns = random.chance(0.5) ? apart / 4 : 0;
  options.position_clock_jitter_ns = random.chance(0.5) ? apart / 4 : 0;
}

/// How late the venue's look-ups show things, each kind by itself, up to what is assumed.
void draw_lags(Context& context, Plan& plan) {
  Random& random = context.random;
  venue::Options& options = plan.options;
  const Ns most = static_cast<Ns>(plan.config.venue.lookup_lag_ms) * kMillisecond;
  const auto lag = [&](double chance, Ns& out, std::string_view name) {
    if (most == 0 || !random.chance(chance)) return;
    out = random.chance(0.3) ? most : random.between(1, most);
    context.fire(name);
  };
  lag(0.3, options.history_lag_ns, "venue_history_lags");
  lag(0.25, options.order_lag_ns, "venue_orders_lag");
  lag(0.2, options.position_lag_ns, "venue_positions_lag");
  if (random.chance(0.4)) {
    options.lags_vary = true;
    context.fire("venue_lags_vary");
  }
  // Beyond it only where other look-ups show what history does not: then nothing false may be told either.
  if (options.client_oid_leg == venue::IdLeg::close && random.chance(0.06)) {
    options.history_lag_ns = most + random.between(20, 80) * kSecond;
    plan.hides_evidence = true;
    context.fire("venue_history_lags_beyond_bound");
  }
  // What is assumed, broken everywhere at once: seen to be an assumption.
  if (context.bug == Bug::lag_exceeded) {
    options.history_lag_ns = options.order_lag_ns = options.position_lag_ns = most + 120 * kSecond;
  }
}

void draw_pages(Context& context, Plan& plan) {
  Random& random = context.random;
  venue::Options& options = plan.options;
  if (random.chance(0.25)) {
    options.page_rows = static_cast<std::uint32_t>(random.between(5, 12));
    context.fire("venue_short_pages");
  }
  if (random.chance(0.15)) {
    options.page_order = venue::PageOrder::oldest_first;
    context.fire("venue_pages_oldest_first");
  } else if (random.chance(0.05)) {
    options.page_order = venue::PageOrder::none;
    plan.hides_evidence = true;
    context.fire("venue_pages_in_no_order");
  }
}

/// The venue's answers to C1 … C7 and its times. All delays together stay well within the grace, which is
/// what the gateway's proofs assume of it.
void draw_venue(Context& context, Plan& plan) {
  Random& random = context.random;
  venue::Options& options = plan.options;
  const Ns grace = static_cast<Ns>(plan.config.venue.execution_grace_ms) * kMillisecond;
  options.seed = random.next();
  options.keep_arrivals = venue::KeepArrivals::reversals;
  options.timestamp_tolerance_ns = static_cast<Ns>(plan.config.venue.clock_tolerance_ms) * kMillisecond;
  options.check_signature = random.chance(0.05);
  options.spot_info = random.chance(0.8);
  options.user_id = static_cast<venue::UserIdStyle>(random.below(3));
  if (options.user_id == venue::UserIdStyle::number) context.fire("venue_uid_as_number");
  if (options.user_id == venue::UserIdStyle::absent) context.fire("venue_uid_absent");
  const bool tells_uid = options.spot_info && options.user_id != venue::UserIdStyle::absent;
  if (!plan.calm && tells_uid && random.chance(0.05)) {
    context.fire("venue_uid_of_two_accounts");
    plan.scenario.accounts[1].uid = plan.scenario.accounts[0].uid = "7000000099";
  }
  options.chunked = random.chance(0.6);
  options.detail_says_status = random.chance(0.2);
  options.omit_position_utime = random.chance(0.5);
  options.partial_open_keeps_size = random.chance(0.3);
  options.empty_list_is_null = random.chance(0.7);
  options.close_leg_reduce_only = random.chance(0.3);
  options.code_as_number = random.chance(0.15);
  if (!plan.calm && random.chance(0.2)) {
    options.odd_row = venue::OddRow::foreign;
    context.fire("venue_foreign_row");
  }
  options.hedge_trade_side = random.chance(0.7) ? venue::HedgeTradeSide::open : venue::HedgeTradeSide::any;
  options.reversals_per_second = plan.config.pacing.requests_per_second;
  options.window_inclusive = random.chance(0.3);
  options.counter_resolution_ns = random.chance(0.3) ? kMillisecond : 1;
  if (plan.calm) return;
  if (random.chance(0.3)) {
    options.client_oid_leg = static_cast<venue::IdLeg>(random.between(1, 3));
    options.order_id_leg = static_cast<venue::IdLeg>(random.below(2));
    using venue::IdLeg;
    if (options.client_oid_leg == IdLeg::open) context.fire("venue_oid_on_open_leg");
    if (options.client_oid_leg == IdLeg::both) context.fire("venue_oid_on_both_legs");
    if (options.client_oid_leg == IdLeg::none) context.fire("venue_oid_nowhere");
    if (options.order_id_leg == IdLeg::open) context.fire("venue_order_id_on_open_leg");
    plan.hides_evidence = options.client_oid_leg != IdLeg::both;
  }
  draw_listing(context, plan);
  if (random.chance(0.25)) {
    options.unique_client_oid =
        random.chance(0.5) ? venue::UniqueClientOid::pending : venue::UniqueClientOid::always;
    context.fire("venue_refuses_used_oid");
  }
  draw_lags(context, plan);
  draw_pages(context, plan);
  if (random.chance(0.15)) {
    options.leg_gap_ns = random.between(1, grace / 8);
    context.fire("venue_legs_apart");
  }
  if (random.chance(0.3)) {
    options.counting = random.chance(0.5) ? venue::Counting::fixed : venue::Counting::fixed_after_first;
    options.window_phase_ns = random.between(0, kSecond);
    context.fire("venue_counts_otherwise");
  }
  if (random.chance(0.3)) {
    context.clocks.venue_drift_ppm = static_cast<double>(random.between(-90, 90));
    context.fire("venue_clock_drift");
  }
  options.lead_throttle_code = random.chance(0.5);
}

void draw_faults(Context& context, Plan& plan) {
  Random& random = context.random;
  plan.calm = random.chance(0.1);
  plan.span = random.between(3, 40) * kSecond;
  plan.one_way = random.between(200, 20'000) * kMicrosecond;
  plan.jitter_most = 100 * kMillisecond;
  if (plan.calm) return;
  const auto some = [&](double chance, double most) {
    return random.chance(chance) ? random.unit() * most : 0.0;
  };
  const auto often = [&](double chance, std::int64_t most) {
    return random.chance(chance) ? static_cast<unsigned>(random.between(1, most)) : 0U;
  };
  plan.network_fault = some(0.6, 0.15);
  plan.venue_fault = some(0.6, 0.4);
  plan.lookup_fault = some(0.4, 0.15);
  plan.extra_reply = some(0.4, 0.1);
  plan.strategy_fault = some(0.5, 0.3);
  plan.dial_fault = some(0.3, 0.3);
  plan.kills = often(0.5, 4);
  plan.pauses = often(0.2, 2);
  plan.stops = often(0.1, 2);
  plan.power_losses = often(0.15, 1);
  plan.storage_faults = often(0.2, 2);
  plan.journal_strikes = often(0.15, 2);
  plan.venue_events = often(0.3, 3);
  plan.other_trades = often(0.25, 6);
  plan.strategy_events = often(0.4, 4);
  plan.halts = often(0.2, 2);
  plan.disk_stalls = often(0.2, 2);
  plan.freezes = often(0.1, 2);
  // In the large ones many intents wait at a halt, a stop or a crash.
  if (random.chance(0.2)) plan.lane_places = 512;
  plan.outages = often(0.2, 2);
  plan.blind_spells = often(0.25, 3);
}

/// From a source of its own, so that it changes no other world.
void draw_other_key(Random random, Context& context, Plan& plan) {
  const bool is_forced = context.bug == Bug::uid_forgotten;
  if (is_forced) {
    plan.options.spot_info = true;
    plan.options.user_id = venue::UserIdStyle::text;
  }
  if (!random.chance(0.15) && !is_forced) return;
  plan.key_account = AccountIndex{static_cast<std::uint16_t>(random.below(plan.config.accounts.size()))};
  const bool tells_uid = plan.options.spot_info && plan.options.user_id != venue::UserIdStyle::absent;
  venue::AccountSpec spare = plan.scenario.accounts[plan.key_account.value];
  if (plan.calm || !tells_uid || !spare.uid.empty()) return;
  plan.key_strikes = 1;
  spare.name = "spare";
  spare.key = "key-spare";
  spare.secret = "secret-spare";
  spare.passphrase = "pass-spare";
  plan.scenario.accounts.push_back(spare);
}

}  // namespace

Plan draw_plan(Context& context) {
  Plan plan;
  const Random other{Random{context.random}.next()};
  draw_faults(context, plan);
  draw_gateway(context, plan);
  draw_accounts(context, plan);
  draw_strategies(context, plan);
  draw_venue(context, plan);
  draw_other_key(other, context, plan);
  if (plan.other_trades > 0)
    plan.hides_evidence = plan.hides_evidence || plan.options.client_oid_leg != venue::IdLeg::close;
  if (context.bug == Bug::not_found_at_once) {
    plan.config.venue.clock_tolerance_ms = 4;  // A shot is signed again after a quarter of it.
    plan.config.venue.execution_grace_ms = 1;
    plan.config.venue.settle_recheck_ms = 1;
  }
  using enum Bug;
  if (context.bug == surplus_ignored || context.bug == distrust_ignored ||
      context.bug == clock_from_one_reply || context.bug == refusal_not_checked)
    plan.extra_reply = 0.2;
  if (context.bug == Bug::stale_is_fresh) {
    plan.config.venue.position_max_age_ms = 0;
    plan.other_trades = 12;
  }
  if (context.bug == Bug::lag_exceeded) plan.network_fault = 0.2;
  if (context.bug == Bug::bound_exceeded) {
    plan.venue_events = 6;
    plan.network_fault = 0.2;
  }
  if (context.bug == Bug::history_not_looked_at || context.bug == Bug::manifest_not_compared)
    plan.journal_strikes = 3;
  if (context.bug == Bug::pacing_limit_wrong) {
    ++plan.config.pacing.requests_per_second;
    ++plan.config.pacing.lead_trader_requests_per_second;
  }
  return plan;
}

}  // namespace backhand::simulation
