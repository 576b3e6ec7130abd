// Keeps a second gateway away from the same state directory and from the same API key on this host. A lock
// lives as long as its object; the kernel lets go of it when the process ends, however it ends.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

class FileLock {
 public:
  FileLock() = default;

 private:
  friend std::expected<FileLock, Error> lock_file(Storage&, const std::string&, std::string_view);
  explicit FileLock(File file) noexcept : file_{std::move(file)} {}
  File file_;
};

/// Held from before the journal is read. The error says that another gateway has it, and where.
[[nodiscard]] std::expected<FileLock, Error> lock_state_dir(Storage& storage, const std::string& state_dir);

/// `lock_dir` is one directory for all gateways of the host, such as /run/lock. `key_hash` is a one-way hash
/// of the API key in [0-9A-Za-z_-], never the key; `account` is only for the message. Users who may not read
/// each other's files still exclude each other.
[[nodiscard]] std::expected<FileLock, Error> lock_api_key(Storage& storage, const std::string& lock_dir,
                                                          std::string_view key_hash,
                                                          std::string_view account);

/// Locks `path`, made where missing; `what` is what a second one is told that is taken.
[[nodiscard]] std::expected<FileLock, Error> lock_file(Storage& storage, const std::string& path,
                                                       std::string_view what);

}  // namespace backhand::journal
