// Each way of counting, and the limits of endpoints, UIDs and IPs.
#include <gtest/gtest.h>

#include "tests/venue/rate_counter.hpp"
#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

constexpr RateRule kTen{10, kSecond};

Options counting(Counting scheme) {
  Options out;
  out.counting = scheme;
  return out;
}

/// Sends `n` arrivals at `at` and says how many were allowed.
int allowed(RateCounter& counter, Ns at, int n, const Options& options) {
  int out = 0;
  for (int i = 0; i < n; ++i) out += counter.arrive(at, kTen, options).allowed;
  return out;
}

TEST(SlidingWindow, CountsBackFromNow) {
  RateCounter counter;
  const Options options = counting(Counting::sliding);
  EXPECT_EQ(allowed(counter, 900 * kMillisecond, 10, options), 10);
  EXPECT_EQ(allowed(counter, 1'899 * kMillisecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, 1'900 * kMillisecond, 11, options), 10)
      << "one second later the window is empty";
}

TEST(SlidingWindow, CanIncludeItsFarEdge) {
  RateCounter counter;
  Options options = counting(Counting::sliding);
  options.window_inclusive = true;
  EXPECT_EQ(allowed(counter, 0, 10, options), 10);
  EXPECT_EQ(allowed(counter, kSecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, kSecond + 1, 1, options), 1);
}

