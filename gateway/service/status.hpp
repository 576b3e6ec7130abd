// What `backhand status` shows: gathered on the I/O thread between two turns into memory made ready before,
// written as JSON on the service thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/net/pool.hpp"

namespace backhand::service {

struct Status {
  struct Position {
    engine::OpenPosition open;
    wire::ClientOid client_oid;
    order::ReversalState state = order::ReversalState::invalid;
  };
  bool ready = false;
  bool halted = false;
  std::string halt_reason;  ///< Capacity made before.
  bool journal_failed = false;
  struct Lanes {
    std::uint32_t named = 0;
    std::uint32_t attached = 0;
  };
  std::vector<Lanes> lanes;  ///< By strategy. Sized before.
  Ns taken_ns = 0;
  std::string_view not_ready_because;
  Ns waits_since_ns = 0;
  bool has_last_trouble = false;
  engine::Trouble last_trouble;           ///< With has_last_trouble: of what it waits for.
  std::vector<engine::Trouble> troubles;  ///< Capacity made before: what brings nothing at present.
  engine::Counters counters;
  net::PoolCounters pool;
  unsigned connections_ready = 0;
  unsigned connections_wanted = 0;
  std::uint32_t open_intents = 0;
  bool clock_known = false;
  Ns clock_offset_ns = 0;
  Ns clock_error_ns = 0;
  std::uint64_t log_lines_dropped = 0;         ///< Nobody read them in time.
  std::vector<engine::AccountState> accounts;  ///< Sized before.
  std::vector<Position> positions;             ///< Capacity made before; those that are occupied or blocked.
};

/// Room for everything that `gather` may find.
[[nodiscard]] Status make_status(const config::Config& config);
/// I/O thread.
void gather(const engine::Engine& engine, const net::Pool* pool, Ns now, Status& out);
/// Service thread. `dial_problem`: why the last dial failed, where no connection has come since.
[[nodiscard]] std::string to_json(const Status& status, const config::Config& config,
                                  const engine::Directory& directory, const bitget::Dialect& dialect,
                                  std::string_view dial_problem);

}  // namespace backhand::service
