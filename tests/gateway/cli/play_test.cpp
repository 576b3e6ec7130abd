// A strategy played from a file ends when every intent has its end, and its status tells the truth. Virtual
// clock; the gateway is made up.
#include "gateway/cli/play.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace backhand::cli {
namespace {

using client::PushResult;

wire::Outcome event(std::uint64_t id, wire::EventKind kind, bool terminal,
                    wire::SettledResult result = wire::SettledResult::none) {
  wire::Outcome out{};
  out.intent_id = id;
  out.kind = kind;
  out.result = result;
  out.flags = terminal ? wire::kTerminal : 0;
  return out;
}

/// Answers each push by what the test says, so long after it.
class MadeUpGateway final : public StrategyEnd {
 public:
  std::function<PushResult(const wire::Intent&)> on_push = [](const wire::Intent&) { return PushResult::ok; };
  std::vector<std::pair<Ns, wire::Intent>> pushed;

  void tell(Ns at_ns, const wire::Outcome& outcome) { events_.emplace_back(at_ns, outcome); }

  Ns now() override { return now_; }
  std::uint64_t next_id() override { return ++last_id_; }
  PushResult push(const wire::Intent& intent) override {
    const PushResult result = on_push(intent);
    if (result == PushResult::ok) pushed.emplace_back(now_, intent);
    return result;
  }
  void poll(const std::function<void(const wire::Outcome&)>& sink) override {
    const auto events = std::exchange(events_, {});
    for (const auto& [at, outcome] : events) {
      if (at <= now_) {
        sink(outcome);
      } else {
        events_.emplace_back(at, outcome);
      }
    }
  }
  void wait(Ns timeout_ns) override {
    ++waits;
    Ns until = now_ + timeout_ns;
    for (const auto& [at, outcome] : events_) until = std::min(until, std::max(at, now_));
    now_ = until;
  }
  int waits = 0;

 private:
  Ns now_ = 1'000 * kSecond;
  std::uint64_t last_id_ = 40;
  std::vector<std::pair<Ns, wire::Outcome>> events_;
};

class Heard final : public PlayListener {
 public:
  void on_outcome(const wire::Outcome& outcome, std::uint32_t line) override {
    lines.push_back(std::to_string(outcome.intent_id) + "@" + std::to_string(line));
  }
  void on_not_pushed(const TimedIntent& timed, std::string_view why) override {
    lines.push_back(std::to_string(timed.line) + " not_pushed: " + std::string{why});
  }
  std::vector<std::string> lines;
};

std::vector<TimedIntent> intents_at(const std::vector<std::int64_t>& times_ms) {
  std::vector<TimedIntent> out;
  for (const std::int64_t at_ms : times_ms) {
    TimedIntent& timed = out.emplace_back();
    timed.line = static_cast<std::uint32_t>(out.size());
    timed.at_ms = at_ms;
    timed.deadline_ms = 200;
  }
  return out;
}

TimedIntent& doing(TimedIntent& timed, wire::IntentKind kind, std::uint32_t target_line = 0) {
  timed.intent.kind = kind;
  timed.target_line = target_line;
  return timed;
}

wire::Outcome because(wire::DenyReason reason, std::uint64_t id, wire::EventKind kind) {
  wire::Outcome out = event(id, kind, true);
  out.deny_reason = reason;
  return out;
}

constexpr Ns kStart = 1'000 * kSecond;

TEST(Play, PushesEachWhenItIsDueWithItsDeadline) {
  MadeUpGateway gateway;
  Heard heard;
  gateway.on_push = [&](const wire::Intent& intent) {
    gateway.tell(gateway.now() + 3 * kMillisecond,
                 event(intent.id, wire::EventKind::settled, true, wire::SettledResult::reversed));
    return PushResult::ok;
  };
  const PlaySummary summary = play(intents_at({0, 10, 10, 50}), gateway, heard, kSecond);
  ASSERT_EQ(gateway.pushed.size(), 4U);
  EXPECT_EQ(gateway.pushed[0].first, kStart);
  EXPECT_EQ(gateway.pushed[1].first, kStart + 10 * kMillisecond);
  EXPECT_EQ(gateway.pushed[2].first, kStart + 10 * kMillisecond);
  EXPECT_EQ(gateway.pushed[3].first, kStart + 50 * kMillisecond);
  EXPECT_EQ(gateway.pushed[3].second.deadline_ns, kStart + 250 * kMillisecond);
  EXPECT_EQ(gateway.pushed[3].second.created_ns, kStart + 50 * kMillisecond);
  EXPECT_EQ(gateway.pushed[3].second.id, 44U);
  EXPECT_TRUE(summary.all_reversed);
  EXPECT_EQ(to_string(summary), "4 intents: 4 reversed");
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"41@1", "42@2", "43@3", "44@4"}));
  EXPECT_LT(gateway.waits, 20) << "it spins instead of sleeping";
}

