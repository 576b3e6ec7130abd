#include "gateway/journal/record.hpp"

#include "gateway/journal/crc32c.hpp"

namespace backhand::journal {

OutcomeBody pack_outcome(const wire::Outcome& outcome) noexcept {
  OutcomeBody body;
  const auto* bytes = reinterpret_cast<const std::byte*>(&outcome);
  std::memcpy(body.head.data(), bytes + offsetof(wire::Outcome, record_number), body.head.size());
  std::memcpy(body.tail.data(), bytes + offsetof(wire::Outcome, user_tag), body.tail.size());
  body.oid_prefix = {};
  body.ground = 0;
  body.reserved = 0;
  body.oid_start = {};
  const auto parsed = outcome.client_oid.empty() ? std::nullopt : parse_client_oid(outcome.client_oid.view());
  if (!parsed) return body;
  body.oid_prefix = FixedString<kMaxOidPrefix>{parsed->start.prefix.view()};
  body.oid_start = {static_cast<std::uint32_t>(parsed->start.random),
                    static_cast<std::uint32_t>(parsed->start.random >> 32), parsed->start.journal_tag};
  return body;
}

wire::Outcome unpack_outcome(const OutcomeBody& body, ReversalKey key) noexcept {
  wire::Outcome outcome;
  auto* bytes = reinterpret_cast<std::byte*>(&outcome);
  std::memcpy(bytes + offsetof(wire::Outcome, record_number), body.head.data(), body.head.size());
  std::memcpy(bytes + offsetof(wire::Outcome, user_tag), body.tail.data(), body.tail.size());
  outcome.event_number = 0;
  outcome.client_oid = {};
  const OidStart start{FixedString<8>{body.oid_prefix.view()}, body.oid_start[2],
                       static_cast<std::uint64_t>(body.oid_start[1]) << 32 | body.oid_start[0]};
  const bool can_be_written = key.valid() && key.sequence < kMaxSequence && key.lane < kMaxOidLane;
  if (is_oid_prefix(start.prefix.view()) && can_be_written && is_oid_start(start))
    outcome.client_oid = render_client_oid(start, key);
  return outcome;
}

RunState pack_run_state(const Started& started, std::uint32_t epoch, bool clean_stop) noexcept {
  RunState out{};
  const auto* bytes = reinterpret_cast<const std::byte*>(&started);
  std::memcpy(out.started.data(), bytes, out.started.size());
  std::memcpy(out.started_rest.data(), bytes + out.started.size(), out.started_rest.size());
  out.epoch = epoch;
  out.clean_stop = clean_stop ? 1 : 0;
  return out;
}

Started started_of(const RunState& state) noexcept {
  Started out;
  auto* bytes = reinterpret_cast<std::byte*>(&out);
  std::memcpy(bytes, state.started.data(), state.started.size());
  std::memcpy(bytes + state.started.size(), state.started_rest.data(), state.started_rest.size());
  return out;
}

std::uint8_t parts_of(Kind kind) noexcept {
  switch (kind) {
    case Kind::none:
      return 0;
    case Kind::started:
      return kPartsOf<Started>;
    case Kind::stopped:
      return kPartsOf<Stopped>;
    case Kind::lane_opened:
      return kPartsOf<LaneOpened>;
    case Kind::taken:
      return kPartsOf<Taken>;
    case Kind::intended:
      return kPartsOf<Intended>;
    case Kind::voided:
      return kPartsOf<Voided>;
    case Kind::sent:
      return kPartsOf<Sent>;
    case Kind::learned:
      return kPartsOf<Learned>;
    case Kind::settled:
      return kPartsOf<Settled>;
    case Kind::outcome:
      return kPartsOf<OutcomeBody>;
    case Kind::resolved:
      return kPartsOf<Resolved>;
    case Kind::halted:
      return kPartsOf<Halted>;
    case Kind::resumed:
      return kPartsOf<Resumed>;
    case Kind::account_halted:
      return kPartsOf<AccountHalted>;
    case Kind::shot_taken:
      return kPartsOf<ShotTaken>;
    case Kind::lane_noted:
      return kPartsOf<LaneNoted>;
    case Kind::lane_marks:
      return kPartsOf<LaneMarks>;
    case Kind::day_count:
      return kPartsOf<DayCount>;
    case Kind::run_state:
      return kPartsOf<RunState>;
    case Kind::checkpoint_end:
      return kPartsOf<CheckpointEnd>;
    case Kind::case_state:
      return kPartsOf<CaseState>;
    case Kind::hour_count:
      return kPartsOf<HourCount>;
    case Kind::name_found:
      return kPartsOf<NameFound>;
    case Kind::start_name:
      return kPartsOf<StartName>;
    case Kind::account_uid:
      return kPartsOf<AccountUid>;
  }
  return 0;
}

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::none:
      return "none";
    case Kind::started:
      return "started";
    case Kind::stopped:
      return "stopped";
    case Kind::lane_opened:
      return "lane_opened";
    case Kind::taken:
      return "taken";
    case Kind::intended:
      return "intended";
    case Kind::voided:
      return "voided";
    case Kind::sent:
      return "sent";
    case Kind::learned:
      return "learned";
    case Kind::settled:
      return "settled";
    case Kind::outcome:
      return "outcome";
    case Kind::resolved:
      return "resolved";
    case Kind::halted:
      return "halted";
    case Kind::resumed:
      return "resumed";
    case Kind::account_halted:
      return "account_halted";
    case Kind::shot_taken:
      return "shot_taken";
    case Kind::lane_noted:
      return "lane_noted";
    case Kind::lane_marks:
      return "lane_marks";
    case Kind::day_count:
      return "day_count";
    case Kind::run_state:
      return "run_state";
    case Kind::checkpoint_end:
      return "checkpoint_end";
    case Kind::case_state:
      return "case_state";
    case Kind::hour_count:
      return "hour_count";
    case Kind::name_found:
      return "name_found";
    case Kind::start_name:
      return "start_name";
    case Kind::account_uid:
      return "account_uid";
  }
  return "?";
}

std::string_view to_string(Scope scope) noexcept {
  switch (scope) {
    case Scope::all:
      return "all";
    case Scope::account:
      return "account";
    case Scope::strategy:
      return "strategy";
    case Scope::position:
      return "position";
  }
  return "?";
}

std::uint32_t checksum_of(const Record& record) noexcept {
  return crc32c(std::as_bytes(std::span{&record, 1}).subspan(sizeof(record.crc)));
}

bool is_valid(const Record& record) noexcept {
  const std::uint8_t parts = parts_of(record.kind);
  return parts != 0 && record.version == kRecordVersion && record.parts() == parts && record.part() < parts &&
         record.crc == checksum_of(record);
}

}  // namespace backhand::journal
