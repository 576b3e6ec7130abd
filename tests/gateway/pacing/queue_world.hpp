// One pacer with virtual time and a venue that answers after a round trip, for tests of who goes when. Judges
// each choice by a plain list of what waits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <vector>

#include "delays.hpp"
#include "gateway/pacing/pacer.hpp"

namespace backhand::pacing::test {

/// What a wrong scheduler would do, brought about from outside it.
enum class QueuePlant : std::uint8_t {
  none,
  priority_inverted,
  deadline_order_ignored,    ///< First come, first served.
  deadline_not_looked_at,    ///< Neither when it is queued nor before the write.
  prediction_not_looked_at,  ///< Hopeless intents are queued and expire.
};

struct Served {
  Waiting intent;
  Ns at;
};

class QueueWorld {
 public:
  explicit QueueWorld(const Settings& settings, Ns round_trip = 5 * kMillisecond,
                      QueuePlant plant = QueuePlant::none, Delay jitter = Delay::none)
      : pacer(settings),
        round_trip_(round_trip),
        plant_(plant),
        jitter_(jitter),
        open_(settings.scheduler.max_waiting) {
    for (std::uint32_t h = settings.scheduler.max_waiting; h-- > 0;) free_.push_back(h);
  }

  /// Submits as the engine would; `handle` is chosen here.
  SubmitResult submit(Waiting intent) {
    run_until(now);
    intent.handle = free_.back();
    Waiting shown = intent;
    if (plant_ == QueuePlant::priority_inverted)
      shown.priority = static_cast<std::uint8_t>(7 - intent.priority);
    if (plant_ == QueuePlant::deadline_order_ignored) shown.deadline_ns = now + 60 * kSecond;
    if (plant_ == QueuePlant::deadline_not_looked_at || plant_ == QueuePlant::prediction_not_looked_at) {
      shown.deadline_ns += 3'600 * kSecond;
    }
    Ticket ticket;
    const SubmitResult result = pacer.submit(shown, now, ticket);
    last_handle = intent.handle;
    if (result.status == SubmitStatus::ready) {
      judge(intent);
      write(intent, ticket);
    } else if (result.status == SubmitStatus::queued) {
      free_.pop_back();
      open_[intent.handle] = intent;
      waiting.push_back(intent);
    } else {
      ++denied_at_once;
    }
    return result;
  }

  bool withdraw(std::uint32_t handle) {
    if (!pacer.withdraw(handle)) return false;
    forget(handle);
    return true;
  }

  void run_until(Ns end) {
    turn();
    while (now < end) {
      Ns next = std::min({end, pacer.next_due(now), pacer.next_correction()});
      if (!replies_.empty()) next = std::min(next, replies_.top().at);
      now = std::max(now, next);
      while (!replies_.empty() && replies_.top().at <= now) {
        Reply reply = replies_.top();
        replies_.pop();
        pacer.on_reply(reply.ticket, now);
      }
      turn();
    }
  }

  Pacer pacer;
  Ns now = kSecond;
  std::vector<Waiting> waiting;  ///< In the order of coming.
  std::vector<Served> served;
  std::vector<Correction> corrections;
  std::uint32_t last_handle = 0;
  std::uint64_t denied_at_once = 0;
  std::uint64_t expired = 0;
  std::uint64_t wrong_order = 0;
  std::uint64_t late = 0;  ///< Written after the deadline.

 private:
  struct Reply {
    Ns at;
    Ticket ticket;
    bool operator>(const Reply& other) const noexcept { return at > other.at; }
  };

  void turn() {
    Waiting out;
    Ticket ticket;
    for (Due due = pacer.pop_due(now, out, ticket); due != Due::none; due = pacer.pop_due(now, out, ticket)) {
      const Waiting intent = open_[out.handle];
      if (due == Due::expired) {
        ++expired;
        forget(out.handle);
        continue;
      }
      if (plant_ == QueuePlant::prediction_not_looked_at && intent.deadline_ns < now) {
        // The look before the write is still there; only the prediction is not.
        pacer.on_not_written(ticket, now);
        ++expired;
        forget(out.handle);
        continue;
      }
      judge(intent);
      forget(out.handle);
      write(intent, ticket);
    }
    Correction correction;
    while (pacer.pop_correction(now, correction)) corrections.push_back(correction);
  }

  /// Whoever waits on the same account must not have gone before this one.
  void judge(const Waiting& chosen) {
    for (const Waiting& other : waiting) {
      if (other.account != chosen.account || other.handle == chosen.handle) continue;
      const bool same_flow = other.priority == chosen.priority && other.strategy == chosen.strategy;
      if (other.priority > chosen.priority || (same_flow && other.deadline_ns < chosen.deadline_ns))
        ++wrong_order;
    }
  }
  void write(const Waiting& intent, const Ticket& ticket) {
    if (now > intent.deadline_ns) ++late;
    served.push_back({intent, now});
    replies_.push({now + round_trip_ + draw_delay(jitter_, random_), ticket});
  }
  void forget(std::uint32_t handle) {
    free_.push_back(handle);
    std::erase_if(waiting, [handle](const Waiting& w) { return w.handle == handle; });
  }

  Ns round_trip_;
  QueuePlant plant_;
  Delay jitter_;
  Random random_{7};
  std::vector<Waiting> open_;
  std::vector<std::uint32_t> free_;
  std::priority_queue<Reply, std::vector<Reply>, std::greater<>> replies_;
};

inline Settings one_account(std::vector<std::uint32_t> weights) {
  Settings out;
  out.scheduler.weights = std::move(weights);
  // Below max_waiting, so that a handle is always free to ask with.
  out.scheduler.queue_per_strategy = 4'000;
  out.scheduler.queue_per_account = 4'000;
  return out;
}

inline Waiting intent_of(std::uint16_t strategy, Ns deadline, std::uint8_t priority = 0,
                         std::uint16_t account = 0) {
  Waiting out;
  out.account.value = account;
  out.strategy.value = strategy;
  out.priority = priority;
  out.deadline_ns = deadline;
  return out;
}

}  // namespace backhand::pacing::test
