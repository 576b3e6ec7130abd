// A piece of shared memory of fixed size: a sealed memfd and its mapping. The seals (no shrink, no grow, no
// further seals) are what makes it safe to touch memory that another process holds too: it cannot be cut off
// under us. Unmapped and closed with its owner.
#pragma once

#include <cstddef>
#include <expected>

#include "common/error.hpp"
#include "common/shm/fd.hpp"

namespace backhand::shm {

class Region {
 public:
  Region() noexcept = default;
  Region(Region&& other) noexcept;
  Region& operator=(Region&& other) noexcept;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region();

  /// Makes `bytes` (rounded up to whole pages) of zeroed, sealed, fully allocated memory. `name` is only seen
  /// in /proc.
  [[nodiscard]] static std::expected<Region, Error> create(const char* name, std::size_t bytes);

  /// Maps a descriptor that another process handed over, after checking that it is sealed and of exactly this
  /// size (rounded up to whole pages). Takes `fd` over in any case.
  [[nodiscard]] static std::expected<Region, Error> open(Fd fd, std::size_t bytes);

  [[nodiscard]] std::byte* bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool valid() const noexcept { return bytes_ != nullptr; }

 private:
  [[nodiscard]] static std::expected<Region, Error> map(Fd fd, std::size_t size);
  void unmap() noexcept;

  std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
  Fd fd_;
};

/// `bytes` rounded up to whole pages.
[[nodiscard]] std::size_t whole_pages(std::size_t bytes) noexcept;

}  // namespace backhand::shm
