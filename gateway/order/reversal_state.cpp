#include "gateway/order/reversal_state.hpp"

#include "common/on_path.hpp"

namespace backhand::order {

namespace {

using State = ReversalState;
using Event = ReversalEvent;

State from_waiting(Event event) noexcept {
  switch (event) {
    case Event::slot_given:
      return State::intended;
    case Event::journal_refused:
    case Event::deadline_passed:
    case Event::withdrawn:
    case Event::lane_lost:
    case Event::halted:
    case Event::denied:
    case Event::restarted:
      return State::denied;
    case Event::written:
    case Event::not_written:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

State from_intended(Event event) noexcept {
  switch (event) {
    case Event::written:
      return State::sent;
    // The record may await its disk: until the write begins every no of ours is still possible.
    case Event::journal_refused:
    case Event::not_written:
    case Event::deadline_passed:
    case Event::withdrawn:
    case Event::lane_lost:
    case Event::halted:
    case Event::denied:
      return State::denied;
    // The journal cannot tell whether the write that was next took place.
    case Event::restarted:
      return State::unknown;
    case Event::slot_given:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

State from_sent(Event event) noexcept {
  switch (event) {
    case Event::reply_acked:
      return State::acked;
    case Event::reply_acked_first:
      return State::second_waiting;
    case Event::reply_rejected:
      return State::rejected;
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::restarted:
      return State::unknown;
    case Event::deadline_passed:
    case Event::lane_lost:
    case Event::halted:
      return State::sent;
    case Event::slot_given:
    case Event::journal_refused:
    case Event::written:
    case Event::not_written:
    case Event::withdrawn:
    case Event::denied:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

/// The first request was accepted, so whatever keeps the second from going leaves the end to evidence.
State from_second_waiting(Event event) noexcept {
  switch (event) {
    case Event::slot_given:
      return State::second_intended;
    case Event::journal_refused:
    case Event::deadline_passed:
    case Event::halted:
    case Event::denied:
    case Event::restarted:
      return State::unknown;
    case Event::lane_lost:
      return State::second_waiting;
    case Event::written:
    case Event::not_written:
    case Event::withdrawn:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

State from_second_intended(Event event) noexcept {
  switch (event) {
    case Event::written:
      return State::second_sent;
    case Event::journal_refused:
    case Event::not_written:
    case Event::deadline_passed:
    case Event::halted:
    case Event::denied:
    case Event::restarted:
      return State::unknown;
    case Event::lane_lost:
      return State::second_intended;
    case Event::slot_given:
    case Event::withdrawn:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

State from_second_sent(Event event) noexcept {
  switch (event) {
    case Event::reply_acked:
      return State::acked;
    // Even a definite no to the second leg follows a first one that was accepted.
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::restarted:
      return State::unknown;
    case Event::deadline_passed:
    case Event::lane_lost:
    case Event::halted:
      return State::second_sent;
    case Event::slot_given:
    case Event::journal_refused:
    case Event::written:
    case Event::not_written:
    case Event::withdrawn:
    case Event::denied:
    case Event::reply_acked_first:
    case Event::settled:
    case Event::gave_up:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

/// acked and unknown: only evidence ends them.
State from_settling(State state, Event event) noexcept {
  switch (event) {
    case Event::settled:
      return State::settled;
    case Event::gave_up:
      return State::unresolved;
    case Event::deadline_passed:
    case Event::lane_lost:
    case Event::halted:
    case Event::restarted:
      return state;
    case Event::slot_given:
    case Event::journal_refused:
    case Event::written:
    case Event::not_written:
    case Event::withdrawn:
    case Event::denied:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::resolved:
      return State::invalid;
  }
  return State::invalid;
}

State from_terminal(State state, Event event) noexcept {
  switch (event) {
    case Event::resolved:
      return state == State::unresolved ? State::resolved : State::invalid;
    case Event::deadline_passed:
    case Event::lane_lost:
    case Event::halted:
    case Event::restarted:
      return state;
    case Event::slot_given:
    case Event::journal_refused:
    case Event::written:
    case Event::not_written:
    case Event::withdrawn:
    case Event::denied:
    case Event::reply_acked:
    case Event::reply_acked_first:
    case Event::reply_rejected:
    case Event::reply_doubtful:
    case Event::reply_unknown:
    case Event::lost:
    case Event::settled:
    case Event::gave_up:
      return State::invalid;
  }
  return State::invalid;
}

}  // namespace

BH_ON_PATH ReversalState next_state(ReversalState state, ReversalEvent event) noexcept {
  switch (state) {
    case State::waiting:
      return from_waiting(event);
    case State::intended:
      return from_intended(event);
    case State::sent:
      return from_sent(event);
    case State::second_waiting:
      return from_second_waiting(event);
    case State::second_intended:
      return from_second_intended(event);
    case State::second_sent:
      return from_second_sent(event);
    case State::acked:
    case State::unknown:
      return from_settling(state, event);
    case State::settled:
    case State::rejected:
    case State::denied:
    case State::unresolved:
    case State::resolved:
      return from_terminal(state, event);
    case State::invalid:
      return State::invalid;
  }
  return State::invalid;
}

std::string_view to_string(ReversalState state) noexcept {
  switch (state) {
    case State::waiting:
      return "waiting";
    case State::intended:
      return "intended";
    case State::sent:
      return "sent";
    case State::second_waiting:
      return "second_waiting";
    case State::second_intended:
      return "second_intended";
    case State::second_sent:
      return "second_sent";
    case State::acked:
      return "acked";
    case State::unknown:
      return "unknown";
    case State::settled:
      return "settled";
    case State::rejected:
      return "rejected";
    case State::denied:
      return "denied";
    case State::unresolved:
      return "unresolved";
    case State::resolved:
      return "resolved";
    case State::invalid:
      return "invalid";
  }
  return "?";
}

std::string_view to_string(ReversalEvent event) noexcept {
  switch (event) {
    case Event::slot_given:
      return "slot_given";
    case Event::journal_refused:
      return "journal_refused";
    case Event::written:
      return "written";
    case Event::not_written:
      return "not_written";
    case Event::deadline_passed:
      return "deadline_passed";
    case Event::withdrawn:
      return "withdrawn";
    case Event::lane_lost:
      return "lane_lost";
    case Event::halted:
      return "halted";
    case Event::denied:
      return "denied";
    case Event::reply_acked:
      return "reply_acked";
    case Event::reply_acked_first:
      return "reply_acked_first";
    case Event::reply_rejected:
      return "reply_rejected";
    case Event::reply_doubtful:
      return "reply_doubtful";
    case Event::reply_unknown:
      return "reply_unknown";
    case Event::lost:
      return "lost";
    case Event::settled:
      return "settled";
    case Event::gave_up:
      return "gave_up";
    case Event::resolved:
      return "resolved";
    case Event::restarted:
      return "restarted";
  }
  return "?";
}

}  // namespace backhand::order
