// Look-ups of positions, accounts, contracts and the time. Field names and oddities (everything a string,
// flat means no row, uTime missing) as in live samples (facts §3.2 … §3.4).
#include <algorithm>

#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

/// What was held at `at`, as far back as is remembered.
Exchange::Sizes sizes_at(const Holding& held, Ns at) noexcept {
  for (auto i = held.history.rbegin(); i != held.history.rend(); ++i) {
    if (i->first <= at) return i->second;
  }
  return held.history.empty() ? held.sizes : held.history.front().second;
}

void append_position(std::string& out, const AccountSpec& account, const Contract& contract,
                     PositionSide side, Decimal total, Ns changed, const Options& options, bool single) {
  JsonObject row(out);
  row.text("marginCoin", contract.margin_coin.view()).text("symbol", contract.symbol.view());
  row.text("holdSide", name_of(kSides, side)).text("openDelegateSize", "0").text("marginSize", "1");
  row.text("available", total).text("locked", "0").text("total", total);
  row.digits("leverage", account.leverage).text("achievedProfits", "0");
  row.text("openPriceAvg", contract.mark_price).text("marginMode", "crossed");
  row.text("posMode", name_of(kModes, account.mode)).text("unrealizedPL", "0").text("liquidationPrice", "0");
  row.text("keepMarginRate", "0.004").text("markPrice", contract.mark_price);
  row.text("breakEvenPrice", contract.mark_price).text("totalFee", "").text("deductedFee", "0");
  row.text("marginRatio", "0.01").text("assetMode", "single");
  if (single) row.text("autoMargin", "off");
  row.digits("cTime", ms(changed));
  if (!options.omit_position_utime) row.digits("uTime", ms(changed));
}

/// Places behind the point of a step: "0.01" has two.
std::string places(Decimal step) { return std::to_string(step.normalized().scale); }

/// The row that has just been written names no side that is documented.
void spoil_side(std::string& data) {
  constexpr std::string_view kKey = R"("holdSide":")";
  const auto at = data.rfind(kKey) + kKey.size();
  data.replace(at, data.find('"', at) - at, "net");
}

}  // namespace

HttpResponse Exchange::Impl::positions(Call& call, bool single) {
  Product product{};
  std::optional<std::uint32_t> wanted;
  if (auto no = read_product(call, single, product, wanted)) return *no;
  const std::string_view coin = call.params.get("marginCoin");
  if (single && coin.empty()) return failure(call, 400, "40019", "marginCoin");
  const AccountState& account = accounts[call.account];
  const Ns seen = call.now - lag(options.position_lag_ns);
  std::string data = "[";
  for (const auto& held : account.holdings) {
    const Contract& contract = contracts[held.contract];
    if (contract.product != product || (wanted && held.contract != *wanted)) continue;
    if (!coin.empty() && contract.margin_coin.view() != coin) continue;
    const Sizes sizes = sizes_at(held, seen);
    for (const auto& [side, total] : {std::pair(PositionSide::long_side, sizes.long_size),
                                      std::pair(PositionSide::short_side, sizes.short_size)}) {
      if (total.is_zero()) continue;
      const bool first = data.size() == 1;
      if (!first) data += ',';
      append_position(data, account.spec, contract, side, total, held.changed, options, single);
      if (!single && first && options.odd_row == OddRow::own) spoil_side(data);
    }
  }
  if (!single && options.odd_row == OddRow::foreign) {
    if (data.size() > 1) data += ',';
    data += R"({"marginCoin":"USDT","symbol":"币安人生USDT","holdSide":"long","total":"1E+2"})";
  }
  data += ']';
  HttpResponse out = success(call, data);
  const Ns clock = options.position_clock_ns + draw_jitter(options.position_clock_jitter_ns);
  if (clock != 0) out.body = envelope("00000", "success", call.now + clock, data);
  return out;
}

