#include "gateway/cli/intents.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include <simdjson.h>

#include "common/decimal.hpp"
#include "common/time.hpp"
#include "common/wire/names.hpp"

namespace backhand::cli {
namespace {

using wire::IntentKind;

/// What a line says beside its intent.
struct Line {
  TimedIntent timed;
  std::string name;    ///< Empty: none.
  std::string target;  ///< The name of the line that is meant.
};

/// Whether a line that does `kind` may have `key`.
bool has_key(IntentKind kind, std::string_view key) noexcept {
  constexpr std::array kEvery{"do", "name", "at_ms", "deadline_ms", "id", "tag"};
  if (std::ranges::find(kEvery, key) != kEvery.end()) return true;
  switch (kind) {
    case IntentKind::reverse:
    case IntentKind::arm:
      return key != "target";
    case IntentKind::fire:
      return key == "target" || key == "priority" || key == "expected_size";
    case IntentKind::disarm:
    case IntentKind::withdraw:
      return key == "target";
  }
  return false;
}

/// Whether a line that does `kind` may mean one that does `target`.
bool may_mean(IntentKind kind, IntentKind target) noexcept {
  switch (kind) {
    case IntentKind::reverse:
    case IntentKind::arm:
      return false;
    case IntentKind::fire:
    case IntentKind::disarm:
      return target == IntentKind::arm;
    case IntentKind::withdraw:
      return target == IntentKind::reverse || target == IntentKind::fire;
  }
  return false;
}

/// Takes one line's values and collects what is wrong with them.
class LineReader {
 public:
  LineReader(std::vector<std::string>& problems, const std::string& file, std::uint32_t line)
      : problems_(problems), prefix_(file + ":" + std::to_string(line) + ": ") {}

  void read(const simdjson::dom::object& object, Line& out) {
    IntentKind& kind = out.timed.intent.kind;
    kind = IntentKind::reverse;
    // What else may be said depends on it.
    Element what;
    if (object["do"].get(what) == simdjson::SUCCESS &&
        !word("do", what, kind, R"("reverse", "arm", "fire", "disarm" or "withdraw")")) {
      return;
    }
    out.timed.deadline_ms = kind == IntentKind::arm ? kDefaultShotDeadline_ms : kDefaultDeadline_ms;
    for (const auto [key, value] : object) {
      if (!seen_.insert(std::string{key}).second) {
        wrong(key, "is given twice");
      } else if (!take(key, value, out)) {
        wrong(key, "unknown key");
      } else if (!has_key(kind, key)) {
        wrong(key, "is not for a line that does \"" + std::string{wire::to_string(kind)} + "\"");
      }
    }
    for (const std::string_view needed : {"account", "symbol", "product", "position", "target"}) {
      if (has_key(kind, needed) && !seen_.contains(std::string{needed})) wrong(needed, "is missing");
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
  bool take(std::string_view key, Element value, Line& out) {
    wire::Intent& intent = out.timed.intent;
    if (key == "do") return true;
    if (key == "name") return label(key, value, out.name);
    if (key == "target") return label(key, value, out.target);
    if (key == "at_ms") return number(key, value, 0, 86'400'000, out.timed.at_ms);
    if (key == "deadline_ms") {
      const Ns most = intent.kind == IntentKind::arm ? wire::kMaxShotAhead_ns : wire::kMaxDeadlineAhead_ns;
      return number(key, value, 0, most / kMillisecond, out.timed.deadline_ms);
    }
    if (key == "id") return number(key, value, 1, INT64_MAX, intent.id);
    if (key == "priority") return number(key, value, 0, wire::kMaxPriority, intent.priority);
    if (key == "account") return name(key, value, intent.account);
    if (key == "symbol") return name(key, value, intent.symbol);
    if (key == "margin_coin") return name(key, value, intent.margin_coin);
    if (key == "tag") return name(key, value, intent.user_tag);
    if (key == "product") {
      word(key, value, intent.product, "a product like \"USDT-FUTURES\"");
      return true;
    }
    if (key == "position") {
      word(key, value, intent.position_side, "\"long\" or \"short\"");
      return true;
    }
    if (key == "size") return size(key, value, wire::kHasSize, intent.size_digits, intent.size_scale, intent);
    if (key == "expected_size") {
      return size(key, value, wire::kHasExpectedSize, intent.expected_digits, intent.expected_scale, intent);
    }
    return false;
  }

  bool label(std::string_view key, Element value, std::string& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS || text.empty() || text.size() > 64) {
      wrong(key, "must be a string of 1 to 64 bytes");
    } else {
      out = text;
    }
    return true;
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

  /// Whether `value` is one of Enum's words.
  template <typename Enum>
  bool word(std::string_view key, Element value, Enum& out, std::string_view wanted) {
    std::string_view text;
    const bool is_text = value.get(text) == simdjson::SUCCESS;
    const auto found = is_text ? wire::from_string<Enum>(text) : std::nullopt;
    if (!found) {
      wrong(key, "must be " + std::string{wanted});
      return false;
    }
    out = *found;
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

/// Finds the line that each target means. `lines` are in the order in which they are pushed.
void find_targets(std::vector<Line>& lines, std::vector<std::string>& problems, const std::string& file) {
  std::map<std::string, const Line*, std::less<>> named;
  std::set<std::string, std::less<>> later;
  for (const Line& line : lines) later.insert(line.name);
  for (Line& line : lines) {
    LineReader reader{problems, file, line.timed.line};
    if (!line.target.empty()) {
      const IntentKind kind = line.timed.intent.kind;
      const auto found = named.find(line.target);
      if (found != named.end() && may_mean(kind, found->second->timed.intent.kind)) {
        line.timed.target_line = found->second->timed.line;
      } else if (found != named.end()) {
        reader.wrong("target", "must not name a line that does \"" +
                                   std::string{wire::to_string(found->second->timed.intent.kind)} + "\"");
      } else if (later.contains(line.target)) {
        reader.wrong("target", "must name a line that comes earlier");
      } else {
        reader.wrong("target", "names no line");
      }
    }
    if (!line.name.empty() && !named.emplace(line.name, &line).second) {
      reader.wrong("name", "is another line's already");
    }
  }
}

std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kSpace = " \t\r";
  const auto begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

std::expected<std::vector<TimedIntent>, std::vector<std::string>> read_intents(std::string_view text,
                                                                               const std::string& file_name) {
  std::vector<Line> lines;
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
      Line& read = lines.emplace_back();
      read.timed.line = number;
      reader.read(object, read);
    }
  }
  if (lines.empty() && problems.empty()) problems.push_back(file_name + ": holds no intent");
  std::ranges::sort(lines, {}, [](const Line& line) { return std::pair{line.timed.at_ms, line.timed.line}; });
  // Where a time or a name is wrong, what it would make of a target means nothing.
  if (problems.empty()) find_targets(lines, problems, file_name);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  std::vector<TimedIntent> out;
  out.reserve(lines.size());
  for (const Line& line : lines) out.push_back(line.timed);
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
