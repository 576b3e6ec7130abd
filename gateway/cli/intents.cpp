#include "gateway/cli/intents.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <utility>

#include <simdjson.h>

#include "common/decimal.hpp"
#include "common/wire/names.hpp"

namespace backhand::cli {
namespace {

/// Takes one line's values and collects what is wrong with them.
class LineReader {
 public:
  LineReader(std::vector<std::string>& problems, const std::string& file, std::uint32_t line)
      : problems_(problems), prefix_(file + ":" + std::to_string(line) + ": ") {}

  void read(const simdjson::dom::object& object, TimedIntent& out) {
    for (const auto [key, value] : object) {
      if (!seen_.insert(std::string{key}).second) {
        wrong(key, "is given twice");
      } else if (!take(key, value, out)) {
        wrong(key, "unknown key");
      }
    }
    for (const std::string_view needed : {"account", "symbol", "product", "position"}) {
      if (!seen_.contains(std::string{needed})) wrong(needed, "is missing");
    }
  }

  void wrong(std::string_view key, std::string_view what) {
    std::string line = prefix_;
    if (!key.empty()) line += std::string{key.substr(0, 64)} + ": ";
    problems_.push_back(line + std::string{what});
  }

 private:
  using Element = simdjson::dom::element;

  /// Whether `key` is known.
  bool take(std::string_view key, Element value, TimedIntent& out) {
    wire::Intent& intent = out.intent;
    if (key == "at_ms") return number(key, value, 0, 86'400'000, out.at_ms);
    if (key == "deadline_ms") return number(key, value, 0, 60'000, out.deadline_ms);
    if (key == "id") return number(key, value, 1, INT64_MAX, intent.id);
    if (key == "priority") return number(key, value, 0, wire::kMaxPriority, intent.priority);
    if (key == "account") return name(key, value, intent.account);
    if (key == "symbol") return name(key, value, intent.symbol);
    if (key == "margin_coin") return name(key, value, intent.margin_coin);
    if (key == "tag") return name(key, value, intent.user_tag);
    if (key == "product") return word(key, value, intent.product, "a product like \"USDT-FUTURES\"");
    if (key == "position") return word(key, value, intent.position_side, "\"long\" or \"short\"");
    if (key == "size") return size(key, value, wire::kHasSize, intent.size_digits, intent.size_scale, intent);
    if (key == "expected_size") {
      return size(key, value, wire::kHasExpectedSize, intent.expected_digits, intent.expected_scale, intent);
    }
    return false;
  }

  template <typename T>
  bool number(std::string_view key, Element value, std::int64_t min, std::int64_t max, T& out) {
    std::int64_t got = 0;
    if (value.get(got) != simdjson::SUCCESS || got < min || got > max) {
      wrong(key, "must be an integer between " + std::to_string(min) + " and " + std::to_string(max));
    } else {
      out = static_cast<T>(got);
    }
    return true;
  }

  template <std::size_t N>
  bool name(std::string_view key, Element value, FixedString<N>& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS || text.empty() || !FixedString<N>::fits(text)) {
      wrong(key, "must be a string of 1 to " + std::to_string(N) + " bytes");
    } else {
      out = FixedString<N>{text};
    }
    return true;
  }

  template <typename Enum>
  bool word(std::string_view key, Element value, Enum& out, std::string_view wanted) {
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    const auto found = is_text ? wire::from_string<Enum>(text) : std::nullopt;
    if (found) {
      out = *found;
    } else {
      wrong(key, "must be " + std::string{wanted});
    }
    return true;
  }

  bool size(std::string_view key, Element value, std::uint8_t flag, std::uint64_t& digits,
            std::uint8_t& scale, wire::Intent& intent) {
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    const auto got = is_text ? Decimal::parse(text) : std::nullopt;
    if (!got) {
      wrong(key, "must be a plain decimal in quotes, like \"0.5\"");
    } else {
      digits = got->digits;
      scale = got->scale;
      intent.flags |= flag;
    }
    return true;
  }

  std::vector<std::string>& problems_;
  std::string prefix_;
  std::set<std::string> seen_;
};

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const auto begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::expected<std::vector<TimedIntent>, std::vector<std::string>> read_intents(std::string_view text,
                                                                               const std::string& file_name) {
  std::vector<TimedIntent> out;
  std::vector<std::string> problems;
  simdjson::dom::parser parser;
  std::uint32_t number = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    LineReader reader{problems, file_name, number};
    const simdjson::padded_string padded{line};
    simdjson::dom::element root;
    simdjson::dom::object object;
    if (const auto error = parser.parse(padded).get(root)) {
      reader.wrong({}, std::string{"not valid JSON: "} + simdjson::error_message(error));
    } else if (root.get(object) != simdjson::SUCCESS) {
      reader.wrong({}, "must be a JSON object");
    } else {
      TimedIntent& timed = out.emplace_back();
      timed.line = number;
      timed.deadline_ms = kDefaultDeadline_ms;
      timed.intent.kind = wire::IntentKind::reverse;
      reader.read(object, timed);
    }
  }
  if (out.empty() && problems.empty()) problems.push_back(file_name + ": holds no intent");
  if (!problems.empty()) return std::unexpected(std::move(problems));
  std::ranges::sort(out, {}, [](const TimedIntent& timed) { return std::pair{timed.at_ms, timed.line}; });
  return out;
}

std::expected<std::string, Error> read_file(const std::string& path) {
  if (path == "-") return std::string{std::istreambuf_iterator<char>{std::cin}, {}};
  if (std::error_code failed; std::filesystem::is_directory(path, failed)) {
    return std::unexpected(Error{path + " is a directory"});
  }
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::unexpected(os_error(path + " cannot be opened"));
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (file.bad()) return std::unexpected(os_error(path + " cannot be read"));
  return text;
}

}  // namespace backhand::cli
