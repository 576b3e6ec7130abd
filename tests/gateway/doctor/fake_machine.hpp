// A machine of a test's own: /proc and /sys as files in a folder that goes away with it.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/doctor/doctor.hpp"

namespace backhand::doctor {

class FakeMachine : public testing::Test {
 protected:
  FakeMachine() {
    std::string folder = testing::TempDir() + "backhand-doctor-XXXXXX";
    machine_.root = ::mkdtemp(folder.data());
    machine_.uid = ::geteuid();
    machine_.clock = [this] { return clock_; };
    machine_.free_bytes = [this](const std::string&) { return free_bytes_; };
    machine_.pause = [this] { in_pause_(); };
  }
  ~FakeMachine() override { std::filesystem::remove_all(machine_.root); }

  void put(const std::string& path, std::string_view text) {
    const std::filesystem::path full = machine_.root + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream{full} << text << '\n';
  }
  void remove(const std::string& path) { std::filesystem::remove_all(machine_.root + path); }
  void make_folder(const std::string& path, unsigned mode) {
    std::filesystem::create_directories(machine_.root + path);
    std::filesystem::permissions(machine_.root + path, static_cast<std::filesystem::perms>(mode));
  }
  /// A thread's line of /proc, with `ticks` of CPU time behind it.
  void put_thread(const std::string& pid, const std::string& tid, const std::string& name, int cpu,
                  int ticks) {
    put("/proc/" + pid + "/task/" + tid + "/stat",
        tid + " (" + name + ") S 1 1 1 0 -1 4194560 1 1 0 0 " + std::to_string(ticks) +
            " 0 0 0 20 0 1 0 13 0 0 18446744073709551615 1 1 0 0 0 0 0 4096 1256 0 0 0 17 " +
            std::to_string(cpu) + " 0 0 0 0 0");
  }

  /// Four quiet cores, the last one isolated; nothing to complain about.
  void put_good() {
    const std::string cpus = "/sys/devices/system/cpu/";
    put(cpus + "online", "0-3");
    put(cpus + "isolated", "3");
    put(cpus + "nohz_full", "3");
    for (const char cpu : {'0', '1', '2', '3'}) {
      const std::string one = cpus + "cpu" + cpu;
      put(one + "/topology/thread_siblings_list", std::string{cpu});
      put(one + "/cpufreq/scaling_governor", "performance");
      put(one + "/cpuidle/state0/name", "POLL");
      put(one + "/cpuidle/state0/latency", "0");
      put(one + "/cpuidle/state0/disable", "0");
      put(one + "/cpuidle/state1/name", "C6");
      put(one + "/cpuidle/state1/latency", "133");
      put(one + "/cpuidle/state1/disable", "1");
    }
    put(cpus + "vulnerabilities/meltdown", "Mitigation: PTI");
    put(cpus + "vulnerabilities/l1tf", "Not affected");
    put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc");
    put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    put("/proc/self/status", "Name:\tbackhand\nCpus_allowed_list:\t0-3\nCapEff:\t0000000000000000");
    put("/proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units\n"
        "Max locked memory         unlimited            unlimited            bytes\n"
        "Max realtime priority     1                    1");
    put("/proc/self/mountinfo",
        "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
        "22 21 0:30 / /dev/shm rw shared:4 - tmpfs tmpfs rw\n"
        "23 21 0:31 / /far\\040away rw master:1 - nfs4 host:/x rw");
    put("/proc/self/cgroup", "1:cpu,cpuacct:/\n0::/system.slice/backhand.service");
    put("/proc/swaps", "Filename Type Size Used Priority");
    put("/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3");
    put("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu tsc");
    put("/proc/sys/kernel/sched_rt_runtime_us", "-1");
    put("/proc/irq/1/effective_affinity_list", "0");
    put("/proc/irq/1/smp_affinity_list", "0-3");
    put_thread("7", "7", "quiet", 3, 5);
    make_folder("/dev/shm", 01777);
    make_folder("/var/lib/backhand", 0700);
    make_folder("/run/backhand", 0755);
    config_.gateway.io_cpu = 3;
    config_.gateway.lock_memory = true;
    clock_ = ClockState{true, 4'000};
    free_bytes_ = std::uint64_t{1} << 40U;
  }

  [[nodiscard]] Finding finding(const std::string& item, bool with_config = true) const {
    for (Finding& one : examine(machine_, with_config ? &config_ : nullptr)) {
      if (one.item == item) return one;
    }
    return {Level::ok, item, "(nothing said)", {}, {}};
  }
  void expect(const std::string& item, Level level, std::string_view part) const {
    const Finding found = finding(item);
    EXPECT_EQ(to_string(found.level), to_string(level)) << to_text(found);
    EXPECT_NE(to_text(found).find(part), std::string::npos) << to_text(found);
  }

  Machine machine_;
  config::Config config_;
  std::optional<ClockState> clock_;
  std::optional<std::uint64_t> free_bytes_;
  std::function<void()> in_pause_ = [] {};
};

}  // namespace backhand::doctor
