#include "gateway/net/pool.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "common/prefetch.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/net/dialer.hpp"

namespace backhand::net {
namespace {

constexpr std::uint32_t kMaxConnections = 64;
// Places for each wanted connection: itself and the one that is to replace it.
constexpr std::uint32_t kPlacesEach = 2;
constexpr std::uint32_t kWakeKey = UINT32_MAX;
constexpr int kEventsPerTurn = 16;
// A connection that breaks so soon, having served nothing, counts as a failed dial.
constexpr Ns kStillborn = kSecond;
constexpr Ns kChooseEvery = kMillisecond;
constexpr Ns kAfterWrite = kMillisecond;
// A whole reply to a look-up is held for a round trip, within these bounds: had it been a reply too many, the
// true one would come behind it.
constexpr Ns kShortestHold = 2 * kMillisecond;
constexpr Ns kLongestHold = 50 * kMillisecond;

std::expected<void, Error> check_settings(const Settings& settings) {
  const auto bad = [](const char* what) { return std::unexpected(Error{std::string("net: ") + what}); };
  if (settings.host.empty()) return bad("host is empty");
  if (settings.port == 0) return bad("port is 0");
  if (settings.probe_request.empty()) return bad("the probe request is empty");
  if (settings.probe_request.size() > Pool::kMaxRequestBytes) return bad("the probe request is too long");
  if (settings.connections < 1 || settings.connections > kMaxConnections)
    return bad("connections is not 1 … 64");
  if (settings.max_requests < 2) return bad("max_requests is less than 2: the probe is one");
  if (settings.max_idle_ms == 0) return bad("max_idle_ms is 0");
  if (settings.dials_per_second == 0) return bad("dials_per_second is 0");
  if (settings.backoff_min_ms == 0 || settings.backoff_min_ms > settings.backoff_max_ms) {
    return bad("backoff_min_ms is not 1 … backoff_max_ms");
  }
  if (settings.clock == nullptr) return bad("no clock");
  return {};
}

}  // namespace

std::expected<std::unique_ptr<Pool>, Error> Pool::create(const Settings& settings, Handler& handler) {
  if (const auto checked = check_settings(settings); !checked) return std::unexpected(checked.error());
  std::expected<std::unique_ptr<Dialer>, Error> dialer = Dialer::create(settings);
  if (!dialer) return std::unexpected(dialer.error());
  std::unique_ptr<Pool> pool(new Pool(settings, handler));
  pool->dialer_ = std::move(*dialer);
  if (settings.watch_sockets) {
    pool->epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (pool->epoll_fd_ < 0) return std::unexpected(os_error("epoll_create1"));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = kWakeKey;
    if (::epoll_ctl(pool->epoll_fd_, EPOLL_CTL_ADD, pool->dialer_->wake_fd(), &event) != 0) {
      return std::unexpected(os_error("epoll_ctl"));
    }
  }
  return pool;
}

Pool::Pool(const Settings& settings, Handler& handler)
    : settings_(settings),
      handler_(handler),
      jitter_(static_cast<std::minstd_rand::result_type>(settings.seed)) {
  const std::size_t places = settings.connections * kPlacesEach;
  connections_.reserve(places);
  waiting_.reserve(places);
  for (std::size_t place = 0; place < places; ++place) {
    connections_.push_back(std::make_unique<Connection>(static_cast<std::uint16_t>(place)));
  }
  // Beyond half of what the peer may allow, a ping could come too late.
  ping_after_ = std::min(ms(settings.ping_interval_ms), ms(settings.max_idle_ms) / 2);
}

Pool::~Pool() {
  for (const auto& connection : connections_) {
    if (connection->established()) close_by_reset(*connection->on_lost());
  }
  if (epoll_fd_ >= 0) ::close(epoll_fd_);
}

bool Pool::is_free(const Connection& connection, Ns now) const noexcept {
  const ConnectionNotes& notes = connection.notes;
  return connection.state() == ConnectionState::ready && !notes.busy &&
         now - notes.last_used_ns < ms(settings_.max_idle_ms);
}

bool Pool::is_expiring(const Connection& connection, Ns now) const noexcept {
  const ConnectionNotes& notes = connection.notes;
  // The replacement is dialed in the last quarter of a connection's life, at least one request before its
  // end.
  const std::uint32_t soft_requests = settings_.max_requests - std::max(1U, settings_.max_requests / 4);
  return notes.requests >= soft_requests || now - notes.last_used_ns >= ms(settings_.max_idle_ms) * 3 / 4;
}

unsigned Pool::free(Ns now) const noexcept {
  return static_cast<unsigned>(
      std::ranges::count_if(connections_, [&](const auto& connection) { return is_free(*connection, now); }));
}

/// Between shots, so that the next one finds its connection without a look at all of them.
void Pool::choose(Ns now) noexcept {
  chosen_ = nullptr;
  chosen_ = pick(RequestClass::trade, now);
  choose_again_ns_ = now + kChooseEvery;
}

BH_ON_PATH Connection* Pool::pick(RequestClass request_class, Ns now) const noexcept {
  if (request_class == RequestClass::trade && chosen_ != nullptr && is_free(*chosen_, now)) return chosen_;
  // The best for a trade: not about to be retired, then the lowest round trip. Anything else takes the worst,
  // and nothing where that would be the last.
  const auto rank = [&](const Connection& connection) {
    return std::pair(is_expiring(connection, now), connection.notes.round_trip_ns);
  };
  Connection* best = nullptr;
  Connection* worst = nullptr;
  for (const auto& connection : connections_) {
    if (!is_free(*connection, now)) continue;
    if (best == nullptr || rank(*connection) < rank(*best)) best = connection.get();
    if (worst == nullptr || rank(*connection) >= rank(*worst)) worst = connection.get();
  }
  if (request_class == RequestClass::trade) return best;
  // Where there is to be only one, questions have no other.
  return worst == best && settings_.connections > 1 ? nullptr : worst;
}

BH_ON_PATH bool Pool::can_send(RequestClass request_class, Ns now) const noexcept {
  return pick(request_class, now) != nullptr;
}

BH_ON_PATH WriteResult Pool::send(RequestToken token, RequestClass request_class, std::span<const char> bytes,
                                  Ns deadline_ns, Ns now) noexcept {
  Connection* connection = pick(request_class, now);
  if (connection == nullptr) return {};
  return write(*connection, token, request_class, bytes, deadline_ns);
}

BH_ON_PATH WriteResult Pool::write(Connection& connection, RequestToken token, RequestClass request_class,
                                   std::span<const char> bytes, Ns deadline_ns) noexcept {
  BH_ASSERT(!bytes.empty() && bytes.size() <= kMaxRequestBytes);
  if (!connection.encrypt(bytes)) {
    connection.notes.written_ns = settings_.clock();
    return give_up_unwritten(connection);
  }
  return push(connection, token, request_class, deadline_ns);
}

BH_ON_PATH WriteResult Pool::push(Connection& connection, RequestToken token, RequestClass request_class,
                                  Ns deadline_ns) noexcept {
  if (connection.push(settings_.clock) != WriteStatus::written) return give_up_unwritten(connection);
  ConnectionNotes& notes = connection.notes;
  notes.token = token;
  notes.request_class = request_class;
  notes.deadline_ns = deadline_ns;
  waiting_.push_back(&connection);
  near_cursor_ = connection.place();
  ++counters_.written;
  due_at(deadline_ns);
  if (connection.has_rest()) watch_for_room(connection, true);
  if (notes.requests >= settings_.max_requests) {
    connection.on_retire();
    count_ready();
    tell_later("a connection carries its last request", notes.written_ns);
  }
  return {WriteStatus::written, connection.place(), notes.written_ns};
}

/// The record in hand can go nowhere else, and the connection without it is of no use: its sequence number is
/// spent.
WriteResult Pool::give_up_unwritten(Connection& connection) noexcept {
  const WriteResult result{WriteStatus::not_written, connection.place(), connection.notes.written_ns};
  ++counters_.not_written;
  abandon(connection);
  tell_later("a connection was found dead when it was written to", result.written_ns);
  return result;
}

void Pool::distrust(std::uint16_t connection) noexcept {
  BH_ASSERT(connection < connections_.size() && connections_[connection]->established());
  connections_[connection]->notes.distrusted = true;
}

void Pool::check(std::uint16_t connection) noexcept {
  BH_ASSERT(connection < connections_.size() && connections_[connection]->notes.busy);
  connections_[connection]->notes.check_wanted = true;
}

int Pool::do_work(Ns now) noexcept {
  if (closed_) return 0;
  int work = take_over(now);
  if (!waiting_.empty()) work += read_due(now);
  work += look_at_idle(now);
  if (now >= next_due_) work += upkeep(now);
  if (work > 0 || now >= choose_again_ns_) choose(now);
  return work;
}

int Pool::do_ready_work(Ns now) noexcept {
  if (closed_ || epoll_fd_ < 0) return 0;
  std::array<epoll_event, kEventsPerTurn> events{};
  const int count = ::epoll_wait(epoll_fd_, events.data(), kEventsPerTurn, 0);
  int work = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t key = events[static_cast<std::size_t>(i)].data.u32;
    if (key == kWakeKey) {
      std::uint64_t pokes = 0;
      [[maybe_unused]] const ssize_t got = ::read(dialer_->wake_fd(), &pokes, sizeof pokes);
      continue;
    }
    // A callback of an earlier event may have closed this one; its descriptor then reports nothing any more.
    Connection& connection = *connections_[key];
    if (connection.established()) work += look(connection, now);
  }
  return work + do_work(now);
}

