// An outcome event as one line: JSON for programs, columns for people.
#pragma once

#include <string>

#include "common/time.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::cli {

/// Every field that is set, and all stage times (0 where not reached). `line`: where the intent stood in the
/// file; 0 leaves it out.
[[nodiscard]] std::string outcome_json(const wire::Outcome& outcome, std::uint32_t line);

/// The heading of the columns of `outcome_row`.
[[nodiscard]] std::string outcome_heading();

/// One row: when it was told (ms after `start_ns`), which intent, what happened, how long each stage took.
[[nodiscard]] std::string outcome_row(const wire::Outcome& outcome, Ns start_ns);

}  // namespace backhand::cli
