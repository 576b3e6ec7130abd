#include "gateway/service/admin_server.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <simdjson.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/clock.hpp"
#include "common/json_text.hpp"
#include "gateway/service/log.hpp"

namespace backhand::service {

namespace {

constexpr std::size_t kMaxLine = 16'384;
constexpr std::size_t kMaxReplyBacklog = 1'048'576;
constexpr std::size_t kMaxClients = 64;
/// So long a client may take to say what it wants.
constexpr Ns kPatience_ns = 50 * kMillisecond;
constexpr std::size_t kAcceptsPerTurn = 16;
/// How long accepting pauses where the process has no descriptor left.
constexpr Ns kAcceptPause_ns = 100 * kMillisecond;

std::expected<sockaddr_un, Error> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return std::unexpected(Error{path + ": longer than a socket's path may be"});
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// A socket file that nobody listens on is left over from a process that died.
std::expected<void, Error> remove_dead_socket(const std::string& path, const sockaddr_un& address) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode)) return std::unexpected(Error{path + ": exists and is no socket"});
  const shm::Fd probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return std::unexpected(Error{path + ": another gateway listens here"});
  }
  if (::unlink(path.c_str()) != 0) return std::unexpected(os_error(path));
  return {};
}

std::string error_reply(std::string_view message) {
  return JsonObject{}.flag("ok", false).text("error", message).line();
}

}  // namespace

std::expected<AdminRequest, Error> parse_admin_request(std::string_view line) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(line.data(), line.size()).get(root) != simdjson::SUCCESS) {
    return std::unexpected(Error{"not a JSON object on one line"});
  }
  simdjson::dom::object object;
  if (root.get_object().get(object) != simdjson::SUCCESS) return std::unexpected(Error{"not a JSON object"});
  AdminRequest out;
  for (const auto [key, value] : object) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) {
      return std::unexpected(Error{"field \"" + std::string{key} + "\" must be text"});
    }
    std::string* field = key == "command"      ? &out.command
                         : key == "account"    ? &out.account
                         : key == "reason"     ? &out.reason
                         : key == "client_oid" ? &out.client_oid
                         : key == "result"     ? &out.result
                                               : nullptr;
    if (field == nullptr) return std::unexpected(Error{"unknown field \"" + std::string{key} + "\""});
    *field = text;
  }
  if (out.command.empty()) return std::unexpected(Error{"field \"command\" is missing"});
  return out;
}

std::expected<std::unique_ptr<AdminServer>, Error> AdminServer::listen(const std::string& path,
                                                                       Handler handler) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(address.error());
  if (auto clear = remove_dead_socket(path, *address); !clear) return std::unexpected(clear.error());
  std::unique_ptr<AdminServer> server{new AdminServer(path, std::move(handler))};
  server->listen_ = shm::Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  server->epoll_ = shm::Fd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!server->listen_.valid() || !server->epoll_.valid()) return std::unexpected(os_error(path));
  const mode_t old_mask = ::umask(0177);
  const int bound =
      ::bind(server->listen_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
  const int failed = errno;
  ::umask(old_mask);
  if (bound != 0) return std::unexpected(os_error("cannot listen on " + path, failed));
  if (::listen(server->listen_.get(), 16) != 0 || !server->watch_listener()) {
    return std::unexpected(os_error("cannot listen on " + path));
  }
  return server;
}

AdminServer::~AdminServer() {
  if (listen_.valid()) ::unlink(path_.c_str());
}

void AdminServer::do_work() {
  if (accept_again_ns_ != 0) go_on_accepting();
  std::array<epoll_event, 16> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  bool somebody_knocks = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    auto* client = static_cast<Client*>(event.data.ptr);
    if (client == nullptr) {
      somebody_knocks = true;
    } else if (!serve(*client, event.events)) {
      clients_.remove_if([client](const Client& c) { return &c == client; });
    }
  }
  clients_.remove_if([this](Client& client) { return client.later && !go_on(client); });
  // Last, as it may drop clients that the events above name.
  if (somebody_knocks) accept_some();
}

