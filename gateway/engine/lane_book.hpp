// What the engine knows of each lane: whose it is, how far its intents were taken, and the journaled events
// that a re-attaching strategy may have missed. Journaled events carry dense numbers and are told in their
// order: while a replay is under way new ones queue behind it. I/O thread only. A lane's memory is taken when
// it is opened.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/engine/ports.hpp"

namespace backhand::engine {

class LaneBook {
 public:
  /// `history`: journaled events kept a lane, ≥ 1. Older ones can no longer be replayed; an attach that asks
  /// for some is told so by a notice (`events_lost`).
  LaneBook(std::uint32_t max_lanes, std::uint32_t history);

  /// A lane got its number (first attach, in-process producer, or recovery). Allocates its history.
  void open(LaneIndex lane, StrategyIndex strategy, std::uint64_t taken_mark, std::uint64_t last_record);
  /// Recovery: an event that was journaled before this start, in the order of its numbers.
  void restore(LaneIndex lane, const wire::Outcome& outcome) noexcept;

  void attached(LaneIndex lane, std::uint64_t cursor) noexcept;
  /// Held events that now can only be repeated at the next attach give their room back to `port`.
  void detached(LaneIndex lane, LanePort& port) noexcept;

  /// What an intent's taking uses, of the first lanes.
  void add_to(NearMemory& near) const {
    constexpr std::size_t kFirst = 64;
    near.add(lanes_.data(), std::min(lanes_.size(), kFirst) * sizeof(Lane));
  }

  [[nodiscard]] bool is_open(LaneIndex lane) const noexcept {
    return lane.value < lanes_.size() && lanes_[lane.value].strategy.valid();
  }
  [[nodiscard]] bool is_attached(LaneIndex lane) const noexcept { return lanes_[lane.value].attached; }
  [[nodiscard]] StrategyIndex strategy(LaneIndex lane) const noexcept { return lanes_[lane.value].strategy; }
  [[nodiscard]] std::uint64_t taken_mark(LaneIndex lane) const noexcept {
    return lanes_[lane.value].taken_mark;
  }
  void take(LaneIndex lane, std::uint64_t intent_id) noexcept { lanes_[lane.value].taken_mark = intent_id; }
  [[nodiscard]] std::uint64_t last_record(LaneIndex lane) const noexcept {
    return lanes_[lane.value].last_record;
  }
  [[nodiscard]] std::uint32_t opened() const noexcept { return opened_; }
  /// The strategy has dealt with the events up to `record`; true where that is more than was known.
  [[nodiscard]] bool note(LaneIndex lane, std::uint64_t record) noexcept {
    if (record <= lanes_[lane.value].noted) return false;
    lanes_[lane.value].noted = record;
    return true;
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(lanes_.size()); }

  /// Gives the next dense number to a journaled event, keeps it for replay, and returns the number.
  std::uint64_t number(LaneIndex lane, wire::Outcome& outcome) noexcept;
  /// The event just numbered could not be recorded: its number is free again.
  void take_back(LaneIndex lane, std::uint64_t record) noexcept;
  /// Event `record` is not published now: the replay tells it as soon as there is room and the journal's
  /// record `journal_number` is durable (0: it is).
  void hold(LaneIndex lane, std::uint64_t record, std::uint64_t journal_number) noexcept;
  /// Whether a journaled event just numbered must wait for the replay to reach it instead of being published.
  [[nodiscard]] bool replaying(LaneIndex lane) const noexcept { return lanes_[lane.value].replaying; }

  /// Tells more of the missed or held events, as room and the journal allow: at most `budget` over all lanes.
  /// Returns how many.
  [[nodiscard]] bool replay_pending() const noexcept { return replaying_ > 0; }
  int replay(LanePort& port, std::uint64_t durable_number, int budget) noexcept;

 private:
  struct Lane;
  [[nodiscard]] bool is_kept(const Lane& lane, std::uint64_t record) const noexcept;
  /// Tells that events are lost. False: no room now.
  [[nodiscard]] bool tell_lost(LanePort& port, LaneIndex lane) noexcept;

  struct Kept {
    wire::Outcome outcome{};
    std::uint64_t journal_number = 0;  ///< To be durable before it is told; 0: it is.
  };
  struct Lane {
    StrategyIndex strategy;
    bool attached = false;
    bool replaying = false;
    std::uint64_t taken_mark = 0;
    std::uint64_t last_record = 0;
    std::uint64_t next_replay = 0;    ///< With `replaying`: the record number to be told next.
    std::uint64_t first_lost = 0;     ///< Not 0: from here to next_replay − 1 nothing is kept; not told yet.
    std::uint64_t noted = 0;          ///< As the journal has it.
    std::uint64_t attach_record = 0;  ///< last_record at the attach: what lies above was not missed.
    std::vector<Kept> history;        ///< Ring by record number.
  };

  std::vector<Lane> lanes_;
  std::uint32_t history_;
  std::uint32_t opened_ = 0;
  std::uint32_t replaying_ = 0;  ///< Lanes with a replay under way.
};

}  // namespace backhand::engine
