// What the journal needs of an operating system, so that the simulation and the tests can put a faulty disk
// in its place. Answers are errno values; the caller adds what it was doing and to which file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"

namespace backhand::journal {

enum class OpenMode : std::uint8_t {
  read,            ///< Exists.
  read_write,      ///< Exists.
  create,          ///< Read and write; made where missing, content kept.
  create_truncate  ///< Read and write; made where missing, emptied where not.
};

class Storage {
 public:
  using Handle = int;
  template <class T>
  using Result = std::expected<T, int>;  ///< The error is an errno value.

  Storage() = default;
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  virtual ~Storage() = default;

  [[nodiscard]] virtual Result<Handle> open(const std::string& path, OpenMode mode) = 0;
  virtual void close(Handle handle) noexcept = 0;
  /// May read less than asked; 0 at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> pread(Handle handle, std::span<std::byte> into,
                                                  std::uint64_t offset) = 0;
  /// May write less than asked.
  [[nodiscard]] virtual Result<std::size_t> pwrite(Handle handle, std::span<const std::byte> from,
                                                   std::uint64_t offset) = 0;
  [[nodiscard]] virtual Result<void> fdatasync(Handle handle) = 0;
  /// Backs the first `bytes` of the file with space and makes it at least that long; new bytes are zero.
  [[nodiscard]] virtual Result<void> allocate(Handle handle, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<void> truncate(Handle handle, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size(Handle handle) = 0;
  /// An exclusive lock for the life of the handle, without waiting: EWOULDBLOCK where another has it.
  [[nodiscard]] virtual Result<void> lock(Handle handle) = 0;
  /// The first `bytes` of the file, shared and writable, all pages present.
  [[nodiscard]] virtual Result<std::span<std::byte>> map(Handle handle, std::uint64_t bytes) = 0;
  virtual void unmap(std::span<std::byte> memory) noexcept = 0;
  /// Keeps the pages from being swapped out; false where the system does not allow it.
  [[nodiscard]] virtual bool lock_memory(std::span<std::byte> memory) noexcept = 0;

  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Makes names created, renamed or removed in `directory` durable.
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& directory) = 0;
  /// Names of the entries, without `.` and `..`, in no order.
  [[nodiscard]] virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  /// The kernel's id of this boot.
  [[nodiscard]] virtual Result<std::string> boot_id() = 0;
  /// 64 bits that nobody has had before.
  [[nodiscard]] virtual Result<std::uint64_t> random() = 0;
  /// Takes `name` for the life of the handle, without waiting: EADDRINUSE where another process has it. No
  /// file stands for the name, so nobody can remove it; processes of other network namespaces have names of
  /// their own.
  [[nodiscard]] virtual Result<Handle> claim(const std::string& name) = 0;
};

/// A handle that closes itself. The storage outlives it.
class File {
 public:
  File() = default;
  File(Storage& storage, Storage::Handle handle) noexcept : storage_{&storage}, handle_{handle} {}
  File(File&& other) noexcept
      : storage_{std::exchange(other.storage_, nullptr)}, handle_{std::exchange(other.handle_, -1)} {}
  File& operator=(File&& other) noexcept {
    if (this != &other) {
      reset();
      storage_ = std::exchange(other.storage_, nullptr);
      handle_ = std::exchange(other.handle_, -1);
    }
    return *this;
  }
  ~File() { reset(); }

  [[nodiscard]] static std::expected<File, Error> open(Storage& storage, const std::string& path,
                                                       OpenMode mode);
  void reset() noexcept {
    if (storage_ != nullptr) storage_->close(handle_);
    storage_ = nullptr;
    handle_ = -1;
  }
  [[nodiscard]] bool is_open() const noexcept { return storage_ != nullptr; }
  [[nodiscard]] Storage::Handle handle() const noexcept { return handle_; }

 private:
  Storage* storage_ = nullptr;
  Storage::Handle handle_ = -1;
};

/// Writes all of `from`, going on after short writes; a write that makes no progress is EIO.
[[nodiscard]] Storage::Result<void> write_all(Storage& storage, Storage::Handle handle,
                                              std::span<const std::byte> from, std::uint64_t offset);
/// Reads until `into` is full or the file ends; returns how many bytes it got.
[[nodiscard]] Storage::Result<std::size_t> read_fully(Storage& storage, Storage::Handle handle,
                                                      std::span<std::byte> into, std::uint64_t offset);

/// 64-bit FNV-1a: for names and identities that nobody attacks.
[[nodiscard]] std::uint64_t hash_of(std::string_view text) noexcept;

}  // namespace backhand::journal