/// Those that may be used any moment: the trade's choice and what awaits a reply.
void Pool::keep_near() noexcept {
  constexpr std::size_t kLines = 8;
  prefetch(*this);
  Connection& connection = *connections_[near_cursor_];
  const bool wanted = connection.established() && (&connection == chosen_ || connection.notes.busy);
  if (wanted && !connection.keep_near(kLines)) return;
  near_cursor_ = near_cursor_ + 1 < connections_.size() ? near_cursor_ + 1 : 0;
}

int Pool::read_due(Ns now) noexcept {
  int work = 0;
  // A look may end the wait, and what it calls may begin another.
  for (std::size_t i = 0; i < waiting_.size();) {
    Connection& connection = *waiting_[i];
    work += look(connection, now);
    if (i < waiting_.size() && waiting_[i] == &connection) ++i;
  }
  return work;
}

void Pool::waits_no_more(const Connection& connection) noexcept {
  const auto found = std::ranges::find(waiting_, &connection);
  BH_ASSERT(found != waiting_.end());
  *found = waiting_.back();
  waiting_.pop_back();
}

int Pool::look_at_idle(Ns now) noexcept {
  if (now < next_idle_look_) return 0;
  next_idle_look_ = now + static_cast<Ns>(settings_.idle_look_interval_us) * kMicrosecond;
  for (std::size_t tries = 0; tries < connections_.size(); ++tries) {
    idle_cursor_ = idle_cursor_ + 1 < connections_.size() ? idle_cursor_ + 1 : 0;
    Connection& connection = *connections_[idle_cursor_];
    if (connection.established() && !connection.notes.busy) return look(connection, now);
  }
  return 0;
}

