#include "gateway/engine/lane_book.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace backhand::engine {

LaneBook::LaneBook(std::uint32_t max_lanes, std::uint32_t history) : lanes_(max_lanes), history_(history) {
  BH_ASSERT(history > 0);
}

void LaneBook::open(LaneIndex lane, StrategyIndex strategy, std::uint64_t taken_mark,
                    std::uint64_t last_record) {
  BH_ASSERT(lane.value < lanes_.size());
  Lane& l = lanes_[lane.value];
  BH_ASSERT(!l.strategy.valid());
  ++opened_;
  l.strategy = strategy;
  l.taken_mark = taken_mark;
  l.last_record = last_record;
  l.history.assign(history_, Kept{});
}

void LaneBook::restore(LaneIndex lane, const wire::Outcome& outcome) noexcept {
  Lane& l = lanes_[lane.value];
  l.history[outcome.record_number % history_] = {outcome, 0};
  l.last_record = std::max(l.last_record, outcome.record_number);
}

void LaneBook::attached(LaneIndex lane, std::uint64_t cursor) noexcept {
  Lane& l = lanes_[lane.value];
  if (l.replaying) --replaying_;
  l.attached = true;
  l.attach_record = l.last_record;
  // A cursor from the future is a strategy's mistake: nothing was missed then.
  l.replaying = cursor < l.last_record;
  l.next_replay = cursor + 1;
  l.first_lost = l.replaying ? cursor + 1 : 0;
  // What is kept has no gaps: the oldest of it is looked for once.
  if (l.replaying) {
    l.next_replay =
        std::max(l.next_replay, l.last_record - std::min<std::uint64_t>(l.last_record, history_) + 1);
    while (l.next_replay <= l.last_record && !is_kept(l, l.next_replay)) ++l.next_replay;
    if (l.next_replay == l.first_lost) l.first_lost = 0;
    ++replaying_;
  }
}

void LaneBook::detached(LaneIndex lane, LanePort& port) noexcept {
  Lane& l = lanes_[lane.value];
  if (l.replaying) {
    for (std::uint64_t n = std::max(l.next_replay, l.attach_record + 1); n <= l.last_record; ++n) {
      const wire::Outcome& held = l.history[n % history_].outcome;
      if (held.record_number == n && wire::is_terminal(held)) port.close_intent(lane);
    }
  }
  if (l.replaying) --replaying_;
  l.attached = false;
  l.replaying = false;
}

std::uint64_t LaneBook::number(LaneIndex lane, wire::Outcome& outcome) noexcept {
  Lane& l = lanes_[lane.value];
  outcome.record_number = ++l.last_record;
  l.history[outcome.record_number % history_] = {outcome, 0};
  return outcome.record_number;
}

void LaneBook::take_back(LaneIndex lane, std::uint64_t record) noexcept {
  Lane& l = lanes_[lane.value];
  BH_ASSERT(record == l.last_record);
  l.history[record % history_] = {};
  --l.last_record;
}

void LaneBook::hold(LaneIndex lane, std::uint64_t record, std::uint64_t journal_number) noexcept {
  Lane& l = lanes_[lane.value];
  l.history[record % history_].journal_number = journal_number;
  if (!l.attached || l.replaying) return;
  l.replaying = true;
  l.next_replay = record;
  ++replaying_;
}

bool LaneBook::is_kept(const Lane& lane, std::uint64_t record) const noexcept {
  return lane.history[record % history_].outcome.record_number == record;
}

bool LaneBook::tell_lost(LanePort& port, LaneIndex index) noexcept {
  Lane& l = lanes_[index.value];
  wire::Outcome out{};
  out.kind = wire::EventKind::notice;
  out.notice = wire::NoticeKind::events_lost;
  out.long_before = l.first_lost;
  out.long_after = l.next_replay - 1;
  if (!port.offer(index, out)) return false;  // No room; the strategy will make some.
  l.first_lost = 0;
  return true;
}

int LaneBook::replay(LanePort& port, std::uint64_t durable_number, int budget) noexcept {
  int told = 0;
  for (std::uint16_t i = 0; replaying_ > 0 && i < lanes_.size() && told < budget; ++i) {
    Lane& l = lanes_[i];
    if (!l.replaying) continue;
    if (l.first_lost != 0) {
      if (!tell_lost(port, LaneIndex{i})) continue;
      ++told;
    }
    while (told < budget && l.next_replay <= l.last_record) {
      const Kept& kept = l.history[l.next_replay % history_];
      if (!is_kept(l, l.next_replay)) {
        // Overwritten since the attach, by a strategy that goes on pushing and does not poll.
        const std::uint64_t first = l.next_replay;
        while (l.next_replay <= l.last_record && !is_kept(l, l.next_replay)) ++l.next_replay;
        l.first_lost = first;
        if (!tell_lost(port, LaneIndex{i})) break;
        ++told;
        continue;
      }
      if (kept.journal_number > durable_number) break;
      wire::Outcome copy = kept.outcome;
      // Only what came before the attach can have been told before; the rest was merely held.
      const bool missed = kept.outcome.record_number <= l.attach_record;
      if (missed) copy.flags |= wire::kReplayed;
      const LaneIndex lane{i};
      if (!(missed ? port.offer(lane, copy) : port.publish(lane, copy)))
        break;  // No room; the strategy will make some.
      ++l.next_replay;
      ++told;
    }
    if (l.next_replay > l.last_record && l.first_lost == 0) {
      l.replaying = false;
      --replaying_;
    }
  }
  return told;
}

}  // namespace backhand::engine
