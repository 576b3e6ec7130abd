// A trouble of the engine's as one sentence for a person: what was asked, what came, what to look at.
#pragma once

#include <string>

#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/engine/trouble_book.hpp"

namespace backhand::service {

/// For example "account main, USDT-FUTURES: GET /api/v2/…: HTTP 403, text/html; …". What the peer wrote in it
/// is cut and printable.
[[nodiscard]] std::string trouble_text(const engine::Trouble& trouble, const config::Config& config,
                                       const bitget::Dialect& dialect);

}  // namespace backhand::service