TEST(Play, IsNotDoneBeforeTheLastTerminalEvent) {
  MadeUpGateway gateway;
  Heard heard;
  gateway.tell(kStart, event(0, wire::EventKind::notice, false));
  gateway.tell(kStart + kMillisecond, event(41, wire::EventKind::sent, false));
  gateway.tell(kStart + 2 * kMillisecond, event(41, wire::EventKind::unknown, false));
  gateway.tell(kStart + 900 * kMillisecond,
               event(41, wire::EventKind::settled, true, wire::SettledResult::partly_reversed));
  const PlaySummary summary = play(intents_at({0}), gateway, heard, kSecond);
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"0@0", "41@1", "41@1", "41@1"}));
  EXPECT_EQ(to_string(summary), "1 intent: 1 partly_reversed");
  EXPECT_TRUE(summary.all_reversed);
}

TEST(Play, StatusIsBadWhereOneEndsOtherwise) {
  const auto ended = [](wire::EventKind kind, wire::SettledResult result) {
    MadeUpGateway gateway;
    Heard heard;
    gateway.tell(kStart + 1, event(41, wire::EventKind::settled, true, wire::SettledResult::reversed));
    gateway.tell(kStart + 2, event(42, kind, true, result));
    return play(intents_at({0, 0}), gateway, heard, kSecond).all_reversed;
  };
  EXPECT_TRUE(ended(wire::EventKind::settled, wire::SettledResult::reversed));
  EXPECT_TRUE(ended(wire::EventKind::acked, wire::SettledResult::none));
  EXPECT_FALSE(ended(wire::EventKind::settled, wire::SettledResult::closed_only));
  EXPECT_FALSE(ended(wire::EventKind::settled, wire::SettledResult::not_executed));
  EXPECT_FALSE(ended(wire::EventKind::denied, wire::SettledResult::none));
  EXPECT_FALSE(ended(wire::EventKind::rejected, wire::SettledResult::none));
  EXPECT_FALSE(ended(wire::EventKind::unresolved, wire::SettledResult::none));
}

TEST(Play, FiresTheShotThatItArmed) {
  MadeUpGateway gateway;
  Heard heard;
  auto intents = intents_at({0, 10});
  doing(intents[0], wire::IntentKind::arm).deadline_ms = 60'000;
  doing(intents[1], wire::IntentKind::fire, 1);
  gateway.on_push = [&](const wire::Intent& intent) {
    if (intent.kind == wire::IntentKind::fire) {
      gateway.tell(gateway.now() + 1, because(wire::DenyReason::none, 41, wire::EventKind::disarmed));
      gateway.tell(gateway.now() + 2,
                   event(intent.id, wire::EventKind::settled, true, wire::SettledResult::reversed));
    }
    return PushResult::ok;
  };
  const PlaySummary summary = play(intents, gateway, heard, kSecond);
  ASSERT_EQ(gateway.pushed.size(), 2U);
  EXPECT_EQ(gateway.pushed[0].second.target_id, 0U);
  EXPECT_EQ(gateway.pushed[1].second.target_id, 41U);
  EXPECT_EQ(to_string(summary), "2 intents: 1 disarmed, 1 reversed");
  EXPECT_TRUE(summary.all_reversed);
}

TEST(Play, AnArmThatEndsUnsentIsNotGood) {
  for (const auto reason : {wire::DenyReason::shot_expired, wire::DenyReason::withdrawn}) {
    MadeUpGateway gateway;
    Heard heard;
    auto intents = intents_at({0});
    doing(intents[0], wire::IntentKind::arm);
    gateway.tell(kStart + 1, because(reason, 41, wire::EventKind::disarmed));
    EXPECT_FALSE(play(intents, gateway, heard, kSecond).all_reversed);
  }
}

TEST(Play, ADisarmAndAWithdrawEndWithTheirTargets) {
  MadeUpGateway gateway;
  Heard heard;
  auto intents = intents_at({0, 0, 10, 20});
  doing(intents[0], wire::IntentKind::arm);
  doing(intents[2], wire::IntentKind::disarm, 1);
  doing(intents[3], wire::IntentKind::withdraw, 2);
  gateway.tell(kStart + 30 * kMillisecond,
               because(wire::DenyReason::withdrawn, 41, wire::EventKind::disarmed));
  gateway.tell(kStart + 40 * kMillisecond, because(wire::DenyReason::withdrawn, 42, wire::EventKind::denied));
  const PlaySummary summary = play(intents, gateway, heard, kSecond);
  EXPECT_EQ(gateway.now(), kStart + 40 * kMillisecond) << "nothing is waited for any more";
  EXPECT_EQ(to_string(summary), "4 intents: 1 denied, 1 disarmed, 2 granted");
}

