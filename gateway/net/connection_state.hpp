// The life of one connection as a pure state machine. The first half is lived on the dialing thread, the
// second on the I/O thread; both step through this one function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace backhand::net {

enum class ConnectionState : std::uint8_t {
  idle,         ///< Nothing is there and nothing is wanted.
  resolving,    ///< The dialing thread looks the name up.
  connecting,   ///< TCP is being connected.
  handshaking,  ///< TLS handshake or the probe after it: peer not yet proven.
  ready,        ///< Handed over; may carry a request now and then.
  draining,     ///< Carries its last request; closed when that has its reply.
  backing_off,  ///< A dial failed; the next one waits for its time.
  closed,       ///< Socket and keys are gone.
};

enum class ConnectionEvent : std::uint8_t {
  dial,         ///< A connection is wanted here.
  resolved,     ///< Addresses are known.
  connected,    ///< TCP stands.
  handed_over,  ///< Handshake and probe done; the I/O thread has it.
  retire,       ///< Used up, or the peer said that it will close.
  failed,       ///< Any error while dialing.
  lost,         ///< Closed, reset or broken after it was handed over.
  rested,       ///< The back-off is over.
};

/// The state after `event`; nothing where the event has no place in `state` (a bug of the caller).
[[nodiscard]] std::optional<ConnectionState> next_state(ConnectionState state,
                                                        ConnectionEvent event) noexcept;

[[nodiscard]] std::string_view to_string(ConnectionState state) noexcept;

}  // namespace backhand::net
