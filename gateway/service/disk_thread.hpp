// The thread that waits for the disk, so that no other has to: one piece of work again and again, and jobs
// that others hand over in between. It may hang for as long as the disk does.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "common/time.hpp"

namespace backhand::service {

class DiskThread {
 public:
  using Work = std::function<void()>;

  /// Runs `turn` every `period_ns`. What `turn` and the jobs use must outlive the thread: see `abandon`.
  DiskThread(Work turn, Ns period_ns);
  /// Ends the thread after the job under way; waits for it unless it was abandoned.
  ~DiskThread();
  DiskThread(const DiskThread&) = delete;
  DiskThread& operator=(const DiskThread&) = delete;

  /// Runs `job` as soon as the disk has answered what is under way; jobs keep their order. Any thread.
  void post(Work job);
  /// Runs `last` behind all jobs and then ends. Any thread, once.
  void finish(Work last);
  /// Whether `last` has run. Any thread.
  [[nodiscard]] bool finished() const noexcept;
  /// Nobody waits for the thread any more. The process must end by `_exit`: the thread may still use what it
  /// was given.
  void abandon() noexcept;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace backhand::service
