// A file of intents: one JSON object a line, each with the time at which it is to be pushed. A line may have
// a name, by which a later one means it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/wire/intent.hpp"

namespace backhand::cli {

struct TimedIntent {
  std::uint32_t line = 0;         ///< In the file, from 1.
  std::int64_t at_ms = 0;         ///< After the first push could have happened.
  std::int64_t deadline_ms = 0;   ///< After at_ms.
  std::uint32_t target_line = 0;  ///< fire, disarm, withdraw: the line meant, which comes earlier; else 0.
  wire::Intent intent{};  ///< Without created_ns, deadline_ns and target_id; id 0: the lane's next one.
};

inline constexpr std::int64_t kDefaultDeadline_ms = 1'000;
inline constexpr std::int64_t kDefaultShotDeadline_ms = 60'000;  ///< Of an arm.

/// Reads every line, in the order of at_ms (lines of the same time keep theirs). Empty lines and lines that
/// begin with '#' are skipped. All mistakes are told together, each as `file:line: key: text`; names and
/// targets are looked at where there is no other.
[[nodiscard]] std::expected<std::vector<TimedIntent>, std::vector<std::string>> read_intents(
    std::string_view text, const std::string& file_name);

/// The whole file at `path`; "-" is standard input.
[[nodiscard]] std::expected<std::string, Error> read_file(const std::string& path);

}  // namespace backhand::cli
