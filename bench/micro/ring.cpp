// The ring of a lane, the in-process queue beside it, and the histogram that metrics record into.
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <concurrentqueue/concurrentqueue.h>

#include "common/histogram.hpp"
#include "common/shm/spsc_ring.hpp"
#include "common/wire/lane.hpp"

namespace {

using namespace backhand;

template <typename T>
struct Ring {
  static constexpr std::uint64_t kCapacity = 1'024;
  Ring() : slots(kCapacity) { shm::format_ring(slots.data(), kCapacity, &head); }
  std::vector<shm::RingSlot<T>> slots;
  shm::RingHead<> head{};
  shm::RingProducer<T> producer{slots.data(), kCapacity, &head};
  shm::RingConsumer<T> consumer{slots.data(), kCapacity, &head};
};

template <typename T>
void ring_push_pop(benchmark::State& state) {
  const auto ring = std::make_unique<Ring<T>>();
  T in{};
  T out{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(in);
    const bool moved = ring->producer.try_push(in) == shm::PushStatus::ok &&
                       ring->consumer.try_pop(out) == shm::PopStatus::ok;
    if (!moved) state.SkipWithError("the ring is full or empty");
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(ring_push_pop<wire::Intent>)->Name("ring/push_pop_intent");
BENCHMARK(ring_push_pop<wire::Outcome>)->Name("ring/push_pop_outcome");

void ring_empty(benchmark::State& state) {
  const auto ring = std::make_unique<Ring<wire::Intent>>();
  for (auto _ : state) benchmark::DoNotOptimize(ring->consumer.ready());
}
BENCHMARK(ring_empty)->Name("ring/look_at_an_empty_one");

void queue_push_pop(benchmark::State& state) {
  moodycamel::ConcurrentQueue<wire::Intent> queue(1'024);
  moodycamel::ProducerToken producer(queue);
  wire::Intent in{};
  wire::Intent out{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(in);
    if (!queue.try_enqueue(producer, in) || !queue.try_dequeue_from_producer(producer, out))
      state.SkipWithError("the queue is full or empty");
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(queue_push_pop)->Name("queue/push_pop_intent");

void histogram_record(benchmark::State& state) {
  const auto histogram = std::make_unique<Histogram>();
  std::int64_t value = 1;
  for (auto _ : state) {
    histogram->record(value);
    value = value * 5 % 100'003;
  }
  if (histogram->count() == 0) state.SkipWithError("nothing was recorded");
}
BENCHMARK(histogram_record)->Name("histogram/record");

}  // namespace
