// A real-time priority for the threads that are measured while they are. Harness only.
#pragma once

#include <sched.h>
#include <sys/types.h>

namespace backhand::bench {

/// While it is on, nothing else that this machine has to do comes between: neither the gateway's other
/// threads, which share the harness's core, nor other programs. For short times only (the kernel keeps a part
/// of each second for others), and for every subject alike. Without the right to do so everything works, with
/// more noise.
class OnTop {
 public:
  /// The calling thread and `subject`; 0: the calling one alone.
  explicit OnTop(pid_t subject) noexcept : subject_(subject) {}
  ~OnTop() { off(); }
  OnTop(const OnTop&) = delete;
  OnTop& operator=(const OnTop&) = delete;

  void on() noexcept {
    if (!is_on_) set(SCHED_FIFO, 1);
    is_on_ = true;
  }
  void off() noexcept {
    if (is_on_) set(SCHED_OTHER, 0);
    is_on_ = false;
  }

 private:
  void set(int policy, int priority) const noexcept {
    const sched_param param{priority};
    (void)::sched_setscheduler(0, policy, &param);
    if (subject_ > 0) (void)::sched_setscheduler(subject_, policy, &param);
  }
  pid_t subject_;
  bool is_on_ = false;
};

}  // namespace backhand::bench
