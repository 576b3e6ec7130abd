#include "gateway/net/round_trip.hpp"

#include <cstddef>
#include <cstdint>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace backhand::net {

Ns least_round_trip(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  // Older kernels fill less of it; UINT32_MAX says that nothing was measured yet.
  const bool told = size >= offsetof(tcp_info, tcpi_min_rtt) + sizeof info.tcpi_min_rtt;
  if (!told || info.tcpi_min_rtt == UINT32_MAX) return 0;
  return static_cast<Ns>(info.tcpi_min_rtt) * kMicrosecond;
}

}  // namespace backhand::net
