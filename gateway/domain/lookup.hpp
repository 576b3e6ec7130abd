// Questions that change nothing: what they ask, and the answers as rows. A lookup may be repeated; a reversal
// never.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/fixed_string.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/domain/reversal.hpp"

namespace backhand::domain {

enum class LookupKind : std::uint8_t {
  venue_time,           ///< The venue's clock. Public: counted per IP only.
  account_kind,         ///< Lead trader or not, and whose it is; may not exist.
  account_mode,         ///< Position mode of a product (asks with one of its symbols).
  positions,            ///< All positions of a product.
  contracts,            ///< Rules of all contracts of a product, or of `symbol`. Public.
  order_by_client_oid,  ///< One order by the name that we gave it.
  order_by_order_id,    ///< One order by the venue's id.
  reversal_history,     ///< Orders of a product that came from reversals, since `since_venue_ms`.
  fills,                ///< Executions of a symbol since `since_venue_ms`, anybody's.
};
inline constexpr std::size_t kLookupKinds = 9;

struct Lookup {
  LookupKind kind = LookupKind::venue_time;
  AccountIndex account;   ///< Not for public ones.
  Instrument instrument;  ///< product always; symbol and margin coin where the kind needs them. Of history
                          ///< and contracts: a symbol narrows it.
  wire::ClientOid client_oid;
  wire::OrderId order_id;
  VenueMs since_venue_ms = 0;
  wire::OrderId
      before_id;  ///< Of history: only rows older than this one; a page's `end_id`. Empty: the newest.
};

enum class LookupStatus : std::uint8_t {
  ok,
  not_found,  ///< The venue says definitely that it knows no such order (now).
  absent,     ///< The venue has no such endpoint (404).
  refused,    ///< Fatal class: credentials, permission, account kind.
  throttled,
  unavailable,  ///< 5xx, not JSON, an unlisted code, a missing field: nothing was learned.
};

enum class OrderState : std::uint8_t { live, partly_filled, filled, canceled };
/// Which leg of a reversal an order says it is; one-way orders may not say.
enum class LegRole : std::uint8_t { unstated, close, open };

/// One order as the venue tells it. Its `side` is not read: whether that is the direction of a trade or
/// repeats the request's is not documented for reversals.
struct OrderRow {
  wire::OrderId order_id;
  wire::ClientOid client_oid;  ///< Empty where the venue gave none.
  Instrument instrument;
  OrderState state = OrderState::live;
  bool has_position_side = false;
  PositionSide position_side = PositionSide::long_side;  ///< With has_position_side (hedge).
  LegRole role = LegRole::unstated;
  bool from_reversal = false;  ///< orderSource says reversal.
  bool from_api = true;        ///< enterPointSource is API or absent; false: a person's screen.
  Decimal size;
  Decimal filled;
  VenueMs created_venue_ms = 0;
  VenueMs updated_venue_ms = 0;
};

struct FillRow {
  wire::OrderId order_id;
  Decimal size;
  VenueMs time_venue_ms = 0;
};

struct PositionRow {
  Instrument instrument;
  PositionSide side = PositionSide::long_side;
  Decimal total;
  std::optional<PositionMode> mode{};  ///< Where the row says it.
};

/// A row of a list of positions that could not be read whole. It may hide a position of every instrument that
/// its names fit; a name that is empty could not be read either and fits all.
struct UnreadRow {
  Instrument instrument;    ///< Letters and digits of the names alone, where that is all they have.
  bool of_nobody = false;   ///< Its names can be those of no instrument that we could be configured with.
  std::string_view field;   ///< The first field that could not be read: a literal.
  FixedString<32> shown{};  ///< What its symbol says, in printable characters.
};

/// What a reply looked like, kept for people where it was of no use. Written by the peer, whoever that is, so
/// all of it is cut and made printable.
struct ReplyTrace {
  int http_status = 0;  ///< 0: no reply came.
  FixedString<96> message{};
  FixedString<32> content_type{};
  FixedString<16> content_encoding{};
};

/// The venue's name for whoever owns a key, as text.
using UserId = FixedString<24>;

/// One decoded answer. The vectors keep their capacity between answers, so that decoding allocates nothing
/// after warm-up; rows beyond the capacity reserved at start set `truncated`, which makes the answer unusable
/// as proof.
struct LookupReply {
  LookupStatus status = LookupStatus::unavailable;
  CodeClass code_class = CodeClass::none;
  wire::VenueCode code;
  VenueMs venue_ms = 0;  ///< requestTime of the reply; 0 where absent.
  int remaining_quota = -1;
  ReplyTrace trace;
  bool truncated = false;
  wire::OrderId
      end_id;  ///< Of a page of history: where the next, older one begins. Empty: the venue gave none.
  bool is_lead_trader = false;                         ///< account_kind
  UserId user_id;                                      ///< account_kind; empty where the venue gave none.
  PositionMode position_mode = PositionMode::one_way;  ///< account_mode
  VenueMs server_venue_ms = 0;                         ///< venue_time
  std::vector<PositionRow> positions;
  std::vector<UnreadRow> unread;  ///< positions: rows that could not be read.
  std::vector<ContractRules> contracts;
  std::vector<OrderRow> orders;  ///< order_by_…, reversal_history
  std::vector<FillRow> fills;

  void clear() noexcept {
    status = LookupStatus::unavailable;
    code_class = CodeClass::none;
    code = {};
    venue_ms = 0;
    remaining_quota = -1;
    trace = {};
    truncated = false;
    end_id = {};
    is_lead_trader = false;
    user_id = {};
    position_mode = PositionMode::one_way;
    server_venue_ms = 0;
    positions.clear();
    unread.clear();
    contracts.clear();
    orders.clear();
    fills.clear();
  }

  /// Whether a row that could not be read may be a position of `wanted`: then the answer says nothing of it.
  [[nodiscard]] bool may_hide(const Instrument& wanted) const noexcept;
};

/// Symbol or coin without what separates its parts ("ETH-USDT", "ETH/USDT"): what two spellings share.
template <std::size_t N>
[[nodiscard]] constexpr FixedString<N> letters_of(const FixedString<N>& name) noexcept {
  FixedString<N> out;
  std::size_t size = 0;
  for (const char c : name.view()) {
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')) out.bytes[size++] = c;
  }
  return out;
}

/// Whether a row that could not be read may be one of `wanted`.
[[nodiscard]] inline bool may_be(const UnreadRow& row, const Instrument& wanted) noexcept {
  if (row.of_nobody) return false;
  const Instrument& is = row.instrument;
  return (is.symbol.empty() || is.symbol == letters_of(wanted.symbol)) &&
         (is.margin_coin.empty() || is.margin_coin == letters_of(wanted.margin_coin));
}

inline bool LookupReply::may_hide(const Instrument& wanted) const noexcept {
  for (const UnreadRow& row : unread) {
    if (may_be(row, wanted)) return true;
  }
  return false;
}

}  // namespace backhand::domain
