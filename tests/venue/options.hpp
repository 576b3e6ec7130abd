// Everything about the simulated venue that can be chosen: how it answers the questions that Bitget's pages
// leave open (C1 … C7 of the facts), how it counts, how long things take, and faults. Plain values; the JSON
// spelling of each is in README.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/decimal.hpp"
#include "common/time.hpp"
#include "tests/venue/http.hpp"

namespace backhand::venue {

/// How requests are counted against a limit of n in a window w.
enum class Counting : std::uint8_t {
  sliding,            ///< At most n in any window that ends now.
  fixed,              ///< At most n in each window that starts at a multiple of w (plus a phase).
  fixed_after_first,  ///< As fixed; a window starts with the first request after the last one ended.
  token_bucket,       ///< A bucket of n tokens that fills at n a window.
  strict_spacing,     ///< At least w / n between two requests.
};

/// C3: what `size` does in one-way mode.
enum class OneWaySize : std::uint8_t {
  ignored,  ///< The whole position is reversed.
  partial,  ///< Both legs have this size, so that a position of 20 reversed with 3 becomes 14.
};

/// C4: what `side` means in one-way mode.
enum class OneWaySide : std::uint8_t {
  ignored,
  position,  ///< buy: a long position is held; else 22002.
  order,     ///< sell: a long position is held (the legs sell); else 22002.
};

/// C5: which `tradeSide` hedge mode takes.
enum class HedgeTradeSide : std::uint8_t { open, close, any };

/// C6: which leg carries the request's clientOid, and which the returned orderId.
enum class IdLeg : std::uint8_t {
  close,
  open,
  both,  ///< clientOid only; a look-up by it finds the open leg once that exists.
  none,  ///< Neither look-up nor history rows ever show it, although the ack returned it.
};

/// C8: as how many orders a reversal is listed, and of which size.
enum class ReversalOrders : std::uint8_t {
  two,          ///< One for each leg.
  one_of_size,  ///< One for both, of the size of one leg.
  one_of_both,  ///< One for both, of the size of both legs together.
};

/// C8: what rows of a reversal say of their direction.
enum class RowSide : std::uint8_t {
  trade,    ///< The direction of the trade (one-way) or of the leg's position (hedge).
  echoed,   ///< As the request said, `side` and `tradeSide`.
  empty,    ///< Nothing.
  swapped,  ///< The opposite of `trade`.
};

/// C7: when an already used clientOid is refused (40786).
enum class UniqueClientOid : std::uint8_t { never, pending, always };

/// A row of all-position that no reader of documented rows can read whole.
enum class OddRow : std::uint8_t {
  none,
  foreign,  ///< One more, of an instrument that nobody has heard of.
  own,      ///< The first real one says holdSide "net".
};

/// In which order rows stand on a page. `idLessThan` always leads to lower ids, and `endId` is the last
/// row's.
enum class PageOrder : std::uint8_t { newest_first, oldest_first, none };

/// How GET spot/account/info tells whose key it is: not documented.
enum class UserIdStyle : std::uint8_t { text, number, absent };

/// What is kept of arrivals.
enum class KeepArrivals : std::uint8_t { all, reversals, none };

struct Options {
  std::uint64_t seed = 1;  ///< Of the source behind faults with a probability.

  Ns timestamp_tolerance_ns = 30 * kSecond;  ///< Older or further ahead: 40008.
  bool check_signature = true;               ///< Off: only for simulations that count every microsecond.

  bool size_required = false;                              ///< C1
  bool side_required = true;                               ///< C2
  OneWaySize one_way_size = OneWaySize::ignored;           ///< C3
  OneWaySide one_way_side = OneWaySide::ignored;           ///< C4
  HedgeTradeSide hedge_trade_side = HedgeTradeSide::open;  ///< C5
  IdLeg client_oid_leg = IdLeg::close;                     ///< C6
  IdLeg order_id_leg = IdLeg::close;                       ///< C6: close, open or none (known to no look-up).
  UniqueClientOid unique_client_oid = UniqueClientOid::never;  ///< C7
  ReversalOrders reversal_orders = ReversalOrders::two;        ///< C8
  RowSide row_side = RowSide::trade;                           ///< C8
  bool one_way_trade_side_ignored = false;  ///< Else a `tradeSide` in one-way mode is refused (40774).
  bool upper_case_required = false;         ///< Refuse lower-case symbols in click-backhand too.

  Ns ack_delay_ns = 0;                      ///< Every reply to a reversal is held so long.
  Ns created_delay_ns = 14 * kMillisecond;  ///< From the ack to the order's cTime.
  Ns filled_delay_ns = 83 * kMillisecond;   ///< From the ack to the order's uTime.
  Ns leg_gap_ns = 0;                        ///< The open leg comes so much later than the close leg.
  Ns order_lag_ns = 0;                      ///< order/detail and orders-pending show orders so late.
  Ns history_lag_ns = 0;                    ///< orders-history and fills show them so late.
  Ns position_lag_ns = 0;                   ///< Position reads show the position of so long ago.
  bool lags_vary = false;         ///< Each reply draws its own lag, up to these: pages go backwards.
  std::uint32_t page_rows = 100;  ///< No page has more rows, whatever `limit` asks for.
  PageOrder page_order = PageOrder::newest_first;

