// POST click-backhand: its own checks, and what an accepted one sets going.
#include <algorithm>

#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

constexpr std::size_t kMaxClientOid = 32;

bool is_client_oid_character(char c) noexcept {
  // Best practices page, read 2026-10: ^[0-9A-Za-z_:#\-+\s]{1,32}$
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == ':' ||
         c == '#' || c == '-' || c == '+' || c == ' ';
}

Decimal held_of(const Exchange::Sizes& sizes, PositionSide side) noexcept {
  return side == PositionSide::long_side ? sizes.long_size : sizes.short_size;
}

}  // namespace

HttpResponse Exchange::Impl::click_backhand(Call& call) {
  ReversalOrder order;
  if (auto no = check_parameters(call)) return *no;
  if (auto no = check_client_oid(call)) return *no;
  if (auto no = check_contract(call, order)) return *no;
  if (auto no = check_position(call, order)) return *no;
  if (call.client_oid.empty()) {
    // The venue makes one up where none was sent.
    call.client_oid = Oid(std::to_string(kFirstOrderId + orders.size()));
  }
  const Fault* const fault = strike(call, false);
  static const Fault kNoFault;
  std::uint64_t returned = kFirstOrderId + orders.size();
  if (fault == nullptr || fault->apply != Apply::nothing) {
    returned = accept(call, order, fault == nullptr ? kNoFault : *fault).returned_order;
  } else if (fault->answer == Answer::usual) {
    // An ack of something that never happens: an id that no look-up will ever know.
    new_order(call.account, order.contract).client_oid = {};
  }
  HttpResponse usual = acknowledge(call, returned);
  return fault == nullptr ? usual : distort(call, *fault, std::move(usual));
}

std::optional<HttpResponse> Exchange::Impl::check_parameters(Call& call) {
  const Params& params = call.params;
  if (!call.body_is_object) return failure(call, 400, "400172", "body");
  for (const std::string_view key :
       {"symbol", "productType", "marginCoin", "size", "side", "tradeSide", "clientOid"}) {
    if (params.is_mistyped(key)) return failure(call, 400, "400172", key);
  }
  for (const std::string_view key : {"symbol", "productType", "marginCoin"}) {
    if (params.get(key).empty()) return failure(call, 400, "40019", key);
  }
  const std::string_view side = params.get("side");
  const std::string_view trade_side = params.get("tradeSide");
  if (options.size_required && params.get("size").empty()) return failure(call, 400, "40019", "size");
  const bool hedge = accounts[call.account].spec.mode == PositionMode::hedge;
  if (side.empty() && (options.side_required || hedge)) return failure(call, 400, "40019", "side");
  if (!side.empty() && side != "buy" && side != "sell") return failure(call, 400, "40020", "side");
  if (!hedge) {
    if (!trade_side.empty() && !options.one_way_trade_side_ignored) return failure(call, 400, "40774");
    return std::nullopt;
  }
  if (trade_side.empty()) return failure(call, 400, "40019", "tradeSide");
  const bool open_allowed = options.hedge_trade_side != HedgeTradeSide::close;
  const bool close_allowed = options.hedge_trade_side != HedgeTradeSide::open;
  if (!(trade_side == "open" && open_allowed) && !(trade_side == "close" && close_allowed)) {
    return failure(call, 400, "40020", "tradeSide");
  }
  return std::nullopt;
}

std::optional<HttpResponse> Exchange::Impl::check_client_oid(Call& call) {
  const std::string_view oid = call.params.get("clientOid");
  if (oid.empty()) return std::nullopt;
  if (oid.size() > kMaxClientOid || !std::all_of(oid.begin(), oid.end(), is_client_oid_character)) {
    return failure(call, 400, "40304");
  }
  if (options.unique_client_oid == UniqueClientOid::never) return std::nullopt;
  const auto found = used.find({call.account, call.client_oid});
  if (found == used.end()) return std::nullopt;
  const bool is_pending = !truth.reversals[found->second.last].done;
  if (options.unique_client_oid == UniqueClientOid::always || is_pending) return failure(call, 400, "40786");
  return std::nullopt;
}

std::optional<HttpResponse> Exchange::Impl::check_contract(Call& call, ReversalOrder& order) {
  const Params& params = call.params;
  const auto product = named(kProducts, upper(params.get("productType")));
  if (!product) return failure(call, 400, "40020", "productType");
  const std::string_view symbol = params.get("symbol");
  const auto contract = find_contract(options.upper_case_required ? std::string(symbol) : upper(symbol));
  if (!contract || contracts[*contract].product != *product) return failure(call, 400, "40034", "symbol");
  const Contract& rules = contracts[*contract];
  if (upper(params.get("marginCoin")) != rules.margin_coin.view()) {
    return failure(call, 400, "40020", "marginCoin");
  }
  order.contract = *contract;
  switch (rules.status) {
    case ContractStatus::normal:
      break;
    case ContractStatus::maintain:
      return failure(call, 400, "40844");
    case ContractStatus::off:
      return failure(call, 400, "40845");
    case ContractStatus::listed:
    case ContractStatus::limit_open:
    case ContractStatus::restricted_api:
      return failure(call, 400, "45119");
  }
  const std::string_view text = params.get("size");
  if (text.empty()) return std::nullopt;
  const auto size = Decimal::parse(text);
  if (!size || size->is_zero()) return failure(call, 400, "40020", "size");
  if (!size->is_multiple_of(rules.size_step)) return failure(call, 400, "40808");
  if (*size < rules.min_size) return failure(call, 400, "45111");
  if (!rules.max_market_size.is_zero() && *size > rules.max_market_size) return failure(call, 400, "45113");
  order.size = *size;
  return std::nullopt;
}

