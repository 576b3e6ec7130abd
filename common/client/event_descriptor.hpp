// A descriptor that is readable when there is something to poll, for a strategy with an event loop of its
// own. The gateway knows nothing of it: it wakes the lane's futex as ever, and a thread of the strategy's
// process that sleeps there writes an eventfd. A gateway that wrote a strategy's descriptor itself would pay
// for whoever waits on it. Polling thread, except where said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <thread>

#include "common/client/attach_call.hpp"
#include "common/error.hpp"
#include "common/shm/fd.hpp"
#include "common/time.hpp"

namespace backhand::client {

class EventDescriptor {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<EventDescriptor>, Error> create();
  ~EventDescriptor();
  EventDescriptor(const EventDescriptor&) = delete;
  EventDescriptor& operator=(const EventDescriptor&) = delete;

  /// An epoll descriptor over all that can end a wait. Stays the same over re-attaches.
  [[nodiscard]] int fd() const noexcept { return epoll_.get(); }

  /// Readable also when `socket` is: the attach socket, whose end is the gateway's death. Forgotten when the
  /// socket is closed.
  void watch(int socket) const noexcept;
  /// No longer readable, until one of the following says so.
  void clear() const noexcept;
  /// Readable from `when` on (CLOCK_MONOTONIC; kNever: not by time).
  void ring_at(Ns when) const noexcept;
  /// Readable as soon as the gateway wakes this lane. The caller looks for outcomes afterwards, and calls
  /// `ring_at` where there are some: they may have come before the gateway could see that it has to wake.
  void arm(const std::shared_ptr<const Mapping>& lane);
  /// The lane is gone.
  void disarm();
  /// Sleeps until it is readable or `span` has passed.
  void sleep(Ns span) const noexcept;

 private:
  EventDescriptor() = default;
  void run();
  void ring() const noexcept;

  shm::Fd epoll_;
  shm::Fd event_;
  shm::Fd timer_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by the mutex.
  std::shared_ptr<const Mapping> lane_;  ///< Whose futex the thread sleeps on; null: none.
  std::uint64_t armed_ = 0;              ///< Counts the calls that set lane_.
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace backhand::client
