// Every mistake that the loader knows, each with its exact message: who reads it must find the place and know
// what to do.
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "gateway/config/load.hpp"

namespace backhand::config {
namespace {

struct Case {
  const char* name;
  std::string text;      ///< Replaces or follows parts of a good configuration; see `whole`.
  std::string expected;  ///< All messages, one a line.
};

std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

// The parts of a good configuration. Their line counts give the places in the messages.
const std::string kTop = "environment = \"simulated\"\n[venue]\nconnect_address = \"127.0.0.1\"\n";  // 1 … 3
const std::string kAccount =
    "[[accounts]]\nname = \"main\"\nkey_file = \"k\"\nsecret_file = \"s\"\npassphrase_file = \"p\"\n";
const std::string kInstrument = "[[instruments]]\nsymbol = \"ETHUSDT\"\nproduct = \"USDT-FUTURES\"\n";
const std::string kStrategy =
    "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\naccount = \"main\"\ninstruments = \"*\"\n";
const std::string kRest = kAccount + kInstrument + kStrategy;

std::string messages(const std::string& text) {
  const auto config = load_text(text, "c.toml");
  return config ? std::string{} : to_string(config.error());
}

class BadConfig : public testing::TestWithParam<Case> {};

TEST_P(BadConfig, SaysWhereAndWhat) {
  EXPECT_EQ(messages(GetParam().text), GetParam().expected) << GetParam().text;
}

std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Top, BadConfig,
    testing::Values(
        Case{"EnvironmentIsMissing", "[venue]\nconnect_address = \"127.0.0.1\"\n" + kRest,
             "c.toml:1:1: environment: is missing: say \"simulated\", \"demo\" or \"live\"\n"},
        Case{"EnvironmentIsMisspelt", "environment = \"Live\"\n" + kRest,
             "c.toml:1:15: environment: must be one of \"simulated\", \"demo\", \"live\"; it is \"Live\"\n"},
        Case{"DryRunIsText", "environment = \"live\"\ndry_run = \"no\"\n" + kRest,
             "c.toml:2:11: dry_run: must be true or false, not a string\n"},
        Case{"UnknownTable", kTop + "[gatway]\n" + kRest,
             "c.toml:4:2: gatway: unknown key; did you mean \"gateway\"?\n"},
        Case{"UnknownKeyWithoutLikeness", kTop + "zzz = 1\n" + kRest, "c.toml:4:1: venue.zzz: unknown key\n"},
        Case{"TableIsNumber", "gateway = 1\n" + kTop + kRest,
             "c.toml:1:11: gateway: must be a table: write [gateway], not an integer\n"},
        Case{"AccountsIsTable", kTop + "[accounts]\nname = \"main\"\n" + kInstrument,
             "c.toml:4:1: accounts: must be a list of tables: write [[accounts]], not a table\n"},
        Case{"AccountsHoldsNumbers", "accounts = [1]\n" + kTop + kInstrument,
             "c.toml:1:13: accounts: must be a list of tables: write [[accounts]], not an integer\n"},
        Case{"NothingButTheTop", kTop,
             "c.toml:1:1: accounts: is missing: write at least one [[accounts]]\n"
             "c.toml:1:1: instruments: is missing: write at least one [[instruments]]\n"},
        Case{"EmptyLists", "accounts = []\ninstruments = []\n" + kTop,
             "c.toml:1:12: accounts: is missing: write at least one [[accounts]]\n"
             "c.toml:2:15: instruments: is missing: write at least one [[instruments]]\n"},
        Case{"DuplicateKey", kTop + "port = 1\nport = 2\n" + kRest,
             "c.toml:5:8: not valid TOML in this key-value pair: it is given twice\n"},
        Case{"TextWithoutQuotes", "environment = live\n",
             "c.toml:1:15: not valid TOML in this value: text needs quotes\n"},
        Case{"ControlCharacter", "a = 1\n# \xc3\xa4\rb = 2\n",
             "c.toml:2:4: not valid TOML: a control character\n"},
        Case{"LetterThatIsNoAscii", "a = 1\n\xc3\xa4 = 2\n",
             "c.toml:2:1: not valid TOML in this root table\n"},
        Case{"ValueThatIsNoAscii", "a = \xc3\xa4\n",
             "c.toml:1:5: not valid TOML in this value: text needs quotes\n"},
        Case{"NotUtf8", "a = \"\xff\xff\"\n", "c.toml:1:5: not valid TOML: not UTF-8\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Gateway, BadConfig,
    testing::Values(
        Case{"CpuIsReal", kTop + "[gateway]\nio_cpu = 1.0\n" + kRest,
             "c.toml:5:10: gateway.io_cpu: must be an integer, not a number with a point\n"},
        Case{"CpuIsTooSmall", kTop + "[gateway]\nio_cpu = -2\n" + kRest,
             "c.toml:5:10: gateway.io_cpu: must lie between -1 and 1023; it is -2\n"},
        Case{"SpinsOnTheSharedCpu",
             kTop + "[gateway]\nio_cpu = 0\nservice_cpu = 0\nidle = \"spin\"\n" + kRest,
             "c.toml:6:15: gateway.service_cpu: must differ from io_cpu with idle = \"spin\", which leaves "
             "nothing of it\n"},
        Case{"UnknownIdle", kTop + "[gateway]\nidle = \"sleep\"\n" + kRest,
             "c.toml:5:8: gateway.idle: must be one of \"spin\", \"yield\", \"block\"; it is \"sleep\"\n"},
        Case{"UnknownDurability", kTop + "[gateway]\ndurability = \"disk\"\n" + kRest,
             "c.toml:5:14: gateway.durability: must be one of \"process\", \"power\"; it is \"disk\"\n"},
        Case{"LaneCapacityIsNoPowerOfTwo", kTop + "[gateway]\nlane_capacity = 1000\n" + kRest,
             "c.toml:5:17: gateway.lane_capacity: must be a power of two; it is 1000\n"},
        Case{"MoreEventsKeptThanThereIsMemoryFor",
             kTop + "[gateway]\nlane_capacity = 65536\nmax_lanes = 17\n" + kRest,
             "c.toml:5:17: gateway.lane_capacity: times max_lanes (17) must not be above 1048576: so many "
             "events "
             "are kept for strategies that attach again; it is 65536\n"},
        Case{"LaneCapacityIsTooLarge", kTop + "[gateway]\nlane_capacity = 131072\n" + kRest,
             "c.toml:5:17: gateway.lane_capacity: must lie between 16 and 65536; it is 131072\n"},
        Case{"PrefixIsTooLong", kTop + "[gateway]\nclient_oid_prefix = \"backhand\"\n" + kRest,
             "c.toml:5:21: gateway.client_oid_prefix: must be 1 to 6 of [0-9A-Za-z_-]; it is \"backhand\"\n"},
        Case{"PrefixHasAPoint", kTop + "[gateway]\nclient_oid_prefix = \"b.h\"\n" + kRest,
             "c.toml:5:21: gateway.client_oid_prefix: must be 1 to 6 of [0-9A-Za-z_-]; it is \"b.h\"\n"},
        Case{"EmptyStateDirectory", kTop + "[gateway]\nstate_dir = \"\"\n" + kRest,
             "c.toml:5:13: gateway.state_dir: must not be empty\n"},
        Case{"ControlCharacterInPath", kTop + "[gateway]\nstate_dir = \"/a\\nb\"\n" + kRest,
             "c.toml:5:13: gateway.state_dir: must not contain control characters\n"},
        Case{"SocketPathIsTooLong",
             kTop + "[gateway]\nadmin_socket = \"/" + std::string(107, 'a') + "\"\n" + kRest,
             "c.toml:5:16: gateway.admin_socket: is too long for a socket: at most 107 bytes\n"},
        Case{"SocketsAreOne",
             kTop + "[gateway]\nadmin_socket = \"/a\"\nattach_socket = \"/b/../a\"\n" + kRest,
             "c.toml:5:16: gateway.admin_socket: must differ from attach_socket\n"},
        Case{"HugeInteger", kTop + "[gateway]\nmax_lanes = 9223372036854775807\n" + kRest,
             "c.toml:5:13: gateway.max_lanes: must lie between 1 and 4096; it is 9223372036854775807\n"},
        Case{"DateForNumber", kTop + "[gateway]\nmax_lanes = 2026-01-01\n" + kRest,
             "c.toml:5:13: gateway.max_lanes: must be an integer, not a date or time\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Venue, BadConfig,
    testing::Values(
        Case{
            "SimulatedWithoutAddress", "environment = \"simulated\"\n" + kRest,
            "c.toml:1:1: venue.host: environment = \"simulated\" talks to this machine only: give a loopback "
            "connect_address (127.0.0.1, ::1) or host; this is \"api.bitget.com\"\n"},
        Case{"SimulatedElsewhere",
             "environment = \"simulated\"\n[venue]\nconnect_address = \"10.0.0.1\"\n" + kRest,
             "c.toml:3:19: venue.connect_address: environment = \"simulated\" talks to this machine only: "
             "give "
             "a loopback connect_address (127.0.0.1, ::1) or host; this is \"10.0.0.1\"\n"},
        Case{"AddressIsAName", "environment = \"live\"\n[venue]\nconnect_address = \"localhost\"\n" + kRest,
             "c.toml:3:19: venue.connect_address: must be a literal IPv4 or IPv6 address; it is "
             "\"localhost\"\n"},
        Case{"HostIsAUrl", "environment = \"live\"\n[venue]\nhost = \"https://api.bitget.com\"\n" + kRest,
             "c.toml:3:8: venue.host: must be a host name, without scheme, port or path; it is "
             "\"https://api.bitget.com\"\n"},
        Case{"PortIsZero", kTop + "port = 0\n" + kRest,
             "c.toml:4:8: venue.port: must lie between 1 and 65535; it is 0\n"},
        Case{"MissingCaFile", kTop + "ca_file = \"/nowhere/ca.pem\"\n" + kRest,
             "c.toml:4:11: venue.ca_file: /nowhere/ca.pem cannot be read: No such file or directory\n"},
        Case{"LocaleSplitsTheHeader", kTop + "locale = \"en\\r\\nX: y\"\n" + kRest,
             "c.toml:4:10: venue.locale: must not contain control characters\n"},
        Case{"LocaleHasSpaces", kTop + "locale = \"en US\"\n" + kRest,
             "c.toml:4:10: venue.locale: must be a language like \"en-US\"; it is \"en US\"\n"},
        Case{"ChannelCodeHasColon", kTop + "channel_code = \"a:b\"\n" + kRest,
             "c.toml:4:16: venue.channel_code: must be at most 64 of [0-9A-Za-z_.-]; it is \"a:b\"\n"},
        Case{"PingComesAfterRetirement", kTop + "max_idle_ms = 1000\nping_interval_ms = 1000\n" + kRest,
             "c.toml:5:20: venue.ping_interval_ms: must be below max_idle_ms (1000): a connection would be "
             "retired before its ping; it is 1000\n"},
        Case{"BackoffIsUpsideDown", kTop + "backoff_min_ms = 6000\n" + kRest,
             "c.toml:4:18: venue.backoff_min_ms: must not be above backoff_max_ms (5000); it is 6000\n"},
        Case{"FuseOutlastsTolerance", kTop + "request_fuse_ms = 30001\n" + kRest,
             "c.toml:4:19: venue.request_fuse_ms: must not be above clock_tolerance_ms (30000); it is "
             "30001\n"},
        Case{
            "NoTimeForProof", kTop + "unresolved_after_ms = 52000\n" + kRest,
            "c.toml:4:23: venue.unresolved_after_ms: must be above clock_tolerance_ms + execution_grace_ms + "
            "lookup_lag_ms + settle_recheck_ms (52000), which a proof of \"not executed\" takes; it is "
            "52000\n"},
        Case{"EveryPositionWouldBeStale", kTop + "position_max_age_ms = 2000\n" + kRest,
             "c.toml:4:23: venue.position_max_age_ms: must be above position_refresh_ms (2000), or 0 for no "
             "limit: every position would be stale; it is 2000\n"},
        Case{"ShortToleranceInDemo", "environment = \"demo\"\n[venue]\nclock_tolerance_ms = 29999\n" + kRest,
             "c.toml:3:22: venue.clock_tolerance_ms: must be at least 30000 outside environment = "
             "\"simulated\": the venue takes a request that is so old; it is 29999\n"},
        Case{"UnknownOneWaySide", kTop + "one_way_side = \"buy\"\n" + kRest,
             "c.toml:4:16: venue.one_way_side: must be one of \"position\", \"order\", \"omit\"; it is "
             "\"buy\"\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Pacing, BadConfig,
    testing::Values(Case{"NoRequests", kTop + "[pacing]\nrequests_per_second = 0\n" + kRest,
                         "c.toml:5:23: pacing.requests_per_second: must lie between 1 and 1000; it is 0\n"},
                    Case{"UnknownShape", kTop + "[pacing]\nshape = \"smooth\"\n" + kRest,
                         "c.toml:5:9: pacing.shape: must be one of \"burst\", \"even\"; it is \"smooth\"\n"},
                    Case{"StrategyQueueAboveAccountQueue",
                         kTop + "[pacing]\nqueue_per_strategy = 1025\n" + kRest,
                         "c.toml:5:22: pacing.queue_per_strategy: must not be above queue_per_account "
                         "(1024); it is 1025\n"},
                    Case{"LeadTraderIsFaster",
                         kTop + "[pacing]\nlead_trader_requests_per_second = 11\n" + kRest,
                         "c.toml:5:35: pacing.lead_trader_requests_per_second: must not be above "
                         "requests_per_second (10); "
                         "it is 11\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Accounts, BadConfig,
    testing::Values(
        Case{"DuplicateAccount", kTop + kAccount + kRest,
             "c.toml:10:8: accounts[1].name: \"main\" is already used in line 5\n"},
        Case{"AccountWithoutAnything", kTop + kInstrument + "[[accounts]]\n",
             "c.toml:7:1: accounts[0].name: is missing\n"
             "c.toml:7:1: accounts[0].key_file: is missing: name a file, or a systemd credential\n"
             "c.toml:7:1: accounts[0].secret_file: is missing: name a file, or a systemd credential\n"
             "c.toml:7:1: accounts[0].passphrase_file: is missing: name a file, or a systemd credential\n"},
        Case{"SecretsInTheFile", kTop + kInstrument + kAccount + "secret = \"hush\"\npassphrase = \"hush\"\n",
             "c.toml:12:1: accounts[0].secret: a secret does not belong in this file: put it into a file of "
             "its own and name that with key_file, secret_file or passphrase_file\n"
             "c.toml:13:1: accounts[0].passphrase: a secret does not belong in this file: put it into a file "
             "of "
             "its own and name that with key_file, secret_file or passphrase_file\n"},
        Case{
            "AccountNameIsTooLong",
            kTop + kInstrument + "[[accounts]]\nname = \"a2345678901234567\"\nkey_file = \"k\"\n" +
                "secret_file = \"s\"\npassphrase_file = \"p\"\n",
            "c.toml:8:8: accounts[0].name: must be 1 to 16 of [0-9A-Za-z_.-]; it is \"a2345678901234567\"\n"},
        Case{"AccountNameHasASpace",
             kTop + kInstrument + "[[accounts]]\nname = \"my account\"\nkey_file = \"k\"\n" +
                 "secret_file = \"s\"\npassphrase_file = \"p\"\n",
             "c.toml:8:8: accounts[0].name: must be 1 to 16 of [0-9A-Za-z_.-]; it is \"my account\"\n"},
        Case{"UnknownPositionMode", kTop + kInstrument + kAccount + "position_mode = \"both\"\n",
             "c.toml:12:17: accounts[0].position_mode: must be one of \"one_way\", \"hedge\"; it is "
             "\"both\"\n"},
        Case{"CredentialIsAFolder",
             kTop + kInstrument + "[[accounts]]\nname = \"a\"\nkey_file = \"..\"\n" +
                 "secret_file = \"s\"\npassphrase_file = \"p\"\n",
             "c.toml:9:12: accounts[0].key_file: must be a path or the name of a systemd credential; it is "
             "\"..\"\n"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Instruments, BadConfig,
    testing::Values(
        Case{"SymbolHasADash",
             kTop + kRest + "[[instruments]]\nsymbol = \"BTC-USDT\"\nproduct = \"USDT-FUTURES\"\n",
             "c.toml:18:10: instruments[1].symbol: must be 1 to 24 letters and digits; it is \"BTC-USDT\"\n"},
        Case{"SymbolIsTooLong",
             kTop + kRest + "[[instruments]]\nsymbol = \"" + std::string(25, 'A') +
                 "\"\nproduct = \"USDT-FUTURES\"\n",
             "c.toml:18:10: instruments[1].symbol: must be 1 to 24 letters and digits; it is "
             "\"AAAAAAAAAAAAAAAAAAAAAAAAA\"\n"},
        Case{"UnknownProduct", kTop + kRest + "[[instruments]]\nsymbol = \"BTCUSDT\"\nproduct = \"SPOT\"\n",
             "c.toml:19:11: instruments[1].product: must be one of \"USDT-FUTURES\", \"COIN-FUTURES\", "
             "\"USDC-FUTURES\", \"SUSDT-FUTURES\", \"SCOIN-FUTURES\", \"SUSDC-FUTURES\"; it is \"SPOT\"\n"},
        Case{"MarginCoinIsNotSaid",
             kTop + kRest + "[[instruments]]\nsymbol = \"BTCUSD\"\nproduct = \"COIN-FUTURES\"\n",
             "c.toml:17:1: instruments[1].margin_coin: is missing: this product has no single one\n"},
        Case{"SameInstrumentInAnotherCase",
             kTop + kRest + "[[instruments]]\nsymbol = \"ethusdt\"\nproduct = \"usdt-futures\"\n",
             "c.toml:18:10: instruments[1].symbol: USDT-FUTURES/ETHUSDT/USDT is already used in line 10\n"},
        Case{"SizeIsReal", kTop + kAccount + kInstrument + "max_size = 0.5\n",
             "c.toml:12:12: instruments[0].max_size: must be a size in a string, like \"0.5\", not a number "
             "with a point\n"},
        Case{"SizeIsInteger", kTop + kAccount + kInstrument + "max_size = 5\n",
             "c.toml:12:12: instruments[0].max_size: must be a size in a string, like \"0.5\", not an "
             "integer\n"},
        Case{"SizeHasAnExponent", kTop + kAccount + kInstrument + "max_size = \"1e3\"\n",
             "c.toml:12:12: instruments[0].max_size: must be a plain decimal, like \"0.5\"; it is \"1e3\"\n"},
        Case{"SizeIsNegative", kTop + kAccount + kInstrument + "max_size = \"-1\"\n",
             "c.toml:12:12: instruments[0].max_size: must be a plain decimal, like \"0.5\"; it is \"-1\"\n"},
        Case{"SizeIsZero", kTop + kAccount + kInstrument + "max_size = \"0.0\"\n",
             "c.toml:12:12: instruments[0].max_size: must be above zero; leave it out for no limit\n"}),
    name_of);

const std::string kUntilStrategies = kTop + kAccount + kInstrument;  // lines 1 … 11

INSTANTIATE_TEST_SUITE_P(
    Strategies, BadConfig,
    testing::Values(
        Case{"DuplicateStrategy", kUntilStrategies + kStrategy + kStrategy,
             "c.toml:18:8: strategies[1].name: \"s\" is already used in line 13\n"},
        Case{"StrategyNameIsTooLong",
             kUntilStrategies + "[[strategies]]\nname = \"" + std::string(25, 's') + "\"\n",
             "c.toml:13:8: strategies[0].name: must be 1 to 24 of [0-9A-Za-z_.-]; it is "
             "\"sssssssssssssssssssssssss\"\n"},
        Case{"UnknownAccount",
             kUntilStrategies + "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n" +
                 "account = \"mian\"\ninstruments = \"*\"\n",
             "c.toml:15:11: strategies[0].entitlements[0].account: no such account \"mian\"; did you mean "
             "\"main\"?\n"},
        Case{
            "SameAccountTwice",
            kUntilStrategies + kStrategy + "[[strategies.entitlements]]\naccount = \"main\"\n" +
                "instruments = \"*\"\n",
            "c.toml:18:11: strategies[0].entitlements[1].account: this account is already used in line 15\n"},
        Case{"UnknownInstrument",
             kUntilStrategies + "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n" +
                 "account = \"main\"\ninstruments = [\"ETHUSDT\", \"ETHUST\", 3, \"ethusdt\"]\n",
             "c.toml:16:27: strategies[0].entitlements[0].instruments[1]: no such instrument \"ETHUST\"; did "
             "you mean \"ETHUSDT\"?\n"
             "c.toml:16:37: strategies[0].entitlements[0].instruments[2]: must be a string, not an integer\n"
             "c.toml:16:40: strategies[0].entitlements[0].instruments[3]: \"ethusdt\" is named twice\n"},
        Case{"InstrumentsIsAName",
             kUntilStrategies + "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n" +
                 "account = \"main\"\ninstruments = \"ETHUSDT\"\n",
             "c.toml:16:15: strategies[0].entitlements[0].instruments: must be a list of instruments, or "
             "\"*\" for all\n"},
        Case{"NoInstruments",
             kUntilStrategies + "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n" +
                 "account = \"main\"\ninstruments = []\n",
             "c.toml:16:15: strategies[0].entitlements[0].instruments: names none; write \"*\" for all\n"},
        Case{"EmptyEntitlement",
             kUntilStrategies + "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n",
             "c.toml:14:1: strategies[0].entitlements[0].account: is missing\n"
             "c.toml:14:1: strategies[0].entitlements[0].instruments: is missing: write a list like "
             "[\"ETHUSDT\"], or \"*\" for all\n"},
        Case{
            "AmbiguousSymbol",
            kUntilStrategies +
                "[[instruments]]\nsymbol = \"ETHUSDT\"\nproduct = \"COIN-FUTURES\"\nmargin_coin = \"ETH\"\n" +
                "[[strategies]]\nname = \"s\"\n[[strategies.entitlements]]\n" +
                "account = \"main\"\ninstruments = [\"ETHUSDT\"]\n",
            "c.toml:20:16: strategies[0].entitlements[0].instruments[0]: \"ETHUSDT\" names several "
            "instruments: write PRODUCT/SYMBOL or PRODUCT/SYMBOL/COIN\n"},
        Case{"UnknownUser",
             kUntilStrategies +
                 "[[strategies]]\nname = \"s\"\nusers = [\"nobody-like-this\", 1]\nuids = [-1, \"x\"]\n",
             "c.toml:14:10: strategies[0].users[0]: no such user on this machine: \"nobody-like-this\"\n"
             "c.toml:14:30: strategies[0].users[1]: must be a user's name, not an integer\n"
             "c.toml:15:9: strategies[0].uids[0]: must lie between 0 and 4294967294; it is -1\n"
             "c.toml:15:13: strategies[0].uids[1]: must be a user's number, not a string\n"},
        Case{"PriorityIsTooHigh", kUntilStrategies + "[[strategies]]\nname = \"s\"\nmax_priority = 8\n",
             "c.toml:14:16: strategies[0].max_priority: must lie between 0 and 7; it is 8\n"},
        Case{"MoreLanesThanTheGateway", kUntilStrategies + "[[strategies]]\nname = \"s\"\nmax_lanes = 257\n",
             "c.toml:14:13: strategies[0].max_lanes: must not be above gateway.max_lanes (256); it is 257\n"},
        Case{"UnknownWhenBusy", kUntilStrategies + "[[strategies]]\nname = \"s\"\nwhen_busy = \"drop\"\n",
             "c.toml:14:13: strategies[0].when_busy: must be one of \"wait\", \"deny\"; it is \"drop\"\n"}),
    name_of);

TEST(BadConfigFile, TellsAllProblemsAtOnceInTheOrderOfTheFile) {
  const std::string text =
      "environment = \"simulated\"\n"
      "[pacing]\n"
      "shape = 1\n"
      "[gateway]\n"
      "lane_capacity = 3\n"
      "spare = 1\n"
      "[venue]\n"
      "port = 0\n"
      "backoff_min_ms = 9\n"
      "backoff_max_ms = 8\n"
      "connect_address = \"127.0.0.1\"\n" +
      kRest + "weight = 0\n";
  EXPECT_EQ(messages(text),
            "c.toml:3:9: pacing.shape: must be a string, not an integer\n"
            "c.toml:5:17: gateway.lane_capacity: must lie between 16 and 65536; it is 3\n"
            "c.toml:6:1: gateway.spare: unknown key\n"
            "c.toml:8:8: venue.port: must lie between 1 and 65535; it is 0\n"
            "c.toml:9:18: venue.backoff_min_ms: must not be above backoff_max_ms (8); it is 9\n"
            "c.toml:25:1: strategies[0].entitlements[0].weight: unknown key\n");
}

TEST(BadConfigFile, NeverQuotesWhatStandsUnderASecretsKey) {
  for (const char* line : {"secret = \"hunter2\"", "secret = hunter2", "secret = \"hunter2",
                           "key = 'hunter2'", "password = [\"hunter2\"]", "secret = \"hunter2\\q\""}) {
    const std::string got = messages(kTop + kRest + line + "\n");
    EXPECT_NE(got, "") << line;
    EXPECT_EQ(got.find("hunter2"), std::string::npos) << got;
  }
}

TEST(BadConfigFile, NamesAFileThatIsMissingOrAFolderOrTooLarge) {
  const auto message = [](const std::string& path) {
    const auto config = load(path);
    return config ? std::string{} : to_string(config.error());
  };
  EXPECT_EQ(message("/nowhere/b.toml"), "/nowhere/b.toml: cannot be opened: No such file or directory\n");
  EXPECT_EQ(message("/"), "/: is not a regular file\n");
  const auto large = load_text(std::string(kMaxConfigBytes + 1, '#'), "c.toml");
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(to_string(large.error()), "c.toml: is larger than 4194304 bytes\n");
}

TEST(Cpus, BeyondTheMachineAreAProblem) {
  const long count = ::sysconf(_SC_NPROCESSORS_CONF);
  ASSERT_GT(count, 0);
  if (count > 1'023) GTEST_SKIP() << "a larger number is out of range";
  const std::string cpu = std::to_string(count);
  const std::string last = std::to_string(count - 1);
  EXPECT_EQ(messages(kTop + "[gateway]\nio_cpu = " + cpu + "\nservice_cpu = " + cpu + "\n" + kRest),
            "c.toml:5:10: gateway.io_cpu: this machine has no CPU " + cpu + ": the last one is " + last +
                "\nc.toml:6:15: gateway.service_cpu: this machine has no CPU " + cpu + ": the last one is " +
                last + "\n");
  EXPECT_EQ(messages(kTop + "[gateway]\nio_cpu = " + last + "\n" + kRest), "");
}

}  // namespace
}  // namespace backhand::config
