// Counts requests against one limit, in each of the ways a venue might count. Pure: `now` comes in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/time.hpp"
#include "tests/venue/options.hpp"

namespace backhand::venue {

struct RateRule {
  std::uint32_t limit = 10;
  Ns window_ns = kSecond;
};

struct RateVerdict {
  bool allowed = true;
  int remaining = 0;  ///< Calls left after this one; what x-mbx-used-remain-limit says.
};

/// Times within one window, oldest first.
class TimeWindow {
 public:
  /// Forgets times at or before `oldest`.
  void forget_until(Ns oldest) noexcept;
  void add(Ns at) { times_.push_back(at); }
  [[nodiscard]] std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(times_.size() - head_);
  }

 private:
  std::vector<Ns> times_;
  std::size_t head_ = 0;
};

class RateCounter {
 public:
  /// Counts an arrival and says whether the limit allows it. Options are read each time, so they may change.
  [[nodiscard]] RateVerdict arrive(Ns now, RateRule rule, const Options& options);
  /// The most arrivals in any one second (half open), refused ones too, whatever the scheme.
  [[nodiscard]] std::uint32_t max_in_second() const noexcept { return max_in_second_; }

 private:
  [[nodiscard]] RateVerdict sliding(Ns at, RateRule rule, const Options& options);
  [[nodiscard]] RateVerdict windowed(Ns at, Ns window_start, RateRule rule, const Options& options);
  [[nodiscard]] RateVerdict bucket(Ns at, RateRule rule);
  [[nodiscard]] RateVerdict strict(Ns at, RateRule rule, const Options& options);

  TimeWindow counted_;
  TimeWindow last_second_;
  Ns window_start_ = INT64_MIN / 2;
  Ns full_again_ = INT64_MIN / 2;  ///< Token bucket: when it will be full.
  Ns last_ = INT64_MIN / 2;        ///< Strict spacing: the last counted arrival.
  std::uint32_t in_window_ = 0;
  std::uint32_t max_in_second_ = 0;
};

}  // namespace backhand::venue
