// The pool's part: connections, what is read from them, time-outs, dialing and pings.
#include "tests/simulation/network.hpp"

#include <algorithm>
#include <array>

namespace backhand::simulation {

namespace {

constexpr net::ExchangeLimits kLimits{65'536, 16'384};
constexpr Ns kConnectTimeout = 3 * kSecond;
constexpr Ns kPingTimeout = 5 * kSecond;
constexpr Ns kPermissionRetry = 10 * kMillisecond;
// As the pool's.
constexpr Ns kShortestHold = 2 * kMillisecond;
constexpr Ns kLongestHold = 50 * kMillisecond;

/// For the bug that takes no reply for a definite no; the bytes behind are the padding that readers may
/// touch.
constexpr std::array<char, 256> kFabricatedNo = [] {
  std::array<char, 256> out{};
  constexpr std::string_view text = R"({"code":"40034","msg":"no","data":null})";
  std::copy(text.begin(), text.end(), out.begin());
  return out;
}();

}  // namespace

Network::Network(Context& context, const Plan& plan, CrashPoint& crash, Ledger& ledger,
                 venue::Exchange& venue)
    : context_(context), plan_(plan), crash_(crash), ledger_(ledger), venue_(venue) {
  connections_.resize(plan.config.venue.connections);
}

Network::~Network() = default;

void Network::begin(net::Handler& handler, const journal::Sink& journal, std::string_view probe_request) {
  handler_ = &handler;
  journal_ = &journal;
  probe_ = probe_request;
  process_began_ = context_.now();
  next_dial_ = 0;
  next_ping_try_ = 0;
  backoff_ = 0;
}

void Network::end() {
  handler_ = nullptr;
  journal_ = nullptr;
  ++process_;
  dialed_.clear();
  for (std::uint16_t place = 0; place < connections_.size(); ++place) drop(connections_[place]);
}

std::size_t Network::count(State state) const noexcept {
  return static_cast<std::size_t>(std::count_if(connections_.begin(), connections_.end(),
                                                [&](const Connection& c) { return c.state == state; }));
}

int Network::pick(net::RequestClass request_class) const noexcept {
  const std::size_t needed = request_class == net::RequestClass::trade ? 1 : 2;
  if (count(State::ready) < needed) return -1;
  int best = -1;
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].state != State::ready) continue;
    if (best < 0 || connections_[i].last_used > connections_[static_cast<std::size_t>(best)].last_used)
      best = static_cast<int>(i);
  }
  return best;
}

bool Network::can_send(net::RequestClass request_class) const noexcept {
  return handler_ != nullptr && pick(request_class) >= 0;
}

std::size_t Network::free_connections() const noexcept {
  return handler_ == nullptr ? 0 : count(State::ready);
}

std::string_view Network::client_oid_in(std::string_view request) noexcept {
  constexpr std::string_view kName = R"("clientOid":")";
  const std::size_t at = request.find(kName);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + kName.size();
  return request.substr(begin, request.find('"', begin) - begin);
}

engine::Sent Network::send(net::RequestToken token, net::RequestClass request_class,
                           std::span<const char> bytes, Ns reply_deadline_ns, Ns now) noexcept {
  engine::Sent sent;
  sent.encoded_ns = now;
  sent.written_ns = now;
  sent.status = net::WriteStatus::written;
  const bool is_reversal = request_class == net::RequestClass::trade;
  const Kind kind = is_reversal ? Kind::reversal : Kind::lookup;
  if (is_reversal ? crash_.reach(Step::before_write) : crash_.dead()) return sent;
  const int place = pick(request_class);
  if (place < 0) {
    sent.status = net::WriteStatus::no_connection;
    return sent;
  }
  return write_on(static_cast<std::size_t>(place), token, {bytes.data(), bytes.size()}, kind,
                  reply_deadline_ns, now);
}

