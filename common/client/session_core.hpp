// The inside of a Session. What each member belongs to is said beside it: the pushing thread, the polling
// thread, or the hand-over between them.
//
// The hand-over after a re-attach: the polling thread makes a PushEnd and leaves it in `offered_`; the
// pushing thread takes it from there at its next push and leaves the one it had in `spent_`; the polling
// thread frees what lies in `spent_`. A PushEnd is in one place at a time, so nothing is unmapped while a
// push runs, and a push costs one load more than it would without.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/client/attach_call.hpp"
#include "common/client/event_descriptor.hpp"
#include "common/client/lane_end.hpp"
#include "common/client/left_ring.hpp"
#include "common/client/session.hpp"
#include "common/shm/spsc_ring.hpp"

namespace backhand::client {

/// The pushing end of one attachment.
struct PushEnd {
  PushEnd(std::shared_ptr<const Mapping> lane, const Attachment& attachment);

  std::shared_ptr<const Mapping> mapping;
  shm::RingProducer<wire::Intent> ring;
  GatewayBell bell;
  std::uint64_t generation;
  std::uint64_t taken_mark;
  PushEnd* next_spent = nullptr;
};

class Session::Core {
 public:
  Core(const std::string& path, std::string_view strategy, std::string_view lane, SessionOptions options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Pushing thread.
  PushResult push(const wire::Intent& intent) noexcept;
  [[nodiscard]] std::uint64_t next_id() const noexcept;

  // Polling thread.
  [[nodiscard]] bool next(wire::Outcome& out) noexcept {
    if (!own_.empty()) [[unlikely]]
      return next_own(out);
    return outcomes_.pop(out);
  }
  void seen(const wire::Outcome& outcome) noexcept {
    if (outcome.record_number > cursor_) cursor_ = outcome.record_number;
    if (outcome.kind != wire::EventKind::notice && outcome.intent_id > heard_of_)
      heard_of_ = outcome.intent_id;
  }
  /// The strategy has dealt with all that it was told so far: it asks for more.
  void note() noexcept {
    if (mapping_ == nullptr || noted_ == cursor_) return;
    noted_ = cursor_;
    mapping_->view.header->noted.store(cursor_, std::memory_order_relaxed);
  }
  void finish_poll(std::size_t count) {
    if (count == 0) {
      look_after();
    } else if (mapping_ != nullptr) {
      outcomes_.tell_taken();
    }
    if (events_ != nullptr) [[unlikely]]
      set_event();
  }
  [[nodiscard]] std::expected<int, Error> event_fd();
  [[nodiscard]] std::expected<void, Error> attach_now();
  [[nodiscard]] std::expected<void, Error> reattach();
  WaitResult wait(Ns timeout_ns);
  [[nodiscard]] const Attachment& attachment() const noexcept { return attachment_; }
  [[nodiscard]] std::uint64_t cursor() const noexcept { return cursor_; }
  [[nodiscard]] const std::string& last_error() const noexcept { return last_error_; }

  // Any thread.
  [[nodiscard]] std::uint64_t taken_mark() const noexcept {
    return taken_mark_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t generation() const noexcept { return live_.load(std::memory_order_acquire); }

 private:
  // Pushing thread.
  [[nodiscard]] bool take_offered() noexcept;

  // Polling thread.
  [[nodiscard]] bool ready() const noexcept { return !own_.empty() || outcomes_.ready(); }
  bool next_own(wire::Outcome& out) noexcept;
  void say_never_taken(const wire::Intent& intent);
  void set_event();
  void look_after();
  void notice_death() noexcept;
  void detach();
  void advance_attach(Ns now);
  void attach_failed(Error error, Ns now);
  void adopt(AttachedLane&& lane);
  void sleep_detached(Ns until, Ns now) const noexcept;
  void free_spent();
  [[nodiscard]] bool socket_ended() const noexcept;
  [[nodiscard]] wire::AttachRequest request() const noexcept;

  const std::string path_;
  const wire::StrategyName strategy_;
  const wire::LaneName lane_;
  const SessionOptions options_;

  // Hand-over.
  alignas(shm::kLinePair) std::atomic<std::uint64_t> live_{0};  ///< Generation served; 0: no gateway.
  std::atomic<std::uint64_t> taken_mark_{0};
  std::atomic<PushEnd*> offered_{nullptr};
  std::atomic<PushEnd*> spent_{nullptr};
  std::atomic<bool> push_found_broken_{false};

  // Pushing thread.
  alignas(shm::kLinePair) std::unique_ptr<PushEnd> push_end_;
  std::uint64_t last_id_ = 0;

  // Polling thread.
  alignas(shm::kLinePair) OutcomeEnd outcomes_;
  std::shared_ptr<const Mapping> mapping_;  ///< Null while detached.
  shm::Fd socket_;
  shm::Fd gateway_;     ///< See AttachedLane::gateway; outlives the attachment.
  bool dying_ = false;  ///< The gateway is gone; what it left in the ring is still told.
  Ns last_look_ns_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t cursor_ = 0;
  std::uint64_t noted_ = 0;     ///< What the lane's header says, see `note`.
  std::uint64_t heard_of_ = 0;  ///< The highest intent id that there was an event of.
  /// Rings of earlier attachments that the pushing thread may still be in.
  std::vector<LeftRing> left_;
  std::vector<wire::Outcome> own_;  ///< Events that the library says itself, from own_next_ on.
  std::size_t own_next_ = 0;
  std::unique_ptr<EventDescriptor> events_;  ///< Null unless it was asked for.
  Attachment attachment_;
  std::optional<AttachCall> call_;
  Ns call_deadline_ns_ = 0;
  Ns next_try_ns_ = 0;
  Ns backoff_ns_ = 0;
  std::string last_error_;
};

}  // namespace backhand::client
