// The checks that every request goes through, in the venue's order, and throttling.
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

/// Limits a second (facts §3, read 2026-10); of a UID, or of an IP where the endpoint is public.
constexpr std::array<std::uint32_t, kEndpoints> kPerSecond{10, 10, 10, 10, 10, 10, 1, 10, 5, 20, 20, 20};

constexpr bool is_public(Endpoint endpoint) noexcept {
  return endpoint == Endpoint::public_time || endpoint == Endpoint::contracts;
}

struct CodeText {
  std::string_view code, text;
};
/// Texts as live answers had them (facts §1, §6), near enough: clients must not read them.
constexpr CodeText kTexts[] = {
    {"40001", "ACCESS_KEY cannot be empty"},
    {"40002", "ACCESS_SIGN cannot be empty"},
    {"40003", "ACCESS_TIMESTAMP cannot be empty"},
    {"40005", "Invalid ACCESS_TIMESTAMP"},
    {"40007", "Invalid Content_Type"},
    {"40008", "Request timestamp expired"},
    {"40009", "sign signature error"},
    {"40011", "ACCESS_PASSPHRASE cannot be empty"},
    {"40012", "apikey/password is incorrect"},
    {"40018", "Invalid IP"},
    {"40019", "Parameter cannot be empty: "},
    {"40020", "Parameter error: "},
    {"40034", "Parameter does not exist: "},
    {"40037", "Apikey does not exist"},
    {"40085", "You are in Unified Account mode, and the Classic Account API is not supported at this time"},
    {"40099", "exchange environment is incorrect"},
    {"40109", "The data of the order cannot be found, please confirm the order number"},
    {"40200", "Server upgrade, please try again later"},
    {"40304", "Client order id must not be longer than 32 and must have no Martian characters"},
    {"400172", "Parameter verification failed: "},
    {"40404", "Request URL NOT FOUND"},
    {"40774", "The order type for unilateral position must also be the unilateral position type."},
    {"40786", "Duplicate clientOid"},
    {"40808", "Parameter verification exception size checkBDScale error"},
    {"40844", "This contract is under temporary maintenance"},
    {"40845", "This contract has been removed"},
    {"40918", "Traders open positions with orders too frequently"},
    {"22002", "No position to close"},
    {"429", "Too Many Requests"},
    {"45111", "less than the minimum order quantity"},
    {"45113", "more than the maximum order quantity"},
    {"45119", "This symbol is not allowed to open a position"},
};

std::string_view text_of(std::string_view code) noexcept {
  for (const auto& t : kTexts) {
    if (t.code == code) return t.text;
  }
  return "error";
}

}  // namespace

std::string Exchange::Impl::envelope(std::string_view code, std::string_view message, Ns now,
                                     std::string_view data) const {
  std::string out;
  out.reserve(data.size() + message.size() + 80);
  {
    JsonObject object(out);
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
    if (options.code_as_number && error == std::errc{} && end == code.data() + code.size()) {
      object.raw("code", std::to_string(number));
    } else {
      object.text("code", code);
    }
    object.text("msg", message).raw("requestTime", std::to_string(now / kMillisecond)).raw("data", data);
  }
  return out;
}

HttpResponse Exchange::Impl::success(Call& call, std::string_view data) const {
  call.code = "00000";
  HttpResponse out;
  out.body = envelope("00000", "success", call.now, data);
  return out;
}

HttpResponse Exchange::Impl::failure(Call& call, int status, std::string_view code,
                                     std::string_view what) const {
  call.code = code;
  HttpResponse out;
  out.status = status;
  out.body = envelope(code, std::string(text_of(code)).append(what), call.now, "null");
  return out;
}

HttpResponse Exchange::Impl::handle(const HttpRequest& request, Ns now, std::string_view client_ip) {
  advance(now);
  Call call{.request = request, .now = now};
  const auto mark = std::min(request.target.find('?'), request.target.size());
  call.path = request.target.substr(0, mark);
  call.query = request.target.substr(std::min(mark + 1, request.target.size()));
  call.endpoint = endpoint_of(call.path);
  identify(call);
  HttpResponse out = answer(call, client_ip);
  out.chunked = options.chunked;
  out.remaining = call.remaining;
  std::array<char, 16> trace{};
  ++traces;
  const auto id = (traces * 0x9e3779b97f4a7c15ULL) ^ static_cast<std::uint64_t>(now);
  out.trace_id.assign(trace.data(), std::to_chars(trace.data(), trace.data() + trace.size(), id, 16).ptr);
  record(call, out);
  return out;
}

