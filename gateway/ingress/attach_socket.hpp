// The listening Unix socket at a path of its own: bound with the right mode, removed with its owner.
#pragma once

#include <expected>
#include <string>

#include <sys/types.h>

#include "common/error.hpp"
#include "common/shm/fd.hpp"

namespace backhand::ingress {

class AttachSocket {
 public:
  /// Binds and listens, without blocking. An error where a live server holds `path` or something there is no
  /// socket; what a dead server left is replaced. Not safe against a second process doing the same at the
  /// same moment: the state directory's lock is what keeps a second gateway away.
  [[nodiscard]] static std::expected<AttachSocket, Error> listen(const std::string& path, mode_t mode);
  AttachSocket(AttachSocket&& other) noexcept = default;
  AttachSocket& operator=(AttachSocket&&) = delete;
  /// Removes the path unless somebody else has taken it.
  ~AttachSocket();

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  AttachSocket() = default;
  shm::Fd fd_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace backhand::ingress
