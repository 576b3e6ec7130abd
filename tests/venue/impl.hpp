// Private to the venue's logic: what an Exchange holds and the steps of answering a request. Included by the
// .cpp files that implement them, one file a step.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/venue/exchange.hpp"
#include "tests/venue/json_text.hpp"
#include "tests/venue/params.hpp"
#include "tests/venue/rate_counter.hpp"
#include "tests/venue/signature.hpp"

namespace backhand::venue {

/// As the venue writes times: milliseconds.
inline std::uint64_t ms(Ns at) noexcept { return static_cast<std::uint64_t>(at / kMillisecond); }

/// What an account holds of a contract, and what it held a while ago (for position_lag_ns).
struct Holding {
  std::uint32_t contract = 0;
  Exchange::Sizes sizes;
  Ns changed = 0;
  std::vector<std::pair<Ns, Exchange::Sizes>> history;  ///< (from when, sizes), oldest first.
};

struct AccountState {
  AccountSpec spec;
  std::optional<SignatureKey> key;  ///< Made at the first request: most simulated accounts get few.
  std::vector<Holding> holdings;
  std::vector<std::uint32_t> orders;  ///< Into Impl::orders, by id.
  std::vector<std::uint32_t> fills;   ///< Into Impl::orders, by trade id.
  std::array<RateCounter, kEndpoints> counters;
};

struct IpState {
  std::array<RateCounter, kEndpoints> counters;
  RateCounter all;
  Ns penalty_until = INT64_MIN;
};

struct FaultState {
  Fault fault;
  std::uint32_t left = 0;  ///< With Fault::count > 0.
  std::size_t name = 0;    ///< Into Truth::fault_names.
};

/// One request on its way through the checks.
struct Call {
  const HttpRequest& request;
  Ns now = 0;
  std::string_view path{};
  std::string_view query{};
  Endpoint endpoint = Endpoint::unknown;
  std::uint32_t account = kNoIndex;
  int remaining = -1;
  Params params{};
  bool body_is_object = false;  ///< click-backhand only; its `params` come from the body.
  Oid client_oid{};
  std::string_view code = "00000";  ///< The verdict; a literal or a fault's own code.
  int fault = -1;
};

struct Event {
  Ns at = 0;
  std::uint64_t sequence = 0;  ///< Keeps events of one moment in the order in which they were planned.
  std::uint32_t order = 0;
  bool fill = false;  ///< Else the order is created.

  /// For a heap whose top is the earliest.
  friend bool operator<(const Event& a, const Event& b) noexcept {
    return std::pair(a.at, a.sequence) > std::pair(b.at, b.sequence);
  }
};

struct ReversalKey {
  std::uint32_t account = 0;
  Oid client_oid;
  friend bool operator==(const ReversalKey&, const ReversalKey&) noexcept = default;
};
struct ReversalKeyHash {
  std::size_t operator()(const ReversalKey& key) const noexcept {
    return std::hash<std::string_view>{}(key.client_oid.view()) * 31 + key.account;
  }
};
struct ReversalUse {
  std::uint32_t last = 0;  ///< Into Truth::reversals.
  std::uint32_t executed = 0;
};

/// What a click-backhand asks, after its checks.
struct ReversalOrder {
  std::uint32_t contract = 0;
  PositionSide held = PositionSide::long_side;
  Decimal size;
};

inline constexpr std::uint64_t kFirstOrderId = 1'323'031'696'869'000'000;
inline constexpr std::uint64_t kFirstTradeId = 1'423'000'000'000'000'001;

struct Exchange::Impl {
  Options options;
  Truth truth;
  std::vector<Contract> contracts;
  std::vector<AccountState> accounts;
  std::unordered_map<std::string_view, std::uint32_t> keys;  ///< Views into accounts[…].spec.key.
  std::unordered_map<std::string, IpState> ips;
  std::vector<Order> orders;   ///< Order id = kFirstOrderId + index.
  std::vector<Event> pending;  ///< A heap.
  std::vector<FaultState> faults;
  std::unordered_map<ReversalKey, ReversalUse, ReversalKeyHash> used;
  std::uint64_t sequence = 0;
  std::uint64_t traces = 0;
  std::uint64_t fills = 0;
  std::uint64_t random_state = 0;

  Impl(const Options& options, const Scenario& scenario);