engine::Sent Network::write_on(std::size_t place, net::RequestToken token, std::string_view text, Kind kind,
                               Ns reply_deadline_ns, Ns now) {
  Connection& connection = connections_[place];
  engine::Sent sent;
  sent.encoded_ns = now;
  sent.written_ns = now;
  sent.status = net::WriteStatus::written;
  sent.connection = static_cast<std::uint16_t>(place + 1);
  if (context_.faults_on && context_.random.chance(plan_.network_fault / 8)) {
    context_.fire("net_not_written");
    drop(connection);
    sent.status = net::WriteStatus::not_written;
    return sent;
  }
  connection.state = State::busy;
  connection.token = token;
  connection.deadline = reply_deadline_ns;
  connection.written = now;
  const bool is_reversal = kind == Kind::reversal;
  if (is_reversal) {
    ledger_.on_written(client_oid_in(text), journal_->durable_number());
    plan_venue_fault(client_oid_in(text));
  } else {
    plan_lookup_fault();
  }
  write(static_cast<std::uint16_t>(place), text, kind);
  if (is_reversal) (void)crash_.reach(Step::after_write);
  return sent;
}

void Network::drop(Connection& connection) noexcept {
  if (connection.state == State::closed) return;
  const auto place = static_cast<std::uint16_t>(&connection - connections_.data());
  ended_at_[{place, connection.generation}] = context_.now();
  connection.state = State::closed;
  ++connection.generation;
  connection.exchange.reset();
  connection.inbox.clear();
  connection.taken = 0;
  connection.ended = connection.reset = connection.one_by_one = false;
  connection.check_wanted = connection.stalled = false;
  connection.last_arrival = connection.last_reply = connection.held_until = 0;
}

std::string Network::describe() const {
  std::string out = "connections";
  for (const Connection& connection : connections_) {
    switch (connection.state) {
      case State::closed:
        out += " closed";
        break;
      case State::dialing:
        out += " dialing";
        break;
      case State::ready:
        out += " ready";
        break;
      case State::busy:
        out += " busy";
        break;
    }
  }
  return out;
}

void Network::tell_pool(std::string_view why) {
  const auto ready = static_cast<unsigned>(count(State::ready) + count(State::busy));
  handler_->on_pool_changed(ready, plan_.config.venue.connections, why);
}

int Network::do_work() {
  int done = take_dialed();
  const Ns now = context_.clocks.mono();
  for (std::uint16_t place = 0; place < connections_.size() && !crash_.dead(); ++place) {
    Connection& connection = connections_[place];
    if (connection.state == State::ready) done += read_idle(place);
    if (connection.state == State::busy) done += read(place);
    if (!crash_.dead() && connection.state == State::busy && now >= connection.deadline) {
      lose(place, net::LossReason::timeout, true);
      ++done;
    }
  }
  if (crash_.dead()) return done;
  done += ping();
  done += dial();
  return done;
}

Ns Network::next_due() const noexcept {
  Ns due = kNever;
  for (const Connection& connection : connections_) {
    switch (connection.state) {
      case State::closed:
        if (pooled() < plan_.config.venue.connections) due = std::min(due, next_dial_);
        break;
      case State::dialing:
        break;
      case State::ready:
        if (connection.inbox.size() > connection.taken || connection.ended || connection.reset) return 0;
        due =
            std::min(due, std::max(next_ping_try_,
                                   connection.last_used +
                                       static_cast<Ns>(plan_.config.venue.ping_interval_ms) * kMillisecond));
        break;
      case State::busy:
        if (connection.inbox.size() > connection.taken || connection.ended || connection.reset) return 0;
        due = std::min(due, connection.held_until != 0 ? connection.held_until : connection.deadline);
        break;
    }
  }
  return dialed_.empty() ? due : 0;
}

int Network::read_idle(std::uint16_t place) {
  Connection& connection = connections_[place];
  if (connection.inbox.size() == connection.taken && !connection.ended && !connection.reset) return 0;
  drop(connection);
  tell_pool("an idle connection ended");
  return 1;
}

