#include "common/wire/names.hpp"

#include <algorithm>
#include <concepts>

namespace backhand::wire {

namespace {

constexpr std::string_view kInvalid = "invalid";

[[nodiscard]] constexpr char upper(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

[[nodiscard]] constexpr bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return upper(x) == upper(y); });
}

}  // namespace

std::string_view to_string(Product value) noexcept {
  switch (value) {
    case Product::usdt_futures:
      return "USDT-FUTURES";
    case Product::coin_futures:
      return "COIN-FUTURES";
    case Product::usdc_futures:
      return "USDC-FUTURES";
    case Product::susdt_futures:
      return "SUSDT-FUTURES";
    case Product::scoin_futures:
      return "SCOIN-FUTURES";
    case Product::susdc_futures:
      return "SUSDC-FUTURES";
  }
  return kInvalid;
}

std::string_view to_string(PositionSide value) noexcept {
  switch (value) {
    case PositionSide::long_side:
      return "long";
    case PositionSide::short_side:
      return "short";
  }
  return kInvalid;
}

std::string_view to_string(IntentKind value) noexcept {
  switch (value) {
    case IntentKind::reverse:
      return "reverse";
    case IntentKind::withdraw:
      return "withdraw";
    case IntentKind::arm:
      return "arm";
    case IntentKind::fire:
      return "fire";
    case IntentKind::disarm:
      return "disarm";
  }
  return kInvalid;
}

std::string_view to_string(EventKind value) noexcept {
  switch (value) {
    case EventKind::denied:
      return "denied";
    case EventKind::queued:
      return "queued";
    case EventKind::sent:
      return "sent";
    case EventKind::acked:
      return "acked";
    case EventKind::rejected:
      return "rejected";
    case EventKind::unknown:
      return "unknown";
    case EventKind::settled:
      return "settled";
    case EventKind::unresolved:
      return "unresolved";
    case EventKind::armed:
      return "armed";
    case EventKind::disarmed:
      return "disarmed";
    case EventKind::notice:
      return "notice";
  }
  return kInvalid;
}

std::string_view to_string(DenyReason value) noexcept {
  switch (value) {
    case DenyReason::none:
      return "none";
    case DenyReason::malformed:
      return "malformed";
    case DenyReason::id_not_increasing:
      return "id_not_increasing";
    case DenyReason::unknown_account:
      return "unknown_account";
    case DenyReason::unknown_instrument:
      return "unknown_instrument";
    case DenyReason::deadline_passed:
      return "deadline_passed";
    case DenyReason::deadline_too_far:
      return "deadline_too_far";
    case DenyReason::deadline_unreachable:
      return "deadline_unreachable";
    case DenyReason::not_ready:
      return "not_ready";
    case DenyReason::halted:
      return "halted";
    case DenyReason::position_blocked:
      return "position_blocked";
    case DenyReason::position_busy:
      return "position_busy";
    case DenyReason::position_stale:
      return "position_stale";
    case DenyReason::wrong_side:
      return "wrong_side";
    case DenyReason::nothing_held:
      return "nothing_held";
    case DenyReason::size_differs:
      return "size_differs";
    case DenyReason::size_not_allowed:
      return "size_not_allowed";
    case DenyReason::size_too_small:
      return "size_too_small";
    case DenyReason::size_too_large:
      return "size_too_large";
    case DenyReason::size_off_step:
      return "size_off_step";
    case DenyReason::contract_closed:
      return "contract_closed";
    case DenyReason::too_many_intents:
      return "too_many_intents";
    case DenyReason::too_many_reversals:
      return "too_many_reversals";
    case DenyReason::queue_full:
      return "queue_full";
    case DenyReason::strategy_gone:
      return "strategy_gone";
    case DenyReason::withdrawn:
      return "withdrawn";
    case DenyReason::no_connection:
      return "no_connection";
    case DenyReason::not_written:
      return "not_written";
    case DenyReason::journal_unavailable:
      return "journal_unavailable";
    case DenyReason::restarted:
      return "restarted";
    case DenyReason::not_recorded:
      return "not_recorded";
    case DenyReason::stopping:
      return "stopping";
    case DenyReason::dry_run:
      return "dry_run";
    case DenyReason::too_late:
      return "too_late";
    case DenyReason::no_such_target:
      return "no_such_target";
    case DenyReason::shot_expired:
      return "shot_expired";
    case DenyReason::too_many_shots:
      return "too_many_shots";
    case DenyReason::capacity:
      return "capacity";
    case DenyReason::account_halted:
      return "account_halted";
    case DenyReason::never_taken:
      return "never_taken";
  }
  return kInvalid;
}

