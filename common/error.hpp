// A set-up or operating-system error: what failed, in words for a person. Never on the hot path.
#pragma once

#include <cerrno>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

namespace backhand {

struct Error {
  std::string message;  ///< One sentence that names the place (file, key, socket, host) and the cause.
};

/// Prefixes with `what` and appends the text of `error_number` (an errno value).
[[nodiscard]] inline Error os_error(std::string what, int error_number = errno) {
  return Error{std::move(what) + ": " + std::strerror(error_number)};
}

}  // namespace backhand
