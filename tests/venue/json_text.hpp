// Appends JSON text to a string: what the venue's replies are written with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/decimal.hpp"

namespace backhand::venue {

/// Appends `text` in quotes, escaped. Bytes outside ASCII are written as \u00xx each, so that what a client
/// sent can always be printed.
void append_quoted(std::string& out, std::string_view text);
[[nodiscard]] std::string to_text(Decimal value);

/// One object; closed by its destructor.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_ += '{'; }
  ~JsonObject() { out_ += '}'; }
  JsonObject(const JsonObject&) = delete;
  JsonObject& operator=(const JsonObject&) = delete;

  JsonObject& text(std::string_view key, std::string_view value) {
    append_key(key);
    append_quoted(out_, value);
    return *this;
  }
  JsonObject& text(std::string_view key, Decimal value);
  /// A whole number in quotes, as the venue sends ids and times.
  JsonObject& digits(std::string_view key, std::uint64_t value);
  /// `value` as it is: a number, null, or nested JSON.
  JsonObject& raw(std::string_view key, std::string_view value) {
    append_key(key);
    out_ += value;
    return *this;
  }
  /// Writes the key only; the caller appends the value.
  void append_key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += '"';
    out_ += key;
    out_ += "\":";
  }
  /// The same for a key that came from outside.
  void append_outside_key(std::string_view key) {
    if (!first_) out_ += ',';
    first_ = false;
    append_quoted(out_, key);
    out_ += ':';
  }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace backhand::venue
