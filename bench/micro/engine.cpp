// What a reversal costs the engine itself: intent → request handed to the wire, the rest of that call, the
// reply, and a turn with nothing to do. Positions take turns, so that each is out of the nearest cache.
#include <memory>

#include <benchmark/benchmark.h>

#include "bench/instructions/engine_world.hpp"
#include "common/clock.hpp"
#include "common/histogram.hpp"

namespace {

using namespace backhand;
using bench::EngineWorld;

void engine_reversal(benchmark::State& state) {
  EngineWorld world;
  const auto to_wire = std::make_unique<Histogram>();
  const auto whole = std::make_unique<Histogram>();
  const auto reply = std::make_unique<Histogram>();
  const auto clock = std::make_unique<Histogram>();
  for (auto _ : state) {
    if (!world.prepare()) {
      world.settle();
      (void)world.prepare();
    }
    const Ns begun = monotonic_now();
    world.take_intent();
    const Ns taken = monotonic_now();
    world.answer();
    const Ns answered = monotonic_now();
    if (!world.take_reply()) {
      state.SkipWithError("the reply was no ack");
      break;
    }
    const Ns done = monotonic_now();
    clock->record(monotonic_now() - done);
    to_wire->record(world.handed_over() - begun);
    whole->record(taken - begun);
    reply->record(done - answered);
    state.SetIterationTime(static_cast<double>(world.handed_over() - begun) * 1e-9);
  }
  state.counters["p50_ns"] = static_cast<double>(to_wire->percentile(0.5));
  state.counters["p99_ns"] = static_cast<double>(to_wire->percentile(0.99));
  state.counters["whole_p50_ns"] = static_cast<double>(whole->percentile(0.5));
  state.counters["reply_p50_ns"] = static_cast<double>(reply->percentile(0.5));
  state.counters["clock_p50_ns"] = static_cast<double>(clock->percentile(0.5));
}
BENCHMARK(engine_reversal)->Name("engine/intent_to_wire")->UseManualTime()->Iterations(20'000);

void engine_idle_turn(benchmark::State& state) {
  EngineWorld world;
  world.settle();
  for (auto _ : state) world.idle_turn();
}
BENCHMARK(engine_idle_turn)->Name("engine/idle_turn");

}  // namespace
