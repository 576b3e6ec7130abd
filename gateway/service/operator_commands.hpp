// What the operator asks over the admin socket: status, halt, resume, resolve. Service thread only; nothing
// here waits: a reply that needs the I/O thread or the disk is given later.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/journal/halt_marker.hpp"
#include "gateway/journal/journal.hpp"
#include "gateway/journal/settings.hpp"
#include "gateway/service/admin_server.hpp"
#include "gateway/service/disk_thread.hpp"
#include "gateway/service/io_loop.hpp"

namespace backhand::service {

class OperatorCommands {
 public:
  struct Parts {
    const config::Config& config;
    const journal::Settings& journal_settings;
    journal::Storage& storage;
    journal::Journal& journal;
    IoLoop& loop;
    DiskThread& disk;
    const bitget::Dialect& dialect;
    const std::string& dial_problem;  ///< Why the last dial failed; empty where a connection has come since.
  };
  explicit OperatorCommands(const Parts& parts) : parts_(parts) {}

  [[nodiscard]] std::variant<std::string, AdminServer::Later> answer(const AdminRequest& request);

 private:
  using Later = AdminServer::Later;
  struct HaltAsked;

  [[nodiscard]] Later status();
  [[nodiscard]] Later halt(const AdminRequest& request, AccountIndex account);
  [[nodiscard]] Later resume(const AdminRequest& request, AccountIndex account);
  [[nodiscard]] std::variant<std::string, Later> resolve(const AdminRequest& request);
  /// Has `run` called on the I/O thread; `reply` gives the answer once that is done.
  [[nodiscard]] Later on_loop(std::function<void(engine::Engine&, const net::Pool*, Ns now)> run,
                              std::function<std::optional<std::string>()> reply);
  [[nodiscard]] std::optional<std::string> judge_halt(HaltAsked& asked);
  void mark(HaltAsked& asked);
  void unmark(const std::string& account);

  Parts parts_;
  /// Halts in force that were written to the markers, as the journal could not record them.
  std::vector<journal::MarkedHalt> marked_;
};

/// Takes over the halts that the last run could only mark: puts them into force and into the journal. Before
/// the I/O thread and the disk's threads run. The error names the marker that could not be removed.
[[nodiscard]] std::expected<void, Error> take_over_marked_halts(const config::Config& config,
                                                                const journal::Settings& settings,
                                                                journal::Storage& storage,
                                                                journal::Journal& journal,
                                                                engine::Engine& engine);

}  // namespace backhand::service
