// Where OpenSSL keeps a session. Its blocks are noted while the dialing thread shakes hands, so that they can
// be kept near until the session is used; nothing is known of what lies in them.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace backhand::net {

/// The blocks that OpenSSL took for one session while it was watched and did not give back meanwhile: all but
/// the small ones, kMost at most. Empty without `install_tls_allocator`. One thread at a time.
class TlsMemory {
 public:
  static constexpr std::size_t kMost = 192;

  struct Block {
    const void* at = nullptr;
    std::size_t size = 0;
  };
  /// What OpenSSL allocates and frees on this thread is noted for as long as this lives. One at a time.
  class Watch {
   public:
    explicit Watch(TlsMemory& memory) noexcept;
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
  };

  [[nodiscard]] std::span<const Block> blocks() const noexcept { return {blocks_.data(), count_}; }

  // For the allocator.
  void taken(const void* at, std::size_t size) noexcept {
    if (size >= kSmallest && count_ < blocks_.size()) blocks_[count_++] = {at, size};
  }
  void given_back(const void* at) noexcept {
    for (std::size_t i = 0; i < count_; ++i) {
      if (blocks_[i].at != at) continue;
      blocks_[i] = blocks_[--count_];
      return;
    }
  }

 private:
  /// What is smaller belongs to certificates and numbers of the handshake.
  static constexpr std::size_t kSmallest = 96;

  std::array<Block, kMost> blocks_;
  std::size_t count_ = 0;
};

/// Gives OpenSSL an allocator that serves small blocks from lists of their own thread, so that the small
/// blocks that OpenSSL 3.0 asks for with each record written cost neither malloc nor lock. Process-wide; must
/// be called before anything else uses OpenSSL. False: too late, OpenSSL keeps malloc.
bool install_tls_allocator() noexcept;

}  // namespace backhand::net
