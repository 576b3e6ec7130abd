#include "tests/gateway/journal/memory_storage.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace backhand::test {
namespace {

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

}  // namespace

MemoryStorage::Fault MemoryStorage::ask(Operation operation, const std::string& path) {
  const std::uint64_t number = operations_++;
  Fault fault = plan_ ? plan_(number, operation, path) : Fault{};
  if (fault.kill && !(fault.torn && operation == Operation::pwrite)) throw Killed{number};
  return fault;
}

bool MemoryStorage::on_tmpfs(const std::string& path) const { return tmpfs_.contains(directory_of(path)); }

std::uint64_t MemoryStorage::used() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& [path, node] : names_) sum += node->data.size();
  return sum;
}

void MemoryStorage::touch(Node& node, std::size_t from, std::size_t to) noexcept {
  node.dirty_from = std::min(node.dirty_from, from);
  node.dirty_to = std::max(node.dirty_to, to);
}

void MemoryStorage::change_name(const std::string& path, NodePtr node, bool with_previous) {
  pending_names_.push_back({path, node, with_previous});
  if (node)
    names_[path] = std::move(node);
  else
    names_.erase(path);
}

MemoryStorage::Result<MemoryStorage::Handle> MemoryStorage::open(const std::string& path,
                                                                 journal::OpenMode mode) {
  const bool creates = mode == journal::OpenMode::create || mode == journal::OpenMode::create_truncate;
  if (creates) {
    if (const Fault fault = ask(Operation::open_create, path); fault.fail != 0)
      return std::unexpected(fault.fail);
  }
  auto found = names_.find(path);
  if (found == names_.end()) {
    // A directory, to be locked.
    if (path.ends_with("/.") && !creates) {
      handles_[next_handle_] = {directories_.try_emplace(path, std::make_shared<Node>()).first->second, path,
                                false};
      return next_handle_++;
    }
    if (!creates) return std::unexpected(ENOENT);
    change_name(path, std::make_shared<Node>());
    found = names_.find(path);
  } else if (mode == journal::OpenMode::create_truncate) {
    touch(*found->second, 0, found->second->data.size());
    found->second->data.clear();
  }
  handles_[next_handle_] = {found->second, path, false};
  return next_handle_++;
}

MemoryStorage::Result<std::uint64_t> MemoryStorage::random() {
  // splitmix64
  if (!random_frozen_) random_ += 0x9E37'79B9'7F4A'7C15;
  std::uint64_t bits = random_;
  bits = (bits ^ bits >> 30) * 0xBF58'476D'1CE4'E5B9;
  bits = (bits ^ bits >> 27) * 0x94D0'49BB'1331'11EB;
  return bits ^ bits >> 31;
}

MemoryStorage::Result<MemoryStorage::Handle> MemoryStorage::claim(const std::string& name) {
  if (!claims_.emplace(name, next_handle_).second) return std::unexpected(EADDRINUSE);
  return next_handle_++;
}

void MemoryStorage::close(Handle handle) noexcept {
  std::erase_if(claims_, [&](const auto& claim) { return claim.second == handle; });
  const auto found = handles_.find(handle);
  if (found == handles_.end()) return;  // Closed by kill_process.
  if (found->second.holds_lock) found->second.node->locked = false;
  handles_.erase(found);
}

MemoryStorage::Result<std::size_t> MemoryStorage::pread(Handle handle, std::span<std::byte> into,
                                                        std::uint64_t offset) {
  const OpenFile& file = handles_.at(handle);
  if (const Fault fault = ask(Operation::pread, file.path); fault.fail != 0)
    return std::unexpected(fault.fail);
  const auto& data = file.node->data;
  if (offset >= data.size()) return std::size_t{0};
  const std::size_t count = std::min<std::size_t>(into.size(), data.size() - offset);
  std::memcpy(into.data(), data.data() + offset, count);
  return count;
}

