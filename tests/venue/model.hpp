// What the simulated venue holds (contracts, accounts, orders) and what it remembers as ground truth. Plain
// values; times are nanoseconds since 1970 on the venue's clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/decimal.hpp"
#include "common/fixed_string.hpp"
#include "common/time.hpp"
#include "common/wire/intent.hpp"

namespace backhand::venue {

using wire::PositionSide;
using wire::Product;
using Oid = FixedString<64>;  ///< A client order id, ours or anybody's.

enum class ContractStatus : std::uint8_t { normal, listed, maintain, limit_open, restricted_api, off };

struct Contract {
  Product product = Product::usdt_futures;
  wire::SymbolName symbol;
  wire::CoinName base_coin;
  wire::CoinName quote_coin;
  wire::CoinName margin_coin;
  Decimal min_size;
  Decimal size_step;
  Decimal max_market_size;  ///< Zero: none.
  Decimal mark_price;       ///< In quote coin; every execution has this price.
  ContractStatus status = ContractStatus::normal;
};

enum class PositionMode : std::uint8_t { one_way, hedge };

struct HeldPosition {
  std::string symbol;
  Decimal long_size;
  Decimal short_size;  ///< In one-way mode at most one of the two is not zero.
};

struct AccountSpec {
  std::string name;
  std::string uid;  ///< Empty: made from its place in the list.
  std::string key, secret, passphrase;
  PositionMode mode = PositionMode::one_way;
  bool lead_trader = false;
  bool unified = false;                  ///< Classic endpoints answer 40085.
  bool demo = false;                     ///< Wants `paptrading: 1`; else must not have it.
  std::vector<std::string> allowed_ips;  ///< Empty: any.
  std::uint32_t leverage = 10;
  std::optional<Decimal> equity;  ///< In the margin coin, for each product; empty: never short of margin.
  std::vector<HeldPosition> positions;
};

/// Which accounts and contracts a venue starts with.
struct Scenario {
  std::vector<Contract> contracts;
  std::vector<AccountSpec> accounts;
};

/// All six product types with the usual symbols.
[[nodiscard]] const std::vector<Contract>& default_contracts();
/// The accounts "main", "hedge", "lead", "unified", "demo" of README.md.
[[nodiscard]] Scenario default_scenario();
/// `accounts` accounts with keys k0001 …, secrets s0001 …, passphrases p0001 …, named a0001 …, each long 20
/// in `symbols` USDT-FUTURES symbols (the usual ones first, then X001USDT …).
[[nodiscard]] Scenario generated_scenario(std::uint32_t accounts, PositionMode mode, std::uint32_t symbols);

enum class Endpoint : std::uint8_t {
  click_backhand,
  order_detail,
  orders_history,
  orders_pending,
  order_fills,
  account,
  spot_account_info,
  single_position,
  all_position,
  public_time,
  contracts,
  unknown,
};
inline constexpr std::size_t kEndpoints = 12;
[[nodiscard]] std::string_view path_of(Endpoint endpoint) noexcept;
[[nodiscard]] Endpoint endpoint_of(std::string_view path) noexcept;

enum class OrderState : std::uint8_t { unborn, live, filled, canceled };
enum class Leg : std::uint8_t { other, close, open };
/// Where an order came from.
enum class Source : std::uint8_t { reversal, market, stop, liquidation, adl };

inline constexpr std::uint32_t kNoIndex = UINT32_MAX;

struct Order {
  std::uint64_t id = 0;
  Oid client_oid;  ///< As rows show it.
  std::uint32_t account = 0;
  std::uint32_t contract = 0;
  std::uint32_t reversal = kNoIndex;  ///< Into Truth::reversals.
  Source source = Source::reversal;
  Leg leg = Leg::other;
  OrderState state = OrderState::unborn;
  bool reduces = false;                                  ///< Closes (part of) `position_side`.
  PositionSide position_side = PositionSide::long_side;  ///< Side of the position that it changes.
  Decimal size;
  Decimal filled;
  Decimal price;
  Ns created = kNever;
  Ns updated = kNever;
  Ns clock = 0;                    ///< So far ahead is the clock by which its row is stamped.
  std::optional<Decimal> at_most;  ///< Whatever the margin allows, no more than this is executed.
  std::uint64_t trade_id = 0;      ///< Of its one fill; 0: none.
};

/// One request that came in.
struct Arrival {
  Ns at = 0;
  std::uint32_t account = kNoIndex;  ///< kNoIndex: public, or the key is not known.
  Endpoint endpoint = Endpoint::unknown;
  std::int16_t status = 0;
  FixedString<8> verdict;  ///< The code that was meant: "00000", "429", … whatever a fault then said.
  Oid client_oid;
  std::int32_t fault = -1;  ///< Into Truth::fault_names, where one struck.
};

/// One reversal that was accepted (or executed although something else was said).
struct Reversal {
  Ns accepted = 0;
  std::uint32_t account = 0;
  std::uint32_t contract = 0;
  Oid client_oid;  ///< As the request gave it, whatever rows show.
  std::uint64_t close_order = 0;
  std::uint64_t open_order = 0;      ///< 0: there is none.
  std::uint64_t returned_order = 0;  ///< The orderId of the ack.
  PositionSide held = PositionSide::long_side;
  FixedString<8> side;  ///< As the request said; empty: it did not.
  Decimal requested;    ///< Size of the legs as accepted.
  Decimal closed;
  Decimal opened;
  Decimal long_before, short_before;  ///< Right before the close leg.
  Decimal long_after, short_after;    ///< Right after its last leg.
  bool done = false;                  ///< No further leg will come.
};

/// One execution.
struct Execution {
  Ns at = 0;
  std::uint32_t account = 0;
  std::uint32_t contract = 0;
  std::uint64_t order = 0;
  std::uint32_t reversal = kNoIndex;
  Source source = Source::reversal;
  Leg leg = Leg::other;
  bool reduces = false;
  PositionSide position_side = PositionSide::long_side;
  Decimal size;
  Decimal long_after, short_after;
};

struct Counters {
  std::uint64_t arrivals = 0;
  std::uint64_t reversal_arrivals = 0;
  std::uint64_t accepted = 0;   ///< Reversals answered (or meant to be answered) 00000.
  std::uint64_t refused = 0;    ///< Reversals refused by a check.
  std::uint64_t throttled = 0;  ///< All endpoints, per UID and per IP.
  std::uint64_t reversals_throttled = 0;
  std::uint64_t reversals_executed = 0;  ///< Those of which at least the close leg was executed.
  std::uint64_t reversals_repeated =
      0;                         ///< Executed ones whose (account, clientOid) had been executed before.
  std::uint64_t executions = 0;  ///< Legs and other traders' orders.
  std::uint32_t max_reversals_in_second = 0;  ///< Of any account: arrivals in any one second, refused too.
  std::uint32_t max_executions_of_client_oid = 0;
};

/// What really happened.
struct Truth {
  Counters counters;
  std::vector<Arrival> arrivals;  ///< As Options::keep_arrivals says.
  std::vector<Reversal> reversals;
  std::vector<Execution> executions;
  std::vector<std::string> fault_names;
  std::vector<std::uint64_t> fault_strikes;       ///< Beside fault_names.
  std::map<std::string, std::uint64_t> verdicts;  ///< Reversal arrivals by code.
};

}  // namespace backhand::venue
