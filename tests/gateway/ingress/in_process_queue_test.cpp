#include "gateway/ingress/in_process_queue.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/gateway/ingress/raw_lane.hpp"

namespace backhand::ingress::test {
namespace {

using client::PushResult;
using client::WaitResult;
using testing::HasSubstr;
using wire::EventKind;

InProcessSession& open(LaneSet& set, const char* name) {
  auto session = set.open_in_process(StrategyIndex{0}, name);
  EXPECT_TRUE(session.has_value()) << (session ? "" : session.error().message);
  return **session;
}

TEST(InProcessQueue, HasTheShapeOfALane) {
  const auto set = make_set(small_lanes());
  InProcessSession& session = open(*set, "sample");
  ASSERT_EQ(do_work(*set).size(), 1U) << "the engine hears of it as of any lane";
  EXPECT_EQ(session.next_id(), 1U);
  EXPECT_EQ(session.push(intent(1)), PushResult::ok);
  EXPECT_EQ(session.push(intent(1)), PushResult::bad_id);
  EXPECT_EQ(drain(*set), (std::vector<Taken>{{session.lane(), 1}}));
  wire::Outcome outcome = event(1, EventKind::settled, 1);
  EXPECT_EQ(set->publish(session.lane(), outcome), PublishResult::ok);
  std::size_t told = session.poll([](const wire::Outcome& one) { EXPECT_EQ(one.record_number, 1U); });
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(session.wait(std::chrono::milliseconds(1)), WaitResult::timed_out);
}

TEST(InProcessQueue, IsFullAtItsCapacityAndTakesUpAgain) {
  const auto set = make_set(small_lanes());
  InProcessSession& session = open(*set, "sample");
  (void)do_work(*set);
  std::uint64_t id = 0;
  for (int round = 0; round < 200; ++round) {
    while (session.push(intent(id + 1)) == PushResult::ok) ++id;
    EXPECT_EQ(session.push(intent(id + 1)), PushResult::full);
    const auto taken = drain_turns(*set, 3);
    ASSERT_EQ(taken.size(), 10U) << "held back like any lane: six slots of 64 for each";
    for (const Taken& one : taken) {
      wire::Outcome outcome = event(one.id, EventKind::denied);
      ASSERT_EQ(set->publish(one.lane, outcome), PublishResult::ok);
    }
    ASSERT_EQ(session.poll([](const wire::Outcome&) {}), 10U);
  }
  EXPECT_EQ(id, 64U + 199U * 10U);
}

TEST(InProcessQueue, OneProducerHeldBackDoesNotHoldUpAnother) {
  const auto set = make_set(small_lanes());
  InProcessSession& slow = open(*set, "slow");
  InProcessSession& quick = open(*set, "quick");
  (void)do_work(*set);
  for (std::uint64_t id = 1; id <= 20; ++id) ASSERT_EQ(slow.push(intent(id)), PushResult::ok);
  ASSERT_EQ(drain_turns(*set, 4).size(), 10U);
  ASSERT_EQ(quick.push(intent(1)), PushResult::ok);
  EXPECT_EQ(drain(*set), (std::vector<Taken>{{quick.lane(), 1}}));
}

TEST(InProcessQueue, SharesNumbersWithOtherLanesAndRefusesWhatTheyRefuse) {
  const auto set = make_set(small_lanes());
  InProcessSession& session = open(*set, "sample");
  const RawLane raw = attach(*set, "one");
  EXPECT_NE(raw.lane(), session.lane());
  EXPECT_EQ(attach(*set, "sample").answer.status, wire::AttachStatus::already_attached)
      << "a process may not take over the lane of a thread";
  EXPECT_THAT(set->open_in_process(StrategyIndex{0}, "sample").error().message, HasSubstr("open already"));
  EXPECT_THAT(set->open_in_process(StrategyIndex{0}, "").error().message, HasSubstr("1 to 24 bytes"));
  EXPECT_THAT(set->open_in_process(StrategyIndex{9}, "x").error().message, HasSubstr("too many lanes"));
}

TEST(InProcessQueue, WakesASleepingGatewayAndASleepingProducer) {
  const auto set = make_set(small_lanes());
  InProcessSession& session = open(*set, "sample");
  (void)do_work(*set);
  ASSERT_TRUE(set->prepare_sleep());
  std::thread producer([&session] {
    EXPECT_EQ(session.push(intent(1)), PushResult::ok);
    EXPECT_EQ(session.wait(std::chrono::seconds(30)), WaitResult::ready);
  });
  pollfd wake{.fd = set->wake_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&wake, 1, 30'000), 1);
  set->cancel_sleep();
  EXPECT_EQ(drain_turns(*set, 2).size(), 1U);
  wire::Outcome outcome = event(1, EventKind::settled);
  EXPECT_EQ(set->publish(session.lane(), outcome), PublishResult::ok);
  producer.join();
}

TEST(InProcessQueue, SeveralThreadsEachGetTheirOwnAnswersInOrder) {
  constexpr std::uint64_t kIntents = 5'000;
  const auto set = make_set(small_lanes());
  std::vector<InProcessSession*> sessions;
  for (const char* name : {"a", "b", "c", "d"}) sessions.push_back(&open(*set, name));
  (void)do_work(*set);
  std::atomic<int> running{4};
  std::vector<std::thread> threads;
  for (InProcessSession* session : sessions)
    threads.emplace_back([session, &running] {
      std::uint64_t pushed = 0;
      std::uint64_t settled = 0;
      const auto check = [&settled](const wire::Outcome& outcome) {
        if (wire::is_terminal(outcome)) {
          EXPECT_EQ(outcome.intent_id, ++settled);
        }
      };
      while (settled < kIntents) {
        if (pushed < kIntents && session->push(intent(pushed + 1)) == PushResult::ok) ++pushed;
        if (session->poll(check) == 0) (void)session->wait(std::chrono::milliseconds(1));
      }
      --running;
    });
  while (running > 0) {
    const std::size_t taken = set->drain(64, [&set](LaneIndex lane, const wire::Intent& one) noexcept {
      for (const EventKind kind : {EventKind::queued, EventKind::settled}) {
        wire::Outcome outcome = event(one.id, kind);
        if (set->publish(lane, outcome) != PublishResult::ok) std::abort();
      }
    });
    if (taken == 0) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  for (const InProcessSession* session : sessions) EXPECT_EQ(set->counters(session->lane()).taken, kIntents);
}

}  // namespace
}  // namespace backhand::ingress::test