  // C9: the clocks of the services, against the one that checks timestamps: an offset, and up to so much more
  // in either direction, drawn for each order and for each read.
  Ns order_clock_ns = 0;  ///< cTime and uTime of orders and fills.
  Ns order_clock_jitter_ns = 0;
  Ns position_clock_ns = 0;  ///< requestTime of position reads.
  Ns position_clock_jitter_ns = 0;

  bool chunked = true;              ///< Replies; else Content-Length.
  bool code_as_number = false;      ///< "code":40037 instead of "code":"40037".
  bool detail_says_status = false;  ///< order/detail names its state `status` instead of `state`.
  bool omit_position_utime = true;  ///< Some live position rows lack uTime.
  bool partial_open_keeps_size =
      false;  ///< An open leg short of margin: size as wanted, canceled; else size as opened, filled.
  bool empty_list_is_null = true;  ///< Lists without rows are null (as live) instead of [].
  OddRow odd_row = OddRow::none;
  bool close_leg_reduce_only = false;       ///< The close leg says reduceOnly YES.
  UserIdStyle user_id = UserIdStyle::text;  ///< How spot/account/info writes `userId`.
  bool spot_info = true;                    ///< Off: GET spot/account/info is 404.

  bool limits = true;  ///< Off: nothing is throttled.
  Counting counting = Counting::sliding;
  Ns counter_resolution_ns = 1;     ///< Arrivals are rounded down to this before they are counted.
  bool window_inclusive = false;    ///< Sliding: an arrival exactly one window old still counts.
  Ns window_phase_ns = 0;           ///< Fixed: where windows start.
  bool count_throttled = false;     ///< Refused arrivals use allowance too.
  bool lead_throttle_code = false;  ///< Lead traders get HTTP 400 40918 instead of HTTP 429.
  std::uint32_t reversals_per_second = 10;
  std::uint32_t lead_reversals_per_second = 1;
  std::uint32_t ip_requests_per_minute = 6'000;
  Ns ip_penalty_ns = 300 * kSecond;  ///< Once over the IP limit, everything is 429 for so long.

  KeepArrivals keep_arrivals = KeepArrivals::all;

  // The rest is heeded by the TLS server only.
  Ns clock_offset_ns = 0;  ///< The venue's clock is so far ahead of the machine's.
  Ns idle_close_ns = 0;    ///< Connections without a request for so long are closed; 0: never.
  std::uint32_t close_after_requests = 0;  ///< A connection's last reply says "Connection: close"; 0: never.
};

/// What a fault says instead of the usual reply.
enum class Answer : std::uint8_t {
  usual,
  code,                ///< `status` (0: 400) and JSON with `code`.
  server_error,        ///< `status` (0: 502) and an HTML page.
  forbidden_html,      ///< HTTP 403 and an HTML page, as Cloudflare refuses.
  maintenance,         ///< `status` (0: 400) and JSON with 40200.
  not_json,            ///< HTTP 200 and text.
  empty,               ///< HTTP 200 without a body.
  oversize,            ///< HTTP 200 and 10 MB of JSON.
  foreign_client_oid,  ///< The ack of somebody else's order.
  other_account,       ///< What the next account would be told.
};

/// What a fault lets be executed.
enum class Apply : std::uint8_t { all, close_only, nothing };

/// One kind of misbehaviour and when it strikes. Durations add to those of Options.
struct Fault {
  std::string name;  ///< Counted under this name in Truth::faults.
  // When: the first fault that matches a request strikes; all selectors must hold.
  std::string path = "/api/v2/mix/order/click-backhand";  ///< Or "*".
  std::string account;                                    ///< Name; empty: any.
  std::string client_oid;                                 ///< Empty: any. Reversals only.
  bool on_arrival = false;   ///< Before any check (nothing is counted or executed); else when accepted.
  std::uint32_t count = 1;   ///< Strikes so often; 0: always.
  double probability = 1.0;  ///< Of striking, each time, by the seeded source.
  // What happens.
  Apply apply = Apply::all;
  std::optional<Decimal> open_limit;  ///< The open leg is at most so large; zero: only the close leg.
  Ns created_delay_ns = 0;
  Ns filled_delay_ns = 0;
  Ns leg_gap_ns = 0;
  // What is said.
  Answer answer = Answer::usual;
  int status = 0;
  std::string code;  ///< With Answer::code; empty: any of codes_after_a_leg(), drawn by the seeded source.
  Ns reply_delay_ns = 0;
  Delivery delivery = Delivery::normal;
};

/// A fault by its short name ("ack_lost_after", "server_error_before", …; the list is in README.md); empty
/// where the name is unknown.
[[nodiscard]] std::optional<Fault> named_fault(std::string_view name);
/// The codes that may be said of a reversal after its close leg was executed.
[[nodiscard]] std::span<const std::string_view> codes_after_a_leg() noexcept;
/// All names that `named_fault` knows.
[[nodiscard]] std::vector<std::string_view> fault_names();

}  // namespace backhand::venue
