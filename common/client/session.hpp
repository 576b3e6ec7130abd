// A strategy's end of a lane: attach to the gateway, push intents, poll outcomes.
//
// One thread pushes and one thread polls (they may be the same); each function says whose it is. Strategies
// with several threads attach a lane for each. When the gateway goes away, poll and wait re-attach by
// themselves; until then push answers `detached`. The library never pushes an intent by itself. Whatever was
// pushed and never taken is told as `denied`, `never_taken`: when the gateway's process is seen to have
// ended, at the latest after the next attach.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "common/client/intent_builder.hpp"
#include "common/client/push_result.hpp"
#include "common/error.hpp"
#include "common/wire/attach.hpp"
#include "common/wire/intent.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::client {

/// What the gateway said at an attach.
struct Attachment {
  std::uint64_t generation = 0;  ///< 1 for the first attach of this session, 2 for the next, …
  std::uint32_t lane = 0;        ///< The lane's number.
  /// Highest intent id ever taken on this lane. Whatever was pushed above it was never taken, nothing of it
  /// was or will be sent, and this session tells so (`never_taken`). Whether to push it again, under a new
  /// id, is the strategy's decision.
  std::uint64_t taken_mark = 0;
  std::uint64_t last_record = 0;  ///< Highest record number of this lane: the replay ends there.
  std::uint32_t intent_capacity = 0;
  std::uint32_t outcome_capacity = 0;
};

struct SessionOptions {
  /// Which journaled outcomes of earlier runs on this lane are told again. kCursorOwed: those that no run has
  /// noted; a run notes what it was told when it polls or waits again, and when it ends its session. Or a
  /// record number: those above it. Or kCursorAll, kCursorNow (none).
  std::uint64_t cursor = wire::kCursorOwed;
  /// How long attach and reattach may take, and how long poll waits for the reply to an attach of its own.
  std::chrono::nanoseconds timeout = std::chrono::seconds(2);
  /// Whether poll and wait attach again when the gateway went away.
  bool reattach = true;
  std::chrono::nanoseconds backoff_min = std::chrono::milliseconds(10);
  std::chrono::nanoseconds backoff_max = std::chrono::seconds(1);
  /// Called after each attach but the first, from the polling thread, before any of its outcomes is told.
  std::function<void(const Attachment&)> on_reattached;
};

enum class [[nodiscard]] WaitResult : std::uint8_t {
  ready = 0,      ///< poll has something to tell.
  timed_out = 1,  ///< Nothing came.
  detached = 2,   ///< Nothing came, and there is no gateway at the moment.
};

class Session {
 public:
  /// Attaches to the gateway that listens at `path` as lane `lane` (named within its strategy; both at most
  /// 24 bytes). The error repeats what the gateway said. Blocks at most `options.timeout`.
  [[nodiscard]] static std::expected<Session, Error> attach(const std::string& path,
                                                            std::string_view strategy, std::string_view lane,
                                                            SessionOptions options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  /// Both threads must be done with the session. Intents still waiting at the gateway are denied.
  ~Session();

  /// Pushes a copy; sets created_ns where it is 0. No system call, except one write where the gateway sleeps.
  /// Pushing thread.
  PushResult push(const wire::Intent& intent) noexcept;

  /// An id above all that were pushed or taken on this lane. Pushing thread.
  [[nodiscard]] std::uint64_t next_id() noexcept;

  /// Calls `sink(const wire::Outcome&)` for each outcome that is there, `most` at most; returns how many.
  /// Attaches again, a step a call and without blocking, when the gateway went away. Polling thread.
  template <typename Sink>
  std::size_t poll(Sink&& sink, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    note();
    std::size_t count = 0;
    wire::Outcome outcome;
    while (count < most && next(outcome)) {
      sink(static_cast<const wire::Outcome&>(outcome));
      seen(outcome);
      ++count;
    }
    finish_poll(count);
    return count;
  }

  /// Sleeps until there is something to poll; attaches again meanwhile where needed. Polling thread.
  WaitResult wait(std::chrono::nanoseconds timeout);

  /// A descriptor for an event loop of the strategy's own (epoll, poll, select; read side): readable when
  /// poll has something to tell or to do. Poll once after this call and whenever it is readable, and never
  /// read from it. It is the same at each call and over re-attaches, and belongs to the session. The first
  /// call starts a thread in this process, which sleeps in wait's place; the gateway does what it does for
  /// wait. Polling thread.
  [[nodiscard]] std::expected<int, Error> event_fd();

  /// Drops the attachment and attaches afresh, within `options.timeout`. Outcomes not polled yet are told
  /// again if they were journaled. Polling thread.
  [[nodiscard]] std::expected<void, Error> reattach();

  /// What the gateway said at the last attach. Polling thread.
  [[nodiscard]] const Attachment& attachment() const noexcept;
  /// Highest record number told so far. Polling thread.
  [[nodiscard]] std::uint64_t cursor() const noexcept;
  /// Why the last attempt to attach again failed; empty where it did not. Polling thread.
  [[nodiscard]] const std::string& last_error() const noexcept;
  /// As in Attachment, of the last attach; generation 0 while there is no gateway. Any thread.
  [[nodiscard]] std::uint64_t taken_mark() const noexcept;
  [[nodiscard]] std::uint64_t generation() const noexcept;
  [[nodiscard]] bool attached() const noexcept { return generation() != 0; }

 private:
  class Core;
  explicit Session(std::unique_ptr<Core> core) noexcept;
  [[nodiscard]] bool next(wire::Outcome& out) noexcept;
  void seen(const wire::Outcome& outcome) noexcept;
  void finish_poll(std::size_t count);
  void note() noexcept;

  std::unique_ptr<Core> core_;
};

}  // namespace backhand::client
