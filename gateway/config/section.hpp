// Reads one table of the configuration key by key and collects what is wrong with it. Internal to this room.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/document.hpp"
#include "gateway/config/names.hpp"
#include "gateway/config/problem.hpp"

namespace backhand::config {

/// Everything found so far in one file.
struct Findings {
  std::string file;
  bool environment_known = false;  ///< Else what depends on it is not checked.
  std::vector<Problem> problems;
  std::vector<Problem> warnings;

  void problem(Place place, std::string key, std::string message) {
    problems.push_back({file, place, std::move(key), std::move(message)});
  }
  void warning(Place place, std::string key, std::string message) {
    warnings.push_back({file, place, std::move(key), std::move(message)});
  }
};

/// One table. A key that is absent leaves its target as it was (its default); one that is wrong is reported
/// and leaves it too. Every key asked for is known from then on; `finish` reports all others.
class Section {
 public:
  /// `table` may be null: the table is absent, every key too. `path` is empty at the root.
  Section(Findings& findings, const Node* table, std::string path, Place absent_place = {1, 1});

  void flag(std::string_view key, bool& out);
  /// An integer between `min` and `max`, both included.
  template <std::integral T>
  void number(std::string_view key, T& out, std::int64_t min, std::int64_t max) {
    if (const auto value = integer(key, min, max)) out = static_cast<T>(*value);
  }
  /// A string without control characters; an empty one only where `may_be_empty`.
  bool text(std::string_view key, std::string& out, bool may_be_empty = false);
  /// One of a table's words; `any_case` for those that the venue spells in capitals.
  template <typename Words, typename Enum>
  bool word(std::string_view key, const Words& words, Enum& out, bool any_case = false) {
    std::vector<std::string_view> names;
    names.reserve(words.size());
    for (const auto& entry : words) names.push_back(entry.text);
    const auto index = word_index(key, names, any_case);
    if (index) out = words[*index].value;
    return index.has_value();
  }
  /// A path; relative ones are taken from the file's folder.
  bool path(std::string_view key, std::string& out);
  /// A positive decimal in a string.
  void size(std::string_view key, Decimal& out);
  /// A list, or null.
  const Node* list(std::string_view key);
  /// The tables of [[key]], or nothing.
  std::span<const Node> tables(std::string_view key);
  /// The table [key], or null.
  const Node* table(std::string_view key);
  /// Whatever stands there, or null; the key is known from now on.
  const Node* find(std::string_view key);

  /// Reports `key` where it is absent.
  void require(std::string_view key, std::string_view why = {});
  [[nodiscard]] bool has(std::string_view key) const noexcept;
  void problem(std::string_view key, std::string message);
  void warning(std::string_view key, std::string message);
  /// No problem so far, in this table and what was read from it.
  [[nodiscard]] bool clean() const noexcept { return findings_.problems.size() == problems_before_; }
  /// None of these keys has a problem, so that they can be checked against each other.
  [[nodiscard]] bool sound(std::initializer_list<std::string_view> keys) const;
  /// Of the key's value, or of the table where the key is absent.
  [[nodiscard]] Place place_of(std::string_view key) const noexcept;
  [[nodiscard]] std::string full_key(std::string_view key) const;
  [[nodiscard]] Findings& findings() noexcept { return findings_; }

  /// Reports every key that nobody asked for, with the known one that looks most like it.
  void finish();

 private:
  [[nodiscard]] const Node* peek(std::string_view key) const noexcept;
  const Node* expect(std::string_view key, NodeKind kind, std::string_view wanted);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  std::optional<std::size_t> word_index(std::string_view key, std::span<const std::string_view> words,
                                        bool any_case);

  Findings& findings_;
  const Node* table_;
  std::string path_;
  Place absent_place_;
  std::size_t problems_before_;
  std::vector<std::string_view> known_;
};

/// `; did you mean "x"?` where one of `known` is close to `text`, else nothing.
[[nodiscard]] std::string suggestion(std::string_view text, std::span<const std::string_view> known);

/// A–Z for a–z; other bytes as they are.
[[nodiscard]] std::string upper_case(std::string_view text);

/// Whether every byte is a digit, a letter or one of `also`.
[[nodiscard]] bool only_letters_digits_and(std::string_view text, std::string_view also) noexcept;

/// `text` in quotes, cut where it is long, without control characters: safe to show in one line.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// A relative path taken from the folder of `file`, an absolute one as it is; both without "." and "..".
[[nodiscard]] std::string resolved_path(const std::string& path, const std::string& file);

}  // namespace backhand::config
