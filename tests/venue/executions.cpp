// What happens to orders and positions as time passes: legs are created and executed, margin is looked at,
// other traders act.
#include <algorithm>

#include "common/assert.hpp"
#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

namespace {

/// Scale in which margins are reckoned: sizes and prices have at most eight digits behind the point.
constexpr std::uint8_t kScale = 8;
constexpr std::size_t kMaxHistory = 256;

Decimal& side_of(Exchange::Sizes& sizes, PositionSide side) noexcept {
  return side == PositionSide::long_side ? sizes.long_size : sizes.short_size;
}

/// The number in units of 10^-8; what lies behind that is cut off.
Uint128 units(Decimal value) noexcept {
  Uint128 out = value.digits;
  for (std::uint8_t s = value.scale; s < kScale; ++s) out *= 10;
  for (std::uint8_t s = value.scale; s > kScale; --s) out /= 10;
  return out;
}

/// Price at which margin is reckoned: coin-margined contracts take their margin in the base coin.
Decimal margin_price(const Contract& contract) noexcept {
  return contract.base_coin == contract.margin_coin ? Decimal{1, 0} : contract.mark_price;
}

Decimal whole_steps(Uint128 steps, Decimal step) noexcept {
  const Uint128 digits = steps * step.digits;
  return {digits > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(digits), step.scale};
}

Decimal smaller(Decimal a, Decimal b) noexcept { return a < b ? a : b; }

}  // namespace

void Exchange::Impl::plan(std::uint32_t order, Ns at, bool fill) {
  pending.push_back({.at = at, .sequence = sequence++, .order = order, .fill = fill});
  std::push_heap(pending.begin(), pending.end());
}

void Exchange::Impl::advance(Ns now) {
  while (!pending.empty() && pending.front().at <= now) {
    std::pop_heap(pending.begin(), pending.end());
    const Event event = pending.back();
    pending.pop_back();
    Order& order = orders[event.order];
    if (!event.fill) {
      create(order, event.at);
    } else if (order.state == OrderState::live) {
      order.leg == Leg::close ? fill_close(order, event.at) : fill_open(order, event.at);
    }
  }
}

void Exchange::Impl::create(Order& order, Ns now) {
  order.created = now;
  order.updated = now;
  order.state = OrderState::live;
  // A close leg that found nothing to close takes the open leg with it (and the truth may have been reset).
  const bool orphan = order.reversal == kNoIndex || truth.reversals[order.reversal].done;
  if (order.leg == Leg::open && orphan) cancel(order, now);
}

void Exchange::Impl::cancel(Order& order, Ns now) {
  order.state = OrderState::canceled;
  order.updated = now;
}

void Exchange::Impl::fill_close(Order& order, Ns now) {
  Reversal& reversal = truth.reversals[order.reversal];
  Holding& held = holding(order.account, order.contract);
  reversal.long_before = held.sizes.long_size;
  reversal.short_before = held.sizes.short_size;
  Sizes sizes = held.sizes;
  Decimal& side = side_of(sizes, order.position_side);
  reversal.closed = smaller(order.size, side);
  side = side - reversal.closed;
  change(held, sizes, now);
  reversal.long_after = sizes.long_size;
  reversal.short_after = sizes.short_size;
  if (reversal.closed.is_zero()) {
    cancel(order, now);
    reversal.done = true;
    if (reversal.open_order != 0) {
      Order& open_leg = orders[reversal.open_order - kFirstOrderId];
      if (open_leg.state == OrderState::live) cancel(open_leg, now);
    }
    return;
  }
  reversal.done = reversal.open_order == 0;
  order.state = reversal.closed < order.size ? OrderState::canceled : OrderState::filled;
  auto& counters = truth.counters;
  ReversalUse& use = used[{order.account, reversal.client_oid}];
  ++use.executed;
  ++counters.reversals_executed;
  counters.reversals_repeated += use.executed > 1;
  counters.max_executions_of_client_oid = std::max(counters.max_executions_of_client_oid, use.executed);
  note_execution(order, reversal.closed, now);
}

void Exchange::Impl::fill_open(Order& order, Ns now) {
  Reversal& reversal = truth.reversals[order.reversal];
  Decimal size = largest_open(order.account, order.contract, reversal.closed);
  if (order.at_most) size = smaller(size, *order.at_most);
  reversal.opened = size;
  reversal.done = true;
  if (!size.is_zero()) open(order.account, order.contract, order.position_side, size, now);
  const Sizes& sizes = holding(order.account, order.contract).sizes;
  reversal.long_after = sizes.long_size;
  reversal.short_after = sizes.short_size;
  if (size.is_zero()) {
    cancel(order, now);
    return;
  }
  const bool is_short_of_margin = size < order.size;
  if (is_short_of_margin && !options.partial_open_keeps_size) order.size = size;
  order.state = size < order.size ? OrderState::canceled : OrderState::filled;
  note_execution(order, size, now);
}

