// What the pool tells its user, and the few words both share. All of it is called from the I/O thread, from
// within Pool::do_work (on_lost also from Pool::close). A callback may call Pool::send, but not do_work.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/time.hpp"

namespace backhand::net {

/// Chosen by the caller, handed back with the reply or the loss. Opaque here.
struct RequestToken {
  std::uint32_t value = 0;
  friend constexpr bool operator==(RequestToken, RequestToken) noexcept = default;
};

enum class RequestClass : std::uint8_t {
  trade,   ///< May take any ready connection, the last free one too.
  lookup,  ///< Only while another connection stays free for a trade.
  ping,    ///< As lookup; the pool's own.
  check,   ///< The pool's own too: a probe right behind a reply, on that reply's connection. See Pool::check.
};

enum class WriteStatus : std::uint8_t {
  written,        ///< The kernel took at least one byte: the request counts as sent, whatever follows.
  not_written,    ///< send() was called and took no byte, or was not reached: nothing left; connection reset.
  no_connection,  ///< No connection may be used now: nothing was tried.
};

struct [[nodiscard]] WriteResult {
  WriteStatus status = WriteStatus::no_connection;
  std::uint16_t connection = 0;  ///< Which one, dense from 0; with written and not_written.
  Ns written_ns = 0;             ///< Just before send(); with written and not_written.
};

/// Why a written request will have no reply. Whether the peer acted on it is unknown in every case.
enum class LossReason : std::uint8_t {
  timeout,            ///< No whole reply by its deadline.
  reset,              ///< The kernel reported an error on the socket.
  end_of_stream,      ///< The peer closed before the reply was whole.
  malformed_reply,    ///< Not HTTP/1.x, or not framed as it must be.
  too_large,          ///< Head or body longer than allowed.
  unsolicited_bytes,  ///< Bytes that answer no request.
  tls_error,          ///< A record that does not verify, an alert, a message that has no place there.
  closed_by_us,       ///< The pool was closed.
};
[[nodiscard]] std::string_view to_string(LossReason reason) noexcept;

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

/// A whole reply. Everything it points to lives only during the callback.
struct ReplyView {
  int http_status = 0;
  std::string_view body;                ///< Contiguous; at least 64 readable bytes lie behind it.
  std::span<const HeaderField> fields;  ///< As received; trailers are not among them.
  Ns readable_ns = 0;                   ///< When its first bytes were found in the socket.
  Ns replied_ns = 0;                    ///< When it was whole.
  Ns least_round_trip_ns = 0;  ///< No reply of this peer is readable sooner after its request; 0: not known.
  bool followed = false;       ///< More bytes lay behind it, which answer no request.
  std::uint16_t connection = 0;

  /// Value of the first field called `name` (letters, digits and dashes, in any case); empty where absent.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

class Handler {
 public:
  /// The whole reply to a written request of class trade or lookup. Exactly one of on_reply and on_lost
  /// follows each `written`.
  virtual void on_reply(RequestToken token, const ReplyView& reply, Ns now) noexcept = 0;

  /// No reply will come. `aborted_by_reset`: our side has reset the connection, so that the kernel delivers
  /// nothing of the request after `now`.
  virtual void on_lost(RequestToken token, LossReason reason, bool aborted_by_reset, Ns now) noexcept = 0;

  /// The reply to a ping or to the probe of a new connection, written at `written_ns`.
  virtual void on_ping(const ReplyView& reply, Ns written_ns) noexcept = 0;

  /// The number of usable connections changed, or a dial failed. `why` is one sentence for a person.
  virtual void on_pool_changed(unsigned ready, unsigned wanted, std::string_view why) noexcept = 0;

  /// May a probe request be written now? `true` spends the permission: it will be. Asked again later
  /// otherwise.
  virtual bool may_ping(Ns now) noexcept = 0;
  /// May a connection be dialed (one probe request somewhat later)? `true` spends the permission.
  virtual bool may_dial(Ns now) noexcept = 0;

  /// A ping written at `written_ns` has no reply and its connection was reset.
  virtual void on_ping_lost(Ns written_ns, Ns now) noexcept {
    (void)written_ns;
    (void)now;
  }
  /// What Pool::check asked for: the reply to a probe that was written at `written_ns` behind the reply to
  /// the request of this token, on the same connection.
  virtual void on_checked(RequestToken token, const ReplyView& reply, Ns written_ns, Ns now) noexcept {
    (void)token;
    (void)reply;
    (void)written_ns;
    (void)now;
  }
  /// Instead of on_checked: the probe could not be written, or has no reply. `asked`: may_ping had allowed
  /// it.
  virtual void on_not_checked(RequestToken token, bool asked, Ns now) noexcept {
    (void)token;
    (void)asked;
    (void)now;
  }
  /// A dial that may_dial had allowed ended without a connection; its probe may have been written.
  virtual void on_dial_failed(Ns now) noexcept { (void)now; }

 protected:
  ~Handler() = default;
};

}  // namespace backhand::net
