// A strategy that sleeps in an event loop of its own, on the session's descriptor.
#include <array>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include "common/client/session.hpp"
#include "tests/common/client/echo_gateway.hpp"

namespace backhand::client::test {
namespace {

using namespace std::chrono_literals;

/// The strategy's own epoll, with the session's descriptor in it.
class Loop {
 public:
  explicit Loop(Session& session) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const auto fd = session.event_fd();
    EXPECT_TRUE(fd.has_value()) << fd.error().message;
    EXPECT_EQ(session.event_fd().value(), *fd) << "the same at each call";
    epoll_event event{};
    event.events = EPOLLIN;
    EXPECT_EQ(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, *fd, &event), 0);
  }
  [[nodiscard]] bool wakes_within(std::chrono::milliseconds span) const {
    epoll_event event{};
    return ::epoll_wait(epoll_.get(), &event, 1, static_cast<int>(span.count())) == 1;
  }

 private:
  shm::Fd epoll_;
};

TEST(EventDescriptor, WakesForEachIntentAndIsQuietBetweenThem) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  const Loop loop(*session);
  for (int round = 0; round < 2'000; ++round) {
    const std::uint64_t id = session->next_id();
    ASSERT_EQ(session->push(reversal(id)), PushResult::ok);
    bool settled = false;
    while (!settled) {
      ASSERT_TRUE(loop.wakes_within(30'000ms)) << "round " << round << ": a wake-up was lost";
      session->poll([&](const wire::Outcome& o) { settled = wire::is_terminal(o) && o.intent_id == id; });
    }
  }
  int wakes = 0;
  for (; wakes < 5 && loop.wakes_within(50ms); ++wakes) session->poll([](const wire::Outcome&) {});
  EXPECT_LT(wakes, 5) << "it is readable without end, though nothing comes";
  EXPECT_EQ(session->wait(1ms), WaitResult::timed_out);
  EXPECT_FALSE(loop.wakes_within(20ms)) << "waiting leaves it as it was";
}

TEST(EventDescriptor, StaysReadableWhileThereIsMoreToPoll) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  const Loop loop(*session);
  for (std::uint64_t id = 1; id <= 4; ++id) ASSERT_EQ(session->push(reversal(id)), PushResult::ok);
  std::size_t told = 0;
  while (told < 8) {
    ASSERT_TRUE(loop.wakes_within(30'000ms)) << "after " << told;
    told += session->poll([](const wire::Outcome&) {}, 1);
  }
}

TEST(EventDescriptor, WaitSleepsOnItToo) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  const Loop loop(*session);
  for (int round = 0; round < 500; ++round) {
    ASSERT_EQ(session->push(reversal(session->next_id())), PushResult::ok);
    bool settled = false;
    while (!settled) {
      ASSERT_EQ(session->wait(30s), WaitResult::ready) << "round " << round;
      session->poll([&](const wire::Outcome& o) { settled = wire::is_terminal(o); });
    }
  }
}

/// A strategy that polls only where the descriptor says so still comes back to a gateway that went away.
TEST(EventDescriptor, BringsTheStrategyBackToAGatewayThatWentAway) {
  EchoGateway gateway;
  SessionOptions options;
  options.backoff_min = 1ms;
  options.backoff_max = 4ms;
  auto session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_TRUE(session.has_value());
  const Loop loop(*session);
  for (std::uint64_t round = 1; round <= 10; ++round) {
    gateway.freeze(true);
    const std::uint64_t id = session->next_id();
    ASSERT_EQ(session->push(reversal(id)), PushResult::ok);
    gateway.stop();
    gateway.freeze(false);
    gateway.start();
    bool ended = false;
    while (!ended || session->generation() != round + 1) {
      ASSERT_TRUE(loop.wakes_within(30'000ms)) << "round " << round;
      session->poll(
          [&](const wire::Outcome& o) { ended = ended || (o.intent_id == id && wire::is_terminal(o)); });
    }
  }
}

TEST(EventDescriptor, ManySessionsComeAndGo) {
  EchoGateway gateway;
  for (int round = 0; round < 100; ++round) {
    auto session = Session::attach(gateway.path(), "alpha", "main");
    ASSERT_TRUE(session.has_value());
    const Loop loop(*session);
    if (round % 2 == 0) {
      ASSERT_EQ(session->push(reversal(session->next_id())), PushResult::ok);
    }
    if (round % 3 == 0) {
      ASSERT_TRUE(session->reattach().has_value());
    }
  }
}

}  // namespace
}  // namespace backhand::client::test
