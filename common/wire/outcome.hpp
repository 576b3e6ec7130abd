// What the gateway tells a strategy, as it lies in shared memory: one event in the life of an intent, or a
// notice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/wire/intent.hpp"

namespace backhand::wire {

enum class EventKind : std::uint8_t {
  denied = 1,    ///< Terminal. Our no: no byte of it left the process. See `deny_reason`.
  queued = 2,    ///< Taken and journaled; `slot_ns` is the predicted send time.
  sent = 3,      ///< Its bytes went to the kernel at `written_ns` on `connection`.
  acked = 4,     ///< The venue accepted it; `order_id` is set. Accepted is not executed.
  rejected = 5,  ///< Terminal. The venue's definite no; `venue_code` and `code_class` are set.
  unknown = 6,   ///< Bytes were sent and no trustworthy answer came; the position is blocked. Journaled.
  settled = 7,   ///< Terminal. Evidence says how it ended; `result` and positions before and after are set.
  unresolved =
      8,      ///< Terminal. No evidence in the time allowed; a person must look; the position stays blocked.
  armed = 9,  ///< A shot is ready to fire.
  disarmed = 10,  ///< Terminal, of a shot's arm intent: it will not fire (again). `deny_reason` is `none`
                  ///< where it was sent, `withdrawn` where its strategy dropped it.
  notice = 32,    ///< Belongs to no intent; see `notice`.
};

/// Why an intent was denied. Each enumerator is one check; the text of each is in `to_string`.
enum class DenyReason : std::uint8_t {
  none = 0,
  malformed = 1,             ///< A field is out of range, reserved bytes are set, or text is not zero-padded.
  id_not_increasing = 2,     ///< The id is not above the last one of this lane.
  unknown_account = 3,       ///< No such account, or not this strategy's.
  unknown_instrument = 4,    ///< Not configured for this account, or not this strategy's.
  deadline_passed = 5,       ///< The deadline lay in the past when it was looked at.
  deadline_too_far = 6,      ///< More than 60 s ahead; of an arm, 24 h.
  deadline_unreachable = 7,  ///< The slot it would get lies past its deadline; `slot_ns` is the prediction.
  not_ready = 8,             ///< Readiness of the account or gateway is not proven (yet, or any more).
  halted = 9,                ///< The kill switch is on.
  position_blocked = 10,     ///< An earlier reversal of this position has no proven end.
  position_busy = 11,        ///< A reversal of this position is under way and waiting is not configured.
  position_stale = 12,       ///< Our last read of the position is older than configured.
  wrong_side = 13,           ///< The side named is not held.
  nothing_held = 14,         ///< The position is flat.
  size_differs = 15,         ///< The held size is not the expected one.
  size_not_allowed = 16,     ///< One-way mode reverses the whole position.
  size_too_small = 17,
  size_too_large = 18,  ///< Above the strategy's, the instrument's or the contract's maximum.
  size_off_step = 19,
  contract_closed = 20,      ///< The contract's status does not permit market orders.
  too_many_intents = 21,     ///< The strategy's intents a second.
  too_many_reversals = 22,   ///< Reversals of this position in a minute or a day.
  queue_full = 23,           ///< The strategy's or account's queue of waiting intents.
  strategy_gone = 24,        ///< The strategy detached while its intent waited.
  withdrawn = 25,            ///< Taken back by its strategy.
  no_connection = 26,        ///< No warm connection was free before the deadline.
  not_written = 27,          ///< The kernel took no byte.
  journal_unavailable = 28,  ///< The intent could not be recorded, so it was not sent.
  restarted = 29,            ///< It waited when the gateway stopped; nothing was sent.
  not_recorded = 30,         ///< Below the taken mark without a record; nothing was sent.
  stopping = 31,             ///< The gateway is shutting down.
  dry_run = 32,              ///< Everything was done but the write.
  too_late = 33,             ///< Withdraw or disarm came after the send.
  no_such_target = 34,       ///< Withdraw, fire or disarm names nothing that waits.
  shot_expired = 35,         ///< The shot aged out or its deadline passed.
  too_many_shots = 36,
  capacity = 37,        ///< The gateway's own pool of open intents is full.
  account_halted = 38,  ///< The venue refused the account's credentials or kind; see the notice.
  never_taken = 39,     ///< The gateway died before it took it. Said by the client library, not by a gateway.
};
/// One above the largest DenyReason.
inline constexpr std::size_t kDenyReasons = static_cast<std::size_t>(DenyReason::never_taken) + 1;

enum class SettledResult : std::uint8_t {
  none = 0,
  reversed = 1,         ///< Closed and opened the same size.
  partly_reversed = 2,  ///< Closed, and opened less (too little margin).
  closed_only = 3,      ///< Closed; nothing was opened.
  not_executed = 4,     ///< Nothing happened, and nothing can any more.
};

/// How the venue's code is classed (bitget-facts §6); `none` where no code came.
enum class CodeClass : std::uint8_t {
  none = 0,
  success = 1,
  not_executed = 2,  ///< A: throttled, or refused before looked at.
  ambiguous = 3,     ///< B, and every code that is not listed.
  closed = 4,        ///< C: maintenance.
  fatal = 5,         ///< D: credentials, permission, account kind.
  nothing_held = 6,  ///< E
  mode = 7,          ///< F
  funds = 8,         ///< G: size, funds, risk.
  market = 9,        ///< H: state of the market.
  bad_request = 10,  ///< I
  duplicate = 11,    ///< J: the earlier send is live.
  lead_trader = 12,  ///< K
};

enum class NoticeKind : std::uint8_t {
  none = 0,
  ready = 1,
  not_ready = 2,
  halted = 3,
  resumed = 4,
  position_blocked = 5,
  position_unblocked = 6,
  account_halted = 7,
  resolved = 8,  ///< An operator said what became of an unresolved intent (`intent_id`, `result`).
  /// Journaled events that this attach's cursor asks for are older than what the gateway keeps, and are told
  /// no more: those with the record numbers `long_before` to `long_after`. `backhand journal` may have them.
  events_lost = 9,
};

/// Bits of Outcome::flags.
inline constexpr std::uint8_t kTerminal = 1U << 0;
inline constexpr std::uint8_t kForeignChange = 1U << 1;  ///< Others traded this position meanwhile.
inline constexpr std::uint8_t kReplayed = 1U
                                          << 2;  ///< Told again after a re-attach; compare `record_number`.
inline constexpr std::uint8_t kHasPositions = 1U << 3;  ///< `long_before` … `short_after` are known.

struct Outcome {
  std::uint64_t
      event_number;  ///< Dense per lane and attach over all events; a gap is an event that found no room.
  std::uint64_t record_number;  ///< Dense per lane for journaled events (terminal ones and unknown); else 0.
  std::uint64_t intent_id;      ///< 0 for a notice.
  EventKind kind;
  DenyReason deny_reason;
  SettledResult result;
  CodeClass code_class;
  NoticeKind notice;
  PositionSide position_side;
  std::uint8_t flags;
  std::uint8_t position_scale;  ///< Of the four position sizes below.
  std::uint16_t connection;     ///< Which connection carried it; 0 before it was sent.
  std::uint16_t http_status;
  std::uint32_t reserved;
  std::int64_t
      created_ns;         ///< Stage times, CLOCK_MONOTONIC; 0 where not reached. This one is the strategy's.
  std::int64_t taken_ns;  ///< Copied out of the lane.
  std::int64_t encoded_ns;    ///< Request built and signed (or taken ready from a shot).
  std::int64_t written_ns;    ///< `send` is about to be entered.
  std::int64_t replied_ns;    ///< The reply's last byte was read.
  std::int64_t published_ns;  ///< This event was put into the lane.
  /// The rate slot: predicted (queued, denied) or given (sent and later). A given one is the time from which
  /// the intent could have gone by the rate limits: when its slot became free or, where one was, when it
  /// came.
  std::int64_t slot_ns;
  std::uint64_t long_before;  ///< With kHasPositions: held sizes, digits with `position_scale`.
  std::uint64_t short_before;
  std::uint64_t long_after;
  std::uint64_t short_after;
  OrderId order_id;
  ClientOid client_oid;
  UserTag user_tag;
  VenueCode venue_code;
  AccountName account;
  SymbolName symbol;
};

static_assert(sizeof(Outcome) == 248);
static_assert(offsetof(Outcome, created_ns) == 40);
static_assert(std::is_trivially_copyable_v<Outcome> && std::is_standard_layout_v<Outcome>);
static_assert(std::has_unique_object_representations_v<Outcome>);

/// The most events that one intent can cause, notices and coalesced slot corrections apart:
/// queued, sent, acked, unknown, settled or unresolved, and one spare for a rejected or denied in between.
inline constexpr std::uint32_t kEventsPerIntent = 6;

[[nodiscard]] constexpr bool is_terminal(const Outcome& outcome) noexcept {
  return (outcome.flags & kTerminal) != 0;
}

}  // namespace backhand::wire
