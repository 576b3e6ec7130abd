#include "gateway/net/pool.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <poll.h>

#include "tests/gateway/net/pool_fixture.hpp"

namespace backhand::net::testing {
namespace {

TEST_F(PoolTest, SendsAndTellsTheReplyWithItsTimes) {
  serve_echo();
  open_and_wait(2);
  EXPECT_EQ(recorder.pings, 2) << "each probe's reply must be told: it carries the venue's time";
  EXPECT_EQ(recorder.last_ping_body, "/probe");
  const Ns before = test_clock();
  const WriteResult written = send(7, "/one");
  ASSERT_EQ(written.status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  const Recorder::Reply& reply = recorder.replies.front();
  EXPECT_EQ(reply.token.value, 7U);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "/one");
  EXPECT_EQ(reply.connection, written.connection);
  EXPECT_LE(before, written.written_ns);
  EXPECT_LE(written.written_ns, reply.readable_ns);
  EXPECT_LE(reply.readable_ns, reply.replied_ns);
  EXPECT_TRUE(recorder.losses.empty());
}

TEST_F(PoolTest, SpeaksTls12Too) {
  serve([](Peer& peer, const std::string&) { peer.reply("{}"); }, CertificateKind::good, true);
  open_and_wait(1);
  for (std::uint32_t i = 0; i < 10; ++i) send_and_wait(i, "/x");
  EXPECT_EQ(recorder.replies.size(), 10U);
}

TEST_F(PoolTest, LooksTheNameUpWhereNoAddressIsGiven) {
  serve_echo();
  settings.connect_address.clear();
  open_and_wait(1);
  send_and_wait(1, "/x");
}

TEST_F(PoolTest, HasOneRequestOutstandingOnAConnection) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(2);
  const WriteResult first = send(1, "/a");
  const WriteResult second = send(2, "/b");
  EXPECT_EQ(first.status, WriteStatus::written);
  EXPECT_EQ(second.status, WriteStatus::written);
  EXPECT_NE(first.connection, second.connection);
  EXPECT_EQ(send(3, "/c").status, WriteStatus::no_connection);
  EXPECT_FALSE(pool->can_send(RequestClass::trade, test_clock()));
}

TEST_F(PoolTest, NeverGivesTheLastFreeConnectionToALookup) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(3);
  EXPECT_EQ(send(1, "/a", RequestClass::lookup).status, WriteStatus::written);
  EXPECT_EQ(send(2, "/b", RequestClass::lookup).status, WriteStatus::written);
  EXPECT_EQ(pool->free(test_clock()), 1U);
  EXPECT_EQ(send(3, "/c", RequestClass::lookup).status, WriteStatus::no_connection);
  EXPECT_EQ(send(4, "/d", RequestClass::trade).status, WriteStatus::written);
}

TEST_F(PoolTest, WithOneConnectionQuestionsUseItToo) {
  serve_echo();
  open_and_wait(1);
  EXPECT_EQ(send(1, "/a", RequestClass::lookup).status, WriteStatus::written);
}

TEST_F(PoolTest, NeverPingsTheLastFreeConnection) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(2);
  ASSERT_EQ(send(1, "/stalls", RequestClass::trade, 360'000'000).status, WriteStatus::written);
  settings.ping_interval_ms = 1;
  advance_ms(1'800'001);
  turn(1'000);
  EXPECT_EQ(pool->counters().pings, 0U);
  EXPECT_TRUE(pool->can_send(RequestClass::trade, test_clock()));
}

