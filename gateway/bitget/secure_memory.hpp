// Memory for secrets and for what is derived from them: from OpenSSL's secure heap (locked, not dumped) where
// one was set up and has room, else from the ordinary heap; wiped either way when it is given back.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace backhand::bitget {

/// Throws std::bad_alloc. Set-up only.
[[nodiscard]] void* secure_allocate(std::size_t size);
/// Wipes the `size` bytes first.
void secure_free(void* memory, std::size_t size) noexcept;

template <typename T>
struct SecureDelete {
  void operator()(T* object) const noexcept {
    object->~T();
    secure_free(object, sizeof(T));
  }
};
template <typename T>
using SecurePtr = std::unique_ptr<T, SecureDelete<T>>;

template <typename T>
[[nodiscard]] SecurePtr<T> make_secure() {
  static_assert(alignof(T) <= alignof(std::max_align_t));
  return SecurePtr<T>(new (secure_allocate(sizeof(T))) T());
}

}  // namespace backhand::bitget
