#include "gateway/service/status.hpp"

#include <array>

#include "common/json_text.hpp"
#include "common/wire/names.hpp"
#include "gateway/config/names.hpp"
#include "gateway/service/trouble_text.hpp"

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

std::string lanes_json(const Status& status, const config::Config& config) {
  std::string out = "[";
  for (std::size_t s = 0; s < status.lanes.size(); ++s) {
    JsonObject item;
    item.text("name", config.strategies[s].name).number("lanes", status.lanes[s].named);
    item.number("attached", status.lanes[s].attached);
    if (s > 0) out += ',';
    out += item.line();
  }
  return out + "]";
}

std::string denials_json(const engine::Counters& c) {
  JsonObject out;
  for (std::size_t reason = 0; reason < c.denied_by.size(); ++reason) {
    if (c.denied_by[reason] != 0)
      out.number(wire::to_string(static_cast<wire::DenyReason>(reason)), c.denied_by[reason]);
  }
  return out.line();
}

std::string counters_json(const engine::Counters& c) {
  JsonObject out;
  out.number("intents", c.intents)
      .number("denied", c.denied)
      .number("held_back", c.held_back)
      .number("sent", c.sent)
      .number("acked", c.acked);
  out.number("rejected", c.rejected)
      .number("unknown", c.unknown)
      .number("settled", c.settled)
      .number("unresolved", c.unresolved);
  out.number("throttled", c.throttled).number("lookups", c.lookups).number("lookups_lost", c.lookups_lost);
  out.number("shots_armed", c.shots_armed).number("shots_fired", c.shots_fired);
  out.number("signed_again", c.signed_again);
  out.number("replayed", c.replayed).number("replies_distrusted", c.distrusted);
  out.number("late_replies", c.late_replies).number("foreign_changes", c.foreign_changes);
  out.raw("denied_by", denials_json(c));
  return out.line();
}

std::string pool_json(const Status& status) {
  JsonObject out;
  out.number("ready", status.connections_ready).number("wanted", status.connections_wanted);
  out.number("dials", status.pool.dials)
      .number("dials_failed", status.pool.dials_failed)
      .number("retired", status.pool.retired);
  out.number("closed_by_peer", status.pool.closed_by_peer).number("lost", status.pool.lost);
  out.number("distrusted", status.pool.distrusted);
  out.number("not_written", status.pool.not_written).number("pings", status.pool.pings);
  return out.line();
}

std::string positions_json(const Status& status, const config::Config& config,
                           const engine::Directory& directory) {
  std::string out = "[";
  for (const Status::Position& position : status.positions) {
    const engine::PositionEntry& entry = directory[position.open.position];
    JsonObject item;
    item.text("account", config.accounts[entry.account.value].name).text("symbol", entry.id.symbol.view());
    item.text("product", wire::to_string(entry.id.product)).text("blocked", to_string(position.open.blocked));
    if (position.open.slot != engine::kNoSlot) {
      item.text("client_oid", position.client_oid.view()).text("state", order::to_string(position.state));
    }
    if (out.size() > 1) out += ',';
    out += item.line();
  }
  return out + "]";
}

std::string products_json(std::uint8_t products) {
  std::string out = "[";
  for (unsigned product = 0; product < 8; ++product) {
    if ((products >> product & 1U) == 0) continue;
    if (out.size() > 1) out += ',';
    out += '"' + std::string{wire::to_string(static_cast<wire::Product>(product))} + '"';
  }
  return out + "]";
}

std::string troubles_json(const Status& status, const config::Config& config,
                          const bitget::Dialect& dialect) {
  std::string out = "[";
  for (const engine::Trouble& trouble : status.troubles) {
    JsonObject item;
    item.text("what", trouble_text(trouble, config, dialect)).number("times", trouble.count);
    item.number("since_ns", trouble.since_ns).number("last_ns", trouble.last_ns);
    if (out.size() > 1) out += ',';
    out += item.line();
  }
  return out + "]";
}

