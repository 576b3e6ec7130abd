// What the kernel knows about the round trip of a TCP connection.
#pragma once

#include "common/time.hpp"

namespace backhand::net {

/// The shortest round trip that the kernel has seen on this connected socket; 0 where it does not say. A
/// lower bound for every reply: unlike a time taken by a thread, it does not grow when that thread is late.
[[nodiscard]] Ns least_round_trip(int fd) noexcept;

}  // namespace backhand::net
