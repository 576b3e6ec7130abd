// One-way network delays between 0 and a cap, from distributions with heavy tails.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "common/time.hpp"

namespace backhand::pacing::test {

/// SplitMix64: small, seeded, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t next() noexcept {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t x = state_;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
  }
  /// In (0, 1).
  double unit() noexcept { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  bool chance(double p) noexcept { return unit() < p; }

 private:
  std::uint64_t state_;
};

enum class Delay : std::uint8_t {
  none,        ///< Exactly zero.
  constant,    ///< Always 2.5 ms: a round trip of 5 ms.
  uniform,     ///< Anything up to the cap.
  log_normal,  ///< Median 8 ms, sigma 1.2.
  pareto,      ///< From 1 ms, shape 1.1: an infinite variance, cut at the cap.
  bimodal,     ///< Mostly 2 ms, now and then hundreds.
};
inline constexpr Ns kDelayCap = 500 * kMillisecond;

inline Ns draw_delay(Delay delay, Random& random) noexcept {
  double ms = 0;
  switch (delay) {
    case Delay::none:
      return 0;
    case Delay::constant:
      return 2'500 * kMicrosecond;
    case Delay::uniform:
      return static_cast<Ns>(random.below(static_cast<std::uint64_t>(kDelayCap) + 1));
    case Delay::log_normal: {
      const double normal =
          std::sqrt(-2 * std::log(random.unit())) * std::cos(2 * std::numbers::pi * random.unit());
      ms = 8 * std::exp(1.2 * normal);
      break;
    }
    case Delay::pareto:
      ms = std::pow(random.unit(), -1 / 1.1);
      break;
    case Delay::bimodal:
      ms = random.chance(0.05) ? 200 + 300 * random.unit() : 2 * random.unit();
      break;
  }
  return std::min(kDelayCap, static_cast<Ns>(ms * static_cast<double>(kMillisecond)));
}

}  // namespace backhand::pacing::test
