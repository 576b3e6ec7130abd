// Plays strategy and venue for one subject at a time, on the harness's core: pushes each shot when it is due,
// answers its request, and polls its outcome.
#pragma once

#include <cstdint>
#include <deque>
#include <random>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/round_trip/measure.hpp"
#include "bench/round_trip/spin_venue.hpp"
#include "bench/round_trip/subject.hpp"

namespace backhand::bench {

enum class Pace : std::uint8_t {
  hot,    ///< 20 µs between an outcome and the next shot.
  pause,  ///< 1 ms.
  cold,   ///< 100 ms, in which this core walks twice the last-level cache.
};
inline constexpr std::array<std::string_view, 3> kPaceNames{"hot", "pause", "cold"};

/// A shot went wrong: what was measured is worth nothing.
struct BadShot : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Driver {
 public:
  Driver(venue::Exchange& exchange, SpinVenue& venue, std::size_t cache_bytes);

  /// Makes `subject` the one that is measured, and warms it up. `group`: its connections at the venue.
  void begin(Subject& subject, int group, const std::vector<BenchAccount>& accounts);
  void end();
  /// One shot whose request is checked by the exchange with every check on. Throws BadShot.
  void prove();
  /// `count` shots. Throws BadShot.
  void play(Pace pace, std::size_t count, Samples& out);

 private:
  struct Position {
    std::size_t account = 0;
    std::uint32_t venue_account = 0;
    std::uint32_t contract = 0;
    wire::SymbolName symbol;
    bool is_long = true;  ///< As a subject that does not settle sees it.
    std::uint64_t arm_id = 0;
  };
  struct Lane {
    std::uint64_t next_id = 1;
    std::vector<Position> positions;
    const std::vector<BenchAccount>* accounts = nullptr;
    std::deque<std::uint32_t> free;  ///< Positions that may be reversed, the longest rested first.
    std::unordered_map<std::uint64_t, std::uint32_t> open;  ///< By intent id.
    Ns round_trip = 30 * kMicrosecond;
    Ns ended = 0;  ///< Its subject's last turn.
  };

  [[nodiscard]] Lane& lane_of(int group, const std::vector<BenchAccount>& accounts);
  [[nodiscard]] wire::Intent intent_for(std::uint32_t position);
  void arm(std::uint32_t position);
  void play_burst(Pace pace, std::size_t count, Samples& out);
  /// Of the position that has rested longest.
  [[nodiscard]] Shot shoot(Ns due);
  void wait_until(Ns due, Pace pace);
  void collect();
  void on_event(const wire::Outcome& outcome);
  void wait_for_free(std::size_t wanted);
  void walk_cache(Ns until);
  void check_trouble() const;

  venue::Exchange& exchange_;
  SpinVenue& venue_;
  Subject* subject_ = nullptr;
  Lane* lane_ = nullptr;
  std::unordered_map<int, Lane> lanes_;  ///< By group: ways of one gateway share a lane.
  std::vector<char> cache_;
  std::uint64_t walked_ = 0;
  std::size_t walk_at_ = 0;
};

}  // namespace backhand::bench
