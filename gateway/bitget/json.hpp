// Reading the venue's JSON with simdjson on demand: the envelope around every reply, and scalars that come as
// strings here and as numbers there. Internal to this room.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <simdjson.h>

#include "common/decimal.hpp"
#include "common/time.hpp"
#include "gateway/bitget/codes.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/bitget/text.hpp"

namespace backhand::bitget::json {

using simdjson::ondemand::json_type;
using simdjson::ondemand::object;
using simdjson::ondemand::parser;
using simdjson::ondemand::value;

static_assert(simdjson::SIMDJSON_PADDING <= Dialect::kReplyPadding);

/// What stands in a field. Two fields that hold nothing are not the same: a null is said, an absent one is
/// not.
enum class Shape : std::uint8_t {
  absent,
  null,
  text,   ///< A string, unescaped, or the characters of a number.
  other,  ///< An object, an array or a truth value.
};

struct Scalar {
  Shape shape = Shape::absent;
  bool is_number = false;  ///< With Shape::text.
  std::string_view text;   ///< With Shape::text; lives as long as the body and the parser's next document.

  /// Whether there is a text with something in it.
  [[nodiscard]] bool given() const noexcept { return shape == Shape::text && !text.empty(); }
};

[[nodiscard]] constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
/// One of the characters that a JSON number is made of.
[[nodiscard]] constexpr bool is_number_part(char c) noexcept {
  return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

/// Reads `from` into `out`; false where the JSON is broken.
[[nodiscard]] inline bool read_scalar(value from, Scalar& out) noexcept {
  json_type type{};
  if (from.type().get(type) != simdjson::SUCCESS) return false;
  switch (type) {
    case json_type::string:
      out.shape = Shape::text;
      return from.get_string().get(out.text) == simdjson::SUCCESS;
    case json_type::number:
      out.shape = Shape::text;
      out.is_number = true;
      out.text = from.raw_json_token();
      out.text = out.text.substr(
          0, static_cast<std::size_t>(std::ranges::find_if(out.text, is_space) - out.text.begin()));
      // simdjson looks at a number only when it is asked for its value.
      return std::ranges::all_of(out.text, is_number_part);
    case json_type::null:
      out = {Shape::null, false, {}};
      return true;
    case json_type::boolean:
    case json_type::array:
    case json_type::object:
      out = {Shape::other, false, {}};
      return true;
  }
  return false;
}

/// A number of milliseconds (or of anything else counted): 1 … 15 digits.
[[nodiscard]] inline std::optional<std::int64_t> to_count(const Scalar& scalar) noexcept {
  if (!scalar.given() || scalar.text.size() > 15) return std::nullopt;
  std::int64_t out = 0;
  for (const char c : scalar.text) {
    if (c < '0' || c > '9') return std::nullopt;
    out = out * 10 + (c - '0');
  }
  return out;
}
[[nodiscard]] inline std::optional<Decimal> to_decimal(const Scalar& scalar) noexcept {
  return scalar.given() ? Decimal::parse(scalar.text) : std::nullopt;
}

/// Calls `on_field(key, value)` for each field; false as soon as the JSON is broken or `on_field` says false.
template <typename OnField>
[[nodiscard]] bool for_each_field(object& from, OnField&& on_field) noexcept {
  for (auto result : from) {
    simdjson::ondemand::field field;
    if (std::move(result).get(field) != simdjson::SUCCESS) return false;
    std::string_view key;
    if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
    if (!on_field(key, field.value())) return false;
  }
  return true;
}

/// What stands around the data of every reply.
struct Envelope {
  Scalar code;
  Scalar message;
  Scalar request_time;
  bool has_data = false;

  /// Of plain characters: what else stands there is no code.
  [[nodiscard]] bool has_code() const noexcept { return code.given() && is_plain_text(code.text); }
  /// Beside the code there is a message or a time: what the venue always sends, and a proxy in between does
  /// not.
  [[nodiscard]] bool is_the_venues() const noexcept {
    return has_code() && (message.shape == Shape::text || request_time.shape == Shape::text);
  }
  [[nodiscard]] VenueMs venue_ms() const noexcept { return to_count(request_time).value_or(0); }
};

/// Reads `body` to its last byte. `on_data(value)` is called for the data, maybe before the code is known,
/// and says false where they are broken. False where the body is longer than the parser's capacity or not one
/// JSON object, or where a field of the envelope comes twice: then nothing in `out` counts.
template <typename OnData>
[[nodiscard]] bool read_envelope(parser& with, std::string_view body, Envelope& out,
                                 OnData&& on_data) noexcept {
  if (body.empty() || body.size() > with.capacity()) return false;
  simdjson::ondemand::document document;
  if (with.iterate(body.data(), body.size(), body.size() + Dialect::kReplyPadding).get(document) !=
      simdjson::SUCCESS) {
    return false;
  }
  object root;
  if (document.get_object().get(root) != simdjson::SUCCESS) return false;
  const auto read_once = [](value from, Scalar& into) {
    return into.shape == Shape::absent && read_scalar(from, into);
  };
  const bool whole = for_each_field(root, [&](std::string_view key, value content) {
    if (key == "code") {
      if (!read_once(content, out.code)) return false;
      // A code that is spelled as a number has lost its leading zeros.
      if (out.code.is_number && out.code.text == "0") out.code.text = kSuccessCode;
      return true;
    }
    if (key == "msg") return read_once(content, out.message);
    if (key == "requestTime") return read_once(content, out.request_time);
    if (key != "data") return true;
    if (out.has_data) return false;
    out.has_data = true;
    return static_cast<bool>(on_data(content));
  });
  return whole && document.current_location().error() == simdjson::OUT_OF_BOUNDS;
}

}  // namespace backhand::bitget::json
