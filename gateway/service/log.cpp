#include "gateway/service/log.hpp"

#include <cstdlib>
#include <string>

#include <simdjson.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace backhand::service {

namespace {

/// Names come from whoever can reach the attach socket, messages from the venue: neither may begin a line of
/// its own, steer a terminal or make the log something else than UTF-8.
std::string on_one_line(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 0xF];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

void start_log() {
  auto logger = spdlog::stderr_logger_mt("backhand");
  // systemd's journal stamps lines itself.
  logger->set_pattern(std::getenv("JOURNAL_STREAM") != nullptr ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e %l: %v");
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, std::string_view line) {
  const std::string text = on_one_line(line);
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
