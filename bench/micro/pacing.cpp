// What the pacer costs an intent: with a free slot and nothing waiting (the shot that counts), an idle turn,
// and a full queue, at 1, 100 and 1,000 accounts.
#include <cstdint>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>

#include "gateway/pacing/pacer.hpp"
#include "gateway/risk/risk_book.hpp"

namespace {

using namespace backhand;
using namespace backhand::pacing;

Settings settings_for(std::uint32_t accounts) {
  Settings out;
  out.budget.accounts = accounts;
  // The rule per IP is raised, so that it is looked at and counted but never stops the measurement.
  out.budget.ip_rule = {100'000, kSecond};
  for (int i = 0; i < 7; ++i) out.budget.endpoints.push_back({{10, kSecond}, Scope::per_account});
  out.budget.endpoints.push_back({{20, kSecond}, Scope::per_ip});
  out.budget.upkeep_endpoint = 7;
  out.scheduler.weights.assign(4, 1);
  out.scheduler.queue_per_strategy = 4'096;
  return out;
}

Waiting intent_of(std::uint32_t handle, std::uint32_t account, Ns now) {
  Waiting out;
  out.handle = handle;
  out.account.value = static_cast<std::uint16_t>(account);
  out.strategy.value = static_cast<std::uint16_t>(handle % 4);
  out.deadline_ns = now + 60 * kSecond;
  return out;
}

/// Nothing waits and a slot is free: submit gives the ticket. Accounts take turns, so that with many of them
/// each one's book is out of the nearest cache.
void pacing_submit(benchmark::State& state) {
  const auto accounts = static_cast<std::uint32_t>(state.range(0));
  auto pacer = std::make_unique<Pacer>(settings_for(accounts));
  const Ns step = kSecond / (9 * accounts);  // Nine a second of each account: always a free slot.
  Ns now = kSecond;
  std::uint32_t account = 0;
  Ticket ticket;
  for (auto _ : state) {
    if (pacer->submit(intent_of(0, account, now), now, ticket).status != SubmitStatus::ready) {
      state.SkipWithError("no slot was free");
      break;
    }
    pacer->on_reply(ticket, now);
    now += step;
    account = account + 1 == accounts ? 0 : account + 1;
  }
}
BENCHMARK(pacing_submit)->Name("pacing/submit_and_reply")->Arg(1)->Arg(100)->Arg(1'000);

/// A turn of the loop with nothing due, while two intents wait on each account.
void pacing_idle_turn(benchmark::State& state) {
  const auto accounts = static_cast<std::uint32_t>(state.range(0));
  auto pacer = std::make_unique<Pacer>(settings_for(accounts));
  const Ns now = kSecond;
  Ticket ticket;
  std::vector<Ticket> tickets;
  std::uint32_t handle = 0;
  for (std::uint32_t a = 0; a < accounts; ++a) {
    for (int i = 0; i < 12; ++i) {
      const SubmitStatus status = pacer->submit(intent_of(handle, a, now), now, ticket).status;
      if (status == SubmitStatus::queued) ++handle;
      if (status == SubmitStatus::ready) tickets.push_back(ticket);
    }
  }
  for (Ticket& open : tickets) pacer->on_reply(open, now);
  Waiting out;
  for (auto _ : state) {
    if (pacer->pop_due(now, out, ticket) != Due::none) state.SkipWithError("something was due");
    benchmark::DoNotOptimize(pacer->next_due(now));
  }
}
BENCHMARK(pacing_idle_turn)->Name("pacing/idle_turn")->Arg(1)->Arg(100)->Arg(1'000);

/// Saturated: every account has waiting intents; one is popped, answered and replaced.
void pacing_queued(benchmark::State& state) {
  const auto accounts = static_cast<std::uint32_t>(state.range(0));
  auto pacer = std::make_unique<Pacer>(settings_for(accounts));
  Ns now = kSecond;
  Ticket ticket;
  std::vector<Ticket> tickets;
  std::uint32_t handle = 0;
  for (std::uint32_t a = 0; a < accounts; ++a) {
    for (int i = 0; i < 14; ++i) {
      const SubmitStatus status = pacer->submit(intent_of(handle, a, now), now, ticket).status;
      if (status == SubmitStatus::queued) ++handle;
      if (status == SubmitStatus::ready) tickets.push_back(ticket);
    }
  }
  for (Ticket& open : tickets) pacer->on_reply(open, now);
  Waiting out;
  for (auto _ : state) {
    if (now < pacer->next_due(now)) now = pacer->next_due(now);
    const Due due = pacer->pop_due(now, out, ticket);
    if (due == Due::none) {
      state.SkipWithError("nothing was due");
      break;
    }
    if (due == Due::ready) pacer->on_reply(ticket, now);
    (void)pacer->submit(intent_of(out.handle, out.account.value, now), now, ticket);
  }
}
BENCHMARK(pacing_queued)->Name("pacing/pop_reply_and_queue")->Arg(1)->Arg(100)->Arg(1'000);

/// Everything that risk looks at for one intent that passes, its being sent included.
void risk_intent(benchmark::State& state) {
  const auto positions = static_cast<std::uint32_t>(state.range(0));
  risk::Settings settings;
  settings.strategies = {{{1'000, 0}, 1'000, UINT32_MAX, UINT32_MAX, 3}};
  for (std::uint32_t p = 0; p < positions; ++p) {
    settings.positions.push_back({AccountIndex{0}, Decimal{500, 0}});
    settings.entitlements.push_back({StrategyIndex{0}, PositionIndex{p}});
  }
  risk::RiskBook book(settings);
  domain::ContractRules contract;
  contract.size_step = {1, 2};
  contract.min_size = {1, 2};
  contract.max_market_size = {1'900, 0};
  contract.status = domain::ContractStatus::normal;
  risk::Candidate candidate;
  candidate.strategy.value = 0;
  candidate.mode = domain::PositionMode::hedge;
  candidate.has_size = true;
  candidate.size = {300, 2};
  candidate.contract = &contract;
  Ns now = kSecond;
  std::uint32_t position = 0;
  for (auto _ : state) {
    candidate.position.value = position;
    const bool fine = book.admit_intent(candidate.strategy, now) == risk::DenyReason::none &&
                      book.check(candidate, now) == risk::DenyReason::none;
    if (!fine) {
      state.SkipWithError("denied");
      break;
    }
    book.on_sent(candidate.position, now);
    now += 100 * kMillisecond;
    position = position + 1 == positions ? 0 : position + 1;
  }
}
BENCHMARK(risk_intent)->Name("risk/admit_check_and_count")->Arg(1)->Arg(1'000);

}  // namespace
