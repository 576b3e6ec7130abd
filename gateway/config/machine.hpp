// What the configuration wants of this machine, tried out: what a start would only show by being slow.
#pragma once

#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/problem.hpp"

namespace backhand::config {

/// A problem for each CPU that a thread of ours cannot be pinned to (outside the cpuset, off line). A warning
/// where a control group stops the process when it has used up its CPU time. Changes nothing.
void check_machine(const Config& config, std::vector<Problem>& problems, std::vector<Problem>& warnings);

}  // namespace backhand::config
