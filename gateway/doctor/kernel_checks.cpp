// The kernel: scheduling, clocks, what guards it, and whether a host lies below it.
#include <cstdio>

#include "gateway/doctor/checks.hpp"

namespace backhand::doctor {
namespace {

constexpr unsigned kCapSysNice = 23;

/// The share of stolen time since the start, from the first line of /proc/stat; in tenths of a percent.
std::optional<std::uint64_t> stolen_permille(const Machine& machine) {
  const auto stat = machine.read("/proc/stat");
  if (!stat) return std::nullopt;
  const auto words = words_of(lines_of(*stat).empty() ? std::string{} : lines_of(*stat)[0]);
  // cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user and nice already.
  if (words.size() < 9 || words[0] != "cpu") return std::nullopt;
  std::uint64_t total = 0;
  std::uint64_t stolen = 0;
  for (std::size_t i = 1; i <= 8; ++i) {
    const auto value = number_of(words[i]);
    if (!value) return std::nullopt;
    total += *value;
    stolen = *value;
  }
  return total == 0 ? 0 : stolen * 1'000 / total;
}

}  // namespace

void check_realtime(const Look& look) {
  const std::string item = "realtime";
  const auto allowed = allowance(look.machine, "Max realtime priority", kCapSysNice);
  if (!allowed) {
    look.out.unknown(item, "cannot read whether SCHED_FIFO is possible");
    return;
  }
  if (allowed->limit == 0 && !allowed->lifted) {
    look.out.advice(item, "SCHED_FIFO is not possible here",
                    "whoever shares the I/O thread's CPU can keep it waiting", "LimitRTPRIO=1 in the unit");
    return;
  }
  // A thread that spins at real-time priority would otherwise be stopped for the rest of each second.
  const auto runtime = look.machine.read("/proc/sys/kernel/sched_rt_runtime_us");
  if (look.spins() && (!runtime || *runtime != "-1")) {
    look.out.advice(item, "SCHED_FIFO is possible; sched_rt_runtime_us is " + runtime.value_or("unknown"),
                    "with idle = \"spin\" the kernel may stop a real-time thread for the rest of each second",
                    "sysctl kernel.sched_rt_runtime_us=-1 before giving the I/O thread SCHED_FIFO");
    return;
  }
  look.out.ok(item, "SCHED_FIFO is possible");
}

void check_clock_source(const Look& look) {
  const std::string item = "clocksource";
  const auto source = look.machine.read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!source) {
    look.out.unknown(item, "cannot read the clock source");
  } else if (*source == "tsc" || *source == "arch_sys_counter") {
    look.out.ok(item, *source);
  } else if (*source == "kvm-clock" || *source == "hyperv_clocksource_tsc_page") {
    look.out.ok(item, *source, "read without a system call where the host's TSC is stable");
  } else {
    look.out.advice(item, *source, "each look at the clock takes a microsecond, and a shot takes several",
                    "boot with clocksource=tsc tsc=reliable, if the machine's TSC is");
  }
}

void check_clock(const Look& look) {
  const std::string item = "clock";
  const auto state = look.machine.clock();
  if (!state) {
    look.out.unknown(item, "cannot ask the kernel whether its clock is synchronised");
  } else if (state->synchronised) {
    look.out.ok(item, "synchronised, within " + std::to_string(state->max_error_us / 1'000) + " ms");
  } else {
    look.out.advice(
        item, "not synchronised",
        "the venue's clock is measured by the gateway itself, but times in log and journal are off",
        "run chrony or systemd-timesyncd");
  }
}

void check_mitigations(const Look& look) {
  const std::string item = "mitigations";
  const std::string folder = "/sys/devices/system/cpu/vulnerabilities";
  const auto names = look.machine.list(folder);
  if (!names) {
    look.out.unknown(item, "cannot read " + folder);
    return;
  }
  std::string on;
  std::string open;
  for (const std::string& name : *names) {
    const std::string path = in_folder(folder, name);
    const auto text = look.machine.read(path);
    if (!text) {
      look.out.unknown(item, "cannot read " + path);
      return;
    }
    if (text->starts_with("Mitigation")) on += (on.empty() ? "" : ", ") + name;
    if (text->starts_with("Vulnerable")) open += (open.empty() ? "" : ", ") + name;
  }
  look.out.ok(item,
              "on: " + (on.empty() ? std::string{"none"} : on) +
                  "; vulnerable: " + (open.empty() ? std::string{"none"} : open),
              "for information: they lengthen system calls, of which a shot makes one to three");
}

void check_virtual(const Look& look) {
  const std::string item = "steal";
  const auto cpu = look.machine.read("/proc/cpuinfo");
  const auto flags = cpu ? field_of(*cpu, "flags") : std::nullopt;
  const auto stolen = stolen_permille(look.machine);
  if (!flags || !stolen) {
    look.out.unknown(item, "cannot read whether this is a virtual machine");
    return;
  }
  bool guest = false;
  for (const std::string& flag : words_of(*flags)) guest = guest || flag == "hypervisor";
  char share[32];
  std::snprintf(share, sizeof share, "%.1f %%", static_cast<double>(*stolen) / 10);
  if (!guest && *stolen == 0) {
    look.out.ok(item, "no virtual machine");
  } else {
    look.out.advice(item,
                    std::string{"a virtual machine; "} + share + " of its time was stolen since the start",
                    "its host takes CPUs away and hides clocks, sleep states and interrupts",
                    "a dedicated host, or one with pinned CPUs");
  }
}

}  // namespace backhand::doctor
