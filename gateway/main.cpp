// backhandd: the gateway daemon. Command line and environment stop here.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>

#include "common/standard_descriptors.hpp"
#include "gateway/config/describe.hpp"
#include "gateway/config/load.hpp"
#include "gateway/net/tls_context.hpp"
#include "gateway/net/tls_memory.hpp"
#include "gateway/service/log.hpp"
#include "gateway/service/service.hpp"

namespace {

using backhand::service::ExitStatus;

int exit_with(ExitStatus status) { return static_cast<int>(status); }

int run(int argc, char** argv) {
  CLI::App app{"Backhand: reverses Bitget futures positions for strategies on this host."};
  std::string path;
  std::string credentials;
  if (const char* const given = std::getenv("CREDENTIALS_DIRECTORY")) credentials = given;
  bool check_only = false;
  app.add_option("--config", path, "The configuration file (TOML)")->required();
  app.add_flag("--check-config", check_only,
               "Check the configuration, its folders, CPUs and secret files, print it, and exit");
  app.add_option("--credentials", credentials,
                 "Folder of systemd credentials; else $CREDENTIALS_DIRECTORY, which systemd sets");
  app.set_version_flag("--version", BACKHAND_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_with(ExitStatus::clean) : exit_with(ExitStatus::usage);
  }

  // Secrets must not reach a core dump, whatever the limits are.
  (void)::prctl(PR_SET_DUMPABLE, 0);
  std::vector<backhand::config::Problem> warnings;
  std::vector<backhand::config::Problem> unread;
  // Where only the configuration is to be checked, what systemd will bring is not there yet.
  auto loaded =
      backhand::config::load_with_secrets(path, credentials, &warnings, check_only ? &unread : nullptr);
  warnings.insert(warnings.end(), unread.begin(), unread.end());
  for (const auto& warning : warnings) {
    std::fprintf(stderr, "warning: %s\n", backhand::config::to_string(warning).c_str());
  }
  if (!loaded) {
    std::fprintf(stderr, "%s\n", backhand::config::to_string(loaded.error()).c_str());
    return exit_with(ExitStatus::usage);
  }
  const backhand::config::Venue& venue = loaded->config.venue;
  if (const auto context = backhand::net::TlsContext::create(venue.host, venue.ca_file); !context) {
    std::fprintf(stderr, "%s: venue.ca_file: %s\n", path.c_str(), context.error().message.c_str());
    return exit_with(ExitStatus::usage);
  }
  const std::string effective = backhand::config::describe(loaded->config);
  if (check_only) {
    std::printf("%s", effective.c_str());
    return exit_with(ExitStatus::clean);
  }
  backhand::service::start_log();
  backhand::service::log(backhand::service::LogLevel::info,
                         "backhandd " BACKHAND_VERSION "; effective configuration:");
  std::istringstream lines{effective};
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) backhand::service::log(backhand::service::LogLevel::info, "  " + line);
  }
  const auto ended = backhand::service::run_gateway(std::move(*loaded));
  if (!ended) {
    backhand::service::log(backhand::service::LogLevel::error, ended.error().message);
    return exit_with(ExitStatus::failed);
  }
  return exit_with(*ended);
}

}  // namespace

int main(int argc, char** argv) {
  if (!backhand::open_standard_descriptors()) return exit_with(ExitStatus::failed);
  // A reader of our output that goes away must not end the gateway.
  (void)std::signal(SIGPIPE, SIG_IGN);
  // Before anything touches OpenSSL, so that its small blocks come from lists of their own.
  (void)backhand::net::install_tls_allocator();
  try {
    const int status = run(argc, argv);
    backhand::service::flush_log();
    return status;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "backhandd: %s\n", error.what());
    return exit_with(ExitStatus::failed);
  }
}
