// The engine driven turn by turn on one thread: real dialect, real journal on tmpfs, the simulated venue's
// logic behind a wire that costs nothing, and a clock that only moves when told. For measuring what a
// reversal costs the engine itself, in ns or in instructions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "common/time.hpp"

namespace backhand::bench {

class EngineWorld {
 public:
  EngineWorld();
  ~EngineWorld();
  EngineWorld(const EngineWorld&) = delete;
  EngineWorld& operator=(const EngineWorld&) = delete;

  [[nodiscard]] std::uint32_t positions() const noexcept;
  /// Makes the next intent ready; false where every position is busy: `settle` first.
  [[nodiscard]] bool prepare();
  /// The engine takes it: checks, journal, request, up to the event `sent`.
  void take_intent() noexcept;
  /// CLOCK_MONOTONIC when the request was handed to the wire; what lies behind is not before the write.
  [[nodiscard]] Ns handed_over() const noexcept;
  /// The venue answers it.
  void answer();
  /// The engine reads the answer, up to the event `acked`. False: it was no ack.
  bool take_reply() noexcept;
  /// A turn in which nothing is due.
  void idle_turn() noexcept;
  /// Answers questions until every reversal has settled; refreshes what is signed ahead.
  void settle();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backhand::bench
