// Who is measured: something that takes intents from a lane, sends each as one request over TLS and puts
// outcomes into the lane. The references are threads of the harness; the gateway is the real process.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "common/client/lane_end.hpp"
#include "common/error.hpp"
#include "common/shm/region.hpp"
#include "common/shm/spsc_ring.hpp"
#include "common/wire/lane.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace backhand::bench {

/// One account as both sides know it.
struct BenchAccount {
  std::string name, key, secret, passphrase;
  std::vector<std::string> symbols;  ///< Those that it trades.
};

struct Place {
  std::uint16_t venue_port = 0;
  std::string ca_file;
  std::string folder;      ///< For sockets, journals and logs.
  std::string hot_folder;  ///< The same on tmpfs: another gateway's locks do not lie there.
  std::string bin_dir;     ///< Where backhandd lies.
  int harness_cpu = 0;
  int subject_cpu = 1;
  std::vector<BenchAccount> accounts;
};

/// The strategy's end of a lane. Harness thread.
class StrategyEnd {
 public:
  virtual ~StrategyEnd() = default;
  [[nodiscard]] virtual bool push(const wire::Intent& intent) noexcept = 0;
  [[nodiscard]] virtual bool poll(wire::Outcome& out) noexcept = 0;
};

class Subject {
 public:
  virtual ~Subject() = default;
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// Connects; `serve` must be called again and again meanwhile, so that the venue answers.
  [[nodiscard]] virtual std::expected<void, Error> start(const std::function<void()>& serve) = 0;
  /// Runs only between these two: nobody else may use the core meanwhile.
  virtual void activate() = 0;
  virtual void deactivate() = 0;
  [[nodiscard]] virtual StrategyEnd& lane() noexcept = 0;
  /// The thread that is measured, as the scheduler numbers it.
  [[nodiscard]] virtual pid_t thread() const noexcept = 0;
  /// It reads evidence and ends each reversal with a terminal event; else `acked` is its last word.
  [[nodiscard]] virtual bool settles() const noexcept { return false; }
  /// It takes intents prepared ahead: a shot is armed before, and fired when it is due.
  [[nodiscard]] virtual bool arms() const noexcept { return false; }
};

/// A lane in the harness's own memory, laid out as the gateway's are.
class LocalLane final : public StrategyEnd {
 public:
  LocalLane();
  [[nodiscard]] bool push(const wire::Intent& intent) noexcept override {
    return intents_.try_push(intent) == shm::PushStatus::ok;
  }
  [[nodiscard]] bool poll(wire::Outcome& out) noexcept override {
    if (!outcomes_.pop(out)) return false;
    outcomes_.tell_taken();
    return true;
  }

  // Subject's thread.
  [[nodiscard]] bool take(wire::Intent& out) noexcept { return taker_.try_pop(out) == shm::PopStatus::ok; }
  void publish(const wire::Outcome& outcome) noexcept { (void)publisher_.try_push(outcome); }

 private:
  static constexpr wire::LaneGeometry kGeometry{64, 64};
  std::unique_ptr<shm::Region> region_;
  shm::RingProducer<wire::Intent> intents_;
  client::OutcomeEnd outcomes_;
  shm::RingConsumer<wire::Intent> taker_;
  shm::RingProducer<wire::Outcome> publisher_;
};

/// A reference: one thread, pinned to the subject's core while active and asleep otherwise.
class ThreadSubject : public Subject {
 public:
  explicit ThreadSubject(const Place& place) : place_(place) {}
  ~ThreadSubject() override;
  [[nodiscard]] std::expected<void, Error> start(const std::function<void()>& serve) override;
  void activate() override;
  void deactivate() override;
  [[nodiscard]] StrategyEnd& lane() noexcept override { return lane_; }
  [[nodiscard]] pid_t thread() const noexcept override { return tid_; }

 protected:
  /// On the thread, once: connects. Throws std::runtime_error.
  virtual void connect() = 0;
  /// On the thread: works until `running` is false.
  virtual void run() = 0;
  [[nodiscard]] bool running() const noexcept { return state_.load(std::memory_order_relaxed) == kRun; }
  /// Ends the thread; every destructor of a subclass calls it first.
  void join() noexcept;

  const Place& place_;
  LocalLane lane_;

 private:
  enum State : std::uint32_t { kConnecting, kAsleep, kRun, kEnd };
  void body() noexcept;
  void set(State state) noexcept;

  std::atomic<std::uint32_t> state_{kConnecting};
  std::atomic<bool> resting_{false};
  pid_t tid_ = 0;  ///< Written before resting_ is.
  std::string failure_;
  std::thread thread_;
};

/// A connected, blocking TCP socket with TCP_NODELAY. Throws std::runtime_error.
[[nodiscard]] int connect_socket(std::uint16_t port);
/// A client context that trusts the venue's authority only. Throws std::runtime_error.
[[nodiscard]] ssl_ctx_st* client_context(const std::string& ca_file);

[[nodiscard]] std::unique_ptr<Subject> make_floor(const Place& place);
[[nodiscard]] std::unique_ptr<Subject> make_naive(const Place& place);
[[nodiscard]] std::unique_ptr<Subject> make_beast(const Place& place, bool polling);
[[nodiscard]] std::unique_ptr<Subject> make_curl(const Place& place);

/// The gateway in one of its ways; the ways of one process share it.
class GatewayProcess;
enum class Way : std::uint8_t { push, armed };
struct Tuning {
  unsigned rehearse_us = 100;  ///< 0: never.
};
/// `bin_dir`: whose backhandd it is.
[[nodiscard]] std::shared_ptr<GatewayProcess> make_gateway(const Place& place, std::string_view label,
                                                           std::string_view bin_dir, const Tuning& tuning);
/// `idle_lanes`: so many other lanes are attached, and idle, while it is active.
[[nodiscard]] std::unique_ptr<Subject> make_gateway_subject(std::shared_ptr<GatewayProcess> process,
                                                            std::string_view name, Way way,
                                                            unsigned idle_lanes);

}  // namespace backhand::bench
