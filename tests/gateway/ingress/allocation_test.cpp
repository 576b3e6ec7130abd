// Counts every malloc of this program: the ways of an intent and of an outcome must not cause one.
#include <atomic>
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/gateway/ingress/raw_lane.hpp"

namespace {
std::atomic<std::uint64_t> allocations{0};
}

// glibc's own allocator under its other name; operator new ends up in malloc too.
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* malloc(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}

namespace backhand::ingress::test {
namespace {

using wire::EventKind;

/// One intent by each way, its events, and a sleep: everything that repeats.
std::uint64_t round_of_work(LaneSet& set, RawLane& raw, InProcessSession& session, std::uint64_t id) {
  std::uint64_t settled = 0;
  if (!raw.push(id)) std::abort();
  if (session.push(intent(id)) != client::PushResult::ok) std::abort();
  for (int turn = 0; turn < 2; ++turn) {
    set.drain(16, [&set](LaneIndex lane, const wire::Intent& one) noexcept {
      for (const EventKind kind : {EventKind::queued, EventKind::sent, EventKind::settled}) {
        wire::Outcome outcome = event(one.id, kind);
        if (set.publish(lane, outcome) != PublishResult::ok) std::abort();
      }
    });
  }
  const auto count = [&settled](const wire::Outcome& one) { settled += wire::is_terminal(one) ? 1U : 0U; };
  wire::Outcome outcome;
  while (raw.outcomes.pop(outcome)) count(outcome);
  session.poll(count);
  wire::Outcome notice = event(0, EventKind::notice);
  (void)set.publish(raw.lane(), notice);
  (void)raw.outcomes.pop(notice);
  if (id % 4 == 0) {
    (void)set.prepare_sleep();
    set.cancel_sleep();
  }
  return settled;
}

TEST(Allocation, NothingOnTheWayOfAnIntentAllocates) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  InProcessSession& session = **set->open_in_process(StrategyIndex{0}, "two");
  (void)do_work(*set);
  const std::uint64_t before = allocations;
  std::uint64_t settled = 0;
  for (std::uint64_t id = 1; id <= 20'000; ++id) settled += round_of_work(*set, raw, session, id);
  EXPECT_EQ(allocations - before, 0U);
  EXPECT_EQ(settled, 40'000U);
}

TEST(Allocation, TheCounterCounts) {
  const std::uint64_t before = allocations;
  const auto one = std::make_unique<int>(1);
  EXPECT_GT(allocations, before) << "a planted allocation must be seen";
}

}  // namespace
}  // namespace backhand::ingress::test
