#include "gateway/service/log.hpp"

#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>

#include <simdjson.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "gateway/service/line_writer.hpp"

namespace backhand::service {

namespace {

/// How long the last lines of a run may take to be read.
constexpr Ns kLastLines_ns = 500 * kMillisecond;

/// Formats on the thread that logs and writes on one of its own: standard error may be a pipe that nobody
/// reads.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  [[nodiscard]] LineWriter& writer() noexcept { return writer_; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    writer_.put(std::string{text.data(), text.size()});
  }
  void flush_() override {}

  LineWriter writer_{STDERR_FILENO};
};

/// The logger's only sink; null before `start_log`.
std::shared_ptr<LineSink>& the_sink() {
  static std::shared_ptr<LineSink> sink;
  return sink;
}

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
  the_sink() = std::make_shared<LineSink>();
  auto logger = std::make_shared<spdlog::logger>("backhand", the_sink());
  // systemd's journal stamps lines itself.
  logger->set_pattern(std::getenv("JOURNAL_STREAM") != nullptr ? "%l: %v" : "%Y-%m-%dT%H:%M:%S.%e %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

void flush_log() {
  if (the_sink()) (void)the_sink()->writer().flush(kLastLines_ns);
}

std::uint64_t log_lines_dropped() { return the_sink() ? the_sink()->writer().dropped() : 0; }

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
