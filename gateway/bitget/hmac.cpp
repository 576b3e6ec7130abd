// OpenSSL 3 marks the SHA256_ functions as deprecated in favour of EVP. They stay in use here for one reason:
// a SHA256_CTX is a plain struct, so a state behind a fixed prefix is copied in a few nanoseconds, where
// EVP_MD_CTX_copy allocates and EVP_MAC hashes the pads again (bench/micro compares them).
#define OPENSSL_SUPPRESS_DEPRECATED

#include "gateway/bitget/hmac.hpp"

#include <cstring>

#include <openssl/crypto.h>

namespace backhand::bitget {

void HmacMessage::add(std::string_view bytes) noexcept { SHA256_Update(&inner_, bytes.data(), bytes.size()); }

void HmacKey::load(std::string_view secret) noexcept {
  std::array<std::uint8_t, SHA256_CBLOCK> block{};
  if (secret.size() > block.size()) {
    SHA256(reinterpret_cast<const unsigned char*>(secret.data()), secret.size(), block.data());
  } else if (!secret.empty()) {
    std::memcpy(block.data(), secret.data(), secret.size());
  }
  std::array<std::uint8_t, SHA256_CBLOCK> pad{};
  for (std::size_t i = 0; i < block.size(); ++i) pad[i] = block[i] ^ 0x36U;
  SHA256_Init(&begin_.inner_);
  SHA256_Update(&begin_.inner_, pad.data(), pad.size());
  for (std::size_t i = 0; i < block.size(); ++i) pad[i] = block[i] ^ 0x5CU;
  SHA256_Init(&outer_);
  SHA256_Update(&outer_, pad.data(), pad.size());
  OPENSSL_cleanse(block.data(), block.size());
  OPENSSL_cleanse(pad.data(), pad.size());
}

Digest HmacKey::finish(HmacMessage& message) const noexcept {
  Digest digest;
  SHA256_Final(digest.data(), &message.inner_);
  SHA256_CTX outer = outer_;
  SHA256_Update(&outer, digest.data(), digest.size());
  SHA256_Final(digest.data(), &outer);
  return digest;
}

}  // namespace backhand::bitget
