// How many lines of one kind the log gets: so many in a second, and then one that says how many more there
// were. Pure; owned by whoever writes the lines.
#pragma once

#include <cstdint>
#include <utility>

#include "common/time.hpp"

namespace backhand::ingress {

class LineLimit {
 public:
  explicit LineLimit(std::uint32_t most_a_second) noexcept : most_(most_a_second) {}

  /// Whether a line may be written at `now`; if not, it is counted.
  [[nodiscard]] bool allow(Ns now) noexcept {
    if (written_ == 0 || now - begin_ns_ >= kSecond) {
      begin_ns_ = now;
      written_ = 0;
    }
    if (written_ < most_) {
      ++written_;
      return true;
    }
    ++left_out_;
    return false;
  }
  /// When `take_left_out` has something to tell; kNever where nothing was left out.
  [[nodiscard]] Ns summary_due() const noexcept { return left_out_ == 0 ? kNever : begin_ns_ + kSecond; }
  /// How many were left out, once the second in which they came is over; else 0. Call it before `allow`.
  [[nodiscard]] std::uint64_t take_left_out(Ns now) noexcept {
    return now < summary_due() ? 0 : std::exchange(left_out_, 0);
  }

 private:
  std::uint32_t most_;
  std::uint32_t written_ = 0;  ///< Since begin_ns_.
  Ns begin_ns_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace backhand::ingress
