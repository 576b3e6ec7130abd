// In a file of its own: inlined, the compiler takes the replaced operators for mismatched ones.
#include "tests/gateway/order/allocation_count.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local std::size_t count = 0;
}

void* operator new(std::size_t size) {
  ++count;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace backhand::order::test {

std::size_t allocations() noexcept { return count; }

}  // namespace backhand::order::test
