// A single-producer single-consumer ring over memory that the other side may scribble on.
// Each slot carries its own sequence number, so that picking up touches the slot's lines only. Both ends keep
// their own index in private memory; what the other side wrote is checked, and nonsense is an answer
// (`broken`), never a wild access: slots are only ever addressed by a private index under a private mask.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "common/assert.hpp"
#include "common/prefetch.hpp"

namespace backhand::shm {

/// Two cache lines: the CPU fetches lines in pairs, so this keeps two writers out of each other's way.
inline constexpr std::size_t kLinePair = 128;

/// One slot. `sequence` says what lies in it: position p is published when it equals p + 1, and the slot is
/// free for position p when it equals p + 1 - capacity (all modulo 2^bits of Index). The payload is moved
/// word by word with relaxed atomics: each word is read exactly once, and a hostile writer on the other side
/// is no data race.
template <typename T, typename Index = std::uint64_t>
struct alignas(64) RingSlot {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
  static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, kWords>;

  std::array<std::atomic<std::uint64_t>, kWords> words;
  std::atomic<Index> sequence;

  static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<Index>::is_always_lock_free);
};

/// The consumer's position, told to the producer: on lines of its own, written by the consumer only.
template <typename Index = std::uint64_t>
struct alignas(kLinePair) RingHead {
  std::atomic<Index> position;
};

enum class PushStatus : std::uint8_t {
  ok,
  full,    ///< Nothing was written; the consumer has to take something first.
  broken,  ///< The consumer's head is impossible. Sticky: the ring is of no more use.
};
enum class PopStatus : std::uint8_t {
  ok,
  empty,
  broken,  ///< The next slot's sequence is neither free nor published. Sticky.
};
enum class RoomStatus : std::uint8_t { enough, short_of, broken };

/// Whether `capacity` slots can be told apart by Index: a power of two, at most half of its range.
template <typename Index>
[[nodiscard]] constexpr bool valid_ring_capacity(std::uint64_t capacity) noexcept {
  return std::has_single_bit(capacity) &&
         capacity <= (std::uint64_t{std::numeric_limits<Index>::max()} >> 1) + 1;
}

/// Makes all slots free for the first lap. Before the ring is shared; the hand-over publishes it.
template <typename T, typename Index>
void format_ring(RingSlot<T, Index>* slots, std::uint64_t capacity, RingHead<Index>* head) noexcept {
  BH_ASSERT(valid_ring_capacity<Index>(capacity));
  for (std::uint64_t i = 0; i < capacity; ++i)
    slots[i].sequence.store(static_cast<Index>(i + 1 - capacity), std::memory_order_relaxed);
  head->position.store(0, std::memory_order_relaxed);
}

/// The pushing end: one thread. The memory must outlive it.
template <typename T, typename Index = std::uint64_t>
class RingProducer {
 public:
  using Slot = RingSlot<T, Index>;

  RingProducer() noexcept = default;
  /// For a freshly formatted ring: the first position is 0.
  RingProducer(Slot* slots, std::uint64_t capacity, const RingHead<Index>* head) noexcept
      : slots_(slots),
        head_(head),
        capacity_(static_cast<Index>(capacity)),
        mask_(static_cast<Index>(capacity - 1)) {
    BH_ASSERT(valid_ring_capacity<Index>(capacity));
  }

  [[nodiscard]] PushStatus try_push(const T& value) noexcept {
    switch (room(1)) {
      case RoomStatus::enough:
        break;
      case RoomStatus::short_of:
        return PushStatus::full;
      case RoomStatus::broken:
        return PushStatus::broken;
    }
    Slot& slot = slots_[tail_ & mask_];
    const auto words = std::bit_cast<typename Slot::Words>(value);
    for (std::size_t i = 0; i < Slot::kWords; ++i) slot.words[i].store(words[i], std::memory_order_relaxed);
    ++tail_;
    // Pairs with the acquire in RingConsumer::try_pop: who sees the number sees the payload.
    slot.sequence.store(tail_, std::memory_order_release);
    return PushStatus::ok;
  }

