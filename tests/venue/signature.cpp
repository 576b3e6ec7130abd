#include "tests/venue/signature.hpp"

#include <array>
#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "common/assert.hpp"

namespace backhand::venue {

namespace {

EVP_MAC* hmac() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return mac;
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct SignatureKey::Context {
  EVP_MAC_CTX* mac = nullptr;

  explicit Context(std::string_view secret) : mac(EVP_MAC_CTX_new(hmac())) {
    std::array<char, 7> digest{"SHA256"};
    const std::array<OSSL_PARAM, 2> params{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    BH_ASSERT(mac != nullptr);
    BH_ASSERT(EVP_MAC_init(mac, bytes_of(secret), secret.size(), params.data()) == 1);
  }
  ~Context() { EVP_MAC_CTX_free(mac); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

SignatureKey::SignatureKey(std::string_view secret) : context_(std::make_unique<Context>(secret)) {}
SignatureKey::~SignatureKey() = default;
SignatureKey::SignatureKey(SignatureKey&&) noexcept = default;
SignatureKey& SignatureKey::operator=(SignatureKey&&) noexcept = default;

std::string SignatureKey::sign(std::string_view timestamp, std::string_view method, std::string_view target,
                               std::string_view body) const {
  EVP_MAC_CTX* const mac = context_->mac;
  std::array<unsigned char, 32> digest{};
  std::size_t length = 0;
  bool ok = EVP_MAC_init(mac, nullptr, 0, nullptr) == 1;  // Keeps the key.
  for (const auto part : {timestamp, method, target, body}) {
    ok = ok && EVP_MAC_update(mac, bytes_of(part), part.size()) == 1;
  }
  ok = ok && EVP_MAC_final(mac, digest.data(), &length, digest.size()) == 1;
  BH_ASSERT(ok && length == digest.size());
  std::array<unsigned char, 45> text{};  // 44 characters and EVP_EncodeBlock's terminator.
  const int size = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(size)};
}

bool SignatureKey::verify(std::string_view timestamp, std::string_view method, std::string_view target,
                          std::string_view body, std::string_view signature) const {
  return sign(timestamp, method, target, body) == signature;
}

}  // namespace backhand::venue
