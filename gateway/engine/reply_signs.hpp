// Signs that a reply answers another request than the one for which it was read. HTTP/1.1 ties the two by
// their order alone: one reply too many on a connection, and each one after it is taken for the next
// request's. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/time.hpp"
#include "gateway/engine/venue_clock.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::engine {

enum class ForeignSign : std::uint8_t {
  none,
  no_envelope,  ///< HTTP 200 without the venue's envelope: it answers nothing that was asked.
  followed,     ///< More bytes lay behind it: one of the two answers no request.
  too_early,    ///< Readable sooner after the request than any round trip to this peer takes.
  other_time,   ///< Made, by its own time, before the request was written or after the reply was read.
};

/// `venue_ms`: the reply's requestTime; 0 where it has none. `written_ns`: when its request was written.
[[nodiscard]] inline ForeignSign foreign_sign(const net::ReplyView& reply, VenueMs venue_ms, Ns written_ns,
                                              const VenueClock& clock) noexcept {
  constexpr int kOk = 200;
  // A route may become somewhat shorter after the kernel has measured it.
  const Ns soonest = reply.least_round_trip_ns / 4 * 3;
  if (reply.http_status == kOk && venue_ms == 0) return ForeignSign::no_envelope;
  if (reply.followed) return ForeignSign::followed;
  if (soonest != 0 && reply.readable_ns - written_ns < soonest) return ForeignSign::too_early;
  if (venue_ms != 0 && !clock.is_plausible(venue_ms, written_ns, reply.replied_ns))
    return ForeignSign::other_time;
  return ForeignSign::none;
}

}  // namespace backhand::engine
