// Look-ups of orders and fills: order/detail, orders-history, orders-pending, fills. Field names and
// spellings as in live samples (facts §3.1).
#include <algorithm>
#include <charconv>

#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

constexpr std::uint64_t kMaxRows = 100;

/// The number; `otherwise` where the text is not one.
std::uint64_t number_or(std::string_view text, std::uint64_t otherwise) noexcept {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() ? out : otherwise;
}

/// size × price, rounded down to eight digits behind the point.
Decimal product_of(Decimal size, Decimal price) noexcept {
  Uint128 digits = static_cast<Uint128>(size.digits) * price.digits;
  int scale = size.scale + price.scale;
  while (scale > 0 && (scale > 8 || digits > UINT64_MAX)) {
    digits /= 10;
    --scale;
  }
  return {static_cast<std::uint64_t>(digits), static_cast<std::uint8_t>(scale)};
}

/// What a page of rows is asked for.
struct Page {
  std::uint64_t limit = kMaxRows;
  std::uint64_t below = UINT64_MAX;  ///< idLessThan
  std::uint64_t start_ms = 0;
  std::uint64_t end_ms = UINT64_MAX;

  explicit Page(const Params& params)
      : limit(std::clamp<std::uint64_t>(number_or(params.get("limit"), kMaxRows), 1, kMaxRows)),
        below(number_or(params.get("idLessThan"), UINT64_MAX)),
        start_ms(number_or(params.get("startTime"), 0)),
        end_ms(number_or(params.get("endTime"), UINT64_MAX)) {}
  [[nodiscard]] bool holds(std::uint64_t id, Ns at) const noexcept {
    return id < below && ms(at) >= start_ms && ms(at) <= end_ms;
  }
};

/// Collects rows into {"<list>":[…],"endId":"…"}; endId is the id of the last row.
class RowList {
 public:
  void add(std::uint64_t id) {
    if (count_ > 0) rows += ',';
    ++count_;
    end_id_ = id;
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::string whole(std::string_view name, bool empty_is_null) const {
    std::string out;
    {
      JsonObject object(out);
      object.raw(name, count_ == 0 && empty_is_null ? "null" : '[' + rows + ']');
      count_ == 0 ? object.raw("endId", "null") : object.digits("endId", end_id_);
    }
    return out;
  }

  std::string rows;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t end_id_ = 0;
};

/// A row says what it does itself (not a reversal's row, or RowSide::trade).
std::string_view true_side(const Order& order, PositionMode mode) noexcept {
  const bool is_long = order.position_side == PositionSide::long_side;
  const bool buys = mode == PositionMode::hedge ? is_long : is_long != order.reduces;
  return buys ? "buy" : "sell";
}

std::string true_trade_side(const Order& order, PositionMode mode) {
  const bool is_long = order.position_side == PositionSide::long_side;
  std::string out;
  if (order.source == Source::liquidation) out = "burst_";
  if (order.source == Source::adl) out = "dte_sys_adl_";
  if (mode == PositionMode::one_way) return out + (is_long != order.reduces ? "buy_single" : "sell_single");
  out += order.reduces ? "close" : "open";
  if (order.source == Source::liquidation || order.source == Source::adl) out += is_long ? "_long" : "_short";
  return out;
}

/// The three words of a row that speak of direction. One-way orders trade as they read; hedge orders carry
/// the direction of their position (facts §2). What rows of a reversal say is not documented: RowSide.
struct Words {
  std::string side;
  std::string trade_side;
  std::string_view position_side;
};
Words words_of(const Order& order, PositionMode mode, const Reversal* reversal, const Options& options) {
  const bool hedge = mode == PositionMode::hedge;
  Words out{std::string(true_side(order, mode)), true_trade_side(order, mode),
            hedge ? name_of(kSides, order.position_side) : std::string_view("net")};
  if (reversal == nullptr) return out;
  // One order for both legs can say of itself only what the request said.
  const bool is_one = options.reversal_orders != ReversalOrders::two;
  if (hedge && (is_one || options.row_side == RowSide::echoed)) {
    out = {reversal->held == PositionSide::long_side ? "buy" : "sell", "open",
           name_of(kSides, reversal->held)};
  }
  if (options.row_side == RowSide::echoed && !reversal->side.empty())
    out.side = std::string(reversal->side.view());
  if (options.row_side == RowSide::swapped) out.side = out.side == "buy" ? "sell" : "buy";
  if (options.row_side == RowSide::empty) out.side = out.trade_side = "";
  if (!hedge && !out.side.empty()) out.trade_side = out.side + "_single";
  return out;
}

std::string_view order_source_text(const Order& order, bool lead_trader) noexcept {
  if (order.source == Source::reversal && lead_trader) return "trader_reverse";
  return name_of(kSources, order.source);
}

}  // namespace

