// The command line's side of the admin protocol (README.md): one JSON object on a line there, one back.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace backhand::cli {

/// No reply of the gateway comes near this length.
inline constexpr std::size_t kMaxReplyBytes = 67'108'864;

/// Connects to the admin socket at `path`, sends `request` (one JSON object, without newline) and returns the
/// reply's line without its newline. Blocks at most `timeout_ms`.
[[nodiscard]] std::expected<std::string, Error> ask_gateway(const std::string& path, std::string_view request,
                                                            std::uint32_t timeout_ms);

struct Reply {
  bool ok = false;
  std::string error;  ///< Where not ok.
  std::string text;   ///< For people: every key of the reply, tables for lists of objects.
};

/// Reads a reply; the error says why it is none.
[[nodiscard]] std::expected<Reply, Error> read_reply(const std::string& line);

}  // namespace backhand::cli
