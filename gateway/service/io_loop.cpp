#include "gateway/service/io_loop.hpp"

#include <algorithm>

#include <concurrentqueue/concurrentqueue.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "common/assert.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"
#include "common/on_path.hpp"
#include "gateway/service/net_settings.hpp"

namespace backhand::service {

namespace {

/// Intents taken in one turn: the sockets are looked at in between.
constexpr std::size_t kIntentsPerTurn = 64;
/// The loop never sleeps longer, so that the watchdog sees it move.
constexpr Ns kLongestSleep_ns = 250 * kMillisecond;

engine::Sent stamped(Ns encoded_ns, const net::WriteResult& result) noexcept {
  engine::Sent sent;
  sent.encoded_ns = encoded_ns;
  sent.status = result.status;
  // The pool counts from 0; for strategies 0 means "not sent".
  sent.connection = static_cast<std::uint16_t>(result.connection + 1);
  sent.written_ns = result.written_ns;
  return sent;
}

void ring(const shm::Fd& event) noexcept {
  const std::uint64_t one = 1;
  // A full counter is awake enough.
  (void)!::write(event.get(), &one, sizeof one);
}

}  // namespace

/// The engine's wire: the pool, and the clock read that stamps when the request was complete.
class IoLoop::PoolWire final : public engine::WirePort {
 public:
  void set(net::Pool* pool) noexcept { pool_ = pool; }
  void set_rehearsal(net::Rehearsal* rehearsal) noexcept { rehearsal_ = rehearsal; }
  void set_now(Ns now) noexcept { now_ = now; }

  [[nodiscard]] bool can_send(net::RequestClass request_class) const noexcept override;
  [[nodiscard]] std::size_t free_connections() const noexcept override {
    return pool_ == nullptr ? 0 : pool_->free(now_);
  }
  [[nodiscard]] engine::Sent send(net::RequestToken token, net::RequestClass request_class,
                                  std::span<const char> bytes, Ns reply_deadline_ns,
                                  Ns now) noexcept override;
  void distrust(std::uint16_t connection) noexcept override { pool_->distrust(connection); }
  void check(std::uint16_t connection) noexcept override { pool_->check(connection); }
  void keep_near() noexcept override { pool_->keep_near(); }
  void rehearse_request(std::span<const char> bytes) noexcept override {
    if (rehearsal_ != nullptr) rehearsal_->request(bytes);
  }
  [[nodiscard]] const net::ReplyView* rehearse_reply() noexcept override {
    return rehearsal_ == nullptr ? nullptr : rehearsal_->reply();
  }

 private:
  net::Pool* pool_ = nullptr;
  net::Rehearsal* rehearsal_ = nullptr;
  Ns now_ = 0;
};

BH_ON_PATH bool IoLoop::PoolWire::can_send(net::RequestClass request_class) const noexcept {
  return pool_ != nullptr && pool_->can_send(request_class, now_);
}

BH_ON_PATH engine::Sent IoLoop::PoolWire::send(net::RequestToken token, net::RequestClass request_class,
                                               std::span<const char> bytes, Ns reply_deadline_ns,
                                               Ns now) noexcept {
  const Ns encoded_ns = monotonic_now();
  return stamped(encoded_ns, pool_->send(token, request_class, bytes, reply_deadline_ns, now));
}

class IoLoop::LanePort final : public engine::LanePort {
 public:
  explicit LanePort(ingress::LaneSet& lanes) noexcept : lanes_(lanes) {}
  bool publish(LaneIndex lane, wire::Outcome& outcome) noexcept override;
  bool offer(LaneIndex lane, wire::Outcome& outcome) noexcept override {
    outcome.published_ns = monotonic_now();
    const ingress::PublishResult result = lanes_.offer(lane, outcome);
    if (result == ingress::PublishResult::no_room && outcome.record_number == 0) lanes_.count_dropped(lane);
    return result != ingress::PublishResult::no_room;
  }
  void close_intent(LaneIndex lane) noexcept override { lanes_.close_intent(lane); }

