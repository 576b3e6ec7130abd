// When may which request be sent: the one class of this room that the engine talks to. Books of all rate
// rules and the queues before them, kept in step. Pure: `now` comes in, nothing is allocated after
// construction, nothing throws. Owned by the I/O thread.
#pragma once

#include <cstdint>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/pacing/budget.hpp"
#include "gateway/pacing/scheduler.hpp"

namespace backhand::pacing {

struct Settings {
  BudgetSettings budget;
  SchedulerSettings scheduler;
};

class Pacer {
 public:
  explicit Pacer(const Settings& settings);
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // Reversals. A ticket is taken at `submit` or `pop_due` (the write follows in the same turn, after `now`),
  // and closed by exactly one of on_reply, on_no_reply, on_not_written.

  /// `ready`: write it now, `ticket` is open. `queued`: it comes back from pop_due. Else: refused, forgotten.
  SubmitResult submit(const Waiting& waiting, Ns now, Ticket& ticket) noexcept {
    return scheduler_.submit(waiting, now, ticket);
  }
  /// Call until `none`. `ready`: write it now, `ticket` is open; `expired`: deny it.
  Due pop_due(Ns now, Waiting& out, Ticket& ticket) noexcept { return scheduler_.pop_due(now, out, ticket); }
  /// When pop_due will next have something, unless a call changes it before; kNever: only a call can.
  [[nodiscard]] Ns next_due(Ns now) const noexcept { return scheduler_.next_due(now); }
  /// Takes a waiting intent back; false: it does not wait (any more).
  bool withdraw(std::uint32_t handle) noexcept { return scheduler_.withdraw(handle); }
  /// Next waiting intent whose slot is expected later than told; best effort, bounded work a call.
  [[nodiscard]] bool pop_correction(Ns now, Correction& out) noexcept {
    return scheduler_.pop_correction(now, out);
  }
  /// When pop_correction is next worth a call, so that a sleeper wakes for it; kNever: nothing got worse.
  [[nodiscard]] Ns next_correction() const noexcept { return scheduler_.next_correction(); }

  // Look-ups and upkeep: asked for, never queued here.

  /// When the look-up may go; `now` if at once, kNever if only a reply can tell. `account` is not looked at
  /// for an endpoint per IP.
  [[nodiscard]] Ns lookup_earliest(AccountIndex account, Endpoint endpoint, Ns now,
                                   RequestClass c = RequestClass::lookup) const noexcept {
    return budget_.lookup_earliest(account, endpoint, now, c);
  }
  [[nodiscard]] bool may_send_lookup(AccountIndex account, Endpoint endpoint, Ns now) const noexcept {
    return lookup_earliest(account, endpoint, now) <= now;
  }
  [[nodiscard]] Ticket take_lookup(AccountIndex account, Endpoint endpoint, Ns now,
                                   RequestClass c = RequestClass::lookup) noexcept {
    return budget_.take_lookup(account, endpoint, now, c);
  }
  /// Pings and dials: the upkeep endpoint and upkeep's part of the rule per IP.
  [[nodiscard]] Ns upkeep_earliest(Ns now) const noexcept { return budget_.upkeep_earliest(now); }
  [[nodiscard]] bool may_send_upkeep(Ns now) const noexcept { return upkeep_earliest(now) <= now; }
  [[nodiscard]] Ticket take_upkeep(Ns now) noexcept { return budget_.take_upkeep(now); }

  // What became of a request; each closes the ticket.

  /// A whole reply was read; `replied_ns` is a time after the read.
  void on_reply(Ticket& ticket, Ns replied_ns, ReplyNote note = {}) noexcept;
  /// Bytes were written, no whole reply came, and its connection was aborted at `aborted_ns`.
  void on_no_reply(Ticket& ticket, Ns aborted_ns) noexcept;
  /// No byte reached the kernel.
  void on_not_written(Ticket& ticket, Ns now) noexcept;

  /// 1 … the rule's requests. For a lead trader: at start, or when code 40918 says so.
  void set_reversal_limit(AccountIndex account, std::uint32_t requests, Ns now) noexcept;
  void set_shape(AccountIndex account, Shape shape, Ns now) noexcept;
  /// At start: a reversal that the journal says was written shortly before still counts, as unanswered.
  void recall_reversal(AccountIndex account, Ns now) noexcept;
  /// At start after an unclean end: every look-up endpoint's allowance counts as spent just now by the life
  /// before (a questionable answer to a look-up costs nothing, so no hold is added). The rule per IP is not
  /// touched.
  void recall_lookups(Ns now) noexcept { budget_.recall_lookups(now); }

  /// What a reversal uses that finds its slot free; an account's books apart, whose places move
  /// (`Budget::expect`).
  void add_to(NearMemory& near) const { scheduler_.add_to(near); }
  [[nodiscard]] const Budget& budget() const noexcept { return budget_; }
  [[nodiscard]] const WaitingRoom& room() const noexcept { return scheduler_.room(); }

 private:
  Budget budget_;
  Scheduler scheduler_;
};

}  // namespace backhand::pacing