MemoryStorage::Result<std::size_t> MemoryStorage::pwrite(Handle handle, std::span<const std::byte> from,
                                                         std::uint64_t offset) {
  const OpenFile& file = handles_.at(handle);
  const Fault fault = ask(Operation::pwrite, file.path);
  if (fault.fail != 0) return std::unexpected(fault.fail);
  std::size_t count = from.size();
  if (fault.short_write && count > 1) count /= 2;
  if (fault.torn) count = std::min(count, *fault.torn);
  auto& data = file.node->data;
  if (offset + count > data.size()) {
    if (used() + (offset + count - data.size()) > capacity_) return std::unexpected(ENOSPC);
    data.resize(offset + count);
  }
  std::memcpy(data.data() + offset, from.data(), count);
  touch(*file.node, offset, offset + count);
  if (fault.kill) throw Killed{operations_ - 1};
  return count;
}

MemoryStorage::Result<void> MemoryStorage::fdatasync(Handle handle) {
  const OpenFile& file = handles_.at(handle);
  const Fault fault = ask(Operation::fdatasync, file.path);
  if (fault.fail != 0) return std::unexpected(fault.fail);
  if (fault.lie) return {};
  Node& node = *file.node;
  node.synced.resize(node.data.size());
  const std::size_t to = std::min(node.dirty_to, node.data.size());
  if (node.dirty_from < to)
    std::memcpy(node.synced.data() + node.dirty_from, node.data.data() + node.dirty_from,
                to - node.dirty_from);
  node.dirty_from = SIZE_MAX;
  node.dirty_to = 0;
  return {};
}

MemoryStorage::Result<void> MemoryStorage::allocate(Handle handle, std::uint64_t bytes) {
  const OpenFile& file = handles_.at(handle);
  if (const Fault fault = ask(Operation::allocate, file.path); fault.fail != 0)
    return std::unexpected(fault.fail);
  auto& data = file.node->data;
  if (bytes <= data.size()) return {};
  if (used() + (bytes - data.size()) > capacity_) return std::unexpected(ENOSPC);
  touch(*file.node, data.size(), bytes);
  data.resize(bytes);
  return {};
}

MemoryStorage::Result<void> MemoryStorage::truncate(Handle handle, std::uint64_t bytes) {
  const OpenFile& file = handles_.at(handle);
  if (const Fault fault = ask(Operation::truncate, file.path); fault.fail != 0)
    return std::unexpected(fault.fail);
  auto& data = file.node->data;
  touch(*file.node, std::min<std::size_t>(bytes, data.size()), std::max<std::size_t>(bytes, data.size()));
  data.resize(bytes);
  return {};
}

MemoryStorage::Result<std::uint64_t> MemoryStorage::size(Handle handle) {
  return handles_.at(handle).node->data.size();
}

MemoryStorage::Result<void> MemoryStorage::lock(Handle handle) {
  OpenFile& file = handles_.at(handle);
  if (const Fault fault = ask(Operation::lock, file.path); fault.fail != 0)
    return std::unexpected(fault.fail);
  if (file.node->locked && !file.holds_lock) return std::unexpected(EWOULDBLOCK);
  file.node->locked = true;
  file.holds_lock = true;
  return {};
}

MemoryStorage::Result<std::span<std::byte>> MemoryStorage::map(Handle handle, std::uint64_t bytes) {
  const OpenFile& file = handles_.at(handle);
  if (const Fault fault = ask(Operation::map, file.path); fault.fail != 0) return std::unexpected(fault.fail);
  if (file.node->data.size() < bytes) return std::unexpected(EINVAL);
  return std::span{file.node->data}.first(bytes);
}

void MemoryStorage::unmap(std::span<std::byte>) noexcept {}

bool MemoryStorage::lock_memory(std::span<std::byte>) noexcept { return true; }

MemoryStorage::Result<void> MemoryStorage::rename(const std::string& from, const std::string& to) {
  if (const Fault fault = ask(Operation::rename, to); fault.fail != 0) return std::unexpected(fault.fail);
  const auto found = names_.find(from);
  if (found == names_.end()) return std::unexpected(ENOENT);
  NodePtr node = found->second;
  change_name(to, std::move(node));
  change_name(from, nullptr, true);
  return {};
}

