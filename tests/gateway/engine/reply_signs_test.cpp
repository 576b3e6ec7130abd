// Each sign that a reply answers another request is seen, and an ordinary reply has none.
#include "gateway/engine/reply_signs.hpp"

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

constexpr Ns kWritten = 100 * kSecond;
constexpr VenueMs kVenue = 1'700'000'100'000;

class ReplySigns : public ::testing::Test {
 protected:
  ReplySigns() { (void)clock.on_probe(kVenue, kWritten, kWritten + kMillisecond); }
  [[nodiscard]] ForeignSign sign(VenueMs venue_ms = kVenue) const {
    return foreign_sign(reply, venue_ms, kWritten, clock);
  }

  VenueClock clock;
  net::ReplyView reply = [] {
    net::ReplyView made;
    made.http_status = 400;
    made.least_round_trip_ns = 8 * kMillisecond;
    made.readable_ns = kWritten + 10 * kMillisecond;
    made.replied_ns = kWritten + 11 * kMillisecond;
    return made;
  }();
};

TEST_F(ReplySigns, AnOrdinaryReplyHasNone) {
  EXPECT_EQ(sign(), ForeignSign::none);
  EXPECT_EQ(sign(0), ForeignSign::none) << "a refusal without a time is judged by the rest";
}

TEST_F(ReplySigns, BytesBehindIt) {
  reply.followed = true;
  EXPECT_EQ(sign(), ForeignSign::followed);
}

TEST_F(ReplySigns, SoonerThanARoundTrip) {
  reply.readable_ns = kWritten + 5 * kMillisecond;
  EXPECT_EQ(sign(), ForeignSign::too_early);
  reply.readable_ns = kWritten;
  EXPECT_EQ(sign(), ForeignSign::too_early);
  reply.least_round_trip_ns = 0;
  EXPECT_EQ(sign(), ForeignSign::none) << "the kernel has measured nothing";
}

TEST_F(ReplySigns, ATimeBeforeTheWriteOrAfterTheRead) {
  EXPECT_EQ(sign(kVenue - 600'000), ForeignSign::other_time);
  EXPECT_EQ(sign(kVenue + 600'000), ForeignSign::other_time);
  EXPECT_EQ(sign(kVenue - 1'100), ForeignSign::other_time);
  EXPECT_EQ(sign(kVenue + 30), ForeignSign::none) << "the venue's services may differ so much";
}

TEST_F(ReplySigns, AYesWithoutTheVenuesEnvelope) {
  reply.http_status = 200;
  EXPECT_EQ(sign(0), ForeignSign::no_envelope);
}

}  // namespace
}  // namespace backhand::engine
