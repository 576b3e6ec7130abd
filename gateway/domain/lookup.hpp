// Questions that change nothing: what they ask, and the answers as rows. A lookup may be repeated; a reversal
// never.
#pragma once

#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/domain/reversal.hpp"

namespace backhand::domain {

enum class LookupKind : std::uint8_t {
  venue_time,           ///< The venue's clock. Public: counted per IP only.
  account_kind,         ///< Lead trader or not; may not exist.
  account_mode,         ///< Position mode of a product (asks with one of its symbols).
  positions,            ///< All positions of a product.
  contracts,            ///< Rules of all contracts of a product. Public.
  order_by_client_oid,  ///< One order by the name that we gave it.
  order_by_order_id,    ///< One order by the venue's id.
  reversal_history,     ///< Orders of a product that came from reversals, since `since_venue_ms`.
  fills,                ///< Executions of a symbol since `since_venue_ms`, anybody's.
};
inline constexpr std::size_t kLookupKinds = 9;

struct Lookup {
  LookupKind kind = LookupKind::venue_time;
  AccountIndex account;   ///< Not for public ones.
  Instrument instrument;  ///< product always; symbol and margin coin where the kind needs them. Of history: a
                          ///< symbol narrows it.
  wire::ClientOid client_oid;
  wire::OrderId order_id;
  VenueMs since_venue_ms = 0;
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
};

/// One decoded answer. The vectors keep their capacity between answers, so that decoding allocates nothing
/// after warm-up; rows beyond the capacity reserved at start set `truncated`, which makes the answer unusable
/// as proof.
struct LookupReply {
  LookupStatus status = LookupStatus::unavailable;
  CodeClass code_class = CodeClass::none;
  wire::VenueCode code;
  VenueMs venue_ms = 0;  ///< requestTime of the reply; 0 where absent.
  int remaining_quota = -1;
  bool truncated = false;
  bool is_lead_trader = false;                         ///< account_kind
  PositionMode position_mode = PositionMode::one_way;  ///< account_mode
  VenueMs server_venue_ms = 0;                         ///< venue_time
  std::vector<PositionRow> positions;
  std::vector<ContractRules> contracts;
  std::vector<OrderRow> orders;  ///< order_by_…, reversal_history
  std::vector<FillRow> fills;

  void clear() noexcept {
    status = LookupStatus::unavailable;
    code_class = CodeClass::none;
    code = {};
    venue_ms = 0;
    remaining_quota = -1;
    truncated = false;
    is_lead_trader = false;
    position_mode = PositionMode::one_way;
    server_venue_ms = 0;
    positions.clear();
    contracts.clear();
    orders.clear();
    fills.clear();
  }
};

}  // namespace backhand::domain
