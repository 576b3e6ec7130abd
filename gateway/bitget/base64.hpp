// Standard base64 of one 32-byte digest: always 44 characters, the last one '='.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace backhand::bitget {

inline constexpr std::size_t kSignatureText = 44;
inline constexpr std::array<char, 65> kBase64Alphabet = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};

/// Writes kSignatureText characters to `out`.
constexpr void encode_base64(const std::array<std::uint8_t, 32>& digest, char* out) noexcept {
  const auto letter = [](std::uint32_t bits) { return kBase64Alphabet[bits & 63U]; };
  for (std::size_t i = 0; i < 30; i += 3, out += 4) {
    const std::uint32_t bits =
        std::uint32_t{digest[i]} << 16 | std::uint32_t{digest[i + 1]} << 8 | digest[i + 2];
    out[0] = letter(bits >> 18);
    out[1] = letter(bits >> 12);
    out[2] = letter(bits >> 6);
    out[3] = letter(bits);
  }
  const std::uint32_t bits = std::uint32_t{digest[30]} << 8 | digest[31];
  out[0] = letter(bits >> 10);
  out[1] = letter(bits >> 4);
  out[2] = letter(bits << 2);
  out[3] = '=';
}

}  // namespace backhand::bitget