std::string_view to_string(SettledResult value) noexcept {
  switch (value) {
    case SettledResult::none:
      return "none";
    case SettledResult::reversed:
      return "reversed";
    case SettledResult::partly_reversed:
      return "partly_reversed";
    case SettledResult::closed_only:
      return "closed_only";
    case SettledResult::not_executed:
      return "not_executed";
  }
  return kInvalid;
}

std::string_view to_string(CodeClass value) noexcept {
  switch (value) {
    case CodeClass::none:
      return "none";
    case CodeClass::success:
      return "success";
    case CodeClass::not_executed:
      return "not_executed";
    case CodeClass::ambiguous:
      return "ambiguous";
    case CodeClass::closed:
      return "closed";
    case CodeClass::fatal:
      return "fatal";
    case CodeClass::nothing_held:
      return "nothing_held";
    case CodeClass::mode:
      return "mode";
    case CodeClass::funds:
      return "funds";
    case CodeClass::market:
      return "market";
    case CodeClass::bad_request:
      return "bad_request";
    case CodeClass::duplicate:
      return "duplicate";
    case CodeClass::lead_trader:
      return "lead_trader";
  }
  return kInvalid;
}

std::string_view to_string(NoticeKind value) noexcept {
  switch (value) {
    case NoticeKind::none:
      return "none";
    case NoticeKind::ready:
      return "ready";
    case NoticeKind::not_ready:
      return "not_ready";
    case NoticeKind::halted:
      return "halted";
    case NoticeKind::resumed:
      return "resumed";
    case NoticeKind::position_blocked:
      return "position_blocked";
    case NoticeKind::position_unblocked:
      return "position_unblocked";
    case NoticeKind::account_halted:
      return "account_halted";
    case NoticeKind::resolved:
      return "resolved";
    case NoticeKind::events_lost:
      return "events_lost";
  }
  return kInvalid;
}

std::string_view to_string(AttachStatus value) noexcept {
  switch (value) {
    case AttachStatus::ok:
      return "ok";
    case AttachStatus::bad_request:
      return "bad_request";
    case AttachStatus::wrong_abi:
      return "wrong_abi";
    case AttachStatus::wrong_layout:
      return "wrong_layout";
    case AttachStatus::unknown_strategy:
      return "unknown_strategy";
    case AttachStatus::wrong_user:
      return "wrong_user";
    case AttachStatus::already_attached:
      return "already_attached";
    case AttachStatus::too_many_lanes:
      return "too_many_lanes";
    case AttachStatus::no_memory:
      return "no_memory";
    case AttachStatus::busy:
      return "busy";
    case AttachStatus::too_slow:
      return "too_slow";
    case AttachStatus::journal_behind:
      return "the journal is behind the strategy";
    case AttachStatus::journal_failed:
      return "journal_failed";
    case AttachStatus::stopping:
      return "stopping";
  }
  return kInvalid;
}

template <typename Enum>
std::optional<Enum> from_string(std::string_view text) noexcept {
  // Every enum of the wire is numbered below 64, and the switches above know which numbers exist.
  for (unsigned number = 0; number < 64; ++number) {
    const auto value = static_cast<Enum>(number);
    const std::string_view word = to_string(value);
    if (word.data() == kInvalid.data()) continue;
    if constexpr (std::same_as<Enum, Product>) {
      if (equal_in_any_case(word, text)) return value;
    } else {
      if (word == text) return value;
    }
  }
  return std::nullopt;
}

template std::optional<Product> from_string<Product>(std::string_view) noexcept;
template std::optional<PositionSide> from_string<PositionSide>(std::string_view) noexcept;
template std::optional<IntentKind> from_string<IntentKind>(std::string_view) noexcept;
template std::optional<EventKind> from_string<EventKind>(std::string_view) noexcept;
template std::optional<DenyReason> from_string<DenyReason>(std::string_view) noexcept;
template std::optional<SettledResult> from_string<SettledResult>(std::string_view) noexcept;
template std::optional<CodeClass> from_string<CodeClass>(std::string_view) noexcept;
template std::optional<NoticeKind> from_string<NoticeKind>(std::string_view) noexcept;
template std::optional<AttachStatus> from_string<AttachStatus>(std::string_view) noexcept;

}  // namespace backhand::wire
