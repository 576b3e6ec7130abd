// What systemd is told (Type=notify), and by which clock it watches. A no-op where the process was not
// started by it.
#pragma once

#include <string_view>

#include "common/time.hpp"

namespace backhand::service {

/// READY=1, once.
void notify_ready() noexcept;
/// STATUS=…: one line for `systemctl status`.
void notify_status(std::string_view text) noexcept;
/// STOPPING=1.
void notify_stopping() noexcept;
/// WATCHDOG=1.
void notify_watchdog() noexcept;
/// How often the watchdog wants to be fed; 0: it is off.
[[nodiscard]] Ns watchdog_interval() noexcept;

}  // namespace backhand::service
