// Warm TLS connections to one host, shared by all accounts. Everything here belongs to the I/O thread;
// look-ups, connecting and handshakes happen on a dialing thread of its own, which hands over finished
// connections. Nothing is ever sent twice, on any path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/time.hpp"
#include "gateway/net/handler.hpp"
#include "gateway/net/settings.hpp"

namespace backhand::net {

class Connection;
class Dialer;
struct ConnectionNotes;
struct DialResult;

/// Counted since start; read on the I/O thread.
struct PoolCounters {
  std::uint64_t dials = 0;           ///< Begun.
  std::uint64_t dials_failed = 0;    ///< Ended without a connection.
  std::uint64_t handed_over = 0;     ///< New connections taken over.
  std::uint64_t retired = 0;         ///< Closed by us before the peer did: idle too long or used up.
  std::uint64_t closed_by_peer = 0;  ///< Found closed or spoilt while idle.
  std::uint64_t distrusted = 0;      ///< Closed since a reply answered no request of theirs.
  std::uint64_t lost = 0;            ///< Broken with a request outstanding.
  std::uint64_t written = 0;         ///< Requests, pings included.
  std::uint64_t not_written = 0;     ///< Writes of which the kernel took nothing.
  std::uint64_t replies = 0;         ///< Whole replies, pings included.
  std::uint64_t pings = 0;
};

class Pool {
 public:
  /// Largest request that send() takes: one TLS record.
  static constexpr std::size_t kMaxRequestBytes = 16'384;

  /// Checks the settings, loads the authorities and starts the dialing thread; the first dials begin with the
  /// first do_work. `handler` must outlive the pool. Called before the loop starts.
  [[nodiscard]] static std::expected<std::unique_ptr<Pool>, Error> create(const Settings& settings,
                                                                          Handler& handler);
  /// Aborts every connection without a callback and joins the dialing thread.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Encrypts `bytes` (a whole request, ≤ kMaxRequestBytes) and writes it with one send() on the ready
  /// connection with the lowest recent round trip. Its reply is due at `deadline_ns`; without one by then the
  /// connection is reset and on_lost called. No callback comes from within. Hot: allocates nothing after
  /// warm-up.
  WriteResult send(RequestToken token, RequestClass request_class, std::span<const char> bytes,
                   Ns deadline_ns, Ns now) noexcept;
  /// Would send() find a connection?
  [[nodiscard]] bool can_send(RequestClass request_class, Ns now) const noexcept;

  /// From within a callback that tells a reply: it cannot be the answer to its request. HTTP/1.1 knows the
  /// two by their order alone, so the connection is reset rather than read any further; not one whose probe
  /// it is.
  void distrust(std::uint16_t connection) noexcept;

  /// From within Handler::on_reply, about the reply that it tells: HTTP/1.1 ties replies to requests by their
  /// order alone, so the probe is written behind it on the same connection. Where its reply is that of a
  /// probe, there was no reply too many before it. Exactly one of on_checked and on_not_checked follows.
  void check(std::uint16_t connection) noexcept;

  /// One turn: takes over dialed connections, reads the sockets that owe a reply, looks at one idle
  /// connection, and does what is due (time-outs, retirements, pings, dials). Returns how many things were
  /// done.
  int do_work(Ns now) noexcept;
  /// As do_work, after poll_fd() became readable: looks at every socket that has something. Called from the
  /// loop that sleeps; a spinning one need not.
  int do_ready_work(Ns now) noexcept;
  /// For turns in which nothing was done: brings a little of what the next shot will use into the cache.
  void keep_near() noexcept;
  /// A descriptor that becomes readable (level-triggered) when a socket or the dialing thread has something.
  /// Valid with Settings::watch_sockets; else -1.
  [[nodiscard]] int poll_fd() const noexcept { return epoll_fd_; }
  /// When do_work has something to do even if no socket becomes readable; kNever: nothing.
  [[nodiscard]] Ns next_due() const noexcept { return next_due_; }

  /// Connections that could carry a request now or after the reply that they await.
  [[nodiscard]] unsigned ready() const noexcept { return ready_; }
  /// Of these, the ones without an outstanding request.
  [[nodiscard]] unsigned free(Ns now) const noexcept;
  [[nodiscard]] unsigned wanted() const noexcept { return settings_.connections; }
  [[nodiscard]] const PoolCounters& counters() const noexcept { return counters_; }

