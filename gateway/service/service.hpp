// The gateway as a process: everything that is made at start, and the service thread that then serves
// attaching strategies, the admin socket and systemd, and waits for neither disk nor log. Lives as long as
// `main`.
#pragma once

#include <expected>
#include <memory>

#include "common/error.hpp"
#include "gateway/config/load.hpp"

namespace backhand::service {

/// How a run ended; the numbers are the process's exit statuses.
enum class ExitStatus : int {
  clean = 0,   ///< Stopped; every reversal has a definite end.
  failed = 1,  ///< It could not start, or something that it cannot do without has failed.
  usage = 2,   ///< The command line or the configuration is wrong.
  without_end =
      3,  ///< Stopped; at least one reversal has no definite end yet. The next start goes on with it.
};

/// Runs the gateway until SIGTERM or SIGINT. `loaded` is the checked configuration with its secrets, which
/// are moved out. Errors are set-up errors: nothing was taken or sent.
[[nodiscard]] std::expected<ExitStatus, Error> run_gateway(config::Loaded&& loaded);

}  // namespace backhand::service
