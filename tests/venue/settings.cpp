#include "tests/venue/settings.hpp"

#include <algorithm>

#include "tests/venue/json_fields.hpp"

namespace backhand::venue {

namespace {

/// Names every option once, for reading and for writing.
template <typename Visitor, typename OptionsType>
void visit_rules(Visitor& v, OptionsType& o) {
  v("seed", o.seed);
  v.ms("timestamp_tolerance_ms", o.timestamp_tolerance_ns);
  v("check_signature", o.check_signature);
  v("size_required", o.size_required);
  v("side_required", o.side_required);
  v.word("one_way_size", o.one_way_size, kOneWaySizes);
  v.word("one_way_side", o.one_way_side, kOneWaySides);
  v.word("hedge_trade_side", o.hedge_trade_side, kHedgeTradeSides);
  v.word("client_oid_leg", o.client_oid_leg, kIdLegs);
  v.word("order_id_leg", o.order_id_leg, kIdLegs);
  v.word("unique_client_oid", o.unique_client_oid, kUniques);
  v.word("reversal_orders", o.reversal_orders, kReversalOrders);
  v.word("row_side", o.row_side, kRowSides);
  v("one_way_trade_side_ignored", o.one_way_trade_side_ignored);
  v("upper_case_required", o.upper_case_required);
  v.ms("ack_delay_ms", o.ack_delay_ns);
  v.ms("created_delay_ms", o.created_delay_ns);
  v.ms("filled_delay_ms", o.filled_delay_ns);
  v.ms("leg_gap_ms", o.leg_gap_ns);
  v.ms("order_lag_ms", o.order_lag_ns);
  v.ms("history_lag_ms", o.history_lag_ns);
  v.ms("position_lag_ms", o.position_lag_ns);
  v.ms("order_clock_ms", o.order_clock_ns);
  v.ms("order_clock_jitter_ms", o.order_clock_jitter_ns);
  v.ms("position_clock_ms", o.position_clock_ns);
  v.ms("position_clock_jitter_ms", o.position_clock_jitter_ns);
  v("lags_vary", o.lags_vary);
  v("page_rows", o.page_rows);
  v.word("page_order", o.page_order, kPageOrders);
}

template <typename Visitor, typename OptionsType>
void visit_replies_and_limits(Visitor& v, OptionsType& o) {
  v("chunked", o.chunked);
  v("code_as_number", o.code_as_number);
  v("detail_says_status", o.detail_says_status);
  v("omit_position_utime", o.omit_position_utime);
  v("partial_open_keeps_size", o.partial_open_keeps_size);
  v("empty_list_is_null", o.empty_list_is_null);
  v("close_leg_reduce_only", o.close_leg_reduce_only);
  v.word("odd_row", o.odd_row, kOddRows);
  v("spot_info", o.spot_info);
  v.word("user_id", o.user_id, kUserIdStyles);
  v("limits", o.limits);
  v.word("counting", o.counting, kCountings);
  v.ms("counter_resolution_ms", o.counter_resolution_ns);
  v("window_inclusive", o.window_inclusive);
  v.ms("window_phase_ms", o.window_phase_ns);
  v("count_throttled", o.count_throttled);
  v("lead_throttle_code", o.lead_throttle_code);
  v("reversals_per_second", o.reversals_per_second);
  v("lead_reversals_per_second", o.lead_reversals_per_second);
  v("ip_requests_per_minute", o.ip_requests_per_minute);
  v.ms("ip_penalty_ms", o.ip_penalty_ns);
  v.word("keep_arrivals", o.keep_arrivals, kKeeps);
  v.ms("clock_offset_ms", o.clock_offset_ns);
  v.ms("idle_close_ms", o.idle_close_ns);
  v("close_after_requests", o.close_after_requests);
}

void visit(FieldReader& v, Fault& f) {
  v("name", f.name);
  v("path", f.path);
  v("account", f.account);
  v("client_oid", f.client_oid);
  v("on_arrival", f.on_arrival);
  v("count", f.count);
  v("probability", f.probability);
  v.word("apply", f.apply, kApplies);
  v("open_limit", f.open_limit);
  v.ms("created_delay_ms", f.created_delay_ns);
  v.ms("filled_delay_ms", f.filled_delay_ns);
  v.ms("leg_gap_ms", f.leg_gap_ns);
  v.word("answer", f.answer, kAnswers);
  v("status", f.status);
  v("code", f.code);
  v.ms("reply_delay_ms", f.reply_delay_ns);
  v.word("delivery", f.delivery, kDeliveries);
}

std::string read_contract(const nlohmann::json& json, std::vector<Contract>& contracts) {
  FieldReader v(json);
  Contract c;
  v("symbol", c.symbol);
  const auto known = std::find_if(contracts.begin(), contracts.end(),
                                  [&](const Contract& other) { return other.symbol == c.symbol; });
  if (known != contracts.end()) c = *known;
  v.word("product", c.product, kProducts);
  v("base_coin", c.base_coin);
  v("quote_coin", c.quote_coin);
  v("margin_coin", c.margin_coin);
  v("min_size", c.min_size);
  v("size_step", c.size_step);
  v("max_market_size", c.max_market_size);
  v("mark_price", c.mark_price);
  v.word("status", c.status, kContractStates);
  v.finish();
  if (v.error.empty() && (c.symbol.empty() || c.margin_coin.empty() || c.size_step.is_zero())) {
    v.error = "a contract needs symbol, margin_coin and size_step";
  }
  known != contracts.end() ? static_cast<void>(*known = c) : contracts.push_back(c);
  return v.error;
}

std::string read_position(const nlohmann::json& json, const Scenario& scenario, AccountSpec& account) {
  FieldReader v(json);
  HeldPosition p;
  v("symbol", p.symbol);
  v("long", p.long_size);
  v("short", p.short_size);
  v.finish();
  const bool known = std::any_of(scenario.contracts.begin(), scenario.contracts.end(),
                                 [&](const Contract& c) { return c.symbol.view() == p.symbol; });
  if (v.error.empty() && !known) v.error = "unknown symbol \"" + p.symbol + '"';
  if (v.error.empty() && account.mode == PositionMode::one_way && !p.long_size.is_zero() &&
      !p.short_size.is_zero()) {
    v.error = p.symbol + ": one-way mode holds one side only";
  }
  account.positions.push_back(p);
  return v.error;
}

std::string read_account(const nlohmann::json& json, Scenario& scenario) {
  FieldReader v(json);
  AccountSpec a;
  v("name", a.name);
  a.key = "key-" + a.name;
  a.secret = "secret-" + a.name;
  a.passphrase = "pass-" + a.name;
  v("uid", a.uid);
  v("key", a.key);
  v("secret", a.secret);
  v("passphrase", a.passphrase);
  v.word("mode", a.mode, kShortModes);
  v("lead_trader", a.lead_trader);
  v("unified", a.unified);
  v("demo", a.demo);
  v("allowed_ips", a.allowed_ips);
  v("leverage", a.leverage);
  v("equity", a.equity);
  if (const auto* positions = v.nested("positions"); positions != nullptr) {
    for (const auto& p : *positions) {
      if (v.error.empty()) v.error = read_position(p, scenario, a);
    }
  }
  v.finish();
  const bool taken =
      std::any_of(scenario.accounts.begin(), scenario.accounts.end(),
                  [&](const AccountSpec& other) { return other.name == a.name || other.key == a.key; });
  if (v.error.empty() && (a.name.empty() || taken)) v.error = "an account needs a name and a key of its own";
  if (!v.error.empty()) v.error = "account \"" + a.name + "\": " + v.error;
  scenario.accounts.push_back(std::move(a));
  return v.error;
}

std::string read_generated(const nlohmann::json& json, Scenario& scenario) {
  FieldReader v(json);
  std::uint32_t accounts = 0;
  std::uint32_t symbols = 3;
  PositionMode mode = PositionMode::one_way;
  v("accounts", accounts);
  v("symbols", symbols);
  v.word("mode", mode, kShortModes);
  v.finish();
  if (v.error.empty()) scenario = generated_scenario(accounts, mode, symbols);
  return v.error;
}

}  // namespace

std::expected<void, Error> apply_options(Options& options, const nlohmann::json& json) {
  Options changed = options;
  FieldReader reader(json);
  visit_rules(reader, changed);
  visit_replies_and_limits(reader, changed);
  reader.finish();
  if (!reader.error.empty()) return std::unexpected(Error{"options: " + reader.error});
  if (changed.order_id_leg == IdLeg::both) {
    return std::unexpected(Error{"options: \"order_id_leg\": want one of close open none"});
  }
  options = changed;
  return {};
}

nlohmann::json to_json(const Options& options) {
  FieldWriter writer;
  visit_rules(writer, options);
  visit_replies_and_limits(writer, options);
  return writer.json;
}

std::expected<Fault, Error> fault_from(const nlohmann::json& json) {
  FieldReader reader(json);
  Fault fault;
  std::string base;
  reader("fault", base);
  if (!base.empty()) {
    const auto found = named_fault(base);
    if (!found) return std::unexpected(Error{"unknown fault \"" + base + '"'});
    fault = *found;
  }
  visit(reader, fault);
  reader.finish();
  if (!reader.error.empty()) return std::unexpected(Error{"fault: " + reader.error});
  if (fault.answer == Answer::code && fault.code.empty()) {
    return std::unexpected(Error{"fault: answer \"code\" needs a \"code\""});
  }
  if (fault.name.empty()) fault.name = "unnamed";
  return fault;
}

std::expected<ScenarioFile, Error> scenario_from(std::string_view text, const Options& defaults) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::unexpected(Error{"scenario: not JSON"});
  FieldReader reader(json);
  ScenarioFile out{.scenario = {.contracts = default_contracts(), .accounts = {}}, .options = defaults};
  if (const auto* generate = reader.nested("generate"))
    reader.error = read_generated(*generate, out.scenario);
  const auto read_list = [&](const char* key, auto&& read_item) {
    const auto* const list = reader.nested(key);
    if (list == nullptr) return;
    if (!list->is_array() && reader.error.empty()) reader.error = std::string(key) + ": want a list";
    for (const auto& item : *list) {
      if (reader.error.empty()) reader.error = read_item(item);
    }
  };
  read_list("contracts", [&](const auto& item) { return read_contract(item, out.scenario.contracts); });
  read_list("accounts", [&](const auto& item) { return read_account(item, out.scenario); });
  const auto* const options = reader.nested("options");
  reader.finish();
  if (!reader.error.empty()) return std::unexpected(Error{"scenario: " + reader.error});
  if (options != nullptr) {
    if (auto applied = apply_options(out.options, *options); !applied)
      return std::unexpected(applied.error());
  }
  return out;
}

}  // namespace backhand::venue
