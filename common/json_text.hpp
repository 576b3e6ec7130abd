// Writes one JSON object on one line, key by key. For people's tools, far from any hot path.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace backhand {

/// `text` as a JSON string. Bytes above 0x7e stand for the code point of that number, so that text which is
/// no UTF-8 (an intent's 16 bytes are its strategy's own) still makes valid JSON.
[[nodiscard]] std::string json_quoted(std::string_view text);

class JsonObject {
 public:
  JsonObject& text(std::string_view key, std::string_view value) { return raw(key, json_quoted(value)); }
  JsonObject& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  template <std::integral T>
  JsonObject& number(std::string_view key, T value) {
    return raw(key, std::to_string(value));
  }
  /// `value` is JSON already.
  JsonObject& raw(std::string_view key, std::string_view value);

  [[nodiscard]] std::string line() const { return (body_.empty() ? "{" : body_) + "}"; }

 private:
  std::string body_;
};

}  // namespace backhand
