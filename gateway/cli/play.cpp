#include "gateway/cli/play.hpp"

#include <algorithm>

#include "common/wire/names.hpp"

namespace backhand::cli {
namespace {

/// How long to let a full or absent lane be before the push is tried again.
constexpr Ns kRetry_ns = kMillisecond;

std::string_view why_not_pushed(client::PushResult result) noexcept {
  switch (result) {
    case client::PushResult::ok:
      return "pushed";
    case client::PushResult::full:
      return "the lane was full until its deadline";
    case client::PushResult::bad_id:
      return "its id is not above the lane's last one";
    case client::PushResult::detached:
      return "there was no gateway until its deadline";
    case client::PushResult::broken:
      return "the lane's memory was corrupt until its deadline";
  }
  return "?";
}

/// Pushed and without an end.
struct Open {
  const TimedIntent* timed;
  std::uint64_t target;  ///< The id that it names; 0: none.
};

class Player {
 public:
  Player(std::span<const TimedIntent> intents, StrategyEnd& end, PlayListener& listener)
      : intents_(intents), end_(end), listener_(listener), start_ns_(end.now()) {
    summary_.intents = intents.size();
  }

  PlaySummary run(Ns timeout_ns) {
    Ns give_up_ns = kNever;
    while (true) {
      hear();
      const Ns wake_ns = push_what_is_due();
      if (next_ == intents_.size()) {
        if (open_.empty()) break;
        if (give_up_ns == kNever) give_up_ns = end_.now() + timeout_ns;
        if (end_.now() >= give_up_ns) break;
      }
      end_.wait(std::max<Ns>(std::min(wake_ns, give_up_ns) - end_.now(), 0));
    }
    if (!open_.empty()) summary_.ends["unanswered"] = open_.size();
    summary_.all_reversed = good_ == summary_.intents;
    return std::move(summary_);
  }

 private:
  [[nodiscard]] Ns due(const TimedIntent& timed) const noexcept {
    return start_ns_ + timed.at_ms * kMillisecond;
  }

  void hear() {
    end_.poll([this](const wire::Outcome& outcome) { on_outcome(outcome); });
  }

  void on_outcome(const wire::Outcome& outcome) {
    const auto found = open_.find(outcome.intent_id);
    const bool ours = outcome.intent_id != 0 && found != open_.end();
    listener_.on_outcome(outcome, ours ? found->second.timed->line : 0);
    if (!ours || !wire::is_terminal(outcome)) return;
    const bool is_settled = outcome.kind == wire::EventKind::settled;
    finish(is_settled ? wire::to_string(outcome.result) : wire::to_string(outcome.kind));
    if (is_good(outcome)) ++good_;
    const std::uint64_t target = found->second.target;
    open_.erase(found);
    if (outcome.deny_reason == wire::DenyReason::withdrawn) grant(outcome.intent_id, target);
  }

  static bool is_good(const wire::Outcome& outcome) noexcept {
    switch (outcome.kind) {
      case wire::EventKind::settled:
        return outcome.result == wire::SettledResult::reversed ||
               outcome.result == wire::SettledResult::partly_reversed;
      case wire::EventKind::acked:
        return true;
      case wire::EventKind::disarmed:
        return outcome.deny_reason == wire::DenyReason::none;
      default:
        return false;
    }
  }

  /// Intent `withdrawn` was taken back: the asking intent has no event of its own. The gateway takes them in
  /// the order of their ids, so it was the lowest that is open. A disarm that takes back a waiting fire
  /// (`shot`: what that was to fire) has its end with the shot's.
  void grant(std::uint64_t withdrawn, std::uint64_t shot) {
    const auto asking = std::ranges::find_if(open_, [&](const auto& entry) {
      if (entry.second.timed->intent.kind == wire::IntentKind::fire) return false;
      return entry.second.target == withdrawn || (shot != 0 && entry.second.target == shot);
    });
    if (asking == open_.end() || asking->second.target != withdrawn) return;
    finish("granted");
    ++good_;
    open_.erase(asking);
  }

  /// When to look again: the next push, or the next attempt at one.
  Ns push_what_is_due() {
    while (next_ < intents_.size()) {
      const TimedIntent& timed = intents_[next_];
      const Ns now = end_.now();
      if (due(timed) > now) return due(timed);
      if (!push(timed, now)) return now + kRetry_ns;
      ++next_;
    }
    return kNever;
  }

  /// False where it should be tried again.
  bool push(const TimedIntent& timed, Ns now) {
    wire::Intent intent = timed.intent;
    if (timed.target_line != 0) {
      const auto target = pushed_.find(timed.target_line);
      if (target == pushed_.end()) {
        lose(timed, "its target was not pushed");
        return true;
      }
      intent.target_id = target->second;
    }
    if (intent.id == 0) intent.id = end_.next_id();
    intent.created_ns = now;
    intent.deadline_ns = due(timed) + timed.deadline_ms * kMillisecond;
    const client::PushResult result = end_.push(intent);
    if (result == client::PushResult::ok) {
      pushed_[timed.line] = intent.id;
      open_.emplace(intent.id, Open{&timed, intent.target_id});
      return true;
    }
    if (result != client::PushResult::bad_id && now < intent.deadline_ns) return false;
    lose(timed, why_not_pushed(result));
    return true;
  }

  void lose(const TimedIntent& timed, std::string_view why) {
    listener_.on_not_pushed(timed, why);
    finish("not_pushed");
  }

  void finish(std::string_view how) { ++summary_.ends[std::string{how}]; }

  std::span<const TimedIntent> intents_;
  StrategyEnd& end_;
  PlayListener& listener_;
  Ns start_ns_;
  std::size_t next_ = 0;                           ///< The first intent that was not pushed yet.
  std::map<std::uint64_t, Open> open_;             ///< Pushed and without an end, by id.
  std::map<std::uint32_t, std::uint64_t> pushed_;  ///< The ids of all that were, by line.
  std::uint64_t good_ = 0;
  PlaySummary summary_;
};

}  // namespace

std::string to_string(const PlaySummary& summary) {
  std::string out = std::to_string(summary.intents) + (summary.intents == 1 ? " intent:" : " intents:");
  bool first = true;
  for (const auto& [how, count] : summary.ends) {
    out += (first ? " " : ", ") + std::to_string(count) + " " + how;
    first = false;
  }
  return out;
}

PlaySummary play(std::span<const TimedIntent> intents, StrategyEnd& end, PlayListener& listener,
                 Ns timeout_ns) {
  return Player{intents, end, listener}.run(timeout_ns);
}

}  // namespace backhand::cli
