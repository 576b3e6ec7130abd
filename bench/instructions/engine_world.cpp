#include "bench/instructions/engine_world.hpp"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <vector>

#include "common/clock.hpp"
#include "common/wire/names.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/config/load.hpp"
#include "gateway/engine/engine.hpp"
#include "gateway/journal/journal.hpp"
#include "gateway/journal/os_storage.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::bench {

namespace {

constexpr std::uint32_t kAccounts = 4;
constexpr std::uint32_t kSymbols = 24;
constexpr Ns kUnixBase_ns = 1'760'000'000 * kSecond;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "engine world: %s\n", why.c_str());
  std::abort();
}

venue::Scenario scenario() {
  return venue::generated_scenario(kAccounts, venue::PositionMode::one_way, kSymbols);
}

venue::Options generous() {
  venue::Options options;
  options.limits = false;
  options.created_delay_ns = 0;
  options.filled_delay_ns = 0;
  options.keep_arrivals = venue::KeepArrivals::none;
  return options;
}

config::Config make_config(const venue::Scenario& played) {
  std::string text =
      "environment = \"simulated\"\n[gateway]\nlane_capacity = 4096\n[venue]\nhost = \"localhost\"\n"
      "[pacing]\nrequests_per_second = 1000\nip_requests_per_minute = 600000\n";
  for (const venue::AccountSpec& account : played.accounts)
    text += "[[accounts]]\nname = \"" + account.name +
            "\"\nkey_file = \"k\"\nsecret_file = \"s\"\npassphrase_file = \"p\"\n";
  for (const venue::HeldPosition& held : played.accounts[0].positions)
    text += "[[instruments]]\nsymbol = \"" + held.symbol + "\"\nproduct = \"USDT-FUTURES\"\n";
  text +=
      "[[strategies]]\nname = \"bench\"\nintents_per_second = 1000000\n"
      "reversals_per_position_minute = 10000\nreversals_per_position_day = 100000\n";
  for (const venue::AccountSpec& account : played.accounts)
    text += "[[strategies.entitlements]]\naccount = \"" + account.name + "\"\ninstruments = \"*\"\n";
  auto loaded = config::load_text(text, "bench.toml");
  if (!loaded) fail(config::to_string(loaded.error()));
  return std::move(*loaded);
}

/// Keeps each request until the venue is asked.
class Wire final : public engine::WirePort {
 public:
  struct Request {
    net::RequestToken token;
    bool is_trade = false;
    std::string bytes;
  };
  [[nodiscard]] bool can_send(net::RequestClass) const noexcept override { return true; }
  [[nodiscard]] std::size_t free_connections() const noexcept override { return 64; }
  [[nodiscard]] engine::Sent send(net::RequestToken token, net::RequestClass request_class,
                                  std::span<const char> bytes, Ns, Ns now) noexcept override {
    handed_over = monotonic_now();
    Request& request = request_class == net::RequestClass::trade ? trade : question();
    request.token = token;
    request.is_trade = request_class == net::RequestClass::trade;
    request.bytes.assign(bytes.data(), bytes.size());
    return {net::WriteStatus::written, 1, now, now};
  }
  void check(std::uint16_t) noexcept override {}  // The venue refuses nothing here.
  Request trade;
  std::deque<Request> questions;
  Ns handed_over = 0;

 private:
  Request& question() noexcept { return questions.emplace_back(); }
};

class Lane final : public engine::LanePort {
 public:
  bool publish(LaneIndex, wire::Outcome& outcome) noexcept override {
    outcome.event_number = ++events;
    last = outcome;
    if (outcome.kind == wire::EventKind::settled) ++settled;
    return true;
  }
  bool offer(LaneIndex, wire::Outcome&) noexcept override { return true; }
  void close_intent(LaneIndex) noexcept override {}
  wire::Outcome last{};
  std::uint64_t events = 0;
  std::uint64_t settled = 0;
};

class Events final : public engine::EventPort {
 public:
  void on_engine_event(engine::EngineEvent, const engine::EventDetails&, Ns) noexcept override {}
  void on_raw_reply(const journal::ReversalKey&, int, std::string_view, std::string_view,
                    Ns) noexcept override {}
};

}  // namespace

struct EngineWorld::Impl {
  Impl() {
    state_dir = std::filesystem::temp_directory_path() / "backhand-bench-XXXXXX";
    hot_dir = "/dev/shm/backhand-bench-XXXXXX";
    if (::mkdtemp(state_dir.data()) == nullptr || ::mkdtemp(hot_dir.data()) == nullptr) fail("mkdtemp");
    auto made = bitget::make_classic_dialect({});
    if (!made) fail(made.error().message);
    dialect = std::move(*made);
    for (std::uint16_t a = 0; a < kAccounts; ++a) {
      const venue::AccountSpec& account = played.accounts[a];
      bitget::Credentials credentials{bitget::SecretText{account.key}, bitget::SecretText{account.secret},
                                      bitget::SecretText{account.passphrase}};
      if (!dialect->add_account(AccountIndex{a}, std::move(credentials))) fail("add_account");
    }
    open_engine();
  }
  ~Impl() {
    engine.reset();
    journal.reset();
    std::filesystem::remove_all(state_dir);
    std::filesystem::remove_all(hot_dir);
  }

