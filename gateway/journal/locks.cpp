#include "gateway/journal/locks.hpp"

#include <algorithm>
#include <cerrno>

namespace backhand::journal {

std::expected<FileLock, Error> lock_file(Storage& storage, const std::string& path, std::string_view what) {
  auto handle = storage.open(path, OpenMode::create);
  // In a sticky directory another user's file can be opened to read, and a lock needs no more.
  if (!handle && handle.error() == EACCES) handle = storage.open(path, OpenMode::read);
  if (!handle && handle.error() == EACCES)
    return std::unexpected(Error{std::string{what} + " (lock " + path + " belongs to another user)"});
  if (!handle) return std::unexpected(os_error("cannot open the lock " + path, handle.error()));
  File file{storage, *handle};
  const auto locked = storage.lock(file.handle());
  if (!locked && locked.error() == EWOULDBLOCK)
    return std::unexpected(Error{std::string{what} + " (lock " + path + ')'});
  if (!locked) return std::unexpected(os_error("cannot lock " + path, locked.error()));
  return FileLock{std::move(file)};
}

std::expected<FileLock, Error> lock_state_dir(Storage& storage, const std::string& state_dir) {
  return lock_file(storage, state_dir + "/lock",
                   "another gateway is running with the state directory " + state_dir);
}

std::expected<FileLock, Error> lock_api_key(Storage& storage, const std::string& lock_dir,
                                            std::string_view key_hash, std::string_view account) {
  const bool plain = !key_hash.empty() && std::ranges::all_of(key_hash, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
  if (!plain) return std::unexpected(Error{"the hash of an API key must be of [0-9A-Za-z_-]"});
  return lock_file(
      storage, lock_dir + "/backhand-key-" + std::string{key_hash} + ".lock",
      "another gateway on this host is using the API key of account \"" + std::string{account} + '"');
}

}  // namespace backhand::journal
