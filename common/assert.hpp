// BH_ASSERT: a check for bugs of our own that stays on in Release. It reports the place and aborts.
// Never for outside input: that has answers (enums, std::expected), not assertions.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace backhand::detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* what, const char* file,
                                                                    int line) noexcept {
  std::fprintf(stderr, "backhand: assertion failed: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace backhand::detail

#define BH_ASSERT(condition)                         \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::backhand::detail::assertion_failed(#condition, __FILE__, __LINE__))
