// Who may attach: an attach request and its sender's user against the configured strategies. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "common/ids.hpp"
#include "common/wire/attach.hpp"

namespace backhand::ingress {

/// One entry for each configured strategy, in the order of StrategyIndex.
struct StrategyAccess {
  std::string name;                 ///< ≤ 24 bytes.
  std::vector<std::uint32_t> uids;  ///< Who may attach under this name; empty: only the gateway's own user.
  /// Attaches at once; after that kAttachesPerSecond. More than its lanes, so that all of them can come back.
  std::uint32_t attach_burst = 64;
};

/// Each attach makes a lane's memory and costs the I/O thread a little time.
inline constexpr std::uint32_t kAttachesPerSecond = 10;

/// A no, and what the person at the other end can do about it.
struct Refusal {
  wire::AttachStatus status;
  std::string message;
};

/// The strategy that `request` may attach as, when it comes from user `uid` (as the kernel says, not the
/// peer). `request` is untrusted.
[[nodiscard]] std::expected<StrategyIndex, Refusal> admit(const wire::AttachRequest& request,
                                                          std::uint32_t uid,
                                                          const std::vector<StrategyAccess>& strategies);

[[nodiscard]] inline std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

}  // namespace backhand::ingress
