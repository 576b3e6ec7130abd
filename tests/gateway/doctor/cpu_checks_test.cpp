// The I/O thread's CPU and who else is on it.
#include "tests/gateway/doctor/fake_machine.hpp"

namespace backhand::doctor {
namespace {

using Cpu = FakeMachine;
const std::string kCpu3 = "/sys/devices/system/cpu/cpu3/";

TEST_F(Cpu, ThatIsNotThereIsAProblem) {
  put_good();
  config_.gateway.io_cpu = 4;
  expect("io_cpu", Level::problem, "CPU 4 is not there (on line: 0-3)");
  config_.gateway.io_cpu = -1;
  expect("io_cpu", Level::advice, "not pinned");
}

TEST_F(Cpu, ThatIsNotOursIsAProblem) {
  put_good();
  put("/proc/self/status", "Cpus_allowed_list:\t0,2\nCapEff:\t0");
  expect("io_cpu", Level::problem, "allowed: 0,2");
}

TEST_F(Cpu, SpinsWhereThereIsRoom) {
  put_good();
  config_.gateway.idle = config::IdlePolicy::spin;
  expect("idle", Level::ok, "4 CPUs");
  put("/sys/devices/system/cpu/online", "0-1");
  expect("idle", Level::advice, "two CPUs");
  put("/sys/devices/system/cpu/online", "0");
  expect("idle", Level::problem, "one CPU");
}

TEST_F(Cpu, TimeThatIsLimitedIsAProblem) {
  put_good();
  expect("cpu_quota", Level::ok, "no control group");
  put("/sys/fs/cgroup/system.slice/backhand.service/cpu.max", "max 100000");
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1");
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000");
  expect("cpu_quota", Level::ok, "no control group");
  // Of all groups that it is in, the tightest counts.
  put("/sys/fs/cgroup/system.slice/backhand.service/cpu.max", "150000 100000");
  expect("cpu_quota", Level::problem, "1.50 CPUs (/sys/fs/cgroup/system.slice/backhand.service/cpu.max)");
  put("/sys/fs/cgroup/system.slice/cpu.max", "20000 50000");
  expect("cpu_quota", Level::problem, "0.40 CPUs (/sys/fs/cgroup/system.slice/cpu.max)");
  put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "5000");
  expect("cpu_quota", Level::problem, "0.05 CPUs (/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us)");
  remove("/proc/self/cgroup");
  expect("cpu_quota", Level::unknown, "cannot read");
}

TEST_F(Cpu, ShouldBeIsolated) {
  put_good();
  put("/sys/devices/system/cpu/nohz_full", "(null)");
  expect("isolation", Level::advice, "isolated, but ticks");
  remove("/sys/devices/system/cpu/nohz_full");
  expect("isolation", Level::unknown, "cannot read whether it ticks");
  put("/sys/devices/system/cpu/isolated", "");
  expect("isolation", Level::advice, "isolcpus=3 nohz_full=3 rcu_nocbs=3");
  config_.gateway.idle = config::IdlePolicy::spin;
  expect("isolation", Level::advice, "stops the spinning thread");
}

TEST_F(Cpu, ShouldHaveItsCoreAlone) {
  put_good();
  put(kCpu3 + "topology/thread_siblings_list", "1,3");
  expect("smt", Level::advice, "CPU 3 shares its core with CPU 1");
  config_.gateway.io_cpu = 2;
  expect("smt", Level::ok, "CPU 2 has its core");
  EXPECT_EQ(finding("smt", false).level, Level::advice) << "without a CPU of the I/O thread all count";
}

TEST_F(Cpu, ShouldRunAtFullSpeed) {
  put_good();
  put(kCpu3 + "cpufreq/scaling_governor", "powersave");
  expect("governor", Level::advice, "\"powersave\"");
  remove(kCpu3 + "cpufreq");
  expect("governor", Level::unknown, "CPU 3");
}

TEST_F(Cpu, ShouldNotSleepDeeply) {
  put_good();
  put(kCpu3 + "cpuidle/state1/disable", "0");
  expect("c_states", Level::advice, "the deepest sleep is C6, 133 us to wake");
  remove(kCpu3 + "cpuidle/state1/latency");
  expect("c_states", Level::unknown, "state1");
}

TEST_F(Cpu, ShouldGetNoInterrupts) {
  put_good();
  // Where they go counts, not where they might.
  expect("interrupts", Level::ok, "none on CPU 3");
  put("/proc/irq/41/effective_affinity_list", "3");
  std::filesystem::create_directories(machine_.root + "/proc/irq/41/eth0-rx");
  put("/proc/irq/42/effective_affinity_list", "");
  put("/proc/irq/42/smp_affinity_list", "2-3");
  expect("interrupts", Level::advice, "2 on CPU 3: 41 (eth0-rx), 42;");
}

TEST_F(Cpu, InterruptsThatCannotBeReadAreUnknown) {
  put_good();
  put("/proc/irq/5/spurious", "");
  expect("interrupts", Level::unknown, "1 interrupts");
  remove("/proc/irq");
  expect("interrupts", Level::unknown, "/proc/irq");
}

TEST_F(Cpu, ShouldHaveNoBusyNeighbours) {
  put_good();
  put_thread("8", "9", "kworker/3:1) S (x", 3, 100);
  put_thread("8", "10", "backhand-io", 3, 100);
  put_thread("8", "11", "elsewhere", 2, 100);
  put_thread("8", "12", "barely", 3, 100);
  expect("neighbours", Level::ok, "no other thread");
  in_pause_ = [this] {
    put_thread("8", "9", "kworker/3:1) S (x", 3, 150);
    put_thread("8", "10", "backhand-io", 3, 200);
    put_thread("8", "11", "elsewhere", 2, 200);
    put_thread("8", "12", "barely", 3, 101);
  };
  expect("neighbours", Level::advice, "one thread was busy on CPU 3: kworker/3:1) S (x (thread 9);");
}

}  // namespace
}  // namespace backhand::doctor
