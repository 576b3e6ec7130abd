// A disk in memory that fails on command: full, EIO, short and torn writes, kills at a given operation, power
// loss that drops what was not synced. For tests and the simulation; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "gateway/journal/storage.hpp"

namespace backhand::test {

/// Thrown by the operation at which the process is killed. Nothing after it has happened; a write may have
/// happened in part.
struct Killed {
  std::uint64_t operation = 0;
};

class MemoryStorage final : public journal::Storage {
 public:
  enum class Operation : std::uint8_t {
    open_create,
    pwrite,
    fdatasync,
    allocate,
    truncate,
    lock,
    map,
    rename,
    remove,
    sync_directory,
    pread,
  };
  /// What happens at one operation instead of it; `fail` gives an errno, 0 lets it pass.
  struct Fault {
    bool kill = false;
    int fail = 0;
    bool short_write = false;           ///< Half of the bytes, success reported.
    bool lie = false;                   ///< At an fdatasync: success reported, nothing synced.
    std::optional<std::size_t> torn{};  ///< With kill at a pwrite: so many of its bytes were written.
  };
  /// Asked before each operation that changes something, and before each pread. Counted from 0.
  using Plan = std::function<Fault(std::uint64_t number, Operation operation, const std::string& path)>;

  /// Directories exist from the start; those in `tmpfs` lose everything with the power.
  explicit MemoryStorage(std::set<std::string> tmpfs = {"/hot"}) : tmpfs_{std::move(tmpfs)} {}

  [[nodiscard]] Result<Handle> open(const std::string& path, journal::OpenMode mode) override;
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
  [[nodiscard]] Result<std::string> boot_id() override { return boot_id_; }
  [[nodiscard]] Result<std::uint64_t> random() override;
  [[nodiscard]] Result<Handle> claim(const std::string& name) override;

  // What the test does to it.
  void set_plan(Plan plan) { plan_ = std::move(plan); }
  void clear_plan() { plan_ = nullptr; }
  /// What random() draws from; a copy goes on with the draws of its own.
  void seed_random(std::uint64_t seed) noexcept {
    if (!random_frozen_) random_ = seed;
  }
  /// Every draw gives the same: for a planted bug.
  void freeze_random() noexcept { random_frozen_ = true; }
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  void restart_count() noexcept { operations_ = 0; }
  /// Bytes that all files together may have; growing beyond is ENOSPC.
  void set_capacity(std::uint64_t bytes) noexcept { capacity_ = bytes; }

  /// The process is gone: handles, locks and mappings with it; every byte written or stored stays.
  void kill_process() noexcept;
  /// The machine is gone: of what was not synced, each sector and each name stays or not, as `coin` says.
  /// The boot id changes.
  void lose_power(const std::function<bool()>& coin);

  [[nodiscard]] bool exists(const std::string& path) const { return names_.contains(path); }
  [[nodiscard]] std::vector<std::byte>& bytes(const std::string& path);
  [[nodiscard]] std::vector<std::string> paths() const;
  void erase(const std::string& path);
  /// Also of what was removed before without a sync: nothing comes back.
  void erase_all();
  /// The file is what it is in `from`, on the platter too.
  void put_back(const std::string& path, const MemoryStorage& from);
  /// A deep copy of files, names and boot id, without handles, plan or counts.
  [[nodiscard]] std::unique_ptr<MemoryStorage> clone() const;

 private:
  static constexpr std::size_t kSector = 512;
  struct Node {
    std::vector<std::byte> data;
    std::vector<std::byte> synced;  // As the platter has it.
    std::size_t dirty_from = SIZE_MAX;
    std::size_t dirty_to = 0;
    bool locked = false;
  };
  using NodePtr = std::shared_ptr<Node>;
  using Names = std::map<std::string, NodePtr>;
  struct OpenFile {
    NodePtr node;
    std::string path;
    bool holds_lock = false;
  };
  struct NameChange {
    std::string path;
    NodePtr node;                // Null: the name is gone.
    bool with_previous = false;  // The second half of a rename.
  };

  Fault ask(Operation operation, const std::string& path);
  [[nodiscard]] std::uint64_t used() const noexcept;
  [[nodiscard]] bool on_tmpfs(const std::string& path) const;
  void change_name(const std::string& path, NodePtr node, bool with_previous = false);
  static void touch(Node& node, std::size_t from, std::size_t to) noexcept;

  std::set<std::string> tmpfs_;
  Names names_;
  Names directories_;
  Names synced_names_;
  std::vector<NameChange> pending_names_;
  std::map<Handle, OpenFile> handles_;
  Handle next_handle_ = 3;
  std::string boot_id_ = "boot-1";
  std::uint64_t boots_ = 1;
  std::uint64_t operations_ = 0;
  std::uint64_t random_ = 1;
  bool random_frozen_ = false;
  std::map<std::string, Handle> claims_;
  std::uint64_t capacity_ = UINT64_MAX;
  Plan plan_;
};

}  // namespace backhand::test
