#include "gateway/config/document.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace {

/// Instead of the parser's own assertions, which text from outside can reach (a lone carriage return before a
/// key did): they must end in a message, not in an abort.
struct ParserConfused {};

[[noreturn]] void parser_is_confused() { throw ParserConfused{}; }

}  // namespace

// Compiled into this file alone, so that no library built with other settings is mixed in. Without NDEBUG, in
// which the parser would take its assertions for granted.
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : parser_is_confused())
// clang-format off: the order of these lines is their meaning.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 1
#include <toml++/impl/preprocessor.h>

// toml++ 3.3.0 asks of every character between tokens whether it is one of Unicode's spaces, and calls the
// answer for most of those from U+00A1 on unreachable. It is "no".
#include <toml++/impl/forward_declarations.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return {}
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()
#include <toml++/toml.h>
// clang-format on

namespace backhand::config {
namespace {

Place place_of(const toml::source_position& position) {
  return {static_cast<std::uint32_t>(position.line), static_cast<std::uint32_t>(position.column)};
}

Node converted(const toml::node& from) {
  Node out;
  out.place = place_of(from.source().begin);
  if (const auto* table = from.as_table()) {
    out.kind = NodeKind::table;
    out.children.reserve(table->size());
    for (const auto& [key, value] : *table) {
      out.children.push_back(converted(value));
      out.children.back().key = std::string{key.str()};
      out.children.back().key_place = place_of(key.source().begin);
    }
  } else if (const auto* list = from.as_array()) {
    out.kind = NodeKind::list;
    out.children.reserve(list->size());
    for (const auto& value : *list) out.children.push_back(converted(value));
  } else if (const auto* text = from.as_string()) {
    out.kind = NodeKind::text;
    out.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    out.kind = NodeKind::integer;
    out.integer = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    out.kind = NodeKind::boolean;
    out.boolean = boolean->get();
  } else {
    out.kind = from.is_floating_point() ? NodeKind::real : NodeKind::time;
  }
  return out;
}

/// The parser says "Error while parsing <what>: <why, maybe with a piece of the text>". Of that only <what>
/// is kept, and the why where it is one of the common and harmless ones.
std::string without_quotes(std::string_view description) {
  constexpr std::string_view kLead = "Error while parsing ";
  std::string out = "not valid TOML";
  if (description.starts_with(kLead)) {
    const std::string_view what = description.substr(kLead.size());
    out += " in this " + std::string{what.substr(0, what.find(':'))};
    if (what.starts_with("value")) out += ": text needs quotes";
  }
  if (description.find("redefine") != std::string_view::npos) out += ": it is given twice";
  if (description.find("utf-8") != std::string_view::npos) out += ": not UTF-8";
  if (description.find("end-of-file") != std::string_view::npos) out += ": the file ends in the middle of it";
  return out;
}

/// TOML knows no control characters but tab and line ends, anywhere.
std::optional<Place> forbidden_character(std::string_view text) noexcept {
  Place place{1, 1};
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool ends_line = byte == '\n';
    const bool before_end = byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((byte < 0x20 && byte != '\t' && !ends_line && !before_end) || byte == 0x7f) return place;
    // A column is a character, not a byte of one.
    if ((byte & 0xc0U) != 0x80U) ++place.column;
    if (ends_line) place = {place.line + 1, 1};
  }
  return std::nullopt;
}

/// The parser goes down as deep as a dotted key has parts, so that one of some ten thousand ends the program.
constexpr std::ptrdiff_t kMaxDots = 1'000;

std::optional<Place> too_many_parts(std::string_view text) {
  std::uint32_t line = 1;
  while (!text.empty()) {
    const std::string_view here = text.substr(0, text.find('\n'));
    if (std::ranges::count(here, '.') > kMaxDots) return Place{line, 1};
    text.remove_prefix(std::min(here.size() + 1, text.size()));
    ++line;
  }
  return std::nullopt;
}

}  // namespace

std::string_view kind_in_words(NodeKind kind) noexcept {
  switch (kind) {
    case NodeKind::boolean:
      return "true or false";
    case NodeKind::integer:
      return "an integer";
    case NodeKind::real:
      return "a number with a point";
    case NodeKind::text:
      return "a string";
    case NodeKind::time:
      return "a date or time";
    case NodeKind::list:
      return "a list";
    case NodeKind::table:
      return "a table";
  }
  return "?";
}

std::expected<Node, Problem> parse_document(std::string_view text, const std::string& file_name) {
  if (const auto place = forbidden_character(text)) {
    return std::unexpected(Problem{file_name, *place, {}, "not valid TOML: a control character"});
  }
  if (const auto place = too_many_parts(text)) {
    return std::unexpected(
        Problem{file_name,
                *place,
                {},
                "not valid TOML: a line with more than " + std::to_string(kMaxDots) + " dots"});
  }
  try {
    return converted(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        Problem{file_name, place_of(error.source().begin), {}, without_quotes(error.description())});
  } catch (const ParserConfused&) {
    return std::unexpected(Problem{file_name, {}, {}, "not valid TOML"});
  }
}

}  // namespace backhand::config
