#include "gateway/ingress/attach_socket.hpp"

#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace backhand::ingress {

namespace {

[[nodiscard]] shm::Fd make_socket() noexcept {
  return shm::Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

/// Makes the path free for binding: nothing there, or a socket that nobody serves.
[[nodiscard]] std::expected<void, Error> clear_path(const std::string& path, const sockaddr_un& address) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(os_error("cannot look at attach socket " + path));
  }
  if (!S_ISSOCK(status.st_mode))
    return std::unexpected(Error{"attach socket " + path + ": something that is no socket is there already"});
  const shm::Fd probe = make_socket();
  const int failed =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
  if (failed != ECONNREFUSED && failed != ENOENT)
    return std::unexpected(Error{"attach socket " + path + " is in use by a live server"});
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return std::unexpected(os_error("cannot remove the dead attach socket " + path));
  return {};
}

}  // namespace

std::expected<AttachSocket, Error> AttachSocket::listen(const std::string& path, mode_t mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return std::unexpected(Error{"attach socket \"" + path + "\": a path has 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes"});
  std::memcpy(address.sun_path, path.c_str(), path.size());
  if (auto cleared = clear_path(path, address); !cleared) return std::unexpected(std::move(cleared.error()));
  AttachSocket socket;
  socket.fd_ = make_socket();
  if (!socket.fd_.valid()) return std::unexpected(os_error("cannot make a socket"));
  if (::bind(socket.fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(os_error("cannot bind attach socket " + path));
  socket.path_ = path;
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0) {
    socket.device_ = status.st_dev;
    socket.inode_ = status.st_ino;
  }
  // Between bind and listen nobody can connect, so the mode is right before the first one does.
  if (::chmod(path.c_str(), mode) != 0)
    return std::unexpected(os_error("cannot set the mode of attach socket " + path));
  if (::listen(socket.fd_.get(), SOMAXCONN) != 0)
    return std::unexpected(os_error("cannot listen on attach socket " + path));
  return socket;
}

AttachSocket::~AttachSocket() {
  if (!fd_.valid() || path_.empty()) return;
  struct stat status{};
  if (::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_)
    ::unlink(path_.c_str());
}

}  // namespace backhand::ingress
