#include "gateway/service/log.hpp"

#include <cstdlib>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace backhand::service {

void start_log() {
  auto logger = spdlog::stderr_logger_mt("backhand");
  // systemd's journal stamps lines itself.
  logger->set_pattern(std::getenv("JOURNAL_STREAM") != nullptr ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e %l: %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, std::string_view text) {
  switch (level) {
    case LogLevel::debug:
      spdlog::debug("{}", text);
      return;
    case LogLevel::info:
      spdlog::info("{}", text);
      return;
    case LogLevel::warning:
      spdlog::warn("{}", text);
      return;
    case LogLevel::error:
      spdlog::error("{}", text);
      return;
  }
}

}  // namespace backhand::service
