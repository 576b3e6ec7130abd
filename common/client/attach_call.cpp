#include "common/client/attach_call.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

namespace backhand::client {

namespace {

using Fds = std::array<shm::Fd, wire::kAttachFds>;

/// Receives one reply; takes every descriptor that came along into `fds`, the surplus is closed.
[[nodiscard]] ssize_t receive(int socket, wire::AttachReply& reply, Fds& fds) noexcept {
  iovec part{.iov_base = &reply, .iov_len = sizeof reply};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * wire::kAttachFds)> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0) return got;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
      shm::Fd owned(fd);
      if (i < fds.size()) fds[i] = std::move(owned);
    }
  }
  return got;
}

/// A pidfd of the process that listens behind `socket`; none where it is in a PID namespace that we cannot
/// see.
[[nodiscard]] shm::Fd process_behind(int socket) noexcept {
  ucred peer{};
  socklen_t length = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || peer.pid <= 0) return {};
  return shm::Fd(static_cast<int>(::syscall(SYS_pidfd_open, peer.pid, 0)));
}

[[nodiscard]] std::expected<std::shared_ptr<const Mapping>, Error> map(const wire::AttachReply& reply,
                                                                       Fds& fds) {
  auto mapping = std::make_shared<Mapping>();
  mapping->geometry = {.intent_capacity = reply.intent_capacity, .outcome_capacity = reply.outcome_capacity};
  if (!mapping->geometry.valid() || reply.lane >= reply.doorbell_lanes)
    return std::unexpected(Error{"the gateway's attach reply makes no sense"});
  auto lane = shm::Region::open(std::move(fds[wire::kLaneFd]), mapping->geometry.size());
  if (!lane) return std::unexpected(std::move(lane.error()));
  auto doorbell =
      shm::Region::open(std::move(fds[wire::kDoorbellFd]), wire::doorbell_bytes(reply.doorbell_lanes));
  if (!doorbell) return std::unexpected(std::move(doorbell.error()));
  mapping->lane = std::move(*lane);
  mapping->doorbell = std::move(*doorbell);
  mapping->event = std::move(fds[wire::kEventFd]);
  mapping->view = wire::LaneView(mapping->lane.bytes(), mapping->geometry);
  mapping->word = reinterpret_cast<wire::DoorbellWord*>(mapping->doorbell.bytes()) + reply.lane / 64;
  mapping->bit = std::uint64_t{1} << (reply.lane % 64);
  const wire::LaneHeader& header = *mapping->view.header;
  if (!mapping->event.valid() || header.magic != wire::kLaneMagic ||
      header.layout_version != wire::kLayoutVersion || header.lane != reply.lane ||
      header.intent_capacity != reply.intent_capacity || header.outcome_capacity != reply.outcome_capacity)
    return std::unexpected(Error{"the lane that the gateway handed over is not what its reply says"});
  return mapping;
}

}  // namespace

std::expected<AttachCall, Error> AttachCall::begin(const std::string& path,
                                                   const wire::AttachRequest& request) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return std::unexpected(Error{"attach socket \"" + path + "\": a path has 1 to " +
                                 std::to_string(sizeof address.sun_path - 1) + " bytes"});
  std::memcpy(address.sun_path, path.c_str(), path.size());
  shm::Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) return std::unexpected(os_error("cannot make a socket"));
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return std::unexpected(os_error("cannot reach a gateway at " + path));
  // A gateway that refuses before it reads closes its end: the reply is there all the same.
  if (::send(socket.get(), &request, sizeof request, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
      errno != ECONNRESET)
    return std::unexpected(os_error("cannot send the attach request to " + path));
  return AttachCall(std::move(socket), path);
}

std::expected<std::optional<AttachedLane>, Error> AttachCall::advance() {
  wire::AttachReply reply{};
  Fds fds;
  ssize_t got = receive(socket_.get(), reply, fds);
  // A reset is told before what lies in the queue, once.
  if (got < 0 && errno == ECONNRESET) got = receive(socket_.get(), reply, fds);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
    return std::unexpected(os_error("no attach reply from " + path_));
  }
  if (got == 0) return std::unexpected(Error{"the gateway at " + path_ + " closed without an attach reply"});
  if (static_cast<std::size_t>(got) != sizeof reply || reply.magic != wire::kAttachMagic)
    return std::unexpected(Error{"what answers at " + path_ + " is no gateway of this version"});
  if (reply.status != wire::AttachStatus::ok)
    return std::unexpected(
        Error{"the gateway at " + path_ + " refused the attach: " + std::string(reply.message.view())});
  auto mapping = map(reply, fds);
  if (!mapping) return std::unexpected(std::move(mapping.error()));
  shm::Fd gateway = process_behind(socket_.get());
  return AttachedLane{std::move(*mapping), std::move(socket_), std::move(gateway), reply};
}

}  // namespace backhand::client
