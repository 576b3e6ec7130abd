#include "gateway/net/connection.hpp"

#include <cerrno>

#include <sys/socket.h>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "gateway/net/settings.hpp"

namespace backhand::net {
namespace {

// Bounds one turn: a peer that sends without end must not keep the loop from the other connections.
constexpr int kReadsPerTurn = 4;

}  // namespace

BH_ON_PATH Ns read_clock() noexcept { return monotonic_now(); }

void Connection::step(ConnectionEvent event) noexcept {
  const std::optional<ConnectionState> next = next_state(state_, event);
  BH_ASSERT(next.has_value());
  state_ = *next;
}

void Connection::on_handed_over(std::unique_ptr<Link> link) noexcept {
  BH_ASSERT(link_ == nullptr);
  // Looked up, connected and shaken hands with on the dialing thread.
  step(ConnectionEvent::dial);
  step(ConnectionEvent::resolved);
  step(ConnectionEvent::connected);
  step(ConnectionEvent::handed_over);
  link_ = std::move(link);
  ended_ = false;
  readable_ns_ = 0;
  replied_ns_ = 0;
  notes = {};
}

void Connection::on_retire() noexcept {
  if (state_ != ConnectionState::draining) step(ConnectionEvent::retire);
}

std::unique_ptr<Link> Connection::on_lost() noexcept {
  step(ConnectionEvent::lost);
  return std::move(link_);
}

BH_ON_PATH bool Connection::encrypt(std::span<const char> bytes) noexcept {
  return link_->tls.output().empty() && link_->tls.encrypt(bytes);
}

BH_ON_PATH WriteStatus Connection::push(Ns (*clock)() noexcept) noexcept {
  const std::span<const char> record = link_->tls.output();
  notes.written_ns = clock();
  const ssize_t taken = ::send(link_->fd, record.data(), record.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (taken <= 0) return WriteStatus::not_written;
  link_->tls.sent(static_cast<std::size_t>(taken));
  // After the write, which nothing should hold up; this thread reads no reply before it comes back.
  link_->exchange.begin();
  readable_ns_ = 0;
  notes.busy = true;
  ++notes.requests;
  return WriteStatus::written;
}

bool Connection::flush() noexcept {
  const std::span<const char> rest = link_->tls.output();
  const ssize_t taken = ::send(link_->fd, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (taken > 0) link_->tls.sent(static_cast<std::size_t>(taken));
  return taken > 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

BH_ON_PATH ReadResult Connection::read(Ns (*clock)() noexcept) noexcept {
  ReadResult result = ReadResult::nothing;
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const std::span<char> room = link_->tls.input_space();
    const ssize_t got = ::recv(link_->fd, room.data(), room.size(), MSG_DONTWAIT);
    if (got < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return result;
      return broken(LossReason::reset);
    }
    if (readable_ns_ == 0 && notes.busy) readable_ns_ = clock();
    if (got == 0) return on_end(false, clock);
    link_->tls.received(static_cast<std::size_t>(got));
    result = decrypt(clock);
    if (result != ReadResult::more || static_cast<std::size_t>(got) < room.size()) return result;
  }
  return result;
}

BH_ON_PATH ReadResult Connection::decrypt(Ns (*clock)() noexcept) noexcept {
  TlsSession& tls = link_->tls;
  HttpExchange& exchange = link_->exchange;
  for (;;) {
    const std::span<char> room = exchange.space();
    if (room.empty()) {
      // Only behind a whole reply that fills the buffer to its end; what may follow is of no interest.
      ended_ = true;
      return ReadResult::reply;
    }
    std::size_t count = 0;
    switch (tls.read(room, count)) {
      case TlsReadStatus::bytes:
        break;
      case TlsReadStatus::more:
        if (exchange.state() == ExchangeState::replied) return ReadResult::reply;
        // Waiting for a reply, a spoilt connection is kept for it; otherwise nothing is worth waiting for.
        if (tls.spoiled() && exchange.state() == ExchangeState::idle) return broken(LossReason::tls_error);
        return ReadResult::more;
      case TlsReadStatus::closed:
        return on_end(true, clock);
      case TlsReadStatus::failed:
        ended_ = true;
        // A reply that was whole before the stream broke is a reply.
        return exchange.state() == ExchangeState::replied ? ReadResult::reply : broken(LossReason::tls_error);
    }
    const bool was_replied = exchange.state() == ExchangeState::replied;
    switch (exchange.commit(count)) {
      case FeedStatus::need_more:
        break;
      case FeedStatus::complete:
        if (!was_replied) replied_ns_ = clock();
        if (was_replied || tls.input_is_used_up()) return ReadResult::reply;
        break;
      case FeedStatus::malformed:
        return broken(LossReason::malformed_reply);
      case FeedStatus::too_large:
        return broken(LossReason::too_large);
      case FeedStatus::unsolicited_bytes:
        return broken(LossReason::unsolicited_bytes);
    }
  }
}

ReadResult Connection::on_end(bool orderly, Ns (*clock)() noexcept) noexcept {
  ended_ = true;
  const bool was_replied = link_->exchange.state() == ExchangeState::replied;
  if (link_->exchange.end_of_stream(orderly) != FeedStatus::complete)
    return broken(LossReason::end_of_stream);
  if (!was_replied) replied_ns_ = clock();
  return ReadResult::reply;
}

ReadResult Connection::broken(LossReason trouble) noexcept {
  trouble_ = trouble;
  return ReadResult::broken;
}

bool Connection::reusable() const noexcept {
  return !ended_ && !link_->tls.spoiled() && link_->tls.output().empty() && link_->exchange.reusable();
}

void close_by_reset(Link& link) noexcept {
  const linger abort_now{1, 0};
  ::setsockopt(link.fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof abort_now);
  ::close(link.fd);
  link.fd = -1;
}

void close_politely(Link& link) noexcept {
  if (link.tls.output().empty()) {
    link.tls.say_goodbye();
    const std::span<const char> bytes = link.tls.output();
    // Whether it arrives does not matter: nothing is outstanding.
    (void)::send(link.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  ::close(link.fd);
  link.fd = -1;
}

}  // namespace backhand::net
