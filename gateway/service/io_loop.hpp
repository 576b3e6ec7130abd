// The pinned I/O thread: one turn looks at lanes and queue, sockets, the engine's timers and commands, in
// that order, and then idles as configured. Everything hot belongs to this thread; others reach it only
// through `post`.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/error.hpp"
#include "common/lost_time.hpp"
#include "common/shm/fd.hpp"
#include "common/time.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/ingress/lanes.hpp"
#include "gateway/journal/journal.hpp"
#include "gateway/net/pool.hpp"
#include "gateway/net/rehearsal.hpp"
#include "gateway/service/messages.hpp"

namespace backhand::service {

/// Something that another thread wants done between two turns. Results of `run` may be read after `done`.
struct Command {
  std::function<void(engine::Engine&, const net::Pool*, Ns now)> run;
  std::atomic<bool> done{false};  ///< Release by the I/O thread after run; acquire by the poster.
};

struct LoopCounters {
  std::atomic<std::uint64_t> turns{0};  ///< Written by the I/O thread only; what the watchdog looks at.
  std::atomic<std::uint64_t> sleeps{0};
  std::atomic<Ns> longest_turn_ns{0};
};

class IoLoop {
 public:
  struct Parts {
    const config::Config& config;
    bitget::Dialect& dialect;
    ingress::LaneSet& lanes;
    journal::Journal& journal;
    MessageQueue& messages;
  };
  explicit IoLoop(const Parts& parts);
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  /// For recovery, before `start`.
  [[nodiscard]] engine::Engine& engine() noexcept { return engine_; }
  /// Makes the connection pool and runs the thread.
  [[nodiscard]] std::expected<void, Error> start();

  /// Hands a command over and wakes the thread. Shared, as whoever asked may be gone before it is done. Any
  /// thread.
  void post(std::shared_ptr<Command> command);
  /// An eventfd that is written when commands are done. Any thread.
  [[nodiscard]] int commands_done_fd() const noexcept { return commands_done_.get(); }
  /// Wakes the thread from a sleep: a record became durable. Any thread; async-signal-safe.
  void wake() noexcept;
  /// No new intents; the loop ends when nothing is on its way any more, or `limit_ns` after now. Any thread.
  void request_stop(Ns limit_ns) noexcept;
  /// Whether the thread has ended.
  [[nodiscard]] bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  void join();

  /// Why the engine is not ready, as of the last turn that found out. Any thread.
  [[nodiscard]] bool halted() const noexcept { return halted_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::string_view not_ready_because() const noexcept {
    return not_ready_because_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const LoopCounters& counters() const noexcept { return counters_; }

 private:
  class PoolWire;
  class LanePort;
  class PoolHandler;

  void run();
  [[nodiscard]] int turn(Ns now);
  int run_commands(Ns now);
  void idle(Ns now);
  void sleep_until_something(Ns now);

  void look_for_lost_time();

  Parts parts_;
  LostTime lost_time_;
  std::unique_ptr<PoolWire> wire_;
  std::unique_ptr<LanePort> lane_port_;
  std::unique_ptr<PoolHandler> handler_;
  engine::Engine engine_;
  std::unique_ptr<net::Pool> pool_;
  std::unique_ptr<net::Rehearsal> rehearsal_;
  struct CommandQueue;
  std::unique_ptr<CommandQueue> commands_;
  shm::Fd bell_;                   ///< Eventfd: commands, stop, durable records.
  shm::Fd commands_done_;          ///< Eventfd for whoever waits for commands.
  shm::Fd epoll_;                  ///< Over the bell, the lanes and the pool; only with IdlePolicy::block.
  std::atomic<Ns> stop_by_ns_{0};  ///< 0: not asked to.
  std::atomic<bool> halted_{false};
  std::atomic<const char*> not_ready_because_{"not started"};  ///< A constant of the program.
  std::atomic<bool> ended_{false};
  bool stopping_ = false;
  LoopCounters counters_;
  std::thread thread_;
};

}  // namespace backhand::service
