// backhand-bench-instructions: N reversals through the engine, for callgrind: scripts/bench_instructions.py
// counts the instructions of the three functions below and compares them with a baseline. Without valgrind it
// only shows that the work is done right.
#include <cstdio>
#include <cstdlib>

#include "bench/instructions/engine_world.hpp"

using backhand::bench::EngineWorld;

// Callgrind collects between entry and exit of these, by name.
[[gnu::noinline]] void measured_intent(EngineWorld& world) { world.take_intent(); }
[[gnu::noinline]] bool measured_reply(EngineWorld& world) { return world.take_reply(); }
[[gnu::noinline]] void measured_idle_turn(EngineWorld& world) { world.idle_turn(); }

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 3;
  EngineWorld world;
  unsigned long shots = 0;
  for (int round = 0; round < rounds; ++round) {
    while (world.prepare()) {
      measured_intent(world);
      world.answer();
      if (!measured_reply(world)) {
        std::fprintf(stderr, "a reply was no ack\n");
        return 1;
      }
      measured_idle_turn(world);
      ++shots;
    }
    world.settle();
  }
  std::printf("%lu\n", shots);
  return 0;
}
