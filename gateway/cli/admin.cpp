#include "gateway/cli/admin.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "gateway/cli/reply_text.hpp"

namespace backhand::cli {
namespace {

struct Socket {
  int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

/// Waits until `events` are there; false when the time is up.
bool wait_for(int fd, short events, Ns until_ns) {
  while (true) {
    const Ns left_ns = until_ns - monotonic_now();
    if (left_ns <= 0) return false;
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int got = ::poll(&entry, 1, static_cast<int>(left_ns / kMillisecond + 1));
    if (got > 0) return true;
    if (got < 0 && errno != EINTR) return false;
  }
}

/// `dropped`: the gateway had no place for this connection. What was asked was not begun.
std::expected<void, Error> send_all(int fd, std::string_view bytes, const std::string& path, Ns until_ns,
                                    bool& dropped) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLOUT, until_ns)) return std::unexpected(Error{path + ": no answer in time"});
    } else if (errno != EINTR) {
      dropped = errno == EPIPE || errno == ECONNRESET;
      return std::unexpected(os_error(path + ": cannot send"));
    }
  }
  return {};
}

std::expected<std::string, Error> read_line(int fd, const std::string& path, Ns until_ns, bool& dropped) {
  std::string line;
  char chunk[16'384];
  while (true) {
    const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
    if (got > 0) {
      line.append(chunk, static_cast<std::size_t>(got));
      const auto end = line.find('\n');
      if (end != std::string::npos) return line.substr(0, end);
      if (line.size() > kMaxReplyBytes) return std::unexpected(Error{path + ": the answer is too long"});
    } else if (got == 0) {
      dropped = line.empty();
      return std::unexpected(Error{path + ": the gateway closed the connection without an answer"});
    } else if (errno == EAGAIN) {
      if (!wait_for(fd, POLLIN, until_ns)) return std::unexpected(Error{path + ": no answer in time"});
    } else if (errno != EINTR) {
      dropped = errno == ECONNRESET && line.empty();
      return std::unexpected(os_error(path + ": cannot receive"));
    }
  }
}

std::expected<std::string, Error> ask_once(const sockaddr_un& address, const std::string& path,
                                           std::string_view request, Ns until_ns, bool& dropped) {
  const Socket socket;
  if (socket.fd < 0) return std::unexpected(os_error("cannot make a socket"));
  // A Unix socket connects at once, or says EAGAIN where the gateway's queue of callers is full.
  while (::connect(socket.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    if (errno != EAGAIN || monotonic_now() >= until_ns) {
      return std::unexpected(os_error(path + ": cannot reach the gateway"));
    }
    ::usleep(1'000);
  }
  if (auto sent = send_all(socket.fd, std::string{request} + "\n", path, until_ns, dropped); !sent) {
    return std::unexpected(std::move(sent.error()));
  }
  return read_line(socket.fd, path, until_ns, dropped);
}

}  // namespace

std::expected<std::string, Error> ask_gateway(const std::string& path, std::string_view request,
                                              std::uint32_t timeout_ms) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return std::unexpected(Error{path + ": is too long for a socket"});
  }
  std::ranges::copy(path, address.sun_path);
  const Ns until_ns = monotonic_now() + timeout_ms * kMillisecond;
  for (;;) {
    bool dropped = false;
    std::expected<std::string, Error> answer = ask_once(address, path, request, until_ns, dropped);
    if (answer || !dropped || monotonic_now() >= until_ns) return answer;
    ::usleep(1'000);
  }
}

std::expected<Reply, Error> read_reply(const std::string& line) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::object object;
  Reply reply;
  if (parser.parse(line).get(root) != simdjson::SUCCESS || root.get(object) != simdjson::SUCCESS ||
      object["ok"].get(reply.ok) != simdjson::SUCCESS) {
    return std::unexpected(Error{"the gateway's answer is not one of its protocol: " + line.substr(0, 200)});
  }
  std::string_view error;
  if (!reply.ok) {
    reply.error = object["error"].get(error) == simdjson::SUCCESS ? std::string{error} : "no reason given";
  }
  reply.text = reply_text(object);
  return reply;
}

}  // namespace backhand::cli
