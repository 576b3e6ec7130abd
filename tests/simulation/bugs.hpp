// Bugs that can be planted around the engine, to prove that the invariants can fail. Each is a mutation of a
// port, of the dialect, of the configuration or of what recovery hands over: the mistake that a gateway of
// this kind would make.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "gateway/bitget/dialect.hpp"

namespace backhand::simulation {

enum class Bug : std::uint8_t {
  none,
  resend_on_reset,       ///< A request whose connection was reset is written again on another one.
  server_error_is_no,    ///< 5xx is taken for a definite no.
  lost_reply_is_no,      ///< No reply is taken for a definite no.
  doubtful_code_is_no,   ///< A code that may follow an executed leg is taken for a definite no.
  ack_is_execution,      ///< A read of positions right after the ack counts as one after the execution.
  not_found_at_once,     ///< "Not found" counts before the fuse has burnt.
  ambiguous_code_is_no,  ///< A code that the table does not know, or calls ambiguous, is taken for a definite
                         ///< no.
  random_part_constant,  ///< Every start draws the same random number for its names.
  journal_after_send,    ///< The `intended` record is written only once the bytes are out.
  outcome_dropped,       ///< A full ring swallows outcomes: no room is kept for them.
  outcome_twice,         ///< A terminal event is told twice when the strategy is slow.
  positions_mixed_up,    ///< What was held before and after is told the wrong way round.
  taken_mark_lost,       ///< A restart forgets which intents were taken.
  noted_ahead,           ///< What lay in a lane counts as dealt with by a strategy that died.
  open_cases_forgotten,  ///< A restart forgets what was sent and not answered.
  history_not_replayed,  ///< A restart forgets the outcomes that a strategy has missed.
  halt_forgotten,        ///< A restart forgets the halt.
  sync_error_ignored,    ///< A failing fdatasync is taken for success.
  deadline_ignored,      ///< Deadlines are looked at a second late.
  pacing_limit_wrong,    ///< One request a second more than the venue allows.
  timestamp_ahead,       ///< Requests are signed with a time ahead of the venue's clock.
  unread_row_is_flat,    ///< A row of positions that cannot be read is left out as if nothing were held.
  shots_forgotten,       ///< A restart forgets which shots were armed.
  journal_room_ignored,  ///< Intents are taken although the journal has no room for what they will record.
  queued_again,          ///< `queued` is told anew whenever an intent is submitted anew.
  lost_time_unseen,      ///< Nobody notices that the monotonic clock stood still.
  class_is_definite,     ///< A code is a definite no by its class, whether it may follow a leg or not.
  refusal_not_checked,   ///< A no is believed without a look at what follows on its connection.
  surplus_ignored,       ///< What lies behind a reply is thrown away, and the reply believed.
  distrust_ignored,      ///< A connection goes on although a reply on it was not its request's.
  clock_from_one_reply,  ///< One reply that contradicts the clock sets it.
  stale_is_fresh,        ///< The age of what is known of a position does not matter.
  manifest_not_compared,  ///< A start does not compare the segments with what the manifest says was there.
  history_not_looked_at,  ///< A start takes all names that the venue shows for its own.
  uid_not_compared,       ///< Two keys of one UID are taken for two accounts.
  uid_forgotten,          ///< A restart forgets which UID each account had.
  bound_exceeded,         ///< No bug of ours: the venue's clock steps back further than the stated bound.
  lag_exceeded,           ///< Nor this: look-ups show things later than is assumed, all of them.
};
inline constexpr std::size_t kBugs = 38;  ///< Without `none`.

struct BugName {
  Bug bug;
  std::string_view name;
};
[[nodiscard]] const std::array<BugName, kBugs>& bug_names() noexcept;
[[nodiscard]] std::optional<Bug> bug_named(std::string_view name) noexcept;
[[nodiscard]] std::string_view to_string(Bug bug) noexcept;

/// `dialect`, or a wrapper that makes the mistake where `bug` is one of the dialect's.
[[nodiscard]] std::unique_ptr<bitget::Dialect> with_bug(std::unique_ptr<bitget::Dialect> dialect, Bug bug);

}  // namespace backhand::simulation
