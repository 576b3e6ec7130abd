#include "tests/venue/control.hpp"

#include <charconv>
#include <expected>

#include "tests/venue/json_fields.hpp"
#include "tests/venue/params.hpp"
#include "tests/venue/settings.hpp"
#include "tests/venue/truth_json.hpp"

namespace backhand::venue {

namespace {

using nlohmann::json;
using Done = std::expected<void, Error>;

HttpResponse reply(int status, std::string body) {
  HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.trace_id = "control";
  out.chunked = false;
  return out;
}

HttpResponse refusal(const std::string& why) { return reply(400, json{{"error", why}}.dump()); }

/// What a body says about one account and one contract, found in the exchange.
struct Place {
  std::string account_name, symbol;
  std::uint32_t account = 0;
  std::uint32_t contract = 0;

  void read(FieldReader& v, const Exchange& exchange) {
    v("account", account_name);
    v("symbol", symbol);
    const auto a = exchange.find_account(account_name);
    const auto c = exchange.find_contract(symbol);
    if (v.error.empty() && !a) v.error = "unknown account \"" + account_name + '"';
    if (v.error.empty() && !c) v.error = "unknown symbol \"" + symbol + '"';
    account = a.value_or(0);
    contract = c.value_or(0);
  }
};

Done done(const FieldReader& v) {
  if (!v.error.empty()) return std::unexpected(Error{v.error});
  return {};
}

Done set_position(Exchange& exchange, const json& item, Ns now) {
  FieldReader v(item);
  Place place;
  Exchange::Sizes sizes;
  place.read(v, exchange);
  v("long", sizes.long_size);
  v("short", sizes.short_size);
  v.finish();
  const bool one_way = exchange.account(place.account).mode == PositionMode::one_way;
  if (v.error.empty() && one_way && !sizes.long_size.is_zero() && !sizes.short_size.is_zero()) {
    v.error = "one-way mode holds one side only";
  }
  if (v.error.empty()) exchange.set_position(place.account, place.contract, sizes, now);
  return done(v);
}

Done set_contract(Exchange& exchange, const json& item) {
  FieldReader v(item);
  std::string symbol;
  v("symbol", symbol);
  const auto found = exchange.find_contract(symbol);
  if (v.error.empty() && !found) v.error = "unknown symbol \"" + symbol + '"';
  Contract contract = found ? exchange.contract(*found) : Contract{};
  v("mark_price", contract.mark_price);
  v.word("status", contract.status, kContractStates);
  v.finish();
  if (v.error.empty()) {
    exchange.set_mark_price(*found, contract.mark_price);
    exchange.set_contract_status(*found, contract.status);
  }
  return done(v);
}

Done set_account(Exchange& exchange, const json& item) {
  FieldReader v(item);
  std::string name;
  v("account", name);
  const auto found = exchange.find_account(name);
  if (v.error.empty() && !found) v.error = "unknown account \"" + name + '"';
  if (!found) return done(v);
  AccountSpec spec = exchange.account(*found);
  v("equity", spec.equity);
  v("unified", spec.unified);
  v("lead_trader", spec.lead_trader);
  v.word("mode", spec.mode, kShortModes);
  v.finish();
  if (v.error.empty()) {
    exchange.set_equity(*found, spec.equity);
    exchange.set_unified(*found, spec.unified);
    exchange.set_lead_trader(*found, spec.lead_trader);
    exchange.set_mode(*found, spec.mode);
  }
  return done(v);
}

enum class TradeAction : std::uint8_t { open, close };
constexpr std::array<Name<TradeAction>, 2> kTradeActions{
    {{"open", TradeAction::open}, {"close", TradeAction::close}}};

std::expected<Decimal, Error> trade(Exchange& exchange, const json& item, Ns now) {
  FieldReader v(item);
  Place place;
  PositionSide side = PositionSide::long_side;
  TradeAction action = TradeAction::open;
  Source source = Source::market;
  Decimal size;
  place.read(v, exchange);
  v.word("side", side, kSides);
  v.word("action", action, kTradeActions);
  v.word("source", source, kSources);
  v("size", size);
  v.finish();
  if (v.error.empty() && source == Source::reversal) v.error = "another trader's order is no reversal";
  if (!v.error.empty()) return std::unexpected(Error{v.error});
  return exchange.trade(place.account, place.contract, side, action == TradeAction::close, size, source, now);
}

/// Applies `each` to the object, or to every object of a list, until one is wrong.
template <typename Each>
Done for_each(const json& body, Each&& each) {
  if (!body.is_array()) return each(body);
  for (const auto& item : body) {
    if (auto result = each(item); !result) return result;
  }
  return {};
}

Done add_faults(Exchange& exchange, const json& body) {
  if (body.is_object() && body.contains("clear")) {
    exchange.clear_faults();
    return {};
  }
  return for_each(body, [&](const json& item) -> Done {
    auto fault = fault_from(item);
    if (!fault) return std::unexpected(fault.error());
    exchange.add_fault(std::move(*fault));
    return {};
  });
}

Done drop(const std::function<void(Control::Drop)>& hook, const json& body) {
  constexpr std::array<Name<Control::Drop>, 2> kDrops{
      {{"close", Control::Drop::close}, {"reset", Control::Drop::reset}}};
  FieldReader v(body);
  auto action = Control::Drop::close;
  v.word("action", action, kDrops);
  v.finish();
  if (v.error.empty() && hook) hook(action);
  return done(v);
}

HttpResponse answer_get(const Exchange& exchange, Options options, std::string_view path,
                        const Params& params, Ns now) {
  if (path == "/health") {
    return reply(200, json{{"status", "ok"},
                           {"now_ns", now},
                           {"accounts", exchange.accounts()},
                           {"arrivals", exchange.truth().counters.arrivals}}
                          .dump());
  }
  if (path == "/positions") return reply(200, positions_json(exchange, params.get("account")));
  if (path == "/options") return reply(200, to_json(options).dump());
  if (path == "/faults") return reply(200, json(fault_names()).dump());
  if (path == "/truth") {
    TruthFilter filter{.account = std::string(params.get("account")),
                       .client_oid = std::string(params.get("client_oid")),
                       .since = 0,
                       .parts = std::string(params.get("parts"))};
    const std::string_view since = params.get("since_ns");
    std::from_chars(since.data(), since.data() + since.size(), filter.since);
    return reply(200, truth_json(exchange, filter, now));
  }
  return reply(404, json{{"error", "no such path"}}.dump());
}

}  // namespace

HttpResponse Control::handle(std::string_view method, std::string_view target, std::string_view body,
                             Ns now) {
  exchange_.advance(now);
  const auto mark = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, mark);
  Params params;
  params.read_query(target.substr(std::min(mark + 1, target.size())));
  if (method == "GET") return answer_get(exchange_, exchange_.options(), path, params, now);
  if (method != "POST") return reply(405, json{{"error", "GET or POST"}}.dump());
  const json parsed = body.empty() ? json::object() : json::parse(body, nullptr, false);
  if (parsed.is_discarded()) return refusal("not JSON");
  Done result;
  if (path == "/trade") {
    const auto executed = trade(exchange_, parsed, now);
    if (!executed) return refusal(executed.error().message);
    return reply(200, json{{"executed", to_text(*executed)}}.dump());
  }
  if (path == "/positions") {
    result = for_each(parsed, [&](const json& item) { return set_position(exchange_, item, now); });
  } else if (path == "/options") {
    result = apply_options(exchange_.options(), parsed);
  } else if (path == "/faults") {
    result = add_faults(exchange_, parsed);
  } else if (path == "/contracts") {
    result = for_each(parsed, [&](const json& item) { return set_contract(exchange_, item); });
  } else if (path == "/accounts") {
    result = for_each(parsed, [&](const json& item) { return set_account(exchange_, item); });
  } else if (path == "/connections") {
    result = drop(drop_connections_, parsed);
  } else if (path == "/reset") {
    exchange_.reset_truth();
  } else {
    return reply(404, json{{"error", "no such path"}}.dump());
  }
  return result ? reply(200, R"({"ok":true})") : refusal(result.error().message);
}

}  // namespace backhand::venue
