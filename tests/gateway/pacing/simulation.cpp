#include "simulation.hpp"

#include <algorithm>
#include <memory>
#include <queue>
#include <vector>

namespace backhand::pacing::test {
namespace {

constexpr Ns kRequestTimeout = 1'200 * kMillisecond;
constexpr Ns kLookupTick = 20 * kMillisecond;
constexpr std::uint32_t kQueueDepth = 3;  ///< Waiting intents that keep an account saturated.

/// The look-up endpoints of the simulated venue; the last is the one for upkeep.
constexpr Endpoint kPositionsEndpoint = 0;
constexpr Endpoint kOrdersEndpoint = 1;
constexpr Endpoint kTimeEndpoint = 2;

Settings settings_for(const Scenario& s) {
  Settings out;
  out.budget.accounts = s.accounts;
  out.budget.shape = s.plant == Plant::even_not_even ? Shape::burst : s.shape;
  out.budget.endpoints = {{{5, kSecond}, Scope::per_account},
                          {{10, kSecond}, Scope::per_account},
                          {{20, kSecond}, Scope::per_ip}};
  out.budget.upkeep_endpoint = kTimeEndpoint;
  out.budget.ip_rule = s.ip_rule;
  out.budget.margins = s.margins;
  if (s.plant == Plant::window_short_by_1ms) out.budget.margins.window_margin_ns -= kMillisecond;
  if (s.plant == Plant::drift_ignored) out.budget.margins = {0, s.margins.no_reply_hold_ns, 0};
  if (s.plant == Plant::reserve_not_kept) out.budget.settlement_reserve_percent = 1;
  out.scheduler.max_waiting = s.accounts * kQueueDepth;
  out.scheduler.queue_per_strategy = out.scheduler.max_waiting;
  return out;
}

/// Look-ups and upkeep as they are counted: by the pacer itself, or by one that knows another rule per IP.
Settings settings_for_others(const Scenario& s) {
  Settings out = settings_for(s);
  if (s.plant == Plant::lookups_not_counted_on_ip) out.budget.ip_rule.requests *= 100;
  if (s.plant == Plant::upkeep_not_counted_on_ip) out.budget.ip_rule.requests *= 100;
  if (s.plant == Plant::reserve_not_kept) out.budget.settlement_reserve_percent = 20;
  return out;
}

class Simulation {
 public:
  explicit Simulation(const Scenario& s);
  Result run();

