// The effective configuration as text: what is printed at start. It is itself a configuration that loads.
#pragma once

#include <string>

#include "gateway/config/config.hpp"

namespace backhand::config {

/// Every setting with its value in force, defaults included, as TOML. Of secrets, the paths only.
[[nodiscard]] std::string describe(const Config& config);

}  // namespace backhand::config