int Pool::look(Connection& connection, Ns now) noexcept {
  if (connection.notes.busy && connection.has_rest()) {
    if (!connection.flush()) {
      lose(connection, LossReason::reset, now);
      return 1;
    }
    if (!connection.has_rest()) watch_for_room(connection, false);
  }
  switch (connection.read(settings_.clock)) {
    case ReadResult::nothing:
      if (connection.notes.held_until_ns == 0 || now < connection.notes.held_until_ns) return 0;
      deliver(connection, now);
      return 1;
    case ReadResult::more:
      return 1;
    case ReadResult::reply:
      if (!must_hold(connection, now)) deliver(connection, now);
      return 1;
    case ReadResult::broken:
      if (connection.notes.busy) {
        lose(connection, connection.trouble(), now);
      } else {
        drop_idle(connection, connection.trouble(), now);
      }
      return 1;
  }
  return 0;
}

/// Only of a look-up: no strategy waits for it, and its reply does not name the request that it answers.
BH_ON_PATH bool Pool::must_hold(Connection& connection, Ns now) noexcept {
  ConnectionNotes& notes = connection.notes;
  if (notes.request_class != RequestClass::lookup || !connection.reusable()) return false;
  if (notes.held_until_ns == 0) {
    const Ns hold = std::clamp(notes.round_trip_ns, kShortestHold, kLongestHold);
    notes.held_until_ns = std::min(connection.replied_ns() + hold, notes.deadline_ns);
  }
  due_at(notes.held_until_ns);
  return now < notes.held_until_ns;
}

