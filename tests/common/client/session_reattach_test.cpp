// The gateway dies and comes back.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/client/session.hpp"
#include "tests/common/client/echo_gateway.hpp"

namespace backhand::client::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

SessionOptions quick() {
  SessionOptions options;
  options.backoff_min = 1ms;
  options.backoff_max = 4ms;
  return options;
}

std::uint64_t poll_settled(Session& session, std::uint64_t wanted) {
  std::uint64_t settled = 0;
  while (settled < wanted) {
    if (session.wait(30s) != WaitResult::ready) return settled;
    session.poll(
        [&settled](const wire::Outcome& outcome) { settled += wire::is_terminal(outcome) ? 1U : 0U; });
  }
  return settled;
}

TEST(SessionReattach, NoticesTheDeathAndComesBackByItself) {
  EchoGateway gateway;
  std::vector<Attachment> told;
  SessionOptions options = quick();
  options.on_reattached = [&told](const Attachment& attachment) { told.push_back(attachment); };
  auto session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_TRUE(session.has_value());
  ASSERT_EQ(session->push(reversal(1)), PushResult::ok);
  ASSERT_EQ(poll_settled(*session, 1), 1U);
  gateway.stop();
  while (session->wait(1ms) != WaitResult::detached) {
  }
  EXPECT_FALSE(session->attached());
  EXPECT_EQ(session->push(reversal(2)), PushResult::detached);
  EXPECT_THAT(session->last_error(), testing::HasSubstr("cannot reach a gateway"));
  gateway.start();
  while (!session->attached()) (void)session->wait(1ms);
  EXPECT_EQ(session->generation(), 2U);
  EXPECT_EQ(session->taken_mark(), 1U);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].taken_mark, 1U);
  EXPECT_EQ(session->push(reversal(2)), PushResult::ok);
  EXPECT_EQ(poll_settled(*session, 1), 1U);
}

TEST(SessionReattach, TellsMissedOutcomesFromItsCursorOn) {
  EchoGateway gateway;
  {
    auto session = Session::attach(gateway.path(), "alpha", "main");
    ASSERT_TRUE(session.has_value());
    for (std::uint64_t id = 1; id <= 200; ++id) {
      ASSERT_EQ(session->push(reversal(id)), PushResult::ok);
      ASSERT_EQ(poll_settled(*session, 1), 1U);
    }
  }
  SessionOptions options;
  options.cursor = 50;
  auto session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_TRUE(session.has_value()) << session.error().message;
  EXPECT_EQ(session->attachment().last_record, 200U);
  EXPECT_EQ(session->next_id(), 201U) << "a restarted strategy goes on above what was taken";
  std::uint64_t expected = 51;
  while (expected <= 200) {
    ASSERT_EQ(session->wait(30s), WaitResult::ready);
    session->poll([&expected](const wire::Outcome& outcome) {
      EXPECT_EQ(outcome.record_number, expected++);
      EXPECT_NE(outcome.flags & wire::kReplayed, 0);
    });
  }
  session = std::unexpected(Error{});
  options.cursor = wire::kCursorNow;
  session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->wait(20ms), WaitResult::timed_out) << "nothing old was asked for";
  EXPECT_EQ(session->cursor(), 200U);
}

TEST(SessionReattach, TellsWhichIntentsWereNeverTaken) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main", quick());
  ASSERT_TRUE(session.has_value());
  ASSERT_EQ(session->push(reversal(1)), PushResult::ok);
  ASSERT_EQ(poll_settled(*session, 1), 1U);
  gateway.freeze(true);
  // The I/O thread may still be in the turn in which it was stopped.
  std::uint64_t pushed = 1;
  while (session->push(reversal(pushed + 1)) == PushResult::ok) ++pushed;
  gateway.stop();
  gateway.freeze(false);
  gateway.start();
  while (session->generation() != 2) {
    (void)session->wait(1ms);
    session->poll([](const wire::Outcome&) {});
  }
  const std::uint64_t mark = session->taken_mark();
  EXPECT_LT(mark, pushed) << "the ring was full of intents that nobody took";
  EXPECT_EQ(session->next_id(), pushed + 1) << "an id is never used twice";
  ASSERT_EQ(session->push(reversal(pushed + 1)), PushResult::ok);
  bool settled = false;
  while (!settled) {
    ASSERT_EQ(session->wait(30s), WaitResult::ready);
    session->poll(
        [&](const wire::Outcome& o) { settled = settled || (wire::is_terminal(o) && o.intent_id > pushed); });
  }
  gateway.stop();
  for (const std::uint64_t id : gateway.taken("main"))
    EXPECT_TRUE(id <= mark || id > pushed) << "the library pushed " << id << " again by itself";
}

TEST(SessionReattach, HappensOnlyWhereItIsWanted) {
  EchoGateway gateway;
  SessionOptions options = quick();
  options.reattach = false;
  auto session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_TRUE(session.has_value());
  gateway.stop();
  while (session->wait(1ms) != WaitResult::detached) {
  }
  gateway.start();
  EXPECT_EQ(session->wait(20ms), WaitResult::detached);
  ASSERT_TRUE(session->reattach().has_value());
  EXPECT_EQ(session->push(reversal(1)), PushResult::ok);
  EXPECT_EQ(poll_settled(*session, 1), 1U);
}

TEST(SessionReattach, OnDemandRefreshesALiveLane) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main", quick());
  ASSERT_TRUE(session.has_value());
  for (std::uint64_t round = 1; round <= 20; ++round) {
    ASSERT_EQ(session->push(reversal(round)), PushResult::ok);
    ASSERT_EQ(poll_settled(*session, 1), 1U);
    const auto again = session->reattach();
    ASSERT_TRUE(again.has_value()) << again.error().message;
    ASSERT_EQ(session->generation(), round + 1);
  }
}

/// One thread pushes without pause while another polls and the gateway is stopped and started: every record
/// comes at least once and in order, and what the pushing thread holds is never unmapped under it.
TEST(SessionReattach, BothThreadsLiveThroughManyRestarts) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main", quick());
  ASSERT_TRUE(session.has_value());
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> settled{0};
  std::thread pusher([&] {
    while (!stop) {
      if (session->push(reversal(session->next_id())) != PushResult::ok) std::this_thread::yield();
    }
  });
  std::thread poller([&] {
    std::uint64_t record = 0;
    while (!stop) {
      session->poll([&](const wire::Outcome& outcome) {
        if (outcome.record_number == 0) return;
        ASSERT_LE(outcome.record_number, record + 1) << "an outcome was lost";
        record = std::max(record, outcome.record_number);
        settled = record;
      });
      (void)session->wait(1ms);
    }
  });
  for (int round = 0; round < 25; ++round) {
    const std::uint64_t before = settled;
    while (settled < before + 20) std::this_thread::yield();
    gateway.stop();
    gateway.start();
  }
  stop = true;
  pusher.join();
  poller.join();
  EXPECT_EQ(session->attachment().generation / 5, 5U) << "25 restarts, the last perhaps not seen yet";
  gateway.stop();
  const std::vector<std::uint64_t> taken = gateway.taken("main");
  EXPECT_TRUE(std::is_sorted(taken.begin(), taken.end()));
  EXPECT_EQ(std::adjacent_find(taken.begin(), taken.end()), taken.end()) << "an intent was taken twice";
}

}  // namespace
}  // namespace backhand::client::test