std::optional<HttpResponse> Exchange::Impl::check_position(Call& call, ReversalOrder& order) {
  const Holding* const found = find_holding(call.account, order.contract);
  const Sizes sizes = found == nullptr ? Sizes{} : found->sizes;
  const std::string_view side = call.params.get("side");
  const bool hedge = accounts[call.account].spec.mode == PositionMode::hedge;
  if (hedge) {
    order.held = side == "buy" ? PositionSide::long_side : PositionSide::short_side;
  } else {
    order.held = sizes.short_size.is_zero() ? PositionSide::long_side : PositionSide::short_side;
  }
  const Decimal held = held_of(sizes, order.held);
  if (held.is_zero()) return failure(call, 400, "22002");
  if (!hedge && !side.empty() && options.one_way_side != OneWaySide::ignored) {
    const bool says_buy = side == "buy";
    const bool is_long = order.held == PositionSide::long_side;
    const bool agrees =
        options.one_way_side == OneWaySide::position ? says_buy == is_long : says_buy != is_long;
    if (!agrees) return failure(call, 400, "22002");
  }
  const bool whole =
      order.size.is_zero() || order.size > held || (!hedge && options.one_way_size == OneWaySize::ignored);
  if (whole) order.size = held;
  return std::nullopt;
}

Reversal& Exchange::Impl::accept(Call& call, const ReversalOrder& wanted, const Fault& fault) {
  const auto index = static_cast<std::uint32_t>(truth.reversals.size());
  Reversal& reversal = truth.reversals.emplace_back();
  reversal.accepted = call.now;
  reversal.account = call.account;
  reversal.contract = wanted.contract;
  reversal.client_oid = call.client_oid;
  reversal.held = wanted.held;
  const std::string_view said = call.params.get("side");
  reversal.side = FixedString<8>{said.substr(0, 8)};
  reversal.requested = wanted.size;
  ++truth.counters.accepted;
  used[{call.account, call.client_oid}].last = index;

  const Ns created = call.now + options.created_delay_ns + fault.created_delay_ns;
  const Ns filled =
      std::max(created, call.now + options.filled_delay_ns + fault.created_delay_ns + fault.filled_delay_ns);
  const Ns gap = options.leg_gap_ns + fault.leg_gap_ns;
  const bool both_legs = fault.apply == Apply::all;
  const auto first = static_cast<std::uint32_t>(orders.size());
  const auto add_leg = [&](Leg leg, PositionSide side, IdLeg carries) -> std::uint64_t {
    Order& order = new_order(call.account, wanted.contract);
    order.reversal = index;
    order.leg = leg;
    order.reduces = leg == Leg::close;
    order.position_side = side;
    order.size = wanted.size;
    const bool is_one = options.reversal_orders != ReversalOrders::two;
    const bool shows = options.client_oid_leg == carries || options.client_oid_leg == IdLeg::both ||
                       (is_one && options.client_oid_leg != IdLeg::none);
    order.client_oid = shows ? call.client_oid : Oid(std::to_string(order.id));
    return order.id;
  };
  reversal.close_order = add_leg(Leg::close, wanted.held, IdLeg::close);
  if (both_legs) reversal.open_order = add_leg(Leg::open, opposite(wanted.held), IdLeg::open);
  plan(first, created, false);
  plan(first, filled, true);
  if (both_legs) {
    plan(first + 1, created + gap, false);
    plan(first + 1, filled + gap, true);
    orders[first + 1].at_most = fault.open_limit;
  }
  reversal.returned_order = reversal.close_order;
  const bool is_one = options.reversal_orders != ReversalOrders::two;
  if (options.order_id_leg == IdLeg::open && both_legs && !is_one)
    reversal.returned_order = reversal.open_order;
  if (options.order_id_leg == IdLeg::none)
    reversal.returned_order = new_order(call.account, wanted.contract).id;
  return reversal;
}

HttpResponse Exchange::Impl::acknowledge(Call& call, std::uint64_t order_id) {
  std::string data;
  {
    JsonObject(data).text("clientOid", call.client_oid.view()).digits("orderId", order_id);
  }
  HttpResponse out = success(call, data);
  out.delay = options.ack_delay_ns;
  return out;
}

}  // namespace backhand::venue
