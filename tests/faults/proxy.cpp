#include "tests/faults/proxy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/clock.hpp"

namespace backhand::faults {

namespace {

constexpr std::uint64_t kListenerKey = 0;
constexpr std::uint64_t kControlKey = 1;
/// A control request that is not whole by then is dropped: the relays wait meanwhile.
constexpr int kControlTimeout_ms = 500;

sockaddr_in loopback(std::uint16_t port) noexcept {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::expected<shm::Fd, Error> listen_at(std::uint16_t& port) {
  shm::Fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  socklen_t length = sizeof address;
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::listen(fd.get(), 128) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return std::unexpected(os_error("cannot listen on 127.0.0.1:" + std::to_string(port)));
  }
  port = ntohs(address.sin_port);
  return fd;
}

void no_delay(int fd) noexcept {
  const int on = 1;
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// Reads one HTTP request; empty where none came in time.
std::string read_request(int fd, std::size_t& body_at) {
  const timeval timeout{.tv_sec = 0, .tv_usec = kControlTimeout_ms * 1'000};
  (void)::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string text;
  std::array<char, 4096> chunk{};
  while (true) {
    const auto end = text.find("\r\n\r\n");
    if (end != std::string::npos) {
      body_at = end + 4;
      std::string head = text.substr(0, end);
      std::ranges::transform(head, head.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
      const auto field = head.find("content-length:");
      const std::size_t length = field == std::string::npos ? 0 : std::stoul(head.substr(field + 15));
      if (text.size() >= body_at + length) return text;
    }
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got <= 0) return {};
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

std::expected<Proxy, Error> Proxy::listen(const ProxySettings& settings) {
  Proxy proxy;
  proxy.settings_ = settings;
  proxy.port_ = settings.port;
  proxy.control_port_ = settings.control_port;
  proxy.random_.seed(settings.seed);
  auto listener = listen_at(proxy.port_);
  if (!listener) return std::unexpected(listener.error());
  auto control = listen_at(proxy.control_port_);
  if (!control) return std::unexpected(control.error());
  proxy.listener_ = std::move(*listener);
  proxy.control_ = std::move(*control);
  proxy.epoll_ = shm::Fd{::epoll_create1(EPOLL_CLOEXEC)};
  for (const auto& [fd, key] :
       {std::pair{proxy.listener_.get(), kListenerKey}, {proxy.control_.get(), kControlKey}}) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = key}};
    if (::epoll_ctl(proxy.epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
      return std::unexpected(os_error("epoll_ctl"));
  }
  return proxy;
}

void Proxy::run() {
  std::array<epoll_event, 64> events{};
  while (true) {
    Ns due = kNever;
    for (const auto& [id, relay] : relays_) due = std::min(due, relay.next_due());
    timespec timeout{};
    if (due != kNever) {
      const Ns left = std::max<Ns>(due - monotonic_now(), 0);
      timeout = {.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
    }
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                     due == kNever ? nullptr : &timeout, nullptr);
    const Ns now = monotonic_now();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListenerKey) {
        accept_all(now);
      } else if (event.data.u64 == kControlKey) {
        serve_control();
      } else {
        on_event(event.data.u64, event.events, now);
      }
    }
    deliver_all(monotonic_now());
  }
}

void Proxy::accept_all(Ns) {
  while (true) {
    shm::Fd gateway{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!gateway.valid()) return;
    ++accepted_;
    shm::Fd venue{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const sockaddr_in address = loopback(settings_.venue_port);
    const bool connects =
        venue.valid() &&
        (::connect(venue.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno == EINPROGRESS);
    Relay relay{std::move(gateway), std::move(venue)};
    if (refuses_ || !connects) {
      ++refused_;
      relay.reset();
      continue;
    }
    const std::uint64_t id = ++last_relay_;
    for (const Side side : {Side::gateway, Side::venue}) {
      no_delay(relay.fd(side));
      epoll_event event{.events = EPOLLIN, .data = {.u64 = id << 1U | static_cast<std::uint64_t>(side)}};
      (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, relay.fd(side), &event);
    }
    relays_.emplace(id, std::move(relay));
  }
}

void Proxy::on_event(std::uint64_t key, std::uint32_t events, Ns now) {
  const auto found = relays_.find(key >> 1U);
  if (found == relays_.end()) return;
  Relay& relay = found->second;
  const Side side = (key & 1U) == 0 ? Side::gateway : Side::venue;
  if (relay.ended()) return;
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    if (relay.is_deaf(side) && (events & (EPOLLHUP | EPOLLERR)) != 0) {
      // Closed both ways: no more will ever be heard, and the event would come again at once.
      if ((events & EPOLLERR) != 0) {
        relay.reset();
      } else {
        (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, relay.fd(side), nullptr);
      }
      return;
    }
    relay.on_readable(side, side == Side::gateway ? to_venue_ : to_gateway_, random_, now);
  }
}

void Proxy::deliver_all(Ns now) {
  for (auto at = relays_.begin(); at != relays_.end();) {
    at->second.deliver(now);
    if (at->second.ended()) {
      at = relays_.erase(at);
      continue;
    }
    set_interest(at->first, at->second);
    ++at;
  }
}

void Proxy::set_interest(std::uint64_t id, const Relay& relay) {
  for (const Side side : {Side::gateway, Side::venue}) {
    epoll_event event{};
    if (!relay.is_deaf(side)) event.events |= EPOLLIN;
    if (relay.wants_room(side)) event.events |= EPOLLOUT;
    event.data.u64 = id << 1U | static_cast<std::uint64_t>(side);
    // It fails where the socket was taken out above, which is well.
    (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, relay.fd(side), &event);
  }
}

std::string Proxy::stats() const {
  return nlohmann::json{{"accepted", accepted_},
                        {"refused", refused_},
                        {"reset_by_order", reset_by_order_},
                        {"connections", relays_.size()},
                        {"to_venue", to_venue_.counts_json()},
                        {"to_gateway", to_gateway_.counts_json()}}
      .dump();
}

std::string Proxy::answer(const std::string& request, const std::string& body, int& status) {
  const auto refuse = [&](const std::string& why) {
    status = 400;
    return nlohmann::json{{"error", why}}.dump();
  };
  if (request == "GET /stats") return stats();
  const nlohmann::json json = nlohmann::json::parse(body.empty() ? "{}" : body, nullptr, false);
  if (!json.is_object()) return refuse("the body must be a JSON object");
  if (request == "POST /rules") {
    // Absent directions keep theirs; "clear" starts both from nothing.
    if (json.value("clear", false)) to_venue_.rules = to_gateway_.rules = Rules{};
    for (auto* direction : {&to_venue_, &to_gateway_}) {
      const char* const name = direction == &to_venue_ ? "to_venue" : "to_gateway";
      if (!json.contains(name)) continue;
      if (auto done = direction->rules.update(json[name]); !done) return refuse(done.error().message);
    }
    return "{}";
  }
  if (request == "POST /fire") {
    const std::string name = json.value("direction", "");
    if (name != "to_venue" && name != "to_gateway")
      return refuse("\"direction\" must be to_venue or to_gateway");
    if (auto done = (name == "to_venue" ? to_venue_ : to_gateway_).order(json); !done)
      return refuse(done.error().message);
    return "{}";
  }
  if (request == "POST /connections") {
    const std::string action = json.value("action", "");
    if (action == "reset") {
      reset_by_order_ += relays_.size();
      for (auto& [id, relay] : relays_) relay.reset();
    } else if (action == "refuse" || action == "accept") {
      refuses_ = action == "refuse";
    } else {
      return refuse("\"action\" must be reset, refuse or accept");
    }
    return "{}";
  }
  return refuse("no such request: " + request);
}

void Proxy::serve_control() {
  shm::Fd client{::accept4(control_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!client.valid()) return;
  std::size_t body_at = 0;
  const std::string text = read_request(client.get(), body_at);
  if (text.empty()) return;
  const std::string request = text.substr(0, text.find(' ', text.find(' ') + 1));
  int status = 200;
  std::string body;
  try {
    body = answer(request, text.substr(body_at), status);
  } catch (const nlohmann::json::exception& e) {
    status = 400;
    body = nlohmann::json{{"error", e.what()}}.dump();
  }
  const std::string reply = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Bad Request") +
                            "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body;
  (void)!::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
}

}  // namespace backhand::faults
