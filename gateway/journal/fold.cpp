#include "gateway/journal/fold.hpp"

#include <algorithm>

namespace backhand::journal {
namespace {

/// A day's worth, and the hour under way.
constexpr std::uint32_t kHoursKept = 25;
constexpr std::uint32_t kHoursOfDay = 24;

std::uint32_t hour_of(std::int64_t real_ns) noexcept {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(real_ns, 0) / kHour_ns);
}

template <class Body>
Dated<Body> dated(std::span<const Record> parts) noexcept {
  return {parts[0].real_ns, parts[0].mono_ns, parts[0].epoch, body_of<Body>(parts)};
}

std::string of_lane(const Record& head, std::uint64_t intent_id) {
  return "lane " + std::to_string(head.lane) + ", intent " + std::to_string(intent_id);
}

/// Collects a checkpoint's entries with numbers of their own.
class Checkpoint {
 public:
  template <class Body>
  void add(const Stamp& stamp, const Dated<Body>& dated) {
    Entry entry{stamp, dated.body};
    for (Record& record : entry.parts()) {
      record.number = records_.size() + 1;
      record.real_ns = dated.real_ns;
      record.mono_ns = dated.mono_ns;
      record.epoch = dated.epoch;
      record.crc = checksum_of(record);
      records_.push_back(record);
    }
  }
  template <class Body>
  void add(const Stamp& stamp, const std::optional<Dated<Body>>& dated) {
    if (dated) add(stamp, *dated);
  }
  template <class Body>
  void add_undated(const Stamp& stamp, const Body& body) {
    add(stamp, Dated<Body>{0, 0, 0, body});
  }

  [[nodiscard]] std::vector<Record> finish() {
    add_undated(Stamp{}, CheckpointEnd{records_.size() + 1});
    return std::move(records_);
  }

 private:
  std::vector<Record> records_;
};

void add_lane(Checkpoint& out, const LaneState& lane) {
  const Stamp of_lane{0, {0, lane.lane, 0}, {}, {}};
  out.add_undated(of_lane, LaneOpened{lane.strategy, lane.name});
  for (const StoredOutcome& stored : lane.outcomes) {
    const Stamp stamp{stored.mono_ns, stored.key, stored.product, stored.outcome.position_side};
    out.add(stamp,
            Dated<OutcomeBody>{stored.real_ns, stored.mono_ns, stored.epoch, pack_outcome(stored.outcome)});
  }
  out.add_undated(of_lane, LaneMarks{lane.taken_mark, lane.last_record_number, lane.noted});
}

void add_case(Checkpoint& out, const OpenCase& open) {
  const auto stamp_at = [&](Ns mono_ns) {
    return Stamp{mono_ns, open.key, open.product, open.position_side};
  };
  if (open.taken && open.is_shot) {
    const auto& taken = *open.taken;
    out.add(stamp_at(taken.mono_ns),
            Dated<ShotTaken>{taken.real_ns, taken.mono_ns, taken.epoch, ShotTaken{taken.body}});
  } else if (open.taken) {
    out.add(stamp_at(open.taken->mono_ns), *open.taken);
  }
  if (open.intended) out.add(stamp_at(open.intended->mono_ns), *open.intended);
  if (open.voided) out.add(stamp_at(open.voided->mono_ns), *open.voided);
  if (open.sent) out.add(stamp_at(open.sent->mono_ns), *open.sent);
  if (open.learned) out.add(stamp_at(open.learned->mono_ns), *open.learned);
  if (open.settled) out.add(stamp_at(open.settled->mono_ns), *open.settled);
  if (open.resolved) out.add(stamp_at(open.resolved->mono_ns), *open.resolved);
  const auto told = static_cast<std::uint8_t>(open.told_unknown ? 1 : 0);
  out.add_undated(stamp_at(0), CaseState{open.intent_id,
                                         static_cast<std::uint8_t>(open.phase),
                                         told,
                                         FixedString<kMaxOidPrefix>{open.oid_start.prefix.view()},
                                         open.oid_start.random,
                                         open.oid_start.journal_tag,
                                         {}});
}

void add_halt(Checkpoint& out, const Halt& halt) {
  const Stamp stamp{halt.mono_ns, {}, {}, {}};
  if (halt.by_venue) {
    out.add(stamp,
            Dated<AccountHalted>{
                halt.real_ns, halt.mono_ns, halt.epoch,
                AccountHalted{halt.name, FixedString<40>{halt.reason}, halt.code, halt.code_class, {}}});
  } else {
    out.add(stamp, Dated<Halted>{halt.real_ns, halt.mono_ns, halt.epoch,
                                 Halted{halt.name, FixedString<48>{halt.reason}, halt.scope, {}}});
  }
}

}  // namespace

