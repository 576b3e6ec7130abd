#include "common/cpu.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <sched.h>

#include "common/clock.hpp"

namespace backhand {
namespace {

TEST(Cpu, PinsTheCallingThreadOnly) {
  cpu_set_t allowed;
  ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) ++cpu;
  std::thread([cpu] {
    ASSERT_TRUE(pin_this_thread(cpu).has_value());
    EXPECT_EQ(::sched_getcpu(), cpu);
  }).join();
  cpu_set_t after;
  ASSERT_EQ(::sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&allowed, &after)) << "pinning one thread must leave the others where they were";
}

TEST(Cpu, SaysWhichCpuThereIsNot) {
  EXPECT_NE(pin_this_thread(CPU_SETSIZE - 1).error().message.find("1023"), std::string::npos);
  EXPECT_FALSE(pin_this_thread(-1).has_value());
  EXPECT_FALSE(pin_this_thread(CPU_SETSIZE).has_value());
}

TEST(Clock, NeverGoesBackAndCoarseIsBehind) {
  const Ns coarse = coarse_monotonic_now();
  const Ns first = monotonic_now();
  const Ns second = monotonic_now();
  EXPECT_LE(coarse, first);
  EXPECT_LE(first, second);
}

}  // namespace
}  // namespace backhand
