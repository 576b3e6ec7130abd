// Keeps a second gateway away from the same state directory, API key and UID on this host. A lock lives as
// long as its object; the kernel lets go of it when the process ends, however it ends.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

/// What all gateways of the host exclude each other by.
enum class HostLockKind : std::uint8_t { api_key, uid };

struct HostLock {
  HostLockKind kind = HostLockKind::api_key;
  std::string hash;     ///< One-way hash of the API key or UID in [0-9A-Za-z_-], never the thing itself.
  std::string account;  ///< Only for the message.
  bool in_file = true;  ///< Off: nothing is left behind in the file system (a simulated venue's keys).
};

class Lock {
 public:
  Lock() = default;

 private:
  friend std::expected<Lock, Error> lock_state_dir(Storage&, const std::string&);
  friend std::expected<Lock, Error> lock_host(Storage&, const HostLock&);
  std::vector<File> held_;
};

/// Held from before the journal is read. The error says that another gateway has it, and where. The directory
/// itself is locked beside the file `lock` in it, so that removing the file frees nothing.
[[nodiscard]] std::expected<Lock, Error> lock_state_dir(Storage& storage, const std::string& state_dir);

/// No directory of the configuration has a part in it. Two things are held:
/// 1. a name that no file stands for (an abstract socket): nobody can remove it, but a process in another
///    network namespace does not see it;
/// 2. a file in /run/lock or /var/lock, where one of them can be written: it also works between containers
/// that
///    share that directory.
/// Other hosts, and containers that share neither, are not excluded.
[[nodiscard]] std::expected<Lock, Error> lock_host(Storage& storage, const HostLock& wanted);

}  // namespace backhand::journal
