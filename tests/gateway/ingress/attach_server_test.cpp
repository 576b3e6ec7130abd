// The attach socket from both sides in one thread: nothing here blocks, so nothing has to be waited for.
#include "gateway/ingress/attach_server.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/client/attach_call.hpp"
#include "common/clock.hpp"
#include "tests/gateway/ingress/raw_lane.hpp"

namespace backhand::ingress::test {
namespace {

using client::AttachCall;
using client::AttachedLane;
using testing::HasSubstr;

class AttachServerTest : public testing::Test {
 protected:
  AttachServerTest() {
    char name[] = "/tmp/backhand-test-XXXXXX";
    directory_ = ::mkdtemp(name);
    settings_.path = directory_ + "/attach.sock";
    settings_.strategies = {{"alpha", {}}, {"beta", {}}, {"gamma", {4'000'000'000U}}};
    settings_.log = [this](std::string_view line) { log_ += std::string(line) + "\n"; };
  }
  ~AttachServerTest() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void listen() {
    auto server = AttachServer::listen(settings_, set_->port());
    ASSERT_TRUE(server.has_value()) << server.error().message;
    server_ = std::move(*server);
  }
  /// A few turns of both threads' work; enough for any exchange.
  void turns() {
    for (int i = 0; i < 6; ++i) {
      server_->do_work();
      for (const LaneChange& change : do_work(*set_)) changes_.push_back(change);
    }
  }
  static wire::AttachRequest request(const char* strategy, const char* lane) {
    return {.magic = wire::kAttachMagic,
            .abi_version = wire::kAbiVersion,
            .layout_version = wire::kLayoutVersion,
            .strategy = wire::StrategyName(strategy),
            .lane = wire::LaneName(lane),
            .cursor = 0};
  }
  std::expected<AttachedLane, Error> attach(const wire::AttachRequest& what) {
    auto call = AttachCall::begin(settings_.path, what);
    if (!call) return std::unexpected(call.error());
    turns();
    auto answer = call->advance();
    if (!answer) return std::unexpected(answer.error());
    if (!answer->has_value()) return std::unexpected(Error{"no answer yet"});
    return std::move(**answer);
  }
  std::string refusal(const wire::AttachRequest& what) {
    const auto attached = attach(what);
    return attached ? "attached" : attached.error().message;
  }
  shm::Fd connect() {
    shm::Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    settings_.path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  /// The reply that lies in `socket`, if any.
  static std::optional<wire::AttachReply> reply(const shm::Fd& socket) {
    wire::AttachReply reply{};
    auto got = ::recv(socket.get(), &reply, sizeof reply, MSG_DONTWAIT);
    if (got < 0 && errno == ECONNRESET) got = ::recv(socket.get(), &reply, sizeof reply, MSG_DONTWAIT);
    if (got != static_cast<ssize_t>(sizeof reply)) return std::nullopt;
    return reply;
  }

  std::string directory_;
  std::string log_;
  AttachSettings settings_;
  std::unique_ptr<LaneSet> set_ = make_set(small_lanes());
  std::unique_ptr<AttachServer> server_;
  std::vector<LaneChange> changes_;
};

TEST_F(AttachServerTest, HandsOverALaneThatWorks) {
  listen();
  auto lane = attach(request("beta", "main"));
  ASSERT_TRUE(lane.has_value()) << lane.error().message;
  EXPECT_EQ(lane->reply.taken_mark, 0U);
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(changes_[0].strategy.value, 1U);
  shm::RingProducer<wire::Intent> producer(lane->mapping->view.intents,
                                           lane->mapping->geometry.intent_capacity,
                                           &lane->mapping->view.header->intent_head);
  ASSERT_EQ(producer.try_push(intent(1)), shm::PushStatus::ok);
  EXPECT_EQ(drain(*set_).size(), 1U);
  const auto peers = server_->peers();
  ASSERT_EQ(peers.size(), 1U);
  EXPECT_EQ(peers[0].pid, ::getpid());
  EXPECT_EQ(peers[0].lane_name.view(), "main");
  EXPECT_THAT(log_, HasSubstr("strategy \"beta\" lane \"main\""));
}

TEST_F(AttachServerTest, RefusesWithWordsThatHelp) {
  listen();
  EXPECT_THAT(refusal(request("nobody", "main")),
              HasSubstr("\"nobody\" is not in the gateway's configuration"));
  EXPECT_THAT(refusal(request("gamma", "main")), HasSubstr("may not attach as strategy \"gamma\""));
  auto old = request("alpha", "main");
  old.abi_version = 0;
  EXPECT_THAT(refusal(old),
              HasSubstr("speaks ABI version 0, this gateway " + std::to_string(wire::kAbiVersion)));
  auto layout = request("alpha", "main");
  layout.layout_version = 99;
  EXPECT_THAT(refusal(layout), HasSubstr("lane layout 99"));
  EXPECT_THAT(refusal(request("alpha", "")), HasSubstr("need a name"));
  EXPECT_TRUE(server_->peers().empty());
  server_->refuse_new();
  EXPECT_THAT(refusal(request("alpha", "main")), HasSubstr("shutting down"));
  EXPECT_THAT(log_, HasSubstr("refused pid"));
}

TEST_F(AttachServerTest, RefusesARequestOfAnotherSize) {
  listen();
  for (const std::size_t size : {std::size_t{1}, sizeof(wire::AttachRequest) - 1,
                                 sizeof(wire::AttachRequest) + 1, std::size_t{4'000}}) {
    const shm::Fd socket = connect();
    const std::vector<char> bytes(size, 'x');
    ASSERT_EQ(::send(socket.get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
    turns();
    const auto told = reply(socket);
    ASSERT_TRUE(told.has_value()) << size;
    EXPECT_EQ(told->status, wire::AttachStatus::bad_request) << size;
  }
}

TEST_F(AttachServerTest, RefusesASecondLiveAttachAndTooManyLanes) {
  settings_.strategies[2].uids = {};
  listen();
  auto first = attach(request("gamma", "main"));
  ASSERT_TRUE(first.has_value()) << first.error().message;
  EXPECT_THAT(refusal(request("gamma", "main")), HasSubstr("is attached already; name another lane"));
  EXPECT_THAT(refusal(request("gamma", "other")), HasSubstr("no further lane name"));
  EXPECT_EQ(server_->peers().size(), 1U);
  EXPECT_TRUE(set_->attached(LaneIndex{0})) << "a refusal must not touch the one who is there";
}

TEST_F(AttachServerTest, NoticesDeathAtOnceAndLetsTheLaneBeTakenUpAgain) {
  listen();
  auto first = attach(request("alpha", "main"));
  ASSERT_TRUE(first.has_value());
  const auto number = first->reply.lane;
  first = std::unexpected(Error{});  // Closes the socket.
  pollfd events{.fd = server_->poll_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&events, 1, 0), 1);
  turns();
  ASSERT_EQ(changes_.size(), 2U);
  EXPECT_EQ(changes_[1].kind, LaneChange::Kind::detached);
  EXPECT_TRUE(server_->peers().empty());
  auto second = attach(request("alpha", "main"));
  ASSERT_TRUE(second.has_value()) << second.error().message;
  EXPECT_EQ(second->reply.lane, number);
}

TEST_F(AttachServerTest, ARestartedStrategyIsNotRefusedBecauseItsOldDeathWasNotSeenYet) {
  listen();
  std::vector<shm::Fd> others;
  for (int round = 0; round < 20; ++round) {
    auto lane = attach(request("alpha", "main"));
    ASSERT_TRUE(lane.has_value()) << lane.error().message << " in round " << round;
  }
}

TEST_F(AttachServerTest, AStrategyThatDiesWhileItsLaneIsMadeLeavesNothingBehind) {
  listen();
  {
    auto call = AttachCall::begin(settings_.path, request("alpha", "main"));
    ASSERT_TRUE(call.has_value());
    server_->do_work();  // Accepted.
    server_->do_work();  // Its request is on the way to the other thread.
  }
  turns();
  EXPECT_TRUE(server_->peers().empty());
  EXPECT_FALSE(set_->attached(LaneIndex{0}));
  EXPECT_TRUE(attach(request("alpha", "main")).has_value());
}

TEST_F(AttachServerTest, WhoSpeaksAfterTheAttachIsCutOff) {
  listen();
  auto lane = attach(request("alpha", "main"));
  ASSERT_TRUE(lane.has_value());
  ASSERT_EQ(::send(lane->socket.get(), "x", 1, MSG_NOSIGNAL), 1);
  turns();
  EXPECT_TRUE(server_->peers().empty());
}

TEST_F(AttachServerTest, ALaneThatBreaksLosesItsSocket) {
  listen();
  auto lane = attach(request("alpha", "main"));
  ASSERT_TRUE(lane.has_value());
  lane->mapping->view.intents[0].sequence.store(12'345);
  EXPECT_TRUE(drain_turns(*set_, 2).empty());
  turns();
  EXPECT_TRUE(server_->peers().empty());
  EXPECT_THAT(log_, HasSubstr("wrote nonsense"));
  char byte = 0;
  EXPECT_EQ(::recv(lane->socket.get(), &byte, 1, MSG_DONTWAIT), 0) << "the strategy must learn of it";
  EXPECT_TRUE(attach(request("alpha", "main")).has_value());
}

TEST_F(AttachServerTest, ASilentPeerIsTurnedAwayAndHoldsUpNobody) {
  settings_.request_timeout_ns = kMillisecond;
  listen();
  const shm::Fd silent = connect();
  turns();
  const auto lane = attach(request("alpha", "main"));
  EXPECT_TRUE(lane.has_value());
  pollfd events{.fd = server_->poll_fd(), .events = POLLIN, .revents = 0};
  // On a slow machine it has been turned away by now.
  std::optional<wire::AttachReply> told = reply(silent);
  while (!told) {
    ASSERT_EQ(::poll(&events, 1, 30'000), 1) << "the server must wake by itself to turn it away";
    turns();
    told = reply(silent);
  }
  EXPECT_EQ(told->status, wire::AttachStatus::too_slow);
  EXPECT_EQ(server_->peers().size(), 1U);
}

TEST_F(AttachServerTest, WhoeverIsSilentForLongestMakesRoomForWhoeverAsks) {
  settings_.max_attaching = 4;
  listen();
  std::vector<shm::Fd> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(connect());
  turns();
  EXPECT_TRUE(attach(request("alpha", "main")).has_value());
  const auto told = reply(silent.front());
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->status, wire::AttachStatus::busy);
}

TEST_F(AttachServerTest, TooManyAtOnceAreToldSo) {
  settings_.max_attaching = 4;
  listen();
  std::vector<shm::Fd> silent;
  for (int i = 0; i < 6; ++i) silent.push_back(connect());
  turns();
  int busy = 0;
  for (const shm::Fd& one : silent) {
    const auto told = reply(one);
    if (told && told->status == wire::AttachStatus::busy) ++busy;
  }
  EXPECT_EQ(busy, 2);
}

TEST_F(AttachServerTest, ACrowdAtTheDoorGetsABoundedPieceOfATurn) {
  settings_.max_attaching = 4;
  listen();
  std::vector<shm::Fd> crowd;
  for (int i = 0; i < 60; ++i) crowd.push_back(connect());
  server_->do_work();
  int refused = 0;
  for (const shm::Fd& one : crowd) refused += reply(one).has_value() ? 1 : 0;
  EXPECT_LE(refused, 16) << "an operator's halt waits behind the rest";
  EXPECT_GT(refused, 0);
}

TEST_F(AttachServerTest, MemoryThatAStrategyKeepsIsNotTheGateways) {
  listen();
  auto lane = attach(request("alpha", "main"));
  ASSERT_TRUE(lane.has_value()) << lane.error().message;
  const shm::Fd kept{::dup(lane->mapping->lane.fd())};
  const auto pages = [&kept] {
    struct stat status{};
    EXPECT_EQ(::fstat(kept.get(), &status), 0);
    return status.st_blocks;
  };
  ASSERT_GT(pages(), 0);
  {
    const AttachedLane gone = std::move(*lane);
  }
  turns();
  EXPECT_TRUE(server_->peers().empty());
  EXPECT_EQ(pages(), 0) << "what a strategy does not let go of would be charged to the gateway for ever";
}

TEST_F(AttachServerTest, AttachingAgainAndAgainIsBounded) {
  settings_.strategies[0].attach_burst = 3;
  listen();
  int attached = 0;
  std::string told;
  const Ns begin = monotonic_now();
  for (int i = 0; i < 20; ++i) {
    auto lane = attach(request("alpha", "main"));
    attached += lane.has_value() ? 1 : 0;
    if (!lane) told = lane.error().message;
    turns();
  }
  EXPECT_GE(attached, 3);
  const Ns most = 4 + (monotonic_now() - begin) * kAttachesPerSecond / kSecond;
  EXPECT_LE(attached, most) << "each attach makes memory and costs the I/O thread time";
  if (attached < 20) {
    EXPECT_THAT(told, HasSubstr("attaches more than"));
  }
  EXPECT_TRUE(attach(request("beta", "main")).has_value()) << "another strategy is not kept out";
}

TEST_F(AttachServerTest, AFloodOfRefusalsIsCountedInTheLogInsteadOfListed) {
  listen();
  constexpr int kTries = 40;
  const Ns begin = monotonic_now();
  for (int i = 0; i < kTries; ++i) (void)refusal(request("nobody", "main"));
  const bool in_a_second = monotonic_now() - begin < kSecond;
  server_.reset();
  int listed = 0;
  int counted = 0;
  std::istringstream lines{log_};
  for (std::string line; std::getline(lines, line);) {
    int more = 0;
    if (line.starts_with("attach: refused pid")) ++listed;
    if (std::sscanf(line.c_str(), "attach: refused %d more", &more) == 1) counted += more;
  }
  EXPECT_EQ(listed + counted, kTries) << log_;
  if (in_a_second) {
    EXPECT_EQ(listed, 10) << log_;
  }
}

TEST_F(AttachServerTest, MakesItsSocketPrivateAndRemovesIt) {
  listen();
  struct stat status{};
  ASSERT_EQ(::stat(settings_.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  server_.reset();
  EXPECT_NE(::stat(settings_.path.c_str(), &status), 0);
}

TEST_F(AttachServerTest, RefusesAPathInUseReplacesADeadOneAndSparesOtherThings) {
  listen();
  const auto second = AttachServer::listen(settings_, set_->port());
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().message, HasSubstr("in use by a live server"));
  EXPECT_TRUE(attach(request("alpha", "main")).has_value()) << "the first must not be disturbed by the probe";
  server_.reset();

  {
    const shm::Fd dead(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    settings_.path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  listen();
  EXPECT_TRUE(attach(request("alpha", "main")).has_value());
  server_.reset();

  std::ofstream(settings_.path) << "a file of somebody's";
  const auto third = AttachServer::listen(settings_, set_->port());
  ASSERT_FALSE(third.has_value());
  EXPECT_THAT(third.error().message, HasSubstr("no socket is there already"));
  EXPECT_TRUE(std::filesystem::exists(settings_.path));

  settings_.path = directory_ + "/" + std::string(120, 'x');
  EXPECT_THAT(AttachServer::listen(settings_, set_->port()).error().message, HasSubstr("1 to 107 bytes"));
}

TEST_F(AttachServerTest, ItsEndIsSeenByThoseAttached) {
  listen();
  auto lane = attach(request("alpha", "main"));
  ASSERT_TRUE(lane.has_value());
  server_.reset();
  char byte = 0;
  EXPECT_EQ(::recv(lane->socket.get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_EQ(do_work(*set_).size(), 1U) << "and its lane is closed";
}

}  // namespace
}  // namespace backhand::ingress::test