/// The connection stays busy meanwhile, so that a request sent from within cannot take the buffer that the
/// reply lies in.
BH_ON_PATH void Pool::hand_out(Connection& connection, const ReplyView& reply, Ns now) noexcept {
  ConnectionNotes& notes = connection.notes;
  switch (notes.request_class) {
    case RequestClass::trade:
    case RequestClass::lookup:
      handler_.on_reply(notes.token, reply, now);
      return;
    case RequestClass::ping:
      --pings_outstanding_;
      note_round_trip(notes, reply.replied_ns - notes.written_ns);
      handler_.on_ping(reply, notes.written_ns);
      return;
    case RequestClass::check:
      handler_.on_checked(notes.token, reply, notes.written_ns, now);
      return;
  }
}

BH_ON_PATH void Pool::deliver(Connection& connection, Ns now) noexcept {
  ConnectionNotes& notes = connection.notes;
  ReplyView reply = connection.exchange().reply();
  reply.readable_ns = connection.readable_ns();
  reply.replied_ns = connection.replied_ns();
  reply.least_round_trip_ns = connection.least_round_trip_ns();
  reply.followed = connection.followed();
  reply.connection = connection.place();
  waits_no_more(connection);
  ++counters_.replies;
  const bool reusable = connection.reusable();
  hand_out(connection, reply, now);
  connection.exchange().finish();
  notes.busy = false;
  notes.held_until_ns = 0;
  notes.last_used_ns = now;
  if (std::exchange(notes.check_wanted, false)) {
    const RequestToken token = notes.token;
    if (reusable && !notes.distrusted && handler_.may_ping(now)) {
      write_check(connection, token, now);
      return;
    }
    handler_.on_not_checked(token, /*asked=*/false, now);
  }
  if (notes.distrusted) {
    // By reset: of a request that may not have arrived the kernel shall deliver nothing more. A peer that
    // always answers so must not be dialed as fast as it does.
    ++counters_.distrusted;
    ++stillborn_;
    back_off(now);
    abandon(connection);
    tell("a connection brought a reply that answers no request of it");
    return;
  }
  stillborn_ = 0;
  if (!reusable) {
    close_idle(connection, "the peer closed a connection after its reply", now);
  } else if (connection.state() == ConnectionState::draining) {
    ++counters_.retired;
    close_idle(connection, "a connection was retired", now);
  } else {
    due_at(now + ping_after_);
    if (is_expiring(connection, now)) next_due_ = std::min(next_due_, now);
  }
}

