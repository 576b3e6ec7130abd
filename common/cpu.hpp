// The CPU under a thread: where it runs, and how it waits in a spin.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "common/error.hpp"

namespace backhand {

/// One turn of a spin loop: lets the sibling hyper-thread run and saves power; no system call.
inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

/// Binds the calling thread to `cpu`, numbered from 0 as the kernel does. An error where there is no such CPU
/// or the process may not use it.
[[nodiscard]] inline std::expected<void, Error> pin_this_thread(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE)
    return std::unexpected(Error{"cannot pin to CPU " + std::to_string(cpu) + ": no such number"});
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (const int failed = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set); failed != 0)
    return std::unexpected(os_error("cannot pin to CPU " + std::to_string(cpu), failed));
  return {};
}

/// What a core's second cache holds; 512 KiB where the kernel does not say.
[[nodiscard]] inline std::size_t second_cache_bytes() noexcept {
  constexpr std::size_t kUsual = 524'288;
  const long bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : kUsual;
}

/// Names the calling thread for `top` and debuggers; cut to 15 bytes.
inline void name_this_thread(const std::string& name) noexcept {
  char cut[16] = {};
  name.copy(cut, sizeof cut - 1);
  ::pthread_setname_np(::pthread_self(), cut);
}

}  // namespace backhand
