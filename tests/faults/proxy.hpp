// The fault proxy: listens on loopback, relays every connection to the venue's TLS port, and does to it what
// its rules say. One thread, one epoll. The control port answers one plain HTTP request a connection.
#pragma once

#include <cstdint>
#include <expected>
#include <random>
#include <string>
#include <unordered_map>

#include "common/error.hpp"
#include "common/shm/fd.hpp"
#include "tests/faults/relay.hpp"
#include "tests/faults/rules.hpp"

namespace backhand::faults {

struct ProxySettings {
  std::uint16_t port = 0;  ///< 0: any free one, as is control_port.
  std::uint16_t control_port = 0;
  std::uint16_t venue_port = 0;  ///< On 127.0.0.1.
  std::uint64_t seed = 1;
};

class Proxy {
 public:
  [[nodiscard]] static std::expected<Proxy, Error> listen(const ProxySettings& settings);

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t control_port() const noexcept { return control_port_; }
  /// Relays until the process ends.
  void run();

 private:
  Proxy() = default;
  void accept_all(Ns now);
  void on_event(std::uint64_t key, std::uint32_t events, Ns now);
  void deliver_all(Ns now);
  void set_interest(std::uint64_t id, const Relay& relay);
  void serve_control();
  /// The body of the answer; `status` becomes 400 where the request makes no sense.
  [[nodiscard]] std::string answer(const std::string& request, const std::string& body, int& status);
  [[nodiscard]] std::string stats() const;

  ProxySettings settings_;
  std::uint16_t port_ = 0;
  std::uint16_t control_port_ = 0;
  shm::Fd listener_, control_, epoll_;
  std::mt19937_64 random_;
  std::unordered_map<std::uint64_t, Relay> relays_;  ///< By number, from 1.
  std::uint64_t last_relay_ = 0;
  Direction to_venue_, to_gateway_;
  bool refuses_ = false;  ///< New connections are reset at once.
  std::uint64_t accepted_ = 0, refused_ = 0, reset_by_order_ = 0;
};

}  // namespace backhand::faults
