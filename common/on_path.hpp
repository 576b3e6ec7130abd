// Where the instructions of the way lie: from intent to write, and from reply to outcome.
#pragma once

#include <cstddef>

#include "common/prefetch.hpp"

/// Of a function on the way that a rehearsal does not itself walk through. All of these lie together, so that
/// their instructions can be brought near. Not for templates and inline functions.
#define BH_ON_PATH [[gnu::section("bh_on_path")]]

// Given by the linker; neither is there where no function is marked.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak, gnu::visibility("hidden")]] const char __start_bh_on_path[];
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak, gnu::visibility("hidden")]] const char __stop_bh_on_path[];

namespace backhand {

/// Brings the instructions of the marked functions into the second cache, which holds data and code. The
/// first has better things to hold.
inline void prefetch_path() noexcept {
  constexpr int kSecondCache = 2;
  for (const char* at = __start_bh_on_path; at < __stop_bh_on_path; at += kCacheLine)
    __builtin_prefetch(at, 0, kSecondCache);
}

}  // namespace backhand
