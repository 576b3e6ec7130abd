// The wake-up protocol of the `block` policy, step by step in one thread.
#include <array>
#include <atomic>
#include <climits>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/gateway/ingress/raw_lane.hpp"

namespace backhand::ingress::test {
namespace {

using wire::EventKind;

bool rung(const LaneSet& set) {
  pollfd wake{.fd = set.wake_fd(), .events = POLLIN, .revents = 0};
  return ::poll(&wake, 1, 0) == 1;
}

/// Whatever rang at set-up is over.
void settle(LaneSet& set) {
  (void)do_work(set);
  while (!set.prepare_sleep()) {
    (void)drain(set);
    set.cancel_sleep();
  }
  set.cancel_sleep();
}

TEST(LaneSleep, APushBeforeTheLastLookKeepsTheGatewayAwake) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  settle(*set);
  ASSERT_TRUE(raw.push(1));
  EXPECT_FALSE(set->prepare_sleep()) << "the push rang before anybody slept; nobody would ring again";
  set->cancel_sleep();
  EXPECT_EQ(drain_turns(*set, 2).size(), 1U);
  EXPECT_TRUE(set->prepare_sleep());
}

TEST(LaneSleep, APushAfterItRings) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  settle(*set);
  ASSERT_TRUE(set->prepare_sleep());
  EXPECT_FALSE(rung(*set));
  ASSERT_TRUE(raw.push(1));
  EXPECT_TRUE(rung(*set));
  set->cancel_sleep();
  EXPECT_FALSE(rung(*set)) << "else a reactor would spin";
  EXPECT_EQ(drain(*set).size(), 1U);
}

TEST(LaneSleep, AnAwakeGatewayIsNotRung) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  settle(*set);
  ASSERT_TRUE(set->prepare_sleep());
  ASSERT_TRUE(raw.push(1));
  set->cancel_sleep();
  ASSERT_EQ(drain(*set).size(), 1U);
  ASSERT_TRUE(raw.push(2));
  EXPECT_FALSE(rung(*set)) << "a push while the gateway works must not cost a system call";
  EXPECT_EQ(drain(*set).size(), 1U);
}

TEST(LaneSleep, WhoRangIsFoundAtOnceEvenIfTheDoorbellWasCleared) {
  const auto set = make_set(small_lanes(64));
  std::vector<RawLane> lanes;
  for (int i = 0; i < 64; ++i) lanes.push_back(attach(*set, "lane" + std::to_string(i)));
  auto* const words = reinterpret_cast<wire::DoorbellWord*>(lanes[0].doorbell.bytes());
  settle(*set);
  for (RawLane& victim : lanes) {
    ASSERT_TRUE(set->prepare_sleep());
    ASSERT_TRUE(victim.push(1));
    words[0].store(0);
    ASSERT_TRUE(rung(*set));
    set->cancel_sleep();
    ASSERT_EQ(drain(*set).size(), 1U) << "else it would sleep again over lane " << victim.lane().value;
  }
}

TEST(LaneSleep, AStrategyThatMadeRoomWakesForItsWaitingIntents) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  std::uint64_t id = 0;
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(raw.push(++id));
  ASSERT_EQ(drain_turns(*set, 4).size(), 10U);
  for (std::uint64_t done = 1; done <= 10; ++done) {
    for (const EventKind kind : {EventKind::queued, EventKind::sent, EventKind::acked, EventKind::unknown}) {
      wire::Outcome outcome = event(done, kind);
      ASSERT_EQ(set->publish(raw.lane(), outcome), PublishResult::ok);
    }
    wire::Outcome outcome = event(done, EventKind::settled);
    ASSERT_EQ(set->publish(raw.lane(), outcome), PublishResult::ok);
    if (done == 2) break;
  }
  // 10 used, 8 open: 10 + 6 × 9 = 64 lets one in, and then none.
  ASSERT_EQ(drain_turns(*set, 4).size(), 1U);
  EXPECT_TRUE(set->prepare_sleep()) << "what cannot be taken is no reason to stay awake";
  EXPECT_EQ(raw.poll().size(), 10U);
  EXPECT_TRUE(rung(*set)) << "nobody else would ever tell that there is room now";
  set->cancel_sleep();
  EXPECT_EQ(drain(*set).size(), 1U);
}

/// Whether thread `id` of this process sleeps in the kernel.
bool sleeps(pid_t id) {
  std::ifstream stat("/proc/self/task/" + std::to_string(id) + "/stat");
  const std::string line{std::istreambuf_iterator<char>{stat}, {}};
  const std::size_t name = line.rfind(')');
  return name != std::string::npos && line.substr(name + 2, 1) == "S";
}

TEST(LaneSleep, ManySleepersOfOneLaneCostOneWakeUp) {
  constexpr int kSleepers = 8;
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  auto* const word = reinterpret_cast<std::uint32_t*>(&raw.view.header->strategy_waits);
  raw.view.header->strategy_waits.store(1);
  std::array<std::atomic<pid_t>, kSleepers> ids{};
  std::vector<std::jthread> sleepers;
  for (auto& id : ids) {
    sleepers.emplace_back([&id, word] {
      id.store(::gettid());
      ::syscall(SYS_futex, word, FUTEX_WAIT, 1, nullptr, nullptr, 0);
    });
  }
  for (auto& id : ids)
    while (id.load() == 0 || !sleeps(id.load())) std::this_thread::yield();
  wire::Outcome outcome = event(1, EventKind::queued);
  ASSERT_EQ(set->publish(raw.lane(), outcome), PublishResult::ok);
  EXPECT_EQ(::syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0), kSleepers - 1)
      << "the I/O thread must not pay for each thread of a strategy";
}

TEST(LaneSleep, ACommandWakes) {
  const auto set = make_set(small_lanes());
  settle(*set);
  ASSERT_TRUE(set->prepare_sleep());
  LaneCommand command;
  command.kind = LaneCommand::Kind::close;
  command.ticket = 1;
  set->port().post(std::move(command));
  EXPECT_TRUE(rung(*set));
  set->cancel_sleep();
  EXPECT_FALSE(set->prepare_sleep());
  (void)do_work(*set);
  EXPECT_TRUE(set->prepare_sleep());
}

TEST(LaneSleep, ADescriptorMadeBlockingByItsStrategyBlocksNobody) {
  const auto set = make_set(small_lanes());
  RawLane raw = attach(*set, "one");
  settle(*set);
  const int flags = ::fcntl(raw.event_fd.get(), F_GETFL);
  ASSERT_EQ(::fcntl(raw.event_fd.get(), F_SETFL, flags & ~O_NONBLOCK), 0);
  ASSERT_TRUE(set->prepare_sleep());
  ASSERT_TRUE(raw.push(1));
  std::uint64_t count = 0;
  ASSERT_EQ(::read(raw.event_fd.get(), &count, sizeof count), 8) << "and takes its own ring back";
  set->cancel_sleep();  // Would hang if it read the descriptor.
  EXPECT_EQ(drain_turns(*set, 2).size(), 1U);
}

}  // namespace
}  // namespace backhand::ingress::test
