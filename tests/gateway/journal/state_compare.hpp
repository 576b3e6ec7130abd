// A State as text, every field of it, so that two can be compared and a difference read.
#pragma once

#include <string>

#include "gateway/journal/state.hpp"

namespace backhand::test {

/// `with_start`: also which start it is, and how the last one ended.
[[nodiscard]] std::string describe(const journal::State& state, bool with_start = true);

/// The first line in which the two differ, both ways.
[[nodiscard]] std::string first_difference(const std::string& got, const std::string& wanted);

}  // namespace backhand::test
