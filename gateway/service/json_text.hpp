// JSON text for people and programs, off every hot path: quoting, and objects built member by member.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace backhand::service {

/// `text` as a JSON string; bytes that are no printable ASCII are escaped one by one.
[[nodiscard]] std::string quoted(std::string_view text);

class JsonObject {
 public:
  JsonObject& add(std::string_view key, std::string_view text) { return add_raw(key, quoted(text)); }
  JsonObject& add(std::string_view key, const char* text) { return add(key, std::string_view{text}); }
  JsonObject& add(std::string_view key, std::uint64_t number) { return add_raw(key, std::to_string(number)); }
  JsonObject& add(std::string_view key, std::int64_t number) { return add_raw(key, std::to_string(number)); }
  JsonObject& add(std::string_view key, std::uint32_t number) { return add(key, std::uint64_t{number}); }
  JsonObject& add(std::string_view key, bool value) { return add_raw(key, value ? "true" : "false"); }
  /// `json` is a whole JSON value.
  JsonObject& add_raw(std::string_view key, std::string_view json);
  [[nodiscard]] std::string str() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

}  // namespace backhand::service
