// The parts of `examine`, one function for each thing that is looked at. Internal to this room.
#pragma once

#include "gateway/config/config.hpp"
#include "gateway/doctor/finding.hpp"
#include "gateway/doctor/machine.hpp"

namespace backhand::doctor {

/// What every check is given.
struct Look {
  const Machine& machine;
  const config::Config* config;  ///< May be null.
  Findings& out;

  /// The I/O thread's CPU; -1 where it has none or nobody said.
  [[nodiscard]] int io_cpu() const noexcept { return config == nullptr ? -1 : config->gateway.io_cpu; }
  [[nodiscard]] bool spins() const noexcept {
    return config != nullptr && config->gateway.idle == config::IdlePolicy::spin;
  }
};

// cpu_checks.cpp
void check_io_cpu(const Look& look);
void check_idle(const Look& look);
void check_quota(const Look& look);
void check_isolation(const Look& look);
void check_sibling(const Look& look);
void check_governor(const Look& look);
void check_sleep_states(const Look& look);

// neighbours.cpp
void check_interrupts(const Look& look);
void check_neighbours(const Look& look);

// memory_checks.cpp
void check_huge_pages(const Look& look);
void check_locked_memory(const Look& look);
void check_swap(const Look& look);

// kernel_checks.cpp
void check_realtime(const Look& look);
void check_clock_source(const Look& look);
void check_clock(const Look& look);
void check_mitigations(const Look& look);
void check_virtual(const Look& look);

// folder_checks.cpp; these need a configuration.
void check_hot_dir(const Look& look);
void check_state_dir(const Look& look);
void check_runtime_dir(const Look& look);

/// The CPUs that matter: io_cpu where it is given, else all that are on line; nothing where that is not
/// known.
[[nodiscard]] std::optional<Cpus> cpus_of_interest(const Look& look);

}  // namespace backhand::doctor