  void open_engine() {
    journal::Settings settings;
    settings.state_dir = state_dir;
    settings.hot_dir = hot_dir;
    settings.keep_segments = 1;
    auto recovered = journal::recover(storage, settings, kUnixBase_ns / kSecond);
    if (!recovered) fail(recovered.error().message);
    const journal::Recovered copy = *recovered;
    auto opened = journal::open_journal(storage, settings, std::move(*recovered), now, kUnixBase_ns);
    if (!opened) fail(opened.error().message);
    journal = std::move(*opened);
    engine = std::make_unique<engine::Engine>(config, *dialect, engine::Ports{wire, lane, *journal, events},
                                              engine::StartId{journal->epoch(), journal->oid_start()});
    if (!engine->recover(copy, now)) fail("recover");
    engine->start(now);
    engine->on_pool_changed(2, 2, "");
    // A first look at the venue's clock, as each new connection brings it.
    body = R"({"code":"00000","msg":"success","requestTime":0,"data":{"serverTime":")" +
           std::to_string((kUnixBase_ns + now) / kMillisecond) + "\"}}";
    engine->on_ping(view(200), now);
    if (!engine->on_lane_opened(LaneIndex{0}, StrategyIndex{0}, journal::StrategyName{"bench"},
                                journal::LaneName{"lane"}, now))
      fail("lane not recorded");
    engine->on_lane_attached(LaneIndex{0}, wire::kCursorNow, now);
    const Ns until = now + 120 * kSecond;
    while (!engine->ready()) {
      pass(10 * kMillisecond);
      if (now > until) fail("not ready: " + std::string{engine->not_ready_because()});
    }
  }

  [[nodiscard]] net::ReplyView view(int http_status) {
    body.reserve(body.size() + bitget::Dialect::kReplyPadding);
    net::ReplyView out;
    out.http_status = http_status;
    out.body = body;
    out.readable_ns = out.replied_ns = now;
    return out;
  }

  /// What the venue says to `bytes` lies in `body` afterwards; its HTTP status.
  int ask(const std::string& bytes) {
    venue::HttpRequest request;
    std::size_t used = 0;
    if (venue::parse_request(bytes, request, used) != venue::ParseStatus::complete)
      fail("malformed: " + bytes);
    const venue::HttpResponse response = exchange.handle(request, kUnixBase_ns + now, "127.0.0.1");
    body = response.body;
    return response.status;
  }

  void pass(Ns time) {
    now += time;
    while (engine->do_work(now) > 0 || !wire.questions.empty()) {
      while (!wire.questions.empty()) {
        const Wire::Request request = std::move(wire.questions.front());
        wire.questions.pop_front();
        now += 50 * kMicrosecond;
        const int http_status = ask(request.bytes);
        engine->on_reply(request.token, view(http_status), now);
      }
    }
    (void)journal->do_work();
  }

  venue::Scenario played = scenario();
  venue::Exchange exchange{generous(), played};
  config::Config config = make_config(played);
  std::string state_dir, hot_dir;
  journal::OsStorage storage;
  std::unique_ptr<bitget::Dialect> dialect;
  std::unique_ptr<journal::Journal> journal;
  Wire wire;
  Lane lane;
  Events events;
  std::unique_ptr<engine::Engine> engine;
  Ns now = 1'000 * kSecond;
  std::string body;
  int status = 0;
  wire::Intent intent{};
  std::uint64_t intents = 0;
  bool is_long = true;
};

EngineWorld::EngineWorld() : impl_(std::make_unique<Impl>()) {}
EngineWorld::~EngineWorld() = default;

std::uint32_t EngineWorld::positions() const noexcept { return kAccounts * kSymbols; }

bool EngineWorld::prepare() {
  Impl& w = *impl_;
  if (w.intents - w.lane.settled == positions()) return false;
  const auto n = static_cast<std::uint32_t>(w.intents % positions());
  const venue::AccountSpec& account = w.played.accounts[n % kAccounts];
  w.now += 40 * kMicrosecond;
  w.intent = {};
  w.intent.id = ++w.intents;
  w.intent.created_ns = w.now;
  w.intent.deadline_ns = w.now + kSecond;
  w.intent.account = wire::AccountName{account.name};
  w.intent.symbol = wire::SymbolName{account.positions[n / kAccounts].symbol};
  w.intent.kind = wire::IntentKind::reverse;
  w.intent.product = wire::Product::usdt_futures;
  w.intent.position_side = w.is_long ? wire::PositionSide::long_side : wire::PositionSide::short_side;
  return true;
}

void EngineWorld::take_intent() noexcept {
  impl_->engine->on_intent(LaneIndex{0}, impl_->intent, impl_->now);
}

Ns EngineWorld::handed_over() const noexcept { return impl_->wire.handed_over; }

void EngineWorld::answer() {
  Impl& w = *impl_;
  if (w.lane.last.kind != wire::EventKind::sent)
    fail("not sent: " + std::string{wire::to_string(w.lane.last.deny_reason)});
  w.now += 20 * kMicrosecond;
  w.status = w.ask(w.wire.trade.bytes);
}

bool EngineWorld::take_reply() noexcept {
  Impl& w = *impl_;
  w.engine->on_reply(w.wire.trade.token, w.view(w.status), w.now);
  return w.lane.last.kind == wire::EventKind::acked;
}

void EngineWorld::idle_turn() noexcept { (void)impl_->engine->do_work(impl_->now); }

void EngineWorld::settle() {
  Impl& w = *impl_;
  const Ns until = w.now + 60 * kSecond;
  while (w.lane.settled < w.intents) {
    w.pass(10 * kMillisecond);
    if (w.now > until) fail("reversals do not settle");
  }
  // Two tenths of a second in small turns: everything that is signed ahead is signed afresh.
  for (std::uint32_t i = 0; i < 4 * positions(); ++i) w.pass(kMillisecond);
  w.is_long = !w.is_long;
}

}  // namespace backhand::bench