void Exchange::Impl::note_execution(Order& order, Decimal size, Ns now) {
  order.filled = size;
  order.price = contracts[order.contract].mark_price;
  order.updated = now;
  order.trade_id = kFirstTradeId + fills++;
  accounts[order.account].fills.push_back(static_cast<std::uint32_t>(order.id - kFirstOrderId));
  const Sizes& after = holding(order.account, order.contract).sizes;
  truth.executions.push_back({.at = now,
                              .account = order.account,
                              .contract = order.contract,
                              .order = order.id,
                              .reversal = order.reversal,
                              .source = order.source,
                              .leg = order.leg,
                              .reduces = order.reduces,
                              .position_side = order.position_side,
                              .size = size,
                              .long_after = after.long_size,
                              .short_after = after.short_size});
  ++truth.counters.executions;
}

Order& Exchange::Impl::new_order(std::uint32_t account, std::uint32_t contract) {
  const auto index = static_cast<std::uint32_t>(orders.size());
  Order& out = orders.emplace_back();
  out.id = kFirstOrderId + index;
  out.account = account;
  out.contract = contract;
  out.clock = options.order_clock_ns + draw_jitter(options.order_clock_jitter_ns);
  accounts[account].orders.push_back(index);
  return out;
}

const Holding* Exchange::Impl::find_holding(std::uint32_t account, std::uint32_t contract) const noexcept {
  for (const auto& h : accounts[account].holdings) {
    if (h.contract == contract) return &h;
  }
  return nullptr;
}

Holding& Exchange::Impl::holding(std::uint32_t account, std::uint32_t contract) {
  auto& holdings = accounts[account].holdings;
  for (auto& h : holdings) {
    if (h.contract == contract) return h;
  }
  holdings.emplace_back().contract = contract;
  return holdings.back();
}

void Exchange::Impl::change(Holding& held, Sizes sizes, Ns now) {
  held.sizes = sizes;
  held.changed = now;
  if (held.history.size() >= kMaxHistory) {
    held.history.erase(held.history.begin(), held.history.begin() + kMaxHistory / 2);
  }
  held.history.emplace_back(now, sizes);
}

void Exchange::Impl::open(std::uint32_t account, std::uint32_t contract, PositionSide side, Decimal size,
                          Ns now) {
  Holding& held = holding(account, contract);
  Sizes sizes = held.sizes;
  if (accounts[account].spec.mode == PositionMode::one_way) {
    Decimal& other = side_of(sizes, opposite(side));
    const Decimal netted = smaller(other, size);
    other = other - netted;
    size = size - netted;
  }
  Decimal& mine = side_of(sizes, side);
  mine = mine + size;
  change(held, sizes, now);
}

Decimal Exchange::Impl::largest_open(std::uint32_t account, std::uint32_t contract, Decimal wanted) const {
  const AccountState& state = accounts[account];
  const Contract& rules = contracts[contract];
  if (!state.spec.equity) return wanted;
  // Equity and margins in units of 10^-16: a size and a price of eight digits each, multiplied.
  const std::uint32_t leverage = std::max<std::uint32_t>(state.spec.leverage, 1);
  Uint128 equity = units(*state.spec.equity);
  for (std::uint8_t s = 0; s < kScale; ++s) equity *= 10;
  Uint128 used_margin = 0;
  for (const auto& h : state.holdings) {
    const Contract& other = contracts[h.contract];
    if (other.product != rules.product || other.margin_coin != rules.margin_coin) continue;
    used_margin +=
        (units(h.sizes.long_size) + units(h.sizes.short_size)) * units(margin_price(other)) / leverage;
  }
  if (used_margin >= equity) return {};
  const Uint128 step_margin = units(margin_price(rules)) * units(rules.size_step);
  if (step_margin == 0) return wanted;
  const Decimal affordable = whole_steps((equity - used_margin) * leverage / step_margin, rules.size_step);
  const Decimal out = smaller(affordable, wanted);
  return out < rules.min_size ? Decimal{} : out;
}

Decimal Exchange::trade(std::uint32_t account, std::uint32_t contract, PositionSide side, bool reduces,
                        Decimal size, Source source, Ns now) {
  Impl& impl = *impl_;
  BH_ASSERT(account < impl.accounts.size() && contract < impl.contracts.size());
  impl.advance(now);
  Holding& held = impl.holding(account, contract);
  if (reduces) {
    Sizes sizes = held.sizes;
    Decimal& mine = side_of(sizes, side);
    size = smaller(size, mine);
    if (size.is_zero()) return size;
    mine = mine - size;
    impl.change(held, sizes, now);
  } else {
    if (size.is_zero()) return size;
    impl.open(account, contract, side, size, now);
  }
  Order& order = impl.new_order(account, contract);
  order.client_oid = Oid(std::to_string(order.id));
  order.source = source;
  order.reduces = reduces;
  order.position_side = side;
  order.size = size;
  order.created = now;
  order.state = OrderState::filled;
  impl.note_execution(order, size, now);
  return size;
}

}  // namespace backhand::venue
