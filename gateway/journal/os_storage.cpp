#include "gateway/journal/os_storage.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace backhand::journal {
namespace {

/// Calls again while a signal interrupts.
template <class Call>
auto restarting(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

Storage::Result<void> checked(int result) {
  if (result == -1) return std::unexpected(errno);
  return {};
}

}  // namespace

Storage::Result<Storage::Handle> OsStorage::open(const std::string& path, OpenMode mode) {
  int flags = O_CLOEXEC | O_NOFOLLOW;
  switch (mode) {
    case OpenMode::read:
      flags |= O_RDONLY;
      break;
    case OpenMode::read_write:
      flags |= O_RDWR;
      break;
    case OpenMode::create:
      flags |= O_RDWR | O_CREAT;
      break;
    case OpenMode::create_truncate:
      flags |= O_RDWR | O_CREAT | O_TRUNC;
      break;
  }
  const int fd = restarting([&] { return ::open(path.c_str(), flags, 0600); });
  if (fd == -1) return std::unexpected(errno);
  return fd;
}

void OsStorage::close(Handle handle) noexcept { ::close(handle); }

Storage::Result<std::size_t> OsStorage::pread(Handle handle, std::span<std::byte> into,
                                              std::uint64_t offset) {
  const auto got =
      restarting([&] { return ::pread(handle, into.data(), into.size(), static_cast<off_t>(offset)); });
  if (got == -1) return std::unexpected(errno);
  return static_cast<std::size_t>(got);
}

Storage::Result<std::size_t> OsStorage::pwrite(Handle handle, std::span<const std::byte> from,
                                               std::uint64_t offset) {
  const auto put =
      restarting([&] { return ::pwrite(handle, from.data(), from.size(), static_cast<off_t>(offset)); });
  if (put == -1) return std::unexpected(errno);
  return static_cast<std::size_t>(put);
}

// No restart: after a failed sync the kernel may have dropped the pages, and asking again would say yes.
Storage::Result<void> OsStorage::fdatasync(Handle handle) { return checked(::fdatasync(handle)); }

Storage::Result<void> OsStorage::allocate(Handle handle, std::uint64_t bytes) {
  int error = EINTR;
  while (error == EINTR) error = ::posix_fallocate(handle, 0, static_cast<off_t>(bytes));
  if (error != 0) return std::unexpected(error);
  return {};
}

Storage::Result<void> OsStorage::truncate(Handle handle, std::uint64_t bytes) {
  return checked(restarting([&] { return ::ftruncate(handle, static_cast<off_t>(bytes)); }));
}

Storage::Result<std::uint64_t> OsStorage::size(Handle handle) {
  struct stat status{};
  if (::fstat(handle, &status) == -1) return std::unexpected(errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Storage::Result<void> OsStorage::lock(Handle handle) {
  return checked(restarting([&] { return ::flock(handle, LOCK_EX | LOCK_NB); }));
}

Storage::Result<std::span<std::byte>> OsStorage::map(Handle handle, std::uint64_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, handle, 0);
  if (memory == MAP_FAILED) return std::unexpected(errno);
  return std::span{static_cast<std::byte*>(memory), bytes};
}

void OsStorage::unmap(std::span<std::byte> memory) noexcept { ::munmap(memory.data(), memory.size()); }

bool OsStorage::lock_memory(std::span<std::byte> memory) noexcept {
  return ::mlock(memory.data(), memory.size()) == 0;
}

Storage::Result<void> OsStorage::rename(const std::string& from, const std::string& to) {
  return checked(::rename(from.c_str(), to.c_str()));
}

Storage::Result<void> OsStorage::remove(const std::string& path) { return checked(::unlink(path.c_str())); }

Storage::Result<void> OsStorage::sync_directory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd == -1) return std::unexpected(errno);
  const auto result = checked(::fsync(fd));
  ::close(fd);
  return result;
}

Storage::Result<std::vector<std::string>> OsStorage::list(const std::string& directory) {
  const auto closer = [](DIR* dir) { ::closedir(dir); };
  const std::unique_ptr<DIR, decltype(closer)> dir{::opendir(directory.c_str()), closer};
  if (dir == nullptr) return std::unexpected(errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::unexpected(errno);
  return names;
}

Storage::Result<std::string> OsStorage::boot_id() {
  const int fd = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (fd == -1) return std::unexpected(errno);
  std::array<char, 64> text{};
  const auto got = restarting([&] { return ::read(fd, text.data(), text.size()); });
  const int error = errno;
  ::close(fd);
  if (got == -1) return std::unexpected(error);
  std::string id{text.data(), static_cast<std::size_t>(got)};
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

Storage::Result<std::uint64_t> OsStorage::random() {
  std::uint64_t bits = 0;
  // Waits only in the first moments after the machine has booted.
  const auto got = restarting([&] { return ::getrandom(&bits, sizeof bits, 0); });
  if (got == -1) return std::unexpected(errno);
  if (static_cast<std::size_t>(got) != sizeof bits) return std::unexpected(EIO);
  return bits;
}

Storage::Result<Storage::Handle> OsStorage::claim(const std::string& name) {
  // An abstract socket's name (its first byte is zero) lives as long as the socket.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) return std::unexpected(EINVAL);
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd == -1) return std::unexpected(errno);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0) return fd;
  const int error = errno;
  ::close(fd);
  return std::unexpected(error);
}

}  // namespace backhand::journal
