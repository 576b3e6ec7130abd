// Text logs, on the service thread and at start only: one line an event, to standard error, where systemd's
// journal or a terminal takes it. No secret can come here: the types that hold one cannot be printed.
#pragma once

#include <string_view>

namespace backhand::service {

enum class LogLevel { debug, info, warning, error };

/// Sets up the logger; before the first line.
void start_log();
/// Control bytes, and what is no UTF-8, are written as \xNN.
void log(LogLevel level, std::string_view line);

}  // namespace backhand::service
