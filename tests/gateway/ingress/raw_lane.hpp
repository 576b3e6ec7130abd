// A strategy's end of a lane made by hand over a LaneSet's port, without a socket, with the raw memory at
// hand to spoil. One thread does everything.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/client/intent_builder.hpp"
#include "common/client/lane_end.hpp"
#include "gateway/ingress/lanes.hpp"

namespace backhand::ingress::test {

inline LaneSettings small_lanes(std::uint32_t max_lanes = 8, std::uint32_t capacity = 64) {
  LaneSettings settings;
  settings.max_lanes = max_lanes;
  settings.geometry = {.intent_capacity = capacity, .outcome_capacity = capacity};
  settings.max_lanes_of = {max_lanes, max_lanes, 1};
  return settings;
}

inline std::unique_ptr<LaneSet> make_set(const LaneSettings& settings) {
  auto set = LaneSet::create(settings);
  EXPECT_TRUE(set.has_value()) << (set ? "" : set.error().message);
  return std::move(*set);
}

inline wire::Intent intent(std::uint64_t id) {
  return client::make_reversal("main", wire::Product::usdt_futures, "ETHUSDT", wire::PositionSide::long_side)
      .id(id);
}

inline wire::Outcome event(std::uint64_t intent_id, wire::EventKind kind, std::uint64_t record = 0) {
  wire::Outcome outcome{};
  outcome.intent_id = intent_id;
  outcome.kind = kind;
  outcome.record_number = record;
  switch (kind) {
    case wire::EventKind::denied:
    case wire::EventKind::rejected:
    case wire::EventKind::settled:
    case wire::EventKind::unresolved:
    case wire::EventKind::disarmed:
      outcome.flags = wire::kTerminal;
      break;
    case wire::EventKind::queued:
    case wire::EventKind::sent:
    case wire::EventKind::acked:
    case wire::EventKind::unknown:
    case wire::EventKind::armed:
    case wire::EventKind::notice:
      break;
  }
  return outcome;
}

inline std::vector<LaneChange> do_work(LaneSet& set) {
  std::vector<LaneChange> changes;
  set.do_work([&changes](const LaneChange& change) { changes.push_back(change); });
  return changes;
}

struct RawLane {
  LaneAnswer answer;
  std::vector<LaneChange> changes;
  shm::Region region;
  shm::Region doorbell;
  shm::Fd event_fd;
  wire::LaneView view;
  shm::RingProducer<wire::Intent> intents;
  client::OutcomeEnd outcomes;
  client::GatewayBell bell;

  [[nodiscard]] LaneIndex lane() const noexcept { return answer.lane; }
  bool push(std::uint64_t id) {
    if (intents.try_push(intent(id)) != shm::PushStatus::ok) return false;
    bell.pushed();
    return true;
  }
  /// Everything that is there.
  std::vector<wire::Outcome> poll() {
    std::vector<wire::Outcome> all;
    wire::Outcome outcome;
    while (outcomes.pop(outcome)) all.push_back(outcome);
    if (!all.empty()) outcomes.tell_taken();
    return all;
  }
};

/// Attaches; `answer.kind` says whether it was refused.
inline RawLane attach(LaneSet& set, std::string_view name, std::uint16_t strategy = 0,
                      std::uint64_t cursor = 0) {
  static std::uint64_t next_ticket = 100;
  RawLane raw;
  const wire::LaneGeometry geometry = set.port().geometry();
  auto memory = make_lane_memory(geometry);
  EXPECT_TRUE(memory.has_value());
  raw.region = std::move(*shm::Region::open(shm::Fd(::dup((*memory)->region.fd())), geometry.size()));
  raw.doorbell = std::move(*shm::Region::open(shm::Fd(::dup(set.port().doorbell().fd())),
                                              wire::doorbell_bytes(set.port().doorbell_lanes())));
  raw.event_fd = shm::Fd(::dup((*memory)->event.get()));
  LaneCommand command;
  command.ticket = next_ticket++;
  command.strategy = StrategyIndex{strategy};
  command.lane = wire::LaneName(name);
  command.cursor = cursor;
  command.memory = std::move(*memory);
  set.port().post(std::move(command));
  raw.changes = do_work(set);
  EXPECT_TRUE(set.port().take(raw.answer));
  raw.view = wire::LaneView(raw.region.bytes(), geometry);
  raw.intents = {raw.view.intents, geometry.intent_capacity, &raw.view.header->intent_head};
  raw.outcomes = client::OutcomeEnd(raw.view, geometry.outcome_capacity, raw.event_fd.get());
  if (raw.answer.kind == LaneAnswer::Kind::attached)
    raw.bell = client::GatewayBell(
        &raw.view.header->gateway_wants,
        reinterpret_cast<wire::DoorbellWord*>(raw.doorbell.bytes()) + raw.lane().value / 64,
        std::uint64_t{1} << (raw.lane().value % 64), raw.event_fd.get());
  return raw;
}

inline std::vector<LaneChange> close(LaneSet& set, const RawLane& raw) {
  LaneCommand command;
  command.kind = LaneCommand::Kind::close;
  command.ticket = raw.answer.ticket;
  set.port().post(std::move(command));
  return do_work(set);
}

struct Taken {
  LaneIndex lane;
  std::uint64_t id;
  friend bool operator==(const Taken&, const Taken&) = default;
};

inline std::vector<Taken> drain(LaneSet& set, std::size_t budget = 1'000) {
  std::vector<Taken> taken;
  set.drain(budget,
            [&taken](LaneIndex lane, const wire::Intent& one) noexcept { taken.push_back({lane, one.id}); });
  return taken;
}

/// Drains turn after turn until `turns` are over; returns everything.
inline std::vector<Taken> drain_turns(LaneSet& set, std::size_t turns) {
  std::vector<Taken> all;
  for (std::size_t i = 0; i < turns; ++i)
    for (const Taken& one : drain(set)) all.push_back(one);
  return all;
}

}  // namespace backhand::ingress::test