 private:
  ingress::LaneSet& lanes_;
};

BH_ON_PATH bool IoLoop::LanePort::publish(LaneIndex lane, wire::Outcome& outcome) noexcept {
  outcome.published_ns = monotonic_now();
  return lanes_.publish(lane, outcome) != ingress::PublishResult::no_room;
}

/// What the pool says goes to the engine; its sentences also to the log.
class IoLoop::PoolHandler final : public net::Handler {
 public:
  PoolHandler(engine::Engine& engine, MessageQueue& messages) noexcept
      : engine_(engine), messages_(messages) {}
  void on_reply(net::RequestToken token, const net::ReplyView& reply, Ns now) noexcept override {
    engine_.on_reply(token, reply, now);
  }
  void on_lost(net::RequestToken token, net::LossReason reason, bool aborted_by_reset,
               Ns now) noexcept override {
    engine_.on_lost(token, reason, aborted_by_reset, now);
  }
  void on_ping(const net::ReplyView& reply, Ns written_ns) noexcept override {
    engine_.on_ping(reply, written_ns);
  }
  void on_pool_changed(unsigned ready, unsigned wanted, std::string_view why) noexcept override {
    engine_.on_pool_changed(ready, wanted, why);
    messages_.on_pool(ready, wanted, why);
  }
  bool may_ping(Ns now) noexcept override { return engine_.may_ping(now); }
  bool may_dial(Ns now) noexcept override { return engine_.may_dial(now); }
  void on_ping_lost(Ns written_ns, Ns now) noexcept override { engine_.on_ping_lost(written_ns, now); }
  void on_checked(net::RequestToken token, const net::ReplyView& reply, Ns written_ns,
                  Ns now) noexcept override {
    engine_.on_checked(token, reply, written_ns, now);
  }
  void on_not_checked(net::RequestToken token, bool asked, Ns now) noexcept override {
    engine_.on_not_checked(token, asked, now);
  }
  void on_dial_failed(Ns now) noexcept override { engine_.on_dial_failed(now); }

 private:
  engine::Engine& engine_;
  MessageQueue& messages_;
};

struct IoLoop::CommandQueue {
  moodycamel::ConcurrentQueue<std::shared_ptr<Command>> queue{64};
};

IoLoop::IoLoop(const Parts& parts)
    : parts_(parts),
      wire_(std::make_unique<PoolWire>()),
      lane_port_(std::make_unique<LanePort>(parts.lanes)),
      engine_(parts.config, parts.dialect, {*wire_, *lane_port_, parts.journal, parts.messages},
              {parts.journal.epoch(), parts.journal.oid_start()}),
      commands_(std::make_unique<CommandQueue>()),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      commands_done_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  handler_ = std::make_unique<PoolHandler>(engine_, parts.messages);
}

IoLoop::~IoLoop() {
  if (thread_.joinable()) {
    request_stop(0);
    thread_.join();
  }
}

std::expected<void, Error> IoLoop::start() {
  if (!bell_.valid() || !commands_done_.valid()) return std::unexpected(os_error("eventfd"));
  auto pool = net::Pool::create(net_settings(parts_.config, parts_.dialect), *handler_);
  if (!pool) return std::unexpected(pool.error());
  pool_ = std::move(*pool);
  wire_->set(pool_.get());
  if (parts_.config.shots.rehearse_us > 0) {
    auto rehearsal = net::Rehearsal::create(parts_.dialect.rehearsal_reply());
    if (!rehearsal) return std::unexpected(rehearsal.error());
    rehearsal_ = std::move(*rehearsal);
    wire_->set_rehearsal(rehearsal_.get());
  }
  if (parts_.config.gateway.idle == config::IdlePolicy::block) {
    epoll_ = shm::Fd{::epoll_create1(EPOLL_CLOEXEC)};
    if (!epoll_.valid()) return std::unexpected(os_error("epoll_create1"));
    for (const int fd : {bell_.get(), parts_.lanes.wake_fd(), pool_->poll_fd()}) {
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
        return std::unexpected(os_error("epoll_ctl"));
    }
  }
  thread_ = std::thread([this] { run(); });
  return {};
}

void IoLoop::post(std::shared_ptr<Command> command) {
  const bool queued = commands_->queue.enqueue(std::move(command));
  BH_ASSERT(queued);
  wake();
}

void IoLoop::wake() noexcept { ring(bell_); }

void IoLoop::request_stop(Ns limit_ns) noexcept {
  stop_by_ns_.store(std::max<Ns>(1, monotonic_now() + limit_ns), std::memory_order_release);
  wake();
}

void IoLoop::join() {
  if (thread_.joinable()) thread_.join();
}

void IoLoop::run() {
  name_this_thread("backhand-io");
  if (parts_.config.gateway.io_cpu >= 0) {
    const auto pinned = pin_this_thread(parts_.config.gateway.io_cpu);
    if (!pinned) parts_.messages.on_pool(0, 0, pinned.error().message);
  }
  engine_.start(monotonic_now());
  for (;;) {
    look_for_lost_time();
    const Ns now = monotonic_now();
    const Ns stop_by = stop_by_ns_.load(std::memory_order_acquire);
    if (stop_by != 0) {
      if (!stopping_) {
        stopping_ = true;
        engine_.stop_intake(now);
      }
      if (engine_.on_their_way() == 0 || now >= stop_by) break;
    }
    const int done = turn(now);
    counters_.turns.fetch_add(1, std::memory_order_relaxed);
    if (done > 0) {
      const Ns took = monotonic_now() - now;
      if (took > counters_.longest_turn_ns.load(std::memory_order_relaxed)) {
        counters_.longest_turn_ns.store(took, std::memory_order_relaxed);
      }
    } else {
      idle(now);
    }
  }
  pool_->close(monotonic_now());
  (void)run_commands(monotonic_now());
  for (std::uint16_t i = 0; i < parts_.lanes.size(); ++i) {
    const LaneIndex lane{i};
    if (parts_.lanes.known(lane)) engine_.on_noted(lane, parts_.lanes.noted(lane), monotonic_now());
  }
  ended_.store(true, std::memory_order_release);
}

