// The real storage: Linux files. Stateless; any thread.
#pragma once

#include "gateway/journal/storage.hpp"

namespace backhand::journal {

class OsStorage final : public Storage {
 public:
  [[nodiscard]] Result<Handle> open(const std::string& path, OpenMode mode) override;
  void close(Handle handle) noexcept override;
  [[nodiscard]] Result<std::size_t> pread(Handle handle, std::span<std::byte> into,
                                          std::uint64_t offset) override;
  [[nodiscard]] Result<std::size_t> pwrite(Handle handle, std::span<const std::byte> from,
                                           std::uint64_t offset) override;
  [[nodiscard]] Result<void> fdatasync(Handle handle) override;
  [[nodiscard]] Result<void> allocate(Handle handle, std::uint64_t bytes) override;
  [[nodiscard]] Result<void> truncate(Handle handle, std::uint64_t bytes) override;
  [[nodiscard]] Result<std::uint64_t> size(Handle handle) override;
  [[nodiscard]] Result<void> lock(Handle handle) override;
  [[nodiscard]] Result<std::span<std::byte>> map(Handle handle, std::uint64_t bytes) override;
  void unmap(std::span<std::byte> memory) noexcept override;
  [[nodiscard]] bool lock_memory(std::span<std::byte> memory) noexcept override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& directory) override;
  [[nodiscard]] Result<std::vector<std::string>> list(const std::string& directory) override;
  [[nodiscard]] Result<std::string> boot_id() override;
  [[nodiscard]] Result<std::uint64_t> random() override;
  [[nodiscard]] Result<Handle> claim(const std::string& name) override;
};

}  // namespace backhand::journal
