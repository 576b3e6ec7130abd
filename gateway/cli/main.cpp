// The `backhand` program: argv ends here.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "common/client/session.hpp"
#include "common/clock.hpp"
#include "common/json_text.hpp"
#include "common/standard_descriptors.hpp"
#include "gateway/cli/admin.hpp"
#include "gateway/cli/command_line.hpp"
#include "gateway/cli/outcome_text.hpp"
#include "gateway/cli/play.hpp"
#include "gateway/config/load.hpp"
#include "gateway/doctor/doctor.hpp"
#include "gateway/journal/hot_directory.hpp"
#include "gateway/journal/os_storage.hpp"
#include "gateway/journal/print.hpp"
#include "gateway/journal/reader.hpp"

namespace backhand::cli {
namespace {

void print(std::FILE* to, const std::string& text) { std::fwrite(text.data(), 1, text.size(), to); }

Exit refuse(const std::string& text) {
  print(stderr, "backhand: " + text + (text.ends_with('\n') ? "" : "\n"));
  return Exit::usage;
}

Exit say_no(const std::string& text) {
  print(stderr, "backhand: " + text + "\n");
  return Exit::not_done;
}

/// A strategy's end on a real lane.
class SessionEnd final : public StrategyEnd {
 public:
  /// Events of earlier runs on this lane are not told.
  [[nodiscard]] std::expected<void, Error> attach(const PlayCommand& command, const std::string& socket) {
    client::SessionOptions options;
    options.cursor = wire::kCursorNow;
    auto session = client::Session::attach(socket, command.strategy, command.lane, std::move(options));
    if (!session) return std::unexpected(std::move(session.error()));
    session_.emplace(std::move(*session));
    return {};
  }

  Ns now() override { return monotonic_now(); }
  std::uint64_t next_id() override { return session_->next_id(); }
  client::PushResult push(const wire::Intent& intent) override { return session_->push(intent); }
  void poll(const std::function<void(const wire::Outcome&)>& sink) override { session_->poll(sink); }
  void wait(Ns timeout_ns) override {
    // What came and what did not is seen at the next poll.
    static_cast<void>(session_->wait(std::chrono::nanoseconds{timeout_ns}));
  }

 private:
  std::optional<client::Session> session_;
};

class Printer final : public PlayListener {
 public:
  explicit Printer(bool json) : json_(json), start_ns_(monotonic_now()) {
    if (!json_) print(stdout, outcome_heading() + "\n");
  }
  void on_outcome(const wire::Outcome& outcome, std::uint32_t line) override {
    print(stdout, (json_ ? outcome_json(outcome, line) : outcome_row(outcome, start_ns_)) + "\n");
    std::fflush(stdout);
  }
  void on_not_pushed(const TimedIntent& timed, std::string_view why) override {
    JsonObject line;
    line.text("event", "not_pushed").number("intent_id", timed.intent.id);
    if (timed.line != 0) line.number("line", timed.line);
    line.flag("terminal", true).text("reason", why);
    if (!timed.intent.account.empty()) {
      line.text("account", timed.intent.account.view()).text("symbol", timed.intent.symbol.view());
    }
    const std::string row = "line " + std::to_string(timed.line) + ": not_pushed: " + std::string{why};
    print(stdout, (json_ ? line.line() : row) + "\n");
    std::fflush(stdout);
  }

