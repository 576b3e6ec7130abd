// The strategy's halves of the wake-up protocol of a lane, shared by every kind of session: ringing for the
// gateway after a push, and taking or awaiting outcomes. The header's flags are read and written in the order
// that makes lost wake-ups impossible; see the pairs named below and in gateway/ingress/lanes.cpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/clock.hpp"
#include "common/prefetch.hpp"
#include "common/shm/spsc_ring.hpp"
#include "common/wire/lane.hpp"

namespace backhand::client {

/// Wakes the gateway where it sleeps.
class GatewayBell {
 public:
  GatewayBell() noexcept = default;
  /// `word` and `bit` are the lane's place in the doorbell (null: it has none there); `event_fd` is not
  /// owned.
  GatewayBell(const std::atomic<std::uint32_t>* wants, wire::DoorbellWord* word, std::uint64_t bit,
              int event_fd) noexcept
      : wants_(wants), word_(word), bit_(bit), event_fd_(event_fd) {}

  /// Fetches the doorbell's line for writing while the intent is still being copied.
  void prefetch() const noexcept {
    if (word_ != nullptr) prefetch_line_to_write(static_cast<const void*>(word_));
  }
  /// After a push.
  void pushed() const noexcept {
    if (word_ != nullptr) word_->fetch_or(bit_, std::memory_order_relaxed);
    wake_if(wire::kWakeOnPush);
  }
  /// After outcomes were taken: the gateway may have waited for their room.
  void polled() const noexcept { wake_if(wire::kWakeOnPoll); }

 private:
  void wake_if(std::uint32_t flag) const noexcept {
    // Pairs with the fence in LaneSet::prepare_sleep: either we see the flag, or the gateway sees our push.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if ((wants_->load(std::memory_order_relaxed) & flag) == 0) [[likely]]
      return;
    const std::uint64_t one = 1;
    // It fails only where the counter is full, and then it has been rung often enough.
    [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
  }

  const std::atomic<std::uint32_t>* wants_ = nullptr;
  wire::DoorbellWord* word_ = nullptr;
  std::uint64_t bit_ = 0;
  int event_fd_ = -1;
};

/// The taking end of a lane's outcomes. Polling thread.
class OutcomeEnd {
 public:
  OutcomeEnd() noexcept = default;
  OutcomeEnd(const wire::LaneView& view, std::uint64_t capacity, int event_fd) noexcept
      : ring_(view.outcomes, capacity, &view.header->outcome_head),
        waits_(&view.header->strategy_waits),
        bell_(&view.header->gateway_wants, nullptr, 0, event_fd),
        usable_(true) {}

  /// False where nothing is there.
  [[nodiscard]] bool pop(wire::Outcome& out) noexcept {
    if (!usable_) [[unlikely]]
      return false;
    switch (ring_.try_pop(out)) {
      case shm::PopStatus::ok:
        return true;
      case shm::PopStatus::empty:
        return false;
      case shm::PopStatus::broken:
        usable_ = false;
        return false;
    }
    return false;
  }
  /// After a batch of pops.
  void tell_taken() const noexcept { bell_.polled(); }
  [[nodiscard]] bool ready() const noexcept { return usable_ && ring_.ready(); }
  /// The lane's memory holds nonsense (or there is none); nothing more will come.
  [[nodiscard]] bool broken() const noexcept { return !usable_; }

  /// Sleeps until an outcome is there or `timeout_ns` has passed (or earlier); true where one is there.
  [[nodiscard]] bool sleep(Ns timeout_ns) const noexcept {
    waits_->store(1, std::memory_order_relaxed);
    // Pairs with the fence in LaneSet::publish: either we see the outcome, or the gateway sees that we wait.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!ready() && timeout_ns > 0) {
      const timespec span{.tv_sec = static_cast<time_t>(timeout_ns / kSecond),
                          .tv_nsec = static_cast<long>(timeout_ns % kSecond)};
      // Not FUTEX_PRIVATE: the waker is another process. Returns at once where the word is no longer 1.
      ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(waits_), FUTEX_WAIT, 1, &span, nullptr, 0);
    }
    waits_->store(0, std::memory_order_relaxed);
    return ready();
  }

 private:
  shm::RingConsumer<wire::Outcome> ring_;
  std::atomic<std::uint32_t>* waits_ = nullptr;
  GatewayBell bell_;
  bool usable_ = false;  ///< There is a lane, and it has not been found broken.
};

}  // namespace backhand::client
