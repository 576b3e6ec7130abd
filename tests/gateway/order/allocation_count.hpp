// Counts every operator new of the test program, so that a test can see that a stretch of code made none.
#pragma once

#include <cstddef>

namespace backhand::order::test {

/// Made so far by this thread.
[[nodiscard]] std::size_t allocations() noexcept;

}  // namespace backhand::order::test
