// Both ends on one mapping, in one thread, with 8-bit positions so that wrap-around is reached at once.
#include "common/shm/spsc_ring.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace backhand::shm {
namespace {

struct Item {
  std::uint64_t first;
  std::uint64_t second;
};

template <typename Index>
struct Ring {
  explicit Ring(std::uint64_t capacity) : slots(new RingSlot<Item, Index>[capacity]()) {
    format_ring(slots.get(), capacity, &head);
    producer = {slots.get(), capacity, &head};
    consumer = {slots.get(), capacity, &head};
  }
  std::unique_ptr<RingSlot<Item, Index>[]> slots;
  RingHead<Index> head{};
  RingProducer<Item, Index> producer;
  RingConsumer<Item, Index> consumer;
};

class SpscRing : public testing::TestWithParam<std::uint64_t> {};

TEST_P(SpscRing, KeepsOrderOverManyWrapsOfItsIndex) {
  Ring<std::uint8_t> ring(GetParam());
  std::mt19937_64 random(GetParam());
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  for (int round = 0; round < 5'000; ++round) {
    for (auto n = random() % (GetParam() + 2); n > 0; --n) {
      const PushStatus status = ring.producer.try_push({pushed, ~pushed});
      ASSERT_EQ(status, pushed - popped == GetParam() ? PushStatus::full : PushStatus::ok) << pushed;
      if (status == PushStatus::ok) ++pushed;
    }
    for (auto n = random() % (GetParam() + 2); n > 0; --n) {
      ASSERT_EQ(ring.consumer.ready(), pushed != popped);
      Item item{};
      const PopStatus status = ring.consumer.try_pop(item);
      ASSERT_EQ(status, pushed == popped ? PopStatus::empty : PopStatus::ok) << popped;
      if (status != PopStatus::ok) continue;
      ASSERT_EQ(item.first, popped);
      ASSERT_EQ(item.second, ~popped);
      ++popped;
    }
  }
  EXPECT_GT(pushed, 2'000U);
}

INSTANTIATE_TEST_SUITE_P(Capacities, SpscRing, testing::Values(1, 2, 4, 16, 64, 128));

TEST(SpscRingCapacity, IsAPowerOfTwoOfAtMostHalfTheIndexRange) {
  EXPECT_TRUE(valid_ring_capacity<std::uint8_t>(128));
  EXPECT_FALSE(valid_ring_capacity<std::uint8_t>(256)) << "full and empty would look the same";
  EXPECT_FALSE(valid_ring_capacity<std::uint8_t>(0));
  EXPECT_FALSE(valid_ring_capacity<std::uint64_t>(24));
}

TEST(SpscRing, TellsRoomWithoutPushing) {
  Ring<std::uint64_t> ring(8);
  EXPECT_EQ(ring.producer.room(8), RoomStatus::enough);
  EXPECT_EQ(ring.producer.room(9), RoomStatus::short_of);
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(ring.producer.try_push({i, i}), PushStatus::ok);
  EXPECT_EQ(ring.producer.room(1), RoomStatus::short_of);
  EXPECT_EQ(ring.producer.used(), 8U);
  Item item{};
  ASSERT_EQ(ring.consumer.try_pop(item), PopStatus::ok);
  EXPECT_EQ(ring.producer.room(1), RoomStatus::enough);
}

TEST(SpscRing, AnImpossibleHeadBreaksTheProducerForGood) {
  for (const std::uint64_t bad : {std::uint64_t{9}, UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{3}}) {
    Ring<std::uint64_t> ring(8);
    Item item{};
    for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(ring.producer.try_push({i, i}), PushStatus::ok);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(ring.consumer.try_pop(item), PopStatus::ok);
    ASSERT_EQ(ring.producer.room(4), RoomStatus::enough);
    ring.head.position.store(bad);  // Beyond the tail of 8, or behind the 4 that were seen.
    EXPECT_EQ(ring.producer.room(8), RoomStatus::broken) << bad;
    ring.head.position.store(8);
    EXPECT_EQ(ring.producer.try_push({1, 1}), PushStatus::broken) << "an honest head later mends nothing";
  }
}

TEST(SpscRing, AnImpossibleSequenceBreaksTheConsumerForGood) {
  for (const std::uint64_t bad : {std::uint64_t{2}, UINT64_MAX, std::uint64_t{9}, std::uint64_t{0}}) {
    Ring<std::uint64_t> ring(8);
    ring.slots[0].sequence.store(bad);
    Item item{7, 7};
    EXPECT_TRUE(ring.consumer.ready());
    EXPECT_EQ(ring.consumer.try_pop(item), PopStatus::broken) << bad;
    EXPECT_EQ(item.first, 7U) << "nothing is handed out";
    ring.slots[0].sequence.store(1);
    EXPECT_EQ(ring.consumer.try_pop(item), PopStatus::broken);
  }
}

TEST(SpscRing, TheConsumersOwnPositionIsNotReadBackFromSharedMemory) {
  Ring<std::uint64_t> ring(4);
  Item item{};
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_EQ(ring.producer.try_push({i, i}), PushStatus::ok);
  for (std::uint64_t i = 0; i < 3; ++i) {
    ring.head.position.store(0x5555'5555'5555'5555);
    ASSERT_EQ(ring.consumer.try_pop(item), PopStatus::ok);
    ASSERT_EQ(item.first, i);
  }
}

/// Whatever is written over the whole ring, both ends answer, and touch nothing outside (ASan sees to that).
TEST(SpscRing, SurvivesRandomScribbling) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    std::mt19937_64 random(seed);
    Ring<std::uint64_t> ring(16);
    auto* const memory = reinterpret_cast<unsigned char*>(ring.slots.get());
    const std::size_t size = sizeof(RingSlot<Item>) * 16;
    std::uint64_t accepted = 0;
    for (int step = 0; step < 2'000; ++step) {
      switch (random() % 4) {
        case 0:
          memory[random() % size] = static_cast<unsigned char>(random());
          break;
        case 1:
          ring.head.position.store(random() % 4 == 0 ? random() : random() % 64);
          break;
        case 2:
          accepted += ring.producer.try_push({random(), 0}) == PushStatus::ok ? 1U : 0U;
          break;
        case 3: {
          Item item{};
          (void)ring.consumer.try_pop(item);
          break;
        }
      }
    }
    ASSERT_LE(accepted, 2'000U) << "seed " << seed;
  }
}

/// A model of one push and one pop in steps of single memory operations, run through every interleaving. It
/// shows that a payload is never seen before it is whole and never overwritten before it was copied; with
/// `publish_first` (the planted bug) it must fail.
bool some_interleaving_tears(bool publish_first) {
  // Producer of two values into a ring of one slot, each value two words; consumer of two values.
  struct State {
    std::array<int, 2> words{0, 0};
    int sequence = 0;  // 0: free for position 0; p + 1: position p published.
    int head = 0;
    int producer = 0;  // Program counter.
    int consumer = 0;
    std::array<int, 2> copy{0, 0};
  };
  bool torn = false;
  const auto step_producer = [&](State s) -> std::vector<State> {
    if (s.producer >= 8) return {};
    const int position = s.producer / 4;
    const int value = position + 1;
    const int order[2][4] = {{0, 1, 2, 3}, {0, 3, 1, 2}};
    switch (order[publish_first ? 1 : 0][s.producer % 4]) {
      case 0:
        if (position - s.head >= 1) return {s};  // Full: try again later.
        break;
      case 1:
        s.words[0] = value;
        break;
      case 2:
        s.words[1] = value;
        break;
      case 3:
        s.sequence = position + 1;
        break;
    }
    ++s.producer;
    return {s};
  };
  const auto step_consumer = [&](State s) -> std::vector<State> {
    if (s.consumer >= 8) return {};
    const int position = s.consumer / 4;
    switch (s.consumer % 4) {
      case 0:
        if (s.sequence != position + 1) return {s};  // Empty: try again later.
        break;
      case 1:
        s.copy[0] = s.words[0];
        break;
      case 2:
        s.copy[1] = s.words[1];
        break;
      case 3:
        if (s.copy[0] != position + 1 || s.copy[1] != position + 1) torn = true;
        s.head = position + 1;
        break;
    }
    ++s.consumer;
    return {s};
  };
  std::vector<State> open{State{}};
  std::vector<std::array<int, 9>> seen;
  const auto key = [](const State& s) {
    return std::array<int, 9>{s.words[0], s.words[1], s.sequence, s.head, s.producer,
                              s.consumer, s.copy[0],  s.copy[1],  0};
  };
  while (!open.empty()) {
    const State state = open.back();
    open.pop_back();
    if (std::find(seen.begin(), seen.end(), key(state)) != seen.end()) continue;
    seen.push_back(key(state));
    for (const State& next : step_producer(state)) open.push_back(next);
    for (const State& next : step_consumer(state)) open.push_back(next);
  }
  return torn;
}

TEST(SpscRingModel, NoInterleavingTearsAValue) { EXPECT_FALSE(some_interleaving_tears(false)); }
TEST(SpscRingModel, PublishingBeforeWritingIsCaught) { EXPECT_TRUE(some_interleaving_tears(true)); }

}  // namespace
}  // namespace backhand::shm
