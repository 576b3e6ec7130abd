// The venue's two ports: TLS for clients, plain HTTP on loopback for control. One thread runs both; Boost
// stays inside the .cpp.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "common/error.hpp"
#include "tests/venue/certificates.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::venue {

struct ServerOptions {
  std::string address = "127.0.0.1";  ///< Where the TLS port listens; the control port is always loopback.
  std::uint16_t tls_port = 0;         ///< 0: any free one.
  std::uint16_t control_port = 0;
  bool tls12_only = false;
};

class Server {
 public:
  /// Listens on both ports. `exchange` must outlive the server and is used by the thread in `run` only.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, Error> make(const ServerOptions& options,
                                                                          const Certificates& certificates,
                                                                          Exchange& exchange);
  virtual ~Server() = default;
  [[nodiscard]] virtual std::uint16_t tls_port() const = 0;
  [[nodiscard]] virtual std::uint16_t control_port() const = 0;
  /// Serves until SIGINT, SIGTERM or `stop`.
  virtual void run() = 0;
  /// From any thread.
  virtual void stop() = 0;
};

}  // namespace backhand::venue
