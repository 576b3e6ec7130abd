#include "gateway/config/section.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <utility>

namespace backhand::config {
namespace {

/// Keys under which people put a secret itself.
constexpr std::array<std::string_view, 14> kSecretKeys{
    "key",      "secret", "passphrase",  "api_key", "api_secret", "apikey",     "apisecret",
    "password", "passwd", "private_key", "token",   "access_key", "secret_key", "api_passphrase"};

constexpr char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool is_letter_or_digit(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool has_control_characters(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string with_article(std::string_view wanted, NodeKind got) {
  return "must be " + std::string{wanted} + ", not " + std::string{kind_in_words(got)};
}

}  // namespace

std::string suggestion(std::string_view text, std::span<const std::string_view> known) {
  if (text.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = text.size() / 3 + 1;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(text, candidate);
    if (distance < best_distance || (distance == best_distance && best.empty() && distance <= 2)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string{} : "; did you mean \"" + std::string{best} + "\"?";
}

std::string upper_case(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), upper);
  return out;
}

bool only_letters_digits_and(std::string_view text, std::string_view also) noexcept {
  return std::ranges::all_of(
      text, [&](char c) { return is_letter_or_digit(c) || also.find(c) != std::string_view::npos; });
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 80;
  std::string out = "\"";
  for (const char c : text.substr(0, kMost)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return out + (text.size() > kMost ? "…\"" : "\"");
}

std::string resolved_path(const std::string& path, const std::string& file) {
  namespace fs = std::filesystem;
  if (path.empty()) return path;
  std::error_code ignored;
  fs::path full{path};
  if (full.is_relative()) {
    const fs::path folder = fs::absolute(fs::path{file}, ignored).parent_path();
    full = folder / full;
  }
  std::string out = full.lexically_normal().string();
  while (out.size() > 1 && out.back() == '/') out.pop_back();
  return out;
}

Section::Section(Findings& findings, const Node* table, std::string path, Place absent_place)
    : findings_(findings),
      table_(table),
      path_(std::move(path)),
      absent_place_(table != nullptr ? table->place : absent_place),
      problems_before_(findings.problems.size()) {}

const Node* Section::peek(std::string_view key) const noexcept {
  if (table_ == nullptr) return nullptr;
  const auto found = std::ranges::find(table_->children, key, &Node::key);
  return found == table_->children.end() ? nullptr : &*found;
}

const Node* Section::find(std::string_view key) {
  if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
  return peek(key);
}

bool Section::has(std::string_view key) const noexcept { return peek(key) != nullptr; }

bool Section::sound(std::initializer_list<std::string_view> keys) const {
  return std::ranges::none_of(keys, [&](std::string_view key) {
    const std::string full = full_key(key);
    return std::any_of(findings_.problems.begin() + static_cast<std::ptrdiff_t>(problems_before_),
                       findings_.problems.end(), [&](const Problem& problem) { return problem.key == full; });
  });
}

Place Section::place_of(std::string_view key) const noexcept {
  const Node* node = peek(key);
  return node != nullptr ? node->place : absent_place_;
}

std::string Section::full_key(std::string_view key) const {
  if (path_.empty()) return std::string{key};
  return key.empty() ? path_ : path_ + "." + std::string{key};
}

void Section::problem(std::string_view key, std::string message) {
  findings_.problem(place_of(key), full_key(key), std::move(message));
}

void Section::warning(std::string_view key, std::string message) {
  findings_.warning(place_of(key), full_key(key), std::move(message));
}

void Section::require(std::string_view key, std::string_view why) {
  if (find(key) == nullptr) {
    problem(key, why.empty() ? std::string{"is missing"} : "is missing: " + std::string{why});
  }
}

const Node* Section::expect(std::string_view key, NodeKind kind, std::string_view wanted) {
  const Node* node = find(key);
  if (node == nullptr || node->kind == kind) return node;
  problem(key, with_article(wanted, node->kind));
  return nullptr;
}

void Section::flag(std::string_view key, bool& out) {
  if (const Node* node = expect(key, NodeKind::boolean, "true or false")) out = node->boolean;
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::int64_t min, std::int64_t max) {
  const Node* node = expect(key, NodeKind::integer, "an integer");
  if (node == nullptr) return std::nullopt;
  if (node->integer < min || node->integer > max) {
    problem(key, "must lie between " + std::to_string(min) + " and " + std::to_string(max) + "; it is " +
                     std::to_string(node->integer));
    return std::nullopt;
  }
  return node->integer;
}

bool Section::text(std::string_view key, std::string& out, bool may_be_empty) {
  const Node* node = expect(key, NodeKind::text, "a string");
  if (node == nullptr) return false;
  if (has_control_characters(node->text)) {
    problem(key, "must not contain control characters");
    return false;
  }
  if (node->text.empty() && !may_be_empty) {
    problem(key, "must not be empty");
    return false;
  }
  out = node->text;
  return true;
}

std::optional<std::size_t> Section::word_index(std::string_view key, std::span<const std::string_view> words,
                                               bool any_case) {
  const Node* node = expect(key, NodeKind::text, "a string");
  if (node == nullptr) return std::nullopt;
  const std::string given = any_case ? upper_case(node->text) : node->text;
  const auto found = std::ranges::find(words, std::string_view{given});
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  std::string all;
  for (const std::string_view word : words) {
    all += (all.empty() ? "\"" : ", \"") + std::string{word} + "\"";
  }
  problem(key, "must be one of " + all + "; it is " + in_quotes(node->text));
  return std::nullopt;
}

bool Section::path(std::string_view key, std::string& out) {
  if (!text(key, out)) return false;
  out = resolved_path(out, findings_.file);
  return true;
}

void Section::size(std::string_view key, Decimal& out) {
  const Node* node = find(key);
  if (node == nullptr) return;
  if (node->kind != NodeKind::text) {
    problem(key, with_article("a size in a string, like \"0.5\"", node->kind));
    return;
  }
  const auto value = Decimal::parse(node->text);
  if (!value) {
    problem(key, "must be a plain decimal, like \"0.5\"; it is " + in_quotes(node->text));
  } else if (value->is_zero()) {
    problem(key, "must be above zero; leave it out for no limit");
  } else {
    out = *value;
  }
}

const Node* Section::list(std::string_view key) { return expect(key, NodeKind::list, "a list"); }

const Node* Section::table(std::string_view key) {
  return expect(key, NodeKind::table, "a table: write [" + full_key(key) + "]");
}

std::span<const Node> Section::tables(std::string_view key) {
  const std::string wanted = "a list of tables: write [[" + std::string{key} + "]]";
  const Node* node = expect(key, NodeKind::list, wanted);
  if (node == nullptr) return {};
  for (const Node& child : node->children) {
    if (child.kind != NodeKind::table) {
      findings_.problem(child.place, full_key(key), with_article(wanted, child.kind));
      return {};
    }
  }
  return node->children;
}

void Section::finish() {
  if (table_ == nullptr) return;
  for (const Node& child : table_->children) {
    if (std::ranges::find(known_, child.key) != known_.end()) continue;
    std::string shown = full_key(child.key.size() > 64 ? child.key.substr(0, 64) + "…" : child.key);
    if (has_control_characters(shown)) shown = full_key("?");
    if (std::ranges::find(kSecretKeys, child.key) != kSecretKeys.end()) {
      findings_.problem(child.key_place, std::move(shown),
                        "a secret does not belong in this file: put it into a file of its own and name that "
                        "with key_file, secret_file or passphrase_file");
      continue;
    }
    findings_.problem(child.key_place, std::move(shown), "unknown key" + suggestion(child.key, known_));
  }
}

}  // namespace backhand::config
