#include "gateway/journal/locks.hpp"

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace backhand::journal {
namespace {

/// Fixed, so that two configurations cannot look in two places.
constexpr std::string_view kHostLockDirs[] = {"/run/lock", "/var/lock"};

/// Locks the file behind `handle`; `what` is what a second one is told that is taken.
std::expected<File, Error> lock_opened(Storage& storage, Storage::Handle handle, const std::string& path,
                                       std::string_view what) {
  File file{storage, handle};
  const auto locked = storage.lock(file.handle());
  if (!locked && locked.error() == EWOULDBLOCK)
    return std::unexpected(Error{std::string{what} + " (lock " + path + ')'});
  if (!locked) return std::unexpected(os_error("cannot lock " + path, locked.error()));
  return file;
}

Storage::Result<Storage::Handle> open_lock(Storage& storage, const std::string& path) {
  auto handle = storage.open(path, OpenMode::create);
  // In a sticky directory another user's file can be opened to read, and a lock needs no more.
  if (!handle && handle.error() == EACCES) handle = storage.open(path, OpenMode::read);
  return handle;
}

bool is_plain(std::string_view hash) noexcept {
  return !hash.empty() && std::ranges::all_of(hash, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

}  // namespace

std::expected<Lock, Error> lock_state_dir(Storage& storage, const std::string& state_dir) {
  const std::string what = "another gateway is running with the state directory " + state_dir;
  Lock lock;
  const std::string path = state_dir + "/lock";
  const auto file = open_lock(storage, path);
  if (!file && file.error() == EACCES)
    return std::unexpected(Error{what + " (lock " + path + " belongs to another user)"});
  if (!file) return std::unexpected(os_error("cannot open the lock " + path, file.error()));
  auto held = lock_opened(storage, *file, path, what);
  if (!held) return std::unexpected(held.error());
  lock.held_.push_back(std::move(*held));
  // The point makes a link to the directory be followed.
  const std::string directory = state_dir + "/.";
  const auto opened = storage.open(directory, OpenMode::read);
  if (!opened) return std::unexpected(os_error("cannot open " + directory, opened.error()));
  held = lock_opened(storage, *opened, directory, what);
  if (!held) return std::unexpected(held.error());
  lock.held_.push_back(std::move(*held));
  return lock;
}

std::expected<Lock, Error> lock_host(Storage& storage, const HostLock& wanted) {
  const bool is_key = wanted.kind == HostLockKind::api_key;
  if (!is_plain(wanted.hash))
    return std::unexpected(Error{"the hash in a lock's name must be of [0-9A-Za-z_-]"});
  const std::string name = (is_key ? "backhand-key-" : "backhand-uid-") + wanted.hash;
  const std::string what = std::string{"another gateway on this host is using "} +
                           (is_key ? "the API key" : "the UID") + " of account \"" + wanted.account + '"';
  Lock lock;
  const auto claimed = storage.claim(name);
  if (!claimed && claimed.error() == EADDRINUSE)
    return std::unexpected(Error{what + " (abstract socket @" + name + ')'});
  if (!claimed) return std::unexpected(os_error("cannot claim the name @" + name, claimed.error()));
  lock.held_.emplace_back(storage, *claimed);
  if (!wanted.in_file) return lock;
  for (const std::string_view directory : kHostLockDirs) {
    const std::string path = std::string{directory} + '/' + name + ".lock";
    const auto file = open_lock(storage, path);
    // Not ours to write, or not there: the name above has to do.
    if (!file) continue;
    auto held = lock_opened(storage, *file, path, what);
    if (!held) return std::unexpected(held.error());
    lock.held_.push_back(std::move(*held));
    break;
  }
  return lock;
}

}  // namespace backhand::journal
