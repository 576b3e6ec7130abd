// Faults: when they strike, what they let happen, what they say.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

Fault fault(std::string_view name) {
  const auto found = named_fault(name);
  EXPECT_TRUE(found.has_value()) << name;
  return found.value_or(Fault{});
}

constexpr std::string_view kAnyCode = "any";

struct Expected {
  std::string_view name;
  int status;
  std::string_view code;  ///< Empty: the body is not JSON or not to be had.
  Delivery delivery;
  std::string_view long_after, short_after;  ///< Of 20 long.
};

TEST(Faults, DoAndSayWhatTheirNamesSay) {
  using enum Delivery;
  const Expected expected[] = {
      {"ack_lost_before", 200, "00000", stall, "20", "0"},
      {"ack_lost_after", 200, "00000", stall, "0", "20"},
      {"reset_before", 200, "00000", reset, "20", "0"},
      {"reset_after", 200, "00000", reset, "0", "20"},
      {"close_before", 200, "00000", Delivery::close, "20", "0"},
      {"close_after", 200, "00000", Delivery::close, "0", "20"},
      {"truncated_after", 200, "00000", truncate, "0", "20"},
      {"slices", 200, "00000", slices, "0", "20"},
      {"server_error_before", 502, "", normal, "20", "0"},
      {"server_error_after", 502, "", normal, "0", "20"},
      {"gateway_timeout_after", 504, "", normal, "0", "20"},
      {"forbidden_html", 403, "", normal, "20", "0"},
      {"bare_429", 429, "", normal, "20", "0"},
      {"maintenance", 400, "40200", normal, "20", "0"},
      {"code_after_close", 400, kAnyCode, normal, "0", "0"},
      {"code_after_all", 400, kAnyCode, normal, "0", "20"},
      {"code_before", 400, "40762", normal, "20", "0"},
      {"ambiguous_code_before", 400, "40725", normal, "20", "0"},
      {"ambiguous_code_at_200_after", 200, "40010", normal, "0", "20"},
      {"unlisted_code_after", 400, "99999", normal, "0", "20"},
      {"ack_without_execution", 200, "00000", normal, "20", "0"},
      {"close_leg_only", 200, "00000", normal, "0", "0"},
      {"partial_margin", 200, "00000", normal, "0", "1"},
      {"no_margin", 200, "00000", normal, "0", "0"},
      {"not_json_after", 200, "", normal, "0", "20"},
      {"empty_before", 200, "", normal, "20", "0"},
      {"foreign_client_oid", 200, "00000", normal, "0", "20"},
  };
  for (const auto& e : expected) {
    Venue venue;
    venue.exchange.add_fault(fault(e.name));
    const Reply reply = venue.reverse(Client("main"), "x");
    EXPECT_EQ(reply.http.status, e.status) << e.name;
    if (e.code == kAnyCode) {
      const std::string code = reply.code();
      EXPECT_EQ(std::ranges::count(codes_after_a_leg(), std::string_view{code}), 1) << code;
    } else {
      EXPECT_EQ(reply.code(), e.code) << e.name;
    }
    EXPECT_EQ(reply.http.delivery, e.delivery) << e.name;
    venue.pass(kSecond);
    EXPECT_EQ(venue.held("main"), sizes(e.long_after, e.short_after)) << e.name;
    EXPECT_EQ(venue.exchange.executed_times("main", "x"), e.long_after == "0" ? 1U : 0U) << e.name;
    EXPECT_EQ(venue.exchange.truth().fault_strikes.at(0), 1U) << e.name;
    EXPECT_EQ(venue.exchange.truth().arrivals.at(0).fault, 0) << e.name;
  }
}

TEST(Faults, ACodeAfterALegIsAnyThatMayFollowOne) {
  std::set<std::string> said;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    Options options;
    options.seed = seed;
    Venue venue(options);
    venue.exchange.add_fault(fault("code_after_close"));
    said.insert(venue.reverse(Client("main"), "x").code());
  }
  EXPECT_EQ(said.size(), codes_after_a_leg().size()) << "each is drawn now and then";
  for (const std::string code :
       {"45107", "22035", "40760", "40000", "45119", "40918", "40774", "40014", "99999"})
    EXPECT_TRUE(said.contains(code)) << code;
  for (const std::string code : {"429", "40009", "40037", "40008", "40019", "00000", ""})
    EXPECT_FALSE(said.contains(code)) << code;
}

