// How the engine packs its own numbers into the token that a request carries through the network: which
// table, which entry, and the entry's generation, so that a late answer finds nothing.
#pragma once

#include <cstdint>

#include "gateway/bitget/dialect.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::engine {

inline constexpr std::uint32_t kLookupBit = 1U << 31;
inline constexpr std::uint16_t kGenerationMask = 0x7FFF;

[[nodiscard]] constexpr net::RequestToken make_token(bool lookup, std::uint32_t index,
                                                     std::uint16_t generation) noexcept {
  return {(lookup ? kLookupBit : 0U) | static_cast<std::uint32_t>(generation & kGenerationMask) << 16 |
          (index & 0xFFFFU)};
}
[[nodiscard]] constexpr bool is_lookup(net::RequestToken token) noexcept {
  return (token.value & kLookupBit) != 0;
}
[[nodiscard]] constexpr std::uint32_t index_of(net::RequestToken token) noexcept {
  return token.value & 0xFFFFU;
}
[[nodiscard]] constexpr std::uint16_t generation_of(net::RequestToken token) noexcept {
  return static_cast<std::uint16_t>(token.value >> 16 & kGenerationMask);
}

/// Lets the dialect look into a reply's headers without knowing the network's types.
[[nodiscard]] inline bitget::HeaderLookup header_lookup(const net::ReplyView& view) noexcept {
  return {[](const void* context, std::string_view name) noexcept {
            return static_cast<const net::ReplyView*>(context)->header(name);
          },
          &view};
}

}  // namespace backhand::engine
