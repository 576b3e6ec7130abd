// What both targets of the dialect share: an instance, and the input as a body with exactly the padding
// promised, so that the address sanitizer sees one byte more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "common/assert.hpp"
#include "gateway/bitget/dialect.hpp"

namespace backhand::bitget {

inline Dialect& fuzzed_dialect() {
  static const std::unique_ptr<Dialect> dialect = [] {
    auto made = make_classic_dialect({});
    BH_ASSERT(made.has_value());
    return std::move(*made);
  }();
  return *dialect;
}

struct PaddedInput {
  PaddedInput(const std::uint8_t* data, std::size_t body_size)
      : bytes(new char[body_size + Dialect::kReplyPadding]), size(body_size) {
    if (size > 0) std::memcpy(bytes.get(), data, size);
    std::memset(bytes.get() + size, '"', Dialect::kReplyPadding);
  }
  [[nodiscard]] std::string_view view() const { return {bytes.get(), size}; }

  std::unique_ptr<char[]> bytes;
  std::size_t size;
};

/// Two bytes of the input as an HTTP status, most of them plausible ones.
inline int status_from(std::uint8_t high, std::uint8_t low) {
  static constexpr int kUsual[] = {200, 400, 401, 403, 404, 429, 500, 503};
  return high < 0x80 ? kUsual[low % std::size(kUsual)] : (high & 3) << 8 | low;
}

inline bool is_plain_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

}  // namespace backhand::bitget
