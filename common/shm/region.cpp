#include "common/shm/region.hpp"

#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

namespace backhand::shm {

namespace {
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
}

std::size_t whole_pages(std::size_t bytes) noexcept {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (bytes + page - 1) / page * page;
}

Region::Region(Region&& other) noexcept
    : bytes_(std::exchange(other.bytes_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      fd_(std::move(other.fd_)) {}

Region& Region::operator=(Region&& other) noexcept {
  if (this != &other) {
    unmap();
    bytes_ = std::exchange(other.bytes_, nullptr);
    size_ = std::exchange(other.size_, 0);
    fd_ = std::move(other.fd_);
  }
  return *this;
}

Region::~Region() { unmap(); }

void Region::unmap() noexcept {
  if (bytes_ != nullptr) ::munmap(std::exchange(bytes_, nullptr), size_);
}

std::expected<Region, Error> Region::create(const char* name, std::size_t bytes) {
  const std::size_t size = whole_pages(bytes);
  Fd fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) return std::unexpected(os_error("cannot create shared memory"));
  // Allocating now turns "out of memory" into an error here instead of a SIGBUS at a later store.
  if (::fallocate(fd.get(), 0, 0, static_cast<off_t>(size)) != 0)
    return std::unexpected(os_error("cannot allocate " + std::to_string(size) + " bytes of shared memory"));
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0)
    return std::unexpected(os_error("cannot seal shared memory"));
  return map(std::move(fd), size);
}

std::expected<Region, Error> Region::open(Fd fd, std::size_t bytes) {
  const std::size_t size = whole_pages(bytes);
  if (!fd.valid()) return std::unexpected(Error{"no descriptor for the shared memory was handed over"});
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return std::unexpected(os_error("what was handed over is not sealable shared memory"));
  if ((seals & kSeals) != kSeals)
    return std::unexpected(Error{"the shared memory handed over is not sealed against change of its size"});
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return std::unexpected(os_error("cannot look at shared memory"));
  if (status.st_size < 0 || static_cast<std::size_t>(status.st_size) != size)
    return std::unexpected(Error{"the shared memory handed over has " + std::to_string(status.st_size) +
                                 " bytes instead of " + std::to_string(size)});
  return map(std::move(fd), size);
}

std::expected<Region, Error> Region::map(Fd fd, std::size_t size) {
  // Populated at once: no page fault at the first push.
  void* at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (at == MAP_FAILED) return std::unexpected(os_error("cannot map shared memory"));
  Region region;
  region.bytes_ = static_cast<std::byte*>(at);
  region.size_ = size;
  region.fd_ = std::move(fd);
  return region;
}

}  // namespace backhand::shm
