#include "gateway/ingress/in_process_queue.hpp"

#include <algorithm>

#include <concurrentqueue/concurrentqueue.h>

#include "common/clock.hpp"

namespace backhand::ingress {

namespace {

struct QueueTraits : moodycamel::ConcurrentQueueDefaultTraits {
  static constexpr std::size_t BLOCK_SIZE = 64;
  // Each producer's index of blocks is allocated with its token; it must never have to grow, so it is made
  // for the largest lane there is and one block more, as blocks need not be aligned with what waits.
  static constexpr std::size_t EXPLICIT_INITIAL_INDEX_SIZE = 2 * wire::kMaxLaneCapacity / BLOCK_SIZE;
};
using IntentQueue = moodycamel::ConcurrentQueue<wire::Intent, QueueTraits>;

}  // namespace

struct InProcessQueue::Queue {
  Queue(std::uint32_t producers, std::uint32_t capacity) : intents(capacity, producers, 0) {}
  IntentQueue intents;
};

struct InProcessSession::Token {
  explicit Token(IntentQueue& queue) : token(queue) {}
  moodycamel::ProducerToken token;
};

InProcessQueue::InProcessQueue(std::uint32_t producers, std::uint32_t capacity)
    : queue_(std::make_unique<Queue>(producers, capacity)), producers_(producers), capacity_(capacity) {
  sessions_.reserve(producers);
}

InProcessQueue::~InProcessQueue() = default;

InProcessSession* InProcessQueue::open(LaneIndex lane, LaneMemory& memory, const wire::LaneGeometry& geometry,
                                       std::uint64_t taken_mark) {
  if (sessions_.size() == producers_) return nullptr;
  sessions_.emplace_back(new InProcessSession(*this, lane, memory, geometry, taken_mark));
  return sessions_.back().get();
}

bool InProcessQueue::try_take(InProcessSession& session, wire::Intent& out) noexcept {
  if (!waits(session)) return false;
  if (!queue_->intents.try_dequeue_from_producer(session.token_->token, out)) return false;
  // Pairs with the acquire in InProcessSession::push.
  session.taken_.store(session.taken_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  return true;
}

InProcessSession::InProcessSession(InProcessQueue& queue, LaneIndex lane, LaneMemory& memory,
                                   const wire::LaneGeometry& geometry, std::uint64_t taken_mark)
    : queue_(queue),
      token_(std::make_unique<Token>(queue.queue_->intents)),
      lane_(lane),
      capacity_(queue.capacity_),
      taken_mark_(taken_mark),
      last_id_(taken_mark) {
  const wire::LaneView view(memory.region.bytes(), geometry);
  bell_ = client::GatewayBell(&view.header->gateway_wants, nullptr, 0, memory.event.get());
  outcomes_ = client::OutcomeEnd(view, geometry.outcome_capacity, memory.event.get());
}

InProcessSession::~InProcessSession() = default;

client::PushResult InProcessSession::push(const wire::Intent& intent) noexcept {
  if (intent.id <= last_id_) return client::PushResult::bad_id;
  const std::uint64_t pushed = pushed_.load(std::memory_order_relaxed);
  // Pairs with the release in InProcessQueue::try_take.
  if (pushed - taken_.load(std::memory_order_acquire) >= capacity_) return client::PushResult::full;
  wire::Intent copy = intent;
  if (copy.created_ns == 0) copy.created_ns = monotonic_now();
  // try_enqueue never allocates; the blocks for `capacity_` were made with the queue.
  if (!queue_.queue_->intents.try_enqueue(token_->token, copy)) return client::PushResult::full;
  last_id_ = copy.id;
  // Pairs with the acquire in InProcessQueue::waits.
  pushed_.store(pushed + 1, std::memory_order_release);
  bell_.pushed();
  return client::PushResult::ok;
}

client::WaitResult InProcessSession::wait(std::chrono::nanoseconds timeout) noexcept {
  const Ns now = monotonic_now();
  const Ns until = timeout.count() > kNever - now ? kNever : now + timeout.count();
  for (Ns left = timeout.count();; left = until - monotonic_now()) {
    if (outcomes_.sleep(std::min<Ns>(left, kSecond))) return client::WaitResult::ready;
    if (left <= 0) return client::WaitResult::timed_out;
  }
}

}  // namespace backhand::ingress