  /// Whether `wanted` more values fit. Looks at the consumer's line only when the cached head says no.
  [[nodiscard]] RoomStatus room(std::uint64_t wanted) noexcept {
    if (broken_) [[unlikely]]
      return RoomStatus::broken;
    if (free_by_cache() >= wanted) [[likely]]
      return RoomStatus::enough;
    // Pairs with the release in RingConsumer::try_pop: the slots before this head have been copied out.
    const Index head = head_->position.load(std::memory_order_acquire);
    // An honest head lies between the last one seen and our tail.
    if (static_cast<Index>(head - cached_head_) > static_cast<Index>(tail_ - cached_head_)) [[unlikely]] {
      broken_ = true;
      return RoomStatus::broken;
    }
    cached_head_ = head;
    return free_by_cache() >= wanted ? RoomStatus::enough : RoomStatus::short_of;
  }

  /// Values pushed and, as far as was last seen, not yet taken.
  [[nodiscard]] std::uint64_t used() const noexcept { return static_cast<Index>(tail_ - cached_head_); }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  /// Brings the next slot's lines here for writing, while something else is still to be done.
  void prefetch() const noexcept { prefetch_to_write(slots_[tail_ & mask_]); }

 private:
  [[nodiscard]] std::uint64_t free_by_cache() const noexcept {
    return std::uint64_t{capacity_} - static_cast<Index>(tail_ - cached_head_);
  }

  Slot* slots_ = nullptr;
  const RingHead<Index>* head_ = nullptr;
  Index capacity_ = 0;
  Index mask_ = 0;
  Index tail_ = 0;         ///< Position of the next push. Private: nobody else needs it.
  Index cached_head_ = 0;  ///< The last head seen; never behind an honest consumer's earlier one.
  bool broken_ = false;
};

/// The taking end: one thread. The memory must outlive it.
template <typename T, typename Index = std::uint64_t>
class RingConsumer {
 public:
  using Slot = RingSlot<T, Index>;

  RingConsumer() noexcept = default;
  /// For a freshly formatted ring: the first position is 0.
  RingConsumer(Slot* slots, std::uint64_t capacity, RingHead<Index>* head) noexcept
      : slots_(slots),
        shared_head_(head),
        capacity_(static_cast<Index>(capacity)),
        mask_(static_cast<Index>(capacity - 1)) {
    BH_ASSERT(valid_ring_capacity<Index>(capacity));
  }

  /// Copies the oldest value to `out` and frees its slot. `out` is untouched unless the answer is `ok`.
  [[nodiscard]] PopStatus try_pop(T& out) noexcept {
    if (broken_) [[unlikely]]
      return PopStatus::broken;
    Slot& slot = slots_[head_ & mask_];
    // Pairs with the release in RingProducer::try_push.
    const Index sequence = slot.sequence.load(std::memory_order_acquire);
    const auto published = static_cast<Index>(head_ + 1);
    if (sequence != published) {
      if (sequence == static_cast<Index>(published - capacity_)) [[likely]]
        return PopStatus::empty;
      broken_ = true;
      return PopStatus::broken;
    }
    typename Slot::Words words;
    for (std::size_t i = 0; i < Slot::kWords; ++i) words[i] = slot.words[i].load(std::memory_order_relaxed);
    out = std::bit_cast<T>(words);
    ++head_;
    // Pairs with the acquire in RingProducer::room: the payload is read before the slot can be reused.
    shared_head_->position.store(head_, std::memory_order_release);
    return PopStatus::ok;
  }

  /// Whether `try_pop` would answer something else than `empty`.
  [[nodiscard]] bool ready() const noexcept {
    return slots_[head_ & mask_].sequence.load(std::memory_order_acquire) !=
           static_cast<Index>(head_ + 1 - capacity_);
  }

  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }

 private:
  Slot* slots_ = nullptr;
  RingHead<Index>* shared_head_ = nullptr;
  Index capacity_ = 0;
  Index mask_ = 0;
  Index head_ = 0;  ///< Position of the next pop. The shared copy is written, never read back.
  bool broken_ = false;
};

}  // namespace backhand::shm
