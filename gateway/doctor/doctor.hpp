// Looks at a machine, and where there is one at a configuration, and says what costs latency or safety. Reads
// only. Called from the command line.
#pragma once

#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/doctor/finding.hpp"
#include "gateway/doctor/machine.hpp"

namespace backhand::doctor {

/// Everything that was found, always in the same order. `config` may be null: then only what does not depend
/// on it is looked at.
[[nodiscard]] std::vector<Finding> examine(const Machine& machine, const config::Config* config);

}  // namespace backhand::doctor