HttpResponse Exchange::Impl::account_row(Call& call) {
  Product product{};
  std::optional<std::uint32_t> contract;
  if (auto no = read_product(call, true, product, contract)) return *no;
  const std::string_view coin = call.params.get("marginCoin");
  if (coin.empty()) return failure(call, 400, "40019", "marginCoin");
  if (coin != contracts[*contract].margin_coin.view()) return failure(call, 400, "40020", "marginCoin");
  const AccountSpec& account = accounts[call.account].spec;
  const Decimal equity = account.equity.value_or(Decimal{1'000'000, 0});
  std::string data;
  {
    JsonObject row(data);
    row.text("marginCoin", coin).text("locked", "0").text("available", equity);
    row.text("crossedMaxAvailable", equity)
        .text("isolatedMaxAvailable", equity)
        .text("maxTransferOut", equity);
    row.text("accountEquity", equity).text("usdtEquity", equity).text("btcEquity", "1");
    row.text("crossedRiskRate", "0").digits("crossedMarginLeverage", account.leverage);
    row.digits("isolatedLongLever", account.leverage).digits("isolatedShortLever", account.leverage);
    row.text("marginMode", "crossed").text("posMode", name_of(kModes, account.mode));
    row.text("unrealizedPL", "").text("coupon", "0").text("assetMode", "single");
  }
  return success(call, data);
}

HttpResponse Exchange::Impl::spot_account_info(Call& call) {
  const AccountSpec& account = accounts[call.account].spec;
  std::string data;
  {
    JsonObject row(data);
    if (options.user_id == UserIdStyle::text) row.text("userId", account.uid);
    if (options.user_id == UserIdStyle::number) row.raw("userId", account.uid);
    row.text("inviterId", "").text("ips", "");
    row.raw("authorities", R"(["coow","cpow"])").raw("parentId", "0");
    row.text("traderType", account.lead_trader ? "trader" : "not_trader");
    row.text("channelCode", "").text("channel", "").digits("regisTime", ms(call.now) - 86'400'000);
  }
  return success(call, data);
}

HttpResponse Exchange::Impl::public_time(Call& call) {
  std::string data;
  {
    JsonObject(data).digits("serverTime", ms(call.now));
  }
  return success(call, data);
}

HttpResponse Exchange::Impl::contract_rows(Call& call) {
  Product product{};
  std::optional<std::uint32_t> wanted;
  if (auto no = read_product(call, false, product, wanted)) return *no;
  std::string data = "[";
  for (std::uint32_t i = 0; i < contracts.size(); ++i) {
    const Contract& contract = contracts[i];
    if (contract.product != product || (wanted && i != *wanted)) continue;
    if (data.size() > 1) data += ',';
    JsonObject row(data);
    row.text("symbol", contract.symbol.view()).text("baseCoin", contract.base_coin.view());
    row.text("quoteCoin", contract.quote_coin.view()).text("buyLimitPriceRatio", "0.05");
    row.text("sellLimitPriceRatio", "0.05").text("feeRateUpRatio", "0.005").text("makerFeeRate", "0.0002");
    row.text("takerFeeRate", "0.0006").text("openCostUpRatio", "0.01");
    row.append_key("supportMarginCoins");
    data += '[';
    append_quoted(data, contract.margin_coin.view());
    data += ']';
    row.text("minTradeNum", contract.min_size).text("priceEndStep", "1");
    row.text("volumePlace", places(contract.size_step)).text("pricePlace", "2");
    row.text("sizeMultiplier", contract.size_step).text("symbolType", "perpetual").text("minTradeUSDT", "5");
    row.text("maxSymbolOrderNum", "200").text("maxProductOrderNum", "1000").text("maxPositionNum", "150");
    row.text("symbolStatus", name_of(kContractStates, contract.status)).text("offTime", "-1");
    row.text("limitOpenTime", "-1").text("deliveryTime", "").text("deliveryStartTime", "");
    row.text("deliveryPeriod", "").text("launchTime", "").text("fundInterval", "8").text("minLever", "1");
    row.text("maxLever", "125").text("posLimit", "0.1").text("maintainTime", "").text("openTime", "");
    if (!contract.max_market_size.is_zero()) row.text("maxMarketOrderQty", contract.max_market_size);
    row.text("maxOrderQty", contract.max_market_size).text("isRwa", "NO");
  }
  data += ']';
  return success(call, data);
}

}  // namespace backhand::venue
