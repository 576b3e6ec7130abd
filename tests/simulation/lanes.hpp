// Lanes as ingress::LaneSet promises them, without shared memory: room for an intent's events is reserved
// before it is taken, a lane outlives attachments, and its marks come back from the journal. The rings belong
// to the strategies' side and outlive the gateway's process.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <vector>

#include "gateway/engine/ports.hpp"
#include "gateway/journal/state.hpp"
#include "tests/simulation/context.hpp"
#include "tests/simulation/crash.hpp"

namespace backhand::simulation {

struct LaneRing {
  std::uint32_t attachment = 0;  ///< Counts attachments; 0: never attached.
  bool attached = false;         ///< Socket open on both sides.
  std::uint64_t noted = 0;       ///< Written by the strategy: the highest record that it has dealt with.
  std::deque<wire::Intent> intents;
  std::deque<wire::Outcome> outcomes;
};

struct LaneAttach {
  std::uint64_t taken_mark = 0;
  std::uint64_t last_record = 0;
  std::uint64_t cursor = 0;  ///< What is told begins behind it.
};

class SimLanes final : public engine::LanePort {
 public:
  /// Each ring has `capacity` places.
  SimLanes(Context& context, CrashPoint& crash, std::size_t lanes, std::size_t capacity);
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  // The gateway's process comes and goes.
  void restore(const journal::State& state);
  void forget();
  /// Hands over what attached and detached since the last turn.
  struct Change {
    std::uint16_t lane = 0;
    bool attached = false;
    std::uint64_t cursor = 0;
    std::uint64_t noted = 0;  ///< Of a detached one.
  };
  [[nodiscard]] std::vector<Change> take_changes();
  /// Takes what there is room for, at most `budget`, and gives it to `sink`; returns how many.
  int drain(std::size_t budget, const std::function<void(LaneIndex, const wire::Intent&)>& sink);
  [[nodiscard]] bool anything_waits() const noexcept;

  bool publish(LaneIndex lane, wire::Outcome& outcome) noexcept override;
  bool offer(LaneIndex lane, wire::Outcome& outcome) noexcept override;
  void close_intent(LaneIndex lane) noexcept override;

  // The strategies' side.
  [[nodiscard]] LaneRing& ring(std::uint16_t lane) noexcept { return lanes_[lane].ring; }
  /// As `detach`, by the gateway.
  void cut_off(std::uint16_t lane) { detach(lane); }
  [[nodiscard]] LaneAttach attach(std::uint16_t lane, std::uint64_t cursor);
  void detach(std::uint16_t lane);
  [[nodiscard]] std::uint64_t last_record(std::uint16_t lane) const noexcept {
    return lanes_[lane].last_record;
  }
  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }
  /// Intents taken whose terminal event is still owed: 0 when all is at rest, but for unresolved ones.
  [[nodiscard]] std::uint32_t open(std::uint16_t lane) const noexcept { return lanes_[lane].open; }

 private:
  struct Lane {
    LaneRing ring;
    std::uint32_t open = 0;
    std::uint64_t taken_mark = 0;
    std::uint64_t last_record = 0;
    std::uint64_t noted = 0;  ///< As the gateway knows it: of earlier attachments, or from the journal.
    std::uint64_t event_number = 0;
    std::set<std::uint64_t> queued;  ///< Intents of this process that were told `queued`.
  };
  bool put(Lane& lane, wire::Outcome& outcome) noexcept;

  Context& context_;
  CrashPoint& crash_;
  std::size_t capacity_;
  std::vector<Lane> lanes_;
  std::vector<Change> changes_;
};

}  // namespace backhand::simulation
