// Intents from threads of the gateway's own process: one moodycamel queue with a token for each producer;
// outcomes come back on a ring of each producer's own, under the same reservation as any lane's. Everything
// is allocated when a producer is opened, before the I/O thread runs.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "common/client/lane_end.hpp"
#include "common/client/push_result.hpp"
#include "common/client/session.hpp"
#include "common/ids.hpp"
#include "gateway/ingress/lane_port.hpp"

namespace backhand::ingress {

class InProcessQueue;

/// A producer's end, in the shape of client::Session: one pushing and one polling thread. There is no
/// re-attach, as the two live and die together.
class InProcessSession {
 public:
  ~InProcessSession();
  InProcessSession(const InProcessSession&) = delete;
  InProcessSession& operator=(const InProcessSession&) = delete;

  /// As client::Session::push; never `detached`, never `broken`. Pushing thread.
  client::PushResult push(const wire::Intent& intent) noexcept;
  /// Pushing thread.
  [[nodiscard]] std::uint64_t next_id() noexcept { return last_id_ + 1; }

  /// As client::Session::poll. Polling thread.
  template <typename Sink>
  std::size_t poll(Sink&& sink, std::size_t most = std::numeric_limits<std::size_t>::max()) {
    std::size_t count = 0;
    wire::Outcome outcome;
    while (count < most && outcomes_.pop(outcome)) {
      sink(static_cast<const wire::Outcome&>(outcome));
      ++count;
    }
    if (count > 0) outcomes_.tell_taken();
    return count;
  }
  /// As client::Session::wait. Polling thread.
  client::WaitResult wait(std::chrono::nanoseconds timeout) noexcept;

  [[nodiscard]] LaneIndex lane() const noexcept { return lane_; }
  /// Highest intent id that this lane had taken when it was opened.
  [[nodiscard]] std::uint64_t taken_mark() const noexcept { return taken_mark_; }

 private:
  friend class InProcessQueue;
  struct Token;
  InProcessSession(InProcessQueue& queue, LaneIndex lane, LaneMemory& memory,
                   const wire::LaneGeometry& geometry, std::uint64_t taken_mark);

  InProcessQueue& queue_;
  std::unique_ptr<Token> token_;
  LaneIndex lane_;
  std::uint64_t capacity_;
  std::uint64_t taken_mark_;
  std::uint64_t last_id_;                                         ///< Pushing thread.
  client::GatewayBell bell_;                                      ///< Pushing thread.
  client::OutcomeEnd outcomes_;                                   ///< Polling thread.
  alignas(shm::kLinePair) std::atomic<std::uint64_t> pushed_{0};  ///< Written by the pushing thread.
  alignas(shm::kLinePair) std::atomic<std::uint64_t> taken_{0};   ///< Written by the I/O thread.
};

class InProcessQueue {
 public:
  /// At most `producers` sessions of `capacity` waiting intents each.
  InProcessQueue(std::uint32_t producers, std::uint32_t capacity);
  ~InProcessQueue();

  /// Before the I/O thread runs; null where all producers are given away. `memory` must outlive the session,
  /// which lives as long as this queue.
  [[nodiscard]] InProcessSession* open(LaneIndex lane, LaneMemory& memory, const wire::LaneGeometry& geometry,
                                       std::uint64_t taken_mark);

  /// Takes the oldest intent of one producer. I/O thread.
  [[nodiscard]] bool try_take(InProcessSession& session, wire::Intent& out) noexcept;
  /// Whether `try_take` would find one. I/O thread.
  [[nodiscard]] static bool waits(const InProcessSession& session) noexcept {
    // Pairs with the release in InProcessSession::push.
    return session.pushed_.load(std::memory_order_acquire) != session.taken_.load(std::memory_order_relaxed);
  }

 private:
  friend class InProcessSession;
  struct Queue;
  std::unique_ptr<Queue> queue_;
  std::uint32_t producers_;
  std::uint32_t capacity_;
  std::vector<std::unique_ptr<InProcessSession>> sessions_;
};

}  // namespace backhand::ingress
