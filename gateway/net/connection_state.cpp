#include "gateway/net/connection_state.hpp"

namespace backhand::net {
namespace {

using State = ConnectionState;
using Event = ConnectionEvent;

std::optional<State> from_idle(Event event) noexcept {
  switch (event) {
    case Event::dial:
      return State::resolving;
    case Event::resolved:
    case Event::connected:
    case Event::handed_over:
    case Event::retire:
    case Event::failed:
    case Event::lost:
    case Event::rested:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<State> from_dialing(State state, Event event) noexcept {
  switch (event) {
    case Event::resolved:
      return state == State::resolving ? std::optional(State::connecting) : std::nullopt;
    case Event::connected:
      return state == State::connecting ? std::optional(State::handshaking) : std::nullopt;
    case Event::handed_over:
      return state == State::handshaking ? std::optional(State::ready) : std::nullopt;
    case Event::failed:
      return State::backing_off;
    case Event::dial:
    case Event::retire:
    case Event::lost:
    case Event::rested:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<State> from_established(Event event) noexcept {
  switch (event) {
    case Event::retire:
      return State::draining;
    case Event::lost:
      return State::closed;
    case Event::dial:
    case Event::resolved:
    case Event::connected:
    case Event::handed_over:
    case Event::failed:
    case Event::rested:
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<State> from_rest(State state, Event event) noexcept {
  switch (event) {
    case Event::dial:
      return state == State::closed ? std::optional(State::resolving) : std::nullopt;
    case Event::rested:
      return state == State::backing_off ? std::optional(State::idle) : std::nullopt;
    case Event::resolved:
    case Event::connected:
    case Event::handed_over:
    case Event::retire:
    case Event::failed:
    case Event::lost:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ConnectionState> next_state(ConnectionState state, ConnectionEvent event) noexcept {
  switch (state) {
    case State::idle:
      return from_idle(event);
    case State::resolving:
    case State::connecting:
    case State::handshaking:
      return from_dialing(state, event);
    case State::ready:
    case State::draining:
      return from_established(event);
    case State::backing_off:
    case State::closed:
      return from_rest(state, event);
  }
  return std::nullopt;
}

std::string_view to_string(ConnectionState state) noexcept {
  switch (state) {
    case State::idle:
      return "idle";
    case State::resolving:
      return "resolving";
    case State::connecting:
      return "connecting";
    case State::handshaking:
      return "handshaking";
    case State::ready:
      return "ready";
    case State::draining:
      return "draining";
    case State::backing_off:
      return "backing_off";
    case State::closed:
      return "closed";
  }
  return "?";
}

}  // namespace backhand::net
