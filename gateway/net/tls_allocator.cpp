// OpenSSL 3.0 allocates up to four small blocks for each record that it writes, and frees them at once. Such
// blocks are kept in a short list per thread, so that after the first records neither malloc nor a lock is
// met. Every block is an ordinary malloc block: one freed on another thread simply joins that thread's list.
// The larger blocks are noted where a session asks for that.
#include <cstdlib>
#include <new>

#include <malloc.h>
#include <openssl/crypto.h>

#include "gateway/net/tls_memory.hpp"

namespace backhand::net {
namespace {

constexpr std::size_t kSmall = 64;  // The blocks in question have at most so many bytes.
constexpr std::size_t kKeep = 64;   // Blocks a thread keeps at most: 4 KiB.

std::size_t small_usable = 0;  // What malloc really gives for kSmall; set before the first use.

struct Block {
  Block* next;
};

// Trivial, so that it stays usable while the thread's other objects are destroyed.
struct FreeList {
  Block* first = nullptr;
  std::size_t count = 0;
  bool thread_is_ending = false;
};
thread_local FreeList free_list;
thread_local TlsMemory* watched = nullptr;

struct Drain {
  ~Drain() {
    free_list.thread_is_ending = true;
    while (free_list.first != nullptr) {
      Block* block = free_list.first;
      free_list.first = block->next;
      std::free(block);
    }
    free_list.count = 0;
  }
};

void keep(void* pointer) noexcept {
  thread_local Drain drain;
  (void)drain;
  free_list.first = new (pointer) Block{free_list.first};
  ++free_list.count;
}

void* allocate(std::size_t size, const char*, int) {
  if (size == 0) return nullptr;
  if (size > kSmall) {
    void* block = std::malloc(size);
    if (watched != nullptr && block != nullptr) watched->taken(block, size);
    return block;
  }
  if (Block* block = free_list.first; block != nullptr) {
    free_list.first = block->next;
    --free_list.count;
    return block;
  }
  return std::malloc(kSmall);
}

void release(void* pointer, const char*, int) {
  if (pointer == nullptr) return;
  if (watched != nullptr) watched->given_back(pointer);
  const bool fits = malloc_usable_size(pointer) == small_usable;
  if (fits && free_list.count < kKeep && !free_list.thread_is_ending) {
    keep(pointer);
  } else {
    std::free(pointer);
  }
}

void* reallocate(void* pointer, std::size_t size, const char* file, int line) {
  if (pointer == nullptr) return allocate(size, file, line);
  if (size == 0) {
    release(pointer, file, line);
    return nullptr;
  }
  if (watched != nullptr) watched->given_back(pointer);
  void* block = std::realloc(pointer, size);
  if (watched != nullptr && block != nullptr) watched->taken(block, size);
  return block;
}

}  // namespace

TlsMemory::Watch::Watch(TlsMemory& memory) noexcept { watched = &memory; }
TlsMemory::Watch::~Watch() { watched = nullptr; }

bool install_tls_allocator() noexcept {
  if (small_usable != 0) return true;
  void* sample = std::malloc(kSmall);
  if (sample == nullptr) return false;
  small_usable = malloc_usable_size(sample);
  std::free(sample);
  if (CRYPTO_set_mem_functions(allocate, reallocate, release) == 1) return true;
  small_usable = 0;
  return false;
}

}  // namespace backhand::net
