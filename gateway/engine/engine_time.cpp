// Time that CLOCK_MONOTONIC has missed: the host was suspended, or its virtual machine stood still. Deadlines
// are judged by the time that really passed, and what was known of the venue's clock is worth nothing.
#include <algorithm>

#include "gateway/engine/engine.hpp"

namespace backhand::engine {

namespace {

Ns earlier(Ns deadline_ns, Ns lost) noexcept { return deadline_ns > lost ? deadline_ns - lost : 0; }

}  // namespace

void Engine::on_time_lost(Ns lost, Ns now) noexcept {
  // Intents of before this moment that still lie in their lanes: two losses shortly one after the other count
  // together, for those of between as well.
  const bool soon_again = now - lost_until_ns_ < wire::kMaxDeadlineAhead_ns;
  lost_ns_ = soon_again ? lost_ns_ + lost : lost;
  lost_until_ns_ = now;
  clock_.forget();
  for (std::uint32_t slot = 0; slot < slots_.size(); ++slot) {
    OpenReversal& r = slots_[slot];
    if (!r.in_use || (r.state != order::ReversalState::waiting && r.state != order::ReversalState::intended))
      continue;
    // Pacing keeps the old deadline and may give it a slot by that; `fire` looks at this one.
    r.intent.deadline_ns = earlier(r.intent.deadline_ns, lost);
    if (r.waits_for == WaitsFor::position || r.waits_for == WaitsFor::connection)
      waiter_deadlines_.put(slot, r.intent.deadline_ns);
  }
  for (std::uint32_t index = 0; index < shots_.size(); ++index) {
    Shot& shot = shots_[index];
    if (shot.state != order::ShotState::armed && shot.state != order::ShotState::firing) continue;
    shot.intent.deadline_ns = earlier(shot.intent.deadline_ns, lost);
    shot.signed_ns -= lost;
    if (shot.state == order::ShotState::armed) schedule_shot(index);
  }
  book_.on_time_lost(lost);
  jobs_.refresh.hasten(now);  // What was known of positions has grown old meanwhile.
  std::fill(refreshed_ns_.begin(), refreshed_ns_.end(), 0);
  EventDetails details;
  details.text = "time passed that our clock did not count; deadlines are judged by it";
  ports_.events.on_engine_event(EngineEvent::clock_stepped, details, now);
}

wire::Intent Engine::judged_by_time_lost(const wire::Intent& intent) const noexcept {
  wire::Intent out = intent;
  out.deadline_ns = earlier(intent.deadline_ns, lost_ns_);
  return out;
}

}  // namespace backhand::engine
