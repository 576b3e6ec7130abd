// One relayed connection of the fault proxy: two sockets and a flow of pieces each way. Owned by the proxy's
// one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "common/shm/fd.hpp"
#include "common/time.hpp"
#include "tests/faults/rules.hpp"

namespace backhand::faults {

enum class Side : std::uint8_t { gateway = 0, venue = 1 };
[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::gateway ? Side::venue : Side::gateway;
}

class Relay {
 public:
  /// Both sockets are non-blocking; `venue` may still be connecting.
  Relay(shm::Fd gateway, shm::Fd venue) noexcept;

  [[nodiscard]] int fd(Side side) const noexcept { return sockets_[index(side)].get(); }

  /// `side` may be readable, or has an error. `direction` is the one that starts there.
  void on_readable(Side side, Direction& direction, std::mt19937_64& random, Ns now);
  /// Delivers what is due both ways.
  void deliver(Ns now);
  /// Resets both sides now. on_readable and deliver do nothing from then on.
  void reset();

  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// When deliver has something to do; kNever where only the sockets can tell.
  [[nodiscard]] Ns next_due() const noexcept;
  /// Whether bytes that are due wait for room in the socket of `side`.
  [[nodiscard]] bool wants_room(Side side) const noexcept { return flow_to(side).blocked; }
  /// Whether nothing more is to be heard from `side`.
  [[nodiscard]] bool is_deaf(Side side) const noexcept { return flows_[index(side)].source_ended; }

 private:
  enum class Then : std::uint8_t { nothing, end_of_stream, reset };
  struct Piece {
    Ns due_ns = 0;
    std::string bytes;
    Then then = Then::nothing;
  };
  /// Bytes that come from one side and go to the other.
  struct Flow {
    std::deque<Piece> pieces;
    std::size_t written = 0;  ///< Of the first piece.
    Ns last_due_ns = 0;       ///< Bytes of one stream never overtake each other.
    bool source_ended = false;
    bool swallows = false;  ///< Black hole, or the stream was ended early.
    bool finished = false;  ///< The receiver has seen the end of the stream.
    bool blocked = false;   ///< The receiver's socket is full.
  };

  [[nodiscard]] static constexpr std::size_t index(Side side) noexcept {
    return static_cast<std::size_t>(side);
  }
  [[nodiscard]] const Flow& flow_to(Side side) const noexcept { return flows_[index(other(side))]; }
  void take_piece(Flow& flow, std::string bytes, Direction& direction, std::mt19937_64& random, Ns now);
  void queue(Flow& flow, std::string bytes, Then then, Direction& direction, std::mt19937_64& random, Ns now);
  void on_source_end(Side side, bool by_reset, Ns now);
  void deliver_flow(Side from, Ns now);

  shm::Fd sockets_[2];  ///< By Side.
  Flow flows_[2];       ///< By the Side that they come from.
  bool ended_ = false;
};

}  // namespace backhand::faults