std::expected<void, std::string> Fold::apply(std::span<const Record> parts) {
  state_.clean_stop = parts[0].kind == Kind::stopped;
  state_.last_record_ns = parts[0].mono_ns;
  switch (parts[0].kind) {
    case Kind::started:
      state_.last_start = body_of<Started>(parts);
      state_.epoch = parts[0].epoch;
      state_.names.begin_start(state_.last_start.oid_start(), state_.epoch);
      return {};
    case Kind::outcome:
      return on_outcome(parts);
    case Kind::intended: {
      state_.names.use(parts[0].sequence);
      const Answer answer = on_intended(parts);
      if (answer) count_hour(parts[0].product(), dated<Intended>(parts), true);
      return answer;
    }
    case Kind::voided: {
      if (const OpenCase* open = find(parts[0], body_of<Voided>(parts).intent_id); open && open->intended)
        count_hour(parts[0].product(), *open->intended, false);
      return apply_common(parts);
    }
    case Kind::lane_marks:
    case Kind::day_count:
    case Kind::hour_count:
    case Kind::run_state:
    case Kind::checkpoint_end:
    case Kind::case_state:
    case Kind::start_name:
    case Kind::none:
      return std::unexpected("a checkpoint's record among the others");
    default:
      return apply_common(parts);
  }
}

std::expected<void, std::string> Fold::apply_checkpoint(std::span<const Record> parts) {
  const Record& head = parts[0];
  switch (head.kind) {
    case Kind::run_state: {
      const auto run = body_of<RunState>(parts);
      state_.last_start = started_of(run);
      state_.epoch = run.epoch;
      state_.clean_stop = run.clean_stop != 0;
      // A checkpoint of an earlier version does not list its starts.
      if (state_.epoch != 0 && state_.last_start.oid_start().is_old_style())
        state_.names.begin_start(state_.last_start.oid_start(), state_.epoch);
      return {};
    }
    case Kind::outcome: {
      const auto lane = state_.lanes.find(head.lane);
      if (lane == state_.lanes.end()) return std::unexpected("an outcome before its lane");
      keep(lane->second, parts, unpack_outcome(body_of<OutcomeBody>(parts), head.key()));
      return {};
    }
    case Kind::lane_marks: {
      const auto lane = state_.lanes.find(head.lane);
      if (lane == state_.lanes.end()) return std::unexpected("marks before their lane");
      const auto marks = body_of<LaneMarks>(parts);
      lane->second.taken_mark = marks.taken_mark;
      lane->second.last_record_number = marks.last_record_number;
      lane->second.noted = marks.noted;
      return {};
    }
    case Kind::day_count: {
      // Of an older version: in which hours of the day they were is not known, so all count as the last.
      const auto day = body_of<DayCount>(parts);
      state_.hour_counts[{day.unix_day * kHoursOfDay + kHoursOfDay - 1, head.product(), day.account,
                          day.symbol}] += day.count;
      return {};
    }
    case Kind::hour_count: {
      const auto hour = body_of<HourCount>(parts);
      state_.hour_counts[{hour.unix_hour, head.product(), hour.account, hour.symbol}] = hour.count;
      return {};
    }
    case Kind::case_state:
      on_case_state(parts);
      return {};
    case Kind::start_name: {
      const auto named = body_of<StartName>(parts);
      state_.names.restore({{named.prefix, named.journal_tag, named.random},
                            named.epoch,
                            named.last_sequence,
                            named.found != 0});
      return {};
    }
    case Kind::intended:
      return on_intended(parts);
    case Kind::checkpoint_end:
      return {};
    case Kind::started:
    case Kind::stopped:
    case Kind::none:
      return std::unexpected("a record that no checkpoint has");
    default:
      return apply_common(parts);
  }
}

