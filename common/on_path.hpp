// Where the instructions of the way lie: from intent to write, and from reply to outcome.
#pragma once

#include <cstddef>
#include <span>

/// Of a function on the way that a rehearsal does not itself walk through. All of these lie together, so that
/// their instructions can be brought near. Not for templates and inline functions.
#define BH_ON_PATH [[gnu::section("bh_on_path")]]

// Given by the linker; neither is there where no function is marked.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak, gnu::visibility("hidden")]] const char __start_bh_on_path[];
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak, gnu::visibility("hidden")]] const char __stop_bh_on_path[];

namespace backhand {

/// The instructions of the marked functions.
inline std::span<const char> path_instructions() noexcept {
  if (__start_bh_on_path == nullptr) return {};
  return {__start_bh_on_path, static_cast<std::size_t>(__stop_bh_on_path - __start_bh_on_path)};
}

}  // namespace backhand
