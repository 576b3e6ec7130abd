#include "tests/venue/truth_json.hpp"

#include <map>

#include "tests/venue/json_text.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

/// One list: writes commas and brackets.
class JsonList {
 public:
  explicit JsonList(std::string& out) : out_(out) { out_ += '['; }
  ~JsonList() { out_ += ']'; }
  JsonList(const JsonList&) = delete;
  JsonList& operator=(const JsonList&) = delete;
  void next() {
    if (!first_) out_ += ',';
    first_ = false;
  }

 private:
  std::string& out_;
  bool first_ = true;
};

std::string_view account_name(const Exchange& exchange, std::uint32_t account) {
  return account == kNoIndex ? std::string_view{} : std::string_view(exchange.account(account).name);
}

bool matches(const Exchange& exchange, const TruthFilter& filter, std::uint32_t account, std::string_view oid,
             Ns at) {
  return at >= filter.since &&
         (filter.account.empty() || filter.account == account_name(exchange, account)) &&
         (filter.client_oid.empty() || filter.client_oid == oid);
}

void append_number(JsonObject& row, std::string_view key, auto value) { row.raw(key, std::to_string(value)); }

void append_counters(std::string& out, const Counters& c) {
  JsonObject row(out);
  append_number(row, "arrivals", c.arrivals);
  append_number(row, "reversal_arrivals", c.reversal_arrivals);
  append_number(row, "accepted", c.accepted);
  append_number(row, "refused", c.refused);
  append_number(row, "throttled", c.throttled);
  append_number(row, "reversals_throttled", c.reversals_throttled);
  append_number(row, "reversals_executed", c.reversals_executed);
  append_number(row, "reversals_repeated", c.reversals_repeated);
  append_number(row, "executions", c.executions);
  append_number(row, "max_reversals_in_second", c.max_reversals_in_second);
  append_number(row, "max_executions_of_client_oid", c.max_executions_of_client_oid);
}

void append_max_in_second(std::string& out, const Exchange& exchange) {
  JsonObject by_account(out);
  for (std::uint32_t a = 0; a < exchange.accounts(); ++a) {
    std::string inner;
    {
      JsonObject row(inner);
      for (std::size_t e = 0; e < kEndpoints; ++e) {
        const auto endpoint = static_cast<Endpoint>(e);
        const auto most = exchange.max_in_second(a, endpoint);
        if (most > 0) append_number(row, path_of(endpoint), most);
      }
    }
    if (inner.size() <= 2) continue;
    by_account.append_outside_key(exchange.account(a).name);
    out += inner;
  }
}

void append_faults(std::string& out, const Truth& truth) {
  JsonObject row(out);
  for (std::size_t i = 0; i < truth.fault_names.size(); ++i) {
    row.append_outside_key(truth.fault_names[i]);
    out += std::to_string(truth.fault_strikes[i]);
  }
}

void append_executed(std::string& out, const Exchange& exchange, const TruthFilter& filter) {
  std::map<std::string_view, std::map<std::string_view, std::uint32_t>> executed;
  for (const auto& r : exchange.truth().reversals) {
    if (r.closed.is_zero() || !matches(exchange, filter, r.account, r.client_oid.view(), r.accepted))
      continue;
    ++executed[account_name(exchange, r.account)][r.client_oid.view()];
  }
  JsonObject by_account(out);
  for (const auto& [account, by_oid] : executed) {
    by_account.append_outside_key(account);
    JsonObject row(out);
    for (const auto& [oid, times] : by_oid) {
      row.append_outside_key(oid);
      out += std::to_string(times);
    }
  }
}

void append_reversals(std::string& out, const Exchange& exchange, const TruthFilter& filter) {
  JsonList list(out);
  for (const auto& r : exchange.truth().reversals) {
    if (!matches(exchange, filter, r.account, r.client_oid.view(), r.accepted)) continue;
    list.next();
    JsonObject row(out);
    append_number(row, "accepted_ns", r.accepted);
    row.text("account", account_name(exchange, r.account));
    row.text("symbol", exchange.contract(r.contract).symbol.view()).text("client_oid", r.client_oid.view());
    row.digits("close_order", r.close_order).digits("open_order", r.open_order);
    row.digits("returned_order", r.returned_order).text("held", name_of(kSides, r.held));
    row.text("requested", r.requested).text("closed", r.closed).text("opened", r.opened);
    row.text("long_before", r.long_before).text("short_before", r.short_before);
    row.text("long_after", r.long_after).text("short_after", r.short_after);
    row.raw("done", r.done ? "true" : "false");
  }
}

