// What else runs on the I/O thread's CPU: interrupts and other threads.
#include <algorithm>
#include <map>
#include <utility>

#include "gateway/doctor/checks.hpp"

namespace backhand::doctor {
namespace {

constexpr std::size_t kNamed = 3;  ///< So many are named; the rest is a number.
/// Clock ticks between two looks from which a thread is busy: one may be chance.
constexpr std::uint64_t kBusyTicks = 2;

/// "a, b, c and 4 more".
std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > kNamed) out += " and " + std::to_string(names.size() - kNamed) + " more";
  return out;
}

std::string interrupt_name(const Machine& machine, const std::string& folder, const std::string& number) {
  // A device's handler shows as a folder.
  for (const std::string& name : machine.list(folder).value_or(std::vector<std::string>{})) {
    const auto facts = machine.facts(in_folder(folder, name));
    if (facts && facts->directory) return std::string{number}.append(" (").append(name).append(")");
  }
  return number;
}

/// One thread as /proc/…/stat shows it.
struct Thread {
  std::string name;
  int cpu = -1;             ///< It ran last there.
  std::uint64_t ticks = 0;  ///< Of CPU time since its start.
};

std::optional<Thread> thread_of(const std::string& stat) {
  // pid (name, which may hold anything) state ppid …
  const auto open = stat.find('(');
  const auto close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  const auto rest = words_of(std::string_view{stat}.substr(close + 1));
  // Fields 14, 15 and 39 of proc(5); the first word here is field 3.
  if (rest.size() < 37) return std::nullopt;
  const auto user = number_of(rest[11]);
  const auto system = number_of(rest[12]);
  const auto cpu = number_of(rest[36]);
  if (!user || !system || !cpu) return std::nullopt;
  return Thread{stat.substr(open + 1, close - open - 1), static_cast<int>(*cpu), *user + *system};
}

using Threads = std::map<std::pair<std::string, std::string>, Thread>;  ///< By process and thread id.

std::optional<Threads> all_threads(const Machine& machine) {
  const auto processes = machine.list("/proc");
  if (!processes) return std::nullopt;
  Threads out;
  for (const std::string& process : *processes) {
    if (!number_of(process)) continue;
    const std::string tasks = "/proc/" + process + "/task";
    // One that ends while we look is no finding.
    for (const std::string& task : machine.list(tasks).value_or(std::vector<std::string>{})) {
      const auto stat = machine.read(in_folder(in_folder(tasks, task), "stat"));
      const auto thread = stat ? thread_of(*stat) : std::nullopt;
      if (thread) out.emplace(std::pair{process, task}, *thread);
    }
  }
  if (out.empty()) return std::nullopt;
  return out;
}

}  // namespace

void check_interrupts(const Look& look) {
  const int cpu = look.io_cpu();
  if (cpu < 0) return;
  const std::string item = "interrupts";
  const auto numbers = look.machine.list("/proc/irq");
  if (!numbers) {
    look.out.unknown(item, "cannot read /proc/irq");
    return;
  }
  std::vector<std::string> there;
  std::size_t unread = 0;
  std::size_t looked_at = 0;
  for (const std::string& number : *numbers) {
    if (!number_of(number)) continue;
    const std::string folder = "/proc/irq/" + number;
    ++looked_at;
    // Where they really go; empty where the controller does not say, and then wherever they may.
    auto cpus = look.machine.cpus(folder + "/effective_affinity_list");
    if (!cpus || cpus->empty()) cpus = look.machine.cpus(folder + "/smp_affinity_list");
    if (!cpus) {
      ++unread;
    } else if (holds(*cpus, cpu)) {
      there.push_back(interrupt_name(look.machine, folder, number));
    }
  }
  const std::string on = " on CPU " + std::to_string(cpu);
  if (!there.empty()) {
    look.out.advice(
        item, std::to_string(there.size()) + on + ": " + listed(there),
        "each stops the I/O thread for microseconds",
        "echo other CPUs > /proc/irq/N/smp_affinity_list (and stop irqbalance, or ban the CPU there)");
  } else if (unread > 0 || looked_at == 0) {
    look.out.unknown(item, "cannot read where " + std::to_string(unread) + " interrupts go");
  } else {
    look.out.ok(item, "none" + on);
  }
}

void check_neighbours(const Look& look) {
  const int cpu = look.io_cpu();
  if (cpu < 0) return;
  const std::string item = "neighbours";
  const auto before = all_threads(look.machine);
  look.machine.pause();
  const auto after = all_threads(look.machine);
  if (!before || !after) {
    look.out.unknown(item, "cannot read what runs");
    return;
  }
  std::vector<std::pair<std::uint64_t, std::string>> busy;
  for (const auto& [key, thread] : *after) {
    const auto earlier = before->find(key);
    // The gateway's own I/O thread belongs there.
    if (earlier == before->end() || thread.cpu != cpu || thread.name == "backhand-io") continue;
    const std::uint64_t ticks = thread.ticks - std::min(thread.ticks, earlier->second.ticks);
    if (ticks >= kBusyTicks) busy.emplace_back(ticks, thread.name + " (thread " + key.second + ")");
  }
  std::ranges::sort(busy, std::greater{});
  std::vector<std::string> names;
  names.reserve(busy.size());
  for (auto& [ticks, name] : busy) names.push_back(std::move(name));
  const std::string on = " busy on CPU " + std::to_string(cpu);
  if (names.empty()) {
    look.out.ok(item, "no other thread was" + on);
  } else {
    look.out.advice(
        item, std::string{names.size() == 1 ? "one thread was" : "threads were"} + on + ": " + listed(names),
        "the I/O thread waits for them", "taskset, CPUAffinity= of their units, or isolate the CPU");
  }
}

}  // namespace backhand::doctor
