#include "gateway/doctor/doctor.hpp"

#include "gateway/doctor/checks.hpp"

namespace backhand::doctor {

std::vector<Finding> examine(const Machine& machine, const config::Config* config) {
  Findings out;
  const Look look{machine, config, out};
  for (const auto check :
       {check_io_cpu, check_idle, check_quota, check_isolation, check_sibling, check_governor,
        check_sleep_states, check_interrupts, check_neighbours, check_realtime, check_locked_memory,
        check_huge_pages, check_swap, check_clock_source, check_clock, check_virtual, check_mitigations}) {
    check(look);
  }
  if (config != nullptr) {
    check_hot_dir(look);
    check_state_dir(look);
    check_runtime_dir(look);
  }
  return out.take();
}

}  // namespace backhand::doctor
