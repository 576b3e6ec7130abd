#include "gateway/bitget/credentials.hpp"

#include <cstring>
#include <new>

#include <openssl/crypto.h>

#include "gateway/bitget/secure_memory.hpp"

namespace backhand::bitget {

void* secure_allocate(std::size_t size) {
  void* memory = OPENSSL_secure_malloc(size);
  if (memory == nullptr) memory = OPENSSL_malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void secure_free(void* memory, std::size_t size) noexcept { OPENSSL_secure_clear_free(memory, size); }

SecretText::SecretText(std::string_view text) : size_(text.size()) {
  if (text.empty()) return;
  bytes_ = static_cast<char*>(secure_allocate(text.size()));
  std::memcpy(bytes_, text.data(), text.size());
}

SecretText::~SecretText() {
  if (bytes_ != nullptr) secure_free(bytes_, size_);
}

}  // namespace backhand::bitget
