// The ways in which a venue may count requests against one rule, on its own clock. Written for these tests
// alone, so that the pacer is judged by code that shares nothing with it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "common/time.hpp"

namespace backhand::pacing::test {

enum class Counting : std::uint8_t {
  fixed_window,      ///< Windows side by side on the venue's clock.
  fixed_from_first,  ///< A window starts with the first request after the last one's end.
  sliding_window,    ///< Any window, its end included.
  token_bucket,      ///< Capacity and refill of one window's allowance.
  strict_spacing,    ///< Requests at least window / requests apart.
};

/// One rule as the venue counts it. Arrivals come in the order of its clock.
class VenueCounter {
 public:
  VenueCounter(Counting counting, std::uint32_t requests, Ns window, Ns phase)
      : counting_(counting), requests_(requests), window_(window), phase_(phase), tokens_(window) {
    if (counting == Counting::sliding_window) times_.assign(requests, INT64_MIN / 2);
  }

  /// Counts one arrival; false: the venue throttles it.
  bool arrive(Ns at) noexcept {
    switch (counting_) {
      case Counting::fixed_window:
        return in_window((at + phase_) / window_ * window_);
      case Counting::fixed_from_first:
        return in_window(at >= start_ + window_ ? at : start_);
      case Counting::sliding_window:
        return slide(at);
      case Counting::token_bucket:
        return draw(at);
      case Counting::strict_spacing: {
        const bool apart = at - last_ >= window_ / requests_;
        last_ = at;
        return apart;
      }
    }
    return false;
  }

 private:
  bool in_window(Ns start) noexcept {
    if (start != start_) {
      start_ = start;
      count_ = 0;
    }
    return ++count_ <= requests_;
  }
  bool slide(Ns at) noexcept {
    const bool within = at - times_[next_] > window_;
    times_[next_] = at;
    next_ = next_ + 1 == requests_ ? 0 : next_ + 1;
    return within;
  }
  /// Tokens are counted in nanoseconds of refill, so that nothing is rounded.
  bool draw(Ns at) noexcept {
    tokens_ = std::min(window_, tokens_ + (at - last_));
    last_ = at;
    const Ns price = window_ / requests_;
    if (tokens_ < price) return false;
    tokens_ -= price;
    return true;
  }

  Counting counting_;
  std::uint32_t requests_;
  Ns window_;
  Ns phase_;
  Ns start_ = INT64_MIN / 2;
  std::uint32_t count_ = 0;
  Ns last_ = INT64_MIN / 2;
  Ns tokens_;
  std::vector<Ns> times_;
  std::uint32_t next_ = 0;
};

/// Holds the pacer to its own claim, on our clock and to the nanosecond: no `requests` + 1 arrivals within
/// less than `span`. Sharper than any venue.
class Auditor {
 public:
  Auditor(std::uint32_t requests, Ns span) : times_(requests, INT64_MIN / 2), span_(span) {}

  /// Counts one arrival, in the order of time; false: the claim is broken.
  bool arrive(Ns at) noexcept {
    const bool held = at - times_[next_] >= span_;
    times_[next_] = at;
    next_ = next_ + 1 == times_.size() ? 0 : next_ + 1;
    return held;
  }

 private:
  std::vector<Ns> times_;
  std::size_t next_ = 0;
  Ns span_;
};

}  // namespace backhand::pacing::test
