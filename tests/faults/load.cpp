// backhand-load: a strategy that never tires. It pushes reversals on many positions, some of them as shots
// that it arms and then fires or drops, and writes every push, every event and every attach as one JSON line
// each, the push before it happens: whatever dies when, the log knows at least what was asked. SIGUSR1 stops
// the pushing, SIGUSR2 starts it where it waits, SIGTERM ends all.
#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/client/session.hpp"
#include "common/clock.hpp"
#include "common/wire/names.hpp"

namespace {

using namespace backhand;

volatile std::sig_atomic_t g_stop = 0, g_end = 0, g_go = 0;

struct Arguments {
  std::string socket, strategy, lane = "load", log;
  std::vector<std::string> accounts, hedge_accounts, symbols;
  double per_second = 50;
  unsigned run = 0;
  std::uint64_t seed = 1, cursor = 0;
  std::uint32_t deadline_min_ms = 100, deadline_max_ms = 3'000;
  double pile_up = 0.1;  ///< Chance to push for a position that has an intent under way.
  double withdraw = 0.03;
  double shots = 0;         ///< Share of the reversals that are armed first.
  double disarm = 0.2;      ///< Of these, those that are dropped instead of fired.
  double fire_ended = 0.1;  ///< Of those that have ended meanwhile, these are fired or dropped all the same.
  double fire_again = 0.1;  ///< Of the fired ones, those that are fired twice.
  std::uint32_t shot_wait_min_ms = 0, shot_wait_max_ms = 400;  ///< From arm to fire.
  std::uint32_t max_open = 200;
  std::uint64_t most = 0;  ///< Pushes; 0: without end.
  std::uint32_t highest_priority = 3;
  bool short_first = false, waits = false;
  bool fire_waits = false;  ///< Shots wait for another SIGUSR2.
  bool saturate = false;    ///< Every position always has an intent under way.
};

struct Position {
  std::string account, symbol;
  bool hedge = false;
  wire::PositionSide side = wire::PositionSide::long_side;
  std::uint32_t under_way = 0;
};

class Load {
 public:
  Load(const Arguments& arguments, int log) : a_(arguments), log_(log), random_(arguments.seed) {
    for (const bool hedge : {false, true}) {
      for (const std::string& account : hedge ? a_.hedge_accounts : a_.accounts) {
        for (const std::string& symbol : a_.symbols) {
          positions_.push_back({account, symbol, hedge});
          if (a_.short_first) positions_.back().side = wire::PositionSide::short_side;
        }
      }
    }
  }

  int run();

 private:
  struct Open {
    std::size_t position;
    std::uint64_t id;
  };

  /// What is to become of a shot.
  struct Plan {
    Ns due_ns;
    std::uint64_t shot;
    std::size_t position;
  };

  template <typename... Values>
  void line(const char* format, Values... values) {
    char text[768];
    const int size = std::snprintf(text, sizeof text, format, values...);
    // One write a line: what a SIGKILL leaves is whole lines.
    (void)!::write(log_, text, static_cast<std::size_t>(size));
  }

  void log_attach(const client::Attachment& at) {
    line("{\"t\":\"attach\",\"run\":%u,\"generation\":%" PRIu64 ",\"taken_mark\":%" PRIu64
         ",\"last_record\":%" PRIu64 ",\"at\":%" PRId64 "}\n",
         a_.run, at.generation, at.taken_mark, at.last_record, monotonic_now());
  }
  void on_reattached(const client::Attachment& at) {
    log_attach(at);
    for (auto open = open_.begin(); open != open_.end();) {
      if (open->second.id <= at.taken_mark) {
        ++open;
      } else {
        --positions_[open->second.position].under_way;
        open = open_.erase(open);
      }
    }
  }
  void on_outcome(const wire::Outcome& o);
  void learn(Position& position, const wire::Outcome& o);
  [[nodiscard]] bool choose(std::size_t& position);
  bool push_one(client::Session& session);
  void withdraw_one(client::Session& session);
  void tend_shots(client::Session& session, Ns now);
  void fire_or_disarm(client::Session& session, const Plan& plan);
  bool push(client::Session& session, const wire::Intent& intent, const char* tag);
  [[nodiscard]] std::chrono::milliseconds a_deadline() {
    return std::chrono::milliseconds(a_.deadline_min_ms +
                                     random_() % (a_.deadline_max_ms - a_.deadline_min_ms + 1));
  }
  [[nodiscard]] bool chance(double share) {
    return std::uniform_real_distribution<double>{}(random_) < share;
  }

