// One reversal as the engine asks the dialect to say it, and what the dialect makes of the reply.
#pragma once

#include <cstdint>

#include "common/decimal.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::domain {

using wire::CodeClass;

/// How the answer to a reversal must be treated. Only the first three are trustworthy.
enum class Verdict : std::uint8_t {
  acked,        ///< The venue's yes for our clientOid, with an order id.
  rejected,     ///< A definite no, with a code that precedes the first leg: nothing can have been executed.
  throttled,    ///< A definite no with the endpoint's rate-limit code: a fault of our pacing.
  doubtful_no,  ///< A no with a code that may follow an executed first leg. Unknown until there is evidence.
  unknown,  ///< Anything else: 5xx, no or foreign clientOid, not JSON, ambiguous or unlisted code, bare 429.
};

struct ReversalRequest {
  AccountIndex account;
  PositionIndex position;  ///< Which prepared template.
  PositionSide held_side = PositionSide::long_side;
  bool has_size = false;
  Decimal size;  ///< With has_size.
  wire::ClientOid client_oid;
};

struct ReversalReply {
  Verdict verdict = Verdict::unknown;
  CodeClass code_class = CodeClass::none;
  wire::VenueCode code;      ///< The venue's code as text ("00000"); empty where none was found.
  wire::OrderId order_id;    ///< With acked.
  VenueMs venue_ms = 0;      ///< The venue's requestTime; 0 where absent.
  bool of_another = false;   ///< It carries the clientOid of another reversal. Never acked or rejected.
  int remaining_quota = -1;  ///< Calls left this second by the venue's header; -1 where absent.
};

}  // namespace backhand::domain
