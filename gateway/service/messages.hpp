// What the I/O thread tells the service thread, by value over a moodycamel queue that was filled with memory
// at start. Never on the way of an intent before its write; a full queue drops the message and counts it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/engine/ports.hpp"
#include "gateway/journal/raw_replies.hpp"

namespace backhand::service {

struct EngineMessage {
  engine::EngineEvent event{};
  AccountIndex account;
  AccountIndex other;
  PositionIndex position;
  wire::VenueCode code;
  wire::CodeClass code_class = wire::CodeClass::none;
  std::string_view text;  ///< A constant of the program.
  std::optional<wire::Product> product;
  Ns at_ns = 0;
};

struct TroubleMessage {
  engine::Trouble trouble;
  bool ended = false;
};

/// A sentence of the connection pool's, cut to fit.
struct PoolMessage {
  std::array<char, 240> text{};
  std::uint16_t length = 0;
  std::uint16_t ready = 0;
  std::uint16_t wanted = 0;
};

/// The engine's EventPort and the pool's sentences, handed to the service thread.
class MessageQueue final : public engine::EventPort {
 public:
  /// `raw_replies` outlives this; `real_offset_ns` is wall clock minus CLOCK_MONOTONIC, for its stamps.
  MessageQueue(journal::RawReplies& raw_replies, std::int64_t real_offset_ns);
  ~MessageQueue() override;

  using UidLock = std::function<bool(AccountIndex, const domain::UserId&)>;
  /// What lock_uid does, on the I/O thread. Before that thread starts.
  void set_uid_lock(UidLock lock) { uid_lock_ = std::move(lock); }

  // I/O thread.
  [[nodiscard]] bool lock_uid(AccountIndex account, const domain::UserId& user_id) noexcept override;
  void on_engine_event(engine::EngineEvent event, const engine::EventDetails& details,
                       Ns now) noexcept override;
  void on_trouble(const engine::Trouble& trouble, bool ended, Ns now) noexcept override;
  void on_raw_reply(const journal::ReversalKey& key, int http_status, std::string_view body,
                    std::string_view trace_id, Ns now) noexcept override;
  void on_pool(unsigned ready, unsigned wanted, std::string_view why) noexcept;

  // Service thread.
  [[nodiscard]] bool take(EngineMessage& out) noexcept;
  [[nodiscard]] bool take(PoolMessage& out) noexcept;
  [[nodiscard]] bool take(TroubleMessage& out) noexcept;
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Queues;
  std::unique_ptr<Queues> queues_;
  journal::RawReplies& raw_replies_;
  std::int64_t real_offset_ns_;
  UidLock uid_lock_;
  std::atomic<std::uint64_t> dropped_{0};  ///< Written by the I/O thread only; read by any.
};

}  // namespace backhand::service
