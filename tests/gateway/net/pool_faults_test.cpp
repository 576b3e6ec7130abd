#include <algorithm>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/net/pool.hpp"
#include "tests/gateway/net/pool_fixture.hpp"

namespace backhand::net::testing {
namespace {

class PoolFaultTest : public PoolTest {
 protected:
  /// One request that `fault` is done to must be lost for `reason`, once, and never be seen twice by the
  /// server.
  void expect_loss(const std::function<void(Peer&)>& fault, LossReason reason) {
    serve_after_probe([fault](Peer& peer, const std::string& request) {
      if (request.starts_with("GET /faulty ")) {
        fault(peer);
      } else {
        peer.reply("fine");
      }
    });
    open_and_wait(2);
    ASSERT_EQ(send(1, "/faulty").status, WriteStatus::written);
    turn_until([&] { return !recorder.losses.empty(); });
    EXPECT_EQ(recorder.losses.front().token.value, 1U);
    EXPECT_EQ(recorder.losses.front().reason, reason)
        << to_string(recorder.losses.front().reason) << " instead of " << to_string(reason);
    EXPECT_TRUE(recorder.losses.front().aborted_by_reset);
    turn_until([&] { return pool->ready() == 2; });
    send_and_wait(2, "/after");
    EXPECT_EQ(recorder.losses.size(), 1U);
    EXPECT_EQ(recorder.replies.size(), 1U);
    EXPECT_EQ(times_received("/faulty"), 1) << "a request was sent again";
  }
};

TEST_F(PoolTest, AConnectionWhoseReplyIsDistrustedCarriesNoOther) {
  serve_echo();
  open_and_wait(1);
  recorder.then = [&](Ns) { pool->distrust(recorder.replies.back().connection); };
  send_and_wait(1, "/x");
  recorder.then = nullptr;
  EXPECT_EQ(pool->counters().distrusted, 1U);
  EXPECT_EQ(pool->ready(), 0U);
  EXPECT_TRUE(recorder.losses.empty()) << "its own request had its reply";
  turn_until([&] { return pool->ready() == 1; });
  EXPECT_EQ(pool->counters().handed_over, 2U);
  send_and_wait(2, "/y");
  EXPECT_EQ(recorder.replies.back().body, "/y");
  EXPECT_EQ(pool->counters().distrusted, 1U);
}

TEST_F(PoolFaultTest, ResetAfterTheRequest) {
  expect_loss([](Peer& peer) { peer.reset(); }, LossReason::reset);
}

TEST_F(PoolFaultTest, EndOfStreamBeforeTheReply) {
  expect_loss([](Peer& peer) { peer.close(); }, LossReason::end_of_stream);
}

TEST_F(PoolFaultTest, EndOfStreamInsideTheReply) {
  expect_loss(
      [](Peer& peer) {
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
        peer.close();
      },
      LossReason::end_of_stream);
}

TEST_F(PoolFaultTest, HalfCloseBeforeTheReply) {
  expect_loss([](Peer& peer) { peer.half_close(); }, LossReason::end_of_stream);
}

TEST_F(PoolFaultTest, BodyWithoutLengthThatIsCutOff) {
  expect_loss(
      [](Peer& peer) {
        peer.write("HTTP/1.1 200 OK\r\n\r\n{\"code\":\"00000\"}");
        peer.cut();
      },
      LossReason::end_of_stream);
}

TEST_F(PoolFaultTest, GarbageInsteadOfHttp) {
  expect_loss([](Peer& peer) { peer.write("this is not HTTP\r\n\r\n"); }, LossReason::malformed_reply);
}

TEST_F(PoolFaultTest, ReplyOfTenMegabytes) {
  settings.max_reply_bytes = 65'536;
  expect_loss([](Peer& peer) { peer.write(http_reply(std::string(10'485'760, 'x'))); },
              LossReason::too_large);
}

TEST_F(PoolFaultTest, TenMegabytesWithoutALength) {
  settings.max_reply_bytes = 65'536;
  expect_loss([](Peer& peer) { peer.write("HTTP/1.1 200 OK\r\n\r\n" + std::string(10'485'760, 'x')); },
              LossReason::too_large);
}

TEST_F(PoolFaultTest, StallUntilTheDeadlineResetsTheConnection) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(2);
  ASSERT_EQ(send(1, "/stalls", RequestClass::trade, 500'000).status, WriteStatus::written);
  turn(1'000);
  EXPECT_TRUE(recorder.losses.empty());
  EXPECT_LE(pool->next_due(), test_clock() + 500'000 * kMillisecond);
  advance_ms(500'001);
  turn_until([&] { return !recorder.losses.empty(); });
  EXPECT_EQ(recorder.losses.front().reason, LossReason::timeout);
  // The server must see RST, not an orderly end: nothing of the request may be delivered later.
  turn_until([&] { return server->reset_by_client() == 1; });
  turn_until([&] { return pool->ready() == 2; });
  EXPECT_EQ(recorder.losses.size(), 1U);
}

TEST_F(PoolFaultTest, ReplyThatLiesThereAtTheDeadlineIsAReply) {
  serve_echo();
  open_and_wait(1);
  ASSERT_EQ(send(1, "/late", RequestClass::trade, 5'000).status, WriteStatus::written);
  while (times_received("/late") == 0) std::this_thread::yield();
  // Wait until its bytes are here, without a turn of the pool's.
  server->command([](Peer&) {});
  advance_ms(60'000);
  turn_until([&] { return !recorder.replies.empty() || !recorder.losses.empty(); });
  EXPECT_TRUE(recorder.losses.empty());
}

TEST_F(PoolFaultTest, WriteToAConnectionThatWasResetIsNotWritten) {
  serve_echo();
  open_and_wait(1);
  server->command([](Peer& peer) { peer.reset(); });
  const WriteResult written = send(1, "/x");
  EXPECT_EQ(written.status, WriteStatus::not_written);
  EXPECT_GT(written.written_ns, 0);
  EXPECT_EQ(pool->ready(), 0U);
  turn_until([&] { return pool->ready() == 1; });
  EXPECT_TRUE(recorder.losses.empty()) << "nothing was written, so nothing can be lost";
  EXPECT_TRUE(recorder.told("found dead"));
  EXPECT_EQ(times_received("/x"), 0);
}

TEST_F(PoolFaultTest, WriteToAConnectionThatWasClosedUnnoticedIsLost) {
  serve_echo();
  open_and_wait(1);
  server->command([](Peer& peer) { peer.cut(); });
  // No turn in between: the kernel takes the bytes, so nobody knows any more.
  ASSERT_EQ(send(1, "/x").status, WriteStatus::written);
  turn_until([&] { return !recorder.losses.empty(); });
  EXPECT_EQ(times_received("/x"), 0);
  turn_until([&] { return pool->ready() == 1; });
  EXPECT_EQ(recorder.losses.size(), 1U);
}

TEST_F(PoolFaultTest, UnsolicitedBytesCloseAnIdleConnection) {
  serve_echo();
  open_and_wait(2);
  server->command([](Peer& peer) { peer.reply("nobody asked"); });
  turn_until([&] { return pool->counters().closed_by_peer == 2; });
  turn_until([&] { return pool->ready() == 2; });
  send_and_wait(1, "/x");
  EXPECT_EQ(recorder.replies.front().body, "/x") << "a stray reply answered the wrong request";
}

TEST_F(PoolFaultTest, DuplicatedReplyIsToldOnce) {
  serve_after_probe(
      [](Peer& peer, const std::string&) { peer.write(http_reply("one") + http_reply("one")); });
  open_and_wait(1);
  send_and_wait(1, "/x");
  turn_until([&] { return pool->counters().handed_over == 2; });
  EXPECT_EQ(recorder.replies.size(), 1U);
  EXPECT_EQ(recorder.replies.front().body, "one");
}

TEST_F(PoolFaultTest, KeyUpdateOnAnIdleConnectionClosesIt) {
  serve_echo();
  open_and_wait(1);
  server->command([](Peer& peer) { peer.update_keys(); });
  turn_until([&] { return pool->counters().closed_by_peer == 1 && pool->ready() == 1; });
  send_and_wait(1, "/x");
}

TEST_F(PoolFaultTest, ConnectionCloseIsObeyed) {
  serve_after_probe([](Peer& peer, const std::string&) {
    peer.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");
    peer.close();
  });
  open_and_wait(1);
  for (std::uint32_t i = 1; i <= 5; ++i) {
    send_and_wait(i, "/x");
    turn_until([&] { return pool->ready() == 1; });
  }
  EXPECT_TRUE(recorder.losses.empty());
  EXPECT_EQ(recorder.replies.size(), 5U);
}

TEST_F(PoolFaultTest, BodyUntilAnOrderlyEndIsAReply) {
  serve_after_probe([](Peer& peer, const std::string&) {
    peer.write("HTTP/1.1 403 Forbidden\r\n\r\n<html>");
    peer.close();
  });
  open_and_wait(1);
  send_and_wait(1, "/x");
  EXPECT_EQ(recorder.replies.front().status, 403);
  EXPECT_EQ(recorder.replies.front().body, "<html>");
}

TEST_F(PoolFaultTest, LostPingBreaksItsConnection) {
  serve([](Peer& peer, const std::string&) {
    if (peer.requests() == 1) peer.reply("{}");
  });
  open_and_wait(2);
  advance_ms(1'800'001);
  turn_until([&] { return pool->counters().pings >= 1; });
  advance_ms(5'001);
  turn_until([&] { return recorder.pings_lost >= 1; });
  EXPECT_TRUE(recorder.losses.empty()) << "a ping has no token of the caller's";
}

TEST_F(PoolFaultTest, CloseTellsEveryOutstandingRequest) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(3);
  ASSERT_EQ(send(1, "/a").status, WriteStatus::written);
  ASSERT_EQ(send(2, "/b").status, WriteStatus::written);
  pool->close(test_clock());
  ASSERT_EQ(recorder.losses.size(), 2U);
  for (const Recorder::Loss& loss : recorder.losses) EXPECT_EQ(loss.reason, LossReason::closed_by_us);
  EXPECT_EQ(send(3, "/c").status, WriteStatus::no_connection);
  EXPECT_EQ(pool->do_work(test_clock()), 0);
}

struct CertificateCase {
  CertificateKind kind;
  const char* words;
};
class CertificateTest : public PoolTest, public ::testing::WithParamInterface<CertificateCase> {};

TEST_P(CertificateTest, IsRefusedWithAClearMessage) {
  serve([](Peer& peer, const std::string&) { peer.reply("{}"); }, GetParam().kind);
  settings.connections = 1;
  open();
  turn_until([&] { return recorder.dials_failed > 0; });
  EXPECT_TRUE(recorder.told(GetParam().words)) << recorder.reasons.front();
  EXPECT_TRUE(recorder.told("localhost")) << "the message names the host";
  EXPECT_EQ(pool->ready(), 0U);
  EXPECT_TRUE(server->request_lines().empty()) << "a request went to a peer that was not proven";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CertificateTest,
    ::testing::Values(CertificateCase{CertificateKind::expired, "has expired"},
                      CertificateCase{CertificateKind::self_signed, "is self-signed"},
                      CertificateCase{CertificateKind::wrong_host, "is not for the host"},
                      CertificateCase{CertificateKind::unknown_authority, "unknown authority"}));

TEST_F(PoolFaultTest, BacksOffWhileConnectionsAreRefused) {
  // A port that was free a moment ago and that nobody listens on.
  const int holder = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(holder, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::getsockname(holder, reinterpret_cast<sockaddr*>(&address), &length), 0);
  freeze_clock();
  settings.port = ntohs(address.sin_port);
  settings.connections = 4;
  settings.backoff_min_ms = 100'000;
  settings.backoff_max_ms = 1'000'000;
  open();
  turn_until([&] { return recorder.dials_failed == 4; });
  EXPECT_TRUE(recorder.told("cannot connect to localhost"));
  EXPECT_TRUE(recorder.told("refused"));
  turn(1'000);
  EXPECT_EQ(pool->counters().dials, 4U) << "dialed again without a pause";
  Ns last_pause = 0;
  for (int failures = 5; failures <= 8; ++failures) {
    const Ns pause = pool->next_due() - test_clock();
    EXPECT_GE(pause, 50'000 * kMillisecond);
    EXPECT_LE(pause, 1'000'000 * kMillisecond);
    last_pause = pause;
    clock_offset += pause + 1;
    turn_until([&] { return recorder.dials_failed == failures; });
    turn(100);
    EXPECT_EQ(pool->counters().dials, static_cast<std::uint64_t>(failures))
        << "one dial at a time while they fail";
  }
  EXPECT_GT(last_pause, 300'000 * kMillisecond) << "the pause must have grown to its maximum";
  ::close(holder);
}

TEST_F(PoolFaultTest, BacksOffFromAPeerThatDropsNewConnections) {
  serve_echo();
  freeze_clock();
  settings.backoff_min_ms = 100'000;
  settings.backoff_max_ms = 1'000'000;
  open_and_wait(1);
  server->command([](Peer& peer) { peer.close(); });
  turn_until([&] { return pool->counters().closed_by_peer == 1; });
  turn(1'000);
  EXPECT_EQ(pool->counters().dials, 1U) << "a stillborn connection counts as a failed dial";
  EXPECT_GT(pool->next_due(), test_clock() + 40'000 * kMillisecond);
}

TEST_F(PoolFaultTest, DialThatNeverAnswersIsGivenUp) {
  // It takes the request and keeps silent: the probe has no reply.
  serve([](Peer&, const std::string&) {});
  settings.connections = 1;
  settings.connect_timeout_ms = 50;
  open();
  turn_until([&] { return recorder.dials_failed > 0; });
  EXPECT_TRUE(recorder.told("within 50 ms"));
}

TEST_F(PoolFaultTest, HostThatDoesNotResolveIsNamed) {
  settings.connect_address.clear();
  settings.host = "no-such-host.invalid";
  settings.port = 443;
  settings.connections = 1;
  open();
  turn_until([&] { return recorder.dials_failed > 0; });
  EXPECT_TRUE(recorder.told("no-such-host.invalid"));
}

}  // namespace
}  // namespace backhand::net::testing
