// Names find the position that the configuration means, and no other.
#include "gateway/engine/directory.hpp"

#include <gtest/gtest.h>

namespace backhand::engine {
namespace {

config::Config two_accounts() {
  config::Config config;
  config.accounts.resize(2);
  config.accounts[0].name = "main";
  config.accounts[1].name = "hedge";
  const auto instrument = [](wire::Product product, const char* symbol, const char* coin) {
    config::Instrument out;
    out.id = {product, wire::SymbolName{symbol}, wire::CoinName{coin}};
    return out;
  };
  config.instruments = {instrument(wire::Product::usdt_futures, "ETHUSDT", "USDT"),
                        instrument(wire::Product::coin_futures, "BTCUSD", "BTC"),
                        instrument(wire::Product::coin_futures, "BTCUSD", "ETH")};
  config.strategies.resize(2);
  config.strategies[0].entitlements = {
      {AccountIndex{0}, {InstrumentIndex{0}, InstrumentIndex{1}, InstrumentIndex{2}}}};
  config.strategies[1].entitlements = {{AccountIndex{1}, {InstrumentIndex{0}}}};
  return config;
}

Directory::Found find(const Directory& directory, const char* account, wire::Product product,
                      const char* symbol, const char* coin = "") {
  return directory.find(wire::AccountName{account}, product, wire::SymbolName{symbol}, wire::CoinName{coin});
}

TEST(Directory, FindsByNameInAnyCase) {
  const config::Config config = two_accounts();
  const Directory directory{config};
  ASSERT_EQ(directory.positions().size(), 4U);
  const auto found = find(directory, "main", wire::Product::usdt_futures, "ethusdt");
  ASSERT_TRUE(found.position.valid());
  EXPECT_EQ(directory[found.position].account, AccountIndex{0});
  EXPECT_EQ(directory[found.position].id.symbol.view(), "ETHUSDT");
  EXPECT_NE(find(directory, "hedge", wire::Product::usdt_futures, "ETHUSDT").position, found.position);
}

TEST(Directory, AMarginCoinMustBeSaidWhereTheSymbolHasTwo) {
  const config::Config config = two_accounts();
  const Directory directory{config};
  EXPECT_FALSE(find(directory, "main", wire::Product::coin_futures, "BTCUSD").position.valid());
  const auto btc = find(directory, "main", wire::Product::coin_futures, "BTCUSD", "BTC");
  const auto eth = find(directory, "main", wire::Product::coin_futures, "BTCUSD", "ETH");
  EXPECT_TRUE(btc.position.valid());
  EXPECT_TRUE(eth.position.valid());
  EXPECT_NE(btc.position, eth.position);
}

TEST(Directory, TellsAnUnknownAccountFromAnUnknownInstrument) {
  const config::Config config = two_accounts();
  const Directory directory{config};
  EXPECT_FALSE(find(directory, "nobody", wire::Product::usdt_futures, "ETHUSDT").account_known);
  const auto other = find(directory, "hedge", wire::Product::coin_futures, "BTCUSD", "BTC");
  EXPECT_TRUE(other.account_known);
  EXPECT_FALSE(other.position.valid()) << "no strategy may trade it there";
  EXPECT_FALSE(find(directory, "main", wire::Product::usdc_futures, "ETHUSDT").position.valid());
}

}  // namespace
}  // namespace backhand::engine
