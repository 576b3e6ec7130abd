// One connection in the pool's hands: bytes over its socket, one request at a time. I/O thread only. It
// decides nothing; the pool does.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "common/prefetch.hpp"
#include "common/time.hpp"
#include "gateway/net/connection_state.hpp"
#include "gateway/net/handler.hpp"
#include "gateway/net/link.hpp"

namespace backhand::net {

enum class ReadResult : std::uint8_t {
  nothing,  ///< The socket has nothing.
  more,     ///< Something was read; nothing is whole.
  reply,    ///< The reply is whole: see exchange().
  broken,   ///< The connection cannot be used: see trouble().
};

/// What the pool notes about a connection; plain values that it may change.
struct ConnectionNotes {
  RequestToken token;
  RequestClass request_class = RequestClass::trade;
  bool busy = false;           ///< A request is outstanding, or its reply is just being told.
  std::uint32_t requests = 0;  ///< Written on this connection, the probe included.
  Ns deadline_ns = kNever;     ///< With busy.
  Ns written_ns = 0;           ///< With busy.
  Ns adopted_ns = 0;
  Ns last_used_ns = 0;        ///< Last hand-over or whole reply.
  Ns round_trip_ns = 0;       ///< Of probe and pings, smoothed.
  bool watched_room = false;  ///< The poller also waits for room to write.
  bool distrusted = false;    ///< What came as a reply was none to its request.
  bool check_wanted = false;  ///< Its reply is to be checked by a probe behind it.
  Ns held_until_ns = 0;       ///< A whole reply to a look-up is not told before; 0: none is held.
};

class Connection {
 public:
  explicit Connection(std::uint16_t place) noexcept : place_(place) {}

  [[nodiscard]] std::uint16_t place() const noexcept { return place_; }
  [[nodiscard]] ConnectionState state() const noexcept { return state_; }
  [[nodiscard]] bool established() const noexcept {
    return state_ == ConnectionState::ready || state_ == ConnectionState::draining;
  }
  [[nodiscard]] int fd() const noexcept { return link_->fd; }
  [[nodiscard]] HttpExchange& exchange() noexcept { return link_->exchange; }

  /// Takes a finished connection from the dialing thread.
  void on_handed_over(std::unique_ptr<Link> link) noexcept;
  /// Its last request is out, or it must take no other one.
  void on_retire() noexcept;
  /// Gives up what is left of it, with the socket still open.
  [[nodiscard]] std::unique_ptr<Link> on_lost() noexcept;

  /// Encrypts a whole request into the connection; nothing leaves. False: the connection is broken.
  [[nodiscard]] bool encrypt(std::span<const char> bytes) noexcept;
  /// Goes on bringing what a request and its reply use into the second cache, some lines at a time; true at
  /// the end of it.
  bool keep_near(std::size_t lines) noexcept {
    prefetch(*this);
    return link_->near.walk(lines);
  }
  /// One send() of what encrypt left; notes.written_ns is just before it. `written` as soon as the kernel
  /// took a byte, the rest follows by flush; the connection is then busy.
  [[nodiscard]] WriteStatus push(Ns (*clock)() noexcept) noexcept;
  /// Writes more of a request that the kernel took a part of. False: the socket is broken.
  [[nodiscard]] bool flush() noexcept;
  [[nodiscard]] bool has_rest() const noexcept { return !link_->tls.output().empty(); }

  /// Reads what the socket has, up to the reply. `clock` stamps the first bytes and the whole reply.
  [[nodiscard]] ReadResult read(Ns (*clock)() noexcept) noexcept;
  /// After `broken`.
  [[nodiscard]] LossReason trouble() const noexcept { return trouble_; }
  /// After `reply`: may another request follow?
  [[nodiscard]] bool reusable() const noexcept;
  /// After `reply`: did more bytes lie behind it?
  [[nodiscard]] bool followed() const noexcept { return link_->exchange.has_surplus(); }
  [[nodiscard]] Ns least_round_trip_ns() const noexcept { return link_->least_round_trip_ns; }
  [[nodiscard]] Ns readable_ns() const noexcept { return readable_ns_; }
  [[nodiscard]] Ns replied_ns() const noexcept { return replied_ns_; }

  ConnectionNotes notes;

 private:
  [[nodiscard]] ReadResult decrypt(Ns (*clock)() noexcept) noexcept;
  [[nodiscard]] ReadResult on_end(bool orderly, Ns (*clock)() noexcept) noexcept;
  [[nodiscard]] ReadResult broken(LossReason trouble) noexcept;
  void step(ConnectionEvent event) noexcept;

  std::uint16_t place_;
  ConnectionState state_ = ConnectionState::idle;
  LossReason trouble_ = LossReason::reset;
  bool ended_ = false;  ///< The peer has closed its side.
  Ns readable_ns_ = 0;
  Ns replied_ns_ = 0;
  std::unique_ptr<Link> link_;
};

/// Closes at once and tells the peer by RST: the kernel delivers nothing more of what was written.
void close_by_reset(Link& link) noexcept;
/// Closes an idle connection as TLS and TCP want it.
void close_politely(Link& link) noexcept;

}  // namespace backhand::net
