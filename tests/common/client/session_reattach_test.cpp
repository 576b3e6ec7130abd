// The gateway dies and comes back.
#include <algorithm>
#include <atomic>
#include <set>
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

/// The strategy of the README, run again and again: each run is told what no run has dealt with.
TEST(SessionReattach, ARestartedStrategyIsToldWhatIsStillOwed) {
  EchoGateway gateway;
  const auto open = [&](std::uint64_t cursor = SessionOptions{}.cursor) {
    SessionOptions options;
    options.cursor = cursor;
    auto session = Session::attach(gateway.path(), "alpha", "main", options);
    EXPECT_TRUE(session.has_value());
    return std::move(*session);
  };
  const auto told = [](Session& session) {
    std::vector<std::uint64_t> records;
    while (session.wait(50ms) == WaitResult::ready)
      session.poll([&](const wire::Outcome& outcome) {
        if (wire::is_terminal(outcome)) records.push_back(outcome.record_number);
      });
    return records;
  };
  {
    Session first = open();
    for (const std::uint64_t id : {1, 2}) ASSERT_EQ(first.push(reversal(id)), PushResult::ok);
    EXPECT_THAT(told(first), ElementsAre(1U, 2U));
  }
  {
    Session second = open();
    EXPECT_EQ(second.cursor(), 2U);
    EXPECT_THAT(told(second), ElementsAre()) << "the first run had them";
    ASSERT_EQ(second.push(reversal(second.next_id())), PushResult::ok);
    ASSERT_EQ(second.wait(30s), WaitResult::ready);
  }  // It ends without polling.
  gateway.stop();
  gateway.start();
  {
    Session third = open();
    EXPECT_THAT(told(third), ElementsAre(3U));
  }
  {
    Session fourth = open();
    EXPECT_THAT(told(fourth), ElementsAre());
  }
  Session all = open(wire::kCursorAll);
  EXPECT_THAT(told(all), ElementsAre(1U, 2U, 3U));
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
  std::vector<std::uint64_t> never_taken;
  const auto hear = [&](const wire::Outcome& outcome) {
    if (outcome.deny_reason != wire::DenyReason::never_taken) return;
    EXPECT_TRUE(wire::is_terminal(outcome) && outcome.kind == wire::EventKind::denied);
    EXPECT_EQ(outcome.symbol.view(), "ETHUSDT");
    EXPECT_GT(outcome.created_ns, 0);
    never_taken.push_back(outcome.intent_id);
  };
  while (session->generation() != 2) {
    (void)session->wait(1ms);
    session->poll(hear);
  }
  const std::uint64_t mark = session->taken_mark();
  EXPECT_LT(mark, pushed) << "the ring was full of intents that nobody took";
  while (never_taken.size() < pushed - mark && session->wait(30s) == WaitResult::ready) session->poll(hear);
  std::vector<std::uint64_t> expected;
  for (std::uint64_t id = mark + 1; id <= pushed; ++id) expected.push_back(id);
  EXPECT_EQ(never_taken, expected) << "each once, and in the order of the pushes";
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
  std::vector<std::uint64_t> pushed;
  std::set<std::uint64_t> ended;
  std::vector<std::uint64_t> never_taken;
  std::thread pusher([&] {
    while (!stop) {
      const std::uint64_t id = session->next_id();
      if (session->push(reversal(id)) == PushResult::ok) {
        pushed.push_back(id);
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t record = 0;
  const auto poll = [&] {
    return session->poll([&](const wire::Outcome& outcome) {
      if (wire::is_terminal(outcome)) ended.insert(outcome.intent_id);
      if (outcome.deny_reason == wire::DenyReason::never_taken) never_taken.push_back(outcome.intent_id);
      if (outcome.record_number == 0) return;
      ASSERT_LE(outcome.record_number, record + 1) << "an outcome was lost";
      record = std::max(record, outcome.record_number);
      settled = record;
    });
  };
  std::thread poller([&] {
    while (!stop) {
      poll();
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
  while (ended.size() < pushed.size() && session->wait(30s) == WaitResult::ready) poll();
  EXPECT_EQ(ended.size(), pushed.size()) << "a push that was ok has no terminal event";
  gateway.stop();
  const std::vector<std::uint64_t> taken = gateway.taken("main");
  EXPECT_TRUE(std::is_sorted(taken.begin(), taken.end()));
  EXPECT_EQ(std::adjacent_find(taken.begin(), taken.end()), taken.end()) << "an intent was taken twice";
  for (const std::uint64_t id : never_taken)
    EXPECT_FALSE(std::binary_search(taken.begin(), taken.end(), id)) << id << " was taken after all";
  std::sort(never_taken.begin(), never_taken.end());
  EXPECT_EQ(std::adjacent_find(never_taken.begin(), never_taken.end()), never_taken.end());
}

}  // namespace
}  // namespace backhand::client::test
