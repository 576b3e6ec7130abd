// Making a LaneSet, and the coming and going of its lanes.
#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <sys/epoll.h>

#include "common/assert.hpp"
#include "gateway/domain/operator_lane.hpp"
#include "gateway/ingress/lanes.hpp"

namespace backhand::ingress {

namespace {

constexpr std::uint32_t kCommandRang = UINT32_MAX;

/// Edge-triggered: each write wakes once, and nothing has to be read. A strategy holds the same eventfd and
/// could make a read block.
[[nodiscard]] bool watch(const shm::Fd& epoll, int event_fd, std::uint32_t number) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u32 = number;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event_fd, &event) == 0;
}

}  // namespace

LaneSet::LaneSet(const LaneSettings& settings) : settings_(settings) {
  const std::size_t words = wire::doorbell_words(settings.max_lanes);
  // A full word of lanes for each word of bits: whatever bit a strategy sets names a lane, if an unused one.
  lanes_ = std::vector<Lane>(words * 64);
  pending_.resize(words);
  attached_.reserve(lanes_.size());
  in_process_.reserve(settings.max_in_process);
  awake_.reserve(lanes_.size());
  changes_.reserve(2 * lanes_.size());
}

LaneSet::~LaneSet() = default;

std::expected<std::unique_ptr<LaneSet>, Error> LaneSet::create(const LaneSettings& settings) {
  if (settings.max_lanes == 0 || settings.max_lanes > kMaxLanes)
    return std::unexpected(Error{"the number of lanes must be 1 to " + std::to_string(kMaxLanes)});
  if (!settings.geometry.valid())
    return std::unexpected(Error{"a lane's capacity must be a power of two from " +
                                 std::to_string(wire::kMinLaneCapacity) + " to " +
                                 std::to_string(wire::kMaxLaneCapacity)});
  std::unique_ptr<LaneSet> set(new LaneSet(settings));
  auto port = LanePort::create(settings.max_lanes, settings.geometry);
  if (!port) return std::unexpected(std::move(port.error()));
  set->port_ = std::move(*port);
  set->doorbell_ = reinterpret_cast<wire::DoorbellWord*>(set->port_->doorbell().bytes());
  set->queue_ = std::make_unique<InProcessQueue>(settings.max_in_process, settings.geometry.intent_capacity);
  set->wake_ = shm::Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!set->wake_.valid() || !watch(set->wake_, set->port_->command_fd(), kCommandRang))
    return std::unexpected(os_error("cannot watch for lanes that ring"));
  return set;
}

std::expected<void, Error> LaneSet::restore(const RestoredLane& restored) {
  const std::string what = "lane \"" + std::string(restored.name.view()) + "\" of the journal";
  if (restored.lane.value >= settings_.max_lanes)
    return std::unexpected(Error{what + " has number " + std::to_string(restored.lane.value) +
                                 ", but max_lanes is " + std::to_string(settings_.max_lanes)});
  Lane& lane = lanes_[restored.lane.value];
  if (lane.state != State::unused)
    return std::unexpected(Error{what + " has the number of lane \"" + std::string(lane.name.view()) + "\""});
  lane.state = State::detached;
  lane.strategy = restored.strategy;
  lane.name = restored.name;
  lane.taken_mark = restored.taken_mark;
  lane.last_record = restored.last_record;
  lane.noted = std::min(restored.noted, restored.last_record);
  lane.open = restored.open;
  return {};
}

std::expected<InProcessSession*, Error> LaneSet::open_in_process(StrategyIndex strategy,
                                                                 std::string_view name,
                                                                 std::uint64_t cursor) {
  const std::string what = "cannot open in-process lane \"" + std::string(name) + "\": ";
  if (name.empty() || !wire::LaneName::fits(name))
    return std::unexpected(Error{what + "a lane's name has 1 to 24 bytes"});
  const auto number = find_or_name(strategy, wire::LaneName(name));
  if (!number) return std::unexpected(Error{what + "too many lanes"});
  Lane& lane = lanes_[*number];
  if (lane.state != State::detached) return std::unexpected(Error{what + "it is open already"});
  auto memory = make_lane_memory(settings_.geometry);
  if (!memory) return std::unexpected(std::move(memory.error()));
  InProcessSession* session = queue_->open(LaneIndex{*number}, **memory, settings_.geometry, lane.taken_mark);
  if (session == nullptr) return std::unexpected(Error{what + "too many in-process sessions"});
  if (!watch(wake_, (*memory)->event.get(), *number))
    return std::unexpected(os_error(what + "it cannot be watched"));
  lane.in_process = session;
  lane.ticket = 0;
  in_process_.push_back(*number);
  begin_service(*number, std::move(*memory), cursor);
  return session;
}

void LaneSet::carry_out_commands() {
  LaneCommand command;
  while (port_->take(command)) {
    switch (command.kind) {
      case LaneCommand::Kind::attach:
        carry_out_attach(command);
        break;
      case LaneCommand::Kind::close:
        carry_out_close(command);
        break;
    }
  }
}

