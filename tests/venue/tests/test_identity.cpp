// The checks that come before what a request asks, in the venue's order.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/venue/tests/client.hpp"

namespace backhand::venue {
namespace {

constexpr std::string_view kPositions =
    "/api/v2/mix/position/all-position?marginCoin=USDT&productType=USDT-FUTURES";

TEST(Signature, AgreesWithEveryVector) {
  std::ifstream file(BACKHAND_TEST_DATA "/signatures.tsv");
  ASSERT_TRUE(file.is_open());
  const SignatureKey key("22582BD0CFF14C41EDBF1AB98506286D");
  int seen = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> cells(1);
    for (const char c : line) c == '\t' ? static_cast<void>(cells.emplace_back()) : cells.back().push_back(c);
    ASSERT_EQ(cells.size(), 6U) << line;
    EXPECT_EQ(key.sign(cells[1], cells[2], cells[3], cells[4]), cells[5]) << cells[0];
    ++seen;
  }
  EXPECT_GE(seen, 8) << "the file of vectors lost lines";
}

TEST(Identity, TakesACorrectRequest) {
  Venue venue;
  EXPECT_EQ(venue.get(Client("main"), kPositions).code(), "00000");
}

TEST(Identity, SaysUnknownKeyWhateverElseIsWrong) {
  Venue venue;
  Client client("nobody");
  client.extra = {{"ACCESS-SIGN", "nonsense"}, {"ACCESS-TIMESTAMP", "1"}, {"ACCESS-PASSPHRASE", "wrong"}};
  const Reply reply = venue.get(client, kPositions);
  EXPECT_EQ(reply.http.status, 400);
  EXPECT_EQ(reply.code(), "40037");
  client.extra = {{"ACCESS-KEY", ""}};
  EXPECT_EQ(venue.get(client, kPositions).code(), "40001");
}

TEST(Identity, RefusesUnifiedAccountsBeforeTheSignature) {
  Venue venue;
  Client client("unified");
  client.secret = "wrong";
  const Reply reply = venue.get(client, kPositions);
  EXPECT_EQ(reply.http.status, 400);
  EXPECT_EQ(reply.code(), "40085");
}

TEST(Identity, HoldsTheTimestampWindow) {
  Venue venue;
  const Client client("main");
  const auto code = [&](Ns offset) { return venue.send(client, "GET", kPositions, "", offset).code(); };
  EXPECT_EQ(code(-30 * kSecond), "00000");
  EXPECT_EQ(code(-30 * kSecond - kMillisecond), "40008");
  EXPECT_EQ(code(30 * kSecond), "00000");
  EXPECT_EQ(code(30 * kSecond + kMillisecond), "40008");
  venue.exchange.options().timestamp_tolerance_ns = kSecond;
  EXPECT_EQ(code(-kSecond - kMillisecond), "40008") << "the tolerance is an option";
  venue.pass(kSecond);  // all-position allows five a second.
  Client odd("main");
  odd.extra = {{"ACCESS-TIMESTAMP", "17x"}};
  EXPECT_EQ(venue.get(odd, kPositions).code(), "40005");
}

TEST(Identity, SignsTheExactBytes) {
  Venue venue;
  Client client("main");
  const std::string stamp = std::to_string(venue.now / kMillisecond);
  // The signature of the query in another order is a signature of something else.
  client.extra = {{"ACCESS-SIGN", SignatureKey(client.secret)
                                      .sign(stamp, "GET",
                                            "/api/v2/mix/position/all-position?productType="
                                            "USDT-FUTURES&marginCoin=USDT",
                                            "")}};
  EXPECT_EQ(venue.get(client, kPositions).code(), "40009");
  client.extra.clear();
  client.secret = "wrong";
  EXPECT_EQ(venue.get(client, kPositions).code(), "40009");
}

TEST(Identity, ChecksInOrder) {
  // Everything is wrong at first; putting right one thing at a time must show the next.
  Scenario scenario = default_scenario();
  scenario.accounts[0].allowed_ips = {"10.9.9.9"};
  Venue venue({}, scenario);
  Client client("main");
  client.secret = "wrong";
  client.passphrase = "wrong";
  client.extra = {{"paptrading", "1"}, {"Content-Type", "text/plain"}};
  constexpr std::string_view kPath = "/api/v2/mix/order/click-backhand";
  std::string ip = "10.0.0.1";
  Ns offset = -60 * kSecond;
  const auto code = [&] { return venue.send(client, "POST", kPath, "not json", offset, ip).code(); };
  EXPECT_EQ(code(), "40008");
  offset = 0;
  EXPECT_EQ(code(), "40009");
  client.secret = "secret-main";
  EXPECT_EQ(code(), "40012");
  client.passphrase = "pass-main";
  EXPECT_EQ(code(), "40018");
  ip = "10.9.9.9";
  EXPECT_EQ(code(), "40099");
  client.extra.erase(client.extra.begin());
  EXPECT_EQ(code(), "40007");
  client.extra.clear();
  EXPECT_EQ(code(), "400172");
}

TEST(Identity, KeepsDemoAndLiveApart) {
  Venue venue;
  Client demo("demo");
  EXPECT_EQ(venue.get(demo, kPositions).code(), "40099");
  demo.extra = {{"PAPTRADING", "1"}};
  EXPECT_EQ(venue.get(demo, kPositions).code(), "00000");
}

TEST(Paths, AnswersUnknownOnesWith404) {
  Venue venue;
  const Reply reply = venue.get(Client("main"), "/api/v3/trade/place-order");
  EXPECT_EQ(reply.http.status, 404);
  EXPECT_EQ(reply.code(), "40404");
  venue.exchange.options().spot_info = false;
  EXPECT_EQ(venue.get(Client("main"), "/api/v2/spot/account/info").http.status, 404);
}

TEST(Replies, CarryWhatTheRealOnesCarry) {
  Venue venue;
  const Reply reply = venue.get(Client("main"), kPositions);
  EXPECT_TRUE(reply.json["requestTime"].is_number());
  EXPECT_EQ(reply.http.remaining, 4) << "all-position allows five a second";
  const std::string bytes = to_http(reply.http);
  EXPECT_THAT(bytes, testing::HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(bytes, testing::HasSubstr("x-mbx-used-remain-limit: 4\r\n"));
  EXPECT_THAT(bytes, testing::HasSubstr("x-traceid: "));
  venue.exchange.options().chunked = false;
  EXPECT_THAT(to_http(venue.get(Client("main"), kPositions).http), testing::HasSubstr("Content-Length: "));
  venue.exchange.options().code_as_number = true;
  EXPECT_EQ(venue.get(Client("main"), kPositions).json["code"], 0);
}

TEST(Http, ReadsRequestsFromBytes) {
  constexpr std::string_view kBytes =
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nAccess-Key:  k \r\n\r\nbodyGET";
  HttpRequest request;
  std::size_t used = 0;
  ASSERT_EQ(parse_request(kBytes, request, used), ParseStatus::complete);
  EXPECT_EQ(used, kBytes.size() - 3);
  EXPECT_EQ(request.target, "/a?b=c");
  EXPECT_EQ(request.body, "body");
  EXPECT_EQ(request.header("access-key"), "k");
  for (std::size_t n = 0; n < used; ++n) {
    EXPECT_EQ(parse_request(kBytes.substr(0, n), request, used), ParseStatus::incomplete) << n;
  }
  EXPECT_EQ(parse_request("GET /a\r\n\r\n", request, used), ParseStatus::malformed);
  EXPECT_EQ(parse_request("GET /a HTTP/1.1\r\nno colon\r\n\r\n", request, used), ParseStatus::malformed);
}

}  // namespace
}  // namespace backhand::venue
