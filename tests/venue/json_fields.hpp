// Reads and writes the fields of a struct as a JSON object. One `visit` function a struct names its fields
// once; FieldReader and FieldWriter go through it.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/venue/json_text.hpp"
#include "tests/venue/names.hpp"

namespace backhand::venue {

/// Takes fields from an object; `error` is the first thing wrong, empty where all was right.
class FieldReader {
 public:
  explicit FieldReader(const nlohmann::json& json) : json_(json) {
    if (!json.is_object()) error = "not a JSON object";
  }

  void operator()(const char* key, bool& out) {
    read(key, "true or false", [&](const auto& v) { return take(v, out); });
  }
  void operator()(const char* key, std::string& out) {
    read(key, "a string", [&](const auto& v) { return take(v, out); });
  }
  void operator()(const char* key, double& out) {
    read(key, "a number", [&](const auto& v) {
      if (v.is_number()) out = v.template get<double>();
      return v.is_number();
    });
  }
  template <typename Int>
    requires std::is_integral_v<Int>
  void operator()(const char* key, Int& out) {
    read(key, "a whole number in range", [&](const auto& v) {
      if (!v.is_number_integer()) return false;
      const auto n = v.template get<std::int64_t>();
      const bool fits = n >= static_cast<std::int64_t>(std::numeric_limits<Int>::min()) &&
                        (n < 0 || static_cast<std::uint64_t>(n) <= std::numeric_limits<Int>::max());
      if (fits) out = static_cast<Int>(n);
      return fits;
    });
  }
  void operator()(const char* key, Decimal& out) {
    read(key, "a decimal in quotes", [&](const auto& v) {
      const auto parsed =
          v.is_string() ? Decimal::parse(v.template get_ref<const std::string&>()) : std::nullopt;
      if (parsed) out = *parsed;
      return parsed.has_value();
    });
  }
  /// null: none.
  void operator()(const char* key, std::optional<Decimal>& out) {
    read(key, "a decimal in quotes, or null", [&](const auto& v) {
      out = v.is_string() ? Decimal::parse(v.template get_ref<const std::string&>()) : std::nullopt;
      return v.is_null() || out.has_value();
    });
  }
  void operator()(const char* key, std::vector<std::string>& out) {
    read(key, "a list of strings", [&](const auto& v) {
      if (!v.is_array()) return false;
      for (const auto& item : v) {
        if (!item.is_string()) return false;
        out.push_back(item.template get<std::string>());
      }
      return true;
    });
  }
  template <std::size_t N>
  void operator()(const char* key, FixedString<N>& out) {
    read(key, "a short string", [&](const auto& v) {
      if (!v.is_string()) return false;
      const auto& text = v.template get_ref<const std::string&>();
      if (FixedString<N>::fits(text)) out = FixedString<N>(text);
      return FixedString<N>::fits(text);
    });
  }
  /// A span of time: milliseconds in JSON, with a fraction where wanted.
  void ms(const char* key, Ns& out) {
    read(key, "milliseconds", [&](const auto& v) {
      if (!v.is_number() || std::abs(v.template get<double>()) > 1e12) return false;
      out = std::llround(v.template get<double>() * static_cast<double>(kMillisecond));
      return true;
    });
  }
  template <typename Enum, std::size_t N>
  void word(const char* key, Enum& out, const std::array<Name<Enum>, N>& names) {
    std::string expected = "one of";
    for (const auto& n : names) expected.append(" ").append(n.text);
    read(key, expected, [&](const auto& v) {
      const auto found =
          v.is_string() ? named(names, v.template get_ref<const std::string&>()) : std::nullopt;
      if (found) out = *found;
      return found.has_value();
    });
  }
  /// The value, for fields that are objects or lists themselves; null pointer where absent.
  const nlohmann::json* nested(const char* key) {
    known_.emplace_back(key);
    return json_.is_object() && json_.contains(key) ? &json_.at(key) : nullptr;
  }
  /// Call last: complains about keys that nobody took.
  void finish() {
    if (!error.empty()) return;
    for (const auto& [key, value] : json_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) error = "unknown key \"" + key + '"';
    }
  }

  std::string error;

 private:
  template <typename Take>
  void read(const char* key, const std::string& expected, Take&& take_value) {
    const nlohmann::json* const value = nested(key);
    if (value == nullptr || !error.empty()) return;
    if (!take_value(*value)) error = std::string("\"") + key + "\": want " + expected;
  }
  static bool take(const nlohmann::json& v, bool& out) {
    if (v.is_boolean()) out = v.get<bool>();
    return v.is_boolean();
  }
  static bool take(const nlohmann::json& v, std::string& out) {
    if (v.is_string()) out = v.get<std::string>();
    return v.is_string();
  }

  const nlohmann::json& json_;
  std::vector<std::string> known_;
};

class FieldWriter {
 public:
  template <typename T>
  void operator()(const char* key, const T& value) {
    if constexpr (std::is_same_v<T, Decimal>) {
      json[key] = to_text(value);
    } else {
      json[key] = value;
    }
  }
  void ms(const char* key, Ns value) {
    json[key] = static_cast<double>(value) / static_cast<double>(kMillisecond);
  }
  template <typename Enum, std::size_t N>
  void word(const char* key, Enum value, const std::array<Name<Enum>, N>& names) {
    json[key] = name_of(names, value);
  }

  nlohmann::json json = nlohmann::json::object();
};

}  // namespace backhand::venue
