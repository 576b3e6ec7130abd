// The slower half of the pool: taking over what was dialed, and what is due by time (time-outs, retirements,
// pings, dials).
#include <algorithm>

#include <sys/epoll.h>

#include "common/assert.hpp"
#include "gateway/net/connection.hpp"
#include "gateway/net/dialer.hpp"
#include "gateway/net/pool.hpp"

namespace backhand::net {
namespace {

// Where something due must wait for a permission or a free connection, it is tried again after so long.
constexpr Ns kRetry = 10 * kMillisecond;

}  // namespace

int Pool::take_over(Ns now) noexcept {
  if (dialing_ == 0) return 0;
  int work = 0;
  for (DialResult result; dialing_ > 0 && dialer_->try_take(result); result = {}) {
    --dialing_;
    ++work;
    next_due_ = 0;
    if (result.link == nullptr) {
      ++counters_.dials_failed;
      ++failures_;
      back_off(now);
      handler_.on_dial_failed(now);
      tell(result.problem);
    } else {
      adopt(result, now);
    }
  }
  return work;
}

void Pool::adopt(DialResult& result, Ns now) noexcept {
  const auto place = std::ranges::find_if(connections_, [](const auto& c) { return !c->established(); });
  // A dial is begun only for a place that is left.
  BH_ASSERT(place != connections_.end());
  Connection& connection = **place;
  connection.on_handed_over(std::move(result.link));
  ConnectionNotes& notes = connection.notes;
  notes.adopted_ns = now;
  notes.last_used_ns = now;
  notes.requests = 1;
  note_round_trip(notes, result.probe_replied_ns - result.probe_written_ns);
  watch(connection);
  ++counters_.handed_over;
  if (!result.problem.empty()) tell(result.problem);
  failures_ = 0;
  ReplyView reply = connection.exchange().reply();
  reply.readable_ns = result.probe_readable_ns;
  reply.replied_ns = result.probe_replied_ns;
  reply.connection = connection.place();
  notes.busy = true;  // As for any reply: its buffer is not to be taken by a request sent from within.
  handler_.on_ping(reply, result.probe_written_ns);
  notes.busy = false;
  notes.distrusted = false;  // With nothing asked before, nothing can be mistaken for the next answer.
  connection.exchange().finish();
  count_ready();
  tell("a connection is ready");
  trim(now);
}

/// Retires what is over the wanted number: first what is at its end anyway, then the most used.
void Pool::trim(Ns now) noexcept {
  while (ready_ > settings_.connections) {
    Connection* surplus = nullptr;
    const auto rank = [&](const Connection& c) { return std::pair(is_expiring(c, now), c.notes.requests); };
    for (const auto& connection : connections_) {
      const bool idle = connection->state() == ConnectionState::ready && !connection->notes.busy;
      if (idle && (surplus == nullptr || rank(*connection) > rank(*surplus))) surplus = connection.get();
    }
    if (surplus == nullptr) return;  // All carry something; the next upkeep comes back to it.
    ++counters_.retired;
    close_idle(*surplus, "a connection was retired", now);
  }
}

void Pool::back_off(Ns now) noexcept {
  if (now < next_dial_) return;  // Dials that ran beside the one that already counted.
  const unsigned doublings = std::min(failures_ + stillborn_ - 1, 20U);
  const Ns pause = std::min(ms(settings_.backoff_max_ms), ms(settings_.backoff_min_ms) << doublings);
  next_dial_ = now + std::uniform_int_distribution<Ns>(pause / 2, pause)(jitter_);
}

int Pool::upkeep(Ns now) noexcept {
  int work = 0;
  next_due_ = kNever;
  if (!untold_.empty()) {
    tell(untold_);
    untold_ = {};
  }
  for (const auto& connection : connections_) {
    if (connection->established()) work += upkeep_of(*connection, now);
  }
  trim(now);
  work += ping_idle(now);
  work += dial(now);
  // Whatever closed or lost a connection meanwhile asked for another turn; it is at most one retry away.
  if (next_due_ <= now) next_due_ = now + kMillisecond;
  return work;
}

int Pool::upkeep_of(Connection& connection, Ns now) noexcept {
  ConnectionNotes& notes = connection.notes;
  if (notes.busy) {
    if (now < notes.deadline_ns) {
      due_at(notes.held_until_ns != 0 ? notes.held_until_ns : notes.deadline_ns);
      return 0;
    }
    // What has already arrived is a reply, however late this thread looks.
    look(connection, now);
    if (connection.established() && notes.busy) lose(connection, LossReason::timeout, now);
    return 1;
  }
  const Ns end = notes.last_used_ns + ms(settings_.max_idle_ms);
  if (now < end) {
    // In time for its replacement, too.
    const Ns last_quarter = notes.last_used_ns + ms(settings_.max_idle_ms) * 3 / 4;
    due_at(now < last_quarter ? last_quarter : end);
    return 0;
  }
  ++counters_.retired;
  close_idle(connection, "a connection was idle for too long", now);
  return 1;
}

int Pool::ping_idle(Ns now) noexcept {
  int work = 0;
  const unsigned at_once = std::max(1U, settings_.connections / 4);
  for (;;) {
    Connection* oldest = nullptr;
    for (const auto& connection : connections_) {
      if (!is_free(*connection, now)) continue;
      if (oldest == nullptr || connection->notes.last_used_ns < oldest->notes.last_used_ns) {
        oldest = connection.get();
      }
    }
    if (oldest == nullptr) return work;
    const Ns due = oldest->notes.last_used_ns + ping_after_;
    if (now < due) {
      due_at(due);
      return work;
    }
    const bool room = free(now) >= 2 && pings_outstanding_ < at_once;
    if (!room || !handler_.may_ping(now)) {
      due_at(now + kRetry);
      return work;
    }
    const WriteResult result =
        write(*oldest, {}, RequestClass::ping, settings_.probe_request, now + ms(settings_.ping_timeout_ms));
    if (result.status != WriteStatus::written) return work;
    ++pings_outstanding_;
    ++counters_.pings;
    ++work;
  }
}

int Pool::dial(Ns now) noexcept {
  const auto lasting = static_cast<unsigned>(std::ranges::count_if(connections_, [&](const auto& connection) {
    return connection->state() == ConnectionState::ready && !is_expiring(*connection, now);
  }));
  const auto places_left = static_cast<unsigned>(
      std::ranges::count_if(connections_, [](const auto& connection) { return !connection->established(); }));
  // While dials fail, one at a time finds out whether that is over.
  const unsigned at_once = failures_ + stillborn_ > 0 ? 1 : settings_.connections;
  // Handshakes over time are bounded; a full set at once is not.
  const Ns interval = kSecond / settings_.dials_per_second;
  const Ns burst = interval * (settings_.connections - 1);
  int work = 0;
  while (lasting + dialing_ < settings_.connections && dialing_ < places_left && dialing_ < at_once) {
    const Ns allowed = std::max(next_dial_, dial_credit_ - burst);
    if (now < allowed) {
      due_at(allowed);
      return work;
    }
    if (!handler_.may_dial(now)) {
      due_at(now + kRetry);
      return work;
    }
    dial_credit_ = std::max(dial_credit_, now) + interval;
    ++dialing_;
    ++counters_.dials;
    ++work;
    dialer_->dial();
  }
  return work;
}

void Pool::watch(Connection& connection) noexcept {
  if (epoll_fd_ < 0) return;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = connection.place();
  // Closing the descriptor takes it out again. Where the kernel has no memory for it, look_at_idle and the
  // deadline still find what comes.
  (void)::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, connection.fd(), &event);
}

void Pool::watch_for_room(Connection& connection, bool wanted) noexcept {
  if (epoll_fd_ < 0 || connection.notes.watched_room == wanted) return;
  connection.notes.watched_room = wanted;
  epoll_event event{};
  event.events = wanted ? EPOLLIN | EPOLLOUT : static_cast<std::uint32_t>(EPOLLIN);
  event.data.u32 = connection.place();
  (void)::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd(), &event);
}

}  // namespace backhand::net
