#include "common/client/event_descriptor.hpp"

#include <algorithm>
#include <atomic>
#include <climits>
#include <csignal>
#include <system_error>
#include <utility>

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace backhand::client {

namespace {

using Word = std::atomic<std::uint32_t>;

// Not FUTEX_PRIVATE: the other waker is the gateway's process.
void wait_while_set(Word& word) noexcept {
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT, 1, nullptr, nullptr, 0);
}
void release(Word& word) noexcept {
  word.store(0, std::memory_order_relaxed);
  ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

[[nodiscard]] bool add(int epoll, int fd) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

std::expected<std::unique_ptr<EventDescriptor>, Error> EventDescriptor::create() {
  std::unique_ptr<EventDescriptor> made(new EventDescriptor());
  made->epoll_ = shm::Fd(::epoll_create1(EPOLL_CLOEXEC));
  made->event_ = shm::Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  made->timer_ = shm::Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!made->epoll_.valid() || !made->event_.valid() || !made->timer_.valid() ||
      !add(made->epoll_.get(), made->event_.get()) || !add(made->epoll_.get(), made->timer_.get()))
    return std::unexpected(os_error("cannot make a descriptor to wait on"));
  // The strategy's signal handlers run on the strategy's threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::expected<std::unique_ptr<EventDescriptor>, Error> result;
  try {
    made->thread_ = std::thread([self = made.get()] { self->run(); });
    ::pthread_setname_np(made->thread_.native_handle(), "backhand-event");
    result = std::move(made);
  } catch (const std::system_error& error) {
    result = std::unexpected(
        Error{"cannot start the thread behind the descriptor to wait on: " + std::string(error.what())});
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

EventDescriptor::~EventDescriptor() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    if (lane_ != nullptr) release(lane_->view.header->strategy_waits);
  }
  changed_.notify_one();
  thread_.join();
}

void EventDescriptor::watch(int socket) const noexcept { (void)add(epoll_.get(), socket); }

void EventDescriptor::clear() const noexcept {
  std::uint64_t count = 0;
  (void)!::read(event_.get(), &count, sizeof count);
}

void EventDescriptor::ring() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}

void EventDescriptor::ring_at(Ns when) const noexcept {
  itimerspec spec{};
  // Zero would disarm it. A time that has passed rings at once.
  const Ns at = when == kNever ? 0 : std::max<Ns>(when, 1);
  spec.it_value = {.tv_sec = static_cast<time_t>(at / kSecond), .tv_nsec = static_cast<long>(at % kSecond)};
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void EventDescriptor::arm(const std::shared_ptr<const Mapping>& lane) {
  lane->view.header->strategy_waits.store(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    lane_ = lane;
    ++armed_;
  }
  changed_.notify_one();
  // Pairs with the fence in LaneSet::put: either the caller sees the outcome, or the gateway sees the flag.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void EventDescriptor::disarm() {
  const std::lock_guard lock(mutex_);
  if (lane_ == nullptr) return;
  release(lane_->view.header->strategy_waits);
  lane_.reset();
}

void EventDescriptor::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || lane_ != nullptr; });
    if (stop_) return;
    const std::shared_ptr<const Mapping> lane = lane_;
    const std::uint64_t armed = armed_;
    lock.unlock();
    Word& word = lane->view.header->strategy_waits;
    while (word.load(std::memory_order_relaxed) == 1) wait_while_set(word);
    ring();
    lock.lock();
    // Armed again meanwhile: the word is watched from its new value on.
    if (armed_ == armed) lane_.reset();
  }
}

void EventDescriptor::sleep(Ns span) const noexcept {
  pollfd what{.fd = epoll_.get(), .events = POLLIN, .revents = 0};
  ::poll(&what, 1, static_cast<int>(std::min(span, 3600 * kSecond) / kMillisecond + 1));
}

}  // namespace backhand::client
