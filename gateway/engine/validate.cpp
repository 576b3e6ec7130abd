#include "gateway/engine/validate.hpp"

#include "common/decimal.hpp"

namespace backhand::engine {

namespace {

using wire::DenyReason;
using wire::Intent;
using wire::IntentKind;

bool known(wire::Product product) noexcept {
  return product >= wire::Product::usdt_futures && product <= wire::Product::susdc_futures;
}

bool known(wire::PositionSide side) noexcept {
  return side == wire::PositionSide::long_side || side == wire::PositionSide::short_side;
}

/// A size that is given is positive and has a scale we can hold; one that is not given is all zero.
bool size_fits(bool given, std::uint64_t digits, std::uint8_t scale) noexcept {
  if (!given) return digits == 0 && scale == 0;
  return digits > 0 && scale <= Decimal::kMaxScale;
}

bool fields_fit(const Intent& intent) noexcept {
  if (intent.reserved != 0 || (intent.flags & ~wire::kKnownIntentFlags) != 0) return false;
  if (intent.priority > wire::kMaxPriority) return false;
  if (!intent.account.well_formed() || !intent.symbol.well_formed() || !intent.margin_coin.well_formed())
    return false;
  if (intent.account.empty() || intent.symbol.empty()) return false;
  if (!known(intent.product) || !known(intent.position_side)) return false;
  return size_fits((intent.flags & wire::kHasSize) != 0, intent.size_digits, intent.size_scale) &&
         size_fits((intent.flags & wire::kHasExpectedSize) != 0, intent.expected_digits,
                   intent.expected_scale);
}

}  // namespace

wire::DenyReason check_deadline(const Intent& intent, Ns now) noexcept {
  if (intent.kind == IntentKind::withdraw || intent.kind == IntentKind::disarm) return DenyReason::none;
  if (intent.deadline_ns <= now) return DenyReason::deadline_passed;
  const Ns most = intent.kind == IntentKind::arm ? wire::kMaxShotAhead_ns : wire::kMaxDeadlineAhead_ns;
  if (intent.deadline_ns - now > most) return DenyReason::deadline_too_far;
  return DenyReason::none;
}

wire::DenyReason validate(const Intent& intent, std::uint64_t last_id) noexcept {
  if (intent.id == 0 || intent.id <= last_id) return DenyReason::id_not_increasing;
  switch (intent.kind) {
    case IntentKind::reverse:
    case IntentKind::arm:
      if (intent.target_id != 0 || !fields_fit(intent)) return DenyReason::malformed;
      return DenyReason::none;
    case IntentKind::fire:
      // What is to be reversed was said when the shot was armed; those fields are not looked at.
      if (intent.target_id == 0 || intent.target_id >= intent.id || intent.reserved != 0 ||
          intent.priority > wire::kMaxPriority || (intent.flags & ~wire::kKnownIntentFlags) != 0 ||
          !size_fits((intent.flags & wire::kHasExpectedSize) != 0, intent.expected_digits,
                     intent.expected_scale))
        return DenyReason::malformed;
      return DenyReason::none;
    case IntentKind::withdraw:
    case IntentKind::disarm:
      if (intent.target_id == 0 || intent.target_id >= intent.id || intent.reserved != 0)
        return DenyReason::malformed;
      return DenyReason::none;
  }
  return DenyReason::malformed;  // A kind from outside that has no enumerator.
}

}  // namespace backhand::engine
