// The shots that are armed: a pool, a table by (lane, arm), a list for each lane, and a clock that says which
// must be tended next.
// Holds, decides nothing; engine_shots.cpp does. I/O thread only; all memory is taken at construction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/prefetch.hpp"
#include "common/time.hpp"
#include "common/wire/intent.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/engine/open_reversal.hpp"
#include "gateway/journal/client_oid.hpp"
#include "gateway/order/shot_state.hpp"
#include "gateway/pacing/indexed_heap.hpp"

namespace backhand::engine {

/// One reversal prepared ahead. What firing reads lies together.
struct Shot {
  order::ShotState state = order::ShotState::gone;
  wire::DenyReason end_reason = wire::DenyReason::none;  ///< With spent: what its strategy will be told.
  LaneIndex lane;
  StrategyIndex strategy;
  AccountIndex account;
  PositionIndex position;
  std::uint32_t reversal = kNoSlot;  ///< With firing: the open reversal that has it.
  std::uint32_t next_in_lane = kNoSlot;
  journal::ReversalKey key;  ///< Reserved for it; stands in at most one record.
  wire::ClientOid client_oid;
  VenueMs signed_venue_ms = 0;  ///< The timestamp that its request carries.
  Ns signed_ns = 0;             ///< When it was signed.
  Ns taken_ns = 0;
  std::uint32_t length = 0;  ///< Of its request.
  wire::Intent intent{};     ///< The arm.
  std::array<char, bitget::Dialect::kMaxRequest> request{};

  [[nodiscard]] std::span<const char> bytes() const noexcept { return {request.data(), length}; }
};

class ShotBook {
 public:
  /// A request of usual length.
  static constexpr std::size_t kExpectedRequest = 768;

  ShotBook(std::uint32_t shots, std::uint32_t lanes, std::size_t strategies)
      : shots_(std::make_unique<Shot[]>(shots)),
        size_(shots),
        lane_heads_(lanes, kNoSlot),
        table_(std::bit_ceil(std::size_t{2} * shots + 2), kNoSlot),
        of_strategy_(strategies + 1, 0),
        due_(shots) {
    free_.reserve(shots);
    for (std::uint32_t i = shots; i-- > 0;) free_.push_back(i);
  }

  [[nodiscard]] Shot& operator[](std::uint32_t shot) noexcept { return shots_[shot]; }
  [[nodiscard]] const Shot& operator[](std::uint32_t shot) const noexcept { return shots_[shot]; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t open() const noexcept {
    return size_ - static_cast<std::uint32_t>(free_.size());
  }
  [[nodiscard]] std::uint32_t of_strategy(StrategyIndex strategy) const noexcept {
    return of_strategy_[strategy.value];
  }

  /// A fresh shot of intent `arm_id`, which the lane has no shot of; kNoSlot where all are in use.
  [[nodiscard]] std::uint32_t add(LaneIndex lane, StrategyIndex strategy, std::uint64_t arm_id) noexcept {
    if (free_.empty()) return kNoSlot;
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Shot& shot = shots_[index];
    shot.state = order::ShotState::armed;
    shot.end_reason = wire::DenyReason::none;
    shot.lane = lane;
    shot.strategy = strategy;
    shot.intent.id = arm_id;
    std::size_t at = home(lane, arm_id);
    while (table_[at] != kNoSlot) at = next_place(at);
    table_[at] = index;
    shot.reversal = kNoSlot;
    shot.next_in_lane = lane_heads_[lane.value];
    lane_heads_[lane.value] = index;
    ++of_strategy_[strategy.value];
    return index;
  }
  /// Takes it out of everything and wipes its request.
  void remove(std::uint32_t index) noexcept {
    Shot& shot = shots_[index];
    std::uint32_t* link = &lane_heads_[shot.lane.value];
    while (*link != index) link = &shots_[*link].next_in_lane;
    *link = shot.next_in_lane;
    take_from_table(index);
    due_.remove(index);
    --of_strategy_[shot.strategy.value];
    shot.request.fill('\0');
    shot.length = 0;
    free_.push_back(index);
  }

  /// The shot that intent `arm_id` of this lane armed, or kNoSlot.
  [[nodiscard]] std::uint32_t find(LaneIndex lane, std::uint64_t arm_id) const noexcept {
    std::size_t at = home(lane, arm_id);
    while (table_[at] != kNoSlot) {
      const Shot& shot = shots_[table_[at]];
      if (shot.intent.id == arm_id && shot.lane == lane) break;
      at = next_place(at);
    }
    return table_[at];
  }
  /// What `find` reads first.
  void add_to(NearMemory& near) const { near.add(table_); }
  /// It is about to be fired: brings it into the nearest cache.
  void expect(std::uint32_t index) const noexcept {
    prefetch_bytes_to_write(&shots_[index], offsetof(Shot, request));
    prefetch_bytes(shots_[index].request.data(), kExpectedRequest);
  }
  [[nodiscard]] std::uint32_t first_in_lane(LaneIndex lane) const noexcept { return lane_heads_[lane.value]; }

  void tend_at(std::uint32_t index, Ns when) noexcept { due_.put(index, when); }
  /// Until it is given a time again.
  void tend_no_more(std::uint32_t index) noexcept { due_.remove(index); }
  /// The shot that must be tended first and when; kNever where there is none.
  [[nodiscard]] Ns next_due() const noexcept { return due_.empty() ? kNever : due_.top_key(); }
  [[nodiscard]] std::uint32_t next() const noexcept { return due_.top(); }
  /// Those with a time, which all armed ones have, in no order: `nth` below tended().
  [[nodiscard]] std::uint32_t tended() const noexcept { return due_.size(); }
  [[nodiscard]] std::uint32_t tended(std::uint32_t nth) const noexcept { return due_.number_at(nth); }

 private:
  [[nodiscard]] std::size_t home(LaneIndex lane, std::uint64_t arm_id) const noexcept {
    return static_cast<std::size_t>((arm_id ^ std::uint64_t{lane.value} << 48) * 0x9E37'79B9'7F4A'7C15U >>
                                    20) &
           (table_.size() - 1);
  }
  [[nodiscard]] std::size_t next_place(std::size_t at) const noexcept {
    return (at + 1) & (table_.size() - 1);
  }
  /// Closes the gap, so that a search may end at the first free place.
  void take_from_table(std::uint32_t index) noexcept {
    std::size_t gap = home(shots_[index].lane, shots_[index].intent.id);
    while (table_[gap] != index) gap = next_place(gap);
    for (std::size_t at = next_place(gap); table_[at] != kNoSlot; at = next_place(at)) {
      const Shot& other = shots_[table_[at]];
      const std::size_t wanted = home(other.lane, other.intent.id);
      // It may move up where its home is not between the gap and where it lies.
      if (((at - wanted) & (table_.size() - 1)) < ((at - gap) & (table_.size() - 1))) continue;
      table_[gap] = table_[at];
      gap = at;
    }
    table_[gap] = kNoSlot;
  }

  std::unique_ptr<Shot[]> shots_;
  std::uint32_t size_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> lane_heads_;   ///< By lane: its newest shot.
  std::vector<std::uint32_t> table_;        ///< Open addressing, a power of two, at most half full.
  std::vector<std::uint32_t> of_strategy_;  ///< How many each has armed; the last is of those not configured.
  pacing::IndexedHeap<Ns> due_;
};

}  // namespace backhand::engine