std::optional<HttpResponse> Exchange::Impl::read_product(Call& call, bool with_symbol, Product& product,
                                                         std::optional<std::uint32_t>& contract) {
  const std::string_view type = call.params.get("productType");
  if (type.empty()) return failure(call, 400, "40019", "productType");
  const auto known = named(kProducts, upper(type));
  if (!known) return failure(call, 400, "40020", "productType");
  product = *known;
  const std::string_view symbol = call.params.get("symbol");
  if (symbol.empty()) {
    if (with_symbol) return failure(call, 400, "40019", "symbol");
    return std::nullopt;
  }
  contract = find_contract(symbol);
  if (!contract || contracts[*contract].product != product) return failure(call, 400, "40034", "symbol");
  return std::nullopt;
}

bool Exchange::Impl::visible(const Order& order, Ns now, Ns lag) const noexcept {
  return order.state != OrderState::unborn && order.created <= now - lag;
}

std::optional<Order> Exchange::Impl::listed(const Order& order) const {
  const bool is_one = options.reversal_orders != ReversalOrders::two;
  if (!is_one || order.leg == Leg::other || order.reversal == kNoIndex) return order;
  if (order.leg == Leg::open) return std::nullopt;
  const Reversal& reversal = truth.reversals[order.reversal];
  Order whole = order;
  whole.reduces = false;
  const Order* const open = reversal.open_order == 0 ? nullptr : &orders[reversal.open_order - kFirstOrderId];
  if (order.filled.is_zero()) return whole;
  if (open != nullptr && (open->state == OrderState::unborn || open->state == OrderState::live)) {
    whole.state = OrderState::live;
    whole.filled = {};
    whole.updated = whole.created;
    return whole;
  }
  if (open != nullptr) whole.updated = std::max(whole.updated, open->updated);
  if (options.reversal_orders == ReversalOrders::one_of_both) {
    whole.size = whole.size + whole.size;
    whole.filled = reversal.closed + reversal.opened;
    if (whole.filled < whole.size) whole.state = OrderState::canceled;
  }
  return whole;
}

void Exchange::Impl::append_order(std::string& out, const Order& order, std::string_view state_key) const {
  const Contract& contract = contracts[order.contract];
  const AccountSpec& account = accounts[order.account].spec;
  const bool of_reversal = order.leg != Leg::other && order.reversal != kNoIndex;
  const Words words =
      words_of(order, account.mode, of_reversal ? &truth.reversals[order.reversal] : nullptr, options);
  const bool filled = !order.filled.is_zero();
  JsonObject row(out);
  row.text("symbol", contract.symbol.view()).text("size", order.size).digits("orderId", order.id);
  row.text("clientOid", order.client_oid.view()).text("baseVolume", order.filled);
  row.text("fee", filled ? "-0.001" : "");
  filled ? row.text("priceAvg", order.price) : row.text("priceAvg", "");
  row.text(state_key, name_of(kOrderStates, order.state)).text("side", words.side);
  row.text("force", "gtc").text("totalProfits", "0");
  row.text("posSide", words.position_side);
  row.text("marginCoin", contract.margin_coin.view());
  row.text("quoteVolume", product_of(order.filled, order.price)).text("orderType", "market");
  row.digits("leverage", account.leverage).text("marginMode", "crossed");
  const bool says_reduce = order.reduces && options.close_leg_reduce_only;
  row.text("reduceOnly", says_reduce ? "YES" : "NO");
  row.text("enterPointSource", order.source == Source::reversal ? "API"
                               : order.source == Source::market ? "WEB"
                                                                : "SYS");
  row.text("tradeSide", words.trade_side).text("posMode", name_of(kModes, account.mode));
  row.text("orderSource", order_source_text(order, account.lead_trader));
  row.text("cancelReason", order.state == OrderState::canceled ? "normal_cancel" : "");
  row.digits("cTime", ms(order.created + order.clock)).digits("uTime", ms(order.updated + order.clock));
}

HttpResponse Exchange::Impl::order_detail(Call& call) {
  Product product{};
  std::optional<std::uint32_t> contract;
  if (auto no = read_product(call, true, product, contract)) return *no;
  const std::string_view id = call.params.get("orderId");
  const std::string_view oid = call.params.get("clientOid");
  if (id.empty() && oid.empty()) return failure(call, 400, "40019", "orderId");
  const std::uint64_t wanted = number_or(id, 0);
  const Oid wanted_oid(oid);
  const auto& mine = accounts[call.account].orders;
  const Ns late = lag(options.order_lag_ns);
  for (auto i = mine.rbegin(); i != mine.rend();
       ++i) {  // Newest first: a shared clientOid means the open leg.
    const auto shown = listed(orders[*i]);
    if (!shown) continue;
    const Order& order = *shown;
    if (order.contract != *contract || !visible(order, call.now, late)) continue;
    if (id.empty() ? order.client_oid != wanted_oid : order.id != wanted) continue;
    std::string data;
    append_order(data, order, options.detail_says_status ? "status" : "state");
    return success(call, data);
  }
  return failure(call, 400, "40109");
}