void Pool::write_check(Connection& connection, RequestToken token, Ns now) noexcept {
  const WriteResult result = write(connection, token, RequestClass::check, settings_.probe_request,
                                   now + ms(settings_.ping_timeout_ms));
  if (result.status != WriteStatus::written) handler_.on_not_checked(token, /*asked=*/true, now);
}

void Pool::note_round_trip(ConnectionNotes& notes, Ns round_trip_ns) noexcept {
  notes.round_trip_ns = notes.round_trip_ns == 0
                            ? round_trip_ns
                            : notes.round_trip_ns + (round_trip_ns - notes.round_trip_ns) / 4;
}

/// Resets the connection; no callback.
void Pool::abandon(Connection& connection) noexcept {
  std::unique_ptr<Link> link = connection.on_lost();
  close_by_reset(*link);
  dialer_->bury(std::move(link));
  count_ready();
  next_due_ = 0;
}

void Pool::lose(Connection& connection, LossReason reason, Ns now) noexcept {
  const ConnectionNotes notes = connection.notes;
  connection.notes.busy = false;
  waits_no_more(connection);
  ++counters_.lost;
  note_if_stillborn(connection, now);
  abandon(connection);
  tell_lost(notes, reason, now);
  tell("a connection was lost with a request outstanding");
}

void Pool::tell_lost(const ConnectionNotes& notes, LossReason reason, Ns now) noexcept {
  switch (notes.request_class) {
    case RequestClass::trade:
    case RequestClass::lookup:
      handler_.on_lost(notes.token, reason, true, now);
      return;
    case RequestClass::ping:
      --pings_outstanding_;
      handler_.on_ping_lost(notes.written_ns, now);
      return;
    case RequestClass::check:
      handler_.on_not_checked(notes.token, /*asked=*/true, now);
      return;
  }
}

void Pool::drop_idle(Connection& connection, LossReason reason, Ns now) noexcept {
  ++counters_.closed_by_peer;
  note_if_stillborn(connection, now);
  abandon(connection);
  tell(reason == LossReason::end_of_stream ? "the peer closed an idle connection"
                                           : "an idle connection was spoilt by the peer");
}

/// A peer that takes connections only to drop them must not be dialed as fast as it does.
void Pool::note_if_stillborn(const Connection& connection, Ns now) noexcept {
  if (connection.notes.requests > 1 || now - connection.notes.adopted_ns >= kStillborn) return;
  ++stillborn_;
  back_off(now);
}

/// Ends a connection on which nothing is outstanding, in good order.
void Pool::close_idle(Connection& connection, std::string_view why, Ns) noexcept {
  std::unique_ptr<Link> link = connection.on_lost();
  close_politely(*link);
  dialer_->bury(std::move(link));
  next_due_ = 0;
  count_ready();
  tell(why);
}

void Pool::close(Ns now) noexcept {
  closed_ = true;
  next_due_ = kNever;
  for (const auto& connection : connections_) {
    if (!connection->established()) continue;
    const ConnectionNotes notes = connection->notes;
    connection->notes.busy = false;
    abandon(*connection);
    if (!notes.busy) continue;
    waits_no_more(*connection);
    tell_lost(notes, LossReason::closed_by_us, now);
  }
  next_due_ = kNever;
}

void Pool::count_ready() noexcept {
  ready_ = static_cast<unsigned>(std::ranges::count_if(
      connections_, [](const auto& connection) { return connection->state() == ConnectionState::ready; }));
}

/// Callbacks come from within do_work only. Just after a write there is something better to do: its reply is
/// read first, and a dial, which wakes another thread, can wait so long.
void Pool::tell_later(std::string_view why, Ns now) noexcept {
  untold_ = why;
  due_at(now + kAfterWrite);
}

void Pool::tell(std::string_view why) noexcept {
  handler_.on_pool_changed(ready_, settings_.connections, why);
}

}  // namespace backhand::net
