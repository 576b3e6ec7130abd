// What the fault proxy may do to one direction of a connection, and how often it did. Rules come as JSON over
// the control port; chances are drawn from one seeded generator, so that a run can be had again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <random>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "common/error.hpp"
#include "common/time.hpp"

namespace backhand::faults {

/// What strikes a piece of bytes as it is read.
enum class Fault : std::uint8_t {
  none,
  reset,       ///< Both sides are reset at once; this piece is never delivered.
  half_close,  ///< This piece is delivered, then the receiver sees the end of the stream; the other way
               ///< lives.
  black_hole,  ///< This piece and all that follows in this direction is swallowed; nobody is told.
  cut,         ///< The first `cut_bytes` of this piece are delivered, then both sides are reset.
};
inline constexpr std::size_t kFaults = 5;
[[nodiscard]] const char* to_string(Fault fault) noexcept;

struct Rules {
  /// Each piece waits delay + uniform(0, jitter) + tail × (Pareto of `tail_shape` − 1), at most max_delay.
  Ns delay_ns = 0;
  Ns jitter_ns = 0;
  Ns tail_ns = 0;
  double tail_shape = 1.5;
  Ns max_delay_ns = 500 * kMillisecond;
  std::size_t slice_bytes = 0;  ///< Pieces of so many bytes, written one by one; 0: as they came.
  Ns slice_gap_ns = 0;          ///< Between two slices.
  std::size_t cut_bytes = 0;    ///< Where a cut is made; 0: anywhere in the piece, drawn.
  double chance[kFaults] = {};  ///< For each piece, by Fault.

  [[nodiscard]] Ns draw_delay(std::mt19937_64& random) const;
  [[nodiscard]] Fault draw_fault(std::mt19937_64& random) const;
  /// Overwrites the fields that `json` names (delay_ms, reset, …). The error names what is wrong.
  [[nodiscard]] std::expected<void, Error> update(const nlohmann::json& json);
};

struct Counts {
  std::uint64_t struck[kFaults] = {};  ///< By Fault.
  std::uint64_t pieces = 0;
  std::uint64_t bytes = 0;
  std::uint64_t delayed = 0;
  std::uint64_t sliced = 0;
};

/// One direction: what may happen, what must happen to the next pieces, what has happened.
struct Direction {
  Rules rules;
  Fault ordered = Fault::none;  ///< Strikes the next `ordered_count` pieces, whatever the chances say.
  std::uint64_t ordered_count = 0;
  std::size_t ordered_cut_bytes = 0;
  Counts counts;

  [[nodiscard]] Fault next_fault(std::mt19937_64& random);
  [[nodiscard]] std::expected<void, Error> order(const nlohmann::json& json);
  [[nodiscard]] nlohmann::json counts_json() const;
};

}  // namespace backhand::faults
