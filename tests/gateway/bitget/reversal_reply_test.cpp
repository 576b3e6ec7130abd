// What the replies to a reversal mean, from good ones to bytes that are nothing at all.
#include <gtest/gtest.h>

#include "tests/gateway/bitget/support.hpp"

namespace backhand::bitget {
namespace {

using domain::Verdict;
using testing::Headers;
using testing::PaddedBody;

class ReversalReply : public ::testing::Test {
 protected:
  domain::ReversalReply decode(int status, std::string_view body, const Headers& headers = {}) {
    const PaddedBody padded(body);
    return dialect_->decode_reversal(wire::ClientOid("121211212122"), status, padded.view(),
                                     testing::look_into(headers));
  }
  Verdict verdict(int status, std::string_view body) { return decode(status, body).verdict; }

  std::unique_ptr<Dialect> dialect_ = testing::make_dialect(domain::PositionMode::hedge);
};

constexpr std::string_view kYes =
    R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":{"clientOid":"121211212122","orderId":"1"}})";

TEST_F(ReversalReply, TheDocumentedYesIsAcked) {
  const auto reply = decode(200, kYes, {{"x-mbx-used-remain-limit", "9"}});
  EXPECT_EQ(reply.verdict, Verdict::acked);
  EXPECT_EQ(reply.code_class, domain::CodeClass::success);
  EXPECT_EQ(reply.code.view(), "00000");
  EXPECT_EQ(reply.order_id.view(), "1");
  EXPECT_EQ(reply.venue_ms, 1'695'806'875'837);
  EXPECT_EQ(reply.remaining_quota, 9);
}

TEST_F(ReversalReply, FieldsMayComeInAnyOrderAndAsNumbersOrStrings) {
  const auto reply = decode(
      200,
      R"( { "data" : { "orderId" : 1323031696869281794 , "x":[1,{"y":null}], "clientOid" : "121211212122" } ,)"
      R"( "extra":{"a":[[]]}, "requestTime":"1695806875837", "msg":"", "code" : "00000" } )");
  EXPECT_EQ(reply.verdict, Verdict::acked);
  EXPECT_EQ(reply.order_id.view(), "1323031696869281794");
  EXPECT_EQ(reply.venue_ms, 1'695'806'875'837);
}

TEST_F(ReversalReply, AYesThatDoesNotNameUsOrAnOrderIsUnknown) {
  for (const std::string_view data :
       {R"({"clientOid":"another","orderId":"1"})", R"({"clientOid":"","orderId":"1"})", R"({"orderId":"1"})",
        R"({"clientOid":"121211212122","orderId":""})", R"({"clientOid":"121211212122"})",
        R"({"clientOid":"121211212122","orderId":null})", R"({"clientOid":null,"orderId":"1"})",
        R"({"clientOid":"121211212122","orderId":{"id":"1"}})",
        R"({"clientOid":"121211212122","orderId":"1\u0022"})",
        R"({"clientOid":"121211212122","orderId":"1234567890123456789012345"})",
        R"({"clientOid":"121211212122","orderId":"1","orderId":"2"})",
        R"({"clientOid":"1212112121220","orderId":"1"})", "{}", "[]", "null", "\"121211212122\"", "1",
        "true"}) {
    const std::string body =
        R"({"code":"00000","msg":"success","requestTime":1695806875837,"data":)" + std::string(data) + "}";
    const auto reply = decode(200, body);
    EXPECT_EQ(reply.verdict, Verdict::unknown) << body;
    EXPECT_TRUE(reply.order_id.empty()) << body;
  }
  EXPECT_EQ(verdict(200, R"({"code":"00000","msg":"success","requestTime":1695806875837})"),
            Verdict::unknown);
}

TEST_F(ReversalReply, AYesUnderAnyOtherStatusIsUnknown) {
  for (const int status : {0, 100, 302, 400, 404, 429, 500, 502, 503}) {
    EXPECT_EQ(verdict(status, kYes), Verdict::unknown) << status;
  }
}

TEST_F(ReversalReply, CodesDecideUnderTheStatusThatTheVenueUses) {
  const std::pair<std::string_view, Verdict> codes[] = {
      {"40009", Verdict::rejected},    {"40774", Verdict::doubtful_no}, {"40017", Verdict::doubtful_no},
      {"45107", Verdict::doubtful_no}, {"22035", Verdict::doubtful_no}, {"40760", Verdict::doubtful_no},
      {"40000", Verdict::doubtful_no}, {"40014", Verdict::doubtful_no}, {"40019", Verdict::rejected},
      {"40008", Verdict::rejected},    {"40085", Verdict::rejected},    {"429", Verdict::throttled},
      {"30026", Verdict::doubtful_no}, {"22002", Verdict::doubtful_no}, {"40754", Verdict::doubtful_no},
      {"40721", Verdict::doubtful_no}, {"40200", Verdict::doubtful_no}, {"40918", Verdict::doubtful_no},
      {"40786", Verdict::unknown},     {"40010", Verdict::unknown},     {"40725", Verdict::unknown},
      {"45001", Verdict::unknown},     {"98765", Verdict::unknown},     {"40109", Verdict::unknown}};
  for (const auto& [code, expected] : codes) {
    for (const std::string& text : {"\"" + std::string(code) + "\"", std::string(code)}) {
      const std::string body =
          R"({"code":)" + text + R"(,"msg":"no","requestTime":1695806875837,"data":null})";
      for (const int status : {200, 400, 401, 403, 429})
        EXPECT_EQ(verdict(status, body), expected) << status << body;
      EXPECT_EQ(verdict(503, body), Verdict::unknown) << body;
      EXPECT_EQ(decode(400, body).code.view(), code);
    }
  }
}

TEST_F(ReversalReply, ABare429OrAPageOfHtmlIsUnknown) {
  for (const std::string_view body :
       {"", " ", "Too Many Requests", "error code: 1015", "<html><body>403 Forbidden</body></html>", "429",
        R"({"error":"rate limited"})", R"({"code":"429"})", R"({"code":429,"data":null})",
        R"([{"code":"429","msg":"x"}])", R"("429")", R"({"msg":"429","requestTime":1})"}) {
    for (const int status : {200, 403, 418, 429, 520})
      EXPECT_EQ(verdict(status, body), Verdict::unknown) << body;
  }
}

TEST_F(ReversalReply, ANoThatContradictsItselfIsUnknown) {
  for (const std::string_view body :
       {R"({"code":"40020","msg":"x","data":{"orderId":"1"}})",
        R"({"code":"40020","msg":"x","data":{"clientOid":"2"}})",
        R"({"code":"40020","code":"00000","msg":"x"})", R"({"code":"98765","code":"40020","msg":"x"})",
        R"({"code":"40020","msg":"x","requestTime":1,"requestTime":2})",
        R"({"code":"40020","msg":"x","data":null,"data":{}})"}) {
    EXPECT_EQ(verdict(400, body), Verdict::unknown) << body;
  }
  EXPECT_EQ(verdict(400, R"({"code":"40020","msg":"x","data":{"clientOid":"121211212122","orderId":null}})"),
            Verdict::rejected);
}

TEST_F(ReversalReply, EveryCutOfAReplyIsUnknown) {
  const std::string_view no =
      R"({"code":"40017","msg":"Parameter verification failed","requestTime":1,"data":null})";
  for (const std::string_view whole : {kYes, no}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_EQ(verdict(200, whole.substr(0, size)), Verdict::unknown) << whole.substr(0, size);
    }
    EXPECT_NE(verdict(200, whole), Verdict::unknown);
  }
}

TEST_F(ReversalReply, MoreThanOneDocumentIsUnknown) {
  for (const std::string_view tail : {"{}", "x", ",", "}", "]", "\"", "0", "{\"code\":\"00000\"}"}) {
    EXPECT_EQ(verdict(200, std::string(kYes) + std::string(tail)), Verdict::unknown) << tail;
  }
  EXPECT_EQ(verdict(200, std::string(kYes) + " \r\n"), Verdict::acked);
}

TEST_F(ReversalReply, BytesThatAreNotTextAreUnknown) {
  std::string body(kYes);
  body[body.find("success")] = '\xFF';
  EXPECT_EQ(verdict(200, body), Verdict::unknown) << "not UTF-8";
  body = kYes;
  body[body.find("success")] = '\0';
  EXPECT_EQ(verdict(200, body), Verdict::unknown) << "a control character in a string";
  EXPECT_EQ(verdict(200, std::string(300, '{')), Verdict::unknown);
  EXPECT_EQ(verdict(200, std::string(5'000, '[')), Verdict::unknown);
  std::string deep =
      R"({"x":)" + std::string(3'000, '[') + std::string(3'000, ']') + "," + std::string(kYes).substr(1);
  EXPECT_NE(verdict(200, deep), Verdict::rejected);
}

TEST_F(ReversalReply, ACodeOfOtherThanPlainCharactersIsNone) {
  using namespace std::string_view_literals;
  for (const std::string_view code :
       {R"("\u0000")"sv, R"("40017\u0000")"sv, R"("4 017")"sv, R"("")"sv, "4\0017"sv, "40017\x1B"sv,
        "40017x"sv, "null"sv, "true"sv, "[40017]"sv, "{}"sv}) {
    const auto reply =
        decode(400, R"({"code":)" + std::string(code) + R"(,"msg":"x","requestTime":1,"data":null})");
    EXPECT_EQ(reply.verdict, Verdict::unknown) << code;
    EXPECT_TRUE(reply.code.empty()) << code;
  }
}

TEST_F(ReversalReply, AReplyLongerThanTheLimitIsUnknown) {
  const auto small = testing::make_dialect(domain::PositionMode::hedge, {.max_reply_bytes = 1'024});
  const std::string filler(2'000, ' ');
  const PaddedBody body(std::string(kYes) + filler);
  EXPECT_EQ(small->decode_reversal(wire::ClientOid("121211212122"), 200, body.view(), {}).verdict,
            Verdict::unknown);
  const PaddedBody huge(std::string(10'000'000, ' ') + std::string(kYes));
  EXPECT_EQ(dialect_->decode_reversal(wire::ClientOid("121211212122"), 200, huge.view(), {}).verdict,
            Verdict::unknown);
}

TEST_F(ReversalReply, AMessageInAnyLanguageIsSkipped) {
  EXPECT_EQ(verdict(400, R"({"code":"40020","msg":"订单类型\u0022\n\"}{","requestTime":1,"data":null})"),
            Verdict::rejected);
}

TEST_F(ReversalReply, TheQuotaIsReadOnlyFromDigits) {
  EXPECT_EQ(decode(200, kYes).remaining_quota, -1);
  for (const std::string text : {"", "-1", "1.5", "x", "9999999", " 3"}) {
    EXPECT_EQ(decode(200, kYes, {{"x-mbx-used-remain-limit", text}}).remaining_quota, -1) << text;
  }
  EXPECT_EQ(decode(429, "", {{"x-mbx-used-remain-limit", "0"}}).remaining_quota, 0);
}

TEST_F(ReversalReply, TheTraceIsTheVenuesName) {
  const Headers headers = {{"x-traceid", "abc"}};
  EXPECT_EQ(dialect_->trace_id(testing::look_into(headers)), "abc");
  EXPECT_EQ(dialect_->trace_id({}), "");
}

}  // namespace
}  // namespace backhand::bitget
