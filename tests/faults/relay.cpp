#include "tests/faults/relay.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/socket.h>

namespace backhand::faults {

namespace {

/// One piece holds at most this many bytes.
constexpr std::size_t kPieceBytes = 16'384;

void close_by_reset(shm::Fd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket.reset();
}

}  // namespace

Relay::Relay(shm::Fd gateway, shm::Fd venue) noexcept : sockets_{std::move(gateway), std::move(venue)} {}

void Relay::on_readable(Side side, Direction& direction, std::mt19937_64& random, Ns now) {
  Flow& flow = flows_[index(side)];
  while (!ended_ && !flow.source_ended) {
    std::string bytes(kPieceBytes, '\0');
    const ssize_t got = ::recv(fd(side), bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got > 0) {
      bytes.resize(static_cast<std::size_t>(got));
      take_piece(flow, std::move(bytes), direction, random, now);
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return;
    on_source_end(side, got < 0, now);
  }
}

void Relay::take_piece(Flow& flow, std::string bytes, Direction& direction, std::mt19937_64& random, Ns now) {
  ++direction.counts.pieces;
  direction.counts.bytes += bytes.size();
  if (flow.swallows) return;
  const bool by_order = direction.ordered_count > 0;
  switch (direction.next_fault(random)) {
    case Fault::none:
      queue(flow, std::move(bytes), Then::nothing, direction, random, now);
      return;
    case Fault::reset:
      reset();
      return;
    case Fault::half_close:
      queue(flow, std::move(bytes), Then::end_of_stream, direction, random, now);
      flow.swallows = true;
      return;
    case Fault::black_hole:
      flow.swallows = true;
      return;
    case Fault::cut: {
      std::size_t keep = by_order ? direction.ordered_cut_bytes : direction.rules.cut_bytes;
      if (keep == 0) keep = random() % (bytes.size() + 1);
      bytes.resize(std::min(keep, bytes.size()));
      queue(flow, std::move(bytes), Then::reset, direction, random, now);
      flow.swallows = true;
      return;
    }
  }
}

void Relay::queue(Flow& flow, std::string bytes, Then then, Direction& direction, std::mt19937_64& random,
                  Ns now) {
  const Rules& rules = direction.rules;
  const Ns delay = rules.draw_delay(random);
  if (delay > 0) ++direction.counts.delayed;
  flow.last_due_ns = std::max(flow.last_due_ns, now + delay);
  if (rules.slice_bytes > 0 && bytes.size() > rules.slice_bytes) {
    ++direction.counts.sliced;
    std::size_t at = 0;
    for (; bytes.size() - at > rules.slice_bytes; at += rules.slice_bytes) {
      flow.pieces.push_back({flow.last_due_ns, bytes.substr(at, rules.slice_bytes), Then::nothing});
      flow.last_due_ns += rules.slice_gap_ns;
    }
    bytes.erase(0, at);
  }
  flow.pieces.push_back({flow.last_due_ns, std::move(bytes), then});
}

void Relay::on_source_end(Side side, bool by_reset, Ns now) {
  Flow& flow = flows_[index(side)];
  Flow& back = flows_[index(other(side))];
  flow.source_ended = true;
  if (by_reset) {
    // Nobody is left to read what was on its way back.
    back.pieces.clear();
    back.written = 0;
    back.blocked = false;
    back.swallows = true;
    if (flow.swallows) {
      reset();
      return;
    }
    // What was sent before the reset still arrives, as late as the network brings it.
    flow.pieces.push_back({std::max(flow.last_due_ns, now), {}, Then::reset});
    return;
  }
  if (!flow.swallows) {
    flow.pieces.push_back({std::max(flow.last_due_ns, now), {}, Then::end_of_stream});
  } else if (back.source_ended) {
    reset();
  }
}

void Relay::deliver(Ns now) {
  for (const Side from : {Side::gateway, Side::venue}) {
    if (!ended_) deliver_flow(from, now);
  }
  if (!ended_ && flows_[0].finished && flows_[1].finished) {
    sockets_[0].reset();
    sockets_[1].reset();
    ended_ = true;
  }
}

void Relay::deliver_flow(Side from, Ns now) {
  Flow& flow = flows_[index(from)];
  const Side to = other(from);
  flow.blocked = false;
  while (!flow.pieces.empty() && flow.pieces.front().due_ns <= now) {
    Piece& piece = flow.pieces.front();
    while (flow.written < piece.bytes.size()) {
      const ssize_t put = ::send(fd(to), piece.bytes.data() + flow.written, piece.bytes.size() - flow.written,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put >= 0) {
        flow.written += static_cast<std::size_t>(put);
      } else if (errno == EAGAIN) {
        flow.blocked = true;
        return;
      } else if (errno != EINTR) {
        reset();
        return;
      }
    }
    const Then then = piece.then;
    flow.written = 0;
    flow.pieces.pop_front();
    if (then == Then::reset) {
      reset();
      return;
    }
    if (then == Then::end_of_stream) {
      (void)::shutdown(fd(to), SHUT_WR);
      flow.finished = true;
    }
  }
}

void Relay::reset() {
  if (ended_) return;
  for (shm::Fd& socket : sockets_) close_by_reset(socket);
  ended_ = true;
}

Ns Relay::next_due() const noexcept {
  Ns due = kNever;
  for (const Flow& flow : flows_) {
    if (!flow.blocked && !flow.pieces.empty()) due = std::min(due, flow.pieces.front().due_ns);
  }
  return due;
}

}  // namespace backhand::faults