 private:
  struct Request {
    Ticket ticket;
    Endpoint endpoint = 0;
    bool refused = false;
    Pacer* pacer = nullptr;
  };
  enum class Kind : std::uint8_t { arrival, reply, abort, tick };
  struct Event {
    Ns at;
    std::uint64_t order;
    std::uint32_t request;
    Kind kind;
    bool operator>(const Event& other) const noexcept {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void push(Ns at, Kind kind, std::uint32_t request) { events_.push({at, ++order_, request, kind}); }
  void send(Pacer& pacer, const Ticket& ticket, Endpoint endpoint);
  void submit(std::uint32_t handle);
  void drain();
  void tick();
  void arrive(const Request& request);
  void reply(Request& request);
  void abort(Request& request);
  [[nodiscard]] bool refuses_slot(const Request& request) const noexcept {
    return s_.plant == Plant::refused_not_counted && request.refused;
  }

  Scenario s_;
  Random random_;
  std::unique_ptr<Pacer> pacer_;
  std::unique_ptr<Pacer> others_;  ///< Only with a plant that counts look-ups apart.
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Request> requests_;
  std::vector<std::uint32_t> free_;
  std::vector<VenueCounter> reversal_counters_, lookup_counters_, ip_counters_;
  std::vector<Auditor> reversal_audit_, ip_audit_;
  Ns now_ = 0;
  std::uint64_t order_ = 0;
  std::uint64_t full_limit_sends_ = 0;
  Result result_;
};

Simulation::Simulation(const Scenario& s)
    : s_(s), random_(s.seed), pacer_(std::make_unique<Pacer>(settings_for(s))) {
  if (s.plant == Plant::lookups_not_counted_on_ip || s.plant == Plant::upkeep_not_counted_on_ip ||
      s.plant == Plant::reserve_not_kept) {
    others_ = std::make_unique<Pacer>(settings_for_others(s));
  }
  // A venue that spaces strictly does so per UID; nobody behind one IP could obey it for all accounts.
  const Counting shared = s.counting == Counting::strict_spacing ? Counting::sliding_window : s.counting;
  const auto span = [&s](const Rule& rule) { return RateBook(rule, s.margins).span_ns(); };
  for (std::uint32_t a = 0; a < s.accounts; ++a) {
    const std::uint32_t limit = a < s.lead_traders ? 1 : 10;
    const Ns phase = static_cast<Ns>(random_.below(kSecond));
    reversal_counters_.emplace_back(s.counting, limit, kSecond, phase);
    // The even shape claims more: each pair of arrivals lies apart.
    const Rule full{10, kSecond};
    reversal_audit_.emplace_back(s.shape == Shape::even ? 1 : limit,
                                 s.shape == Shape::even ? span(full) / limit : span(full));
    if (limit == 1 && s.plant != Plant::lead_trader_at_ten) {
      pacer_->set_reversal_limit(AccountIndex{static_cast<std::uint16_t>(a)}, 1, 0);
    }
    lookup_counters_.emplace_back(shared, 5, kSecond, phase);
    lookup_counters_.emplace_back(shared, 10, kSecond, phase);
  }
  lookup_counters_.emplace_back(shared, 20, kSecond, 0);
  ip_counters_.emplace_back(shared, s.ip_rule.requests, s.ip_rule.window_ns, 0);
  ip_audit_.emplace_back(s.ip_rule.requests, span(s.ip_rule));
}

void Simulation::send(Pacer& pacer, const Ticket& ticket, Endpoint endpoint) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(requests_.size());
    requests_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  requests_[index] = {ticket, endpoint, random_.chance(s_.refuse), &pacer};
  if (random_.chance(s_.hold_back)) {
    // Stuck on the way until after the abort; half of them arrive at the last moment that is possible.
    const Ns hold = s_.margins.no_reply_hold_ns;
    const Ns extra =
        random_.chance(0.5) ? hold : static_cast<Ns>(random_.below(static_cast<std::uint64_t>(hold)));
    push(now_ + kRequestTimeout, Kind::abort, index);
    push(now_ + kRequestTimeout + extra, Kind::arrival, index);
    return;
  }
  if (random_.chance(s_.lose_request)) {
    push(now_ + kRequestTimeout, Kind::abort, index);
    return;
  }
  const Ns arrival = now_ + draw_delay(s_.delay, random_);
  push(arrival, Kind::arrival, index);
  if (random_.chance(s_.lose_reply)) {
    push(now_ + kRequestTimeout, Kind::abort, index);
  } else {
    push(arrival + draw_delay(s_.delay, random_), Kind::reply, index);
  }
}

void Simulation::submit(std::uint32_t handle) {
  Waiting waiting;
  waiting.handle = handle;
  waiting.account.value = static_cast<std::uint16_t>(handle / kQueueDepth);
  waiting.strategy.value = 0;
  waiting.deadline_ns = now_ + 3'600 * kSecond;
  Ticket ticket;
  while (pacer_->submit(waiting, now_, ticket).status == SubmitStatus::ready) send(*pacer_, ticket, 0);
}

void Simulation::drain() {
  Waiting waiting;
  Ticket ticket;
  while (pacer_->pop_due(now_, waiting, ticket) == Due::ready) {
    send(*pacer_, ticket, 0);
    submit(waiting.handle);
  }
}

void Simulation::tick() {
  Pacer& pacer = others_ ? *others_ : *pacer_;
  Pacer& lookup_pacer = s_.plant == Plant::upkeep_not_counted_on_ip ? *pacer_ : pacer;
  Pacer& upkeep_pacer = s_.plant == Plant::lookups_not_counted_on_ip ? *pacer_ : pacer;
  const std::uint32_t first = static_cast<std::uint32_t>(random_.below(s_.accounts));
  for (std::uint32_t i = 0; i < s_.accounts; ++i) {
    const AccountIndex account{static_cast<std::uint16_t>((first + i) % s_.accounts)};
    for (const Endpoint endpoint : {kPositionsEndpoint, kOrdersEndpoint}) {
      if (!lookup_pacer.may_send_lookup(account, endpoint, now_)) continue;
      send(lookup_pacer, lookup_pacer.take_lookup(account, endpoint, now_), endpoint);
    }
    constexpr auto kRefresh = RequestClass::refresh;
    if (lookup_pacer.lookup_earliest(account, kPositionsEndpoint, now_, kRefresh) > now_) continue;
    send(lookup_pacer, lookup_pacer.take_lookup(account, kPositionsEndpoint, now_, kRefresh),
         kPositionsEndpoint);
  }
  while (upkeep_pacer.may_send_upkeep(now_)) {
    send(upkeep_pacer, upkeep_pacer.take_upkeep(now_), kTimeEndpoint);
  }
  push(now_ + kLookupTick, Kind::tick, 0);
}

void Simulation::arrive(const Request& request) {
  // Drift alone would take the clocks apart for ever; only their rates matter here.
  Ns venue = now_ + now_ / 1'000'000 * s_.drift_ppm + kSecond;
  if (s_.millisecond_clock) venue -= venue % kMillisecond;
  const std::uint32_t account = request.ticket.account.value;
  bool fine = true;
  switch (request.ticket.request_class) {
    case RequestClass::reversal:
      ++result_.reversals;
      if (account >= s_.lead_traders) ++full_limit_sends_;
      fine = reversal_counters_[account].arrive(venue);
      if (!reversal_audit_[account].arrive(now_)) ++result_.violations;
      break;
    case RequestClass::lookup:
    case RequestClass::refresh:
      ++result_.lookups;
      fine = lookup_counters_[2 * account + request.endpoint].arrive(venue);
      break;
    case RequestClass::upkeep:
      ++result_.upkeep;
      fine = lookup_counters_.back().arrive(venue);
      break;
  }
  if (!ip_counters_[0].arrive(venue)) fine = false;
  if (!ip_audit_[0].arrive(now_)) ++result_.violations;
  if (!fine) ++result_.throttled;
}

void Simulation::reply(Request& request) {
  if (refuses_slot(request)) {
    request.pacer->on_not_written(request.ticket, now_);
    return;
  }
  // With the plant the book is told that the reply came at the write; the heaps still need the present.
  request.pacer->on_reply(request.ticket,
                          s_.plant == Plant::reply_time_ignored ? request.ticket.written_ns : now_);
}

void Simulation::abort(Request& request) {
  switch (s_.plant) {
    case Plant::no_reply_taken_as_reply:
      request.pacer->on_reply(request.ticket, now_);
      break;
    case Plant::no_reply_forgotten:
      request.pacer->on_not_written(request.ticket, now_);
      break;
    default:
      request.pacer->on_no_reply(request.ticket, now_);
  }
}

Result Simulation::run() {
  // What is known of a request must outlive its ticket, since it may arrive after it was given up.
  for (std::uint32_t handle = 0; handle < s_.accounts * kQueueDepth; ++handle) submit(handle);
  if (s_.lookups) push(0, Kind::tick, 0);
  while (result_.reversals < s_.sends) {
    const Ns due = pacer_->next_due(now_);
    now_ = std::max(now_, std::min(due, events_.empty() ? kNever : events_.top().at));
    while (!events_.empty() && events_.top().at <= now_) {
      const Event event = events_.top();
      events_.pop();
      Request* request = event.kind == Kind::tick ? nullptr : &requests_[event.request];
      switch (event.kind) {
        case Kind::arrival:
          arrive(*request);
          break;
        case Kind::reply:
          reply(*request);
          free_.push_back(event.request);
          break;
        case Kind::abort:
          abort(*request);
          break;
        case Kind::tick:
          tick();
          break;
      }
    }
    drain();
  }
  result_.elapsed_ns = now_;
  const std::uint32_t full = s_.accounts - s_.lead_traders;
  if (full > 0 && now_ > 0) {
    result_.per_second =
        static_cast<double>(full_limit_sends_) / full / (static_cast<double>(now_) / double{kSecond});
  }
  return result_;
}

}  // namespace

Result simulate(const Scenario& scenario) { return Simulation(scenario).run(); }

const char* name(Counting counting) noexcept {
  switch (counting) {
    case Counting::fixed_window:
      return "fixed window";
    case Counting::fixed_from_first:
      return "fixed from first";
    case Counting::sliding_window:
      return "sliding window";
    case Counting::token_bucket:
      return "token bucket";
    case Counting::strict_spacing:
      return "strict spacing";
  }
  return "?";
}

const char* name(Delay delay) noexcept {
  switch (delay) {
    case Delay::none:
      return "none";
    case Delay::constant:
      return "constant 2.5 ms";
    case Delay::uniform:
      return "uniform";
    case Delay::log_normal:
      return "log-normal";
    case Delay::pareto:
      return "pareto";
    case Delay::bimodal:
      return "bimodal";
  }
  return "?";
}

const char* name(Plant plant) noexcept {
  switch (plant) {
    case Plant::none:
      return "none";
    case Plant::window_short_by_1ms:
      return "window short by 1 ms";
    case Plant::reply_time_ignored:
      return "reply time ignored";
    case Plant::no_reply_taken_as_reply:
      return "no reply taken as reply";
    case Plant::no_reply_forgotten:
      return "no reply forgotten";
    case Plant::refused_not_counted:
      return "refused not counted";
    case Plant::lookups_not_counted_on_ip:
      return "look-ups not counted on the IP rule";
    case Plant::upkeep_not_counted_on_ip:
      return "upkeep not counted on the IP rule";
    case Plant::reserve_not_kept:
      return "reserve not kept";
    case Plant::drift_ignored:
      return "drift ignored";
    case Plant::lead_trader_at_ten:
      return "lead trader at ten";
    case Plant::even_not_even:
      return "even not even";
  }
  return "?";
}

std::string describe(const Scenario& s) {
  return std::string(s.shape == Shape::burst ? "burst" : "even") + ", " + name(s.counting) + ", delay " +
         name(s.delay) + ", " + std::to_string(s.accounts) + " accounts, drift " +
         std::to_string(s.drift_ppm) + " ppm, plant " + name(s.plant) + ", seed " + std::to_string(s.seed);
}

}  // namespace backhand::pacing::test