Fold::Answer Fold::apply_common(std::span<const Record> parts) {
  const Record& head = parts[0];
  const auto advance = [&]<class Body>(std::optional<Dated<Body>> OpenCase::* slot, CasePhase phase) {
    const auto entry = dated<Body>(parts);
    if (OpenCase* open = find(head, entry.body.intent_id)) {
      open->*slot = entry;
      open->phase = phase;
    }
  };
  switch (head.kind) {
    case Kind::taken:
      on_taken(head, body_of<Taken>(parts), false);
      break;
    case Kind::shot_taken:
      on_taken(head, body_of<ShotTaken>(parts).taken, true);
      break;
    case Kind::lane_opened:
      return on_lane_opened(parts);
    case Kind::lane_noted: {
      const auto lane = state_.lanes.find(head.lane);
      if (lane == state_.lanes.end()) return std::unexpected("a lane's mark before its lane");
      lane->second.noted = std::max(lane->second.noted, body_of<LaneNoted>(parts).record_number);
      break;
    }
    case Kind::voided:
      advance(&OpenCase::voided, CasePhase::voided);
      break;
    case Kind::sent:
      advance(&OpenCase::sent, CasePhase::sent);
      break;
    case Kind::learned:
      advance(&OpenCase::learned, CasePhase::learned);
      break;
    case Kind::settled:
      advance(&OpenCase::settled, CasePhase::settled);
      break;
    case Kind::resolved:
      on_resolved(parts);
      break;
    case Kind::halted:
      on_halted(head, body_of<Halted>(parts));
      break;
    case Kind::account_halted:
      on_account_halted(head, body_of<AccountHalted>(parts));
      break;
    case Kind::resumed:
      on_resumed(body_of<Resumed>(parts));
      break;
    case Kind::name_found:
      if (const auto name = parse_client_oid(body_of<NameFound>(parts).client_oid.view()))
        state_.names.note_found(*name);
      break;
    case Kind::account_uid: {
      const auto told = dated<AccountUid>(parts);
      if (told.body.uid.empty())
        state_.uids.erase(told.body.account);
      else
        state_.uids.insert_or_assign(told.body.account, told);
      break;
    }
    default:
      break;
  }
  return {};
}

OpenCase* Fold::find(const Record& head, std::uint64_t intent_id) noexcept {
  const auto found = state_.cases.find({head.lane, intent_id});
  if (found != state_.cases.end()) return &found->second;
  ++orphans_;
  return nullptr;
}

void Fold::on_taken(const Record& head, const Taken& taken, bool is_shot) {
  OpenCase& open = state_.cases[{head.lane, taken.intent_id}];
  open.key = head.key();
  open.product = head.product();
  open.position_side = head.position_side();
  open.intent_id = taken.intent_id;
  open.is_shot = is_shot;
  open.taken = Dated<Taken>{head.real_ns, head.mono_ns, head.epoch, taken};
  LaneState& lane = state_.lanes[head.lane];
  lane.lane = head.lane;
  lane.taken_mark = std::max(lane.taken_mark, taken.intent_id);
}

Fold::Answer Fold::on_intended(std::span<const Record> parts) {
  const Record& head = parts[0];
  const auto intended = dated<Intended>(parts);
  OpenCase& open = state_.cases[{head.lane, intended.body.intent_id}];
  if (open.intended && !open.voided)
    return std::unexpected("a second write of one intent (" + of_lane(head, intended.body.intent_id) + ")");
  if (!head.key().valid())
    return std::unexpected("a write without a key (" + of_lane(head, intended.body.intent_id) + ")");
  open.key = head.key();
  open.oid_start = state_.last_start.oid_start();
  open.product = head.product();
  open.position_side = head.position_side();
  open.intent_id = intended.body.intent_id;
  open.intended = intended;
  open.voided.reset();
  open.phase = CasePhase::intended;
  LaneState& lane = state_.lanes[head.lane];
  lane.lane = head.lane;
  lane.taken_mark = std::max(lane.taken_mark, intended.body.intent_id);
  return {};
}

Fold::Answer Fold::on_lane_opened(std::span<const Record> parts) {
  const auto opened = body_of<LaneOpened>(parts);
  const auto [at, is_new] = state_.lanes.try_emplace(parts[0].lane);
  LaneState& lane = at->second;
  if (!lane.strategy.empty() && (lane.strategy != opened.strategy || lane.name != opened.name))
    return std::unexpected("lane " + std::to_string(parts[0].lane) + " opened under two names");
  lane.lane = parts[0].lane;
  lane.strategy = opened.strategy;
  lane.name = opened.name;
  return {};
}

void Fold::keep(LaneState& lane, std::span<const Record> parts, const wire::Outcome& outcome) {
  const Record& head = parts[0];
  lane.outcomes.push_back({head.real_ns, head.mono_ns, head.epoch, head.key(), head.product(), outcome});
  if (lane.outcomes.size() > keep_outcomes_) lane.outcomes.pop_front();
  lane.last_record_number = outcome.record_number;
}

