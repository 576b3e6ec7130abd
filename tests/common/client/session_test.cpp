#include "common/client/session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/common/client/echo_gateway.hpp"

namespace backhand::client::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::EventKind;

TEST(Session, PushesAndPolls) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value()) << session.error().message;
  EXPECT_EQ(session->generation(), 1U);
  ASSERT_EQ(session->push(reversal(session->next_id()).tag("mine")), PushResult::ok);
  std::vector<wire::Outcome> told;
  while (told.size() < 2) {
    ASSERT_EQ(session->wait(30s), WaitResult::ready);
    session->poll([&told](const wire::Outcome& outcome) { told.push_back(outcome); });
  }
  EXPECT_EQ(told[0].kind, EventKind::queued);
  EXPECT_EQ(told[1].kind, EventKind::settled);
  EXPECT_EQ(told[1].intent_id, 1U);
  EXPECT_EQ(told[1].user_tag.view(), "mine");
  EXPECT_GT(told[1].created_ns, 0) << "push stamps what the strategy left out";
  EXPECT_LE(told[1].created_ns, told[1].taken_ns);
  EXPECT_EQ(session->cursor(), 1U);
}

TEST(Session, TwoLanesSeeOnlyTheirOwn) {
  EchoGateway gateway;
  auto one = Session::attach(gateway.path(), "alpha", "one");
  auto two = Session::attach(gateway.path(), "alpha", "two");
  ASSERT_TRUE(one.has_value() && two.has_value());
  ASSERT_EQ(one->push(reversal(11)), PushResult::ok);
  ASSERT_EQ(two->push(reversal(22)), PushResult::ok);
  for (auto [session, id] : {std::pair{&*one, 11U}, std::pair{&*two, 22U}}) {
    std::size_t seen = 0;
    while (seen < 2) {
      ASSERT_EQ(session->wait(30s), WaitResult::ready);
      seen += session->poll(
          [wanted = id](const wire::Outcome& outcome) { EXPECT_EQ(outcome.intent_id, wanted); });
    }
    EXPECT_EQ(seen, 2U);
  }
}

TEST(Session, ChecksIdsBeforeTheyLeave) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->push(reversal(0)), PushResult::bad_id);
  EXPECT_EQ(session->push(reversal(5)), PushResult::ok);
  EXPECT_EQ(session->push(reversal(5)), PushResult::bad_id);
  EXPECT_EQ(session->push(reversal(4)), PushResult::bad_id);
  EXPECT_EQ(session->next_id(), 6U);
}

TEST(Session, AFullRingIsToldAtPush) {
  EchoGateway gateway(16);
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  gateway.freeze(true);
  std::uint64_t pushed = 0;
  while (session->push(reversal(pushed + 1)) == PushResult::ok) ++pushed;
  EXPECT_GE(pushed, 16U);
  EXPECT_LE(pushed, 17U) << "one may have been taken before it stood still";
  EXPECT_EQ(session->push(reversal(pushed + 1)), PushResult::full);
  gateway.freeze(false);
  std::uint64_t settled = 0;
  while (settled < pushed) {
    ASSERT_EQ(session->wait(30s), WaitResult::ready);
    session->poll(
        [&settled](const wire::Outcome& outcome) { settled += wire::is_terminal(outcome) ? 1U : 0U; });
  }
  EXPECT_EQ(session->push(reversal(pushed + 1)), PushResult::ok);
}

TEST(Session, WaitTimesOutAndIsWokenEachTime) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->wait(2ms), WaitResult::timed_out);
  EXPECT_EQ(session->wait(0ns), WaitResult::timed_out);
  // Both sides sleep between any two intents: a lost wake-up would show as a time-out.
  for (int round = 0; round < 2'000; ++round) {
    ASSERT_EQ(session->push(reversal(session->next_id())), PushResult::ok);
    bool settled = false;
    while (!settled) {
      ASSERT_EQ(session->wait(30s), WaitResult::ready) << "round " << round;
      session->poll([&settled](const wire::Outcome& outcome) { settled = wire::is_terminal(outcome); });
    }
  }
}

TEST(Session, PollTakesAtMostAsManyAsAsked) {
  EchoGateway gateway;
  auto session = Session::attach(gateway.path(), "alpha", "main");
  ASSERT_TRUE(session.has_value());
  for (std::uint64_t id = 1; id <= 4; ++id) ASSERT_EQ(session->push(reversal(id)), PushResult::ok);
  std::size_t told = 0;
  while (told < 8) {
    (void)session->wait(30s);
    const std::size_t count = session->poll([](const wire::Outcome&) {}, 1);
    ASSERT_LE(count, 1U);
    told += count;
  }
  EXPECT_EQ(session->poll([](const wire::Outcome&) {}, 0), 0U);
}

TEST(Session, SaysWhyItCannotAttach) {
  EchoGateway gateway;
  const auto words = [](std::expected<Session, Error> attached) {
    return attached ? std::string("attached") : attached.error().message;
  };
  EXPECT_THAT(words(Session::attach("/nowhere/attach.sock", "alpha", "main")),
              HasSubstr("cannot reach a gateway at /nowhere/attach.sock: No such file"));
  EXPECT_THAT(words(Session::attach(std::string(200, 'x'), "alpha", "main")), HasSubstr("1 to 107 bytes"));
  EXPECT_THAT(words(Session::attach(gateway.path(), "", "main")), HasSubstr("1 to 24 bytes"));
  EXPECT_THAT(words(Session::attach(gateway.path(), "alpha", std::string(25, 'x'))),
              HasSubstr("1 to 24 bytes"));
  EXPECT_THAT(words(Session::attach(gateway.path(), "omega", "main")),
              HasSubstr("refused the attach: strategy \"omega\" is not in the gateway's configuration"));
  const auto first = Session::attach(gateway.path(), "alpha", "main");
  EXPECT_THAT(words(Session::attach(gateway.path(), "alpha", "main")), HasSubstr("is attached already"));
}

TEST(Session, GivesUpOnAGatewayThatDoesNotAnswer) {
  EchoGateway gateway;
  gateway.freeze(true);
  SessionOptions options;
  options.timeout = 20ms;
  const auto session = Session::attach(gateway.path(), "alpha", "main", options);
  ASSERT_FALSE(session.has_value());
  EXPECT_THAT(session.error().message, HasSubstr("did not answer the attach in time"));
}

}  // namespace
}  // namespace backhand::client::test
