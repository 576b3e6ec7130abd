// Questions as bytes: the target of each kind, its signature, and what is public.
#include <gtest/gtest.h>

#include "tests/gateway/bitget/support.hpp"

namespace backhand::bitget {
namespace {

using domain::Lookup;
using domain::LookupKind;
using testing::kAccount;
using testing::kNow;

Lookup question(LookupKind kind) {
  Lookup out;
  out.kind = kind;
  out.account = kAccount;
  out.instrument = testing::instrument("btcusdt", "usdt");
  out.client_oid = wire::ClientOid("rvg-0000000001");
  out.order_id = wire::OrderId("1323031696869281794");
  out.since_venue_ms = 1'718'000'000'000;
  return out;
}

TEST(LookupRequest, HasTheTargetOfItsKindWithSortedKeys) {
  const auto dialect = testing::make_dialect(domain::PositionMode::one_way);
  const std::pair<LookupKind, std::string_view> targets[] = {
      {LookupKind::venue_time, "/api/v2/public/time"},
      {LookupKind::account_kind, "/api/v2/spot/account/info"},
      {LookupKind::account_mode,
       "/api/v2/mix/account/account?marginCoin=USDT&productType=USDT-FUTURES&symbol=BTCUSDT"},
      {LookupKind::positions, "/api/v2/mix/position/all-position?productType=USDT-FUTURES"},
      {LookupKind::contracts, "/api/v2/mix/market/contracts?productType=USDT-FUTURES&symbol=BTCUSDT"},
      {LookupKind::order_by_client_oid,
       "/api/v2/mix/order/detail?clientOid=rvg-0000000001&productType=USDT-FUTURES&symbol=BTCUSDT"},
      {LookupKind::order_by_order_id,
       "/api/v2/mix/order/detail?orderId=1323031696869281794&productType=USDT-FUTURES&symbol=BTCUSDT"},
      {LookupKind::reversal_history,
       "/api/v2/mix/order/orders-history?limit=100&orderSource=reverse&productType=USDT-FUTURES&"
       "startTime=1718000000000&symbol=BTCUSDT"},
      {LookupKind::fills,
       "/api/v2/mix/order/"
       "fills?limit=100&productType=USDT-FUTURES&startTime=1718000000000&symbol=BTCUSDT"}};
  EXPECT_EQ(std::size(targets), domain::kLookupKinds);
  for (const auto& [kind, target] : targets) {
    const auto request = testing::read_request(testing::encode(*dialect, question(kind)));
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, target);
    EXPECT_EQ(request.version, "HTTP/1.1");
    EXPECT_TRUE(request.whole);
    const bool is_public = kind == LookupKind::venue_time || kind == LookupKind::contracts;
    EXPECT_EQ(request.headers.count("access-key"), is_public ? 0U : 1U) << target;
    if (!is_public) {
      EXPECT_EQ(request.headers.at("access-sign"), testing::reference_signature(request)) << target;
    }
  }
}

TEST(LookupRequest, AsksForAllContractsWhereNoSymbolIsGiven) {
  const auto dialect = testing::make_dialect(domain::PositionMode::one_way);
  Lookup all = question(LookupKind::contracts);
  all.instrument.symbol = {};
  EXPECT_EQ(testing::read_request(testing::encode(*dialect, all)).target,
            "/api/v2/mix/market/contracts?productType=USDT-FUTURES");
}

TEST(LookupRequest, AgreesWithTheRecordedSignatures) {
  const auto dialect = testing::make_dialect(domain::PositionMode::one_way);
  const auto detail = testing::read_request(
      testing::encode(*dialect, question(LookupKind::order_by_client_oid), 1'718'000'000'456));
  EXPECT_EQ(detail.headers.at("access-sign"), "Nss3wZkw3I6yQce9vBJyXWPVa+c8ZrlKHKX1cXGu2mc=") << "V3";
  const auto mode =
      testing::read_request(testing::encode(*dialect, question(LookupKind::account_mode), 1'718'000'000'789));
  EXPECT_EQ(mode.headers.at("access-sign"), "56Oj8lvYPLDUXbZ2PvMxpeCtYCZhWpH1Rqa4Y/1n7xg=") << "V4";
}

TEST(LookupRequest, AsksForEverySourceOnlyForLeadTraders) {
  const auto dialect = testing::make_dialect(domain::PositionMode::one_way);
  dialect->set_lead_trader(kAccount, true);
  auto asked = question(LookupKind::reversal_history);
  asked.since_venue_ms = 0;
  asked.instrument.symbol = {};
  EXPECT_EQ(testing::read_request(testing::encode(*dialect, asked)).target,
            "/api/v2/mix/order/orders-history?limit=100&productType=USDT-FUTURES");
  asked.before_id = wire::OrderId{"1323031696869281794"};
  EXPECT_EQ(
      testing::read_request(testing::encode(*dialect, asked)).target,
      "/api/v2/mix/order/orders-history?idLessThan=1323031696869281794&limit=100&productType=USDT-FUTURES");
}

TEST(LookupRequest, TheProbeIsThePublicTime) {
  const auto dialect = testing::make_dialect(domain::PositionMode::one_way);
  EXPECT_EQ(std::string(dialect->probe_request()), testing::encode(*dialect, Lookup{}));
  EXPECT_EQ(testing::read_request(dialect->probe_request()).target, "/api/v2/public/time");
}

TEST(LookupRequest, TheLongestFits) {
  auto dialect = make_classic_dialect({.host = std::string(255, 'h'),
                                       .locale = std::string(16, 'l'),
                                       .channel_code = std::string(64, 'c'),
                                       .demo = true});
  const std::string longest(128, 'k');
  ASSERT_TRUE(
      (*dialect)->add_account(kAccount, {SecretText(longest), SecretText(longest), SecretText(longest)}));
  for (std::size_t kind = 0; kind < domain::kLookupKinds; ++kind) {
    Lookup asked = question(static_cast<LookupKind>(kind));
    asked.instrument =
        testing::instrument(std::string(24, 'S'), std::string(8, 'C'), domain::Product::susdt_futures);
    asked.client_oid = wire::ClientOid(std::string(32, 'o'));
    asked.order_id = wire::OrderId(std::string(24, '1'));
    EXPECT_TRUE(testing::read_request(testing::encode(**dialect, asked)).whole) << kind;
  }
}

}  // namespace
}  // namespace backhand::bitget
