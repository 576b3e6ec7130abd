// One-way names for API keys and UIDs, so that two gateways on a host can see that they have the same.
#pragma once

#include <string>
#include <string_view>

namespace backhand::service {

/// The first 32 hexadecimal digits of SHA-256 over a fixed prefix and the key.
[[nodiscard]] std::string key_hash(std::string_view key);
/// The same over another prefix: for a UID and where it is valid.
[[nodiscard]] std::string uid_hash(std::string_view uid);

}  // namespace backhand::service
