#include "gateway/config/machine.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "common/cpu.hpp"
#include "common/cpu_quota.hpp"

namespace backhand::config {
namespace {

/// A thread of its own tries, so that ours stays where it is.
std::expected<void, Error> try_pin(int cpu) {
  std::expected<void, Error> out;
  std::thread{[&] { out = pin_this_thread(cpu); }}.join();
  return out;
}

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file{path};
  if (!file) return std::nullopt;
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

}  // namespace

void check_machine(const Config& config, std::vector<Problem>& problems, std::vector<Problem>& warnings) {
  const Gateway& gateway = config.gateway;
  const auto pinnable = [&](int cpu, const char* key, Place place) {
    if (cpu < 0) return;
    if (const auto pinned = try_pin(cpu); !pinned) {
      problems.push_back({config.file, place, std::string{"gateway."} + key,
                          pinned.error().message +
                              ": it is off line, or outside the CPUs that this process may use (cpuset)"});
    }
  };
  pinnable(gateway.io_cpu, "io_cpu", gateway.io_cpu_place);
  pinnable(gateway.service_cpu, "service_cpu", gateway.service_cpu_place);
  if (const auto quota = cpu_quota(read_text)) {
    warnings.push_back({config.file, gateway.io_cpu_place, "gateway.io_cpu", stalls_by(*quota)});
  }
}

}  // namespace backhand::config
