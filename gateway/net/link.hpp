// A connected socket, its keys and its half-parsed reply: what the dialing thread makes and the I/O thread
// takes over whole. Owned by one thread at a time.
#pragma once

#include <unistd.h>

#include "gateway/net/http_exchange.hpp"
#include "gateway/net/tls_session.hpp"

namespace backhand::net {

struct Link {
  Link(const TlsContext& context, ExchangeLimits limits) : tls(context), exchange(limits) {}
  ~Link() {
    if (fd >= 0) ::close(fd);
  }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  int fd = -1;  ///< Non-blocking.
  TlsSession tls;
  HttpExchange exchange;
};

}  // namespace backhand::net