  // request.cpp: the checks that all endpoints share, and throttling.
  HttpResponse handle(const HttpRequest& request, Ns now, std::string_view client_ip);
  /// Finds the account by its key and reads a reversal's body, so that the ground truth can name both for a
  /// request that is then refused.
  void identify(Call& call);
  HttpResponse answer(Call& call, std::string_view client_ip);
  HttpResponse answer_private(Call& call, std::string_view client_ip);
  HttpResponse dispatch(Call& call);
  std::optional<HttpResponse> check_identity(Call& call, std::string_view client_ip);
  std::optional<HttpResponse> count_ip(Call& call, IpState& ip);
  void record(const Call& call, const HttpResponse& response);
  HttpResponse success(Call& call, std::string_view data) const;
  HttpResponse failure(Call& call, int status, std::string_view code, std::string_view what = {}) const;
  [[nodiscard]] std::string envelope(std::string_view code, std::string_view message, Ns now,
                                     std::string_view data) const;

  // reversal.cpp: POST click-backhand.
  HttpResponse click_backhand(Call& call);
  std::optional<HttpResponse> check_parameters(Call& call);
  std::optional<HttpResponse> check_client_oid(Call& call);
  std::optional<HttpResponse> check_contract(Call& call, ReversalOrder& order);
  std::optional<HttpResponse> check_position(Call& call, ReversalOrder& order);
  Reversal& accept(Call& call, const ReversalOrder& order, const Fault& fault);
  HttpResponse acknowledge(Call& call, std::uint64_t order_id);

  // executions.cpp: what happens to orders and positions.
  void advance(Ns now);
  void create(Order& order, Ns now);
  void fill_close(Order& order, Ns now);
  void fill_open(Order& order, Ns now);
  void cancel(Order& order, Ns now);
  void note_execution(Order& order, Decimal size, Ns now);
  void plan(std::uint32_t order, Ns at, bool fill);
  Order& new_order(std::uint32_t account, std::uint32_t contract);
  Holding& holding(std::uint32_t account, std::uint32_t contract);
  [[nodiscard]] const Holding* find_holding(std::uint32_t account, std::uint32_t contract) const noexcept;
  void change(Holding& held, Sizes sizes, Ns now);
  /// Opens `size` of `side`; in one-way mode the other side is netted first.
  void open(std::uint32_t account, std::uint32_t contract, PositionSide side, Decimal size, Ns now);
  [[nodiscard]] Decimal largest_open(std::uint32_t account, std::uint32_t contract, Decimal wanted) const;

  // rows.cpp and market_rows.cpp: look-ups.
  HttpResponse order_detail(Call& call);
  HttpResponse orders_history(Call& call);
  HttpResponse orders_pending(Call& call);
  HttpResponse order_fills(Call& call);
  HttpResponse positions(Call& call, bool single);
  HttpResponse account_row(Call& call);
  HttpResponse spot_account_info(Call& call);
  HttpResponse public_time(Call& call);
  HttpResponse contract_rows(Call& call);
  void append_order(std::string& out, const Order& order, std::string_view state_key) const;
  void append_fill(std::string& out, const Order& order) const;
  /// How an order of a reversal is shown; empty where another order stands for it.
  [[nodiscard]] std::optional<Order> listed(const Order& order) const;
  /// The number under which its executions are listed.
  [[nodiscard]] std::uint64_t listed_id(const Order& order) const;
  [[nodiscard]] bool visible(const Order& order, Ns now, Ns lag) const noexcept;
  /// Reads productType (and, where `with_symbol`, symbol) as look-ups want them.
  std::optional<HttpResponse> read_product(Call& call, bool with_symbol, Product& product,
                                           std::optional<std::uint32_t>& contract);

  // faults.cpp
  /// The first fault that strikes; counts it.
  const Fault* strike(Call& call, bool on_arrival);
  HttpResponse distort(Call& call, const Fault& fault, HttpResponse usual);
  double draw() noexcept;
  /// Up to `most` in either direction, by the seeded source; draws nothing where that is 0.
  Ns draw_jitter(Ns most) noexcept;
  [[nodiscard]] std::string_view draw_code() noexcept;
  /// The lag of one reply, of which `most` is the longest.
  Ns lag(Ns most) noexcept {
    return options.lags_vary ? static_cast<Ns>(draw() * static_cast<double>(most)) : most;
  }

  [[nodiscard]] std::optional<std::uint32_t> find_contract(std::string_view symbol) const noexcept;
};

}  // namespace backhand::venue
