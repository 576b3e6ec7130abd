// An engine between a simulated venue and nothing else: its look-ups and reversals are answered a millisecond
// after they are written, and a test may rewrite each answer. For what the engine makes of answers, told
// troubles and readiness.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "common/assert.hpp"
#include "gateway/engine/engine.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::engine::testing {

class LookupRig : public WirePort, public LanePort, public journal::Sink, public EventPort {
 public:
  static constexpr Ns kStep = kMillisecond;
  static constexpr Ns kVenueStart = 1'750'000'000 * kSecond;
  using Headers = std::map<std::string, std::string>;
  struct Answer {
    int status = 200;
    std::string body;
    Headers headers{{"content-type", "application/json"}};
    bool lost = false;
    net::LossReason reason = net::LossReason::timeout;
  };
  /// Rewrites the venue's answer to a request whose target (path and query) is given.
  using Rule = std::function<void(std::string_view target, Answer& answer)>;

  LookupRig() { config_.venue.host = "venue.test"; }

  config::Config& config() { return config_; }
  venue::Options& options() { return options_; }
  void account(std::string name, domain::PositionMode mode = domain::PositionMode::one_way) {
    config::Account account;
    account.name = std::move(name);
    account.position_mode = mode;
    config_.accounts.push_back(account);
  }
  void instrument(wire::Product product, std::string_view symbol, std::string_view coin) {
    config::Instrument instrument;
    instrument.id = {product, wire::SymbolName{symbol}, wire::CoinName{coin}};
    config_.instruments.push_back(instrument);
  }
  /// One strategy that may trade everything; then the engine, and a lane of its.
  void start() {
    config::Strategy strategy;
    strategy.name = "s";
    strategy.reversals_per_position_minute = 600;
    for (std::uint16_t a = 0; a < config_.accounts.size(); ++a) {
      config::Entitlement entitlement;
      entitlement.account = AccountIndex{a};
      for (std::uint32_t i = 0; i < config_.instruments.size(); ++i)
        entitlement.instruments.push_back(InstrumentIndex{i});
      strategy.entitlements.push_back(entitlement);
    }
    config_.strategies.push_back(strategy);
    options_.check_signature = false;
    venue_ = std::make_unique<venue::Exchange>(options_, venue::default_scenario());
    bitget::Settings settings;
    settings.host = config_.venue.host;
    auto dialect = bitget::make_classic_dialect(settings);
    BH_ASSERT(dialect.has_value());
    dialect_ = std::move(*dialect);
    for (std::uint16_t a = 0; a < config_.accounts.size(); ++a) {
      const std::string& name = config_.accounts[a].name;
      bitget::Credentials credentials{bitget::SecretText{"key-" + name}, bitget::SecretText{"secret-" + name},
                                      bitget::SecretText{"pass-" + name}};
      BH_ASSERT(dialect_->add_account(AccountIndex{a}, std::move(credentials)).has_value());
    }
    engine_ = std::make_unique<Engine>(config_, *dialect_, Ports{*this, *this, *this, *this},
                                       StartId{1, {FixedString<8>{"bh"}, 1, 1}});
    engine_->start(now_);
    BH_ASSERT(engine_->on_lane_opened(LaneIndex{0}, StrategyIndex{0}, journal::StrategyName{"s"},
                                      journal::LaneName{"l"}, now_));
    engine_->on_lane_attached(LaneIndex{0}, 0, now_);
    engine_->on_pool_changed(4, 4, "");
  }

  /// Lets `time` pass.
  void run(Ns time) {
    const Ns until = now_ + time;
    for (; now_ < until; now_ += kStep) {
      if (now_ >= next_ping_) ping();
      answer_all();
      (void)engine_->do_work(now_);
    }
  }
  /// Whether `done` came true within `limit`.
  bool run_until(const std::function<bool()>& done, Ns limit) {
    for (const Ns until = now_ + limit; now_ < until && !done();) run(kStep);
    return done();
  }
  bool ready_within(Ns limit) {
    return run_until([this] { return engine_->ready(); }, limit);
  }

