// A reversal's bytes: exact for each mode, correctly signed whatever the fields and however they were
// prepared.
#include <limits>
#include <ostream>
#include <type_traits>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/gateway/bitget/support.hpp"

namespace backhand::bitget {
namespace {

using domain::PositionMode;
using domain::PositionSide;
using testing::kAccount;
using testing::kNow;
using testing::kPosition;

std::string body_of(Dialect& dialect, const domain::ReversalRequest& request) {
  return testing::read_request(testing::encode(dialect, request)).body;
}

TEST(ReversalRequest, IsTheseBytesInHedgeMode) {
  const auto dialect = testing::make_dialect(PositionMode::hedge, {}, testing::instrument("ethusdt", "usdt"));
  const std::string body =
      R"({"symbol":"ETHUSDT","marginCoin":"USDT","productType":"USDT-FUTURES","side":"buy","tradeSide":"open",)"
      R"("size":"0.02","clientOid":"bh-0000000001"})";
  const std::string signature = testing::reference_signature(
      testing::kSecret, "1718000000123POST/api/v2/mix/order/click-backhand" + body);
  EXPECT_EQ(testing::encode(*dialect, testing::reversal(PositionSide::long_side, "bh-0000000001", "0.020")),
            "POST /api/v2/mix/order/click-backhand HTTP/1.1\r\n"
            "Host: api.bitget.com\r\n"
            "User-Agent: backhand\r\n"
            "Content-Type: application/json\r\n"
            "locale: en-US\r\n"
            "ACCESS-KEY: bg_0123456789abcdef\r\n"
            "ACCESS-PASSPHRASE: correct-horse\r\n"
            "ACCESS-TIMESTAMP: 1718000000123\r\n"
            "ACCESS-SIGN: " +
                signature +
                "\r\n"
                "Content-Length: 143\r\n"
                "\r\n" +
                body);
}

TEST(ReversalRequest, SaysTheSideHeldInHedgeMode) {
  const auto dialect = testing::make_dialect(PositionMode::hedge);
  EXPECT_EQ(
      body_of(*dialect, testing::reversal(PositionSide::short_side)),
      R"({"symbol":"ETHUSDT","marginCoin":"USDT","productType":"USDT-FUTURES","side":"sell","tradeSide":"open",)"
      R"("clientOid":"bh-0000000001"})");
}

TEST(ReversalRequest, HasNeitherTradeSideNorSizeInOneWayMode) {
  const auto dialect = testing::make_dialect(PositionMode::one_way);
  EXPECT_EQ(
      body_of(*dialect, testing::reversal(PositionSide::long_side, "x", "3")),
      R"({"symbol":"ETHUSDT","marginCoin":"USDT","productType":"USDT-FUTURES","side":"buy","clientOid":"x"})");
}

TEST(ReversalRequest, SaysTheConfiguredSideInOneWayMode) {
  struct Case {
    OneWaySide said;
    PositionSide held;
    std::string_view text;
  };
  for (const Case& c : {Case{OneWaySide::position, PositionSide::long_side, R"("side":"buy")"},
                        Case{OneWaySide::position, PositionSide::short_side, R"("side":"sell")"},
                        Case{OneWaySide::order, PositionSide::long_side, R"("side":"sell")"},
                        Case{OneWaySide::order, PositionSide::short_side, R"("side":"buy")"}}) {
    const auto dialect = testing::make_dialect(PositionMode::one_way, {.one_way_side = c.said});
    EXPECT_NE(body_of(*dialect, testing::reversal(c.held)).find(c.text), std::string::npos) << c.text;
  }
  const auto dialect = testing::make_dialect(PositionMode::one_way, {.one_way_side = OneWaySide::omit});
  EXPECT_EQ(body_of(*dialect, testing::reversal(PositionSide::long_side)).find("side\""), std::string::npos);
}

TEST(ReversalRequest, SendsASizeInOneWayModeOnlyWhereConfigured) {
  const auto dialect = testing::make_dialect(PositionMode::one_way, {.one_way_sends_size = true});
  EXPECT_NE(body_of(*dialect, testing::reversal(PositionSide::long_side, "x", "3")).find(R"("size":"3")"),
            std::string::npos);
  EXPECT_EQ(body_of(*dialect, testing::reversal(PositionSide::long_side, "x")).find("size"),
            std::string::npos);
}

TEST(ReversalRequest, CarriesTheConfiguredHeaders) {
  const auto dialect = testing::make_dialect(
      PositionMode::hedge,
      {.host = "127.0.0.1:8443", .locale = "zh-CN", .channel_code = "broker1", .demo = true});
  const auto request =
      testing::read_request(testing::encode(*dialect, testing::reversal(PositionSide::long_side)));
  EXPECT_EQ(request.headers.at("host"), "127.0.0.1:8443");
  EXPECT_EQ(request.headers.at("locale"), "zh-CN");
  EXPECT_EQ(request.headers.at("x-channel-api-code"), "broker1");
  EXPECT_EQ(request.headers.at("paptrading"), "1");
  EXPECT_EQ(request.headers.count("accept-encoding"), 0U) << "a compressed reply could not be read";
  EXPECT_NE(dialect->probe_request().find("\r\npaptrading: 1\r\n"), std::string_view::npos);
}

TEST(ReversalRequest, NamesEveryProduct) {
  const std::pair<domain::Product, std::string_view> names[] = {
      {domain::Product::usdt_futures, "USDT-FUTURES"},   {domain::Product::coin_futures, "COIN-FUTURES"},
      {domain::Product::usdc_futures, "USDC-FUTURES"},   {domain::Product::susdt_futures, "SUSDT-FUTURES"},
      {domain::Product::scoin_futures, "SCOIN-FUTURES"}, {domain::Product::susdc_futures, "SUSDC-FUTURES"}};
  for (const auto& [product, name] : names) {
    const auto dialect =
        testing::make_dialect(PositionMode::hedge, {}, testing::instrument("BTCPERP", "USDC", product));
    EXPECT_NE(body_of(*dialect, testing::reversal(PositionSide::long_side))
                  .find(R"("productType":")" + std::string(name) + "\""),
              std::string::npos)
        << name;
  }
}

TEST(ReversalRequest, UsesARefreshedTimestampWithinTheToleranceAndNeverALaterOne) {
  const auto dialect = testing::make_dialect(PositionMode::hedge, {.timestamp_tolerance_ms = 500});
  dialect->refresh(kPosition, kNow);
  const auto signed_at = [&](VenueMs now) {
    const auto request =
        testing::read_request(testing::encode(*dialect, testing::reversal(PositionSide::long_side), now));
    EXPECT_EQ(request.headers.at("access-sign"), testing::reference_signature(request)) << now;
    return request.headers.at("access-timestamp");
  };
  EXPECT_EQ(signed_at(kNow), "1718000000123");
  EXPECT_EQ(signed_at(kNow + 500), "1718000000123");
  EXPECT_EQ(signed_at(kNow + 501), "1718000000624") << "the refreshed timestamp is too old";
  EXPECT_EQ(signed_at(kNow - 1), "1718000000122") << "a timestamp ahead of the one given was signed";
}

TEST(ReversalRequest, ForgetsWhatWasRefreshedWhenItsModeChanges) {
  const auto dialect = testing::make_dialect(PositionMode::hedge);
  dialect->refresh(kPosition, kNow);
  ASSERT_TRUE(dialect->prepare(kPosition, kAccount, testing::instrument(), PositionMode::one_way));
  const auto request =
      testing::read_request(testing::encode(*dialect, testing::reversal(PositionSide::long_side)));
  EXPECT_EQ(request.body.find("tradeSide"), std::string::npos);
  EXPECT_EQ(request.headers.at("access-sign"), testing::reference_signature(request));
}

TEST(ReversalRequest, NeedsRoomForTheLongest) {
  const auto dialect = testing::make_dialect(PositionMode::hedge);
  std::string small(Dialect::kMaxRequest - 1, '\0');
  EXPECT_EQ(dialect->encode_reversal(testing::reversal(PositionSide::long_side), kNow, small), 0U);
  EXPECT_EQ(dialect->encode_lookup({}, kNow, small), 0U);
}

TEST(ReversalRequest, TheLongestPossibleFits) {
  Settings settings{.host = std::string(255, 'h'),
                    .locale = std::string(16, 'l'),
                    .channel_code = std::string(64, 'c'),
                    .demo = true};
  auto dialect = make_classic_dialect(settings);
  ASSERT_TRUE(dialect.has_value());
  const std::string longest(128, 'k');
  ASSERT_TRUE(
      (*dialect)->add_account(kAccount, {SecretText(longest), SecretText(longest), SecretText(longest)}));
  ASSERT_TRUE((*dialect)->prepare(
      kPosition, kAccount,
      testing::instrument(std::string(24, 'S'), std::string(8, 'C'), domain::Product::susdt_futures),
      PositionMode::hedge));
  auto request = testing::reversal(PositionSide::short_side, std::string(32, 'o'));
  request.has_size = true;
  request.size = {std::numeric_limits<std::uint64_t>::max(), 18};
  EXPECT_TRUE(testing::read_request(testing::encode(**dialect, request)).whole);
}

RC_GTEST_PROP(ReversalRequest, IsCorrectlySignedWhateverItsFields, ()) {
  const auto plain = rc::gen::elementOf(std::string("0123456789ABCXYZabcxyz_-"));
  const auto text = [&](int longest) {
    const auto size = *rc::gen::inRange(1, longest + 1);
    return *rc::gen::container<std::string>(static_cast<std::size_t>(size), plain);
  };
  const auto mode = *rc::gen::element(PositionMode::one_way, PositionMode::hedge);
  const Settings settings{
      .one_way_side = *rc::gen::element(OneWaySide::position, OneWaySide::order, OneWaySide::omit),
      .one_way_sends_size = *rc::gen::arbitrary<bool>(),
      .max_reply_bytes = 1'024};
  const auto dialect = testing::make_dialect(
      mode, settings,
      testing::instrument(text(24), text(8),
                          *rc::gen::element(domain::Product::usdt_futures, domain::Product::coin_futures)));
  auto request =
      testing::reversal(*rc::gen::element(PositionSide::long_side, PositionSide::short_side), text(32));
  request.has_size = *rc::gen::arbitrary<bool>();
  request.size = {*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::uint8_t>(0, 19)};
  const VenueMs now = *rc::gen::inRange<VenueMs>(1'600'000'000'000, 9'999'999'999'999);
  if (*rc::gen::arbitrary<bool>()) dialect->refresh(kPosition, now - *rc::gen::inRange(-600, 600));

  const auto read = testing::read_request(testing::encode(*dialect, request, now));
  RC_ASSERT(read.whole);
  RC_ASSERT(read.headers.at("access-sign") == testing::reference_signature(read));
  const VenueMs signed_at = std::stoll(read.headers.at("access-timestamp"));
  RC_ASSERT(signed_at <= now);
  RC_ASSERT(signed_at >= now - 500);
  RC_ASSERT(read.body.ends_with("\"clientOid\":\"" + std::string(request.client_oid.view()) + "\"}"));
}

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<SecretText> && !Printable<Credentials>, "a secret could be printed by mistake");
static_assert(!std::is_copy_constructible_v<Credentials> && !std::is_copy_assignable_v<Credentials>);

TEST(SetUp, RefusesTextThatCannotStandInAHeader) {
  EXPECT_FALSE(make_classic_dialect({.host = ""}).has_value());
  EXPECT_FALSE(make_classic_dialect({.host = "a\r\nX: y"}).has_value());
  EXPECT_FALSE(make_classic_dialect({.locale = "en US"}).has_value());
  EXPECT_FALSE(make_classic_dialect({.channel_code = "x\n"}).has_value());
  EXPECT_FALSE(make_classic_dialect({.max_reply_bytes = 0}).has_value());
}

TEST(SetUp, RefusesCredentialsThatCannotBeSentWithoutShowingThem) {
  auto dialect = make_classic_dialect({});
  ASSERT_TRUE(dialect.has_value());
  const auto with = [&](std::string_view key, std::string_view secret, std::string_view passphrase) {
    return (*dialect)->add_account(kAccount, {SecretText(key), SecretText(secret), SecretText(passphrase)});
  };
  for (const std::string_view bad : {"", "tail\n", "inner\r\nX: y", " led", "\xC3\xA9"}) {
    EXPECT_FALSE(with(bad, "s", "p").has_value());
    EXPECT_FALSE(with("k", bad, "p").has_value());
    const auto refused = with("k", "s", bad);
    ASSERT_FALSE(refused.has_value());
    if (bad.size() > 2) {
      EXPECT_EQ(refused.error().message.find(bad), std::string::npos) << "a secret in a message";
    }
  }
  EXPECT_TRUE(with("k", "s", "p p").has_value());
  EXPECT_FALSE(with("k", "s", "p").has_value()) << "an account was replaced";
}

TEST(SetUp, RefusesInstrumentsThatWouldNeedEscaping) {
  const auto dialect = testing::make_dialect(PositionMode::hedge);
  const auto with = [&](std::string_view symbol, std::string_view coin) {
    return dialect->prepare(PositionIndex{1}, kAccount, testing::instrument(symbol, coin),
                            PositionMode::hedge);
  };
  for (const std::string_view bad : {"", "A\"B", "A B", "A\\", "A&B"}) {
    EXPECT_FALSE(with(bad, "USDT").has_value()) << bad;
    EXPECT_FALSE(with("ETHUSDT", bad).has_value()) << bad;
  }
  EXPECT_FALSE(
      dialect->prepare(PositionIndex{1}, AccountIndex{7}, testing::instrument(), PositionMode::hedge));
  EXPECT_FALSE(dialect->prepare(PositionIndex{1}, kAccount, testing::instrument(), PositionMode{9}));
}

TEST(Rules, CountEachEndpointOnceAndNameDenseGroups) {
  const auto dialect = testing::make_dialect(PositionMode::hedge);
  EXPECT_EQ(dialect->reversal_rule().requests, 10U);
  EXPECT_EQ(dialect->lead_trader_reversal_rule().requests, 1U);
  EXPECT_EQ(dialect->lead_trader_reversal_rule().group, dialect->reversal_rule().group);
  EXPECT_TRUE(dialect->overall_rule().per_ip);
  EXPECT_LT(dialect->overall_rule().group, kEndpointGroups);
  for (std::size_t kind = 0; kind < domain::kLookupKinds; ++kind) {
    const EndpointRule rule = dialect->rule_of(static_cast<domain::LookupKind>(kind));
    EXPECT_GT(rule.requests, 0U) << kind;
    EXPECT_LT(rule.group, kEndpointGroups) << kind;
    EXPECT_NE(rule.group, dialect->reversal_rule().group)
        << "a question must not use up a reversal's allowance";
  }
  EXPECT_EQ(dialect->rule_of(domain::LookupKind::order_by_client_oid).group,
            dialect->rule_of(domain::LookupKind::order_by_order_id).group)
      << "one path, one count";
}

}  // namespace
}  // namespace backhand::bitget
