// The sample of a strategy inside the gateway's process: a thread of its own that reverses each of its
// positions once, through the lock-free queue, and logs what became of it. Shows the way; a real one takes
// its place.
#pragma once

#include <atomic>
#include <thread>

#include "gateway/config/config.hpp"
#include "gateway/ingress/in_process_queue.hpp"

namespace backhand::service {

class SampleStrategy {
 public:
  SampleStrategy(ingress::InProcessSession& session, const config::Config& config, StrategyIndex strategy)
      : session_(session), config_(config), strategy_(strategy) {}
  ~SampleStrategy() { stop(); }
  SampleStrategy(const SampleStrategy&) = delete;
  SampleStrategy& operator=(const SampleStrategy&) = delete;

  void start();
  void stop();

 private:
  void run();
  void push_all();
  void on_outcome(const wire::Outcome& outcome);

  ingress::InProcessSession& session_;
  const config::Config& config_;
  StrategyIndex strategy_;
  std::atomic<bool> stop_{false};
  bool pushed_ = false;
  std::thread thread_;
};

}  // namespace backhand::service