  const Arguments& a_;
  int log_;
  std::mt19937_64 random_;
  std::vector<Position> positions_;
  std::map<std::string, Open> open_;  ///< Intents of this run without an end, by tag.
  std::vector<Plan> plans_;
  std::size_t turn_ = 0;
  std::uint64_t pushed_ = 0;
};

void Load::on_outcome(const wire::Outcome& o) {
  char tag[20];
  std::snprintf(tag, sizeof tag, "%.*s", static_cast<int>(o.user_tag.view().size()),
                o.user_tag.view().data());
  const std::string oid{o.client_oid.view()}, account{o.account.view()}, symbol{o.symbol.view()},
      code{o.venue_code.view()};
  line("{\"t\":\"event\",\"kind\":\"%s\",\"id\":%" PRIu64 ",\"tag\":\"%s\",\"record\":%" PRIu64
       ",\"terminal\":%s,\"deny\":\"%s\",\"result\":\"%s\",\"oid\":\"%s\",\"account\":\"%s\",\"symbol\":\"%"
       "s\","
       "\"code\":\"%s\",\"http\":%u,\"flags\":%u,\"slot\":%" PRId64 ",\"taken\":%" PRId64
       ",\"written\":%" PRId64 ",\"replied\":%" PRId64 ",\"published\":%" PRId64 "}\n",
       std::string{wire::to_string(o.kind)}.c_str(), o.intent_id, tag, o.record_number,
       wire::is_terminal(o) ? "true" : "false", std::string{wire::to_string(o.deny_reason)}.c_str(),
       std::string{wire::to_string(o.result)}.c_str(), oid.c_str(), account.c_str(), symbol.c_str(),
       code.c_str(), unsigned{o.http_status}, unsigned{o.flags}, o.slot_ns, o.taken_ns, o.written_ns,
       o.replied_ns, o.published_ns);
  const auto open = open_.find(tag);
  if (open == open_.end() || open->second.id != o.intent_id || !wire::is_terminal(o)) return;
  Position& position = positions_[open->second.position];
  --position.under_way;
  learn(position, o);
  open_.erase(open);
}

void Load::learn(Position& position, const wire::Outcome& o) {
  const auto turned = [](wire::PositionSide side) {
    return side == wire::PositionSide::long_side ? wire::PositionSide::short_side
                                                 : wire::PositionSide::long_side;
  };
  const bool wrong = o.kind == wire::EventKind::denied && (o.deny_reason == wire::DenyReason::wrong_side ||
                                                           o.deny_reason == wire::DenyReason::nothing_held);
  const bool reversed = o.kind == wire::EventKind::settled && o.result != wire::SettledResult::not_executed;
  if (wrong || reversed) position.side = turned(o.position_side);
}

bool Load::choose(std::size_t& position) {
  const bool may_pile = !a_.saturate && chance(a_.pile_up);
  for (std::size_t tries = 0; tries < positions_.size(); ++tries) {
    position = a_.saturate ? turn_++ % positions_.size() : random_() % positions_.size();
    if (may_pile || positions_[position].under_way == 0) return true;
  }
  return false;
}

/// False where it found no room; then it is as if it had never been.
bool Load::push(client::Session& session, const wire::Intent& intent, const char* tag) {
  line("{\"t\":\"push\",\"run\":%u,\"tag\":\"%s\",\"id\":%" PRIu64 ",\"do\":\"%s\",\"target\":%" PRIu64
       ",\"account\":\"%s\",\"symbol\":\"%s\",\"deadline\":%" PRId64 ",\"at\":%" PRId64 "}\n",
       a_.run, tag, intent.id, std::string{wire::to_string(intent.kind)}.c_str(), intent.target_id,
       std::string{intent.account.view()}.c_str(), std::string{intent.symbol.view()}.c_str(),
       intent.deadline_ns, monotonic_now());
  const client::PushResult result = session.push(intent);
  if (result == client::PushResult::ok) return true;
  line("{\"t\":\"nopush\",\"tag\":\"%s\",\"why\":%d}\n", tag, static_cast<int>(result));
  return false;
}

bool Load::push_one(client::Session& session) {
  std::size_t at = 0;
  if (open_.size() >= a_.max_open || !choose(at)) return false;
  Position& position = positions_[at];
  const bool is_shot = a_.shots > 0 && chance(a_.shots);
  char tag[17];
  std::snprintf(tag, sizeof tag, "%u.%" PRIu64, a_.run, ++pushed_);
  auto intent = (is_shot ? client::make_shot : client::make_reversal)(
      position.account, wire::Product::usdt_futures, position.symbol, position.side);
  intent.id(session.next_id())
      .priority(static_cast<std::uint8_t>(random_() % (a_.highest_priority + 1)))
      .tag(tag)
      .within(a_deadline());
  if (position.hedge && random_() % 2 == 0) intent.size(random_() % 2 == 0 ? "1" : "3");
  const std::uint64_t id = intent.intent().id;
  if (!push(session, intent, tag)) return false;
  ++position.under_way;
  open_.emplace(tag, Open{at, id});
  if (is_shot) {
    const std::uint64_t more_ms = random_() % (a_.shot_wait_max_ms - a_.shot_wait_min_ms + 1);
    const auto wait_ns = static_cast<Ns>(a_.shot_wait_min_ms + more_ms) * kMillisecond;
    plans_.push_back({monotonic_now() + wait_ns, id, at});
  }
  return true;
}

void Load::withdraw_one(client::Session& session) {
  if (open_.empty()) return;
  auto chosen = open_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(random_() % open_.size()));
  char tag[17];
  std::snprintf(tag, sizeof tag, "%u.w%" PRIu64, a_.run, ++pushed_);
  (void)push(session, client::make_withdraw(chosen->second.id).id(session.next_id()).tag(tag), tag);
}

