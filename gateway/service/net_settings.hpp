// The configuration in the words of the network and the dialect.
#pragma once

#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/net/settings.hpp"

namespace backhand::service {

[[nodiscard]] bitget::Settings dialect_settings(const config::Config& config);
[[nodiscard]] net::Settings net_settings(const config::Config& config, const bitget::Dialect& dialect);

}  // namespace backhand::service
