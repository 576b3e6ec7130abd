#include "gateway/service/systemd.hpp"

#include <string>

#include <systemd/sd-daemon.h>

namespace backhand::service {

void notify_ready() noexcept { (void)::sd_notify(0, "READY=1"); }

void notify_status(std::string_view text) noexcept {
  const std::string line = "STATUS=" + std::string{text};
  (void)::sd_notify(0, line.c_str());
}

void notify_stopping() noexcept { (void)::sd_notify(0, "STOPPING=1"); }

void notify_watchdog() noexcept { (void)::sd_notify(0, "WATCHDOG=1"); }

Ns watchdog_interval() noexcept {
  std::uint64_t limit_us = 0;
  if (::sd_watchdog_enabled(0, &limit_us) <= 0) return 0;
  // A third of the limit, so that one late turn of ours is no death.
  return static_cast<Ns>(limit_us) * kMicrosecond / 3;
}

}  // namespace backhand::service
