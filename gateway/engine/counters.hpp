// What the engine counts since start. Written on the I/O thread; others read a copy made there.
#pragma once

#include <cstdint>

namespace backhand::engine {

struct Counters {
  std::uint64_t intents = 0;  ///< Copied out of lanes and queue, of every kind.
  std::uint64_t denied = 0;
  std::uint64_t sent = 0;  ///< Reversals of which the kernel took a byte.
  std::uint64_t acked = 0;
  std::uint64_t rejected = 0;
  std::uint64_t unknown = 0;  ///< Told `unknown` (settled later or not).
  std::uint64_t settled = 0;
  std::uint64_t unresolved = 0;
  std::uint64_t throttled = 0;  ///< Replies with the venue's rate-limit code: faults of ours.
  std::uint64_t lookups = 0;    ///< Questions sent.
  std::uint64_t lookups_lost = 0;
  std::uint64_t replayed = 0;
  std::uint64_t late_replies =
      0;  ///< Replies or losses for requests that were no longer awaited: a bug if not 0.
};

}  // namespace backhand::engine
