#include "gateway/cli/reply_text.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace backhand::cli {
namespace {

namespace dom = simdjson::dom;

/// Columns are counted in code points, so that a word with an umlaut does not shift its row.
std::size_t width_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string padded(std::string_view text, std::size_t width) {
  std::string out{text};
  out.append(width - std::min(width, width_of(text)), ' ');
  return out;
}

bool is_scalar(dom::element value) noexcept {
  return value.type() != dom::element_type::OBJECT && value.type() != dom::element_type::ARRAY;
}

/// Text from outside must not steer the terminal.
std::string scalar_text(dom::element value) {
  std::string_view text;
  std::string out =
      value.get(text) == simdjson::SUCCESS ? std::string{text} : std::string{simdjson::minify(value)};
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out.empty() ? "-" : out;
}

/// Whether `list` is one of objects that hold scalars only, so that it fits a table.
bool is_table(const dom::array& list) {
  for (const dom::element item : list) {
    dom::object row;
    if (item.get(row) != simdjson::SUCCESS) return false;
    if (!std::all_of(row.begin(), row.end(), [](auto field) { return is_scalar(field.value); })) return false;
  }
  return list.begin() != list.end();
}

void write_table(std::string& out, const dom::array& list, const std::string& indent) {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  for (const dom::element item : list) {
    std::vector<std::string> row(columns.size(), "-");
    for (const auto field : dom::object(item)) {
      const auto found = std::ranges::find(columns, field.key);
      const auto at = static_cast<std::size_t>(found - columns.begin());
      if (found == columns.end()) {
        columns.emplace_back(field.key);
        row.emplace_back();
      }
      row[at] = scalar_text(field.value);
    }
    rows.push_back(std::move(row));
  }
  std::vector<std::size_t> widths;
  widths.reserve(columns.size());
  for (const std::string& column : columns) widths.push_back(width_of(column));
  for (auto& row : rows) {
    row.resize(columns.size(), "-");
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  rows.insert(rows.begin(), columns);
  for (const auto& row : rows) {
    std::string line = indent;
    for (std::size_t i = 0; i < row.size(); ++i) line += padded(row[i], widths[i]) + "  ";
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
}

void write_object(std::string& out, const dom::object& object, const std::string& indent);

void write_list(std::string& out, const dom::array& list, const std::string& indent) {
  if (is_table(list)) return write_table(out, list, indent);
  for (const dom::element item : list) {
    dom::object object;
    dom::array inner;
    if (item.get(object) == simdjson::SUCCESS) {
      out += indent + "-\n";
      write_object(out, object, indent + "  ");
    } else if (item.get(inner) == simdjson::SUCCESS) {
      out += indent + "-\n";
      write_list(out, inner, indent + "  ");
    } else {
      out += indent + scalar_text(item) + "\n";
    }
  }
}

void write_object(std::string& out, const dom::object& object, const std::string& indent) {
  std::size_t width = 0;
  for (const auto field : object) {
    if (is_scalar(field.value)) width = std::max(width, width_of(field.key));
  }
  for (const auto field : object) {
    dom::array list;
    dom::object inner;
    if (is_scalar(field.value)) {
      if (indent.empty() && field.key == "ok") continue;
      out += indent + padded(field.key, width) + "  " + scalar_text(field.value) + "\n";
    } else if (field.value.get(list) == simdjson::SUCCESS) {
      out += indent + std::string{field.key} + (list.begin() == list.end() ? "  none\n" : ":\n");
      write_list(out, list, indent + "  ");
    } else if (field.value.get(inner) == simdjson::SUCCESS) {
      out += indent + std::string{field.key} + (inner.begin() == inner.end() ? "  none\n" : ":\n");
      write_object(out, inner, indent + "  ");
    }
  }
}

}  // namespace

std::string reply_text(const dom::object& object) {
  std::string out;
  write_object(out, object, {});
  return out;
}

}  // namespace backhand::cli
