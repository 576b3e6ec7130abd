// Text going out: which characters may stand unescaped where, digits without formatting, and a writer over a
// buffer that is known to be large enough.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "common/assert.hpp"
#include "common/decimal.hpp"
#include "common/fixed_string.hpp"
#include "common/time.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::bitget {

/// By character: whether it is one of [0-9A-Za-z_-], which mean themselves in JSON, in a query and in a
/// header.
inline constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")) {
    plain[static_cast<unsigned char>(c)] = true;
  }
  return plain;
}();
[[nodiscard]] constexpr bool is_plain(char c) noexcept { return kPlain[static_cast<unsigned char>(c)]; }
[[nodiscard]] constexpr bool is_plain_text(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, is_plain);
}
/// Printable ASCII without spaces at the ends: cannot end a header early.
[[nodiscard]] constexpr bool is_header_text(std::string_view text) noexcept {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}
[[nodiscard]] constexpr char upper_case(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
/// The same as `text.view()`, found sixteen bytes at a time: for the path.
template <std::size_t N>
[[nodiscard]] inline std::string_view view_of(const FixedString<N>& text) noexcept {
  return {text.bytes.data(), ::strnlen(text.bytes.data(), N)};
}
template <typename Text>
[[nodiscard]] constexpr Text upper_case(Text text) noexcept {
  std::ranges::transform(text.bytes, text.bytes.begin(), [](char c) { return upper_case(c); });
  return text;
}

[[nodiscard]] constexpr std::string_view product_text(domain::Product product) noexcept {
  switch (product) {
    case domain::Product::usdt_futures:
      return "USDT-FUTURES";
    case domain::Product::coin_futures:
      return "COIN-FUTURES";
    case domain::Product::usdc_futures:
      return "USDC-FUTURES";
    case domain::Product::susdt_futures:
      return "SUSDT-FUTURES";
    case domain::Product::scoin_futures:
      return "SCOIN-FUTURES";
    case domain::Product::susdc_futures:
      return "SUSDC-FUTURES";
  }
  return {};
}

/// Text of the peer's for people: cut, and what is no printable ASCII becomes a question mark.
template <std::size_t N>
[[nodiscard]] constexpr FixedString<N> printable(std::string_view text) noexcept {
  FixedString<N> out(text);
  const std::size_t size = std::min(text.size(), N);
  for (char& c : std::span(out.bytes).first(size)) {
    if (c < ' ' || c > '~') c = '?';
  }
  return out;
}

/// Digits of a timestamp in milliseconds from 2001-09-09 to 2286-11-20.
inline constexpr std::size_t kTimestampText = 13;
inline constexpr VenueMs kFirstTimestamp = 1'000'000'000'000;
inline constexpr VenueMs kLastTimestamp = 9'999'999'999'999;

constexpr void write_timestamp(VenueMs timestamp, char* out) noexcept {
  BH_ASSERT(timestamp >= kFirstTimestamp && timestamp <= kLastTimestamp);
  auto rest = static_cast<std::uint64_t>(timestamp);
  for (std::size_t i = kTimestampText; i-- > 0; rest /= 10) out[i] = static_cast<char>('0' + rest % 10);
}

/// Appends to a buffer that the caller knows to be large enough.
class Writer {
 public:
  explicit constexpr Writer(char* begin) noexcept : begin_(begin), end_(begin) {}

  constexpr Writer& add(std::string_view text) noexcept {
    end_ = std::copy(text.begin(), text.end(), end_);
    return *this;
  }
  constexpr Writer& add(const Decimal& number) noexcept {
    end_ += number.format(end_);
    return *this;
  }
  constexpr Writer& add_timestamp(VenueMs timestamp) noexcept {
    write_timestamp(timestamp, end_);
    end_ += kTimestampText;
    return *this;
  }
  [[nodiscard]] constexpr char* end() const noexcept { return end_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return static_cast<std::size_t>(end_ - begin_);
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {begin_, size()}; }

 private:
  char* begin_;
  char* end_;
};

}  // namespace backhand::bitget
