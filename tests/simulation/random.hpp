// The one source of chance of a seed: splitmix64, the same on every machine. One thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "common/time.hpp"

namespace backhand::simulation {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed * 0x9e3779b97f4a7c15ULL + 0x1234567ULL) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// 0 … bound − 1; bound ≥ 1.
  std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// low … high, both included.
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  double unit() noexcept { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }
  bool chance(double probability) noexcept { return unit() < probability; }
  /// A delay with a heavy tail (Pareto, α = 1.5) around `typical`, never above `most`.
  Ns heavy(Ns typical, Ns most) noexcept {
    const double u = 1.0 - unit();
    const auto drawn = static_cast<Ns>(static_cast<double>(typical) * 0.63 * std::pow(u, -1.0 / 1.5));
    return drawn < most ? drawn : most;
  }

 private:
  std::uint64_t state_;
};

}  // namespace backhand::simulation