MemoryStorage::Result<void> MemoryStorage::remove(const std::string& path) {
  if (const Fault fault = ask(Operation::remove, path); fault.fail != 0) return std::unexpected(fault.fail);
  if (!names_.contains(path)) return std::unexpected(ENOENT);
  change_name(path, nullptr);
  return {};
}

MemoryStorage::Result<void> MemoryStorage::sync_directory(const std::string& directory) {
  if (const Fault fault = ask(Operation::sync_directory, directory); fault.fail != 0)
    return std::unexpected(fault.fail);
  std::erase_if(pending_names_, [&](const NameChange& change) {
    if (directory_of(change.path) != directory) return false;
    if (change.node)
      synced_names_[change.path] = change.node;
    else
      synced_names_.erase(change.path);
    return true;
  });
  return {};
}

MemoryStorage::Result<std::vector<std::string>> MemoryStorage::list(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& [path, node] : names_) {
    if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
  }
  return names;
}

void MemoryStorage::kill_process() noexcept {
  for (const auto& [handle, file] : handles_) {
    if (file.holds_lock) file.node->locked = false;
  }
  handles_.clear();
  claims_.clear();
}

void MemoryStorage::lose_power(const std::function<bool()>& coin) {
  handles_.clear();
  claims_.clear();
  // A file system journals its names in order: some first part of the changes is there, a rename in one
  // piece.
  bool applied = true;
  for (const NameChange& change : pending_names_) {
    if (!change.with_previous && applied) applied = coin();
    if (!applied) break;
    if (change.node)
      synced_names_[change.path] = change.node;
    else
      synced_names_.erase(change.path);
  }
  pending_names_.clear();
  std::erase_if(synced_names_, [&](const auto& name) { return on_tmpfs(name.first); });
  names_ = synced_names_;
  for (const auto& [path, node] : names_) {
    if (node->data.size() != node->synced.size() && coin()) node->synced.resize(node->data.size());
    const std::size_t end = std::min({node->dirty_to, node->synced.size(), node->data.size()});
    for (std::size_t at = node->dirty_from / kSector * kSector; at < end; at += kSector) {
      if (!coin()) continue;
      const std::size_t count = std::min(kSector, end - at);
      std::memcpy(node->synced.data() + at, node->data.data() + at, count);
    }
    node->data = node->synced;
    node->dirty_from = SIZE_MAX;
    node->dirty_to = 0;
    node->locked = false;
  }
  boot_id_ = "boot-" + std::to_string(++boots_);
}

std::vector<std::byte>& MemoryStorage::bytes(const std::string& path) { return names_.at(path)->data; }

std::vector<std::string> MemoryStorage::paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, node] : names_) paths.push_back(path);
  return paths;
}

void MemoryStorage::erase(const std::string& path) {
  names_.erase(path);
  synced_names_.erase(path);
  std::erase_if(pending_names_, [&](const NameChange& change) { return change.path == path; });
}

void MemoryStorage::erase_all() {
  names_.clear();
  synced_names_.clear();
  pending_names_.clear();
}

void MemoryStorage::put_back(const std::string& path, const MemoryStorage& from) {
  auto node = std::make_shared<Node>();
  node->data = node->synced = from.names_.at(path)->data;
  erase(path);
  names_[path] = synced_names_[path] = std::move(node);
}

std::unique_ptr<MemoryStorage> MemoryStorage::clone() const {
  auto copy = std::make_unique<MemoryStorage>(tmpfs_);
  std::map<const Node*, NodePtr> nodes;
  const auto copied = [&](const NodePtr& node) {
    if (!node) return NodePtr{};
    NodePtr& made = nodes[node.get()];
    if (!made) {
      made = std::make_shared<Node>(*node);
      made->locked = false;
    }
    return made;
  };
  for (const auto& [path, node] : names_) copy->names_[path] = copied(node);
  for (const auto& [path, node] : synced_names_) copy->synced_names_[path] = copied(node);
  for (const NameChange& change : pending_names_)
    copy->pending_names_.push_back({change.path, copied(change.node), change.with_previous});
  copy->boot_id_ = boot_id_;
  copy->boots_ = boots_;
  copy->random_ = ~random_;
  copy->random_frozen_ = random_frozen_;
  return copy;
}

}  // namespace backhand::test
