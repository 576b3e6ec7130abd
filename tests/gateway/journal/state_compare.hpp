// A State as text, every field of it, so that two can be compared and a difference read.
#pragma once

#include <string>

#include "gateway/journal/state.hpp"

namespace backhand::test {

[[nodiscard]] std::string describe(const journal::State& state);

}  // namespace backhand::test
