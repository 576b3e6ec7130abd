// Memory, scheduling and clocks.
#include "tests/gateway/doctor/fake_machine.hpp"

namespace backhand::doctor {
namespace {

using System = FakeMachine;

TEST_F(System, HugePages) {
  put_good();
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never");
  expect("huge_pages", Level::advice, "for all memory");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]");
  expect("huge_pages", Level::ok, "only where asked");
  put("/sys/kernel/mm/transparent_hugepage/enabled", "[sometimes]");
  expect("huge_pages", Level::unknown, "sometimes");
}

TEST_F(System, LockedMemory) {
  put_good();
  put("/proc/self/limits",
      "Max locked memory         8388608  8388608  bytes\nMax realtime priority     0  0");
  expect("memlock", Level::problem, "at most 8192 KiB may be locked; the gateway does not start");
  EXPECT_EQ(finding("memlock", false).level, Level::advice);
  // CAP_IPC_LOCK lifts the limit.
  put("/proc/self/status", "Cpus_allowed_list:\t0-3\nCapEff:\t0000000000004000");
  expect("memlock", Level::ok, "lock_memory is on");
  config_.gateway.lock_memory = false;
  expect("memlock", Level::advice, "lock_memory is off");
}

TEST_F(System, Realtime) {
  put_good();
  config_.gateway.idle = config::IdlePolicy::spin;
  expect("realtime", Level::ok, "possible");
  put("/proc/sys/kernel/sched_rt_runtime_us", "950000");
  expect("realtime", Level::advice, "sched_rt_runtime_us is 950000");
  config_.gateway.idle = config::IdlePolicy::block;
  expect("realtime", Level::ok, "possible");
  put("/proc/self/limits", "Max realtime priority     0  0");
  expect("realtime", Level::advice, "LimitRTPRIO=1");
  // CAP_SYS_NICE.
  put("/proc/self/status", "CapEff:\t0000000000800000");
  expect("realtime", Level::ok, "possible");
}

TEST_F(System, Swap) {
  put_good();
  put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2");
  expect("swap", Level::ok, "locked");
  config_.gateway.lock_memory = false;
  expect("swap", Level::advice, "1 swap area");
}

TEST_F(System, ClockSource) {
  put_good();
  const std::string file = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  put(file, "hpet");
  expect("clocksource", Level::advice, "hpet");
  put(file, "kvm-clock");
  expect("clocksource", Level::ok, "kvm-clock");
}

TEST_F(System, Clock) {
  put_good();
  expect("clock", Level::ok, "within 4 ms");
  clock_ = ClockState{false, 16'000'000};
  expect("clock", Level::advice, "not synchronised");
}

TEST_F(System, VirtualMachine) {
  put_good();
  expect("steal", Level::ok, "no virtual machine");
  put("/proc/cpuinfo", "flags\t\t: fpu hypervisor tsc");
  put("/proc/stat", "cpu  100 0 100 795 0 0 0 5 0 0");
  expect("steal", Level::advice, "0.5 % of its time");
  // Where the kernel does not say, as on other architectures.
  put("/proc/cpuinfo", "Features\t: fp asimd");
  expect("steal", Level::unknown, "virtual machine");
  put("/proc/cpuinfo", "flags\t\t: fpu");
  put("/proc/stat", "cpu  100 0");
  expect("steal", Level::unknown, "virtual machine");
}

TEST_F(System, MitigationsAreOnlyTold) {
  put_good();
  put("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Vulnerable");
  expect("mitigations", Level::ok, "on: meltdown; vulnerable: spectre_v2");
}

}  // namespace
}  // namespace backhand::doctor
