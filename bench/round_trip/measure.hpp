// What one shot is measured by, and how many shots become percentiles. Harness only; times are
// CLOCK_MONOTONIC, ns.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/time.hpp"

namespace backhand::bench {

/// When each step of one shot happened. Latency counts from `due`, so a shot that is pushed late is slow.
struct Shot {
  Ns due = 0;
  Ns pushed = 0;
  Ns taken = 0;           ///< The subject has copied the intent.
  Ns encoded = 0;         ///< The request is complete.
  Ns write_entered = 0;   ///< The subject is about to call `send`.
  Ns write_returned = 0;  ///< … and has returned; for the gateway, when its event `sent` was published.
  Ns request_seen = 0;    ///< The venue has read it.
  Ns reply_entered = 0;   ///< The venue is about to call `send`.
  Ns readable = 0;        ///< The subject has its first byte; only the floor says so.
  Ns replied = 0;         ///< The subject has read the whole reply.
  Ns visible = 0;         ///< The strategy has the outcome.
};

enum class Stage : std::uint8_t {
  late,              ///< Due → pushed: how far the harness, or the shot before, held it up.
  pick_up,           ///< Pushed → copied by the subject.
  push_to_write,     ///< Pushed → write entered.
  own,               ///< Copied → request complete: everything the subject decides.
  write,             ///< Write entered → returned.
  reply_flight,      ///< Reply about to be handed to the kernel → read from the socket; only the floor's.
  reply_to_outcome,  ///< Reply about to be handed to the kernel → outcome visible.
  outcome,           ///< Due → outcome visible: the whole round trip.
};
inline constexpr std::size_t kStages = 8;
inline constexpr std::array<std::string_view, kStages> kStageNames{
    "late", "pick_up", "push_to_write", "own", "write", "reply_flight", "reply_to_outcome", "outcome"};

[[nodiscard]] constexpr Ns duration(const Shot& shot, Stage stage) noexcept {
  switch (stage) {
    case Stage::late:
      return shot.pushed - shot.due;
    case Stage::pick_up:
      return shot.taken - shot.pushed;
    case Stage::push_to_write:
      return shot.write_entered - shot.pushed;
    case Stage::own:
      return shot.encoded - shot.taken;
    case Stage::write:
      return shot.write_returned - shot.write_entered;
    case Stage::reply_flight:
      return shot.readable == 0 ? 0 : shot.readable - shot.reply_entered;
    case Stage::reply_to_outcome:
      return shot.visible - shot.reply_entered;
    case Stage::outcome:
      return shot.visible - shot.due;
  }
  return 0;
}

struct Percentiles {
  Ns p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;
};

/// Every duration is kept: ratios near 1 must not be blurred by a histogram's steps.
class Samples {
 public:
  void add(const Shot& shot) {
    for (std::size_t s = 0; s < kStages; ++s) values_[s].push_back(duration(shot, static_cast<Stage>(s)));
  }
  void add(const Samples& other) {
    for (std::size_t s = 0; s < kStages; ++s)
      values_[s].insert(values_[s].end(), other.values_[s].begin(), other.values_[s].end());
  }
  void clear() {
    for (auto& values : values_) values.clear();
  }
  [[nodiscard]] std::size_t count() const noexcept { return values_[0].size(); }
  [[nodiscard]] Percentiles of(Stage stage) const {
    std::vector<Ns> sorted = values_[static_cast<std::size_t>(stage)];
    if (sorted.empty()) return {};
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double fraction) {
      const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1) + 0.5);
      return sorted[rank];
    };
    return {at(0.5), at(0.9), at(0.99), at(0.999), sorted.back()};
  }

 private:
  std::array<std::vector<Ns>, kStages> values_;
};

}  // namespace backhand::bench