TEST_F(PoolTest, KeepsIdleConnectionsWarm) {
  serve_echo();
  settings.max_idle_ms = 2'000'000;
  settings.ping_interval_ms = 500'000;
  open_and_wait(3);
  for (int round = 1; round <= 5; ++round) {
    advance_ms(500'001);
    const auto pings = static_cast<std::uint64_t>(3 * round);
    turn_until([&] { return recorder.pings == static_cast<int>(pings) + 3; });
    EXPECT_EQ(pool->counters().pings, pings);
  }
  EXPECT_EQ(pool->counters().retired, 0U) << "2,500 s idle, but pinged";
  EXPECT_EQ(pool->counters().handed_over, 3U);
}

TEST_F(PoolTest, PingsOnlyWhenAllowed) {
  serve_echo();
  open_and_wait(2);
  recorder.ping_allowed = false;
  advance_ms(1'800'001);
  turn(1'000);
  EXPECT_EQ(pool->counters().pings, 0U);
  recorder.ping_allowed = true;
  advance_ms(20);
  turn_until([&] { return recorder.pings == 4; });
}

TEST_F(PoolTest, DialsOnlyWhenAllowed) {
  serve_echo();
  recorder.dial_allowed = false;
  open();
  turn(1'000);
  EXPECT_EQ(pool->counters().dials, 0U);
  EXPECT_GT(recorder.dials_asked, 0);
  recorder.dial_allowed = true;
  advance_ms(20);
  turn_until([&] { return pool->ready() == pool->wanted(); });
}

TEST_F(PoolTest, RetiresByMaxRequestsWithoutADip) {
  serve_echo();
  settings.max_requests = 4;
  open_and_wait(2);
  recorder.ready_seen.clear();
  for (std::uint32_t i = 0; i < 100; ++i) {
    send_and_wait(i, "/x");
    // The replacement is dialed before the last request is used up; requests come no faster than that.
    turn_until([&] { return pool->counters().dials == pool->counters().handed_over; });
  }
  EXPECT_EQ(recorder.replies.size(), 100U);
  EXPECT_TRUE(recorder.losses.empty());
  EXPECT_GE(pool->counters().handed_over, 30U);
  EXPECT_GE(*std::ranges::min_element(recorder.ready_seen), 2U) << "the pool dipped while it replaced";
  EXPECT_EQ(pool->counters().closed_by_peer, 0U);
}

TEST_F(PoolTest, NeverExceedsMaxRequestsEvenWithoutAReplacement) {
  serve([](Peer& peer, const std::string&) {
    // As a server that closes after so many: one more would be lost.
    if (peer.requests() <= 4) peer.reply("{}");
  });
  settings.max_requests = 4;
  open_and_wait(1);
  recorder.dial_allowed = false;
  for (std::uint32_t i = 0; i < 3; ++i) send_and_wait(i, "/x");
  EXPECT_EQ(send(9, "/x").status, WriteStatus::no_connection);
  recorder.dial_allowed = true;
  advance_ms(20);
  turn_until([&] { return pool->ready() == 1; });
  send_and_wait(10, "/x");
  EXPECT_TRUE(recorder.losses.empty());
}

TEST_F(PoolTest, RetiresAnIdleConnectionBeforeThePeerDoes) {
  serve_echo();
  settings.max_idle_ms = 1'000'000;
  open_and_wait(1);  // Alone, it is never pinged.
  recorder.ready_seen.clear();
  advance_ms(760'000);
  turn_until([&] { return pool->counters().handed_over == 2; });
  EXPECT_EQ(pool->counters().retired, 1U);
  EXPECT_GE(*std::ranges::min_element(recorder.ready_seen), 1U) << "the replacement must be there first";
  recorder.dial_allowed = false;
  advance_ms(1'000'001);
  EXPECT_EQ(send(1, "/x").status, WriteStatus::no_connection) << "too old to be trusted, even before upkeep";
  turn_until([&] { return pool->ready() == 0; });
}

TEST_F(PoolTest, NoticesThatThePeerClosedBeforeTheNextShot) {
  serve_echo();
  open_and_wait(2);
  server->command([](Peer& peer) { peer.close(); });
  turn_until([&] { return pool->counters().closed_by_peer == 2 && pool->ready() == 2; });
  send_and_wait(1, "/x");
  EXPECT_TRUE(recorder.losses.empty());
  EXPECT_TRUE(recorder.told("the peer closed an idle connection"));
}

TEST_F(PoolTest, NoticesThroughThePollerWithoutTurning) {
  serve_echo();
  settings.idle_look_interval_us = 1'000'000'000;  // So that only the poller can find it.
  open_and_wait(2);
  ASSERT_EQ(send(1, "/x").status, WriteStatus::written);
  while (recorder.replies.empty()) {
    pollfd ready{pool->poll_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, -1), 1);
    pool->do_ready_work(test_clock());
  }
  server->command([](Peer& peer) { peer.cut(); });
  while (pool->counters().closed_by_peer < 2) {
    pollfd ready{pool->poll_fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, -1), 1);
    pool->do_ready_work(test_clock());
  }
}

TEST_F(PoolTest, LeavesThePollerQuietWhenNothingHappens) {
  serve_echo();
  open_and_wait(2);
  turn(100);
  while (pool->do_ready_work(test_clock()) > 0) {
  }
  pollfd ready{pool->poll_fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 0), 0) << "a sleeping loop would spin";
  EXPECT_GT(pool->next_due(), test_clock());
}

TEST_F(PoolTest, SendsFromWithinAReply) {
  serve_echo();
  open_and_wait(1);
  std::vector<WriteStatus> seen;
  recorder.then = [&](Ns) { seen.push_back(send(2, "/two").status); };
  ASSERT_EQ(send(1, "/one").status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_EQ(seen.front(), WriteStatus::no_connection)
      << "the only connection still holds the reply that is being told";
  recorder.then = nullptr;
  send_and_wait(3, "/three");
  EXPECT_EQ(recorder.replies.back().body, "/three");
}

TEST_F(PoolTest, ReadsRepliesInOneByteRecords) {
  serve_after_probe([](Peer& peer, const std::string&) {
    peer.write_slowly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  });
  open_and_wait(1);
  send_and_wait(1, "/x");
  EXPECT_EQ(recorder.replies.front().body, "abc");
}

TEST_F(PoolTest, WritesARequestOfSixteenKibibytesWhole) {
  serve([](Peer& peer, const std::string& request) { peer.reply(std::to_string(request.size())); });
  open_and_wait(1);
  std::string request = get("/big");
  request.resize(request.size() - 2);
  request += "x-fill: ";
  request.append(Pool::kMaxRequestBytes - request.size() - 4, 'f');
  request += "\r\n\r\n";
  ASSERT_EQ(request.size(), Pool::kMaxRequestBytes);
  const Ns now = test_clock();
  ASSERT_EQ(pool->send({1}, RequestClass::trade, request, kNever, now).status, WriteStatus::written);
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_EQ(recorder.replies.front().body, std::to_string(Pool::kMaxRequestBytes));
}

TEST_F(PoolTest, RefusesSettingsThatCannotWork) {
  const auto refused = [&](auto change, std::string_view word) {
    Settings bad = settings;
    bad.port = 1;
    change(bad);
    const auto made = Pool::create(bad, recorder);
    ASSERT_FALSE(made.has_value());
    EXPECT_NE(made.error().message.find(word), std::string::npos) << made.error().message;
  };
  refused([](Settings& s) { s.host.clear(); }, "host");
  refused([](Settings& s) { s.connections = 0; }, "connections");
  refused([](Settings& s) { s.connections = 65; }, "connections");
  refused([](Settings& s) { s.max_requests = 1; }, "max_requests");
  refused([](Settings& s) { s.probe_request.clear(); }, "probe");
  refused([](Settings& s) { s.ca_file = "/nonexistent/ca.pem"; }, "/nonexistent/ca.pem");
}

}  // namespace
}  // namespace backhand::net::testing
