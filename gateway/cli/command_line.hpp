// The words of `backhand`: what a command line asks for, checked as far as it can be without a gateway.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "gateway/cli/intents.hpp"
#include "gateway/domain/operator_lane.hpp"

namespace backhand::cli {

/// Exit statuses; `--help` says the same.
enum class Exit : int {
  ok = 0,        ///< Done; send, reverse: every intent ended well (PlaySummary::all_reversed).
  not_done = 1,  ///< The gateway said no; send, reverse: some intent ended otherwise; doctor: a problem.
  usage = 2,     ///< Wrong command line or file, or no gateway to attach to.
};

inline constexpr const char* kDefaultRuntimeDir = "/run/backhand";
inline constexpr const char* kDefaultStateDir = "/var/lib/backhand";
inline constexpr const char* kDefaultHotDir = "/dev/shm";

/// Where a gateway is: given itself, by its configuration, or the default.
struct Place {
  std::string socket;
  std::string config;
};

/// `send` and `reverse`.
struct PlayCommand {
  Place at;
  std::string strategy;
  std::string lane{domain::kOperatorLane};
  std::string file;                  ///< send
  std::vector<TimedIntent> intents;  ///< reverse: the one.
  bool json = false;
  double timeout_s = 180.0;
};

/// Whatever goes through the admin socket.
struct AdminCommand {
  Place at;
  std::string request;  ///< One JSON object.
  bool json = false;
  double timeout_s = 5.0;
};

/// `journal` and `explain`: read the journal's files; work beside a gateway and without one.
struct JournalCommand {
  std::string config;
  std::string state_dir = kDefaultStateDir;
  std::string hot_dir = kDefaultHotDir;
  std::string client_oid;         ///< explain: this reversal's story. Empty: the whole journal.
  std::uint64_t from_number = 0;  ///< journal: leave out older records.
  bool checkpoints = false;       ///< journal: also what heads each segment.
  bool json = false;
};

/// `doctor`: looks at the machine; needs no gateway.
struct DoctorCommand {
  std::string config;        ///< Empty: the machine alone.
  std::string pid = "self";  ///< Whose limits, rights and CPUs count.
  bool json = false;
};

/// Nothing (more) to do: help was asked for, or the line is wrong.
struct Stop {
  Exit status = Exit::ok;
  std::string text;  ///< To standard output with ok, else to standard error.
};

using Command = std::variant<PlayCommand, AdminCommand, JournalCommand, DoctorCommand, Stop>;

/// Reads `arguments` (without the program's name).
[[nodiscard]] Command read_command_line(std::vector<std::string> arguments);

}  // namespace backhand::cli
