// How much CPU time a control group gives to this process in each period. Once that is used up, the kernel
// stops every thread of the group until the next period begins.
#pragma once

#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace backhand {

struct CpuQuota {
  std::string file;  ///< Where it is written.
  std::int64_t quota_us = 0;
  std::int64_t period_us = 0;
};

/// The tightest quota among the groups of the process, in version 1 or 2 of the kernel's control groups;
/// nothing where there is none or it cannot be read. `read(path)` gives a file's text, or nothing.
template <typename Read>
[[nodiscard]] std::optional<CpuQuota> cpu_quota(Read&& read, const std::string& process = "self") {
  std::optional<CpuQuota> out;
  const auto take = [&](const std::string& file, std::int64_t quota_us, std::int64_t period_us) {
    if (quota_us <= 0 || period_us <= 0) return;
    if (!out || quota_us * out->period_us < out->quota_us * period_us) out = {file, quota_us, period_us};
  };
  const auto number = [&](const std::string& file) {
    const std::optional<std::string> text = read(file);
    std::int64_t value = 0;
    return text && std::istringstream{*text} >> value ? value : 0;
  };
  const auto look = [&](const std::string& mount, std::string group, bool second) {
    for (;;) {
      const std::string folder = mount + (group == "/" ? "" : group);
      if (second) {
        const std::optional<std::string> text = read(folder + "/cpu.max");
        std::int64_t quota = 0;
        std::int64_t period = 0;
        // "max 100000" is no number and no quota.
        if (text && std::istringstream{*text} >> quota >> period) take(folder + "/cpu.max", quota, period);
      } else {
        take(folder + "/cpu.cfs_quota_us", number(folder + "/cpu.cfs_quota_us"),
             number(folder + "/cpu.cfs_period_us"));
      }
      const auto slash = group.rfind('/');
      if (group.size() <= 1 || slash == std::string::npos) return;
      group.resize(slash == 0 ? 1 : slash);
    }
  };
  const std::optional<std::string> groups = read("/proc/" + process + "/cgroup");
  if (!groups) return out;
  std::istringstream lines{*groups};
  for (std::string line; std::getline(lines, line);) {
    // number:controllers:group
    const auto first = line.find(':');
    const auto last = first == std::string::npos ? first : line.find(':', first + 1);
    if (last == std::string::npos) continue;
    const std::string_view controllers = std::string_view{line}.substr(first + 1, last - first - 1);
    const std::string group = line.substr(last + 1);
    if (controllers.empty()) {
      look("/sys/fs/cgroup", group, true);
      look("/sys/fs/cgroup/unified", group, true);
    } else if ((',' + std::string{controllers} + ',').find(",cpu,") != std::string::npos) {
      look("/sys/fs/cgroup/" + std::string{controllers}, group, false);
      if (controllers != "cpu") look("/sys/fs/cgroup/cpu", group, false);
    }
  }
  return out;
}

/// What that means, in one sentence for a person.
[[nodiscard]] inline std::string stalls_by(const CpuQuota& quota) {
  const std::int64_t hundredths = quota.quota_us * 100 / quota.period_us;
  const std::string fraction = std::to_string(hundredths % 100);
  return "this process may use " + std::to_string(hundredths / 100) + "." +
         (fraction.size() < 2 ? "0" + fraction : fraction) + " CPUs (" + quota.file +
         "): when that is used up, every thread stands still for up to " +
         std::to_string(quota.period_us / 1'000) +
         " ms; remove the quota (CPUQuota= of the unit, the CPU limit "
         "of the container)";
}

}  // namespace backhand