int Network::read(std::uint16_t place) {
  Connection& connection = connections_[place];
  net::HttpExchange& exchange = *connection.exchange;
  int done = 0;
  if (connection.readable == 0 && connection.taken < connection.inbox.size())
    connection.readable = context_.clocks.mono();
  while (connection.taken < connection.inbox.size()) {
    const std::size_t size = connection.one_by_one ? 1 : connection.inbox.size() - connection.taken;
    const net::FeedStatus status =
        exchange.feed(std::string_view{connection.inbox}.substr(connection.taken, size));
    connection.taken += size;
    done = 1;
    switch (status) {
      case net::FeedStatus::need_more:
        continue;
      case net::FeedStatus::complete:
        if (!connection.one_by_one || connection.taken == connection.inbox.size()) break;
        break;
      case net::FeedStatus::malformed:
        lose(place, net::LossReason::malformed_reply, true);
        return done;
      case net::FeedStatus::too_large:
        lose(place, net::LossReason::too_large, true);
        return done;
      case net::FeedStatus::unsolicited_bytes:
        lose(place, net::LossReason::unsolicited_bytes, true);
        return done;
    }
    if (!must_hold(connection)) replied(place);
    return done;
  }
  const bool is_whole = exchange.state() == net::ExchangeState::replied;
  if (is_whole && !must_hold(connection)) {
    replied(place);
    return 1;
  }
  if (connection.reset) {
    lose(place, net::LossReason::reset, false);
    return 1;
  }
  if (connection.ended) {
    if (exchange.end_of_stream(true) == net::FeedStatus::complete) {
      replied(place);
    } else {
      lose(place, net::LossReason::end_of_stream, false);
    }
    return 1;
  }
  return done;
}

/// As the pool does with a whole reply to a look-up.
bool Network::must_hold(Connection& connection) const {
  const bool rest = connection.taken < connection.inbox.size() || connection.ended || connection.reset;
  if (connection.kind != Kind::lookup || rest || !connection.exchange->reusable()) return false;
  const Ns now = context_.clocks.mono();
  if (connection.held_until == 0)
    connection.held_until =
        std::min(now + std::clamp(connection.round_trip, kShortestHold, kLongestHold), connection.deadline);
  return now < connection.held_until;
}

void Network::hand_out(std::uint16_t place) {
  Connection& connection = connections_[place];
  const Ns now = context_.clocks.mono();
  net::ReplyView view = connection.exchange->reply();
  view.replied_ns = now;
  view.readable_ns = connection.readable;
  view.least_round_trip_ns = 2 * least_path_delay();
  view.followed = connection.exchange->has_surplus() || connection.taken < connection.inbox.size();
  view.connection = place;
  if (context_.bug == Bug::surplus_ignored) view.followed = false;
  switch (connection.kind) {
    case Kind::reversal:
    case Kind::lookup:
      handler_->on_reply(connection.token, view, now);
      return;
    case Kind::ping:
      connection.round_trip = now - connection.written;
      handler_->on_ping(view, connection.written);
      // The mistake of a clock that takes one reply for several witnesses.
      if (context_.bug == Bug::clock_from_one_reply)
        for (int i = 0; i < 2; ++i) handler_->on_ping(view, connection.written);
      return;
    case Kind::check:
      handler_->on_checked(connection.token, view, connection.written, now);
      return;
  }
}

