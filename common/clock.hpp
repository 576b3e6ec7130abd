// Reads the two clocks. Only shells call this; pure rooms are given `now`.
#pragma once

#include <ctime>

#include "common/time.hpp"

namespace backhand {

/// CLOCK_MONOTONIC, the same in every process of a host: the one clock of intents, deadlines and stage times.
[[nodiscard]] inline Ns monotonic_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Ns>(now.tv_sec) * kSecond + now.tv_nsec;
}

/// CLOCK_MONOTONIC at the kernel's tick (1 to 10 ms behind) for a few nanoseconds: good for "is it time to
/// look again?".
[[nodiscard]] inline Ns coarse_monotonic_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<Ns>(now.tv_sec) * kSecond + now.tv_nsec;
}

/// This host's Unix time in milliseconds; may step. Never compared with monotonic times.
[[nodiscard]] inline std::int64_t unix_now_ms() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000 + now.tv_nsec / 1'000'000;
}

}  // namespace backhand
