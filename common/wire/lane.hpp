// How a lane lies in shared memory: one header page, the intent ring, the outcome ring; and the doorbell, a
// second region that all lanes share. The gateway makes and formats both; a strategy maps them as they are.
// Part of the ABI (kLayoutVersion).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/shm/spsc_ring.hpp"
#include "common/wire/intent.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::wire {

using StrategyName = FixedString<24>;
using LaneName = FixedString<24>;

inline constexpr std::uint64_t kLaneMagic = 0x31'656e'616c'2d68'62;  // "bh-lane1", little endian.
/// Raised with any change of Intent, Outcome, LaneHeader or the rings.
inline constexpr std::uint32_t kLayoutVersion = 2;

inline constexpr std::uint32_t kMinLaneCapacity = 16;
inline constexpr std::uint32_t kMaxLaneCapacity = 1U << 16;

using IntentSlot = shm::RingSlot<Intent>;
using OutcomeSlot = shm::RingSlot<Outcome>;
static_assert(sizeof(IntentSlot) == 128 && sizeof(OutcomeSlot) == 256);

/// Bits of LaneHeader::gateway_wants.
inline constexpr std::uint32_t kWakeOnPush = 1U << 0;  ///< Write the eventfd after a push.
inline constexpr std::uint32_t kWakeOnPoll = 1U << 1;  ///< Write the eventfd after taking outcomes.

/// Each index and flag has lines of its own, so that the two sides meet only where they must.
struct LaneHeader {
  // Written by the gateway before it hands the region over, constant from then on.
  std::uint64_t magic;
  std::uint32_t layout_version;
  std::uint32_t intent_capacity;   ///< Slots; a power of two.
  std::uint32_t outcome_capacity;  ///< Slots; a power of two.
  std::uint32_t lane;              ///< This lane's number: its bit in the doorbell.

  /// How far the gateway has taken intents. Written by the gateway.
  shm::RingHead<> intent_head;
  /// How far the strategy has taken outcomes. Written by the strategy.
  shm::RingHead<> outcome_head;

  /// A futex word: 1 while the strategy sleeps (or is about to), set by it; the gateway clears it and wakes.
  alignas(shm::kLinePair) std::atomic<std::uint32_t> strategy_waits;
  /// kWake… bits while the gateway sleeps (or is about to). Written by the gateway only and for each lane
  /// apart, so that one strategy cannot spoil another's wake-ups.
  alignas(shm::kLinePair) std::atomic<std::uint32_t> gateway_wants;
  /// The highest record number that the strategy has dealt with: an attach with kCursorOwed goes on behind
  /// it. Written by the strategy; read by the gateway when the lane detaches. On lines of its own, as the
  /// gateway looks at all others while it works.
  alignas(shm::kLinePair) std::atomic<std::uint64_t> noted;
};
static_assert(std::is_standard_layout_v<LaneHeader> && sizeof(LaneHeader) == 6 * shm::kLinePair);
static_assert(offsetof(LaneHeader, intent_head) == 128 && offsetof(LaneHeader, gateway_wants) == 512);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

/// Where the parts of a lane lie, in bytes from the region's start.
struct LaneGeometry {
  std::uint32_t intent_capacity = 0;
  std::uint32_t outcome_capacity = 0;

  static constexpr std::size_t kIntents = 4096;  ///< Behind the header's page.
  [[nodiscard]] constexpr std::size_t outcomes() const noexcept {
    return kIntents + sizeof(IntentSlot) * intent_capacity;
  }
  [[nodiscard]] constexpr std::size_t size() const noexcept {
    return outcomes() + sizeof(OutcomeSlot) * outcome_capacity;
  }
  [[nodiscard]] constexpr bool valid() const noexcept {
    const auto one = [](std::uint32_t capacity) {
      return capacity >= kMinLaneCapacity && capacity <= kMaxLaneCapacity &&
             shm::valid_ring_capacity<std::uint64_t>(capacity);
    };
    return one(intent_capacity) && one(outcome_capacity);
  }
};

/// The parts of a lane at `base`, which is aligned to a page and LaneGeometry::size() long.
struct LaneView {
  LaneHeader* header = nullptr;
  IntentSlot* intents = nullptr;
  OutcomeSlot* outcomes = nullptr;

  LaneView() noexcept = default;
  LaneView(std::byte* base, const LaneGeometry& geometry) noexcept
      : header(reinterpret_cast<LaneHeader*>(base)),
        intents(reinterpret_cast<IntentSlot*>(base + LaneGeometry::kIntents)),
        outcomes(reinterpret_cast<OutcomeSlot*>(base + geometry.outcomes())) {}
};

/// Writes header and empty rings. Before the region is handed over.
inline void format_lane(const LaneView& view, const LaneGeometry& geometry, std::uint32_t lane) noexcept {
  LaneHeader& header = *view.header;
  header.magic = kLaneMagic;
  header.layout_version = kLayoutVersion;
  header.intent_capacity = geometry.intent_capacity;
  header.outcome_capacity = geometry.outcome_capacity;
  header.lane = lane;
  header.strategy_waits.store(0, std::memory_order_relaxed);
  header.gateway_wants.store(0, std::memory_order_relaxed);
  header.noted.store(0, std::memory_order_relaxed);
  shm::format_ring(view.intents, geometry.intent_capacity, &header.intent_head);
  shm::format_ring(view.outcomes, geometry.outcome_capacity, &header.outcome_head);
}

/// The doorbell: one bit a lane, set by its strategy after a push, cleared by the gateway. A hint only: any
/// strategy can set or clear any bit, which costs others a little time (the gateway looks at one lane a turn
/// anyway) and never an intent.
using DoorbellWord = std::atomic<std::uint64_t>;
[[nodiscard]] constexpr std::size_t doorbell_words(std::size_t lanes) noexcept { return (lanes + 63) / 64; }
[[nodiscard]] constexpr std::size_t doorbell_bytes(std::size_t lanes) noexcept {
  return doorbell_words(lanes) * sizeof(DoorbellWord);
}

}  // namespace backhand::wire