TEST(SlidingWindow, CanCountInMilliseconds) {
  RateCounter counter;
  Options options = counting(Counting::sliding);
  options.counter_resolution_ns = kMillisecond;
  EXPECT_EQ(allowed(counter, 999'999, 10, options), 10) << "counted as 0 ms";
  EXPECT_EQ(allowed(counter, kSecond, 1, options), 1) << "1,000 ms, although less than a second has passed";
}

TEST(SlidingWindow, MayCountRefusedArrivals) {
  RateCounter counter;
  Options options = counting(Counting::sliding);
  options.count_throttled = true;
  EXPECT_EQ(allowed(counter, 0, 10, options), 10);
  EXPECT_EQ(allowed(counter, 500 * kMillisecond, 10, options), 0);
  EXPECT_EQ(allowed(counter, 1'200 * kMillisecond, 1, options), 0) << "the refused ten still count";
}

TEST(FixedWindow, LetsTwiceTheLimitThroughAroundItsEdge) {
  RateCounter counter;
  const Options options = counting(Counting::fixed);
  EXPECT_EQ(allowed(counter, 990 * kMillisecond, 11, options), 10);
  EXPECT_EQ(allowed(counter, kSecond, 11, options), 10);
  EXPECT_EQ(counter.max_in_second(), 22U) << "the ground truth counts refused ones too";
}

TEST(FixedWindow, HasAPhase) {
  RateCounter counter;
  Options options = counting(Counting::fixed);
  options.window_phase_ns = 300 * kMillisecond;
  EXPECT_EQ(allowed(counter, 0, 11, options), 10);
  EXPECT_EQ(allowed(counter, 299 * kMillisecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, 300 * kMillisecond, 1, options), 1);
}

TEST(FixedAfterFirst, StartsItsWindowWithARequest) {
  RateCounter counter;
  const Options options = counting(Counting::fixed_after_first);
  EXPECT_EQ(allowed(counter, 700 * kMillisecond, 11, options), 10);
  EXPECT_EQ(allowed(counter, 1'699 * kMillisecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, 1'700 * kMillisecond, 1, options), 1);
}

TEST(TokenBucket, RefillsOneByOne) {
  RateCounter counter;
  const Options options = counting(Counting::token_bucket);
  EXPECT_EQ(allowed(counter, 0, 11, options), 10);
  EXPECT_EQ(allowed(counter, 99 * kMillisecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, 100 * kMillisecond, 2, options), 1);
  EXPECT_EQ(allowed(counter, 10 * kSecond, 20, options), 10) << "never more than full";
}

TEST(StrictSpacing, WantsATenthOfASecondBetween) {
  RateCounter counter;
  const Options options = counting(Counting::strict_spacing);
  EXPECT_EQ(allowed(counter, 0, 2, options), 1);
  EXPECT_EQ(allowed(counter, 99 * kMillisecond, 1, options), 0);
  EXPECT_EQ(allowed(counter, 100 * kMillisecond, 1, options), 1);
}

TEST(RateCounter, SaysWhatIsLeft) {
  for (const auto scheme : {Counting::sliding, Counting::fixed, Counting::token_bucket}) {
    RateCounter counter;
    const Options options = counting(scheme);
    EXPECT_EQ(counter.arrive(0, kTen, options).remaining, 9);
    EXPECT_EQ(counter.arrive(0, kTen, options).remaining, 8);
    allowed(counter, 0, 8, options);
    EXPECT_EQ(counter.arrive(0, kTen, options).remaining, 0);
  }
}

TEST(Limits, ThrottleReversalsPerAccount) {
  Venue venue;
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(venue.reverse(Client("main"), "x" + std::to_string(i)).code(), "00000");
  const Reply over = venue.reverse(Client("main"), "x10");
  EXPECT_EQ(over.http.status, 429);
  EXPECT_EQ(over.code(), "429");
  EXPECT_EQ(over.http.remaining, 0);
  EXPECT_EQ(venue.reverse(Client("hedge"), "y", "buy", kHedgeOpen).code(), "00000") << "another UID";
  EXPECT_EQ(venue.exchange.truth().counters.reversals_throttled, 1U);
  EXPECT_EQ(venue.exchange.truth().counters.max_reversals_in_second, 11U);
  EXPECT_EQ(venue.exchange.truth().arrivals.at(10).client_oid.view(), "x10");
}

TEST(Limits, CountRefusedRequestsOfAKnownKeyToo) {
  Venue venue;
  Client bad("main");
  bad.secret = "wrong";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(venue.reverse(bad, "x").code(), "40009");
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "429");
}

TEST(Limits, AreOneASecondForLeadTraders) {
  Venue venue;
  EXPECT_EQ(venue.reverse(Client("lead"), "a").code(), "00000");
  EXPECT_EQ(venue.reverse(Client("lead"), "b").code(), "429");
  venue.pass(kSecond);
  venue.exchange.options().lead_throttle_code = true;
  EXPECT_EQ(venue.reverse(Client("lead"), "c").code(), "00000");
  const Reply over = venue.reverse(Client("lead"), "d");
  EXPECT_EQ(over.http.status, 400);
  EXPECT_EQ(over.code(), "40918");
  EXPECT_EQ(venue.exchange.truth().counters.reversals_throttled, 2U);
}

TEST(Limits, PunishAnIpForFiveMinutes) {
  Options options;
  options.ip_requests_per_minute = 30;
  Venue venue(options);
  const Client client("main");
  constexpr std::string_view kTime = "/api/v2/public/time";
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(venue.get(client, kTime).code(), "00000");
    venue.pass(100 * kMillisecond);
  }
  EXPECT_EQ(venue.get(client, kTime).http.status, 429);
  EXPECT_EQ(venue.send(client, "GET", kTime, "", 0, "10.0.0.2").code(), "00000") << "another address";
  venue.pass(299 * kSecond);
  EXPECT_EQ(venue.get(client, kTime).http.status, 429);
  venue.pass(kSecond);
  EXPECT_EQ(venue.get(client, kTime).code(), "00000");
}

TEST(Limits, HoldPublicEndpointsPerIp) {
  Venue venue;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(venue.get(Client("main"), "/api/v2/public/time").http.status, 200);
  EXPECT_EQ(venue.get(Client("hedge"), "/api/v2/public/time").http.status, 429) << "whoever asks";
}

TEST(Limits, CanBeOff) {
  Options options;
  options.limits = false;
  Venue venue(options);
  for (int i = 0; i < 50; ++i) EXPECT_NE(venue.reverse(Client("main"), "x").code(), "429");
  EXPECT_EQ(venue.exchange.truth().counters.max_reversals_in_second, 50U);
}

}  // namespace
}  // namespace backhand::venue
