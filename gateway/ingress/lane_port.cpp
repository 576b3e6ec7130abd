#include "gateway/ingress/lane_port.hpp"

#include <utility>

#include <concurrentqueue/concurrentqueue.h>
#include <sys/eventfd.h>

namespace backhand::ingress {

namespace {

[[nodiscard]] std::expected<shm::Fd, Error> make_event() {
  shm::Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event.valid()) return std::unexpected(os_error("cannot make an eventfd"));
  return event;
}

void ring(const shm::Fd& event) noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(event.get(), &one, sizeof one);
}

}  // namespace

std::expected<std::unique_ptr<LaneMemory>, Error> make_lane_memory(const wire::LaneGeometry& geometry) {
  auto region = shm::Region::create("backhand-lane", geometry.size());
  if (!region) return std::unexpected(std::move(region.error()));
  auto event = make_event();
  if (!event) return std::unexpected(std::move(event.error()));
  wire::format_lane(wire::LaneView(region->bytes(), geometry), geometry, 0);
  return std::make_unique<LaneMemory>(LaneMemory{std::move(*region), std::move(*event)});
}

struct LanePort::Queues {
  moodycamel::ConcurrentQueue<LaneCommand> commands;
  moodycamel::ConcurrentQueue<LaneAnswer> answers;
  // With a token each, the order holds whatever thread posts: an attach never overtakes its close.
  moodycamel::ProducerToken commander{commands};
  moodycamel::ProducerToken answerer{answers};
};

LanePort::LanePort() : queues_(std::make_unique<Queues>()) {}
LanePort::~LanePort() = default;

std::expected<std::unique_ptr<LanePort>, Error> LanePort::create(std::uint32_t lanes,
                                                                 const wire::LaneGeometry& geometry) {
  std::unique_ptr<LanePort> port(new LanePort);
  auto doorbell = shm::Region::create("backhand-doorbell", wire::doorbell_bytes(lanes));
  if (!doorbell) return std::unexpected(std::move(doorbell.error()));
  auto command_event = make_event();
  if (!command_event) return std::unexpected(std::move(command_event.error()));
  auto answer_event = make_event();
  if (!answer_event) return std::unexpected(std::move(answer_event.error()));
  port->doorbell_ = std::move(*doorbell);
  port->command_event_ = std::move(*command_event);
  port->answer_event_ = std::move(*answer_event);
  port->doorbell_lanes_ = lanes;
  port->geometry_ = geometry;
  return port;
}

void LanePort::post(LaneCommand&& command) {
  queues_->commands.enqueue(queues_->commander, std::move(command));
  // Pairs with the acquire in command_waits.
  posted_.fetch_add(1, std::memory_order_release);
  ring(command_event_);
}

bool LanePort::take(LaneCommand& command) {
  if (!queues_->commands.try_dequeue(command)) return false;
  ++handled_;
  return true;
}

void LanePort::post(LaneAnswer&& answer) {
  queues_->answers.enqueue(queues_->answerer, std::move(answer));
  ring(answer_event_);
}

bool LanePort::take(LaneAnswer& answer) {
  if (queues_->answers.try_dequeue(answer)) return true;
  // Emptied first and looked at again, so that an answer that comes in between is not slept over.
  std::uint64_t count = 0;
  if (::read(answer_event_.get(), &count, sizeof count) < 0) return false;
  return queues_->answers.try_dequeue(answer);
}

}  // namespace backhand::ingress
