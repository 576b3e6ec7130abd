#include "tests/venue/rate_counter.hpp"

#include <algorithm>

namespace backhand::venue {

namespace {

/// The multiple of `step` (plus `phase`) at or below `at`, for negative numbers too.
Ns floor_to(Ns at, Ns step, Ns phase) noexcept {
  const Ns shifted = at - phase;
  const Ns rest = ((shifted % step) + step) % step;
  return at - rest;
}

}  // namespace

void TimeWindow::forget_until(Ns oldest) noexcept {
  while (head_ < times_.size() && times_[head_] <= oldest) ++head_;
  if (head_ >= 64 && head_ * 2 >= times_.size()) {
    times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

RateVerdict RateCounter::arrive(Ns now, RateRule rule, const Options& options) {
  last_second_.forget_until(now - kSecond);
  last_second_.add(now);
  max_in_second_ = std::max(max_in_second_, last_second_.count());
  if (!options.limits || rule.limit == 0) return {true, -1};
  const Ns at = floor_to(now, std::max<Ns>(options.counter_resolution_ns, 1), 0);
  switch (options.counting) {
    case Counting::sliding:
      return sliding(at, rule, options);
    case Counting::fixed:
      return windowed(at, floor_to(at, rule.window_ns, options.window_phase_ns), rule, options);
    case Counting::fixed_after_first:
      return windowed(at, at - window_start_ >= rule.window_ns ? at : window_start_, rule, options);
    case Counting::token_bucket:
      return bucket(at, rule);
    case Counting::strict_spacing:
      return strict(at, rule, options);
  }
  return {true, -1};
}

RateVerdict RateCounter::sliding(Ns at, RateRule rule, const Options& options) {
  counted_.forget_until(at - rule.window_ns - (options.window_inclusive ? 1 : 0));
  const bool allowed = counted_.count() < rule.limit;
  if (allowed || options.count_throttled) counted_.add(at);
  const auto used = std::min(counted_.count(), rule.limit);
  return {allowed, static_cast<int>(rule.limit - used)};
}

RateVerdict RateCounter::windowed(Ns at, Ns window_start, RateRule rule, const Options& options) {
  static_cast<void>(at);
  if (window_start != window_start_) {
    window_start_ = window_start;
    in_window_ = 0;
  }
  const bool allowed = in_window_ < rule.limit;
  if (allowed || options.count_throttled) ++in_window_;
  const auto used = std::min(in_window_, rule.limit);
  return {allowed, static_cast<int>(rule.limit - used)};
}

RateVerdict RateCounter::bucket(Ns at, RateRule rule) {
  // The bucket is kept as the time when it will be full again: every token taken moves it by one refill.
  const Ns refill = rule.window_ns / rule.limit;
  const Ns full = std::max(full_again_, at);
  const bool allowed = full - at <= refill * (static_cast<Ns>(rule.limit) - 1);
  full_again_ = allowed ? full + refill : full;
  const Ns missing = (full_again_ - at + refill - 1) / refill;
  return {allowed, static_cast<int>(std::max<Ns>(0, static_cast<Ns>(rule.limit) - missing))};
}

RateVerdict RateCounter::strict(Ns at, RateRule rule, const Options& options) {
  const bool allowed = at - last_ >= rule.window_ns / rule.limit;
  if (allowed || options.count_throttled) last_ = at;
  return {allowed, 0};
}

}  // namespace backhand::venue