void Exchange::Impl::identify(Call& call) {
  if (is_public(call.endpoint)) return;
  if (const auto found = keys.find(call.request.header("access-key")); found != keys.end()) {
    call.account = found->second;
  }
  if (call.endpoint != Endpoint::click_backhand) return;
  call.body_is_object = call.params.read_body(call.request.body);
  call.client_oid = Oid(call.params.get("clientOid"));
}

HttpResponse Exchange::Impl::answer(Call& call, std::string_view client_ip) {
  auto known_ip = ips.find(std::string(client_ip));
  if (known_ip == ips.end()) known_ip = ips.emplace(client_ip, IpState{}).first;
  if (auto refused = count_ip(call, known_ip->second)) return *refused;
  if (const Fault* fault = strike(call, true)) return distort(call, *fault, success(call, "null"));
  const bool is_post = call.endpoint == Endpoint::click_backhand;
  if (call.endpoint == Endpoint::unknown ||
      (call.endpoint == Endpoint::spot_account_info && !options.spot_info)) {
    return failure(call, 404, "40404");
  }
  if (call.request.method != (is_post ? "POST" : "GET")) return failure(call, 405, "40404");
  if (!is_post) call.params.read_query(call.query);
  if (!is_public(call.endpoint)) return answer_private(call, client_ip);
  const RateRule rule{kPerSecond[static_cast<std::size_t>(call.endpoint)], kSecond};
  const auto verdict =
      known_ip->second.counters[static_cast<std::size_t>(call.endpoint)].arrive(call.now, rule, options);
  call.remaining = verdict.remaining;
  if (!verdict.allowed) return failure(call, 429, "429");
  return dispatch(call);
}

std::optional<HttpResponse> Exchange::Impl::count_ip(Call& call, IpState& ip) {
  if (!options.limits) return std::nullopt;
  if (call.now < ip.penalty_until) return failure(call, 429, "429");
  const RateRule rule{options.ip_requests_per_minute, 60 * kSecond};
  if (ip.all.arrive(call.now, rule, options).allowed) return std::nullopt;
  ip.penalty_until = call.now + options.ip_penalty_ns;
  return failure(call, 429, "429");
}

HttpResponse Exchange::Impl::answer_private(Call& call, std::string_view client_ip) {
  if (call.account == kNoIndex) {
    return failure(call, 400, call.request.header("access-key").empty() ? "40001" : "40037");
  }
  AccountState& account = accounts[call.account];
  RateRule rule{kPerSecond[static_cast<std::size_t>(call.endpoint)], kSecond};
  if (call.endpoint == Endpoint::click_backhand) {
    rule.limit = account.spec.lead_trader ? options.lead_reversals_per_second : options.reversals_per_second;
  }
  const auto verdict =
      account.counters[static_cast<std::size_t>(call.endpoint)].arrive(call.now, rule, options);
  call.remaining = verdict.remaining;
  if (!verdict.allowed) {
    const bool by_code = options.lead_throttle_code && account.spec.lead_trader;
    return by_code ? failure(call, 400, "40918") : failure(call, 429, "429");
  }
  if (auto refused = check_identity(call, client_ip)) return *refused;
  return dispatch(call);
}

