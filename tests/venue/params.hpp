// The parameters of a request: from its query or from its JSON body. Views into the request, or into this
// object's own decoded copies.
#pragma once

#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace backhand::venue {

class Params {
 public:
  /// Reads "a=1&b=2" (percent signs and plus decoded). Always succeeds.
  void read_query(std::string_view query);
  /// Reads a flat JSON object whose values are strings or null (null: absent). False where the body is
  /// anything else but for values that are unknown to everybody, which `get` then does not find.
  [[nodiscard]] bool read_body(std::string_view body);

  /// The value; empty where absent or empty.
  [[nodiscard]] std::string_view get(std::string_view key) const noexcept;
  /// Whether the key came with a value that is not a string.
  [[nodiscard]] bool is_mistyped(std::string_view key) const noexcept;

 private:
  [[nodiscard]] std::string_view decoded(std::string_view text);

  std::vector<std::pair<std::string_view, std::string_view>> values_;
  std::vector<std::string_view> mistyped_;
  std::forward_list<std::string> own_;
};

}  // namespace backhand::venue
