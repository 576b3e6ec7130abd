// Standard base64 of one 32-byte digest: always 44 characters, the last one '='.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backhand::bitget {

inline constexpr std::size_t kSignatureText = 44;

/// Writes kSignatureText characters to `out`. Sixteen at a time where the machine can.
void encode_base64(const std::array<std::uint8_t, 32>& digest, char* out) noexcept;
/// The same, on any machine.
void encode_base64_portable(const std::array<std::uint8_t, 32>& digest, char* out) noexcept;

}  // namespace backhand::bitget
