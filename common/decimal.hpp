// An exact non-negative decimal number: `digits` × 10^-`scale`. Sizes of positions and orders; never a
// double.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace backhand {

__extension__ typedef unsigned __int128 Uint128;

struct Decimal {
  static constexpr std::uint8_t kMaxScale = 18;
  /// Longest text that `format` writes: 20 digits, a point, a leading zero.
  static constexpr std::size_t kMaxText = 24;

  std::uint64_t digits = 0;
  std::uint8_t scale = 0;  ///< 0 … kMaxScale

  [[nodiscard]] constexpr bool is_zero() const noexcept { return digits == 0; }

  /// Reads "12", "0.020", "12."-free plain decimals: digits with at most one point between digits. No sign,
  /// no exponent, no spaces. Empty where the text is anything else or does not fit 64 bits and kMaxScale.
  [[nodiscard]] static constexpr std::optional<Decimal> parse(std::string_view text) noexcept {
    Decimal out;
    bool point = false;
    bool digit_since = false;
    for (const char c : text) {
      if (c == '.') {
        if (point || !digit_since) return std::nullopt;
        point = true;
        digit_since = false;
        continue;
      }
      if (c < '0' || c > '9') return std::nullopt;
      digit_since = true;
      const auto value = static_cast<std::uint64_t>(c - '0');
      if (point && out.scale == kMaxScale) {
        if (value != 0) return std::nullopt;
        continue;
      }
      if (out.digits > (UINT64_MAX - value) / 10) return std::nullopt;
      out.digits = out.digits * 10 + value;
      if (point) ++out.scale;
    }
    if (!digit_since) return std::nullopt;
    return out;
  }

  /// The same number without trailing zeros behind the point.
  [[nodiscard]] constexpr Decimal normalized() const noexcept {
    Decimal out = *this;
    while (out.scale > 0 && out.digits % 10 == 0) {
      out.digits /= 10;
      --out.scale;
    }
    return out;
  }

  /// The same number with exactly `wanted` digits behind the point; empty where that loses a digit or
  /// overflows.
  [[nodiscard]] constexpr std::optional<Decimal> rescaled(std::uint8_t wanted) const noexcept {
    Decimal out = *this;
    while (out.scale < wanted) {
      if (out.digits > UINT64_MAX / 10) return std::nullopt;
      out.digits *= 10;
      ++out.scale;
    }
    while (out.scale > wanted) {
      if (out.digits % 10 != 0) return std::nullopt;
      out.digits /= 10;
      --out.scale;
    }
    return out;
  }

  /// Writes the number as plain text without trailing zeros ("3", "0.02"); returns the length, at most
  /// kMaxText.
  constexpr std::size_t format(char* out) const noexcept {
    const Decimal n = normalized();
    std::array<char, kMaxText> reversed{};
    std::size_t length = 0;
    std::uint64_t rest = n.digits;
    std::uint8_t written = 0;
    do {
      if (written == n.scale && n.scale > 0) reversed[length++] = '.';
      reversed[length++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
      ++written;
    } while (rest > 0 || written <= n.scale);
    for (std::size_t i = 0; i < length; ++i) out[i] = reversed[length - 1 - i];
    return length;
  }

  /// Whether this is a whole number of `step`s; a zero step divides nothing.
  [[nodiscard]] constexpr bool is_multiple_of(Decimal step) const noexcept {
    if (step.digits == 0) return false;
    const std::uint8_t common = scale > step.scale ? scale : step.scale;
    return widened(common) % step.widened(common) == 0;
  }

  friend constexpr std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
    const std::uint8_t common = a.scale > b.scale ? a.scale : b.scale;
    return a.widened(common) <=> b.widened(common);
  }
  friend constexpr bool operator==(const Decimal& a, const Decimal& b) noexcept { return (a <=> b) == 0; }

  /// Sum; saturates at the largest number that fits.
  friend constexpr Decimal operator+(const Decimal& a, const Decimal& b) noexcept {
    const std::uint8_t common = a.scale > b.scale ? a.scale : b.scale;
    return narrowed(a.widened(common) + b.widened(common), common);
  }
  /// Difference; zero where `b` is larger.
  friend constexpr Decimal operator-(const Decimal& a, const Decimal& b) noexcept {
    const std::uint8_t common = a.scale > b.scale ? a.scale : b.scale;
    const Uint128 left = a.widened(common);
    const Uint128 right = b.widened(common);
    return narrowed(left > right ? left - right : 0, common);
  }

 private:
  /// digits × 10^(wanted − scale); 2^64 × 10^18 fits 128 bits.
  [[nodiscard]] constexpr Uint128 widened(std::uint8_t wanted) const noexcept {
    Uint128 out = digits;
    for (std::uint8_t s = scale; s < wanted; ++s) out *= 10;
    return out;
  }
  [[nodiscard]] static constexpr Decimal narrowed(Uint128 value, std::uint8_t scale) noexcept {
    while (scale > 0 && value % 10 == 0) {
      value /= 10;
      --scale;
    }
    while (value > UINT64_MAX && scale > 0) {
      value /= 10;
      --scale;
    }
    return {value > UINT64_MAX ? UINT64_MAX : static_cast<std::uint64_t>(value), scale};
  }
};

}  // namespace backhand
