// Plays timed intents as a strategy does: pushes each when it is due, hears what becomes of it, and knows
// when every one has its end. Sees the lane through a small port, so that tests play against a made-up
// gateway.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/client/push_result.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/cli/intents.hpp"

namespace backhand::cli {

/// A strategy's end of a lane, and the clock. One thread.
class StrategyEnd {
 public:
  virtual ~StrategyEnd() = default;
  [[nodiscard]] virtual Ns now() = 0;
  [[nodiscard]] virtual std::uint64_t next_id() = 0;
  virtual client::PushResult push(const wire::Intent& intent) = 0;
  virtual void poll(const std::function<void(const wire::Outcome&)>& sink) = 0;
  /// Returns early where there is something to poll.
  virtual void wait(Ns timeout_ns) = 0;
};

/// Told of everything as it happens.
class PlayListener {
 public:
  virtual ~PlayListener() = default;
  /// `line`: where the intent stood in the file; 0 for notices and for events of other runs.
  virtual void on_outcome(const wire::Outcome& outcome, std::uint32_t line) = 0;
  /// The lane was full or gone until the intent's deadline, or refused its id; or its target was not pushed.
  virtual void on_not_pushed(const TimedIntent& intent, std::string_view why) = 0;
};

struct PlaySummary {
  std::uint64_t intents = 0;
  std::map<std::string, std::uint64_t, std::less<>> ends;  ///< How many ended how: "reversed", "denied", …
  /// Every one was reversed or partly reversed (or acked, where that is the end); an arm was sent, a disarm
  /// or withdraw granted.
  bool all_reversed = false;
};

/// `3 intents: 2 reversed, 1 denied`.
[[nodiscard]] std::string to_string(const PlaySummary& summary);

/// Plays `intents`, which are in the order of at_ms. Gives up `timeout_ns` after the last push; intents
/// without an end by then count as "unanswered".
[[nodiscard]] PlaySummary play(std::span<const TimedIntent> intents, StrategyEnd& end, PlayListener& listener,
                               Ns timeout_ns);

}  // namespace backhand::cli
