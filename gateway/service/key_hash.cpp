#include "gateway/service/key_hash.hpp"

#include <array>

#include <openssl/evp.h>

namespace backhand::service {

std::string key_hash(std::string_view key) {
  constexpr std::string_view kPrefix = "backhand api key lock:";
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  ::EVP_DigestInit_ex(context, ::EVP_sha256(), nullptr);
  ::EVP_DigestUpdate(context, kPrefix.data(), kPrefix.size());
  ::EVP_DigestUpdate(context, key.data(), key.size());
  ::EVP_DigestFinal_ex(context, digest.data(), &length);
  ::EVP_MD_CTX_free(context);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 0xF];
  }
  return out;
}

}  // namespace backhand::service
