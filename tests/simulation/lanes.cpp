#include "tests/simulation/lanes.hpp"

#include <algorithm>
#include <utility>

#include "common/wire/attach.hpp"

namespace backhand::simulation {

SimLanes::SimLanes(Context& context, CrashPoint& crash, std::size_t lanes, std::size_t capacity)
    : context_(context), crash_(crash), capacity_(capacity), lanes_(lanes) {}

void SimLanes::restore(const journal::State& state) {
  for (const auto& [number, known] : state.lanes) {
    if (number >= lanes_.size()) continue;
    Lane& lane = lanes_[number];
    lane.taken_mark = known.taken_mark;
    lane.last_record = known.last_record_number;
    lane.noted = known.noted;
    for (const auto& [key, open] : state.cases) {
      if (key.first == number && open.phase != journal::CasePhase::unresolved) ++lane.open;
    }
  }
}

void SimLanes::forget() {
  changes_.clear();
  for (Lane& lane : lanes_) {
    lane.open = 0;
    lane.taken_mark = 0;
    lane.last_record = 0;
    lane.noted = 0;
    lane.event_number = 0;
    lane.queued.clear();
  }
}

std::vector<SimLanes::Change> SimLanes::take_changes() { return std::exchange(changes_, {}); }

int SimLanes::drain(std::size_t budget, const std::function<void(LaneIndex, const wire::Intent&)>& sink) {
  int taken = 0;
  for (std::uint16_t number = 0; number < lanes_.size(); ++number) {
    Lane& lane = lanes_[number];
    for (int look = 0; look < 8 && lane.ring.attached && !lane.ring.intents.empty() && budget > 0; ++look) {
      const std::size_t owed = std::size_t{wire::kEventsPerIntent} * (lane.open + 1);
      if (context_.bug != Bug::outcome_dropped && capacity_ - lane.ring.outcomes.size() < owed) break;
      if (crash_.dead()) return taken;
      const wire::Intent intent = lane.ring.intents.front();
      lane.ring.intents.pop_front();
      ++lane.open;
      ++taken;
      --budget;
      sink(LaneIndex{number}, intent);
      lane.taken_mark = std::max(lane.taken_mark, intent.id);
    }
  }
  return taken;
}

bool SimLanes::anything_waits() const noexcept {
  return !changes_.empty() || std::any_of(lanes_.begin(), lanes_.end(), [this](const Lane& lane) {
    return lane.ring.attached && !lane.ring.intents.empty() &&
           capacity_ - lane.ring.outcomes.size() >= std::size_t{wire::kEventsPerIntent} * (lane.open + 1);
  });
}

bool SimLanes::put(Lane& lane, wire::Outcome& outcome) noexcept {
  outcome.published_ns = context_.clocks.mono();
  lane.last_record = std::max(lane.last_record, outcome.record_number);
  if (!lane.ring.attached) return true;
  if (lane.ring.outcomes.size() >= capacity_) return context_.bug == Bug::outcome_dropped;
  if (crash_.reach(Step::before_publish)) return true;
  outcome.event_number = ++lane.event_number;
  if (context_.bug == Bug::positions_mixed_up && outcome.kind == wire::EventKind::settled) {
    std::swap(outcome.long_before, outcome.long_after);
    std::swap(outcome.short_before, outcome.short_after);
  }
  lane.ring.outcomes.push_back(outcome);
  context_.digest.add(std::as_bytes(std::span{&outcome, 1}));
  const bool terminal = (outcome.flags & wire::kTerminal) != 0;
  if (context_.bug == Bug::outcome_twice && terminal && lane.ring.outcomes.size() % 16 == 0 &&
      lane.ring.outcomes.size() < capacity_)
    lane.ring.outcomes.push_back(outcome);
  (void)crash_.reach(Step::after_publish);
  return true;
}

bool SimLanes::publish(LaneIndex index, wire::Outcome& outcome) noexcept {
  if (crash_.dead()) return true;
  Lane& lane = lanes_[index.value];
  if (wire::is_terminal(outcome)) close_intent(index);
  // The room of an intent is counted on each event being told once into it.
  if (outcome.kind == wire::EventKind::queued && !lane.queued.insert(outcome.intent_id).second)
    context_.violate("queued is told twice of one intent in lane " + std::to_string(index.value));
  if (context_.bug == Bug::queued_again && outcome.kind == wire::EventKind::queued) {
    wire::Outcome again = outcome;
    if (context_.random.chance(0.1)) (void)publish(index, again);
  }
  const bool put_in = put(lane, outcome);
  // The room was reserved, so this is a promise broken by one of the two sides.
  if (!put_in) context_.violate("no room for an event of an intent in lane " + std::to_string(index.value));
  return put_in;
}

bool SimLanes::offer(LaneIndex index, wire::Outcome& outcome) noexcept {
  if (crash_.dead()) return true;
  Lane& lane = lanes_[index.value];
  const std::size_t kept = std::size_t{wire::kEventsPerIntent} * lane.open;
  if (lane.ring.attached && context_.bug != Bug::outcome_dropped &&
      capacity_ - lane.ring.outcomes.size() < kept + 1)
    return false;
  return put(lane, outcome);
}

void SimLanes::close_intent(LaneIndex index) noexcept {
  if (crash_.dead()) return;
  Lane& lane = lanes_[index.value];
  if (lane.open == 0) {
    context_.violate("more terminal events than intents in lane " + std::to_string(index.value));
    return;
  }
  --lane.open;
}

LaneAttach SimLanes::attach(std::uint16_t number, std::uint64_t cursor) {
  Lane& lane = lanes_[number];
  lane.ring.intents.clear();
  lane.ring.outcomes.clear();
  lane.ring.attached = true;
  ++lane.ring.attachment;
  lane.event_number = 0;
  if (cursor == wire::kCursorOwed) cursor = std::min(lane.noted, lane.last_record);
  lane.ring.noted = cursor;
  changes_.push_back({number, true, cursor, 0});
  return {lane.taken_mark, lane.last_record, cursor};
}

void SimLanes::detach(std::uint16_t number) {
  Lane& lane = lanes_[number];
  if (!lane.ring.attached) return;
  lane.ring.attached = false;
  lane.ring.intents.clear();
  if (context_.bug == Bug::noted_ahead) lane.ring.noted = lane.last_record;
  if (lane.ring.noted <= lane.last_record) lane.noted = std::max(lane.noted, lane.ring.noted);
  changes_.push_back({number, false, 0, lane.noted});
}

}  // namespace backhand::simulation
