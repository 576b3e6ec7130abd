#include "gateway/service/sample_strategy.hpp"

#include <chrono>
#include <string>

#include "common/clock.hpp"
#include "common/cpu.hpp"
#include "common/wire/names.hpp"
#include "gateway/service/log.hpp"

namespace backhand::service {

void SampleStrategy::start() {
  thread_ = std::thread([this] { run(); });
}

void SampleStrategy::stop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void SampleStrategy::run() {
  name_this_thread("backhand-sample");
  while (!stop_.load(std::memory_order_relaxed)) {
    session_.poll([this](const wire::Outcome& outcome) { on_outcome(outcome); });
    (void)session_.wait(std::chrono::milliseconds{50});
  }
}

void SampleStrategy::on_outcome(const wire::Outcome& outcome) {
  if (outcome.kind == wire::EventKind::notice) {
    if (outcome.notice == wire::NoticeKind::ready && outcome.account.empty() && !pushed_) push_all();
    return;
  }
  std::string line = "in-process strategy: intent " + std::to_string(outcome.intent_id) + " " +
                     std::string{outcome.symbol.view()} + " " + std::string{wire::to_string(outcome.kind)};
  if (outcome.kind == wire::EventKind::denied)
    line += " " + std::string{wire::to_string(outcome.deny_reason)};
  if (outcome.kind == wire::EventKind::settled) line += " " + std::string{wire::to_string(outcome.result)};
  log(LogLevel::info, line);
}

void SampleStrategy::push_all() {
  pushed_ = true;
  for (const config::Entitlement& entitlement : config_.strategies[strategy_.value].entitlements) {
    for (const InstrumentIndex index : entitlement.instruments) {
      const domain::Instrument& instrument = config_.instruments[index.value].id;
      wire::Intent intent{};
      intent.id = session_.next_id();
      intent.created_ns = monotonic_now();
      intent.deadline_ns = intent.created_ns + 5 * kSecond;
      intent.account = wire::AccountName{config_.accounts[entitlement.account.value].name};
      intent.symbol = instrument.symbol;
      intent.margin_coin = instrument.margin_coin;
      intent.kind = wire::IntentKind::reverse;
      intent.product = instrument.product;
      intent.position_side = wire::PositionSide::long_side;
      if (session_.push(intent) != client::PushResult::ok)
        log(LogLevel::warning, "in-process strategy: its queue is full");
    }
  }
}

}  // namespace backhand::service
