#include "tests/venue/params.hpp"

#include <algorithm>

#include <simdjson.h>

namespace backhand::venue {

namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string_view Params::decoded(std::string_view text) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
               hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return own_.emplace_front(std::move(out));
}

void Params::read_query(std::string_view query) {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) {
      values_.emplace_back(decoded(pair.substr(0, equals)), decoded(pair.substr(equals + 1)));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

bool Params::read_body(std::string_view body) {
  // The parser's buffers are reused; the copies below outlive the next parse on this thread.
  thread_local simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(body.data(), body.size()).get_object().get(object) != simdjson::SUCCESS) return false;
  std::string& copy = own_.emplace_front();
  copy.reserve(body.size());  // Names and values together are never longer, so that views stay valid.
  const auto keep = [&copy](std::string_view text) {
    const auto start = copy.size();
    copy += text;
    return std::string_view(copy).substr(start);
  };
  for (const auto field : object) {
    const std::string_view key = keep(field.key);
    std::string_view value;
    if (field.value.get(value) == simdjson::SUCCESS) {
      values_.emplace_back(key, keep(value));
    } else if (!field.value.is_null()) {
      mistyped_.push_back(key);
    }
  }
  return true;
}

std::string_view Params::get(std::string_view key) const noexcept {
  const auto found =
      std::find_if(values_.begin(), values_.end(), [key](const auto& v) { return v.first == key; });
  return found == values_.end() ? std::string_view{} : found->second;
}

bool Params::is_mistyped(std::string_view key) const noexcept {
  return std::find(mistyped_.begin(), mistyped_.end(), key) != mistyped_.end();
}

}  // namespace backhand::venue
