// What all parts of one seed's world share: chance, clocks, the queue of what happens next, fault counts, and
// what was found wrong. One thread, one seed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/time.hpp"
#include "tests/simulation/bugs.hpp"
#include "tests/simulation/digest.hpp"
#include "tests/simulation/faults.hpp"
#include "tests/simulation/random.hpp"

namespace backhand::simulation {

/// What happens next, in the order of time and then of planning.
class EventQueue {
 public:
  using Action = std::function<void()>;

  void at(Ns when, Action action);
  [[nodiscard]] Ns next() const noexcept { return heap_.empty() ? kNever : heap_.front().when; }
  /// Takes the earliest action out; there must be one.
  [[nodiscard]] Action pop();

 private:
  struct Event {
    Ns when = 0;
    std::uint64_t sequence = 0;
    Action action;
    friend bool operator<(const Event& a, const Event& b) noexcept {
      return std::pair(a.when, a.sequence) > std::pair(b.when, b.sequence);
    }
  };
  std::vector<Event> heap_;
  std::uint64_t sequence_ = 0;
};

/// The clocks of a world. `now` is nobody's clock: it only grows. Others follow from it.
struct Clocks {
  Ns now = 1'000 * kSecond;
  Ns booted = 0;          ///< When the machine came up; CLOCK_MONOTONIC counts from here.
  Ns frozen_at = kNever;  ///< While the machine stands still, and CLOCK_MONOTONIC with it.
  Ns lost = 0;            ///< What CLOCK_MONOTONIC has missed and the process has not been told yet.
  Ns wall_offset = 1'790'000'000 * kSecond;
  Ns venue_offset = 1'790'000'000 * kSecond;
  double venue_drift_ppm = 0;

  [[nodiscard]] Ns mono() const noexcept { return (now < frozen_at ? now : frozen_at) - booted; }
  [[nodiscard]] std::int64_t wall_seconds() const noexcept { return (now + wall_offset) / kSecond; }
  [[nodiscard]] Ns venue() const noexcept {
    return now + venue_offset + static_cast<Ns>(static_cast<double>(now) * venue_drift_ppm * 1e-6);
  }
};

struct Context {
  Context(std::uint64_t seed, Bug planted, bool tell_story) noexcept
      : random(seed), bug(planted), trace(tell_story) {}

  Random random;
  Bug bug;
  bool trace;
  Clocks clocks;
  EventQueue events;
  FaultCounts faults;
  Digest digest;
  /// False from the moment on at which the world lets everything come to its end.
  bool faults_on = true;
  std::vector<std::string> violations;

  [[nodiscard]] Ns now() const noexcept { return clocks.now; }
  void after(Ns delay, EventQueue::Action action) {
    events.at(clocks.now + (delay > 0 ? delay : 0), std::move(action));
  }
  void violate(std::string what) {
    tell("VIOLATION: " + what);
    violations.push_back(std::move(what));
  }
  void fire(std::string_view fault) {
    faults.fire(fault);
    if (trace) tell("fault: " + std::string(fault));
  }
  /// A line of the story; callers on frequent paths ask `trace` first.
  void tell(const std::string& line) const {
    if (!trace) return;
    std::printf("%12.6f  %s\n", static_cast<double>(clocks.now - 1'000 * kSecond) * 1e-9, line.c_str());
    std::fflush(stdout);
  }
};

}  // namespace backhand::simulation
