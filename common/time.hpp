// The two kinds of time, kept apart by name: ours (CLOCK_MONOTONIC) and the venue's (Unix milliseconds).
#pragma once

#include <cstdint>

namespace backhand {

/// Nanoseconds on CLOCK_MONOTONIC, or a span of them. Every `…_ns` in this code base is one of these.
using Ns = std::int64_t;

/// Milliseconds since 1970 on the venue's clock. Every `…_venue_ms` is one of these.
using VenueMs = std::int64_t;

inline constexpr Ns kMicrosecond = 1'000;
inline constexpr Ns kMillisecond = 1'000'000;
inline constexpr Ns kSecond = 1'000'000'000;
/// "Never": later than any time that can come.
inline constexpr Ns kNever = INT64_MAX;

}  // namespace backhand