std::optional<HttpResponse> Exchange::Impl::check_identity(Call& call, std::string_view client_ip) {
  const auto& request = call.request;
  AccountState& account = accounts[call.account];
  if (account.spec.unified) return failure(call, 400, "40085");
  const std::string_view timestamp = request.header("access-timestamp");
  const std::string_view signature = request.header("access-sign");
  if (timestamp.empty()) return failure(call, 400, "40003");
  std::int64_t stamp_ms = 0;
  const auto [end, error] = std::from_chars(timestamp.data(), timestamp.data() + timestamp.size(), stamp_ms);
  if (error != std::errc{} || end != timestamp.data() + timestamp.size() || stamp_ms < 0 ||
      stamp_ms > INT64_MAX / kMillisecond) {
    return failure(call, 400, "40005");
  }
  const Ns age = call.now - stamp_ms * kMillisecond;
  if (age > options.timestamp_tolerance_ns || -age > options.timestamp_tolerance_ns) {
    return failure(call, 400, "40008");
  }
  if (signature.empty()) return failure(call, 400, "40002");
  if (options.check_signature) {
    if (!account.key) account.key.emplace(account.spec.secret);
    if (!account.key->verify(timestamp, request.method, request.target, request.body, signature)) {
      return failure(call, 400, "40009");
    }
  }
  const std::string_view passphrase = request.header("access-passphrase");
  if (passphrase.empty()) return failure(call, 400, "40011");
  if (passphrase != account.spec.passphrase) return failure(call, 400, "40012");
  const auto& ips_allowed = account.spec.allowed_ips;
  if (!ips_allowed.empty() &&
      std::find(ips_allowed.begin(), ips_allowed.end(), client_ip) == ips_allowed.end()) {
    return failure(call, 400, "40018");
  }
  if ((request.header("paptrading") == "1") != account.spec.demo) return failure(call, 400, "40099");
  if (request.method == "POST" && !request.header("content-type").starts_with("application/json")) {
    return failure(call, 400, "40007");
  }
  return std::nullopt;
}

HttpResponse Exchange::Impl::dispatch(Call& call) {
  const auto usual = [&]() -> HttpResponse {
    switch (call.endpoint) {
      case Endpoint::click_backhand:
        return click_backhand(call);
      case Endpoint::order_detail:
        return order_detail(call);
      case Endpoint::orders_history:
        return orders_history(call);
      case Endpoint::orders_pending:
        return orders_pending(call);
      case Endpoint::order_fills:
        return order_fills(call);
      case Endpoint::account:
        return account_row(call);
      case Endpoint::spot_account_info:
        return spot_account_info(call);
      case Endpoint::single_position:
        return positions(call, true);
      case Endpoint::all_position:
        return positions(call, false);
      case Endpoint::public_time:
        return public_time(call);
      case Endpoint::contracts:
        return contract_rows(call);
      case Endpoint::unknown:
        break;
    }
    return failure(call, 404, "40404");
  };
  HttpResponse out = usual();
  if (call.endpoint == Endpoint::click_backhand) return out;  // Has chosen its fault itself.
  const Fault* const fault = strike(call, false);
  if (fault == nullptr) return out;
  if (fault->answer == Answer::other_account && call.account != kNoIndex && accounts.size() > 1) {
    const std::uint32_t asked_for =
        std::exchange(call.account, static_cast<std::uint32_t>((call.account + 1) % accounts.size()));
    out = usual();
    call.account = asked_for;
  }
  return distort(call, *fault, std::move(out));
}

void Exchange::Impl::record(const Call& call, const HttpResponse& response) {
  auto& counters = truth.counters;
  const bool is_reversal = call.endpoint == Endpoint::click_backhand;
  // A fault may say the code of a limit that nobody was over.
  const bool throttled = call.fault < 0 && (call.code == "429" || call.code == "40918");
  ++counters.arrivals;
  counters.throttled += throttled;
  if (is_reversal) {
    ++counters.reversal_arrivals;
    counters.reversals_throttled += throttled;
    counters.refused += !throttled && call.code != "00000";
    ++truth.verdicts[std::string(call.code)];
    if (call.account != kNoIndex) {
      const auto& counter = accounts[call.account].counters[static_cast<std::size_t>(call.endpoint)];
      counters.max_reversals_in_second = std::max(counters.max_reversals_in_second, counter.max_in_second());
    }
  }
  if (options.keep_arrivals == KeepArrivals::none) return;
  if (options.keep_arrivals == KeepArrivals::reversals && !is_reversal) return;
  truth.arrivals.push_back({.at = call.now,
                            .account = call.account,
                            .endpoint = call.endpoint,
                            .status = static_cast<std::int16_t>(response.status),
                            .verdict = FixedString<8>(call.code),
                            .client_oid = call.client_oid,
                            .fault = call.fault});
}

}  // namespace backhand::venue
