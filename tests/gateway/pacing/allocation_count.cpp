// The replaced operators live in a file of their own, where no caller's `new` can be inlined beside one of
// them.
#include "allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {
std::uint64_t count = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace backhand::pacing::test {

std::uint64_t allocations() noexcept { return count; }

}  // namespace backhand::pacing::test
