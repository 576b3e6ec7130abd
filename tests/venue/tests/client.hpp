// A client for the tests of the venue: signs requests and hands them to an Exchange at a virtual time.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/venue/exchange.hpp"
#include "tests/venue/signature.hpp"

namespace backhand::venue {

inline constexpr Ns kStart = 1'750'000'000 * kSecond;

struct Reply {
  HttpResponse http;
  nlohmann::json json;  ///< Discarded where the body is not JSON.

  [[nodiscard]] std::string code() const {
    return json.is_object() && json.contains("code") && json["code"].is_string()
               ? json["code"].get<std::string>()
               : "";
  }
  [[nodiscard]] const nlohmann::json& data() const { return json.at("data"); }
};

/// An account's credentials and what may be bent for a test.
struct Client {
  std::string key, secret, passphrase;
  std::vector<std::pair<std::string, std::string>> extra;  ///< More headers, or replacements by name.

  explicit Client(const std::string& account)
      : key("key-" + account), secret("secret-" + account), passphrase("pass-" + account) {}
};

struct Venue {
  Options options;
  Scenario scenario = default_scenario();
  Exchange exchange;
  Ns now = kStart;

  explicit Venue(const Options& chosen = {}, Scenario with = default_scenario())
      : options(chosen), scenario(std::move(with)), exchange(options, scenario) {}

  Reply send(const Client& client, std::string_view method, std::string_view target,
             std::string_view body = "", Ns stamp_offset = 0, std::string_view ip = "10.0.0.1") {
    const std::string stamp = std::to_string((now + stamp_offset) / kMillisecond);
    const std::string signature = SignatureKey(client.secret).sign(stamp, method, target, body);
    std::vector<Header> headers{{"ACCESS-KEY", client.key},
                                {"ACCESS-SIGN", signature},
                                {"ACCESS-TIMESTAMP", stamp},
                                {"ACCESS-PASSPHRASE", client.passphrase},
                                {"Content-Type", "application/json"}};
    for (const auto& [name, value] : client.extra) {
      std::erase_if(headers, [&](const Header& h) { return h.name == name; });
      headers.push_back({name, value});
    }
    HttpRequest request{method, target, std::move(headers), body};
    Reply out{exchange.handle(request, now, ip), {}};
    out.json = nlohmann::json::parse(out.http.body, nullptr, false);
    return out;
  }
  Reply get(const Client& client, std::string_view target) { return send(client, "GET", target); }

  /// A reversal with the usual fields; `more` is added to the body as it is (",\"size\":\"3\"").
  Reply reverse(const Client& client, std::string_view client_oid, std::string_view side = "buy",
                std::string_view more = "", std::string_view symbol = "ETHUSDT") {
    std::string body = R"({"symbol":")";
    body.append(symbol).append(R"(","productType":"USDT-FUTURES","marginCoin":"USDT")");
    if (!side.empty()) body.append(R"(,"side":")").append(side).append("\"");
    if (!client_oid.empty()) body.append(R"(,"clientOid":")").append(client_oid).append("\"");
    body.append(more).append("}");
    return send(client, "POST", "/api/v2/mix/order/click-backhand", body);
  }
  void pass(Ns by) {
    now += by;
    exchange.advance(now);
  }
  Exchange::Sizes held(std::string_view account, std::string_view symbol = "ETHUSDT") {
    return exchange.position(*exchange.find_account(account), *exchange.find_contract(symbol));
  }
};

inline constexpr std::string_view kHedgeOpen = R"(,"tradeSide":"open")";

[[nodiscard]] inline Exchange::Sizes sizes(std::string_view long_size, std::string_view short_size) {
  return {Decimal::parse(long_size).value(), Decimal::parse(short_size).value()};
}

}  // namespace backhand::venue