Fold::Answer Fold::on_outcome(std::span<const Record> parts) {
  const Record& head = parts[0];
  const wire::Outcome outcome = unpack_outcome(body_of<OutcomeBody>(parts), head.key());
  LaneState& lane = state_.lanes[head.lane];
  lane.lane = head.lane;
  if (outcome.record_number != lane.last_record_number + 1)
    return std::unexpected("record number " + std::to_string(outcome.record_number) + " follows " +
                           std::to_string(lane.last_record_number) + " (" + of_lane(head, outcome.intent_id) +
                           ")");
  keep(lane, parts, outcome);
  // An id that was refused as an id says nothing about which ids were taken.
  if (outcome.deny_reason != wire::DenyReason::malformed &&
      outcome.deny_reason != wire::DenyReason::id_not_increasing)
    lane.taken_mark = std::max(lane.taken_mark, outcome.intent_id);
  const auto found = state_.cases.find({head.lane, outcome.intent_id});
  // A denial of a repeated id is not the last word of the intent that had the id first.
  if (found == state_.cases.end() || outcome.deny_reason == wire::DenyReason::id_not_increasing) return {};
  if (outcome.kind == wire::EventKind::unresolved) {
    if (found->second.resolved)
      state_.cases.erase(found);
    else
      found->second.phase = CasePhase::unresolved;
  } else if (wire::is_terminal(outcome)) {
    state_.cases.erase(found);
  } else if (outcome.kind == wire::EventKind::unknown) {
    found->second.told_unknown = true;
  }
  return {};
}

void Fold::on_resolved(std::span<const Record> parts) {
  const auto resolved = dated<Resolved>(parts);
  OpenCase* open = find(parts[0], resolved.body.intent_id);
  if (open == nullptr) return;
  if (open->phase == CasePhase::unresolved)
    state_.cases.erase({parts[0].lane, resolved.body.intent_id});
  else
    open->resolved = resolved;
}

void Fold::on_halted(const Record& head, const Halted& halted) {
  replace_halt(halted.scope, halted.name, false);
  state_.halts.push_back({halted.scope,
                          halted.name,
                          std::string{halted.reason.view()},
                          false,
                          {},
                          {},
                          head.real_ns,
                          head.mono_ns,
                          head.epoch});
}

void Fold::on_account_halted(const Record& head, const AccountHalted& halted) {
  replace_halt(Scope::account, halted.name, true);
  state_.halts.push_back({Scope::account, halted.name, std::string{halted.reason.view()}, true, halted.code,
                          halted.code_class, head.real_ns, head.mono_ns, head.epoch});
}

void Fold::replace_halt(Scope scope, const FixedString<24>& name, bool by_venue) {
  // The operator's word and the venue's stand side by side: only a resume ends both.
  std::erase_if(state_.halts, [&](const Halt& halt) {
    return halt.scope == scope && halt.name == name && halt.by_venue == by_venue;
  });
}

void Fold::on_resumed(const Resumed& resumed) {
  if (resumed.scope == Scope::position && resumed.name.view() == kUncleanStart) state_.last_start.unclean = 0;
  std::erase_if(state_.halts,
                [&](const Halt& halt) { return halt.scope == resumed.scope && halt.name == resumed.name; });
}

void Fold::on_case_state(std::span<const Record> parts) {
  const auto stated = body_of<CaseState>(parts);
  if (OpenCase* open = find(parts[0], stated.intent_id)) {
    open->phase = static_cast<CasePhase>(stated.phase);
    open->told_unknown = stated.told_unknown != 0;
    open->oid_start = {FixedString<8>{stated.oid_prefix.view()}, stated.journal_tag, stated.oid_random};
  }
}

void Fold::count_hour(wire::Product product, const Dated<Intended>& intended, bool up) {
  const std::uint32_t hour = hour_of(intended.real_ns);
  const HourKey key{hour, product, intended.body.account, intended.body.symbol};
  if (!up) {
    const auto found = state_.hour_counts.find(key);
    if (found != state_.hour_counts.end() && --found->second == 0) state_.hour_counts.erase(found);
    return;
  }
  ++state_.hour_counts[key];
  // Ordered by hour: what is too old stands first. A clock that was set back drops nothing.
  while (state_.hour_counts.begin()->first.unix_hour + kHoursKept <= hour)
    state_.hour_counts.erase(state_.hour_counts.begin());
}

std::vector<Record> Fold::checkpoint() const {
  Checkpoint out;
  out.add_undated(Stamp{}, pack_run_state(state_.last_start, state_.epoch, state_.clean_stop));
  for (const KnownStart& known : state_.names.all()) {
    out.add_undated(Stamp{}, StartName{known.start.random,
                                       known.last_sequence,
                                       known.start.prefix,
                                       known.start.journal_tag,
                                       known.epoch,
                                       static_cast<std::uint8_t>(known.found ? 1 : 0),
                                       {}});
  }
  for (const auto& [account, told] : state_.uids) out.add(Stamp{told.mono_ns, {}, {}, {}}, told);
  for (const auto& [number, lane] : state_.lanes) add_lane(out, lane);
  for (const auto& [id, open] : state_.cases) add_case(out, open);
  for (const Halt& halt : state_.halts) add_halt(out, halt);
  for (const auto& [key, count] : state_.hour_counts) {
    out.add_undated(Stamp{0, {}, key.product, {}}, HourCount{key.unix_hour, count, key.account, key.symbol});
  }
  return out.finish();
}

}  // namespace backhand::journal
