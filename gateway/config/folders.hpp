// The gateway's folders as they lie on this machine: what a start would fail or be unsafe with.
#pragma once

#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/config/problem.hpp"

namespace backhand::config {

/// A problem for each folder of sockets that everybody may write to, the sticky bit or not: anybody could put
/// a socket of his own in the gateway's place. A problem, too, for a folder of the journal that is missing or
/// that we cannot write to, and a warning for one of sockets, which systemd may make at the start. Only
/// looks.
void check_folders(const Config& config, std::vector<Problem>& problems, std::vector<Problem>& warnings);

}  // namespace backhand::config
