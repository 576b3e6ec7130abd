// One reply too many on a connection: what the pool sees of it, and the probe that shows whether there was
// one.
#include <gtest/gtest.h>

#include "gateway/net/pool.hpp"
#include "tests/gateway/net/pool_fixture.hpp"

namespace backhand::net::testing {
namespace {

class PoolExtraTest : public PoolTest {
 protected:
  /// Sends `/x` as a trade whose reply is checked; `answer` is what the peer does with it.
  void send_checked(const std::function<void(Peer&)>& answer) {
    serve([answer](Peer& peer, const std::string& request) {
      if (request.starts_with("GET /x ")) {
        answer(peer);
      } else {
        peer.reply(request.substr(4, request.find(' ', 4) - 4));
      }
    });
    open_and_wait(1);
    recorder.then = [&](Ns) { pool->check(recorder.replies.back().connection); };
    ASSERT_EQ(send(7, "/x").status, WriteStatus::written);
    turn_until([&] { return recorder.checked.size() + recorder.not_checked.size() > 0; });
    recorder.then = nullptr;
  }
};

TEST_F(PoolExtraTest, TheCheckOfALoneReplyIsAnsweredByAProbe) {
  send_checked([](Peer& peer) { peer.reply("no", 400); });
  ASSERT_EQ(recorder.checked.size(), 1U);
  EXPECT_EQ(recorder.checked.front().token.value, 7U);
  EXPECT_EQ(recorder.checked.front().body, "/probe");
  EXPECT_EQ(recorder.replies.size(), 1U);
  EXPECT_TRUE(recorder.losses.empty());
  EXPECT_EQ(server->accepted(), 1) << "the probe must go on the reply's own connection";
  send_and_wait(8, "/y");
  EXPECT_EQ(recorder.replies.back().body, "/y");
}

TEST_F(PoolExtraTest, TheCheckBringsTheTrueReplyWhereTheFirstWasOneTooMany) {
  send_checked([](Peer& peer) {
    peer.reply("no", 400);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.reply("yes");
  });
  // In one read with the no or after it: either the no was seen to be followed, or the check has the yes.
  if (recorder.checked.empty()) {
    EXPECT_TRUE(recorder.replies.front().followed);
  } else {
    EXPECT_EQ(recorder.checked.front().body, "yes");
  }
}

TEST_F(PoolExtraTest, AReplyInOneReadWithAnotherIsFollowedAndNotChecked) {
  send_checked([](Peer& peer) { peer.write(http_reply("no", 400) + http_reply("yes")); });
  EXPECT_TRUE(recorder.replies.front().followed);
  ASSERT_EQ(recorder.not_checked.size(), 1U);
  EXPECT_FALSE(recorder.not_checked.front());
}

TEST_F(PoolExtraTest, NoCheckWithoutPermissionOrOnAConnectionThatEnds) {
  recorder.ping_allowed = false;
  send_checked([](Peer& peer) { peer.reply("no", 400); });
  ASSERT_EQ(recorder.not_checked.size(), 1U);
  EXPECT_FALSE(recorder.not_checked.front());
}

TEST_F(PoolExtraTest, ACheckWhoseConnectionBreaksIsTold) {
  int received = 0;
  serve([&received](Peer& peer, const std::string&) {
    if (++received == 3) {
      peer.reset();
    } else {
      peer.reply("no", 400);
    }
  });
  open_and_wait(1);
  recorder.then = [&](Ns) { pool->check(recorder.replies.back().connection); };
  ASSERT_EQ(send(7, "/x").status, WriteStatus::written);
  turn_until([&] { return !recorder.not_checked.empty(); });
  EXPECT_TRUE(recorder.not_checked.front()) << "the permission was spent";
  EXPECT_TRUE(recorder.losses.empty());
}

TEST_F(PoolExtraTest, ALookupsReplyIsHeldAndWhatComesBehindIsSeen) {
  serve_after_probe([](Peer& peer, const std::string&) {
    peer.reply("another's");
    std::this_thread::sleep_for(std::chrono::microseconds(300));
    peer.reply("ours");
  });
  open_and_wait(2);
  freeze_clock();  // The hold does not end by itself.
  ASSERT_EQ(send(1, "/x", RequestClass::lookup).status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_TRUE(recorder.replies.front().followed);
}

TEST_F(PoolExtraTest, ALookupsReplyIsToldWhenItsHoldIsOver) {
  serve_echo();
  open_and_wait(2);
  freeze_clock();
  ASSERT_EQ(send(1, "/x", RequestClass::lookup).status, WriteStatus::written);
  turn_until([&] { return times_received("/x") == 1; });
  for (int i = 0; i < 200; ++i) {
    turn(100);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  EXPECT_TRUE(recorder.replies.empty()) << "told before its hold was over";
  advance_ms(51);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_FALSE(recorder.replies.front().followed);
  EXPECT_EQ(recorder.replies.front().body, "/x");
}

TEST_F(PoolExtraTest, TheKernelsRoundTripIsALowerBoundOfEachReply) {
  serve_echo();
  open_and_wait(2);
  const WriteResult sent = send(1, "/x");
  ASSERT_EQ(sent.status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_GT(recorder.replies.front().least_round_trip_ns, 0);
  EXPECT_GE(recorder.replies.front().readable_ns - sent.written_ns,
            recorder.replies.front().least_round_trip_ns / 4 * 3);
}

TEST_F(PoolExtraTest, WhatLiesThereBeforeTheWriteIsReadTooSoon) {
  serve_echo();
  settings.idle_look_interval_us = 1'000'000'000;  // Nobody looks at idle connections here.
  open_and_wait(1);
  server->command([](Peer& peer) { peer.reply("no", 400); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const WriteResult sent = send(1, "/x");
  ASSERT_EQ(sent.status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_EQ(recorder.replies.front().body, "no");
  RecordProperty("readable_after_ns", std::to_string(recorder.replies.front().readable_ns - sent.written_ns));
}

}  // namespace
}  // namespace backhand::net::testing
