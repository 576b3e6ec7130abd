// Brings waiting intents and free slots together: which account has a slot now, who on it gets it, who ran
// out of time, and when to look again. A turn with nothing due costs O(1). Pure; owned by the I/O thread.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/pacing/budget.hpp"
#include "gateway/pacing/indexed_heap.hpp"
#include "gateway/pacing/waiting_room.hpp"

namespace backhand::pacing {

struct SchedulerSettings {
  std::vector<std::uint32_t> weights{1};  ///< By strategy, each ≥ 1.
  std::uint32_t max_waiting = 4'096;      ///< Handles are below this.
  std::uint32_t queue_per_strategy = 256;
  std::uint32_t queue_per_account = 1'024;
  Ns correction_step_ns = kMillisecond;  ///< A prediction that got worse by less is not told again.
  Ns correction_interval_ns =
      50 * kMillisecond;  ///< An account's predictions are told again at most so often.
};

enum class SubmitStatus : std::uint8_t {
  ready,          ///< It may be written now; the ticket is taken.
  queued,         ///< It waits; `predicted_ns` is the estimated time of its slot.
  unreachable,    ///< The slot that it would get lies past its deadline; `predicted_ns` says where.
  strategy_full,  ///< The strategy has its fill of waiting intents.
  account_full,   ///< The account has.
};

struct [[nodiscard]] SubmitResult {
  SubmitStatus status;
  Ns predicted_ns;
};

enum class [[nodiscard]] Due : std::uint8_t {
  none,
  ready,    ///< It may be written now; the ticket is taken.
  expired,  ///< Its deadline has passed; it got no slot.
};

/// A waiting intent's slot is now expected later than it was told.
struct Correction {
  std::uint32_t handle = 0;
  Ns predicted_ns = 0;
};

class Scheduler {
 public:
  Scheduler(const SchedulerSettings& settings, std::uint32_t accounts, Budget& budget);

  /// Gives the intent a slot now, queues it, or refuses it.
  SubmitResult submit(const Waiting& waiting, Ns now, Ticket& ticket) noexcept;
  /// Takes a waiting intent back; false where it does not wait (any more).
  bool withdraw(std::uint32_t handle) noexcept;
  Due pop_due(Ns now, Waiting& out, Ticket& ticket) noexcept;
  [[nodiscard]] Ns next_due(Ns now) const noexcept;
  [[nodiscard]] bool pop_correction(Ns now, Correction& out) noexcept;
  [[nodiscard]] Ns next_correction() const noexcept;

  /// The account's book has changed (a reply, an abort, a new limit): look again when it has a slot.
  void on_book_changed(AccountIndex account, Ns now) noexcept;
  /// The account's intents may have to wait longer than they were told.
  void on_worse(AccountIndex account) noexcept;
  void on_all_worse() noexcept;

  /// What a `submit` uses that finds its slot free, this object apart.
  void add_to(NearMemory& near) const { room_.add_to(near); }
  [[nodiscard]] const WaitingRoom& room() const noexcept { return room_; }

 private:
  /// Of an account that has a slot but waits for the rule per IP: its best priority, then who came first.
  struct ReadyKey {
    std::uint8_t below_top = 0;
    std::uint64_t since = 0;
    friend auto operator<=>(const ReadyKey&, const ReadyKey&) noexcept = default;
  };

  [[nodiscard]] Ns predict(AccountIndex account, std::uint32_t rank, Ns now) const noexcept;
  void arm(AccountIndex account, Ns now) noexcept;
  void drop(std::uint32_t handle) noexcept;
  void forget(std::uint32_t handle) noexcept;
  [[nodiscard]] ReadyKey ready_key(std::uint32_t next) const noexcept;

  Budget& budget_;
  WaitingRoom room_;
  IndexedHeap<Ns> deadlines_;    ///< Waiting intents by deadline.
  IndexedHeap<Ns> timed_;        ///< Accounts with waiting intents, by the time of their next slot.
  IndexedHeap<ReadyKey> ready_;  ///< Accounts whose slot has come.
  std::vector<Ns> told_;         ///< By handle: the prediction last told.
  std::vector<Ns> since_;        ///< By handle: waits since.
  std::vector<std::uint64_t> ready_since_;  ///< By account: its turn among the ready.
  std::uint64_t ready_count_ = 0;
  std::uint32_t queue_per_strategy_;
  std::uint32_t queue_per_account_;
  Ns correction_step_;
  Ns correction_interval_;

  /// Accounts whose predictions may have got worse, as a ring in the order of coming.
  std::vector<std::uint32_t> worse_;
  std::vector<Ns> next_pass_;  ///< By account: when it may be gone through again.
  std::vector<std::uint8_t> is_worse_;
  std::uint32_t worse_head_ = 0;
  std::uint32_t worse_size_ = 0;
  std::uint32_t cursor_ = WaitingRoom::kNone;  ///< Next intent to look at in the front account.
  bool passing_ = false;
};

}  // namespace backhand::pacing
