// Where the process is killed: at the n-th step of one kind from now. The engine's calls do not throw, so a
// kill makes every port dead at once: whatever the engine still does before its call returns reaches nobody,
// and then it is thrown away.
#pragma once

#include <cstdint>

namespace backhand::simulation {

enum class Step : std::uint8_t {
  before_append,
  after_append,
  before_write,
  after_write,
  reply,
  before_publish,
  after_publish,
  disk,
  start,  ///< Any of the storage's operations while the process starts.
};
inline constexpr std::size_t kSteps = 9;

class CrashPoint {
 public:
  void arm(Step step, std::uint32_t countdown) noexcept {
    step_ = step;
    countdown_ = countdown;
    armed_ = countdown > 0;
  }
  void disarm() noexcept { armed_ = false; }
  [[nodiscard]] bool armed() const noexcept { return armed_; }
  [[nodiscard]] Step step() const noexcept { return step_; }

  /// The process reaches a step; true: it has just been killed there, or before.
  [[nodiscard]] bool reach(Step step) noexcept {
    if (dead_) return true;
    if (!armed_ || step != step_ || --countdown_ > 0) return false;
    armed_ = false;
    dead_ = true;
    return true;
  }
  void kill() noexcept { dead_ = true; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  void revive() noexcept { dead_ = false; }

 private:
  Step step_ = Step::before_append;
  std::uint32_t countdown_ = 0;
  bool armed_ = false;
  bool dead_ = false;
};

}  // namespace backhand::simulation
