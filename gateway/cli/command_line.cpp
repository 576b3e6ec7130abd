#include "gateway/cli/command_line.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/json_text.hpp"

namespace backhand::cli {
namespace {

/// What `reverse` is told, as text; it becomes a line of intents, so that both commands have the same rules.
struct ReverseOptions {
  std::string account, symbol, product = "USDT-FUTURES", position, size, expected_size, margin_coin, tag;
  std::int64_t deadline_ms = kDefaultDeadline_ms;
  std::int64_t priority = 0;
};

struct AdminOptions {
  std::string account, reason, client_oid, result;
};

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.footer(
        "Exit status: 0 done (send, reverse: every intent was reversed or partly reversed; of send's "
        "others,\n"
        "               every armed shot was sent, every disarm and withdraw granted)\n"
        "             1 the gateway said no (send, reverse: some intent ended otherwise;\n"
        "               doctor: there is a problem)\n"
        "             2 wrong command line or file, or no gateway");
    add_send();
    add_reverse();
    add_admin();
    add_journal();
    add_doctor();
  }

  Command read(std::vector<std::string> arguments) {
    // Otherwise CLI11 says only that a command is required.
    const auto is_command = [&](const CLI::App* command) { return command->get_name() == arguments[0]; };
    if (!arguments.empty() && !arguments[0].starts_with('-') &&
        std::ranges::none_of(app_.get_subcommands({}), is_command)) {
      return Stop{Exit::usage,
                  "backhand: no such command: " + arguments[0] + "\nRun with --help for more information.\n"};
    }
    // CLI11 takes them last first.
    std::ranges::reverse(arguments);
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
      std::ostringstream out;
      std::ostringstream wrong;
      const bool help = app_.exit(error, out, wrong) == 0;
      return Stop{help ? Exit::ok : Exit::usage, help ? out.str() : "backhand: " + wrong.str()};
    }
    return command();
  }

 private:
  void add_place(CLI::App* command, Place& at, const char* socket) {
    auto* given = command->add_option(
        "--socket", at.socket,
        "The gateway's socket (default: " + std::string{kDefaultRuntimeDir} + "/" + socket + ")");
    command->add_option("--config", at.config, "Take the socket from this configuration file")
        ->excludes(given);
  }

  void add_play(CLI::App* command) {
    add_place(command, play_.at, "attach.sock");
    command->add_option("--strategy", play_.strategy, "Attach as this strategy")->required();
    command->add_option("--lane", play_.lane, "Name of the lane within the strategy")->capture_default_str();
    command->add_flag("--json", play_.json, "Print each event as one line of JSON, with all stage times");
    command->add_option("--timeout", play_.timeout_s, "Seconds after the last push to wait for the ends")
        ->capture_default_str()
        ->check(CLI::Range(0.0, 86'400.0));
  }

  void add_send() {
    send_ = app_.add_subcommand("send", "Play a file of intents as a strategy and print every outcome event");
    add_play(send_);
    send_->add_option("--file", play_.file, "One JSON object a line, \"-\" for standard input")->required();
    send_->footer(
        "A line: {\"at_ms\":0,\"account\":\"main\",\"symbol\":\"ETHUSDT\",\"product\":\"USDT-FUTURES\",\n"
        "         \"position\":\"long\",\"size\":\"3\",\"deadline_ms\":200}\n"
        "position is the side held. Optional: at_ms, size and expected_size (in quotes), deadline_ms\n"
        "(default 1000), priority, tag, margin_coin, id. Empty lines and those that begin with # are "
        "skipped.\n"
        "Shots: a line with \"do\":\"arm\" and a name prepares the reversal it describes (deadline_ms: "
        "default\n"
        "60000, up to a day); a later one sends it, another drops it:\n"
        "        {\"do\":\"arm\",\"name\":\"x\",\"account\":\"main\",\"symbol\":\"ETHUSDT\",\n"
        "         \"product\":\"USDT-FUTURES\",\"position\":\"long\"}\n"
        "        {\"do\":\"fire\",\"target\":\"x\",\"at_ms\":500}   or   "
        "{\"do\":\"disarm\",\"target\":\"x\",\"at_ms\":500}\n"
        "A fire may also have deadline_ms, priority, expected_size, tag and a name of its own.\n"
        "{\"do\":\"withdraw\",\"target\":NAME} takes back a reversal or fire that waits.\n\n" +
        app_.get_footer());
  }

  void add_reverse() {
    reverse_ = app_.add_subcommand("reverse", "Reverse one position by hand, as a strategy");
    add_play(reverse_);
    ReverseOptions& to = reverse_options_;
    reverse_->add_option("--account", to.account, "Our name for the account")->required();
    reverse_->add_option("--symbol", to.symbol, "Like ETHUSDT")->required();
    reverse_->add_option("--product", to.product, "Like USDT-FUTURES")->capture_default_str();
    reverse_->add_option("--position", to.position, "long or short: the side held, to be reversed")
        ->required();
    reverse_->add_option("--size", to.size, "In base coin (hedge mode); without it, the whole position");
    reverse_->add_option("--expected-size", to.expected_size, "Deny where another size is held");
    reverse_->add_option("--margin-coin", to.margin_coin, "Where the symbol has several");
    reverse_->add_option("--deadline-ms", to.deadline_ms, "No byte is sent later than so long from now")
        ->capture_default_str();
    reverse_->add_option("--priority", to.priority, "0 (lowest) to 7")->capture_default_str();
    reverse_->add_option("--tag", to.tag, "Up to 16 bytes that every event repeats");
  }

  /// The journal's records have so many bytes for it; a note that was cut could say something else.
  static CLI::Validator at_most(std::size_t bytes) {
    return CLI::Validator{[bytes](std::string& text) {
                            return text.size() <= bytes ? std::string{}
                                                        : "has more than " + std::to_string(bytes) + " bytes";
                          },
                          ""};
  }

  CLI::App* add_admin_command(const char* name, const char* what) {
    CLI::App* command = app_.add_subcommand(name, what);
    add_place(command, admin_.at, "admin.sock");
    command->add_flag("--json", admin_.json, "Print the gateway's answer as it came");
    command->add_option("--timeout", admin_.timeout_s, "Seconds to wait for the answer")
        ->capture_default_str()
        ->check(CLI::Range(0.001, 3'600.0));
    admin_commands_.push_back(command);
    return command;
  }

  void add_admin() {
    AdminOptions& to = admin_options_;
    add_admin_command("status", "What the gateway is, does and waits for");
    CLI::App* halt = add_admin_command("halt", "Send nothing more, until resumed; survives a restart");
    halt->add_option("--account", to.account, "Only this account");
    halt->add_option("--reason", to.reason, "For the journal (at most 48 bytes)")->check(at_most(48));
    CLI::App* resume = add_admin_command("resume", "End a halt");
    resume->add_option("--account", to.account, "Only this account");
    resume->add_option("--reason", to.reason, "For the journal (at most 48 bytes)")->check(at_most(48));
    CLI::App* resolve = add_admin_command("resolve", "Say what became of an unresolved reversal");
    resolve->add_option("client_oid", to.client_oid, "The reversal's clientOid")->required();
    resolve->add_option("--result", to.result, "reversed, partly_reversed, closed_only or not_executed")
        ->required()
        ->check(CLI::IsMember({"reversed", "partly_reversed", "closed_only", "not_executed"}));
    resolve->add_option("--reason", to.reason, "How that is known, for the journal (at most 56 bytes)")
        ->required()
        ->check(at_most(56));
  }

  void add_folders(CLI::App* command) {
    JournalCommand& to = journal_options_;
    auto* state =
        command->add_option("--state-dir", to.state_dir, "Where the journal is")->capture_default_str();
    auto* hot =
        command->add_option("--hot-dir", to.hot_dir, "Where its hot segment is")->capture_default_str();
    command->add_option("--config", to.config, "Take the folders from this configuration file")
        ->excludes(state)
        ->excludes(hot);
    command->add_flag("--json", to.json, "Print each entry as one line of JSON");
  }

  void add_journal() {
    JournalCommand& to = journal_options_;
    journal_ = app_.add_subcommand("journal", "Print the journal from its files");
    add_folders(journal_);
    journal_->add_option("--from", to.from_number, "Leave out records before this number");
    journal_->add_flag("--checkpoints", to.checkpoints, "Also what heads each segment");
    explain_ = app_.add_subcommand("explain", "Tell the story of one reversal, with the venue's raw replies");
    explain_->add_option("client_oid", to.client_oid, "The reversal's clientOid")->required();
    add_folders(explain_);
  }

  void add_doctor() {
    doctor_ =
        app_.add_subcommand("doctor", "Say what on this machine costs latency or safety; changes nothing");
    doctor_->add_option("--config", doctor_options_.config, "Look also at what this configuration needs");
    doctor_
        ->add_option(
            "--pid", doctor_options_.pid,
            "Take limits, rights and CPUs from this process (the running gateway) instead of ourselves")
        ->check(CLI::PositiveNumber);
    doctor_->add_flag("--json", doctor_options_.json, "Print each finding as one line of JSON");
  }

  Command command() {
    if (send_->parsed()) return play_;
    if (reverse_->parsed()) return reverse();
    if (journal_->parsed() || explain_->parsed()) return journal_options_;
    if (doctor_->parsed()) return doctor_options_;
    for (const CLI::App* command : admin_commands_) {
      if (command->parsed()) return admin(command->get_name());
    }
    return Stop{Exit::usage, app_.help()};
  }

  Command admin(const std::string& name) {
    JsonObject request;
    request.text("command", name);
    const auto add = [&](std::string_view key, const std::string& value) {
      if (!value.empty()) request.text(key, value);
    };
    add("account", admin_options_.account);
    add("client_oid", admin_options_.client_oid);
    add("result", admin_options_.result);
    add("reason", admin_options_.reason);
    admin_.request = request.line();
    return admin_;
  }

  Command reverse() {
    const ReverseOptions& from = reverse_options_;
    JsonObject line;
    const auto add = [&](std::string_view key, const std::string& value) {
      if (!value.empty()) line.text(key, value);
    };
    add("account", from.account);
    add("symbol", from.symbol);
    add("product", from.product);
    add("position", from.position);
    add("size", from.size);
    add("expected_size", from.expected_size);
    add("margin_coin", from.margin_coin);
    add("tag", from.tag);
    line.number("deadline_ms", from.deadline_ms).number("priority", from.priority);
    auto intents = read_intents(line.line(), "reverse");
    if (!intents) {
      std::string text;
      for (const std::string& problem : intents.error()) {
        // Of "reverse:1: key: …", the place means nothing to whoever typed it.
        text += "backhand: " + problem.substr(std::string_view{"reverse:1: "}.size()) + "\n";
      }
      return Stop{Exit::usage, text};
    }
    play_.intents = std::move(*intents);
    play_.intents.front().line = 0;
    return play_;
  }

  CLI::App app_{"backhand: talks to a Backhand gateway, and reads its journal.", "backhand"};
  CLI::App* send_ = nullptr;
  CLI::App* reverse_ = nullptr;
  CLI::App* journal_ = nullptr;
  CLI::App* explain_ = nullptr;
  CLI::App* doctor_ = nullptr;
  std::vector<CLI::App*> admin_commands_;
  PlayCommand play_;
  ReverseOptions reverse_options_;
  AdminCommand admin_;
  AdminOptions admin_options_;
  JournalCommand journal_options_;
  DoctorCommand doctor_options_;
};

}  // namespace

Command read_command_line(std::vector<std::string> arguments) {
  return CommandLine{}.read(std::move(arguments));
}

}  // namespace backhand::cli