  /// Pushes one reversal and lets it have `wait`; its terminal event's kind and reason.
  wire::Outcome reverse(std::string_view account, wire::Product product, std::string_view symbol,
                        wire::PositionSide side, Ns wait = 3 * kSecond) {
    wire::Intent intent{};
    intent.id = ++last_id_;
    intent.created_ns = now_;
    intent.deadline_ns = now_ + kSecond;
    intent.account = wire::AccountName{account};
    intent.symbol = wire::SymbolName{symbol};
    intent.kind = wire::IntentKind::reverse;
    intent.product = product;
    intent.position_side = side;
    last_ = {};
    engine_->on_intent(LaneIndex{0}, intent, now_);
    (void)run_until([this] { return wire::is_terminal(last_); }, wait);
    return last_;
  }
  wire::Outcome reverse_eth(wire::PositionSide side = wire::PositionSide::long_side, Ns wait = 20 * kSecond) {
    return reverse("main", wire::Product::usdt_futures, "ETHUSDT", side, wait);
  }

  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] venue::Exchange& venue() { return *venue_; }
  [[nodiscard]] Ns now() const { return now_; }
  [[nodiscard]] std::size_t asked(std::string_view part) const {
    std::size_t count = 0;
    for (const std::string& target : targets) count += target.find(part) != std::string::npos ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::size_t told(EngineEvent event) const {
    std::size_t count = 0;
    for (const auto& [seen, details] : events) count += seen == event ? 1 : 0;
    return count;
  }

  Rule rule;
  std::vector<std::string> targets;
  std::vector<std::pair<EngineEvent, EventDetails>> events;
  std::vector<Trouble> troubles;
  std::vector<Trouble> ended;
  unsigned distrusted = 0;

  // The ports.
  [[nodiscard]] bool can_send(net::RequestClass) const noexcept override { return out_.size() < 4; }
  [[nodiscard]] std::size_t free_connections() const noexcept override { return 4 - out_.size(); }
  [[nodiscard]] Sent send(net::RequestToken token, net::RequestClass, std::span<const char> bytes, Ns,
                          Ns now) noexcept override {
    out_.push_back({token, std::string(bytes.begin(), bytes.end()), now});
    return {net::WriteStatus::written, 1, now, now};
  }
  void distrust(std::uint16_t) noexcept override { ++distrusted; }
  void check(std::uint16_t) noexcept override { check_wanted_ = true; }
  bool publish(LaneIndex, wire::Outcome& outcome) noexcept override {
    last_ = outcome;
    return true;
  }
  bool offer(LaneIndex, wire::Outcome&) noexcept override { return true; }
  void close_intent(LaneIndex) noexcept override {}
  journal::Appended append(std::span<journal::Record> parts) noexcept override {
    number_ += parts.size();
    return {journal::AppendStatus::durable, number_};
  }
  [[nodiscard]] journal::Room room() noexcept override { return {1'000'000, 1'000'000}; }
  [[nodiscard]] std::uint64_t durable_number() const noexcept override { return number_; }
  void on_engine_event(EngineEvent event, const EventDetails& details, Ns) noexcept override {
    events.emplace_back(event, details);
  }
  void on_trouble(const Trouble& trouble, bool over, Ns) noexcept override {
    (over ? ended : troubles).push_back(trouble);
  }
  void on_raw_reply(const journal::ReversalKey&, int, std::string_view, std::string_view,
                    Ns) noexcept override {}

 private:
  struct Request {
    net::RequestToken token;
    std::string bytes;
    Ns written_ns = 0;
  };

  Answer ask(const std::string& bytes) {
    venue::HttpRequest request;
    std::size_t used = 0;
    BH_ASSERT(venue::parse_request(bytes, request, used) == venue::ParseStatus::complete);
    targets.emplace_back(request.target);
    const venue::HttpResponse response = venue_->handle(request, kVenueStart + now_, "10.0.0.1");
    Answer answer;
    answer.status = response.status;
    answer.body = response.body;
    if (!response.json) answer.headers["content-type"] = "text/html";
    if (rule) rule(request.target, answer);
    return answer;
  }
  /// Calls `with` with the answer as the pool would tell it.
  template <typename With>
  void as_reply(Answer& answer, Ns now, With&& with) {
    const std::size_t size = answer.body.size();
    answer.body.append(bitget::Dialect::kReplyPadding, ' ');
    std::vector<net::HeaderField> fields;
    for (const auto& [name, value] : answer.headers) fields.push_back({name, value});
    net::ReplyView view;
    view.http_status = answer.status;
    view.body = std::string_view{answer.body}.substr(0, size);
    view.fields = fields;
    view.readable_ns = view.replied_ns = now;
    with(view);
  }
  void answer_all() {
    std::vector<Request> due;
    std::swap(due, out_);
    for (Request& request : due) {
      Answer answer = ask(request.bytes);
      if (answer.lost) {
        engine_->on_lost(request.token, answer.reason, true, now_);
      } else {
        as_reply(answer, now_,
                 [&](const net::ReplyView& view) { engine_->on_reply(request.token, view, now_); });
      }
      if (std::exchange(check_wanted_, false)) check_reply(request.token);
    }
  }
  /// As the pool does: a probe behind the reply.
  void check_reply(net::RequestToken token) {
    if (!engine_->may_ping(now_)) {
      engine_->on_not_checked(token, /*asked=*/false, now_);
      return;
    }
    Answer answer = ask(std::string{dialect_->probe_request()});
    as_reply(answer, now_, [&](const net::ReplyView& view) { engine_->on_checked(token, view, now_, now_); });
  }
  void ping() {
    next_ping_ = now_ + 5 * kSecond;
    if (!engine_->may_ping(now_)) return;
    Answer answer = ask(std::string{dialect_->probe_request()});
    as_reply(answer, now_, [&](const net::ReplyView& view) { engine_->on_ping(view, now_ - kStep); });
  }

  config::Config config_;
  venue::Options options_;
  std::unique_ptr<venue::Exchange> venue_;
  std::unique_ptr<bitget::Dialect> dialect_;
  std::unique_ptr<Engine> engine_;
  std::vector<Request> out_;
  wire::Outcome last_{};
  bool check_wanted_ = false;  ///< The reply that is just being told is to be checked.
  std::uint64_t number_ = 0;
  std::uint64_t last_id_ = 0;
  Ns now_ = 100 * kSecond;
  Ns next_ping_ = 0;
};

}  // namespace backhand::engine::testing
