// The configuration in the words of each pure room: one function a room.
#pragma once

#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/engine/directory.hpp"
#include "gateway/order/case.hpp"
#include "gateway/pacing/pacer.hpp"
#include "gateway/risk/risk_book.hpp"

namespace backhand::engine {

[[nodiscard]] risk::Settings risk_settings(const config::Config& config, const Directory& directory);
[[nodiscard]] pacing::Settings pacing_settings(const config::Config& config, const bitget::Dialect& dialect);
[[nodiscard]] order::Settings settlement_settings(const config::Config& config);

}  // namespace backhand::engine