/// Before anything is sent in this turn: did the clock that deadlines are given in stand still?
BH_ON_PATH void IoLoop::look_for_lost_time() {
  const std::uint64_t ticks = read_ticks();
  if (!lost_time_.is_due(ticks)) return;
  const ClockReadings readings = read_clocks(ticks);
  if (const Ns lost = lost_time_.look(readings); lost > 0) engine_.on_time_lost(lost, readings.monotonic_ns);
}

BH_ON_PATH int IoLoop::turn(Ns now) {
  wire_->set_now(now);
  if (engine_.journal_failed()) parts_.lanes.refuse_new_names();
  int done = static_cast<int>(parts_.lanes.do_work([&](const ingress::LaneChange& change) {
    if (change.kind == ingress::LaneChange::Kind::detached) {
      engine_.on_lane_closed(change.lane, now);
      engine_.on_noted(change.lane, change.noted, now);
      return;
    }
    const std::string& strategy = parts_.config.strategies[change.strategy.value].name;
    if (engine_.on_lane_opened(change.lane, change.strategy, journal::StrategyName{strategy},
                               parts_.lanes.name(change.lane), now)) {
      engine_.on_lane_attached(change.lane, change.cursor, now);
    } else {
      parts_.lanes.cut_off(change.lane);
    }
  }));
  const auto take = [&](LaneIndex lane, const wire::Intent& intent) {
    engine_.on_intent(lane, intent, monotonic_now());
  };
  done += static_cast<int>(parts_.lanes.drain(engine_.intake_budget(kIntentsPerTurn, now), take));
  done += pool_->do_work(now);
  // Once more, so that an intent waits for half a turn at most to be seen.
  done += static_cast<int>(parts_.lanes.drain_recent(engine_.intake_budget(kIntentsPerTurn, now), take));
  done += engine_.do_work(done > 0 ? monotonic_now() : now);
  not_ready_because_.store(engine_.not_ready_because(), std::memory_order_relaxed);
  halted_.store(engine_.halted(), std::memory_order_relaxed);
  done += run_commands(now);
  return done;
}

int IoLoop::run_commands(Ns now) {
  int done = 0;
  std::shared_ptr<Command> command;
  while (commands_->queue.try_dequeue(command)) {
    command->run(engine_, pool_.get(), now);
    command->done.store(true, std::memory_order_release);
    ++done;
  }
  if (done > 0) ring(commands_done_);
  return done;
}

void IoLoop::idle(Ns now) {
  switch (parts_.config.gateway.idle) {
    case config::IdlePolicy::spin:
      cpu_pause();
      return;
    case config::IdlePolicy::yield:
      std::this_thread::yield();
      return;
    case config::IdlePolicy::block:
      sleep_until_something(now);
      return;
  }
}

void IoLoop::sleep_until_something(Ns now) {
  const bool nothing_waits = parts_.lanes.prepare_sleep();
  // Intents that wait for the journal are looked at again after a short pause, not in every turn.
  const bool held_back = engine_.intake_budget(1, now) == 0;
  if (nothing_waits || held_back) {
    const Ns due = std::min(
        {engine_.next_due(now), pool_->next_due(), now + (held_back ? kMillisecond : kLongestSleep_ns)});
    const Ns at = monotonic_now();
    // "At once" may be the smallest number there is, so it is compared before it is subtracted from.
    if (due > at) {
      const Ns left = due - at;
      timespec timeout{};
      timeout.tv_sec = left / kSecond;
      timeout.tv_nsec = left % kSecond;
      std::array<epoll_event, 4> events{};
      const int count =
          ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &timeout, nullptr);
      counters_.sleeps.fetch_add(1, std::memory_order_relaxed);
      for (int i = 0; i < count; ++i) {
        if (events[static_cast<std::size_t>(i)].data.fd == bell_.get()) {
          std::uint64_t rung = 0;
          (void)!::read(bell_.get(), &rung, sizeof rung);
        } else if (events[static_cast<std::size_t>(i)].data.fd == pool_->poll_fd()) {
          wire_->set_now(monotonic_now());
          (void)pool_->do_ready_work(monotonic_now());
        }
      }
    }
  }
  parts_.lanes.cancel_sleep();
}

}  // namespace backhand::service
