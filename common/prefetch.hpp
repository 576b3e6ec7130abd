// Hints to the cache: what is about to be used is fetched while something else is done. They change nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace backhand {

inline constexpr std::size_t kCacheLine = 64;

// The one place that asks the processor, since a function that does nothing but prefetch is pure to GCC, and
// calls of it are dropped; the empty statement is what it must not drop.

/// The line of `at`, to be read soon.
[[gnu::always_inline]] inline void prefetch_line(const void* at) noexcept {
  __builtin_prefetch(at);
  asm volatile("");
}
/// The same, to be written soon.
[[gnu::always_inline]] inline void prefetch_line_to_write(const void* at) noexcept {
  __builtin_prefetch(at, 1);
  asm volatile("");
}
/// The same into the second cache, which holds data and instructions. The first has better things to hold.
[[gnu::always_inline]] inline void prefetch_line_second(const void* at) noexcept {
  __builtin_prefetch(at, 0, 2);
  asm volatile("");
}

/// The first byte of the line that `at` lies in.
[[nodiscard]] inline const char* line_of(const void* at) noexcept {
  return static_cast<const char*>(at) - reinterpret_cast<std::uintptr_t>(at) % kCacheLine;
}
/// Every line that has one of the `bytes` bytes from `from` on, to be read soon.
inline void prefetch_bytes(const void* from, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const char* const end = static_cast<const char*>(from) + bytes;
  for (const char* at = line_of(from); at < end; at += kCacheLine) prefetch_line(at);
}
/// The same, to be written soon.
inline void prefetch_bytes_to_write(const void* from, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  const char* const end = static_cast<const char*>(from) + bytes;
  for (const char* at = line_of(from); at < end; at += kCacheLine) prefetch_line_to_write(at);
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