void Network::replied(std::uint16_t place) {
  if (crash_.reach(Step::reply)) return;
  Connection& connection = connections_[place];
  connection.distrusted = connection.check_wanted = false;
  connection.held_until = 0;
  hand_out(place);
  if (crash_.dead()) return;
  // The mistakes: what lies behind a reply is thrown away, and what is distrusted is used as before.
  if (context_.bug == Bug::surplus_ignored) connection.taken = connection.inbox.size();
  if (context_.bug == Bug::distrust_ignored) connection.distrusted = false;
  const bool rest = connection.taken < connection.inbox.size() || connection.ended || connection.reset ||
                    connection.distrusted;
  if (context_.bug == Bug::surplus_ignored && connection.exchange->has_surplus()) {
    connection.exchange = std::make_unique<net::HttpExchange>(kLimits);
  } else {
    connection.exchange->finish();
  }
  connection.last_used = context_.clocks.mono();
  if (std::exchange(connection.check_wanted, false)) {
    if (context_.bug == Bug::refusal_not_checked) {
      believe_unchecked(place);
    } else if (connection.exchange->state() == net::ExchangeState::idle && !rest &&
               handler_->may_ping(context_.clocks.mono())) {
      connection.inbox.clear();
      connection.taken = 0;
      connection.one_by_one = false;
      write_check(place);
      return;
    } else {
      handler_->on_not_checked(connection.token, false, context_.clocks.mono());
    }
  }
  if (connection.exchange->state() == net::ExchangeState::idle && !rest) {
    connection.state = State::ready;
    connection.inbox.clear();
    connection.taken = 0;
    connection.one_by_one = false;
  } else {
    drop(connection);
  }
  tell_pool("");
}

void Network::write_check(std::uint16_t place) {
  Connection& connection = connections_[place];
  connection.state = State::busy;
  connection.written = context_.clocks.mono();
  connection.deadline = connection.written + kPingTimeout;
  write(place, probe_, Kind::check);
}

/// The mistake of a gateway that takes the first no for the answer to its request.
void Network::believe_unchecked(std::uint16_t place) {
  const Ns now = context_.clocks.mono();
  std::string body = R"({"code":"00000","msg":"success","requestTime":1,"data":{"serverTime":")" +
                     std::to_string(context_.clocks.venue() / kMillisecond) + "\"}}";
  body.reserve(body.size() + 64);
  net::ReplyView view;
  view.http_status = 200;
  view.body = body;
  view.readable_ns = view.replied_ns = now;
  view.connection = place;
  const net::RequestToken token = connections_[place].token;
  if (handler_->may_ping(now)) {
    handler_->on_checked(token, view, now, now);
  } else {
    handler_->on_not_checked(token, false, now);
  }
}

void Network::lose(std::uint16_t place, net::LossReason reason, bool by_us) {
  Connection& connection = connections_[place];
  const net::RequestToken token = connection.token;
  const bool is_ping = connection.kind == Kind::ping;
  const bool is_check = connection.kind == Kind::check;
  const Ns written = connection.written;
  const bool is_reversal = connection.kind == Kind::reversal;
  if (!is_ping) ++lost_;
  if (context_.bug == Bug::resend_on_reset && is_reversal && reason != net::LossReason::timeout &&
      count(State::ready) > 0) {
    resend(connection);
    return;
  }
  drop(connection);
  const Ns now = context_.clocks.mono();
  if (is_ping) {
    handler_->on_ping_lost(written, now);
  } else if (is_check) {
    handler_->on_not_checked(token, true, now);
  } else if (context_.bug == Bug::lost_reply_is_no && is_reversal) {
    net::ReplyView view;
    view.http_status = 400;
    view.body = std::string_view{kFabricatedNo.data()};
    view.replied_ns = view.readable_ns = now;
    view.connection = place;
    handler_->on_reply(token, view, now);
    believe_unchecked(place);
  } else {
    handler_->on_lost(token, reason, by_us, now);
  }
  if (!crash_.dead()) tell_pool(net::to_string(reason));
}

void Network::resend(Connection& broken) {
  const auto place = static_cast<std::uint16_t>(pick(net::RequestClass::trade));
  Connection& other = connections_[place];
  other.state = State::busy;
  other.token = broken.token;
  other.deadline = broken.deadline;
  other.written = broken.written;
  const std::string bytes = broken.request;
  drop(broken);
  write(place, bytes, Kind::reversal);
}

