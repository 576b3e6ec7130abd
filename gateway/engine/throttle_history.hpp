// Recognises by its refusals an account that the venue allows less than we were told, a lead trader's above
// all: one reversal a second where ten were expected. Pure; a few bits an account.
#pragma once

#include <bit>
#include <cstdint>

#include "common/time.hpp"

namespace backhand::engine {

class ThrottleHistory {
 public:
  /// The reply to a reversal came. True where the last ten say that only about one a second is let through:
  /// nine in ten were refused; or half of them, and no two that were let through lie closer together. An
  /// account of which nothing is let through any more has another trouble.
  [[nodiscard]] bool on_reply(bool throttled, Ns now) noexcept {
    const bool close = !throttled && passed_ns_ != kNever && now - passed_ns_ < kApart;
    if (!throttled) passed_ns_ = now;
    throttled_ =
        static_cast<std::uint16_t>((std::uint32_t{throttled_} << 1U | (throttled ? 1U : 0U)) & kMask);
    close_ = static_cast<std::uint16_t>((std::uint32_t{close_} << 1U | (close ? 1U : 0U)) & kMask);
    if (seen_ < kReplies) ++seen_;
    if (seen_ < kReplies) return false;
    // All refused since some moment: a ban, or another program, but no limit of one a second.
    if (std::has_single_bit(throttled_ + 1U)) return false;
    const int refused = std::popcount(throttled_);
    return (refused >= kMost && refused < kReplies) ||
           (refused >= kHalf && refused <= kReplies - kPassed && close_ == 0);
  }
  void forget() noexcept { *this = {}; }

 private:
  static constexpr int kReplies = 10;
  static constexpr int kMost = 8;  ///< Nine, less one: a second may begin with two.
  static constexpr int kHalf = 5;
  static constexpr int kPassed = 3;  ///< So many that passed tell of a distance.
  static constexpr Ns kApart = 900 * kMillisecond;
  static constexpr std::uint16_t kMask = (1U << kReplies) - 1;

  std::uint16_t throttled_ = 0;  ///< The last replies as bits, the latest lowest.
  std::uint16_t close_ = 0;      ///< Passed, and soon after the one before that passed.
  std::uint8_t seen_ = 0;
  Ns passed_ns_ = kNever;
};

}  // namespace backhand::engine
