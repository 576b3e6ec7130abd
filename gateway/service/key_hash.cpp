#include "gateway/service/key_hash.hpp"

#include <array>

#include <openssl/evp.h>

namespace backhand::service {

namespace {

std::string hash_with(std::string_view prefix, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_MD_CTX* context = ::EVP_MD_CTX_new();
  ::EVP_DigestInit_ex(context, ::EVP_sha256(), nullptr);
  ::EVP_DigestUpdate(context, prefix.data(), prefix.size());
  ::EVP_DigestUpdate(context, text.data(), text.size());
  ::EVP_DigestFinal_ex(context, digest.data(), &length);
  ::EVP_MD_CTX_free(context);
  std::string out;
  for (std::size_t i = 0; i < 16; ++i) {
    out += kHex[digest[i] >> 4];
    out += kHex[digest[i] & 0xF];
  }
  return out;
}

}  // namespace

std::string key_hash(std::string_view key) { return hash_with("backhand api key lock:", key); }

std::string uid_hash(std::string_view uid) { return hash_with("backhand uid lock:", uid); }

}  // namespace backhand::service