void AdminServer::accept_some() {
  for (std::size_t i = 0; i < kAcceptsPerTurn; ++i) {
    // Clients that connect and say nothing must not keep a halt out, nor end one that is being carried out.
    if (clients_.size() >= kMaxClients && !drop_one()) {
      look_away(kPatience_ns / 5);
      return;
    }
    shm::Fd fd{::accept4(listen_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!fd.valid()) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) pause_accepting(errno);
      return;
    }
    pause_told_ = false;
    ucred peer{};
    socklen_t length = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) continue;
    Client& client = clients_.emplace_back();
    client.fd = std::move(fd);
    client.uid = peer.uid;
    client.accepted_ns = monotonic_now();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    // Whoever has a halt to say has said it by now.
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd.get(), &event) != 0 || !serve(client, EPOLLIN))
      clients_.pop_back();
  }
}

/// Out of descriptors or memory: the listener stays readable, so looking away is what keeps whoever polls us
/// from spinning.
void AdminServer::pause_accepting(int error) {
  if (!pause_told_) log(LogLevel::warning, std::string{"admin: cannot accept: "} + std::strerror(error));
  pause_told_ = true;
  look_away(kAcceptPause_ns);
}

void AdminServer::look_away(Ns pause) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listen_.get(), nullptr);
  accept_again_ns_ = monotonic_now() + pause;
}

bool AdminServer::drop_one() {
  const Ns now = monotonic_now();
  const auto found = std::ranges::find_if(clients_, [now](const Client& client) {
    return !client.later && (client.was_answered || now - client.accepted_ns >= kPatience_ns);
  });
  if (found == clients_.end()) return false;
  clients_.erase(found);
  return true;
}

void AdminServer::go_on_accepting() {
  if (monotonic_now() < accept_again_ns_) return;
  accept_again_ns_ = watch_listener() ? 0 : monotonic_now() + kAcceptPause_ns;
}

bool AdminServer::watch_listener() const noexcept {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listen_.get(), &event) == 0;
}

bool AdminServer::serve(Client& client, std::uint32_t events) {
  if ((events & EPOLLIN) != 0 && !client.ended) {
    if (!read_some(client)) return false;
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    return false;
  }
  return go_on(client);
}

bool AdminServer::read_some(Client& client) {
  std::array<char, 4'096> bytes{};
  const ssize_t got = ::recv(client.fd.get(), bytes.data(), bytes.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got > 0) {
    client.in.append(bytes.data(), static_cast<std::size_t>(got));
    return true;
  }
  client.ended = true;
  if (!client.later) return false;
  // The end of what it says stays readable; only that it has gone altogether is of interest now.
  epoll_event event{};
  event.data.ptr = &client;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.fd.get(), &event) == 0;
}

bool AdminServer::go_on(Client& client) {
  for (;;) {
    if (client.later) {
      std::optional<std::string> reply = client.later();
      if (!reply) break;
      client.later = nullptr;
      client.out += *reply + "\n";
    }
    const std::size_t end = client.in.find('\n');
    if (end == std::string::npos) break;
    const std::string line = client.in.substr(0, end);
    client.in.erase(0, end + 1);
    auto request = parse_admin_request(line);
    if (!request) {
      client.out += error_reply(request.error().message) + "\n";
      continue;
    }
    request->uid = client.uid;
    auto answer = handler_(*request);
    if (auto* const later = std::get_if<Later>(&answer)) {
      client.later = std::move(*later);
    } else {
      client.out += std::get<std::string>(answer) + "\n";
    }
  }
  if (client.in.size() > kMaxLine || client.out.size() > kMaxReplyBacklog) return false;
  return flush(client) && (client.later || !client.ended);
}

bool AdminServer::flush(Client& client) {
  while (!client.out.empty()) {
    const ssize_t sent = ::send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL);
    // A reply that the client's socket does not take at once is larger than anything we say: it does not
    // read.
    if (sent <= 0) return false;
    client.was_answered = true;
    client.out.erase(0, static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace backhand::service
