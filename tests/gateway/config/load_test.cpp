// What a good configuration turns into, and what is worth a warning.
#include "gateway/config/load.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "gateway/config/describe.hpp"

namespace backhand::config {
namespace {

const std::string kSmallest =
    "environment = \"simulated\"\n"
    "[venue]\n"
    "connect_address = \"127.0.0.1\"\n"
    "[[accounts]]\n"
    "name = \"main\"\n"
    "key_file = \"main.key\"\n"
    "secret_file = \"./main.secret\"\n"
    "passphrase_file = \"/secrets/../other/main.pass\"\n"
    "[[instruments]]\n"
    "symbol = \"ethUsdt\"\n"
    "product = \"usdt-Futures\"\n"
    "max_size = \"12.50\"\n"
    "[[instruments]]\n"
    "symbol = \"BTCUSD\"\n"
    "product = \"COIN-FUTURES\"\n"
    "margin_coin = \"btc\"\n"
    "[[strategies]]\n"
    "name = \"alpha\"\n"
    "uids = [1000, 1000, 7]\n"
    "[[strategies.entitlements]]\n"
    "account = \"main\"\n"
    "instruments = [\"coin-futures/btcusd\"]\n"
    "[[strategies]]\n"
    "name = \"beta\"\n"
    "when_busy = \"wait\"\n"
    "[[strategies.entitlements]]\n"
    "account = \"main\"\n"
    "instruments = \"*\"\n";

Config loaded(const std::string& text, std::vector<Problem>* warnings = nullptr) {
  auto config = load_text(text, "/etc/backhand/c.toml", warnings);
  if (!config) {
    ADD_FAILURE() << to_string(config.error());
    return {};
  }
  return std::move(*config);
}

std::string read_example() {
  std::ifstream file{BACKHAND_EXAMPLE_CONFIG};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Load, ReadsEveryPart) {
  const Config config = loaded(kSmallest);
  ASSERT_EQ(config.accounts.size(), 1U);
  ASSERT_EQ(config.instruments.size(), 2U);
  ASSERT_EQ(config.strategies.size(), 2U);
  EXPECT_EQ(config.environment, Environment::simulated);
  EXPECT_FALSE(config.gateway.dry_run);
  EXPECT_EQ(config.instruments[0].id.symbol.view(), "ETHUSDT");
  EXPECT_EQ(config.instruments[0].id.margin_coin.view(), "USDT");
  EXPECT_EQ(config.instruments[0].id.product, domain::Product::usdt_futures);
  EXPECT_EQ(config.instruments[0].max_size, *Decimal::parse("12.5"));
  EXPECT_EQ(config.instruments[1].id.margin_coin.view(), "BTC");
  EXPECT_TRUE(config.instruments[1].max_size.is_zero());
  EXPECT_EQ(config.strategies[0].uids, (std::vector<std::uint32_t>{1000, 7}));
  ASSERT_EQ(config.strategies[0].entitlements.size(), 1U);
  EXPECT_EQ(config.strategies[0].entitlements[0].account, AccountIndex{0});
  EXPECT_EQ(config.strategies[0].entitlements[0].instruments, std::vector{InstrumentIndex{1}});
  EXPECT_EQ(config.strategies[0].when_busy, WhenBusy::deny);
  EXPECT_EQ(config.strategies[1].when_busy, WhenBusy::wait);
  EXPECT_EQ(config.strategies[1].entitlements[0].instruments,
            (std::vector{InstrumentIndex{0}, InstrumentIndex{1}}));
}

TEST(Load, ResolvesPathsFromTheFilesFolderAndKeepsNamesOfCredentials) {
  const Config config = loaded(kSmallest);
  EXPECT_EQ(config.accounts[0].key_file, "main.key");
  EXPECT_EQ(config.accounts[0].secret_file, "/etc/backhand/main.secret");
  EXPECT_EQ(config.accounts[0].passphrase_file, "/other/main.pass");
  EXPECT_EQ(config.accounts[0].secret_place, (Place{7, 15}));
}

TEST(Load, PutsSocketsIntoTheRuntimeDirectory) {
  const Config config = loaded(kSmallest + "[gateway]\nruntime_dir = \"run\"\nadmin_socket = \"/x/a\"\n");
  EXPECT_EQ(config.gateway.attach_socket, "/etc/backhand/run/attach.sock");
  EXPECT_EQ(config.gateway.admin_socket, "/x/a");
}

TEST(Load, TakesThePingFromTheIdleLimitWhereItIsNotGiven) {
  std::string text = kSmallest;
  text.insert(text.find("[[accounts]]"), "max_idle_ms = 900\n");
  EXPECT_EQ(loaded(text).venue.ping_interval_ms, 300U);
  EXPECT_EQ(loaded(kSmallest).venue.ping_interval_ms, 5'000U);
}

TEST(Load, TakesWhatBoundsConnections) {
  std::string text = kSmallest;
  text.insert(text.find("[[accounts]]"), "connections = 64\nhandshakes_per_second = 1000\n");
  EXPECT_EQ(loaded(text).venue.connections, 64U);
  EXPECT_EQ(loaded(text).venue.handshakes_per_second, 1'000U);
  EXPECT_EQ(loaded(kSmallest).venue.handshakes_per_second, 20U);
}

TEST(Load, AcceptsHostsOnLoopbackForTheSimulatedVenue) {
  for (const char* venue : {"host = \"localhost\"", "host = \"127.0.0.1\"", "connect_address = \"::1\"",
                            "connect_address = \"127.8.8.8\"\nhost = \"venue.test\""}) {
    std::string text = kSmallest;
    text.replace(text.find("connect_address = \"127.0.0.1\""), 29, venue);
    EXPECT_TRUE(load_text(text, "c.toml").has_value()) << venue;
  }
}

TEST(Load, ReachesTheVenueByDefaultInDemoAndLive) {
  for (const char* environment : {"demo", "live"}) {
    std::string text = kSmallest;
    text.replace(text.find("simulated"), 9, environment);
    text.erase(text.find("connect_address"), 30);
    std::vector<Problem> warnings;
    const Config config = loaded(text, &warnings);
    EXPECT_EQ(config.venue.host, "api.bitget.com");
    EXPECT_EQ(config.venue.port, 443);
    EXPECT_TRUE(config.venue.connect_address.empty());
    EXPECT_EQ(to_string(warnings), "");
  }
}

TEST(Load, WarnsOfWhatIsAllowedButDubious) {
  const std::string text =
      "environment = \"live\"\n"
      "[gateway]\n"
      "idle = \"spin\"\n"
      "[venue]\n"
      "host = \"bitget.com.example\"\n"
      "execution_grace_ms = 500\n"
      "lookup_lag_ms = 9999\n"
      "[pacing]\n"
      "requests_per_second = 60\n"
      "ip_requests_per_minute = 6001\n"
      "[[accounts]]\n"
      "name = \"a\"\n"
      "key_file = \"k\"\n"
      "secret_file = \"s\"\n"
      "passphrase_file = \"p\"\n"
      "[[instruments]]\n"
      "symbol = \"SBTCSUSDT\"\n"
      "product = \"SUSDT-FUTURES\"\n"
      "margin_coin = \"SUSDT\"\n"
      "[[strategies]]\n"
      "name = \"idle\"\n";
  std::vector<Problem> warnings;
  const Config config = loaded(text, &warnings);
  EXPECT_EQ(config.instruments[0].id.product, domain::Product::susdt_futures);
  const std::string file = "/etc/backhand/c.toml:";
  EXPECT_EQ(
      to_string(warnings),
      file + "3:8: gateway.idle: \"spin\" without io_cpu: the spinning thread wanders between cores\n" +
          file + "5:8: venue.host: is not the venue's (api.bitget.com): it will be shown the accounts' " +
          "credentials\n" + file + "6:22: venue.execution_grace_ms: is below 10000: a slow execution " +
          "could be called not executed\n" + file +
          "7:17: venue.lookup_lag_ms: is below 10000: an execution that look-ups show late could be called "
          "not executed\n" +
          file +
          "9:23: pacing.requests_per_second: is above the venue's documented 10 a second for each UID\n" +
          file + "10:26: pacing.ip_requests_per_minute: is above the venue's documented 6000 a minute for " +
          "each IP address\n" + file +
          "18:11: instruments[0].product: SUSDT-FUTURES was withdrawn by the venue on 2025-08-04: expect " +
          "it to be refused\n" + file +
          "20:1: strategies[0].entitlements: there is none: every intent of this strategy will be " +
          "denied\n");
}

/// `accounts` accounts with one strategy that may trade one instrument of each of `products` products on all.
std::string many_accounts(int accounts, int products, const std::string& venue) {
  static const char* const kProducts[] = {"USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"};
  static const char* const kCoins[] = {"USDT", "BTC", "USDC"};
  std::string text = "environment = \"simulated\"\n[venue]\nhost = \"localhost\"\n" + venue;
  std::string names;
  for (int a = 0; a < accounts; ++a) {
    const std::string name = "a" + std::to_string(a);
    names += (a == 0 ? "\"" : ", \"") + name + "\"";
    text += "[[accounts]]\nname = \"" + name + "\"\nkey_file = \"" + name + ".k\"\nsecret_file = \"" + name +
            ".s\"\npassphrase_file = \"" + name + ".p\"\n";
  }
  for (int p = 0; p < products; ++p) {
    text += std::string("[[instruments]]\nsymbol = \"S") + std::to_string(p) + "\"\nproduct = \"" +
            kProducts[p] + "\"\nmargin_coin = \"" + kCoins[p] + "\"\n";
  }
  text += "[[strategies]]\nname = \"s\"\n";
  for (int a = 0; a < accounts; ++a)
    text += "[[strategies.entitlements]]\naccount = \"a" + std::to_string(a) + "\"\ninstruments = \"*\"\n";
  return text;
}

TEST(Load, SaysInNumbersWherePositionsCannotBeReadSoOften) {
  std::vector<Problem> warnings;
  (void)loaded(many_accounts(20, 1, ""), &warnings);
  EXPECT_EQ(to_string(warnings), "") << "600 a minute are kept: 20 accounts, each read 30 times a minute";
  (void)loaded(many_accounts(21, 1, ""), &warnings);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(to_string(warnings).find("can surely be read every 2100 ms only, not every 2000 ms"),
            std::string::npos)
      << to_string(warnings);
  EXPECT_EQ(to_string(warnings).find("will deny"), std::string::npos);
  (void)loaded(many_accounts(60, 1, ""), &warnings);
  EXPECT_NE(to_string(warnings).find("position_max_age_ms (6000) will deny intents"), std::string::npos)
      << to_string(warnings);
  (void)loaded(many_accounts(1, 3, "position_refresh_ms = 500\n"), &warnings);
  EXPECT_NE(to_string(warnings).find("read every 600 ms only"), std::string::npos)
      << "an account may read five a second: " << to_string(warnings);
}

TEST(Load, APositionIsStaleAfterThreeRefreshesUnlessSaid) {
  EXPECT_EQ(loaded(kSmallest).venue.position_max_age_ms, 6'000U);
  EXPECT_EQ(loaded(many_accounts(1, 1, "position_refresh_ms = 500\n")).venue.position_max_age_ms, 1'500U);
  EXPECT_EQ(loaded(many_accounts(1, 1, "position_max_age_ms = 0\n")).venue.position_max_age_ms, 0U);
}

TEST(Load, WarnsWhereStrategiesMayHaveMoreLanesThanThereAre) {
  std::vector<Problem> warnings;
  std::string text = kSmallest;
  text.insert(text.find("[venue]"), "[gateway]\nmax_lanes = 17\n");
  (void)loaded(text, &warnings);
  EXPECT_NE(to_string(warnings).find("may have 18 lanes together"), std::string::npos)
      << "two strategies, eight each by default, and one each for the operator; told: "
      << to_string(warnings);
  warnings.clear();
  text.replace(text.find("max_lanes = 17"), 14, "max_lanes = 18");
  (void)loaded(text, &warnings);
  EXPECT_EQ(to_string(warnings), "");
}

TEST(Load, GivesWarningsAlsoWhereThereAreProblems) {
  std::vector<Problem> warnings;
  const auto config = load_text("environment = \"live\"\n[gateway]\nidle = \"spin\"\n", "c.toml", &warnings);
  EXPECT_FALSE(config.has_value());
  EXPECT_EQ(warnings.size(), 1U);
}

TEST(Describe, PrintsAConfigurationThatLoadsToTheSame) {
  for (const std::string& text : {kSmallest, read_example()}) {
    const std::string once = describe(loaded(text));
    EXPECT_EQ(describe(loaded(once)), once);
  }
}

TEST(Describe, ShowsPathsOfSecretsOnlyAndEveryDefault) {
  const std::string text = describe(loaded(kSmallest));
  EXPECT_NE(text.find("key_file = \"main.key\"\n"), std::string::npos);
  EXPECT_NE(text.find("window_margin_ms = 5\n"), std::string::npos);
  EXPECT_NE(text.find("instruments = [\"COIN-FUTURES/BTCUSD/BTC\"]\n"), std::string::npos);
}

TEST(Example, LoadsWithoutAWarning) {
  std::vector<Problem> warnings;
  const auto config = load(BACKHAND_EXAMPLE_CONFIG, &warnings);
  ASSERT_TRUE(config.has_value()) << to_string(config.error());
  EXPECT_EQ(to_string(warnings), "");
}

// The example calls `#key = value` a default: with all of them taken in, nothing may change.
TEST(Example, CommentedSettingsAreTheDefaults) {
  const std::string text = read_example();
  std::string all;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    const bool setting = line.starts_with('#') && line.size() > 1 && line[1] >= 'a' && line[1] <= 'z';
    all += (setting ? line.substr(1) : line) + "\n";
  }
  ASSERT_NE(all, text);
  EXPECT_EQ(describe(loaded(all)), describe(loaded(text)));
}

TEST(Example, ShowsEverySetting) {
  const std::string text = read_example();
  std::istringstream lines{describe(loaded(text))};
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    if (equals == std::string::npos) continue;
    EXPECT_NE(text.find(line.substr(0, equals + 3)), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace backhand::config
