// What the network room is told at start. Filled by the service from the configuration; const afterwards.
#pragma once

#include <cstdint>
#include <string>

#include "common/clock.hpp"
#include "common/time.hpp"

namespace backhand::net {

/// monotonic_now() where it can be pointed to, with the other instructions of the way to the wire.
[[nodiscard]] Ns read_clock() noexcept;

/// The settings count milliseconds, the clock nanoseconds.
constexpr Ns ms(std::uint32_t count) noexcept { return static_cast<Ns>(count) * kMillisecond; }

struct Settings {
  std::string host;             ///< Name that the certificate must carry; sent as server name.
  std::uint16_t port = 443;     ///< TCP port.
  std::string connect_address;  ///< Empty: resolve `host`; else literal IP addresses, separated by commas.
  std::string ca_file;          ///< PEM file of the trusted authorities; empty: the system's.
  /// A whole HTTP/1.1 GET request that changes nothing and may be repeated at will: sent once on each new
  /// connection before it is handed over, and again to keep an idle one warm.
  std::string probe_request;

  std::uint32_t connections = 4;           ///< Wanted in the pool: 1 … 64.
  std::uint32_t max_idle_ms = 20'000;      ///< Idle for longer: closed before the peer does it.
  std::uint32_t ping_interval_ms = 5'000;  ///< Idle for so long: pinged; at most half of max_idle_ms is used.
  std::uint32_t ping_timeout_ms = 5'000;   ///< A ping without a reply by then breaks its connection.
  std::uint32_t max_requests = 10'000;     ///< Requests on one connection, probe and pings included: ≥ 2.
  std::uint32_t connect_timeout_ms = 3'000;   ///< For look-up, connect, handshake and probe together.
  std::uint32_t backoff_min_ms = 50;          ///< Pause after the first failed dial; doubles, with jitter.
  std::uint32_t backoff_max_ms = 5'000;       ///< Longest pause between dials.
  std::uint32_t dials_per_second = 20;        ///< Bound on handshakes over time.
  std::uint32_t max_reply_bytes = 1'048'576;  ///< A longer body is `too_large`.
  std::uint32_t max_header_bytes = 16'384;    ///< A longer head is `too_large`.
  std::uint32_t idle_look_interval_us = 50;   ///< One idle connection is looked at so often, in rotation.
  bool watch_sockets = true;                  ///< Keep poll_fd() up to date; not needed when spinning.
  int dialer_cpu = -1;                        ///< CPU of the dialing thread; -1: not pinned.
  std::uint64_t seed = 1;                     ///< Of the jitter.
  Ns (*clock)() noexcept = read_clock;        ///< Source of the stamps; tests give their own.
};

}  // namespace backhand::net
