// A string of at most N bytes without heap or terminator: ids and names that live in wire structs and
// records. Unused bytes are zero, so that two equal strings are equal byte for byte.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace backhand {

template <std::size_t N>
struct FixedString {
  std::array<char, N> bytes{};

  constexpr FixedString() noexcept = default;
  /// Keeps the first N bytes of `text`; use `fits` before where cutting would be wrong.
  constexpr explicit FixedString(std::string_view text) noexcept {
    std::copy_n(text.begin(), std::min(text.size(), N), bytes.begin());
  }

  [[nodiscard]] static constexpr bool fits(std::string_view text) noexcept {
    return text.size() <= N && text.find('\0') == std::string_view::npos;
  }
  /// The bytes before the first zero.
  [[nodiscard]] constexpr std::string_view view() const noexcept {
    const auto end = std::find(bytes.begin(), bytes.end(), '\0');
    return {bytes.data(), static_cast<std::size_t>(end - bytes.begin())};
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bytes[0] == '\0'; }
  /// True where nothing follows the first zero byte: what an honest writer leaves.
  [[nodiscard]] constexpr bool well_formed() const noexcept {
    if constexpr (N % 8 == 0 && std::endian::native == std::endian::little) {
      // Eight bytes at a time: on the path. In `zero` the top bit of each byte that is zero is set.
      constexpr std::uint64_t kLow = 0x7F7F'7F7F'7F7F'7F7F;
      std::uint64_t bad = 0;
      std::uint64_t behind = 0;
      for (const std::uint64_t word : std::bit_cast<std::array<std::uint64_t, N / 8>>(bytes)) {
        const std::uint64_t zero = ~(((word & kLow) + kLow) | word | kLow);
        bad |= (zero << 8 | behind) & ~zero & ~kLow;
        behind = zero >> 56;
      }
      return bad == 0;
    } else {
      const auto end = std::find(bytes.begin(), bytes.end(), '\0');
      return std::all_of(end, bytes.end(), [](char c) { return c == '\0'; });
    }
  }
  friend constexpr bool operator==(const FixedString&, const FixedString&) noexcept = default;
  friend constexpr auto operator<=>(const FixedString&, const FixedString&) noexcept = default;
};

}  // namespace backhand
