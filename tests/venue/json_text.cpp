#include "tests/venue/json_text.hpp"

#include <array>
#include <charconv>

namespace backhand::venue {

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string to_text(Decimal value) {
  std::array<char, Decimal::kMaxText> text{};
  return {text.data(), value.format(text.data())};
}

JsonObject& JsonObject::text(std::string_view key, Decimal value) {
  std::array<char, Decimal::kMaxText> digits{};
  append_key(key);
  out_ += '"';
  out_.append(digits.data(), value.format(digits.data()));
  out_ += '"';
  return *this;
}

JsonObject& JsonObject::digits(std::string_view key, std::uint64_t value) {
  std::array<char, 24> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), value).ptr;
  append_key(key);
  out_ += '"';
  out_.append(number.data(), end);
  out_ += '"';
  return *this;
}

}  // namespace backhand::venue
