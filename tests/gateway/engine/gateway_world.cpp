#include "tests/gateway/engine/gateway_world.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"
#include "gateway/engine/journal_room.hpp"

namespace backhand::test {

namespace {

config::Config make_config(const WorldSettings& settings, const venue::Scenario& played) {
  std::string text = "environment = \"simulated\"\n[gateway]\n" + settings.gateway +
                     "\n[venue]\nhost = \"localhost\"\n[pacing]\n" + settings.pacing + "\n";
  for (const venue::AccountSpec& account : played.accounts)
    text += "[[accounts]]\nname = \"" + account.name +
            "\"\nkey_file = \"k\"\nsecret_file = \"s\"\npassphrase_file = \"p\"\n";
  for (const venue::HeldPosition& held : played.accounts[0].positions)
    text += "[[instruments]]\nsymbol = \"" + held.symbol + "\"\nproduct = \"USDT-FUTURES\"\n";
  for (std::uint32_t s = 0; s < settings.strategies; ++s) {
    text += "[[strategies]]\nname = \"s" + std::to_string(s) + "\"\n" + settings.strategy + "\n";
    for (const venue::AccountSpec& account : played.accounts)
      text += "[[strategies.entitlements]]\naccount = \"" + account.name + "\"\ninstruments = \"*\"\n";
  }
  auto loaded = config::load_text(text, "test.toml");
  if (!loaded) std::fputs(config::to_string(loaded.error()).c_str(), stderr);
  BH_ASSERT(loaded.has_value());
  return std::move(*loaded);
}

venue::Options quick() {
  venue::Options options;
  options.limits = false;
  options.created_delay_ns = 0;
  options.filled_delay_ns = 0;
  return options;
}

}  // namespace

GatewayWorld::GatewayWorld(const WorldSettings& settings)
    : played(venue::generated_scenario(settings.accounts, venue::PositionMode::one_way, settings.symbols)),
      exchange(quick(), played) {
  config = make_config(settings, played);
  journal_settings.state_dir = "/state";
  journal_settings.hot_dir = "/hot";
  journal_settings.durability = settings.durability;
  journal_settings.hot_records = settings.hot_records != 0
                                     ? settings.hot_records
                                     : engine::journal_records(config, 0, journal::kMostHotRecords);
  journal_settings.keep_segments = 2;
  lanes.resize(config.gateway.max_lanes);
  next_ids.assign(settings.strategies, 1);
  for (std::uint16_t a = 0; a < settings.accounts; ++a) keys.push_back(a);
}

GatewayWorld::~GatewayWorld() {
  engine.reset();
  journal.reset();
}

void GatewayWorld::start() {
  auto recovered = journal::recover(storage, journal_settings, (kUnixBase_ns + now + lost) / kSecond);
  BH_ASSERT(recovered.has_value());
  auto opened = journal::open_journal(storage, journal_settings, *recovered, now, kUnixBase_ns);
  BH_ASSERT(opened.has_value());
  journal = std::move(*opened);
  auto made = bitget::make_classic_dialect({});
  BH_ASSERT(made.has_value());
  dialect = std::move(*made);
  for (std::uint16_t a = 0; a < played.accounts.size(); ++a) {
    const venue::AccountSpec& account = played.accounts[keys[a]];
    bitget::Credentials credentials{bitget::SecretText{account.key}, bitget::SecretText{account.secret},
                                    bitget::SecretText{account.passphrase}};
    const auto added = dialect->add_account(AccountIndex{a}, std::move(credentials));
    BH_ASSERT(added.has_value());
  }
  engine = std::make_unique<engine::Engine>(config, *dialect, engine::Ports{*this, *this, *journal, *this},
                                            engine::StartId{journal->epoch(), journal->oid_start()});
  const auto done = engine->recover(*recovered, now);
  BH_ASSERT(done.has_value());
  engine->start(now);
  engine->on_pool_changed(2, 2, "");
  tell_clock();
  for (std::uint16_t lane = 0; lane < next_ids.size(); ++lane) attach(lane);
  pass(kSecond);
  for (int i = 0; i < 100 && answers && !engine->ready(); ++i) pass(100 * kMillisecond);
}

void GatewayWorld::attach(std::uint16_t lane, std::uint64_t cursor) {
  if (!engine->on_lane_opened(LaneIndex{lane}, StrategyIndex{lane},
                              journal::StrategyName{config.strategies[lane].name}, journal::LaneName{"main"},
                              now))
    return;
  engine->on_lane_attached(LaneIndex{lane}, cursor, now);
}

void GatewayWorld::kill() {
  engine.reset();
  journal.reset();
  requests_.clear();
  storage.kill_process();
}

wire::Intent GatewayWorld::reversal(std::uint16_t lane, std::uint32_t symbol, std::uint16_t account) {
  wire::Intent intent{};
  intent.id = next_ids[lane]++;
  intent.kind = wire::IntentKind::reverse;
  intent.created_ns = now;
  intent.deadline_ns = now + 10 * kSecond;
  intent.account = wire::AccountName{played.accounts[account].name};
  const venue::HeldPosition& held = played.accounts[account].positions[symbol];
  intent.symbol = wire::SymbolName{held.symbol};
  intent.product = wire::Product::usdt_futures;
  const PositionIndex position = engine->directory().find(intent).position;
  const bool is_short = position.valid() && !engine->book().snapshot(position).short_size.is_zero();
  intent.position_side = is_short ? wire::PositionSide::short_side : wire::PositionSide::long_side;
  return intent;
}

bool GatewayWorld::push(std::uint16_t lane, const wire::Intent& intent) {
  if (engine->intake_budget(1, now) == 0) return false;
  engine->on_intent(LaneIndex{lane}, intent, now);
  return true;
}

void GatewayWorld::pass(Ns time) {
  const Ns until = now + time;
  while (now < until) {
    now += kMillisecond;
    tell_clock();
    for (int i = 0; i < 100 && engine->do_work(now) > 0; ++i) answer_all();
    answer_all();
    if (!disk_stands) {
      while (journal->do_work() > 0) {
      }
    }
  }
}

std::vector<wire::Outcome> GatewayWorld::told(std::uint16_t lane, wire::EventKind kind) const {
  std::vector<wire::Outcome> out;
  std::copy_if(lanes[lane].begin(), lanes[lane].end(), std::back_inserter(out),
               [&](const wire::Outcome& outcome) { return outcome.kind == kind; });
  return out;
}

bool GatewayWorld::can_send(net::RequestClass request_class) const noexcept {
  return request_class != net::RequestClass::trade || !connections_taken;
}

std::size_t GatewayWorld::free_connections() const noexcept { return connections_taken ? 0 : 64; }

engine::Sent GatewayWorld::send(net::RequestToken token, net::RequestClass request_class,
                                std::span<const char> bytes, Ns, Ns sent_ns) noexcept {
  if (request_class == net::RequestClass::trade) ++trades;
  requests_.push_back({token, std::string{bytes.data(), bytes.size()}});
  return {net::WriteStatus::written, 1, sent_ns, sent_ns};
}

bool GatewayWorld::publish(LaneIndex lane, wire::Outcome& outcome) noexcept {
  lanes[lane.value].push_back(outcome);
  return true;
}

bool GatewayWorld::offer(LaneIndex, wire::Outcome& outcome) noexcept {
  offered.push_back(outcome);
  return true;
}

std::size_t GatewayWorld::count(engine::EngineEvent event) const {
  return static_cast<std::size_t>(std::count(events.begin(), events.end(), event));
}

net::ReplyView GatewayWorld::probe_reply() {
  body_ = R"({"code":"00000","msg":"success","requestTime":0,"data":{"serverTime":")" +
          std::to_string((kUnixBase_ns + now + lost) / kMillisecond) + "\"}}";
  body_.reserve(body_.size() + bitget::Dialect::kReplyPadding);
  net::ReplyView view;
  view.http_status = 200;
  view.body = body_;
  view.readable_ns = view.replied_ns = now;
  return view;
}

