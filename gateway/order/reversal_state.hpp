// The life of one reversal as a pure state machine: what is true of it, what can happen to it, and nothing
// else. Called from: engine, I/O thread. An intent becomes one or two requests (legs); the classic dialect
// always makes one, so the `second_…` states wait for a dialect that closes and opens by separate requests.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace backhand::order {

enum class ReversalState : std::uint8_t {
  waiting,          ///< Taken; no byte of it left the process; it waits for its slot or its position.
  intended,         ///< Its record says that the write is next (perhaps not yet durable); nothing written.
  sent,             ///< At least one byte went to the kernel; no answer yet.
  second_waiting,   ///< The first of two requests was accepted; the second waits. Denying is over for good.
  second_intended,  ///< The second request's record is written; its bytes are not.
  second_sent,      ///< At least one byte of the second request went to the kernel.
  acked,            ///< The venue accepted it; what became of it is being found out.
  unknown,          ///< Bytes were sent and no trustworthy answer came; evidence is being sought.
  settled,          ///< Terminal: evidence says how it ended.
  rejected,         ///< Terminal: the venue's definite no.
  denied,           ///< Terminal: our no; nothing was sent.
  unresolved,       ///< Terminal for the strategy: no evidence in time; the position stays blocked.
  resolved,         ///< Terminal: an operator said what became of an unresolved one.
  invalid,          ///< Not a state: the answer to an event that cannot happen in a state. A bug if seen.
};

enum class ReversalEvent : std::uint8_t {
  slot_given,         ///< A rate slot, the position and a connection were had and the record was accepted.
  journal_refused,    ///< The record could not be made (durable), so nothing may be sent.
  written,            ///< The kernel took at least one byte.
  not_written,        ///< The kernel took no byte, for certain.
  deadline_passed,    ///< The strategy's deadline.
  withdrawn,          ///< The strategy took it back.
  lane_lost,          ///< The strategy died or detached.
  halted,             ///< The kill switch, an account halt, or the gateway stops.
  denied,             ///< Any other no of ours (risk, position, capacity) while nothing is sent.
  reply_acked,        ///< The venue's yes to the last request of the reversal.
  reply_acked_first,  ///< The venue's yes to the first of two requests.
  reply_rejected,     ///< A definite no, of a kind that cannot follow an executed leg (classes A, D, F, I).
  reply_doubtful,     ///< A no that may follow an executed leg (classes C, E, G, H, K).
  reply_unknown,      ///< A reply that is neither yes nor no, or not for our clientOid.
  lost,               ///< Time-out, reset, end of stream: no reply will be read any more.
  settled,            ///< Settlement has proven the end.
  gave_up,            ///< Settlement could not prove an end in the time allowed.
  resolved,           ///< An operator's word on an unresolved one.
  restarted,          ///< The gateway came up and found it in this state in the journal.
};

inline constexpr std::array kReversalStates{
    ReversalState::waiting,        ReversalState::intended,        ReversalState::sent,
    ReversalState::second_waiting, ReversalState::second_intended, ReversalState::second_sent,
    ReversalState::acked,          ReversalState::unknown,         ReversalState::settled,
    ReversalState::rejected,       ReversalState::denied,          ReversalState::unresolved,
    ReversalState::resolved,       ReversalState::invalid};

inline constexpr std::array kReversalEvents{ReversalEvent::slot_given,
                                            ReversalEvent::journal_refused,
                                            ReversalEvent::written,
                                            ReversalEvent::not_written,
                                            ReversalEvent::deadline_passed,
                                            ReversalEvent::withdrawn,
                                            ReversalEvent::lane_lost,
                                            ReversalEvent::halted,
                                            ReversalEvent::denied,
                                            ReversalEvent::reply_acked,
                                            ReversalEvent::reply_acked_first,
                                            ReversalEvent::reply_rejected,
                                            ReversalEvent::reply_doubtful,
                                            ReversalEvent::reply_unknown,
                                            ReversalEvent::lost,
                                            ReversalEvent::settled,
                                            ReversalEvent::gave_up,
                                            ReversalEvent::resolved,
                                            ReversalEvent::restarted};

/// The state after `event`, or `invalid` where that cannot happen. Pure. The three rules behind the table:
/// nothing is denied or rejected once a byte may have left with effect; from the first byte on only a
/// trustworthy answer or evidence ends it; a terminal state never changes but for an operator's word.
[[nodiscard]] ReversalState next_state(ReversalState state, ReversalEvent event) noexcept;

/// The strategy has had, or is about to get, its one terminal event.
[[nodiscard]] constexpr bool is_terminal(ReversalState state) noexcept {
  return state == ReversalState::settled || state == ReversalState::rejected ||
         state == ReversalState::denied || state == ReversalState::unresolved ||
         state == ReversalState::resolved;
}

/// A byte of it may have left the process: it can only end by the venue's word or by evidence.
[[nodiscard]] constexpr bool may_have_left(ReversalState state) noexcept {
  return state == ReversalState::sent || state == ReversalState::second_waiting ||
         state == ReversalState::second_intended || state == ReversalState::second_sent ||
         state == ReversalState::acked || state == ReversalState::unknown;
}

[[nodiscard]] std::string_view to_string(ReversalState state) noexcept;
[[nodiscard]] std::string_view to_string(ReversalEvent event) noexcept;

}  // namespace backhand::order
