// A TOML document as a plain tree with places, so that the parser library is seen by one file only. Internal
// to this room.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/problem.hpp"

namespace backhand::config {

enum class NodeKind : std::uint8_t { boolean, integer, real, text, time, list, table };

struct Node {
  NodeKind kind = NodeKind::table;
  Place place;      ///< Of the value.
  Place key_place;  ///< Of its key; nowhere in a list and at the root.
  std::string key;  ///< Empty in a list and at the root.
  bool boolean = false;
  std::int64_t integer = 0;
  std::string text;
  std::vector<Node> children;  ///< list: in order; table: by key.
};

/// "an integer", "a string", …: how messages call a kind.
[[nodiscard]] std::string_view kind_in_words(NodeKind kind) noexcept;

/// The root table, or where and why the text is no TOML (the first such place only). The message never
/// quotes the text, which may hold what should not have been there.
[[nodiscard]] std::expected<Node, Problem> parse_document(std::string_view text,
                                                          const std::string& file_name);

}  // namespace backhand::config
