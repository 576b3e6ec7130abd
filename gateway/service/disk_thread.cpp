#include "gateway/service/disk_thread.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "common/cpu.hpp"

namespace backhand::service {

struct DiskThread::State {
  State(Work work, Ns every) : turn(std::move(work)), period{every} {}

  const Work turn;
  const std::chrono::nanoseconds period;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Work> jobs;
  bool ending = false;
  std::atomic<bool> finished{false};  ///< Release by the thread behind its last job; acquire in `finished`.
};

DiskThread::DiskThread(Work turn, Ns period_ns)
    : state_(std::make_shared<State>(std::move(turn), period_ns)),
      thread_([state = state_] { run(state); }) {}

DiskThread::~DiskThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock{state_->mutex};
    state_->ending = true;
  }
  state_->changed.notify_one();
  thread_.join();
}

void DiskThread::post(Work job) {
  {
    const std::lock_guard lock{state_->mutex};
    state_->jobs.push_back(std::move(job));
  }
  state_->changed.notify_one();
}

void DiskThread::finish(Work last) {
  {
    const std::lock_guard lock{state_->mutex};
    state_->jobs.push_back(std::move(last));
    state_->ending = true;
  }
  state_->changed.notify_one();
}

bool DiskThread::finished() const noexcept { return state_->finished.load(std::memory_order_acquire); }

void DiskThread::abandon() noexcept {
  if (thread_.joinable()) thread_.detach();
}

void DiskThread::run(const std::shared_ptr<State>& state) {
  name_this_thread("backhand-disk");
  std::unique_lock lock{state->mutex};
  for (;;) {
    while (!state->jobs.empty()) {
      const Work job = std::move(state->jobs.front());
      state->jobs.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
    if (state->ending) break;
    lock.unlock();
    state->turn();
    lock.lock();
    state->changed.wait_for(lock, state->period, [&] { return state->ending || !state->jobs.empty(); });
  }
  state->finished.store(true, std::memory_order_release);
}

}  // namespace backhand::service
