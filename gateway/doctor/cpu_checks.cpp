// The I/O thread's CPU: is it there, is it alone, does it run at full speed and wake at once.
#include <algorithm>

#include "common/cpu_quota.hpp"
#include "gateway/doctor/checks.hpp"

namespace backhand::doctor {
namespace {

const std::string kCpuFolder = "/sys/devices/system/cpu/";
/// With fewer, a spinning thread leaves one core or none to strategies, service thread and kernel.
constexpr std::size_t kCoresToSpin = 3;
/// Waking from a state that takes longer is felt beside the gateway's own few microseconds.
constexpr std::uint64_t kLongWake_us = 10;

std::string cpu_name(int cpu) { return "CPU " + std::to_string(cpu); }

std::string of_cpu(int cpu, const std::string& file) {
  return kCpuFolder + "cpu" + std::to_string(cpu) + "/" + file;
}

}  // namespace

std::optional<Cpus> cpus_of_interest(const Look& look) {
  if (look.io_cpu() >= 0) return Cpus{look.io_cpu()};
  return look.machine.cpus(kCpuFolder + "online");
}

void check_io_cpu(const Look& look) {
  const std::string item = "io_cpu";
  if (look.config == nullptr) {
    look.out.unknown(item, "no configuration given", "what depends on it was not looked at", "--config FILE");
    return;
  }
  const int cpu = look.io_cpu();
  if (cpu < 0) {
    look.out.advice(item, "the I/O thread is not pinned", "it wanders, and leaves its caches behind",
                    "gateway.io_cpu = the number of a quiet core");
    return;
  }
  const auto online = look.machine.cpus(kCpuFolder + "online");
  const auto status = look.machine.read(look.machine.of_process("status"));
  const auto allowed_text = status ? field_of(*status, "Cpus_allowed_list") : std::nullopt;
  const auto allowed = allowed_text ? parse_cpus(*allowed_text) : std::nullopt;
  if (!online || !allowed) {
    look.out.unknown(item, std::string{"cannot read "} +
                               (!online ? "which CPUs are on line" : "which CPUs the process may use"));
  } else if (!holds(*online, cpu)) {
    look.out.problem(item, cpu_name(cpu) + " is not there (on line: " + to_text(*online) + ")",
                     "the I/O thread runs anywhere", "another gateway.io_cpu");
  } else if (!holds(*allowed, cpu)) {
    look.out.problem(item, cpu_name(cpu) + " is not ours to use (allowed: " + to_text(*allowed) + ")",
                     "the I/O thread runs anywhere", "CPUAffinity= of the unit, or another gateway.io_cpu");
  } else {
    look.out.ok(item, cpu_name(cpu) + " is on line and ours to use");
  }
}

void check_idle(const Look& look) {
  if (!look.spins()) return;
  const auto online = look.machine.cpus(kCpuFolder + "online");
  if (!online) {
    look.out.unknown("idle", "cannot read which CPUs are on line");
  } else if (online->size() == 1) {
    look.out.problem("idle", "\"spin\" on a machine with one CPU", "nothing is left for anybody else",
                     "gateway.idle = \"block\"");
  } else if (online->size() < kCoresToSpin) {
    look.out.advice("idle", "\"spin\" on a machine with two CPUs",
                    "strategies, service thread, dialing and the kernel's work share the other one",
                    "gateway.idle = \"block\", or a machine with more cores");
  } else {
    look.out.ok("idle", "\"spin\" on a machine with " + std::to_string(online->size()) + " CPUs");
  }
}

void check_quota(const Look& look) {
  const std::string item = "cpu_quota";
  if (!look.machine.read(look.machine.of_process("cgroup"))) {
    look.out.unknown(item, "cannot read which control groups the process is in");
    return;
  }
  const auto read = [&](const std::string& path) { return look.machine.read(path); };
  if (const auto quota = cpu_quota(read, look.machine.process)) {
    look.out.problem(item, stalls_by(*quota), "shots wait for the next period",
                     "CPUQuota= of the unit, or the CPU limit of the container");
  } else {
    look.out.ok(item, "no control group limits CPU time");
  }
}

void check_isolation(const Look& look) {
  const std::string item = "isolation";
  const auto isolated = look.machine.cpus(kCpuFolder + "isolated");
  const auto tickless = look.machine.cpus(kCpuFolder + "nohz_full");
  if (!isolated) {
    look.out.unknown(item, "cannot read which CPUs are isolated");
    return;
  }
  const int cpu = look.io_cpu();
  if (cpu < 0) {
    look.out.ok(item, "isolated CPUs: " + to_text(*isolated));
    return;
  }
  const std::string number = std::to_string(cpu);
  if (!holds(*isolated, cpu)) {
    look.out.advice(item, cpu_name(cpu) + " is not isolated (isolated: " + to_text(*isolated) + ")",
                    look.spins() ? "whatever else runs on it stops the spinning thread for milliseconds"
                                 : "the I/O thread waits behind whatever else runs on it",
                    "boot with isolcpus=" + number + " nohz_full=" + number + " rcu_nocbs=" + number);
  } else if (!tickless) {
    look.out.unknown(item, cpu_name(cpu) + " is isolated; cannot read whether it ticks (nohz_full)");
  } else if (!holds(*tickless, cpu)) {
    look.out.advice(item, cpu_name(cpu) + " is isolated, but ticks", "the timer interrupts it at each tick",
                    "boot with nohz_full=" + number + " rcu_nocbs=" + number);
  } else {
    look.out.ok(item, cpu_name(cpu) + " is isolated and does not tick");
  }
}

void check_sibling(const Look& look) {
  const std::string item = "smt";
  const auto cpus = cpus_of_interest(look);
  if (!cpus) {
    look.out.unknown(item, "cannot read which CPUs are on line");
    return;
  }
  for (const int cpu : *cpus) {
    auto siblings = look.machine.cpus(of_cpu(cpu, "topology/thread_siblings_list"));
    if (!siblings) {
      look.out.unknown(item, "cannot read which CPUs share the core of " + cpu_name(cpu));
      return;
    }
    std::erase(*siblings, cpu);
    if (siblings->empty()) continue;
    const std::string others = to_text(*siblings);
    look.out.advice(item, cpu_name(cpu) + " shares its core with CPU " + others,
                    "whatever runs there takes caches and execution units from the I/O thread",
                    "leave it idle, or take it off line: echo 0 > /sys/devices/system/cpu/cpu" +
                        std::to_string(siblings->front()) + "/online");
    return;
  }
  look.out.ok(item, (look.io_cpu() >= 0 ? cpu_name(look.io_cpu()) + " has" : std::string{"every CPU has"}) +
                        " its core to itself");
}

void check_governor(const Look& look) {
  const std::string item = "governor";
  const auto cpus = cpus_of_interest(look);
  if (!cpus) {
    look.out.unknown(item, "cannot read which CPUs are on line");
    return;
  }
  for (const int cpu : *cpus) {
    const auto governor = look.machine.read(of_cpu(cpu, "cpufreq/scaling_governor"));
    if (!governor) {
      look.out.unknown(item, "no frequency control of " + cpu_name(cpu) + " can be read",
                       "in a virtual machine the host decides");
      return;
    }
    if (*governor == "performance") continue;
    look.out.advice(item, cpu_name(cpu) + " is governed by \"" + *governor + "\"",
                    "after a pause a shot begins at a low clock", "cpupower frequency-set -g performance");
    return;
  }
  look.out.ok(item, "\"performance\"");
}

void check_sleep_states(const Look& look) {
  const std::string item = "c_states";
  const auto cpus = cpus_of_interest(look);
  if (!cpus || cpus->empty()) {
    look.out.unknown(item, "cannot read which CPUs are on line");
    return;
  }
  const std::string folder = of_cpu(cpus->front(), "cpuidle");
  const auto states = look.machine.list(folder);
  if (!states) {
    look.out.unknown(item, "no sleep states of " + cpu_name(cpus->front()) + " can be read",
                     "in a virtual machine the host decides");
    return;
  }
  std::uint64_t longest_us = 0;
  std::string deepest = "none";
  for (const std::string& state : *states) {
    if (!state.starts_with("state")) continue;
    const std::string path = in_folder(folder, state);
    const auto latency = look.machine.read(in_folder(path, "latency"));
    const auto off = look.machine.read(in_folder(path, "disable"));
    const auto us = latency ? number_of(*latency) : std::nullopt;
    if (!us || !off) {
      look.out.unknown(item, "cannot read " + path);
      return;
    }
    if (*off != "0" || *us < longest_us) continue;
    longest_us = *us;
    deepest = look.machine.read(in_folder(path, "name")).value_or(state);
  }
  const std::string found =
      "the deepest sleep is " + deepest + ", " + std::to_string(longest_us) + " us to wake";
  if (longest_us <= kLongWake_us) {
    look.out.ok(item, found);
  } else {
    look.out.advice(item, found, "added to every shot after a pause, unless the I/O thread spins",
                    "cpupower idle-set -D " + std::to_string(kLongWake_us) +
                        ", or boot with intel_idle.max_cstate=1 / processor.max_cstate=1");
  }
}

}  // namespace backhand::doctor
