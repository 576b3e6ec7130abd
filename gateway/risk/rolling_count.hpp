// Counting in fixed memory: an exact limit per second, and bucketed counts over a minute and a day that err
// to the high side.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "common/prefetch.hpp"
#include "common/time.hpp"

namespace backhand::risk {

/// At most `limit` in any `window`; exact. Memory: `limit` times 8 bytes.
class SlidingLimit {
 public:
  SlidingLimit(std::uint32_t limit, Ns window)
      : times_(std::make_unique<Ns[]>(limit)), limit_(limit), window_(window) {
    std::fill_n(times_.get(), limit, INT64_MIN / 2);
  }
  /// Counts one more and says true, or counts nothing.
  [[nodiscard]] bool admit(Ns now) noexcept {
    if (limit_ == 0 || now - times_[next_] < window_) return false;
    times_[next_] = now;
    next_ = next_ + 1 == limit_ ? 0 : next_ + 1;
    return true;
  }
  /// One is about to come: a hint to the cache.
  void expect() const noexcept { prefetch_line_to_write(&times_[next_]); }

 private:
  std::unique_ptr<Ns[]> times_;  ///< The last `limit` times, oldest at next_.
  std::uint32_t limit_;
  std::uint32_t next_ = 0;
  Ns window_;
};

/// How many in the last `Buckets` times `Width`, and up to one `Width` more: the oldest bucket counts whole
/// until all of it is out of the window.
template <std::size_t Buckets, Ns Width>
class RollingCount {
 public:
  void add(Ns now) noexcept {
    advance(number(now));
    std::uint16_t& bucket = counts_[slot(newest_)];
    if (bucket == UINT16_MAX) return;
    ++bucket;
    ++total_;
  }
  [[nodiscard]] std::uint32_t count(Ns now) const noexcept {
    if (total_ == 0) return 0;
    const std::int64_t passed = number(now) - newest_;
    if (passed <= 0) return total_;
    if (passed >= kSlots) return 0;
    // The oldest buckets, as many as have passed since the newest one was begun, are out.
    std::uint32_t sum = total_;
    std::size_t at = slot(newest_);
    for (std::int64_t i = 1; i <= passed; ++i) {
      at = at + 1 < counts_.size() ? at + 1 : 0;
      sum -= counts_[at];
    }
    return sum;
  }

 private:
  static constexpr std::int64_t kSlots = static_cast<std::int64_t>(Buckets) + 1;
  [[nodiscard]] static constexpr std::int64_t number(Ns now) noexcept {
    return now >= 0 ? now / Width : -((-now + Width - 1) / Width);
  }
  [[nodiscard]] static constexpr std::size_t slot(std::int64_t bucket) noexcept {
    return static_cast<std::size_t>(((bucket % kSlots) + kSlots) % kSlots);
  }
  /// Empties the buckets between the newest one and this one; a time that goes back counts as the newest.
  void advance(std::int64_t bucket) noexcept {
    if (bucket <= newest_) return;
    const std::int64_t steps = std::min(bucket - newest_, kSlots);
    for (std::int64_t i = 0; i < steps; ++i) clear(counts_[slot(bucket - i)]);
    newest_ = bucket;
  }

  void clear(std::uint16_t& bucket) noexcept {
    total_ -= bucket;
    bucket = 0;
  }

  std::array<std::uint16_t, Buckets + 1> counts_{};
  std::uint32_t total_ = 0;  ///< Of all buckets.
  std::int64_t newest_ = INT64_MIN / 4;
};

using MinuteCount = RollingCount<12, 5 * kSecond>;
using DayCount = RollingCount<24, 3'600 * kSecond>;

}  // namespace backhand::risk