HttpResponse Exchange::Impl::orders_history(Call& call) {
  Product product{};
  std::optional<std::uint32_t> contract;
  if (auto no = read_product(call, false, product, contract)) return *no;
  const Page page(call.params);
  const std::string_view source = call.params.get("orderSource");
  const std::string_view id = call.params.get("orderId");
  const Oid oid(call.params.get("clientOid"));
  const bool lead = accounts[call.account].spec.lead_trader;
  std::vector<Order> found;
  const Ns seen = call.now - lag(options.history_lag_ns);
  const auto& mine = accounts[call.account].orders;
  for (auto i = mine.rbegin(); i != mine.rend(); ++i) {
    const auto shown = listed(orders[*i]);
    if (!shown) continue;
    const Order& order = *shown;
    if (order.state != OrderState::filled && order.state != OrderState::canceled) continue;
    if (order.updated > seen || !page.holds(order.id, order.created + order.clock)) continue;
    if (contracts[order.contract].product != product || (contract && order.contract != *contract)) continue;
    if (!id.empty() && order.id != number_or(id, 0)) continue;
    if (!oid.empty() && order.client_oid != oid) continue;
    // Whether "reverse" finds a lead trader's reversals too is not documented; here it does.
    const bool is_reversal = order.source == Source::reversal;
    if (!source.empty() && source != order_source_text(order, lead) &&
        !(source == "reverse" && is_reversal)) {
      continue;
    }
    found.push_back(order);
  }
  if (options.page_order == PageOrder::oldest_first) std::reverse(found.begin(), found.end());
  for (std::size_t i = found.size(); options.page_order == PageOrder::none && i > 1; --i)
    std::swap(found[i - 1], found[static_cast<std::size_t>(draw() * static_cast<double>(i))]);
  RowList list;
  for (const Order& order : found) {
    if (list.count() >= std::min<std::uint64_t>(page.limit, options.page_rows)) break;
    list.add(order.id);
    append_order(list.rows, order, "status");
  }
  return success(call, list.whole("entrustedList", options.empty_list_is_null));
}

HttpResponse Exchange::Impl::orders_pending(Call& call) {
  Product product{};
  std::optional<std::uint32_t> contract;
  if (auto no = read_product(call, false, product, contract)) return *no;
  const Page page(call.params);
  const Oid oid(call.params.get("clientOid"));
  RowList list;
  const auto& mine = accounts[call.account].orders;
  for (auto i = mine.rbegin(); i != mine.rend() && list.count() < page.limit; ++i) {
    const auto shown = listed(orders[*i]);
    if (!shown) continue;
    const Order& order = *shown;
    if (order.state != OrderState::live || !visible(order, call.now, options.order_lag_ns)) continue;
    if (!page.holds(order.id, order.created + order.clock)) continue;
    if (contracts[order.contract].product != product || (contract && order.contract != *contract)) continue;
    if (!oid.empty() && order.client_oid != oid) continue;
    list.add(order.id);
    append_order(list.rows, order, "status");
  }
  return success(call, list.whole("entrustedList", options.empty_list_is_null));
}

std::uint64_t Exchange::Impl::listed_id(const Order& order) const {
  const bool is_one = options.reversal_orders != ReversalOrders::two;
  return is_one && order.leg == Leg::open && order.reversal != kNoIndex
             ? truth.reversals[order.reversal].close_order
             : order.id;
}

void Exchange::Impl::append_fill(std::string& out, const Order& order) const {
  const Contract& contract = contracts[order.contract];
  const PositionMode mode = accounts[order.account].spec.mode;
  JsonObject row(out);
  row.digits("tradeId", order.trade_id)
      .text("symbol", contract.symbol.view())
      .digits("orderId", listed_id(order));
  row.text("price", order.price).text("baseVolume", order.filled);
  row.append_key("feeDetail");
  out += "[";
  {
    JsonObject fee(out);
    fee.text("deduction", "no").text("feeCoin", contract.margin_coin.view());
    fee.text("totalDeductionFee", "").text("totalFee", "-0.001");
  }
  out += "]";
  row.text("side", true_side(order, mode)).text("quoteVolume", product_of(order.filled, order.price));
  row.text("profit", "0").text("enterPointSource", order.source == Source::reversal ? "api" : "web");
  row.text("tradeSide", true_trade_side(order, mode)).text("posMode", name_of(kModes, mode));
  row.text("tradeScope", "taker").digits("cTime", ms(order.updated + order.clock));
}

HttpResponse Exchange::Impl::order_fills(Call& call) {
  Product product{};
  std::optional<std::uint32_t> contract;
  if (auto no = read_product(call, false, product, contract)) return *no;
  const Page page(call.params);
  const std::string_view id = call.params.get("orderId");
  RowList list;
  const Ns seen = call.now - lag(options.history_lag_ns);
  const auto& mine = accounts[call.account].fills;
  for (auto i = mine.rbegin(); i != mine.rend() && list.count() < page.limit; ++i) {
    const Order& order = orders[*i];
    if (order.updated > seen || !page.holds(order.trade_id, order.updated + order.clock)) continue;
    if (contracts[order.contract].product != product || (contract && order.contract != *contract)) continue;
    if (!id.empty() && listed_id(order) != number_or(id, 0)) continue;
    list.add(order.trade_id);
    append_fill(list.rows, order);
  }
  return success(call, list.whole("fillList", options.empty_list_is_null));
}

}  // namespace backhand::venue