int Network::ping() {
  const Ns now = context_.clocks.mono();
  if (now < next_ping_try_) return 0;
  for (std::uint16_t place = 0; place < connections_.size(); ++place) {
    Connection& connection = connections_[place];
    const Ns due = connection.last_used + static_cast<Ns>(plan_.config.venue.ping_interval_ms) * kMillisecond;
    if (connection.state != State::ready || now < due) continue;
    next_ping_try_ = now + kPermissionRetry;
    if (count(State::ready) < 2 || !handler_->may_ping(now)) return 0;
    connection.state = State::busy;
    connection.deadline = now + kPingTimeout;
    connection.written = now;
    write(place, probe_, Kind::ping);
    return 1;
  }
  return 0;
}

int Network::dial() {
  const Ns now = context_.clocks.mono();
  int done = 0;
  for (std::uint16_t place = 0; place < connections_.size(); ++place) {
    Connection& connection = connections_[place];
    if (connection.state != State::closed || now < next_dial_) continue;
    if (pooled() >= plan_.config.venue.connections) return done;
    if (!handler_->may_dial(now)) {
      next_dial_ = now + kPermissionRetry;
      return done;
    }
    ++done;
    next_dial_ = std::max(next_dial_, now + 20 * kMillisecond);
    connection.state = State::dialing;
    const std::uint32_t generation = ++connection.generation;
    const bool faulty = context_.faults_on && context_.random.chance(plan_.dial_fault);
    if (faulty && context_.random.chance(0.5)) {
      context_.fire("net_dial_refused");
      fail_dial(place, path_delay() * 2);
      continue;
    }
    if (faulty || context_.now() < outage_until_) {
      if (faulty) context_.fire("net_dial_stalled");
      fail_dial(place, kConnectTimeout);
      continue;
    }
    context_.after(path_delay() * 4, [this, place, generation] {
      if (connections_[place].generation != generation || handler_ == nullptr) return;
      const Ns written = context_.clocks.mono();
      context_.after(path_delay(), [this, place, generation, written] {
        venue::HttpRequest request;
        std::size_t used = 0;
        if (venue::parse_request(probe_, request, used) != venue::ParseStatus::complete) return;
        std::string reply = venue::to_http(venue_.handle(request, context_.clocks.venue(), "10.0.0.1"));
        context_.after(path_delay(), [this, place, generation, written, bytes = std::move(reply)] {
          if (connections_[place].generation != generation || handler_ == nullptr) return;
          dialed_.push_back({place, true, written, bytes});
        });
      });
    });
  }
  return done;
}

void Network::fail_dial(std::uint16_t place, Ns delay) {
  const std::uint32_t generation = connections_[place].generation;
  context_.after(delay, [this, place, generation] {
    if (connections_[place].generation == generation && handler_ != nullptr)
      dialed_.push_back({place, false, 0, {}});
  });
}

int Network::take_dialed() {
  int done = 0;
  const Ns now = context_.clocks.mono();
  for (const Dialed& dialed : std::exchange(dialed_, {})) {
    Connection& connection = connections_[dialed.place];
    ++done;
    if (!dialed.ok) {
      connection.state = State::closed;
      backoff_ = std::clamp<Ns>(backoff_ * 2, 50 * kMillisecond, 5 * kSecond);
      next_dial_ = now + backoff_;
      handler_->on_dial_failed(now);
      continue;
    }
    backoff_ = 0;
    connection.exchange = std::make_unique<net::HttpExchange>(kLimits);
    connection.exchange->begin();
    if (connection.exchange->feed(dialed.reply) != net::FeedStatus::complete) {
      connection.state = State::closed;
      handler_->on_dial_failed(now);
      continue;
    }
    net::ReplyView view = connection.exchange->reply();
    view.replied_ns = view.readable_ns = now;
    handler_->on_ping(view, dialed.written);
    connection.round_trip = now - dialed.written;
    connection.exchange->finish();
    connection.last_used = now;
    connection.state = State::ready;
    connection.inbox.clear();
    connection.taken = 0;
    connection.ended = connection.reset = connection.one_by_one = false;
    tell_pool("a connection is ready");
  }
  return done;
}

}  // namespace backhand::simulation
