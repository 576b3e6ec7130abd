// What the engine counts since start. Written on the I/O thread; others read a copy made there.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/wire/outcome.hpp"

namespace backhand::engine {

struct Counters {
  std::uint64_t intents = 0;  ///< Copied out of lanes and queue, of every kind.
  std::uint64_t denied = 0;
  std::array<std::uint64_t, wire::kDenyReasons> denied_by{};  ///< By DenyReason; their sum is `denied`.
  std::uint64_t held_back = 0;  ///< Turns in which no intent was taken, for want of room in the journal.
  std::uint64_t sent = 0;       ///< Reversals of which the kernel took a byte.
  std::uint64_t acked = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unknown = 0;  ///< Told `unknown` (settled later or not).
  std::uint64_t settled = 0;
  std::uint64_t unresolved = 0;
  std::uint64_t throttled = 0;  ///< Replies with the venue's rate-limit code: faults of ours.
  std::uint64_t lookups = 0;    ///< Questions sent.
  std::uint64_t lookups_lost = 0;
  std::uint64_t shots_armed = 0;
  std::uint64_t shots_fired = 0;   ///< Of `sent`, those that were armed before.
  std::uint64_t signed_again = 0;  ///< Shots signed anew before their timestamp aged out.
  std::uint64_t replayed = 0;
  std::uint64_t distrusted = 0;       ///< Replies that may answer another request; each cost its connection.
  std::uint64_t foreign_changes = 0;  ///< Settled reversals whose position others traded meanwhile.
  std::uint64_t late_replies =
      0;  ///< Replies or losses for requests that were no longer awaited: a bug if not 0.

  void deny(wire::DenyReason reason) noexcept {
    ++denied;
    ++denied_by[static_cast<std::size_t>(reason)];
  }
};

}  // namespace backhand::engine
