// What a reply proves about a reversal. The only place where that is decided.
#pragma once

#include <cstdint>

#include "common/wire/outcome.hpp"
#include "gateway/domain/reversal.hpp"

namespace backhand::bitget {

/// What was read of a reply.
struct ReplySigns {
  int http_status = 0;
  wire::CodeClass code_class = wire::CodeClass::none;
  bool precedes_first_leg = false;  ///< The code is said before the first leg is looked at, and only then.
  bool rate_limit = false;          ///< The code is one of the venue's own rate limits.
  bool venue_envelope = false;      ///< It has the venue's form: a code, and a message or a time beside it.
  bool has_order_id = false;
  bool names_us = false;       ///< It carries our clientOid.
  bool names_another = false;  ///< It carries a clientOid that is not ours.
};

/// A reversal is its own inverse, so a wrong "no" makes somebody send it again and undo it: only what cannot
/// be otherwise counts. The HTTP status alone never decides (the venue says no with 400 and a code, a proxy
/// says anything with anything), but it can spoil an answer: behind a 5xx, whatever its body says, nobody
/// knows how far the request came, and a yes under any status but 2xx contradicts itself. A code that does
/// not provably precede the first leg may be about the second one, after the first was executed: whatever its
/// class, that no is doubtful. Duplicate means that an earlier request of that name is alive, hence unknown
/// like everything that is not listed.
[[nodiscard]] constexpr domain::Verdict verdict_of(const ReplySigns& signs) noexcept {
  using domain::Verdict;
  const bool ok_status = signs.http_status >= 200 && signs.http_status < 300;
  const bool refusing_status = signs.http_status >= 400 && signs.http_status < 500;
  if (!ok_status && !refusing_status) return Verdict::unknown;
  if (!signs.venue_envelope || signs.names_another) return Verdict::unknown;
  if (signs.code_class == wire::CodeClass::success) {
    return ok_status && signs.has_order_id && signs.names_us ? Verdict::acked : Verdict::unknown;
  }
  // A no that names an order contradicts itself.
  if (signs.has_order_id) return Verdict::unknown;
  switch (signs.code_class) {
    case wire::CodeClass::not_executed:
    case wire::CodeClass::fatal:
    case wire::CodeClass::mode:
    case wire::CodeClass::bad_request:
      if (!signs.precedes_first_leg) return Verdict::doubtful_no;
      return signs.rate_limit ? Verdict::throttled : Verdict::rejected;
    case wire::CodeClass::closed:
    case wire::CodeClass::nothing_held:
    case wire::CodeClass::funds:
    case wire::CodeClass::market:
    case wire::CodeClass::lead_trader:
      return Verdict::doubtful_no;
    case wire::CodeClass::none:
    case wire::CodeClass::success:
    case wire::CodeClass::ambiguous:
    case wire::CodeClass::duplicate:
      return Verdict::unknown;
  }
  return Verdict::unknown;
}

}  // namespace backhand::bitget
