#include "gateway/config/describe.hpp"

#include <concepts>
#include <string_view>

#include "gateway/config/names.hpp"
#include "gateway/config/read.hpp"

namespace backhand::config {
namespace {

/// Writes `key = value` lines as TOML.
class Writer {
 public:
  void heading(std::string_view text) { out_ += "\n" + std::string{text} + "\n"; }
  void raw(std::string_view key, std::string_view value) {
    out_ += std::string{key} + " = " + std::string{value} + "\n";
  }
  void text(std::string_view key, std::string_view value) { raw(key, in_quotes(value)); }
  void flag(std::string_view key, bool value) { raw(key, value ? "true" : "false"); }
  template <std::integral T>
  void number(std::string_view key, T value) {
    raw(key, std::to_string(value));
  }
  /// Left out where there is none.
  void size(std::string_view key, Decimal value) {
    if (value.is_zero()) return;
    char digits[Decimal::kMaxText];
    text(key, {digits, value.format(digits)});
  }
  [[nodiscard]] static std::string in_quotes(std::string_view value) {
    std::string out = "\"";
    for (const char c : value) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void write_gateway(Writer& to, const Gateway& gateway) {
  to.heading("[gateway]");
  to.text("state_dir", gateway.state_dir);
  to.text("runtime_dir", gateway.runtime_dir);
  to.text("hot_dir", gateway.hot_dir);
  if (!gateway.attach_socket.empty()) to.text("attach_socket", gateway.attach_socket);
  if (!gateway.admin_socket.empty()) to.text("admin_socket", gateway.admin_socket);
  to.number("io_cpu", gateway.io_cpu);
  to.number("service_cpu", gateway.service_cpu);
  to.text("idle", to_string(gateway.idle));
  to.text("durability", to_string(gateway.durability));
  to.flag("lock_memory", gateway.lock_memory);
  to.text("client_oid_prefix", gateway.client_oid_prefix);
  to.number("max_open_intents", gateway.max_open_intents);
  to.number("lane_capacity", gateway.lane_capacity);
  to.number("max_lanes", gateway.max_lanes);
  to.number("stop_timeout_ms", gateway.stop_timeout_ms);
  to.number("journal_segment_mb", gateway.journal_segment_mb);
  to.number("journal_keep_segments", gateway.journal_keep_segments);
}

void write_venue(Writer& to, const Venue& venue) {
  to.heading("[venue]");
  to.text("host", venue.host);
  to.number("port", venue.port);
  if (!venue.connect_address.empty()) to.text("connect_address", venue.connect_address);
  if (!venue.ca_file.empty()) to.text("ca_file", venue.ca_file);
  to.text("locale", venue.locale);
  if (!venue.channel_code.empty()) to.text("channel_code", venue.channel_code);
  to.number("connections", venue.connections);
  to.number("max_idle_ms", venue.max_idle_ms);
  to.number("ping_interval_ms", venue.ping_interval_ms);
  to.number("max_requests", venue.max_requests);
  to.number("handshakes_per_second", venue.handshakes_per_second);
  to.number("connect_timeout_ms", venue.connect_timeout_ms);
  to.number("request_timeout_ms", venue.request_timeout_ms);
  to.number("lookup_timeout_ms", venue.lookup_timeout_ms);
  to.number("backoff_min_ms", venue.backoff_min_ms);
  to.number("backoff_max_ms", venue.backoff_max_ms);
  to.number("max_reply_bytes", venue.max_reply_bytes);
  to.number("clock_tolerance_ms", venue.clock_tolerance_ms);
  to.number("request_fuse_ms", venue.request_fuse_ms);
  to.number("execution_grace_ms", venue.execution_grace_ms);
  to.number("clock_skew_ms", venue.clock_skew_ms);
  to.number("lookup_lag_ms", venue.lookup_lag_ms);
  to.number("settle_recheck_ms", venue.settle_recheck_ms);
  to.number("unresolved_after_ms", venue.unresolved_after_ms);
  to.number("position_refresh_ms", venue.position_refresh_ms);
  to.number("contract_refresh_ms", venue.contract_refresh_ms);
  to.number("position_max_age_ms", venue.position_max_age_ms);
  to.text("one_way_side", to_string(venue.one_way_side));
  to.flag("one_way_sends_size", venue.one_way_sends_size);
}

void write_pacing(Writer& to, const Pacing& pacing) {
  to.heading("[pacing]");
  to.text("shape", to_string(pacing.shape));
  to.number("requests_per_second", pacing.requests_per_second);
  to.number("lead_trader_requests_per_second", pacing.lead_trader_requests_per_second);
  to.number("ip_requests_per_minute", pacing.ip_requests_per_minute);
  to.number("window_margin_ms", pacing.window_margin_ms);
  to.number("no_reply_hold_ms", pacing.no_reply_hold_ms);
  to.number("settlement_reserve_percent", pacing.settlement_reserve_percent);
  to.flag("heed_remaining_header", pacing.heed_remaining_header);
  to.number("slow_down_ms", pacing.slow_down_ms);
  to.number("queue_per_strategy", pacing.queue_per_strategy);
  to.number("queue_per_account", pacing.queue_per_account);
}

void write_shots(Writer& to, const Shots& shots) {
  to.heading("[shots]");
  to.number("max_armed", shots.max_armed);
  to.number("sign_again_ms", shots.sign_again_ms);
  to.number("rehearse_us", shots.rehearse_us);
}

void write_entitlement(Writer& to, const Config& config, const Entitlement& entitlement) {
  to.heading("[[strategies.entitlements]]");
  to.text("account", config.accounts[entitlement.account.value].name);
  if (entitlement.instruments.size() == config.instruments.size()) {
    to.text("instruments", "*");
    return;
  }
  std::string list;
  for (const InstrumentIndex index : entitlement.instruments) {
    if (!list.empty()) list += ", ";
    list += Writer::in_quotes(full_name(config.instruments[index.value].id));
  }
  to.raw("instruments", "[" + list + "]");
}

void write_strategy(Writer& to, const Config& config, const Strategy& strategy) {
  to.heading("[[strategies]]");
  to.text("name", strategy.name);
  std::string uids;
  for (const std::uint32_t uid : strategy.uids) uids += (uids.empty() ? "" : ", ") + std::to_string(uid);
  to.raw("uids", "[" + uids + "]");
  to.size("max_size", strategy.max_size);
  to.number("intents_per_second", strategy.intents_per_second);
  to.number("reversals_per_position_minute", strategy.reversals_per_position_minute);
  to.number("reversals_per_position_day", strategy.reversals_per_position_day);
  to.number("max_priority", strategy.max_priority);
  to.number("weight", strategy.weight);
  to.number("max_lanes", strategy.max_lanes);
  to.number("max_shots", strategy.max_shots);
  to.text("when_busy", to_string(strategy.when_busy));
  to.flag("in_process", strategy.in_process);
  for (const Entitlement& entitlement : strategy.entitlements) write_entitlement(to, config, entitlement);
}

}  // namespace

std::string describe(const Config& config) {
  Writer to;
  to.text("environment", to_string(config.environment));
  to.flag("dry_run", config.gateway.dry_run);
  write_gateway(to, config.gateway);
  write_venue(to, config.venue);
  write_pacing(to, config.pacing);
  write_shots(to, config.shots);
  for (const Account& account : config.accounts) {
    to.heading("[[accounts]]");
    to.text("name", account.name);
    to.text("key_file", account.key_file);
    to.text("secret_file", account.secret_file);
    to.text("passphrase_file", account.passphrase_file);
    to.text("position_mode", word_for(kPositionModeWords, account.position_mode));
    to.flag("lead_trader", account.lead_trader);
  }
  for (const Instrument& instrument : config.instruments) {
    to.heading("[[instruments]]");
    to.text("symbol", instrument.id.symbol.view());
    to.text("product", word_for(kProductWords, instrument.id.product));
    to.text("margin_coin", instrument.id.margin_coin.view());
    to.size("max_size", instrument.max_size);
  }
  for (const Strategy& strategy : config.strategies) write_strategy(to, config, strategy);
  return to.take();
}

}  // namespace backhand::config
