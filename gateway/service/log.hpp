// Text logs: one line an event, to standard error, where systemd's journal or a terminal takes it. Never on
// the I/O thread. Writing is done by a thread of its own: a log that nobody reads loses lines and holds up
// nothing. No secret can come here: the types that hold one cannot be printed.
#pragma once

#include <cstdint>
#include <string_view>

namespace backhand::service {

enum class LogLevel { debug, info, warning, error };

/// Sets up the logger; before the first line.
void start_log();
/// Control bytes, and what is no UTF-8, are written as \xNN. Any thread but the I/O thread.
void log(LogLevel level, std::string_view line);
/// Gives the reader a moment to take what was logged: before the process ends.
void flush_log();
/// Lines that nobody read in time. Any thread.
[[nodiscard]] std::uint64_t log_lines_dropped();

}  // namespace backhand::service
