// HMAC-SHA256 with everything that does not change computed ahead: the states of both hashes behind the key's
// pads are kept per account, and a state may be copied after a fixed prefix. No allocation, no provider
// look-up.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <openssl/sha.h>

namespace backhand::bitget {

using Digest = std::array<std::uint8_t, SHA256_DIGEST_LENGTH>;

/// A message in the making. Copying it copies the state of the hash (112 bytes).
class HmacMessage {
 public:
  void add(std::string_view bytes) noexcept;

 private:
  friend class HmacKey;
  SHA256_CTX inner_{};
};

/// A key's two padded states. As good as the secret itself: keep it in secure memory.
class HmacKey {
 public:
  /// Takes the secret, of any length, in place: no copy of the states is left behind.
  void load(std::string_view secret) noexcept;

  [[nodiscard]] const HmacMessage& begin() const noexcept { return begin_; }
  /// The signature of `message`, which is used up.
  [[nodiscard]] Digest finish(HmacMessage& message) const noexcept;

 private:
  HmacMessage begin_;
  SHA256_CTX outer_{};
};

}  // namespace backhand::bitget
