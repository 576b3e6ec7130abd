// Hints to the cache: what is about to be used is fetched while something else is done. They change nothing.
#pragma once

#include <cstddef>

namespace backhand {

inline constexpr std::size_t kCacheLine = 64;

/// Every line of `bytes` bytes from `from` on, to be read soon.
inline void prefetch_bytes(const void* from, std::size_t bytes) noexcept {
  const auto* const at = static_cast<const char*>(from);
  for (std::size_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(at + i);
}
/// The same, to be written soon.
inline void prefetch_bytes_to_write(const void* from, std::size_t bytes) noexcept {
  const auto* const at = static_cast<const char*>(from);
  for (std::size_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(at + i, 1);
}
template <typename T>
void prefetch(const T& object) noexcept {
  prefetch_bytes(&object, sizeof object);
}
template <typename T>
void prefetch_to_write(const T& object) noexcept {
  prefetch_bytes_to_write(&object, sizeof object);
}

}  // namespace backhand