void append_executions(std::string& out, const Exchange& exchange, const TruthFilter& filter) {
  const Truth& truth = exchange.truth();
  JsonList list(out);
  for (const auto& e : truth.executions) {
    const bool of_reversal = e.reversal != kNoIndex && e.reversal < truth.reversals.size();
    const std::string_view oid =
        of_reversal ? truth.reversals[e.reversal].client_oid.view() : std::string_view{};
    if (!matches(exchange, filter, e.account, oid, e.at)) continue;
    list.next();
    JsonObject row(out);
    append_number(row, "at_ns", e.at);
    row.text("account", account_name(exchange, e.account));
    row.text("symbol", exchange.contract(e.contract).symbol.view()).text("client_oid", oid);
    row.digits("order", e.order)
        .text("source", name_of(kSources, e.source))
        .text("leg", name_of(kLegs, e.leg));
    row.text("position", name_of(kSides, e.position_side)).raw("reduces", e.reduces ? "true" : "false");
    row.text("size", e.size).text("long_after", e.long_after).text("short_after", e.short_after);
  }
}

void append_arrivals(std::string& out, const Exchange& exchange, const TruthFilter& filter) {
  const Truth& truth = exchange.truth();
  JsonList list(out);
  for (const auto& a : truth.arrivals) {
    if (!matches(exchange, filter, a.account, a.client_oid.view(), a.at)) continue;
    list.next();
    JsonObject row(out);
    append_number(row, "at_ns", a.at);
    row.text("account", account_name(exchange, a.account)).text("path", path_of(a.endpoint));
    row.text("client_oid", a.client_oid.view());
    append_number(row, "status", a.status);
    row.text("verdict", a.verdict.view());
    if (a.fault >= 0) row.text("fault", truth.fault_names[static_cast<std::size_t>(a.fault)]);
  }
}

}  // namespace

bool TruthFilter::wants(std::string_view part) const {
  if (parts.empty()) return true;
  std::string_view rest = parts;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    if (rest.substr(0, end) == part) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

std::string positions_json(const Exchange& exchange, std::string_view account) {
  std::string out;
  {
    JsonList list(out);
    for (std::uint32_t a = 0; a < exchange.accounts(); ++a) {
      if (!account.empty() && exchange.account(a).name != account) continue;
      for (std::uint32_t c = 0; c < exchange.contracts(); ++c) {
        const auto sizes = exchange.position(a, c);
        if (sizes.long_size.is_zero() && sizes.short_size.is_zero()) continue;
        list.next();
        JsonObject row(out);
        row.text("account", exchange.account(a).name).text("symbol", exchange.contract(c).symbol.view());
        row.text("product", name_of(kProducts, exchange.contract(c).product));
        row.text("long", sizes.long_size).text("short", sizes.short_size);
      }
    }
  }
  return out;
}

std::string truth_json(const Exchange& exchange, const TruthFilter& filter, Ns now) {
  const Truth& truth = exchange.truth();
  std::string out;
  {
    JsonObject whole(out);
    append_number(whole, "now_ns", now);
    const auto part = [&](std::string_view name, auto&& append) {
      whole.append_key(name);
      append();
    };
    if (filter.wants("counters")) {
      part("counters", [&] { append_counters(out, truth.counters); });
      part("verdicts", [&] {
        JsonObject row(out);
        for (const auto& [code, n] : truth.verdicts) {
          row.append_outside_key(code);
          out += std::to_string(n);
        }
      });
      part("faults", [&] { append_faults(out, truth); });
      part("max_in_second", [&] { append_max_in_second(out, exchange); });
    }
    if (filter.wants("reversals")) {
      part("executed", [&] { append_executed(out, exchange, filter); });
      part("reversals", [&] { append_reversals(out, exchange, filter); });
    }
    if (filter.wants("executions")) part("executions", [&] { append_executions(out, exchange, filter); });
    if (filter.wants("arrivals")) part("arrivals", [&] { append_arrivals(out, exchange, filter); });
    if (filter.wants("positions")) whole.raw("positions", positions_json(exchange, filter.account));
  }
  return out;
}

}  // namespace backhand::venue
