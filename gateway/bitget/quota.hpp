// The venue's count of calls left in this second. Internal.
#pragma once

#include <string_view>

#include "gateway/bitget/dialect.hpp"
#include "gateway/bitget/endpoints.hpp"

namespace backhand::bitget {

/// −1 where the header is absent or not 1 … 6 digits.
[[nodiscard]] inline int remaining_quota(HeaderLookup headers) noexcept {
  const std::string_view text = headers(kQuotaHeader);
  if (text.empty() || text.size() > 6) return -1;
  int out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    out = out * 10 + (c - '0');
  }
  return out;
}

}  // namespace backhand::bitget
