#include <gtest/gtest.h>

#include "gateway/net/pool.hpp"
#include "tests/gateway/net/pool_fixture.hpp"

namespace backhand::net::testing {
namespace {

class ReservedTest : public PoolTest {
 protected:
  Reservation reserve_and_seal(const std::string& path) {
    const std::optional<Reservation> reservation = pool->reserve(test_clock());
    EXPECT_TRUE(reservation.has_value());
    EXPECT_TRUE(pool->seal(*reservation, get(path)));
    return *reservation;
  }
};

TEST_F(ReservedTest, FiresWhatWasSealed) {
  serve_echo();
  open_and_wait(2);
  const Reservation shot = reserve_and_seal("/shot");
  turn_until([&] { return pool->ready() == 2; });
  EXPECT_EQ(times_received("/shot"), 0);
  EXPECT_TRUE(pool->holds(shot));
  const WriteResult written = pool->fire(shot, {9}, kNever, test_clock());
  EXPECT_EQ(written.status, WriteStatus::written);
  EXPECT_EQ(written.connection, shot.connection);
  EXPECT_FALSE(pool->holds(shot));
  turn_until([&] { return !recorder.replies.empty(); });
  EXPECT_EQ(recorder.replies.front().token.value, 9U);
  EXPECT_EQ(recorder.replies.front().body, "/shot");
  EXPECT_EQ(pool->fire(shot, {9}, kNever, test_clock()).status, WriteStatus::no_connection) << "fired twice";
  EXPECT_EQ(times_received("/shot"), 1);
}

TEST_F(ReservedTest, NeverTakesTheLastFreeConnection) {
  serve_echo();
  open_and_wait(1);
  EXPECT_FALSE(pool->reserve(test_clock()).has_value());
}

TEST_F(ReservedTest, IsBoundedByTheNumberOfConnections) {
  serve_echo();
  open_and_wait(3);
  int reserved = 0;
  for (int i = 0; i < 10; ++i) {
    reserved += pool->reserve(test_clock()).has_value() ? 1 : 0;
    turn_until([&] { return pool->ready() == 3; });
  }
  EXPECT_EQ(reserved, 4) << "as many as connections, and one for a seal that is being renewed";
}

TEST_F(ReservedTest, IsNotUsedForAnythingElse) {
  serve_after_probe([](Peer&, const std::string&) {});
  open_and_wait(2);
  recorder.dial_allowed = false;
  const Reservation shot = reserve_and_seal("/shot");
  const WriteResult other = send(1, "/other");
  ASSERT_EQ(other.status, WriteStatus::written);
  EXPECT_NE(other.connection, shot.connection);
  EXPECT_EQ(send(2, "/third").status, WriteStatus::no_connection);
}

TEST_F(ReservedTest, SpoiltByReset) {
  serve_echo();
  open_and_wait(2);
  const Reservation shot = reserve_and_seal("/shot");
  pool->spoil(shot, test_clock());
  EXPECT_FALSE(pool->holds(shot));
  turn_until([&] { return server->reset_by_client() == 1; });
  EXPECT_EQ(times_received("/shot"), 0);
}

TEST_F(ReservedTest, LostWhenThePeerClosesIt) {
  serve_echo();
  open_and_wait(2);
  const Reservation shot = reserve_and_seal("/shot");
  server->command([](Peer& peer) { peer.close(); });
  turn_until([&] { return recorder.reserved_lost == 1; });
  EXPECT_FALSE(pool->holds(shot));
  EXPECT_EQ(pool->fire(shot, {1}, kNever, test_clock()).status, WriteStatus::no_connection);
}

TEST_F(ReservedTest, LostByAKeyUpdate) {
  serve_echo();
  open_and_wait(2);
  const Reservation shot = reserve_and_seal("/shot");
  server->command([](Peer& peer) { peer.update_keys(); });
  turn_until([&] { return recorder.reserved_lost == 1; });
  EXPECT_FALSE(pool->holds(shot));
  EXPECT_EQ(times_received("/shot"), 0);
}

TEST_F(ReservedTest, LivesNoLongerThanMaxIdle) {
  serve_echo();
  settings.max_idle_ms = 10'000;
  open_and_wait(2);
  const Reservation shot = reserve_and_seal("/shot");
  advance_ms(10'001);
  turn_until([&] { return recorder.reserved_lost == 1; });
  EXPECT_FALSE(pool->holds(shot));
}

TEST_F(ReservedTest, OldReservationDoesNotFitANewConnectionInItsPlace) {
  serve_echo();
  open_and_wait(2);
  const Reservation old = reserve_and_seal("/old");
  pool->spoil(old, test_clock());
  turn_until([&] { return pool->ready() == 2; });
  EXPECT_FALSE(pool->holds(old));
  EXPECT_FALSE(pool->seal(old, get("/x")));
}

}  // namespace
}  // namespace backhand::net::testing