std::string waits_text(const Status& status, const config::Config& config, const bitget::Dialect& dialect,
                       std::string_view dial_problem) {
  std::string out{status.not_ready_because};
  if (status.has_last_trouble) out += "; last: " + trouble_text(status.last_trouble, config, dialect);
  if (status.connections_ready == 0 && !dial_problem.empty()) out += "; " + std::string{dial_problem};
  return out;
}

}  // namespace

Status make_status(const config::Config& config) {
  Status out;
  out.accounts.resize(config.accounts.size());
  out.lanes.resize(config.strategies.size());
  out.halt_reason.reserve(64);
  out.positions.reserve(kShownPositions);
  out.troubles.reserve(engine::TroubleBook::kEntries);
  return out;
}

void gather(const engine::Engine& engine, const net::Pool* pool, Ns now, Status& out) {
  out.ready = engine.ready();
  out.halted = engine.halted();
  out.halt_reason.assign(engine.halted() ? engine.halt_reason() : std::string_view{});
  out.journal_failed = engine.journal_failed();
  for (Status::Lanes& lanes : out.lanes) lanes = {};
  for (std::uint16_t i = 0; i < engine.lanes().size(); ++i) {
    const LaneIndex lane{i};
    if (!engine.lanes().is_open(lane) || engine.lanes().strategy(lane).value >= out.lanes.size()) continue;
    Status::Lanes& lanes = out.lanes[engine.lanes().strategy(lane).value];
    ++lanes.named;
    if (engine.lanes().is_attached(lane)) ++lanes.attached;
  }
  const engine::Waits waits = engine.waits();
  out.taken_ns = now;
  out.not_ready_because = waits.what;
  out.waits_since_ns = waits.since_ns;
  out.has_last_trouble = waits.last != nullptr;
  if (waits.last != nullptr) out.last_trouble = *waits.last;
  out.troubles.resize(engine::TroubleBook::kEntries);
  out.troubles.resize(engine.troubles().copy(out.troubles));
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

std::string to_json(const Status& status, const config::Config& config, const engine::Directory& directory,
                    const bitget::Dialect& dialect, std::string_view dial_problem) {
  std::string accounts = "[";
  for (std::size_t a = 0; a < status.accounts.size(); ++a) {
    const engine::AccountState& state = status.accounts[a];
    JsonObject item;
    item.text("name", config.accounts[a].name).text("state", to_string(state.phase)).text("why", state.why);
    item.flag("ready", state.serves).text("waits_for", state.waits_for);
    if (state.changed_ns != 0) item.number("since_s", (status.taken_ns - state.changed_ns) / kSecond);
    item.flag("lead_trader", state.lead_trader).flag("halted_by_operator", state.halted_by_operator);
    if (!state.refusal.empty()) item.text("venue_code", state.refusal.view());
    item.raw("not_proven", products_json(static_cast<std::uint8_t>(state.needed & ~state.proven)));
    if (a > 0) accounts += ',';
    accounts += item.line();
  }
  JsonObject out;
  out.flag("ok", true).flag("ready", status.ready).flag("halted", status.halted);
  if (status.halted) out.text("halt_reason", status.halt_reason);
  out.text("version", BACKHAND_VERSION).text("environment", config::to_string(config.environment));
  out.flag("dry_run", config.gateway.dry_run);
  out.flag("journal_failed", status.journal_failed);
  if (!status.ready) {
    out.text("waits_for", waits_text(status, config, dialect, dial_problem));
    out.number("waits_since_s", (status.taken_ns - status.waits_since_ns) / kSecond);
  }
  out.raw("troubles", troubles_json(status, config, dialect));
  out.number("open_intents", status.open_intents);
  out.flag("clock_known", status.clock_known).number("clock_offset_ns", status.clock_offset_ns);
  out.number("clock_error_ns", status.clock_error_ns);
  out.number("log_lines_dropped", status.log_lines_dropped);
  out.raw("connections", pool_json(status)).raw("counters", counters_json(status.counters));
  out.raw("strategies", lanes_json(status, config));
  out.raw("accounts", accounts + "]").raw("positions", positions_json(status, config, directory));
  return out.line();
}

}  // namespace backhand::service
