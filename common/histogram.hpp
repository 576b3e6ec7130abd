// A histogram of non-negative 64-bit values (nanoseconds, mostly) in fixed memory: linear within each power
// of two, so the relative error of a percentile is at most 2^-kBits. Recording is a few instructions and
// never allocates. One thread; give a copy away where another wants to read.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace backhand {

class Histogram {
 public:
  /// 64 steps in each power of two: values are told to within 1.6 %. About 30 KB.
  static constexpr unsigned kBits = 6;
  static constexpr std::size_t kSteps = std::size_t{1} << kBits;
  static constexpr std::size_t kBuckets = kSteps * (65 - kBits);

  /// A negative value counts as 0: two clocks' readings may differ by a little.
  void record(std::int64_t value) noexcept {
    const auto v = value < 0 ? 0U : static_cast<std::uint64_t>(value);
    ++counts_[bucket_of(v)];
    ++count_;
    min_ = std::min(min_, v);
    max_ = std::max(max_, v);
    sum_ += v;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// 0 where nothing was recorded, as in the four below.
  [[nodiscard]] std::uint64_t min() const noexcept { return count_ == 0 ? 0 : min_; }
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  /// Sum of all values; wraps after 2^64 ns, 584 years of waiting.
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

  /// The smallest value that at least `fraction` of the records do not exceed, rounded up to its bucket's
  /// end; `fraction` from 0 to 1 (0.5, 0.99, 0.999). Exact at 1: the maximum.
  [[nodiscard]] std::uint64_t percentile(double fraction) const noexcept {
    if (count_ == 0) return 0;
    const double wanted = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_);
    auto rank = static_cast<std::uint64_t>(wanted);
    if (static_cast<double>(rank) < wanted) ++rank;
    rank = std::clamp<std::uint64_t>(rank, 1, count_);
    std::uint64_t seen = 0;
    for (std::size_t b = 0; b < kBuckets; ++b) {
      seen += counts_[b];
      if (seen >= rank) return std::clamp(last_of(b), min_, max_);
    }
    return max_;
  }

  /// Adds everything that `other` has recorded.
  void merge(const Histogram& other) noexcept {
    for (std::size_t b = 0; b < kBuckets; ++b) counts_[b] += other.counts_[b];
    count_ += other.count_;
    min_ = std::min(min_, other.min_);
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
  }

  void clear() noexcept { *this = Histogram{}; }

  /// Which bucket counts `value`, and the last value that bucket `b` counts; for printing the curve.
  [[nodiscard]] static constexpr std::size_t bucket_of(std::uint64_t value) noexcept {
    if (value < kSteps) return static_cast<std::size_t>(value);
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (std::size_t{shift} << kBits) + static_cast<std::size_t>(value >> shift);
  }
  [[nodiscard]] static constexpr std::uint64_t last_of(std::size_t b) noexcept {
    if (b < kSteps) return b;
    const std::size_t shift = (b >> kBits) - 1;
    const std::uint64_t step = (b & (kSteps - 1)) + kSteps;
    return ((step + 1) << shift) - 1;
  }
  [[nodiscard]] std::uint64_t count_in(std::size_t b) const noexcept { return counts_[b]; }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t min_ = UINT64_MAX;
  std::uint64_t max_ = 0;
  std::uint64_t sum_ = 0;
};

static_assert(Histogram::bucket_of(UINT64_MAX) + 1 == Histogram::kBuckets);

}  // namespace backhand
