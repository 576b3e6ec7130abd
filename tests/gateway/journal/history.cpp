#include "tests/gateway/journal/history.hpp"

#include "tests/gateway/journal/journal_fixture.hpp"
#include "tests/gateway/journal/state_compare.hpp"

namespace backhand::test {

using journal::CasePhase;
using journal::OpenCase;

void History::resume(const journal::State& state, std::uint64_t next_number) {
  start_ = state;
  start_.last_start.oid_prefix = FixedString<8>{"bh"};  // As this life's own `started` says.
  start_number_ = next_number;
  next_number_ = next_number;
  fold_ = journal::Fold{start_, keep_outcomes_};
  entries_.clear();
  sequence_ = 0;
}

void History::cut(std::uint64_t next_number) {
  while (!entries_.empty() && next_number_ > next_number) {
    next_number_ -= entries_.back().parts().size();
    entries_.pop_back();
  }
}

std::string History::state_at(std::uint64_t next_number) const {
  journal::Fold fold{start_, keep_outcomes_};
  std::uint64_t at = start_number_;
  for (const journal::Entry& entry : entries_) {
    if (at + entry.parts().size() > next_number) break;
    EXPECT_TRUE(fold.apply(entry.parts()));
    at += entry.parts().size();
  }
  return describe(fold.state(), false);
}

template <class Body>
bool History::append(journal::Journal& journal, std::uint16_t lane, journal::ReversalKey key,
                     const Body& body) {
  now_ns_ += 1'000;
  key.lane = lane;
  journal::Entry entry{
      journal::Stamp{now_ns_, key, wire::Product::usdt_futures, wire::PositionSide::long_side}, body};
  journal::Appended appended = journal.append(entry.parts());
  while (appended.status == journal::AppendStatus::full) {
    if (journal.do_work() == 0) return false;
    appended = journal.append(entry.parts());
  }
  if (appended.status == journal::AppendStatus::failed) return false;
  EXPECT_EQ(entry.parts().front().number, next_number_) << "numbers are dense";
  next_number_ += entry.parts().size();
  EXPECT_EQ(appended.number + 1, next_number_);
  const auto applied = fold_.apply(entry.parts());
  EXPECT_TRUE(applied) << applied.error();
  entries_.push_back(entry);
  return true;
}

bool History::tell(journal::Journal& journal, const OpenCase& open, wire::EventKind kind) {
  const auto lane = fold_.state().lanes.find(open.key.lane);
  const std::uint64_t record = lane == fold_.state().lanes.end() ? 1 : lane->second.last_record_number + 1;
  return append(journal, open.key.lane, open.key,
                journal::pack_outcome(outcome(record, open.intent_id, kind, open.key)));
}

bool History::begin(journal::Journal& journal, std::uint16_t lane) {
  const auto known = fold_.state().lanes.find(lane);
  if (known == fold_.state().lanes.end())
    return append(journal, lane, {}, lane_opened("lane" + std::to_string(lane)));
  const std::uint64_t id = known->second.taken_mark + 1 + random_() % 3;
  OpenCase fresh;
  fresh.key.lane = lane;
  fresh.intent_id = id;
  switch (random_() % 4) {
    case 0:
      return tell(journal, fresh, wire::EventKind::denied);
    case 1:
      return append(journal, lane, {}, taken(id));
    case 2:
      return append(journal, lane, {}, journal::ShotTaken{taken(id)});
    default:
      return write(journal, fresh);
  }
}

bool History::write(journal::Journal& journal, const OpenCase& open) {
  return append(journal, open.key.lane, {journal.epoch(), open.key.lane, ++sequence_},
                intended(open.intent_id));
}

bool History::advance(journal::Journal& journal, const OpenCase& open) {
  const std::uint64_t id = open.intent_id;
  const auto say = [&](const auto& body) { return append(journal, open.key.lane, open.key, body); };
  switch (open.phase) {
    case CasePhase::waiting:
      return random_() % 2 == 0 ? write(journal, open) : tell(journal, open, wire::EventKind::denied);
    case CasePhase::intended:
      return random_() % 4 == 0 ? say(journal::Voided{id, 11, wire::DenyReason::not_written, {}})
                                : say(journal::Sent{id, 1, 2, 300, 4, {}});
    case CasePhase::voided:
      return random_() % 2 == 0 ? write(journal, open) : tell(journal, open, wire::EventKind::denied);
    case CasePhase::sent:
      if (!open.told_unknown && random_() % 3 == 0) return tell(journal, open, wire::EventKind::unknown);
      return say(journal::Learned{id, 3, 0, {}, wire::VenueCode{"00000"}, 200, 0, {}, {}});
    case CasePhase::learned:
      if (random_() % 3 == 0) return tell(journal, open, wire::EventKind::rejected);
      if (random_() % 3 == 0) return tell(journal, open, wire::EventKind::unresolved);
      return say(journal::Settled{id, 1, 0, 0, 1, {}, wire::SettledResult::reversed, 0, 0, 1, {}});
    case CasePhase::settled:
      return tell(journal, open, wire::EventKind::settled);
    case CasePhase::unresolved:
      return say(journal::Resolved{id, 1000, wire::SettledResult::reversed, {}, FixedString<56>{"seen"}});
  }
  return false;
}

bool History::step(journal::Journal& journal) {
  const auto& state = fold_.state();
  const std::uint64_t choice = random_() % 16;
  if (choice == 0)
    return append(
        journal, 0, {},
        journal::Halted{FixedString<24>{"alpha"}, FixedString<48>{"by hand"}, journal::Scope::account, {}});
  if (choice == 1)
    return append(journal, 0, {},
                  journal::Resumed{FixedString<24>{"alpha"}, {}, journal::Scope::account, {}});
  if (choice == 3)
    return append(
        journal, 0, {},
        journal::AccountUid{FixedString<24>{"alpha"}, FixedString<24>{std::to_string(random_() % 3)}});
  if (choice == 2 && !state.lanes.empty()) {
    const auto& [number, lane] = *state.lanes.begin();
    if (lane.last_record_number > lane.noted)
      return append(journal, number, {}, journal::LaneNoted{lane.last_record_number});
  }
  if (choice < 7 || state.cases.empty()) return begin(journal, static_cast<std::uint16_t>(1 + random_() % 3));
  auto at = state.cases.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(random_() % state.cases.size()));
  const OpenCase open = at->second;
  return advance(journal, open);
}

}  // namespace backhand::test