void GatewayWorld::tell_clock() {
  if (answers) engine->on_ping(probe_reply(), now);
}

void GatewayWorld::answer_all() {
  while (answers && !requests_.empty()) {
    const Request request = std::move(requests_.front());
    requests_.pop_front();
    venue::HttpRequest parsed;
    std::size_t used = 0;
    const auto status = venue::parse_request(request.bytes, parsed, used);
    BH_ASSERT(status == venue::ParseStatus::complete);
    venue::HttpResponse response = exchange.handle(parsed, kUnixBase_ns + now + lost, "127.0.0.1");
    if (!hears_answers) continue;
    if (!tells_uid && request.bytes.find("spot/account/info") != std::string::npos) {
      response.status = 400;
      response.body =
          R"({"code":"40014","msg":"Incorrect permissions, need spot read permissions","requestTime":)" +
          std::to_string((kUnixBase_ns + now + lost) / kMillisecond) + R"(,"data":null})";
    }
    body_ = response.body;
    body_.reserve(body_.size() + bitget::Dialect::kReplyPadding);
    net::ReplyView view;
    view.http_status = response.status;
    view.body = body_;
    view.readable_ns = view.replied_ns = now;
    engine->on_reply(request.token, view, now);
    if (std::exchange(check_wanted_, false)) engine->on_checked(request.token, probe_reply(), now, now);
  }
}

}  // namespace backhand::test
