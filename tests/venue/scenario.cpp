// Contracts and accounts to start with. Sizes and steps of the first three are the live values of 2026-09
// (facts §3.4); every key, secret and passphrase is a dummy.
#include <algorithm>
#include <array>
#include <cstdio>

#include "tests/venue/model.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

Decimal decimal(std::string_view text) { return Decimal::parse(text).value(); }

Contract contract(Product product, std::string_view symbol, std::array<std::string_view, 3> coins,
                  std::string_view step, std::string_view max_market, std::string_view price) {
  Contract out;
  out.product = product;
  out.symbol = wire::SymbolName(symbol);
  out.base_coin = wire::CoinName(coins[0]);
  out.quote_coin = wire::CoinName(coins[1]);
  out.margin_coin = wire::CoinName(coins[2]);
  out.min_size = decimal(step);
  out.size_step = decimal(step);
  out.max_market_size = decimal(max_market);
  out.mark_price = decimal(price);
  return out;
}

std::string numbered(char letter, std::uint32_t number, int digits) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%c%0*u", letter, digits, number);
  return text.data();
}

AccountSpec account(std::string_view name, PositionMode mode) {
  AccountSpec out;
  out.name = name;
  out.key = "key-" + out.name;
  out.secret = "secret-" + out.name;
  out.passphrase = "pass-" + out.name;
  out.mode = mode;
  return out;
}

}  // namespace

const std::vector<Contract>& default_contracts() {
  using enum Product;
  static const std::vector<Contract> out{
      contract(usdt_futures, "BTCUSDT", {"BTC", "USDT", "USDT"}, "0.0001", "220", "60000"),
      contract(usdt_futures, "ETHUSDT", {"ETH", "USDT", "USDT"}, "0.01", "1900", "2500"),
      contract(usdt_futures, "SOLUSDT", {"SOL", "USDT", "USDT"}, "0.1", "13000", "150"),
      contract(usdt_futures, "XRPUSDT", {"XRP", "USDT", "USDT"}, "1", "900000", "2"),
      contract(usdt_futures, "DOGEUSDT", {"DOGE", "USDT", "USDT"}, "1", "9000000", "0.2"),
      contract(usdt_futures, "BNBUSDT", {"BNB", "USDT", "USDT"}, "0.01", "2000", "600"),
      contract(coin_futures, "BTCUSD", {"BTC", "USD", "BTC"}, "0.001", "100", "60000"),
      contract(coin_futures, "ETHUSD", {"ETH", "USD", "ETH"}, "0.01", "1000", "2500"),
      contract(usdc_futures, "BTCPERP", {"BTC", "USDC", "USDC"}, "0.0001", "100", "60000"),
      contract(usdc_futures, "ETHPERP", {"ETH", "USDC", "USDC"}, "0.01", "1000", "2500"),
      contract(susdt_futures, "SBTCSUSDT", {"SBTC", "SUSDT", "SUSDT"}, "0.001", "220", "60000"),
      contract(susdt_futures, "SETHSUSDT", {"SETH", "SUSDT", "SUSDT"}, "0.01", "1900", "2500"),
      contract(scoin_futures, "SBTCSUSD", {"SBTC", "SUSD", "SBTC"}, "0.001", "100", "60000"),
      contract(scoin_futures, "SETHSUSD", {"SETH", "SUSD", "SETH"}, "0.01", "1000", "2500"),
      contract(susdc_futures, "SBTCSPERP", {"SBTC", "SUSDC", "SUSDC"}, "0.001", "100", "60000"),
      contract(susdc_futures, "SETHSPERP", {"SETH", "SUSDC", "SUSDC"}, "0.01", "1000", "2500"),
  };
  return out;
}

Scenario default_scenario() {
  Scenario out;
  out.contracts = default_contracts();
  AccountSpec main = account("main", PositionMode::one_way);
  main.positions = {{"BTCUSDT", decimal("0.5"), {}}, {"ETHUSDT", decimal("20"), {}},
                    {"SOLUSDT", {}, decimal("100")}, {"BTCUSD", decimal("1"), {}},
                    {"BTCPERP", decimal("0.5"), {}}, {"SETHSUSDT", decimal("20"), {}},
                    {"SBTCSUSD", decimal("1"), {}},  {"SBTCSPERP", {}, decimal("1")}};
  AccountSpec hedge = account("hedge", PositionMode::hedge);
  hedge.positions = {{"BTCUSDT", decimal("0.5"), decimal("0.25")},
                     {"ETHUSDT", decimal("20"), {}},
                     {"SOLUSDT", {}, decimal("100")},
                     {"ETHPERP", decimal("10"), {}}};
  AccountSpec lead = account("lead", PositionMode::one_way);
  lead.lead_trader = true;
  lead.positions = {{"ETHUSDT", decimal("5"), {}}};
  AccountSpec unified = account("unified", PositionMode::one_way);
  unified.unified = true;
  AccountSpec demo = account("demo", PositionMode::one_way);
  demo.demo = true;
  demo.positions = {{"ETHUSDT", decimal("20"), {}}};
  out.accounts = {main, hedge, lead, unified, demo};
  return out;
}

Scenario generated_scenario(std::uint32_t accounts, PositionMode mode, std::uint32_t symbols) {
  Scenario out;
  out.contracts = default_contracts();
  std::vector<std::string> names;
  for (const auto& c : out.contracts) {
    if (c.product == Product::usdt_futures) names.emplace_back(c.symbol.view());
  }
  for (std::uint32_t i = 1; names.size() < symbols; ++i) {
    const std::string base = numbered('X', i, 3);
    const std::string symbol = base + "USDT";
    out.contracts.push_back(
        contract(Product::usdt_futures, symbol, {base, "USDT", "USDT"}, "0.1", "100000", "10"));
    names.push_back(symbol);
  }
  names.resize(symbols);
  out.accounts.reserve(accounts);
  for (std::uint32_t i = 1; i <= accounts; ++i) {
    AccountSpec spec;
    spec.name = numbered('a', i, 4);
    spec.key = numbered('k', i, 4);
    spec.secret = numbered('s', i, 4);
    spec.passphrase = numbered('p', i, 4);
    spec.mode = mode;
    for (const auto& symbol : names) spec.positions.push_back({symbol, Decimal{20, 0}, {}});
    out.accounts.push_back(std::move(spec));
  }
  return out;
}

namespace {

constexpr std::array<std::string_view, kEndpoints> kPaths{
    "/api/v2/mix/order/click-backhand",  "/api/v2/mix/order/detail",
    "/api/v2/mix/order/orders-history",  "/api/v2/mix/order/orders-pending",
    "/api/v2/mix/order/fills",           "/api/v2/mix/account/account",
    "/api/v2/spot/account/info",         "/api/v2/mix/position/single-position",
    "/api/v2/mix/position/all-position", "/api/v2/public/time",
    "/api/v2/mix/market/contracts",      ""};

}  // namespace

std::string_view path_of(Endpoint endpoint) noexcept { return kPaths[static_cast<std::size_t>(endpoint)]; }

Endpoint endpoint_of(std::string_view path) noexcept {
  const auto found = std::find(kPaths.begin(), kPaths.end() - 1, path);
  return static_cast<Endpoint>(found - kPaths.begin());
}

}  // namespace backhand::venue