void Load::tend_shots(client::Session& session, Ns now) {
  std::vector<Plan> due;
  if (a_.fire_waits && g_go < 2) return;
  std::erase_if(plans_, [&](const Plan& plan) {
    if (plan.due_ns <= now) due.push_back(plan);
    return plan.due_ns <= now;
  });
  for (const Plan& plan : due) fire_or_disarm(session, plan);
}

/// Now and then of a shot that has ended too.
void Load::fire_or_disarm(client::Session& session, const Plan& plan) {
  const bool ended =
      std::ranges::none_of(open_, [&](const auto& open) { return open.second.id == plan.shot; });
  if (ended && !chance(a_.fire_ended)) return;
  char tag[17];
  if (chance(a_.disarm)) {
    std::snprintf(tag, sizeof tag, "%u.d%" PRIu64, a_.run, ++pushed_);
    (void)push(session, client::make_disarm(plan.shot).id(session.next_id()).tag(tag), tag);
    return;
  }
  const int times = chance(a_.fire_again) ? 2 : 1;
  for (int i = 0; i < times; ++i) {
    std::snprintf(tag, sizeof tag, "%u.f%" PRIu64, a_.run, ++pushed_);
    const std::uint64_t id = session.next_id();
    if (!push(session, client::make_fire(plan.shot).id(id).tag(tag).within(a_deadline()), tag)) return;
    ++positions_[plan.position].under_way;
    open_.emplace(tag, Open{plan.position, id});
  }
}

