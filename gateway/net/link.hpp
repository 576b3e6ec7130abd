// A connected socket, its keys and its half-parsed reply: what the dialing thread makes and the I/O thread
// takes over whole. Owned by one thread at a time.
#pragma once

#include <unistd.h>

#include "common/near_memory.hpp"
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

  /// For the dialing thread, when all else is done: lists what the first request will find here.
  void list_memory() {
    near.add(fd);
    exchange.add_to(near);
    tls.add_to(near);
  }

  int fd = -1;                 ///< Non-blocking.
  Ns least_round_trip_ns = 0;  ///< As the kernel measured it while the connection was made; 0: not known.
  TlsSession tls;
  HttpExchange exchange;
  NearMemory near{32'768, TlsMemory::kMost + 16};
};

}  // namespace backhand::net
