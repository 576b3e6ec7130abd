// Strategies that write whatever they like into what they can reach, while an honest one goes on beside them.
#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/gateway/ingress/raw_lane.hpp"

namespace backhand::ingress::test {
namespace {

using wire::EventKind;

/// Everything the engine would do for a lane, as far as ingress can tell.
struct Engine {
  explicit Engine(LaneSet& lane_set) : set(lane_set) {}
  void turn() {
    for (const LaneChange& change : do_work(set))
      if (change.kind == LaneChange::Kind::detached) ++detached;
    set.drain(16, [this](LaneIndex lane, const wire::Intent& one) noexcept {
      for (const EventKind kind : {EventKind::queued, EventKind::sent, EventKind::settled}) {
        wire::Outcome outcome = event(one.id, kind);
        (void)set.publish(lane, outcome);
      }
      ++taken[lane.value];
    });
    LaneAnswer answer;
    while (set.port().take(answer))
      if (answer.kind == LaneAnswer::Kind::broken) ++broken;
  }
  LaneSet& set;
  std::array<std::uint64_t, 64> taken{};
  int detached = 0;
  int broken = 0;
};

/// Pushes and polls on the honest lane; every event must come, in order.
struct Honest {
  explicit Honest(RawLane&& lane) : raw(std::move(lane)) {}
  void turn(bool pushes = true) {
    if (pushes && raw.push(pushed + 1)) ++pushed;
    for (const wire::Outcome& outcome : raw.poll()) {
      ASSERT_EQ(outcome.event_number, ++events);
      if (wire::is_terminal(outcome)) {
        ASSERT_EQ(outcome.intent_id, ++settled);
      }
    }
  }
  RawLane raw;
  std::uint64_t pushed = 0;
  std::uint64_t events = 0;
  std::uint64_t settled = 0;
};

TEST(HostileLane, NonsenseInOneLaneCutsOffThatLaneOnly) {
  int broken = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto set = make_set(small_lanes());
    Honest honest(attach(*set, "honest"));
    RawLane mad = attach(*set, "mad", 1);
    Engine engine(*set);
    auto* const memory = reinterpret_cast<unsigned char*>(mad.region.bytes());
    std::uint64_t id = 0;
    for (int step = 0; step < 3'000; ++step) {
      switch (random() % 6) {
        case 0:
          memory[random() % mad.region.size()] = static_cast<unsigned char>(random());
          break;
        case 1:
          reinterpret_cast<std::uint64_t*>(memory)[random() % (mad.region.size() / 8)] =
              random() >> (random() % 64);
          break;
        case 2:
          reinterpret_cast<wire::DoorbellWord*>(mad.doorbell.bytes())[0].store(random());
          break;
        case 3:
          (void)mad.push(++id);
          break;
        case 4:
          mad.view.header->outcome_head.position.store(random() % 70);
          break;
        case 5:
          mad.view.header->strategy_waits.store(1);
          break;
      }
      engine.turn();
      honest.turn();
      if (HasFatalFailure()) return;
    }
    for (int i = 0; i < 200; ++i) {
      engine.turn();
      honest.turn(false);
    }
    EXPECT_EQ(honest.settled, honest.pushed) << "the honest lane lost something";
    EXPECT_GT(honest.settled, 1'000U);
    EXPECT_EQ(engine.broken, engine.detached) << "a lane that is cut off must be told as detached, once";
    broken += engine.broken;
    if (engine.broken > 0) {
      EXPECT_FALSE(set->attached(mad.lane()));
      wire::Outcome outcome = event(1, EventKind::settled);
      EXPECT_EQ(set->publish(mad.lane(), outcome), PublishResult::broken);
      EXPECT_EQ(attach(*set, "mad", 1).answer.status, wire::AttachStatus::already_attached)
          << "until its socket is closed";
      (void)close(*set, mad);
      LaneAnswer answer;
      ASSERT_TRUE(set->port().take(answer));
      EXPECT_EQ(answer.kind, LaneAnswer::Kind::released);
      EXPECT_EQ(attach(*set, "mad", 1).answer.kind, LaneAnswer::Kind::attached)
          << "a fresh lane is as good as new";
    }
  }
  EXPECT_GT(broken, 30) << "the scribbling hardly ever hit: the test proves nothing";
}

TEST(HostileLane, HolesPunchedIntoTheMemoryAreNoFault) {
  const auto set = make_set(small_lanes());
  Honest honest(attach(*set, "honest"));
  RawLane mad = attach(*set, "mad", 1);
  Engine engine(*set);
  ASSERT_TRUE(mad.push(1));
  engine.turn();
  ASSERT_EQ(::fallocate(mad.region.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                        static_cast<off_t>(mad.region.size())),
            0);
  ASSERT_EQ(::fallocate(mad.doorbell.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
  for (int i = 0; i < 200; ++i) {
    engine.turn();
    honest.turn();
  }
  EXPECT_EQ(engine.broken, 1) << "zeros are no sequence numbers";
  EXPECT_GT(honest.settled, 150U);
}

#if !defined(__SANITIZE_THREAD__)
/// Another process scribbles at full speed while the gateway drains; ThreadSanitizer could not see it and
/// does not like forks.
TEST(HostileLane, AScribblingProcessHurtsNobodyElse) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto set = make_set(small_lanes());
    Honest honest(attach(*set, "honest"));
    RawLane mad = attach(*set, "mad", 1);
    Engine engine(*set);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::mt19937_64 random(seed);
      auto* const words = reinterpret_cast<std::atomic<std::uint64_t>*>(mad.region.bytes());
      const std::size_t count = mad.region.size() / 8;
      for (std::uint64_t id = 1;; ++id) {
        // Mostly payloads and honest pushes, so that the lane lives for a while.
        const std::size_t at = random() % count;
        if (at % 16 != 15 && at > 512) words[at].store(random(), std::memory_order_relaxed);
        (void)mad.push(id);
        if (id > 20'000) words[random() % count].store(random(), std::memory_order_relaxed);
      }
    }
    for (int i = 0; i < 5'000 || (engine.broken == 0 && i < 5'000'000); ++i) {
      engine.turn();
      honest.turn();
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (int i = 0; i < 200; ++i) {
      engine.turn();
      honest.turn(false);
    }
    ASSERT_EQ(honest.settled, honest.pushed);
    EXPECT_GE(honest.settled, 1'000U);
  }
}
#endif

}  // namespace
}  // namespace backhand::ingress::test
