#include "gateway/service/messages.hpp"

#include <algorithm>

#include <concurrentqueue/concurrentqueue.h>

namespace backhand::service {

namespace {

template <std::size_t N>
std::uint16_t copy_cut(std::array<char, N>& to, std::string_view from) noexcept {
  const std::size_t length = std::min(from.size(), N);
  std::copy_n(from.begin(), length, to.begin());
  return static_cast<std::uint16_t>(length);
}

constexpr std::size_t kEvents = 4'096;
constexpr std::size_t kPool = 256;
constexpr std::size_t kTroubles = 256;

}  // namespace

struct MessageQueue::Queues {
  moodycamel::ConcurrentQueue<EngineMessage> events{kEvents};
  moodycamel::ConcurrentQueue<PoolMessage> pool{kPool};
  moodycamel::ConcurrentQueue<TroubleMessage> troubles{kTroubles};
  moodycamel::ProducerToken event_token{events};
  moodycamel::ProducerToken trouble_token{troubles};
  moodycamel::ProducerToken pool_token{pool};
};

MessageQueue::MessageQueue(journal::RawReplies& raw_replies, std::int64_t real_offset_ns)
    : queues_(std::make_unique<Queues>()), raw_replies_(raw_replies), real_offset_ns_(real_offset_ns) {}
MessageQueue::~MessageQueue() = default;

void MessageQueue::on_engine_event(engine::EngineEvent event, const engine::EventDetails& details,
                                   Ns now) noexcept {
  const EngineMessage message{event,        details.account,    details.other, details.position,
                              details.code, details.code_class, details.text,  details.product,
                              now};
  if (!queues_->events.try_enqueue(queues_->event_token, message))
    dropped_.fetch_add(1, std::memory_order_relaxed);
}

void MessageQueue::on_trouble(const engine::Trouble& trouble, bool ended, Ns now) noexcept {
  (void)now;
  if (!queues_->troubles.try_enqueue(queues_->trouble_token, TroubleMessage{trouble, ended}))
    dropped_.fetch_add(1, std::memory_order_relaxed);
}

bool MessageQueue::lock_uid(AccountIndex account, const domain::UserId& user_id) noexcept {
  try {
    return !uid_lock_ || uid_lock_(account, user_id);
  } catch (...) {
    return false;  // Out of memory.
  }
}

void MessageQueue::on_raw_reply(const journal::ReversalKey& key, int http_status, std::string_view body,
                                std::string_view trace_id, Ns now) noexcept {
  journal::RawReply reply;
  reply.key = key;
  reply.real_ns = now + real_offset_ns_;
  reply.http_status = static_cast<std::uint16_t>(http_status);
  reply.body = body;
  reply.trace_id = trace_id;
  (void)raw_replies_.push(reply);  // It counts what it loses.
}

void MessageQueue::on_pool(unsigned ready, unsigned wanted, std::string_view why) noexcept {
  PoolMessage message;
  message.length = copy_cut(message.text, why);
  message.ready = static_cast<std::uint16_t>(ready);
  message.wanted = static_cast<std::uint16_t>(wanted);
  if (!queues_->pool.try_enqueue(queues_->pool_token, message))
    dropped_.fetch_add(1, std::memory_order_relaxed);
}

bool MessageQueue::take(EngineMessage& out) noexcept { return queues_->events.try_dequeue(out); }
bool MessageQueue::take(TroubleMessage& out) noexcept { return queues_->troubles.try_dequeue(out); }
bool MessageQueue::take(PoolMessage& out) noexcept { return queues_->pool.try_dequeue(out); }

}  // namespace backhand::service
