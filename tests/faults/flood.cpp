// backhand-flood: a strategy that does everything wrong, as fast as its core lets it. It pushes intents of
// each bad kind in turn, each kind for a while, and prints as one JSON line what it pushed, how often its
// ring was full and what it was told. With --deaf it never polls.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <sys/prctl.h>

#include "common/client/session.hpp"
#include "common/clock.hpp"
#include "common/wire/names.hpp"

namespace {

using namespace backhand;

struct Arguments {
  std::string socket, strategy, lane = "flood", account, symbol, flat_symbol, another_account;
  std::uint64_t intents = 1'000'000, of_a_kind = 1'000;
  double seconds = 0;  ///< Goes on until both are reached.
  double at_most_seconds = 300;
  bool deaf = false;
};

/// What the strategy `a` could get wrong; `account` holds `symbol` long, `flat_symbol` not at all.
struct Kind {
  std::string_view name;
  client::IntentBuilder (*make)(const Arguments& a);
};

client::IntentBuilder plain(const Arguments& a) {
  return client::make_reversal(a.account, wire::Product::usdt_futures, a.symbol,
                               wire::PositionSide::long_side);
}

constexpr Kind kKinds[] = {
    {"deadline passed", [](const Arguments& a) { return plain(a).deadline(1); }},
    {"deadline of CLOCK_REALTIME",
     [](const Arguments& a) { return plain(a).deadline(1'790'000'000'000'000'000); }},
    {"malformed", [](const Arguments& a) { return plain(a).size("no number"); }},
    {"unknown account",
     [](const Arguments& a) {
       return client::make_reversal("nobody", wire::Product::usdt_futures, a.symbol,
                                    wire::PositionSide::long_side);
     }},
    {"another's account",
     [](const Arguments& a) {
       return client::make_reversal(a.another_account, wire::Product::usdt_futures, a.symbol,
                                    wire::PositionSide::long_side);
     }},
    {"unknown instrument",
     [](const Arguments& a) {
       return client::make_reversal(a.account, wire::Product::usdt_futures, "NOSUCHUSDT",
                                    wire::PositionSide::long_side);
     }},
    {"nothing held",
     [](const Arguments& a) {
       return client::make_reversal(a.account, wire::Product::usdt_futures, a.flat_symbol,
                                    wire::PositionSide::long_side);
     }},
    {"size differs", [](const Arguments& a) { return plain(a).expecting("123456.789"); }},
    {"size not allowed", [](const Arguments& a) { return plain(a).size("0.01"); }},
    {"a reversal, again and again", plain},
    {"arm",
     [](const Arguments& a) {
       return client::make_shot(a.account, wire::Product::usdt_futures, a.symbol,
                                wire::PositionSide::long_side);
     }},
    {"fire of nothing", [](const Arguments&) { return client::make_fire(1); }},
    {"disarm of nothing", [](const Arguments&) { return client::make_disarm(1); }},
    {"withdraw of nothing", [](const Arguments&) { return client::make_withdraw(1); }},
};

class Flood {
 public:
  explicit Flood(const Arguments& a) : a_(a) {}

  int run() {
    auto session = client::Session::attach(a_.socket, a_.strategy, a_.lane);
    if (!session) {
      std::fprintf(stderr, "backhand-flood: %s\n", session.error().message.c_str());
      return 2;
    }
    const Ns begin = monotonic_now();
    for (std::size_t kind = 0; !is_done(monotonic_now() - begin); kind = (kind + 1) % std::size(kKinds))
      push_some(*session, kKinds[kind], begin);
    const double took_s = static_cast<double>(monotonic_now() - begin) / kSecond;
    std::printf("{\"pushed\": %llu, \"seconds\": %.3f, \"full\": %llu, \"told\": {",
                static_cast<unsigned long long>(pushed_), took_s, static_cast<unsigned long long>(full_));
    const char* comma = "";
    for (const auto& [what, count] : told_) {
      std::printf("%s\"%s\": %llu", comma, what.c_str(), static_cast<unsigned long long>(count));
      comma = ", ";
    }
    std::printf("}}\n");
    return 0;
  }

 private:
  [[nodiscard]] bool is_done(Ns since) const {
    const double seconds = static_cast<double>(since) / kSecond;
    return seconds >= a_.at_most_seconds || (pushed_ >= a_.intents && seconds >= a_.seconds);
  }

  void push_some(client::Session& session, const Kind& kind, Ns begin) {
    for (std::uint64_t n = 0; n < a_.of_a_kind && !is_done(monotonic_now() - begin);) {
      const client::PushResult result = session.push(kind.make(a_).id(session.next_id()));
      if (result == client::PushResult::ok) {
        ++pushed_;
        ++n;
      } else {
        ++full_;
      }
      if (!a_.deaf && (pushed_ % 64 == 0 || result != client::PushResult::ok)) take_outcomes(session);
    }
  }

  void take_outcomes(client::Session& session) {
    session.poll([this](const wire::Outcome& o) {
      const bool is_denial = o.deny_reason != wire::DenyReason::none;
      ++told_[std::string(is_denial ? wire::to_string(o.deny_reason) : wire::to_string(o.kind))];
    });
  }

  const Arguments& a_;
  std::uint64_t pushed_ = 0, full_ = 0;
  std::map<std::string, std::uint64_t> told_;
};

}  // namespace

int main(int argc, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Arguments a;
  CLI::App app("A strategy that floods the gateway with intents that must be denied");
  app.add_option("--socket", a.socket)->required();
  app.add_option("--strategy", a.strategy)->required();
  app.add_option("--lane", a.lane)->capture_default_str();
  app.add_option("--account", a.account, "The strategy's own")->required();
  app.add_option("--symbol", a.symbol, "Held long")->required();
  app.add_option("--flat-symbol", a.flat_symbol, "Not held")->required();
  app.add_option("--another-account", a.another_account, "Not the strategy's")->required();
  app.add_option("--intents", a.intents, "At least so many")->capture_default_str();
  app.add_option("--of-a-kind", a.of_a_kind, "Pushed of one kind before the next has its turn")
      ->capture_default_str();
  app.add_option("--seconds", a.seconds, "At least so long")->capture_default_str();
  app.add_option("--at-most-seconds", a.at_most_seconds)->capture_default_str();
  app.add_flag("--deaf", a.deaf, "Never polls");
  CLI11_PARSE(app, argc, argv);
  return Flood(a).run();
}
