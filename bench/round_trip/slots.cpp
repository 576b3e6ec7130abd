#include "bench/round_trip/slots.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/round_trip/on_top.hpp"
#include "common/clock.hpp"
#include "common/cpu.hpp"
#include "gateway/pacing/pacer.hpp"

namespace backhand::bench {

namespace {

constexpr Ns kAhead_ns = kMillisecond;

/// The engine's question in every turn: is a slot due? An intent waits in a real queue, of a shape that
/// spaces writes by a millisecond.
std::vector<Ns> by_spinning(std::size_t count) {
  pacing::Settings settings;
  settings.budget.reversal_rule = {1'000, kSecond};
  settings.budget.shape = pacing::Shape::even;
  settings.budget.ip_rule = {1'000'000, kSecond};
  settings.budget.endpoints.push_back({{20, kSecond}, pacing::Scope::per_ip});
  settings.scheduler.weights.assign(1, 1);
  const auto pacer = std::make_unique<pacing::Pacer>(settings);
  std::vector<Ns> out;
  pacing::Ticket ticket;
  for (std::size_t i = 0; i < count; ++i) {
    pacing::Waiting waiting;
    waiting.account = AccountIndex{0};
    waiting.strategy = StrategyIndex{0};
    Ns now = monotonic_now();
    waiting.deadline_ns = now + kSecond;
    auto status = pacer->submit(waiting, now, ticket).status;
    if (status == pacing::SubmitStatus::ready) {
      pacer->on_reply(ticket, now);
      continue;
    }
    if (status != pacing::SubmitStatus::queued) continue;
    const Ns due = pacer->next_due(now);
    for (;;) {
      now = monotonic_now();
      if (pacer->pop_due(now, waiting, ticket) != pacing::Due::none) break;
      cpu_pause();
    }
    out.push_back(monotonic_now() - due);
    pacer->on_reply(ticket, now);
  }
  return out;
}

std::vector<Ns> by_steady_timer(std::size_t count, bool polling) {
  boost::asio::io_context io{1};
  boost::asio::steady_timer timer(io);
  std::vector<Ns> out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto due = std::chrono::steady_clock::now() + std::chrono::nanoseconds{kAhead_ns};
    bool hit = false;
    timer.expires_at(due);
    timer.async_wait([&](boost::system::error_code) {
      out.push_back((std::chrono::steady_clock::now() - due).count());
      hit = true;
    });
    io.restart();
    while (polling && !hit) (void)io.poll();
    if (!polling) io.run();
  }
  return out;
}

}  // namespace

std::vector<SlotLateness> measure_slots(std::size_t count) {
  // A quarter of a second on top, then the same for others.
  constexpr std::size_t kAtOnce = 250;
  std::vector<SlotLateness> out{{"spinning", {}}, {"steady_timer_poll", {}}, {"steady_timer_run", {}}};
  for (std::size_t done = 0; done < count; done += kAtOnce) {
    const std::size_t now = std::min(kAtOnce, count - done);
    for (std::size_t way = 0; way < out.size(); ++way) {
      OnTop on_top(0);
      on_top.on();
      const std::vector<Ns> late = way == 0 ? by_spinning(now) : by_steady_timer(now, way == 1);
      on_top.off();
      out[way].late_ns.insert(out[way].late_ns.end(), late.begin(), late.end());
      std::this_thread::sleep_for(std::chrono::milliseconds{250});
    }
  }
  for (SlotLateness& way : out) std::sort(way.late_ns.begin(), way.late_ns.end());
  return out;
}

}  // namespace backhand::bench