void LaneSet::carry_out_attach(LaneCommand& command) {
  LaneAnswer answer;
  answer.kind = LaneAnswer::Kind::refused;
  answer.ticket = command.ticket;
  const auto number = find_or_name(command.strategy, command.lane);
  if (!number) {
    answer.status = number.error();
  } else if (lanes_[*number].state != State::detached) {
    answer.status = wire::AttachStatus::already_attached;
  } else if (command.cursor < wire::kCursorOwed && command.cursor > lanes_[*number].last_record) {
    answer.status = wire::AttachStatus::journal_behind;
  } else if (!watch(wake_, command.memory->event.get(), *number)) {
    answer.status = wire::AttachStatus::no_memory;
  } else {
    Lane& lane = lanes_[*number];
    lane.ticket = command.ticket;
    lane.place = static_cast<std::uint32_t>(attached_.size());
    attached_.push_back(*number);
    answer.kind = LaneAnswer::Kind::attached;
    answer.lane = LaneIndex{*number};
    answer.taken_mark = lane.taken_mark;
    answer.last_record = lane.last_record;
    const std::uint64_t wanted = command.cursor == wire::kCursorOwed ? lane.noted : command.cursor;
    answer.cursor = std::min(wanted, lane.last_record);
    begin_service(*number, std::move(command.memory), answer.cursor);
  }
  answer.memory = std::move(command.memory);
  port_->post(std::move(answer));
}

void LaneSet::carry_out_close(const LaneCommand& command) {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&command](const Lane& lane) {
    return lane.memory != nullptr && lane.in_process == nullptr && lane.ticket == command.ticket;
  });
  if (found == lanes_.end()) return;
  const auto number = static_cast<std::uint16_t>(found - lanes_.begin());
  if (found->state == State::attached) end_service(number);
  found->state = State::detached;
  ::epoll_ctl(wake_.get(), EPOLL_CTL_DEL, found->memory->event.get(), nullptr);
  LaneAnswer answer;
  answer.kind = LaneAnswer::Kind::released;
  answer.ticket = command.ticket;
  answer.lane = LaneIndex{number};
  answer.memory = std::move(found->memory);
  port_->post(std::move(answer));
}

std::expected<std::uint16_t, wire::AttachStatus> LaneSet::find_or_name(StrategyIndex strategy,
                                                                       const wire::LaneName& name) {
  std::size_t unused = settings_.max_lanes;
  for (std::size_t i = 0; i < settings_.max_lanes; ++i) {
    const Lane& lane = lanes_[i];
    if (lane.state == State::unused) {
      unused = std::min(unused, i);
    } else if (lane.strategy == strategy && lane.name == name) {
      return static_cast<std::uint16_t>(i);
    }
  }
  if (refuses_new_names_) return std::unexpected(wire::AttachStatus::journal_failed);
  if (unused == settings_.max_lanes || !may_name(strategy, name.view() == domain::kOperatorLane))
    return std::unexpected(wire::AttachStatus::too_many_lanes);
  Lane& lane = lanes_[unused];
  lane.state = State::detached;
  lane.strategy = strategy;
  lane.name = name;
  return static_cast<std::uint16_t>(unused);
}

/// Whether one more lane of `strategy` leaves it within its own number and the others what is kept for them.
bool LaneSet::may_name(StrategyIndex strategy, bool for_operator) const {
  const std::size_t strategies = settings_.max_lanes_of.size();
  if (strategy.value >= strategies) return false;
  std::vector<std::uint32_t> names(strategies);
  bool has_operator_lane = false;
  std::size_t left = settings_.max_lanes;
  for (std::size_t i = 0; i < settings_.max_lanes; ++i) {
    const Lane& lane = lanes_[i];
    if (lane.state == State::unused) continue;
    --left;
    if (lane.strategy.value >= strategies) continue;  // Configured no more.
    ++names[lane.strategy.value];
    has_operator_lane =
        has_operator_lane || (lane.strategy == strategy && lane.name.view() == domain::kOperatorLane);
  }
  const std::uint32_t own = names[strategy.value] - (has_operator_lane ? 1 : 0);
  if (!for_operator && own >= settings_.max_lanes_of[strategy.value]) return false;
  std::size_t kept = 0;
  for (std::size_t s = 0; s < strategies; ++s) {
    if (s != strategy.value) kept += settings_.kept_for_each - std::min(settings_.kept_for_each, names[s]);
  }
  if (!for_operator && !has_operator_lane && settings_.kept_for_each == 2) ++kept;
  return left > kept;
}

void LaneSet::begin_service(std::uint16_t number, std::unique_ptr<LaneMemory> memory, std::uint64_t cursor) {
  Lane& lane = lanes_[number];
  const wire::LaneView view(memory->region.bytes(), settings_.geometry);
  view.header->lane = number;
  view.header->noted.store(cursor, std::memory_order_relaxed);
  lane.header = view.header;
  lane.intents = {view.intents, settings_.geometry.intent_capacity, &view.header->intent_head};
  lane.outcomes = {view.outcomes, settings_.geometry.outcome_capacity, &view.header->outcome_head};
  lane.memory = std::move(memory);
  lane.event_number = 0;
  lane.told_to_ring = false;
  lane.state = State::attached;
  awake_.push_back(number);
  const auto nobody = std::find(favourites_.begin(), favourites_.end(), kNobody);
  if (lane.in_process == nullptr && nobody != favourites_.end()) *nobody = number;
  changes_.push_back({LaneChange::Kind::attached, LaneIndex{number}, lane.strategy, cursor});
}

void LaneSet::end_service(std::uint16_t number) noexcept {
  Lane& lane = lanes_[number];
  if (lane.in_process != nullptr) {
    std::erase(in_process_, number);
  } else {
    lanes_[attached_.back()].place = lane.place;
    attached_[lane.place] = attached_.back();
    attached_.pop_back();
  }
  std::erase(awake_, number);
  std::replace(favourites_.begin(), favourites_.end(), number, kNobody);
  pending_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
  lane.noted = noted(LaneIndex{number});
  lane.header = nullptr;
  lane.intents = {};
  lane.outcomes = {};
  changes_.push_back({LaneChange::Kind::detached, LaneIndex{number}, lane.strategy, 0, lane.noted});
}

}  // namespace backhand::ingress
