// How often this program has allocated, so that a test can show that a call allocates nothing.
#pragma once

#include <cstdint>

namespace backhand::pacing::test {

[[nodiscard]] std::uint64_t allocations() noexcept;

}  // namespace backhand::pacing::test
