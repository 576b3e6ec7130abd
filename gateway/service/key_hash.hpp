// A one-way name for an API key, so that two gateways on a host can see that they have the same one.
#pragma once

#include <string>
#include <string_view>

namespace backhand::service {

/// The first 32 hexadecimal digits of SHA-256 over a fixed prefix and the key.
[[nodiscard]] std::string key_hash(std::string_view key);

}  // namespace backhand::service
