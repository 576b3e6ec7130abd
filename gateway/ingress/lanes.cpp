#include "gateway/ingress/lanes.hpp"

#include <algorithm>
#include <atomic>

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::ingress {

LaneSet::Lane& LaneSet::at(LaneIndex lane) noexcept {
  BH_ASSERT(lane.value < lanes_.size());
  return lanes_[lane.value];
}

const LaneSet::Lane& LaneSet::at(LaneIndex lane) const noexcept {
  BH_ASSERT(lane.value < lanes_.size());
  return lanes_[lane.value];
}

bool LaneSet::known(LaneIndex lane) const noexcept {
  return lane.value < lanes_.size() && lanes_[lane.value].state != State::unused;
}

std::uint64_t LaneSet::noted(LaneIndex index) const noexcept {
  const Lane& lane = at(index);
  if (lane.header == nullptr) return lane.noted;
  // It goes up only, and not beyond what there is, whatever the strategy wrote.
  const std::uint64_t noted = lane.header->noted.load(std::memory_order_relaxed);
  return noted <= lane.last_record ? std::max(lane.noted, noted) : lane.noted;
}

BH_ON_PATH LaneSet::Look LaneSet::take_one(Lane& lane, std::uint16_t number, wire::Intent& out) noexcept {
  switch (room_for_next(lane)) {
    case shm::RoomStatus::enough:
      break;
    case shm::RoomStatus::short_of:
      ++lane.counters.held_back;
      return Look::held_back;
    case shm::RoomStatus::broken:
      break_lane(number);
      return Look::gone;
  }
  if (lane.in_process != nullptr) {
    if (!queue_->try_take(*lane.in_process, out)) return Look::empty;
  } else {
    switch (lane.intents.try_pop(out)) {
      case shm::PopStatus::ok:
        break;
      case shm::PopStatus::empty:
        return Look::empty;
      case shm::PopStatus::broken:
        break_lane(number);
        return Look::gone;
    }
  }
  note_taken(lane, number);
  return Look::more;
}

BH_ON_PATH void LaneSet::note_taken(Lane& lane, std::uint16_t number) noexcept {
  ++lane.open;
  ++lane.counters.taken;
  if (lane.told_to_ring) {
    lane.header->gateway_wants.store(0, std::memory_order_relaxed);
    lane.told_to_ring = false;
    awake_.push_back(number);
  }
  if (lane.in_process != nullptr) return;
  if (std::find(favourites_.begin(), favourites_.end(), number) != favourites_.end()) [[likely]]
    return;
  favourites_[next_favourite_] = number;
  next_favourite_ = (next_favourite_ + 1) % kFavourites;
}

void LaneSet::break_lane(std::uint16_t number) noexcept {
  Lane& lane = lanes_[number];
  end_service(number);
  lane.state = State::broken;
  LaneAnswer answer;
  answer.kind = LaneAnswer::Kind::broken;
  answer.ticket = lane.ticket;
  answer.lane = LaneIndex{number};
  port_->post(std::move(answer));
}

void LaneSet::collect_doorbell() noexcept {
  for (std::size_t w = 0; w < pending_.size(); ++w) {
    if (doorbell_[w].load(std::memory_order_relaxed) == 0) [[likely]]
      continue;
    pending_[w] |= doorbell_[w].exchange(0, std::memory_order_relaxed);
    any_pending_ = true;
  }
}

BH_ON_PATH PublishResult LaneSet::publish(LaneIndex index, wire::Outcome& outcome) noexcept {
  if (outcome.kind == wire::EventKind::notice) {
    const PublishResult result = offer(index, outcome);
    if (result == PublishResult::no_room) count_dropped(index);
    return result;
  }
  Lane& lane = at(index);
  if (wire::is_terminal(outcome)) close_intent(index);
  const PublishResult result = put(lane, index.value, outcome);
  if (result == PublishResult::no_room) ++lane.counters.lost;
  return result;
}

PublishResult LaneSet::offer(LaneIndex index, wire::Outcome& outcome) noexcept {
  Lane& lane = at(index);
  if (lane.state == State::attached) {
    switch (lane.outcomes.room(std::uint64_t{wire::kEventsPerIntent} * lane.open + 1)) {
      case shm::RoomStatus::enough:
        break;
      case shm::RoomStatus::short_of:
        return PublishResult::no_room;
      case shm::RoomStatus::broken:
        break_lane(index.value);
        return PublishResult::broken;
    }
  }
  return put(lane, index.value, outcome);
}

void LaneSet::count_dropped(LaneIndex index) noexcept {
  Lane& lane = at(index);
  ++lane.counters.dropped;
  ++lane.event_number;
}

void LaneSet::close_intent(LaneIndex index) noexcept {
  Lane& lane = at(index);
  if (lane.open > 0) --lane.open;
}

BH_ON_PATH PublishResult LaneSet::put(Lane& lane, std::uint16_t number, wire::Outcome& outcome) noexcept {
  lane.last_record = std::max(lane.last_record, outcome.record_number);
  switch (lane.state) {
    case State::unused:
    case State::detached:
      return PublishResult::detached;
    case State::broken:
      return PublishResult::broken;
    case State::attached:
      break;
  }
  outcome.event_number = ++lane.event_number;
  switch (lane.outcomes.try_push(outcome)) {
    case shm::PushStatus::ok:
      break;
    case shm::PushStatus::full:
      return PublishResult::no_room;
    case shm::PushStatus::broken:
      break_lane(number);
      return PublishResult::broken;
  }
  ++lane.counters.published;
  // Pairs with the fence in client::OutcomeEnd::sleep: either the strategy sees the outcome, or we see that
  // it waits. The outcome has been visible since the push: this fence delays nobody.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<std::uint32_t>& waits = lane.header->strategy_waits;
  if (waits.load(std::memory_order_relaxed) != 0) {
    waits.store(0, std::memory_order_relaxed);
    // One, as one thread polls a lane: to wake all would let a strategy with many sleepers hold up the rest.
    ::syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&waits), FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  return PublishResult::ok;
}

bool LaneSet::prepare_sleep() noexcept {
  for (const std::uint16_t number : awake_) {
    Lane& lane = lanes_[number];
    lane.header->gateway_wants.store(wire::kWakeOnPush | wire::kWakeOnPoll, std::memory_order_relaxed);
    lane.told_to_ring = true;
  }
  // Pairs with the fence in client::GatewayBell: either a strategy sees that it has to ring, or the looks
  // below see what it did. Lanes that were told before have rung, or have nothing.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const auto can_take = [](Lane& lane) {
    return lane.state == State::attached && something_to_take(lane) &&
           room_for_next(lane) != shm::RoomStatus::short_of;
  };
  bool idle = changes_.empty() && !port_->command_waits();
  for (const std::uint16_t number : awake_) idle = idle && !can_take(lanes_[number]);
  awake_.clear();
  collect_doorbell();
  for (std::size_t w = 0; idle && any_pending_ && w < pending_.size(); ++w)
    for (std::uint64_t bits = pending_[w]; idle && bits != 0; bits &= bits - 1)
      idle = !can_take(lanes_[w * 64 + static_cast<unsigned>(std::countr_zero(bits))]);
  return idle;
}

void LaneSet::cancel_sleep() noexcept {
  std::array<epoll_event, 64> events;
  int count = 0;
  do {
    count = ::epoll_wait(wake_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const std::uint32_t number = events[static_cast<std::size_t>(i)].data.u32;
      if (number >= lanes_.size()) continue;  // A command; do_work sees it.
      pending_[number / 64] |= std::uint64_t{1} << (number % 64);
      any_pending_ = true;
    }
  } while (count == static_cast<int>(events.size()));
}

}  // namespace backhand::ingress
