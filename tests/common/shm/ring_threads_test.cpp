// Both ends on one mapping from two threads: ThreadSanitizer sees nothing across processes.
#include <memory>
#include <thread>

#include <gtest/gtest.h>

#include "common/cpu.hpp"
#include "common/shm/region.hpp"
#include "common/wire/lane.hpp"

namespace backhand::shm {
namespace {

TEST(SpscRingThreads, HandsEveryIntentOverWholeAndInOrder) {
  constexpr std::uint64_t kIntents = 200'000;
  const wire::LaneGeometry geometry{.intent_capacity = 64, .outcome_capacity = 64};
  const auto region = Region::create("test", geometry.size());
  ASSERT_TRUE(region.has_value());
  const wire::LaneView view(region->bytes(), geometry);
  wire::format_lane(view, geometry, 0);
  std::thread strategy([&view] {
    RingProducer<wire::Intent> producer(view.intents, 64, &view.header->intent_head);
    wire::Intent intent{};
    for (std::uint64_t id = 1; id <= kIntents; ++id) {
      intent.id = id;
      intent.size_digits = ~id;
      intent.reserved = static_cast<std::uint8_t>(id);
      while (producer.try_push(intent) != PushStatus::ok) std::this_thread::yield();
    }
  });
  RingConsumer<wire::Intent> consumer(view.intents, 64, &view.header->intent_head);
  for (std::uint64_t id = 1; id <= kIntents; ++id) {
    wire::Intent intent{};
    PopStatus status = PopStatus::empty;
    while ((status = consumer.try_pop(intent)) == PopStatus::empty) std::this_thread::yield();
    ASSERT_EQ(status, PopStatus::ok);
    ASSERT_EQ(intent.id, id);
    ASSERT_EQ(intent.size_digits, ~id);
    ASSERT_EQ(intent.reserved, static_cast<std::uint8_t>(id));
  }
  strategy.join();
}

}  // namespace
}  // namespace backhand::shm
