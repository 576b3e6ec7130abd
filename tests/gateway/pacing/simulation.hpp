// Saturated accounts behind one IP against a venue that counts: the real pacer, a network that delays, loses
// and holds back, and two judges (the venue's counters, and auditors of the pacer's own claim).
#pragma once

#include <cstdint>
#include <string>

#include "common/time.hpp"
#include "delays.hpp"
#include "gateway/pacing/pacer.hpp"
#include "venue_counter.hpp"

namespace backhand::pacing::test {

/// What a wrong pacer or a wrong caller would do; each must be seen by a judge.
enum class Plant : std::uint8_t {
  none,
  window_short_by_1ms,      ///< Slots come back one millisecond early.
  reply_time_ignored,       ///< A slot's time runs from the write.
  no_reply_taken_as_reply,  ///< An aborted request cannot arrive any more.
  no_reply_forgotten,       ///< An aborted request does not count.
  refused_not_counted,      ///< A request that the venue refuses gives its slot back.
  lookups_not_counted_on_ip,
  upkeep_not_counted_on_ip,
  reserve_not_kept,    ///< Reversals may use the whole rule per IP.
  drift_ignored,       ///< No margin at all against a venue whose clock runs fast.
  lead_trader_at_ten,  ///< The limit is not lowered for a lead trader.
  even_not_even,       ///< Burst where even was asked for.
};

struct Scenario {
  Counting counting = Counting::sliding_window;
  Shape shape = Shape::burst;
  Delay delay = Delay::log_normal;
  Plant plant = Plant::none;
  std::uint32_t accounts = 4;
  std::uint32_t lead_traders = 0;  ///< The first so many have 1/s.
  Rule ip_rule{6'000, 60 * kSecond};
  bool lookups = true;  ///< Look-ups and pings whenever they are permitted.
  int drift_ppm = 0;    ///< Of the venue's clock against ours.
  bool millisecond_clock = true;
  double lose_request = 0.001;
  double lose_reply = 0.002;
  double hold_back = 0.001;  ///< Stuck until after our abort; arrives by the hold, at the worst moments.
  double refuse = 0.05;      ///< Refused for other reasons; counts all the same.
  Margins margins;
  std::uint64_t sends = 100'000;  ///< Reversals.
  std::uint64_t seed = 1;
};

struct Result {
  std::uint64_t reversals = 0;
  std::uint64_t lookups = 0;
  std::uint64_t upkeep = 0;
  std::uint64_t throttled = 0;   ///< By the venue's counters.
  std::uint64_t violations = 0;  ///< Of the pacer's own claim.
  Ns elapsed_ns = 0;
  double per_second = 0;  ///< Reversals of one account with the full limit, on average.
};

[[nodiscard]] Result simulate(const Scenario& scenario);
[[nodiscard]] std::string describe(const Scenario& scenario);
[[nodiscard]] const char* name(Counting counting) noexcept;
[[nodiscard]] const char* name(Delay delay) noexcept;
[[nodiscard]] const char* name(Plant plant) noexcept;

}  // namespace backhand::pacing::test