  /// Aborts everything by reset, with on_lost(closed_by_us) for each outstanding request. Nothing can be sent
  /// afterwards.
  void close(Ns now) noexcept;

 private:
  Pool(const Settings& settings, Handler& handler);

  [[nodiscard]] bool is_free(const Connection& connection, Ns now) const noexcept;
  [[nodiscard]] bool is_expiring(const Connection& connection, Ns now) const noexcept;
  [[nodiscard]] Connection* pick(RequestClass request_class, Ns now) const noexcept;
  void choose(Ns now) noexcept;

  WriteResult write(Connection& connection, RequestToken token, RequestClass request_class,
                    std::span<const char> bytes, Ns deadline_ns) noexcept;
  WriteResult push(Connection& connection, RequestToken token, RequestClass request_class,
                   Ns deadline_ns) noexcept;
  WriteResult give_up_unwritten(Connection& connection) noexcept;

  int read_due(Ns now) noexcept;
  void waits_no_more(const Connection& connection) noexcept;
  int look_at_idle(Ns now) noexcept;
  int look(Connection& connection, Ns now) noexcept;
  [[nodiscard]] bool must_hold(Connection& connection, Ns now) noexcept;
  void deliver(Connection& connection, Ns now) noexcept;
  void hand_out(Connection& connection, const ReplyView& reply, Ns now) noexcept;
  void write_check(Connection& connection, RequestToken token, Ns now) noexcept;
  static void note_round_trip(ConnectionNotes& notes, Ns round_trip_ns) noexcept;

  void abandon(Connection& connection) noexcept;
  void tell_lost(const ConnectionNotes& notes, LossReason reason, Ns now) noexcept;
  void lose(Connection& connection, LossReason reason, Ns now) noexcept;
  void drop_idle(Connection& connection, LossReason reason, Ns now) noexcept;
  void close_idle(Connection& connection, std::string_view why, Ns now) noexcept;

  int take_over(Ns now) noexcept;
  void adopt(DialResult& result, Ns now) noexcept;
  void trim(Ns now) noexcept;
  int upkeep(Ns now) noexcept;
  int upkeep_of(Connection& connection, Ns now) noexcept;
  int ping_idle(Ns now) noexcept;
  int dial(Ns now) noexcept;
  void back_off(Ns now) noexcept;
  void note_if_stillborn(const Connection& connection, Ns now) noexcept;

  void due_at(Ns when) noexcept {
    if (when < next_due_) next_due_ = when;
  }
  void watch(Connection& connection) noexcept;
  void watch_for_room(Connection& connection, bool wanted) noexcept;
  void count_ready() noexcept;
  void tell(std::string_view why) noexcept;
  void tell_later(std::string_view why, Ns now) noexcept;

  Settings settings_;
  Handler& handler_;
  std::unique_ptr<Dialer> dialer_;  ///< Outlives the connections, which refer to its TLS context.
  std::vector<std::unique_ptr<Connection>> connections_;
  std::minstd_rand jitter_;
  PoolCounters counters_;
  std::string_view untold_;  ///< A change that no callback could tell yet; a literal.
  int epoll_fd_ = -1;
  unsigned ready_ = 0;
  std::vector<Connection*> waiting_;  ///< Connections that await a reply.
  unsigned pings_outstanding_ = 0;    ///< Of these, the pool's own.
  unsigned dialing_ = 0;
  unsigned failures_ = 0;   ///< Dials failed in a row.
  unsigned stillborn_ = 0;  ///< Connections that broke at once, since one last served a request.
  std::size_t idle_cursor_ = 0;
  std::size_t near_cursor_ = 0;   ///< The place whose memory is being kept near.
  Connection* chosen_ = nullptr;  ///< The best for a trade when last looked; it may be taken by now.
  Ns choose_again_ns_ = 0;
  Ns ping_after_ = 0;
  Ns next_idle_look_ = 0;
  Ns next_dial_ = 0;    ///< End of the back-off.
  Ns dial_credit_ = 0;  ///< When all handshakes begun would have been due at the bounded rate.
  Ns next_due_ = 0;
  bool closed_ = false;
};

}  // namespace backhand::net
