#include "common/json_text.hpp"

namespace backhand {

std::string json_quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0x0fU];
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + "\"";
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view value) {
  body_ += body_.empty() ? "{" : ",";
  body_ += json_quoted(key);
  body_ += ":";
  body_ += value;
  return *this;
}

}  // namespace backhand
