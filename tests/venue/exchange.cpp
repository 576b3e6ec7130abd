#include "tests/venue/exchange.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "tests/venue/impl.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

Exchange::Impl::Impl(const Options& chosen, const Scenario& scenario)
    : options(chosen), contracts(scenario.contracts), random_state(chosen.seed) {
  accounts.reserve(scenario.accounts.size());
  keys.reserve(scenario.accounts.size());
  for (const auto& spec : scenario.accounts) {
    AccountState& account = accounts.emplace_back();
    account.spec = spec;
    account.spec.positions.clear();
    const auto index = static_cast<std::uint32_t>(accounts.size() - 1);
    if (account.spec.uid.empty()) account.spec.uid = std::to_string(7'000'000'001ULL + index);
    keys.emplace(account.spec.key, index);
    for (const auto& p : spec.positions) {
      const auto contract = find_contract(p.symbol);
      if (contract) change(holding(index, *contract), {p.long_size, p.short_size}, 0);
    }
  }
}

std::optional<std::uint32_t> Exchange::Impl::find_contract(std::string_view symbol) const noexcept {
  if (!wire::SymbolName::fits(symbol)) return std::nullopt;
  const wire::SymbolName wanted(symbol);
  for (std::uint32_t i = 0; i < contracts.size(); ++i) {
    if (contracts[i].symbol == wanted) return i;
  }
  return std::nullopt;
}

Exchange::Exchange(const Options& options, const Scenario& scenario)
    : impl_(std::make_unique<Impl>(options, scenario)) {}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

HttpResponse Exchange::handle(const HttpRequest& request, Ns now, std::string_view client_ip) {
  return impl_->handle(request, now, client_ip);
}
void Exchange::advance(Ns now) { impl_->advance(now); }
Ns Exchange::next_due() const noexcept { return impl_->pending.empty() ? kNever : impl_->pending.front().at; }

Options& Exchange::options() noexcept { return impl_->options; }
const Truth& Exchange::truth() const noexcept { return impl_->truth; }

void Exchange::reset_truth() {
  Truth& truth = impl_->truth;
  // Reversals that are under way stay, so that their legs find them.
  std::vector<Reversal> open;
  std::vector<std::uint32_t> moved(truth.reversals.size(), kNoIndex);
  for (std::size_t i = 0; i < truth.reversals.size(); ++i) {
    if (truth.reversals[i].done) continue;
    moved[i] = static_cast<std::uint32_t>(open.size());
    open.push_back(truth.reversals[i]);
  }
  for (auto& order : impl_->orders) {
    if (order.reversal != kNoIndex) order.reversal = moved[order.reversal];
  }
  impl_->used.clear();
  for (std::uint32_t i = 0; i < open.size(); ++i) {
    impl_->used[{open[i].account, open[i].client_oid}] = {i, open[i].closed.is_zero() ? 0U : 1U};
  }
  auto names = std::move(truth.fault_names);
  truth = {};
  truth.reversals = std::move(open);
  truth.fault_strikes.assign(names.size(), 0);
  truth.fault_names = std::move(names);
  for (auto& account : impl_->accounts) account.counters = {};
  impl_->ips.clear();
}

std::uint32_t Exchange::executed_times(std::string_view account, std::string_view client_oid) const {
  const auto index = find_account(account);
  if (!index) return 0;
  const auto found = impl_->used.find({*index, Oid(client_oid)});
  return found == impl_->used.end() ? 0 : found->second.executed;
}

std::uint32_t Exchange::max_in_second(std::uint32_t account, Endpoint endpoint) const noexcept {
  return impl_->accounts[account].counters[static_cast<std::size_t>(endpoint)].max_in_second();
}

std::uint32_t Exchange::accounts() const noexcept {
  return static_cast<std::uint32_t>(impl_->accounts.size());
}
const AccountSpec& Exchange::account(std::uint32_t index) const noexcept {
  return impl_->accounts[index].spec;
}

std::optional<std::uint32_t> Exchange::find_account(std::string_view name) const noexcept {
  for (std::uint32_t i = 0; i < impl_->accounts.size(); ++i) {
    if (impl_->accounts[i].spec.name == name) return i;
  }
  return std::nullopt;
}

std::uint32_t Exchange::contracts() const noexcept {
  return static_cast<std::uint32_t>(impl_->contracts.size());
}
const Contract& Exchange::contract(std::uint32_t index) const noexcept { return impl_->contracts[index]; }
std::optional<std::uint32_t> Exchange::find_contract(std::string_view symbol) const noexcept {
  return impl_->find_contract(symbol);
}

Exchange::Sizes Exchange::position(std::uint32_t account, std::uint32_t contract) const noexcept {
  const Holding* const held = impl_->find_holding(account, contract);
  return held == nullptr ? Sizes{} : held->sizes;
}

const Order* Exchange::find_order(std::uint64_t id) const noexcept {
  return id >= kFirstOrderId && id - kFirstOrderId < impl_->orders.size() ? &impl_->orders[id - kFirstOrderId]
                                                                          : nullptr;
}

void Exchange::set_position(std::uint32_t account, std::uint32_t contract, Sizes sizes, Ns now) {
  BH_ASSERT(account < impl_->accounts.size() && contract < impl_->contracts.size());
  impl_->advance(now);
  impl_->change(impl_->holding(account, contract), sizes, now);
}

void Exchange::set_mark_price(std::uint32_t contract, Decimal price) {
  impl_->contracts[contract].mark_price = price;
}
void Exchange::set_contract_status(std::uint32_t contract, ContractStatus status) {
  impl_->contracts[contract].status = status;
}
void Exchange::set_equity(std::uint32_t account, std::optional<Decimal> equity) {
  impl_->accounts[account].spec.equity = equity;
}
void Exchange::set_unified(std::uint32_t account, bool unified) {
  impl_->accounts[account].spec.unified = unified;
}
void Exchange::set_mode(std::uint32_t account, PositionMode mode) {
  impl_->accounts[account].spec.mode = mode;
}
void Exchange::set_lead_trader(std::uint32_t account, bool lead_trader) {
  impl_->accounts[account].spec.lead_trader = lead_trader;
}

}  // namespace backhand::venue