TEST(Play, OneThatIsRefusedIsNotTakenForGranted) {
  MadeUpGateway gateway;
  Heard heard;
  // A fire waits. The first disarm takes it back with its shot; the withdraw and the second disarm find
  // nothing.
  auto intents = intents_at({0, 0, 0, 0, 0});
  doing(intents[0], wire::IntentKind::arm);
  doing(intents[1], wire::IntentKind::fire, 1);
  doing(intents[2], wire::IntentKind::disarm, 1);
  doing(intents[3], wire::IntentKind::withdraw, 2);
  doing(intents[4], wire::IntentKind::disarm, 1);
  gateway.tell(kStart + 1, because(wire::DenyReason::withdrawn, 42, wire::EventKind::denied));
  gateway.tell(kStart + 2, because(wire::DenyReason::withdrawn, 41, wire::EventKind::disarmed));
  gateway.tell(kStart + 3, because(wire::DenyReason::no_such_target, 44, wire::EventKind::denied));
  gateway.tell(kStart + 4, because(wire::DenyReason::no_such_target, 45, wire::EventKind::denied));
  EXPECT_EQ(to_string(play(intents, gateway, heard, kSecond)), "5 intents: 3 denied, 1 disarmed, 1 granted");
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"42@2", "41@1", "44@4", "45@5"}));
}

TEST(Play, PushesNothingForATargetThatWasNot) {
  MadeUpGateway gateway;
  Heard heard;
  auto intents = intents_at({0, 300});
  doing(intents[0], wire::IntentKind::arm);
  doing(intents[1], wire::IntentKind::fire, 1);
  gateway.on_push = [](const wire::Intent&) { return PushResult::detached; };
  EXPECT_EQ(to_string(play(intents, gateway, heard, kSecond)), "2 intents: 2 not_pushed");
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"1 not_pushed: there was no gateway until its deadline",
                                                   "2 not_pushed: its target was not pushed"}));
}

TEST(Play, GivesUpAfterTheTimeoutAndCountsWhatIsUnanswered) {
  MadeUpGateway gateway;
  Heard heard;
  const PlaySummary summary = play(intents_at({0, 100}), gateway, heard, 2 * kSecond);
  EXPECT_EQ(gateway.now(), kStart + 100 * kMillisecond + 2 * kSecond);
  EXPECT_EQ(to_string(summary), "2 intents: 2 unanswered");
  EXPECT_FALSE(summary.all_reversed);
}

TEST(Play, TriesAFullLaneAgainUntilTheDeadline) {
  MadeUpGateway gateway;
  Heard heard;
  gateway.on_push = [&](const wire::Intent&) {
    return gateway.now() < kStart + 50 * kMillisecond ? PushResult::full : PushResult::ok;
  };
  gateway.tell(kStart + kSecond, event(41, wire::EventKind::acked, true));
  EXPECT_EQ(play(intents_at({0}), gateway, heard, 2 * kSecond).ends.count("not_pushed"), 0U);
  ASSERT_EQ(gateway.pushed.size(), 1U);
  EXPECT_EQ(gateway.pushed[0].second.deadline_ns, kStart + 200 * kMillisecond)
      << "waiting for room must not move the deadline";

  MadeUpGateway gone;
  Heard lost;
  gone.on_push = [](const wire::Intent&) { return PushResult::detached; };
  const PlaySummary summary = play(intents_at({0}), gone, lost, kSecond);
  EXPECT_EQ(lost.lines, (std::vector<std::string>{"1 not_pushed: there was no gateway until its deadline"}));
  EXPECT_EQ(to_string(summary), "1 intent: 1 not_pushed");
  EXPECT_FALSE(summary.all_reversed);
}

TEST(Play, NeverRepeatsARefusedId) {
  MadeUpGateway gateway;
  Heard heard;
  int pushes = 0;
  gateway.on_push = [&](const wire::Intent&) { return ++pushes, PushResult::bad_id; };
  auto intents = intents_at({0});
  intents[0].intent.id = 3;
  EXPECT_FALSE(play(intents, gateway, heard, kSecond).all_reversed);
  EXPECT_EQ(pushes, 1);
  EXPECT_EQ(heard.lines, (std::vector<std::string>{"1 not_pushed: its id is not above the lane's last one"}));
}

TEST(Play, EndsWithWhatAGatewayThatWentAwayNeverTook) {
  MadeUpGateway gateway;
  Heard heard;
  gateway.tell(kStart + kMillisecond,
               event(41, wire::EventKind::settled, true, wire::SettledResult::reversed));
  for (const std::uint64_t id : {42, 43}) {
    wire::Outcome lost = event(id, wire::EventKind::denied, true);
    lost.deny_reason = wire::DenyReason::never_taken;
    gateway.tell(kStart + 2 * kMillisecond, lost);
  }
  const PlaySummary summary = play(intents_at({0, 0, 0}), gateway, heard, kSecond);
  EXPECT_EQ(to_string(summary), "3 intents: 2 denied, 1 reversed");
  EXPECT_EQ(gateway.pushed.size(), 3U) << "nothing may be pushed again";
}

}  // namespace
}  // namespace backhand::cli
