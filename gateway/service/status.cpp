#include "gateway/service/status.hpp"

#include <array>

#include "common/wire/names.hpp"
#include "gateway/service/json_text.hpp"

namespace backhand::service {

namespace {

constexpr std::size_t kShownPositions = 256;

std::string_view to_string(engine::AccountPhase phase) noexcept {
  switch (phase) {
    case engine::AccountPhase::starting:
      return "starting";
    case engine::AccountPhase::ready:
      return "ready";
    case engine::AccountPhase::halted:
      return "halted";
    case engine::AccountPhase::unused:
      return "unused";
    case engine::AccountPhase::refused:
      return "refused";
  }
  return "invalid";
}

std::string_view to_string(order::BlockReason reason) noexcept {
  switch (reason) {
    case order::BlockReason::none:
      return "";
    case order::BlockReason::unknown:
      return "unknown";
    case order::BlockReason::unresolved:
      return "unresolved";
    case order::BlockReason::unclean_start:
      return "unclean_start";
    case order::BlockReason::by_operator:
      return "by_operator";
  }
  return "invalid";
}

std::string counters_json(const engine::Counters& c) {
  JsonObject out;
  out.add("intents", c.intents).add("denied", c.denied).add("sent", c.sent).add("acked", c.acked);
  out.add("rejected", c.rejected)
      .add("unknown", c.unknown)
      .add("settled", c.settled)
      .add("unresolved", c.unresolved);
  out.add("throttled", c.throttled).add("lookups", c.lookups).add("lookups_lost", c.lookups_lost);
  out.add("shots_armed", c.shots_armed).add("shots_fired", c.shots_fired).add("seals_fired", c.seals_fired);
  out.add("seals", c.seals).add("seals_lost", c.seals_lost).add("signed_again", c.signed_again);
  out.add("replayed", c.replayed).add("late_replies", c.late_replies);
  return out.str();
}

std::string pool_json(const Status& status) {
  JsonObject out;
  out.add("ready", std::uint64_t{status.connections_ready})
      .add("wanted", std::uint64_t{status.connections_wanted});
  out.add("dials", status.pool.dials)
      .add("dials_failed", status.pool.dials_failed)
      .add("retired", status.pool.retired);
  out.add("closed_by_peer", status.pool.closed_by_peer).add("lost", status.pool.lost);
  out.add("not_written", status.pool.not_written).add("pings", status.pool.pings);
  return out.str();
}

std::string positions_json(const Status& status, const config::Config& config,
                           const engine::Directory& directory) {
  std::string out = "[";
  for (const Status::Position& position : status.positions) {
    const engine::PositionEntry& entry = directory[position.open.position];
    JsonObject item;
    item.add("account", config.accounts[entry.account.value].name).add("symbol", entry.id.symbol.view());
    item.add("product", wire::to_string(entry.id.product)).add("blocked", to_string(position.open.blocked));
    if (position.open.slot != engine::kNoSlot) {
      item.add("client_oid", position.client_oid.view()).add("state", order::to_string(position.state));
    }
    if (out.size() > 1) out += ',';
    out += item.str();
  }
  return out + "]";
}

}  // namespace

Status make_status(const config::Config& config) {
  Status out;
  out.accounts.resize(config.accounts.size());
  out.positions.reserve(kShownPositions);
  return out;
}

void gather(const engine::Engine& engine, const net::Pool* pool, Ns now, Status& out) {
  out.ready = engine.ready();
  out.halted = engine.halted();
  out.not_ready_because = engine.not_ready_because();
  out.counters = engine.counters();
  out.open_intents = engine.open_intents();
  out.clock_known = engine.clock().known(now);
  if (out.clock_known) {
    out.clock_offset_ns = engine.clock().offset_ns();
    out.clock_error_ns = engine.clock().error_ns(now);
  }
  if (pool != nullptr) {
    out.pool = pool->counters();
    out.connections_ready = pool->ready();
    out.connections_wanted = pool->wanted();
  }
  for (std::uint16_t a = 0; a < out.accounts.size(); ++a) out.accounts[a] = engine.account(AccountIndex{a});
  std::array<engine::OpenPosition, kShownPositions> open;
  const std::size_t count = engine.open_positions(open);
  out.positions.clear();
  for (std::size_t i = 0; i < count; ++i) {
    Status::Position position{open[i], {}, order::ReversalState::invalid};
    if (open[i].slot != engine::kNoSlot) {
      position.client_oid = engine.slot(open[i].slot).client_oid;
      position.state = engine.slot(open[i].slot).state;
    }
    out.positions.push_back(position);
  }
}

std::string to_json(const Status& status, const config::Config& config, const engine::Directory& directory) {
  std::string accounts = "[";
  for (std::size_t a = 0; a < status.accounts.size(); ++a) {
    const engine::AccountState& state = status.accounts[a];
    JsonObject item;
    item.add("name", config.accounts[a].name).add("state", to_string(state.phase)).add("why", state.why);
    item.add("lead_trader", state.lead_trader).add("halted_by_operator", state.halted_by_operator);
    if (!state.refusal.empty()) item.add("venue_code", state.refusal.view());
    if (a > 0) accounts += ',';
    accounts += item.str();
  }
  JsonObject out;
  out.add("ok", true).add("ready", status.ready).add("halted", status.halted);
  if (!status.ready) out.add("waits_for", status.not_ready_because);
  out.add("open_intents", status.open_intents);
  out.add("clock_known", status.clock_known).add("clock_offset_ns", std::int64_t{status.clock_offset_ns});
  out.add("clock_error_ns", std::int64_t{status.clock_error_ns});
  out.add_raw("connections", pool_json(status)).add_raw("counters", counters_json(status.counters));
  out.add_raw("accounts", accounts + "]").add_raw("positions", positions_json(status, config, directory));
  return out.str();
}

}  // namespace backhand::service
