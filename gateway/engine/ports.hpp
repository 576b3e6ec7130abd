// What the engine needs from the world: four small doors. The gateway's service room implements them over
// sockets, shared memory and files; the simulation implements them over a virtual clock and a faulty
// everything. All are called on the engine's thread; none may block, throw or call back into the engine
// before it returns.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/domain/reversal.hpp"
#include "gateway/engine/trouble_book.hpp"
#include "gateway/journal/client_oid.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::engine {

/// Times of one write, taken by the port since the engine reads no clock.
struct Sent {
  net::WriteStatus status = net::WriteStatus::no_connection;
  std::uint16_t connection = 0;
  Ns encoded_ns = 0;  ///< When the port was entered: the request was complete.
  Ns written_ns = 0;  ///< Just before the kernel was asked to take the bytes.
};

class WirePort {
 public:
  virtual ~WirePort() = default;
  /// Whether a send of this class would find a connection now.
  [[nodiscard]] virtual bool can_send(net::RequestClass request_class) const noexcept = 0;
  /// How many trades could be sent at once.
  [[nodiscard]] virtual std::size_t free_connections() const noexcept = 0;
  /// Hands `bytes` to one warm connection, at most once, or says that the kernel took nothing of them.
  [[nodiscard]] virtual Sent send(net::RequestToken token, net::RequestClass request_class,
                                  std::span<const char> bytes, Ns reply_deadline_ns, Ns now) noexcept = 0;

  /// From within the telling of a reply: it cannot be the answer to its request, so what else comes on its
  /// connection may be another request's too. The connection is reset.
  virtual void distrust(std::uint16_t connection) noexcept { (void)connection; }
  /// From within the telling of a reply: asks the peer something behind it, on the same connection. Ends in
  /// on_checked or on_not_checked of the reply's token.
  virtual void check(std::uint16_t connection) noexcept = 0;

  /// For turns in which nothing was done: brings a little of what the next write will use into the cache.
  virtual void keep_near() noexcept {}

  // A rehearsal in two halves, so that neither holds up a shot for long.

  /// Does to `bytes` what `send` does, but into a session that leads nowhere.
  virtual void rehearse_request(std::span<const char> bytes) noexcept { (void)bytes; }
  /// The reply that comes out of it, valid until the next call; null where there was no request.
  [[nodiscard]] virtual const net::ReplyView* rehearse_reply() noexcept { return nullptr; }
};

class LanePort {
 public:
  virtual ~LanePort() = default;
  /// Puts an event of an intent into the lane, into the room kept for it since the intent was taken; a
  /// terminal one ends that. Stamps `published_ns` and `event_number`. Also called where nobody is attached:
  /// the event is swallowed. False: no room (more events than were reserved for), nothing was put.
  virtual bool publish(LaneIndex lane, wire::Outcome& outcome) noexcept = 0;
  /// Puts any other event (a notice, a correction, a repeat) only where spare room is left. False: none now.
  virtual bool offer(LaneIndex lane, wire::Outcome& outcome) noexcept = 0;
  /// An intent ended without a terminal event of its own, or with one that can only be repeated later.
  virtual void close_intent(LaneIndex lane) noexcept = 0;
};

/// What people and counters must know; never on the way of an intent before its write.
enum class EngineEvent : std::uint8_t {
  ready,
  not_ready,
  account_ready,
  account_not_ready,  ///< It was; `text` says what it waits for.
  account_halted,     ///< `code` and `code_class` say why.
  account_throttled,  ///< A fault of ours: the venue counted more than we did.
  account_refused,    ///< At start: this account can never be served (unified account, bad credentials, wrong
                      ///< mode).
  mode_mismatch,
  lead_trader_detected,
  product_ready,      ///< Of an account that is ready: one more of its products is proven.
  nobody_ready,       ///< At start: the venue refused every account.
  address_throttled,  ///< The venue answers "too many requests" whatever is asked: our address is held off.
  address_free,       ///< The time for which it was is over.
  clock_stepped,
  position_blocked,
  position_unblocked,
  reversal_unresolved,
  reversal_rejected,  ///< The venue's definite no; `code` and `code_class` say which.
  foreign_change,     ///< Others traded a position while a reversal of it was under way.
  journal_behind,     ///< Its ring is full: intents wait in their lanes until the disk has caught up.
  journal_caught_up,
  records_missing,  ///< The venue shows a reversal of ours that the journal does not know; `text` says whose.
  uid_shared,       ///< `account` and `other` have keys of one UID.
  uid_changed,      ///< The key of `account` belongs to another UID than before; nothing of it is open.
  journal_failed,
  stopped,
};

struct EventDetails {
  AccountIndex account;
  AccountIndex other;  ///< With uid_shared.
  PositionIndex position;
  wire::VenueCode code;
  wire::CodeClass code_class = wire::CodeClass::none;
  std::string_view text;  ///< A constant of the program, or empty.
  std::optional<wire::Product> product{};
};

class EventPort {
 public:
  virtual ~EventPort() = default;
  virtual void on_engine_event(EngineEvent event, const EventDetails& details, Ns now) noexcept = 0;
  /// A look-up brought nothing, or (`ended`) does again; only what is worth a line in the log.
  virtual void on_trouble(const Trouble& trouble, bool ended, Ns now) noexcept {
    (void)trouble;
    (void)ended;
    (void)now;
  }
  /// Keeps other gateways of the host away from this UID; false: one has it. Called while readiness is
  /// proven.
  [[nodiscard]] virtual bool lock_uid(AccountIndex account, const domain::UserId& user_id) noexcept {
    (void)account;
    (void)user_id;
    return true;
  }
  /// The venue's raw answer to a reversal, for disputes. Called after the outcome was published.
  virtual void on_raw_reply(const journal::ReversalKey& key, int http_status, std::string_view body,
                            std::string_view trace_id, Ns now) noexcept = 0;
};

}  // namespace backhand::engine