int Load::run() {
  client::SessionOptions options;
  options.cursor = a_.cursor;
  options.backoff_max = std::chrono::milliseconds(100);
  options.on_reattached = [this](const client::Attachment& at) { on_reattached(at); };
  std::expected<client::Session, Error> session = std::unexpected(Error{});
  while (!session && g_end == 0) {
    session = client::Session::attach(a_.socket, a_.strategy, a_.lane, options);
    if (!session) ::usleep(20'000);
  }
  if (!session) return 2;
  log_attach(session->attachment());
  const Ns gap = static_cast<Ns>(1e9 / a_.per_second);
  Ns next_push = monotonic_now();
  while (g_end == 0) {
    session->poll([this](const wire::Outcome& o) { on_outcome(o); });
    const Ns now = monotonic_now();
    const bool may_push = g_stop == 0 && (g_go != 0 || !a_.waits) && session->attached();
    if (may_push) tend_shots(*session, now);
    const bool pushes = may_push && (a_.most == 0 || pushed_ < a_.most);
    for (; pushes && next_push <= now; next_push += gap) {
      if (!push_one(*session)) {
        next_push = now + gap;
        break;
      }
      if (a_.withdraw > 0 && chance(a_.withdraw)) withdraw_one(*session);
    }
    const Ns rest = pushes ? std::max<Ns>(next_push - monotonic_now(), 0) : 20 * kMillisecond;
    (void)session->wait(std::chrono::nanoseconds(std::min(rest, 20 * kMillisecond)));
    if (!pushes && next_push < now) next_push = now;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"backhand-load: pushes reversals without end and writes down what it is told"};
  Arguments a;
  app.add_option("--socket", a.socket)->required();
  app.add_option("--strategy", a.strategy)->required();
  app.add_option("--lane", a.lane);
  app.add_option("--log", a.log, "Appended to")->required();
  app.add_option("--accounts", a.accounts, "In one-way mode")->delimiter(',');
  app.add_option("--hedge-accounts", a.hedge_accounts)->delimiter(',');
  app.add_option("--symbols", a.symbols)->delimiter(',')->required();
  app.add_option("--per-second", a.per_second);
  app.add_option("--run", a.run, "Names this process in its tags");
  app.add_option("--seed", a.seed);
  app.add_option("--cursor", a.cursor, "Highest record number that an earlier run has logged");
  app.add_option("--deadline-min-ms", a.deadline_min_ms);
  app.add_option("--deadline-max-ms", a.deadline_max_ms);
  app.add_option("--pile-up", a.pile_up);
  app.add_option("--withdraw", a.withdraw);
  app.add_option("--shots", a.shots, "Share of the reversals that are armed first");
  app.add_option("--disarm", a.disarm, "Share of the shots that are dropped instead of fired");
  app.add_option("--fire-again", a.fire_again, "Share of the fired shots that are fired twice");
  app.add_option("--fire-ended", a.fire_ended, "Share of those that have ended which are fired all the same");
  app.add_option("--shot-wait-min-ms", a.shot_wait_min_ms, "From arm to fire or disarm");
  app.add_option("--shot-wait-max-ms", a.shot_wait_max_ms, "From arm to fire or disarm");
  app.add_option("--max-open", a.max_open);
  app.add_option("--most", a.most, "Pushes at most; 0: without end");
  app.add_option("--highest-priority", a.highest_priority, "Each has one from 0 to this");
  app.add_flag("--short-first", a.short_first, "The positions are short at first");
  app.add_flag("--waits", a.waits, "Push nothing before SIGUSR2");
  app.add_flag("--fire-waits", a.fire_waits, "Fire or drop no shot before a second SIGUSR2");
  app.add_flag("--saturate", a.saturate, "Keep one intent under way on every position, in turn");
  CLI11_PARSE(app, argc, argv);
  (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  std::signal(SIGUSR1, [](int) { g_stop = 1; });
  std::signal(SIGUSR2, [](int) { g_go = g_go + 1; });
  std::signal(SIGTERM, [](int) { g_end = 1; });
  const int log = ::open(a.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    std::perror(a.log.c_str());
    return 1;
  }
  return Load{a, log}.run();
}
