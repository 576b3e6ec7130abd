// A CPU that the I/O thread cannot have is said before the start, at its key.
#include "gateway/config/machine.hpp"

#include <thread>

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace backhand::config {
namespace {

std::string problems_of(const Config& config) {
  std::vector<Problem> problems;
  std::vector<Problem> warnings;
  check_machine(config, problems, warnings);
  return to_string(problems);
}

Config with_io_cpu(int cpu) {
  Config out;
  out.file = "c.toml";
  out.gateway.io_cpu = cpu;
  out.gateway.io_cpu_place = {4, 10};
  return out;
}

TEST(Machine, HasTheCpusThatItIsAskedFor) {
  EXPECT_EQ(problems_of(with_io_cpu(-1)), "");
  EXPECT_EQ(problems_of(with_io_cpu(::sched_getcpu())), "");
}

TEST(Machine, LacksACpuThatCannotBePinnedTo) {
  // Off line, outside the cpuset or not there: the kernel has one answer for all three.
  const int absent = static_cast<int>(::sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_EQ(
      problems_of(with_io_cpu(absent)),
      "c.toml:4:10: gateway.io_cpu: cannot pin to CPU " + std::to_string(absent) +
          ": Invalid argument: it is off line, or outside the CPUs that this process may use (cpuset)\n");
}

TEST(Machine, IsLeftAsItWas) {
  cpu_set_t before;
  cpu_set_t after;
  ASSERT_EQ(::sched_getaffinity(0, sizeof before, &before), 0);
  (void)problems_of(with_io_cpu(::sched_getcpu()));
  ASSERT_EQ(::sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

}  // namespace
}  // namespace backhand::config
