// A pool against a TlsServer, with a clock that a test can advance and a handler that writes everything down.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "common/clock.hpp"
#include "gateway/net/pool.hpp"
#include "tests/gateway/net/tls_server.hpp"

namespace backhand::net::testing {

inline std::atomic<Ns> clock_offset = 0;
inline std::atomic<Ns> clock_frozen_at = 0;  ///< Else the real clock runs under the offset.
inline Ns test_clock() noexcept {
  const Ns frozen = clock_frozen_at.load(std::memory_order_relaxed);
  return (frozen != 0 ? frozen : monotonic_now()) + clock_offset.load(std::memory_order_relaxed);
}
inline void freeze_clock() { clock_frozen_at = monotonic_now(); }
inline void advance_ms(Ns count) { clock_offset += count * kMillisecond; }

inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

class Recorder final : public Handler {
 public:
  struct Reply {
    RequestToken token;
    int status = 0;
    std::string body;
    std::uint16_t connection = 0;
    Ns readable_ns = 0;
    Ns replied_ns = 0;
    Ns least_round_trip_ns = 0;
    bool followed = false;
  };
  struct Loss {
    RequestToken token;
    LossReason reason;
    bool aborted_by_reset = false;
  };

  void on_reply(RequestToken token, const ReplyView& reply, Ns now) noexcept override {
    replies.push_back({token, reply.http_status, std::string(reply.body), reply.connection, reply.readable_ns,
                       reply.replied_ns, reply.least_round_trip_ns, reply.followed});
    if (then) then(now);
  }
  void on_lost(RequestToken token, LossReason reason, bool aborted_by_reset, Ns) noexcept override {
    losses.push_back({token, reason, aborted_by_reset});
  }
  void on_ping(const ReplyView& reply, Ns) noexcept override {
    ++pings;
    last_ping_body = std::string(reply.body);
  }
  void on_pool_changed(unsigned ready, unsigned, std::string_view why) noexcept override {
    ready_seen.push_back(ready);
    reasons.emplace_back(why);
  }
  bool may_ping(Ns) noexcept override { return ping_allowed; }
  bool may_dial(Ns) noexcept override {
    dials_asked += 1;
    return dial_allowed;
  }
  void on_checked(RequestToken token, const ReplyView& reply, Ns, Ns) noexcept override {
    checked.push_back({token, reply.http_status, std::string(reply.body), reply.connection, reply.readable_ns,
                       reply.replied_ns, reply.least_round_trip_ns, reply.followed});
  }
  void on_not_checked(RequestToken, bool asked, Ns) noexcept override { not_checked.push_back(asked); }
  void on_ping_lost(Ns, Ns) noexcept override { ++pings_lost; }
  void on_dial_failed(Ns) noexcept override { ++dials_failed; }

  [[nodiscard]] bool told(std::string_view part) const {
    for (const std::string& reason : reasons) {
      if (reason.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::vector<Reply> replies;
  std::vector<Reply> checked;
  std::vector<bool> not_checked;  ///< For each: had the probe been allowed?
  std::vector<Loss> losses;
  std::vector<unsigned> ready_seen;
  std::vector<std::string> reasons;
  std::function<void(Ns)> then;
  std::string last_ping_body;
  int pings = 0;
  int pings_lost = 0;
  int dials_failed = 0;
  int dials_asked = 0;
  bool ping_allowed = true;
  bool dial_allowed = true;
};

class PoolTest : public ::testing::Test {
 protected:
  ~PoolTest() override { clock_frozen_at = 0; }

  void serve(TlsServer::Handler handler, CertificateKind kind = CertificateKind::good,
             bool only_tls_1_2 = false) {
    server = std::make_unique<TlsServer>(std::move(handler), kind, only_tls_1_2);
    settings.port = server->port();
  }
  /// Answers everything with its own path.
  void serve_echo() {
    serve([](Peer& peer, const std::string& request) {
      peer.reply(request.substr(4, request.find(' ', 4) - 4));
    });
  }
  /// Answers the probe; `handler` gets the rest.
  void serve_after_probe(TlsServer::Handler handler) {
    serve([handler = std::move(handler)](Peer& peer, const std::string& request) {
      if (request.starts_with("GET /probe ")) {
        peer.reply("/probe");
      } else {
        handler(peer, request);
      }
    });
  }

  void open() {
    std::expected<std::unique_ptr<Pool>, Error> made = Pool::create(settings, recorder);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    pool = std::move(*made);
  }
  void open_and_wait(unsigned connections) {
    settings.connections = connections;
    open();
    turn_until([&] { return pool->ready() == connections; });
  }

  void turn_until(const std::function<bool()>& condition) {
    while (!condition()) {
      if (pool->do_work(test_clock()) == 0) std::this_thread::yield();
    }
  }
  void turn(int count) {
    for (int i = 0; i < count; ++i) pool->do_work(test_clock());
  }

  WriteResult send(std::uint32_t token, const std::string& path,
                   RequestClass request_class = RequestClass::trade, Ns timeout_ms = 60'000) {
    const Ns now = test_clock();
    return pool->send({token}, request_class, get(path), now + timeout_ms * kMillisecond, now);
  }
  void send_and_wait(std::uint32_t token, const std::string& path) {
    const std::size_t before = recorder.replies.size();
    ASSERT_EQ(send(token, path).status, WriteStatus::written);
    turn_until([&] { return recorder.replies.size() > before; });
  }
  [[nodiscard]] int times_received(const std::string& path) const {
    int count = 0;
    for (const std::string& line : server->request_lines())
      count += line.starts_with("GET " + path + " ") ? 1 : 0;
    return count;
  }

  Settings settings = [] {
    Settings made;
    made.host = "localhost";
    made.connect_address = "127.0.0.1";
    made.ca_file = authority_file();
    made.probe_request = get("/probe");
    made.connect_timeout_ms = 60'000;  // Real time: a slow machine must not fail a test.
    made.max_idle_ms = 3'600'000;
    made.ping_interval_ms = 1'800'000;
    made.backoff_min_ms = 1;
    made.idle_look_interval_us = 0;
    made.dials_per_second = 1'000;
    made.clock = test_clock;
    return made;
  }();
  Recorder recorder;
  std::unique_ptr<TlsServer> server;
  std::unique_ptr<Pool> pool;
};

}  // namespace backhand::net::testing