 private:
  bool json_;
  Ns start_ns_;
};

/// The socket to talk to; the error is what is wrong with the configuration.
std::expected<std::string, std::string> socket_of(const Place& at, const char* default_name,
                                                  std::string config::Gateway::* in_config) {
  if (!at.config.empty()) {
    const auto config = config::load(at.config);
    if (!config) return std::unexpected(to_string(config.error()));
    return config->gateway.*in_config;
  }
  return at.socket.empty() ? std::string{kDefaultRuntimeDir} + "/" + default_name : at.socket;
}

Exit run(PlayCommand& command) {
  if (!command.file.empty()) {
    const auto text = read_file(command.file);
    if (!text) return refuse(text.error().message);
    auto intents = read_intents(*text, command.file == "-" ? "standard input" : command.file);
    if (!intents) {
      std::string problems = "the file of intents is wrong:\n";
      // A file of another kind is wrong in every line; a screenful says so.
      constexpr std::size_t kShown = 20;
      const std::size_t count = intents.error().size();
      for (std::size_t i = 0; i < std::min(count, kShown); ++i) problems += intents.error()[i] + "\n";
      if (count > kShown) problems += "and " + std::to_string(count - kShown) + " more\n";
      return refuse(problems);
    }
    command.intents = std::move(*intents);
  }
  const auto socket = socket_of(command.at, "attach.sock", &config::Gateway::attach_socket);
  if (!socket) return refuse(socket.error());
  SessionEnd end;
  if (const auto attached = end.attach(command, *socket); !attached) {
    return refuse(attached.error().message);
  }
  Printer printer{command.json};
  const auto timeout_ns = static_cast<Ns>(command.timeout_s * static_cast<double>(kSecond));
  const PlaySummary summary = play(command.intents, end, printer, timeout_ns);
  print(stderr, to_string(summary) + "\n");
  return summary.all_reversed ? Exit::ok : Exit::not_done;
}

Exit run(const AdminCommand& command) {
  const auto socket = socket_of(command.at, "admin.sock", &config::Gateway::admin_socket);
  if (!socket) return refuse(socket.error());
  const auto line =
      ask_gateway(*socket, command.request, static_cast<std::uint32_t>(command.timeout_s * 1'000.0));
  if (!line) return refuse(line.error().message);
  const auto reply = read_reply(*line);
  if (!reply) return refuse(reply.error().message);
  if (command.json) {
    print(stdout, *line + "\n");
  } else if (reply->ok) {
    print(stdout, reply->text.empty() ? "done\n" : reply->text);
  } else {
    return say_no("the gateway says no: " + reply->error);
  }
  return reply->ok ? Exit::ok : Exit::not_done;
}

/// Whose gateway works there: it holds the lock that it made.
uid_t owner_of(const std::string& state_dir) {
  struct stat status{};
  return ::stat((state_dir + "/lock").c_str(), &status) == 0 ? status.st_uid : ::geteuid();
}

Exit run(JournalCommand& command) {
  if (!command.config.empty()) {
    const auto config = config::load(command.config);
    if (!config) return refuse(to_string(config.error()));
    command.state_dir = config->gateway.state_dir;
    command.hot_dir = config->gateway.hot_dir;
  }
  journal::OsStorage storage;
  journal::Settings settings;
  settings.state_dir = command.state_dir;
  settings.hot_dir = journal::find_hot_directory(command.hot_dir, owner_of(command.state_dir)).path;
  if (!command.client_oid.empty()) {
    const auto format = command.json ? journal::Format::json : journal::Format::text;
    const auto lines = journal::explain(storage, settings, command.client_oid, format);
    if (!lines) return say_no(lines.error().message);
    for (const std::string& line : *lines) print(stdout, line + "\n");
    return Exit::ok;
  }
  bool any = false;
  const auto faults = journal::walk_journal(
      storage, settings, {.checkpoints = command.checkpoints, .from_number = command.from_number},
      [&](std::span<const journal::Record> entry) {
        any = true;
        print(stdout, (command.json ? journal::to_json(entry) : journal::to_text(entry)) + "\n");
      });
  if (!faults) return refuse(faults.error().message);
  for (const std::string& fault : *faults) print(stderr, "backhand: " + fault + "\n");
  // Every start is recorded.
  if (!any && faults->empty() && command.from_number == 0) {
    return say_no("no journal in " + command.state_dir + " and " + command.hot_dir);
  }
  return faults->empty() ? Exit::ok : Exit::not_done;
}

Exit run(const DoctorCommand& command) {
  std::vector<doctor::Finding> findings;
  std::optional<config::Config> config;
  if (!command.config.empty()) {
    std::vector<config::Problem> warnings;
    auto loaded = config::load(command.config, &warnings);
    const auto tell = [&](doctor::Level level, const std::vector<config::Problem>& found, const char* why) {
      for (const config::Problem& one : found) findings.push_back({level, "config", to_string(one), why, {}});
    };
    if (!loaded) tell(doctor::Level::problem, loaded.error(), "the gateway does not start");
    tell(doctor::Level::advice, warnings, "");
    if (loaded) config = std::move(*loaded);
  }
  const doctor::Machine machine = doctor::this_machine(command.pid);
  for (doctor::Finding& one : doctor::examine(machine, config ? &*config : nullptr)) {
    findings.push_back(std::move(one));
  }
  for (const doctor::Finding& one : findings) {
    print(stdout, (command.json ? doctor::to_json(one) : doctor::to_text(one)) + "\n");
  }
  return doctor::any_problem(findings) ? Exit::not_done : Exit::ok;
}

Exit run(const Stop& stop) {
  print(stop.status == Exit::ok ? stdout : stderr, stop.text);
  return stop.status;
}

}  // namespace
}  // namespace backhand::cli

int main(int argc, char** argv) {
  if (!backhand::open_standard_descriptors()) return static_cast<int>(backhand::cli::Exit::usage);
  try {
    auto command = backhand::cli::read_command_line({argv + 1, argv + argc});
    return static_cast<int>(std::visit([](auto& asked) { return backhand::cli::run(asked); }, command));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "backhand: %s\n", error.what());
    return static_cast<int>(backhand::cli::Exit::usage);
  }
}
