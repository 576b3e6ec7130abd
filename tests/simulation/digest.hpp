// A fingerprint of what a world's gateway did: every journal record, every outcome, every byte to the venue,
// in order. Two builds with the same fingerprint did the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace backhand::simulation {

class Digest {
 public:
  void add(std::span<const std::byte> bytes) noexcept {
    // FNV-1a, the length first, so that two pieces are not one.
    mix(static_cast<std::uint64_t>(bytes.size()));
    for (const std::byte byte : bytes) mix(static_cast<std::uint64_t>(byte));
  }
  [[nodiscard]] std::uint32_t value() const noexcept {
    return static_cast<std::uint32_t>(state_ ^ (state_ >> 32));
  }

 private:
  void mix(std::uint64_t value) noexcept { state_ = (state_ ^ value) * 0x0000'0100'0000'01B3U; }

  std::uint64_t state_ = 0xCBF2'9CE4'8422'2325U;
};

}  // namespace backhand::simulation