TEST(Faults, CanAllBeMade) {
  EXPECT_GE(fault_names().size(), 30U);
  for (const auto name : fault_names()) {
    Venue venue;
    venue.exchange.add_fault(fault(name));
    EXPECT_FALSE(to_http(venue.reverse(Client("main"), "x").http).empty()) << name;
    venue.pass(10 * kSecond);
    EXPECT_LE(venue.exchange.executed_times("main", "x"), 1U) << name;
  }
  EXPECT_FALSE(named_fault("nonsense").has_value());
}

TEST(Faults, HitTheNextNOfWhatTheyName) {
  Venue venue;
  Fault chosen = fault("code_before");
  chosen.account = "main";
  chosen.client_oid = "b";
  chosen.count = 1;
  venue.exchange.add_fault(chosen);
  EXPECT_EQ(venue.reverse(Client("main"), "a").code(), "00000");
  EXPECT_EQ(venue.reverse(Client("hedge"), "b", "buy", kHedgeOpen).code(), "00000");
  EXPECT_EQ(venue.reverse(Client("main"), "b").code(), "40762");
  EXPECT_EQ(venue.reverse(Client("main"), "b").code(), "00000") << "one-shot";
}

TEST(Faults, LeaveRefusedRequestsAlone) {
  Venue venue;
  venue.exchange.add_fault(fault("ack_lost_after"));
  EXPECT_EQ(venue.reverse(Client("main"), "a", "long").code(), "40020");
  EXPECT_EQ(venue.exchange.truth().fault_strikes.at(0), 0U) << "only an acceptable reversal uses it up";
}

TEST(Faults, StrikeByChanceFromTheSeed) {
  const auto pattern = [](std::uint64_t seed) {
    Options options;
    options.seed = seed;
    options.limits = false;
    Venue venue(options);
    Fault chosen = fault("code_before");
    chosen.count = 0;
    chosen.probability = 0.3;
    venue.exchange.add_fault(chosen);
    std::string out;
    for (int i = 0; i < 200; ++i) out += venue.reverse(Client("main"), "x").code() == "40762" ? '1' : '0';
    return out;
  };
  const std::string first = pattern(7);
  EXPECT_EQ(first, pattern(7)) << "a seed must give the same run";
  EXPECT_NE(first, pattern(8));
  const auto struck = std::count(first.begin(), first.end(), '1');
  EXPECT_GT(struck, 30);
  EXPECT_LT(struck, 90);
}

TEST(Faults, CanHitLookUps) {
  Venue venue;
  Fault chosen = fault("server_error_before");
  chosen.path = "/api/v2/mix/position/all-position";
  venue.exchange.add_fault(chosen);
  const std::string target = "/api/v2/mix/position/all-position?productType=USDT-FUTURES";
  EXPECT_EQ(venue.reverse(Client("main"), "x").code(), "00000");
  EXPECT_EQ(venue.get(Client("main"), target).http.status, 502);
  EXPECT_EQ(venue.get(Client("main"), target).http.status, 200);
}

TEST(Faults, DelayAckAndExecution) {
  Venue venue;
  venue.exchange.add_fault(fault("late_ack"));
  EXPECT_EQ(venue.reverse(Client("main"), "a").http.delay, 2 * kSecond);
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "20")) << "executed long before the ack is delivered";
  venue.exchange.add_fault(fault("late_open_leg"));
  EXPECT_EQ(venue.reverse(Client("main"), "b").code(), "00000");
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "0")) << "between the legs";
  venue.pass(3 * kSecond);
  EXPECT_EQ(venue.held("main"), sizes("20", "0"));
  venue.exchange.add_fault(fault("late_execution"));
  EXPECT_EQ(venue.reverse(Client("main"), "c").code(), "00000");
  venue.pass(3 * kSecond);
  EXPECT_EQ(venue.held("main"), sizes("20", "0"));
  venue.pass(kSecond);
  EXPECT_EQ(venue.held("main"), sizes("0", "20"));
}

TEST(Faults, OversizeRepliesAreStillJson) {
  Venue venue;
  venue.exchange.add_fault(fault("oversize_after"));
  const Reply reply = venue.reverse(Client("main"), "x");
  EXPECT_GT(reply.http.body.size(), 10'000'000U);
  EXPECT_EQ(reply.code(), "00000");
}

}  // namespace
}  // namespace backhand::venue
