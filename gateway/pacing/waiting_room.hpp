// Who goes next on an account: priority first, then fair shares between strategies by weight, then the
// earliest deadline within a strategy. Knows no rate and no account's book. Pure; owned by the I/O thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/time.hpp"
#include "common/wire/intent.hpp"
#include "gateway/pacing/deadline_tree.hpp"

namespace backhand::pacing {

/// One intent that wants a slot.
struct Waiting {
  std::uint32_t handle = 0;  ///< The caller's own number for it, below max_waiting; unique while it waits.
  AccountIndex account;
  StrategyIndex strategy;
  std::uint8_t priority = 0;  ///< 0 (lowest) … kMaxPriority, capped already.
  Ns deadline_ns = 0;         ///< The last moment at which it may be written.
};

/// Adding, removing, serving: O(log n) in the intents of its strategy plus O(k) in the strategies that wait
/// at the same priority of the same account; the same for a rank.
class WaitingRoom {
 public:
  static constexpr std::uint32_t kNone = DeadlineTree::kNone;
  static constexpr std::uint32_t kLevels = wire::kMaxPriority + 1;

  WaitingRoom(std::uint32_t accounts, std::uint32_t max_waiting, const std::vector<std::uint32_t>& weights);

  void add(const Waiting& waiting) noexcept;
  void remove(std::uint32_t handle) noexcept;
  /// The intent that goes next on an account; kNone where none waits.
  [[nodiscard]] std::uint32_t next(AccountIndex account) const noexcept;
  /// Removes an intent because it gets a slot, and charges its strategy for it.
  void serve(std::uint32_t handle) noexcept;
  /// Charges a strategy for a slot that it got without waiting.
  void charge(AccountIndex account, StrategyIndex strategy, std::uint8_t priority) noexcept;

  /// How many go before this one if nothing else comes.
  [[nodiscard]] std::uint32_t rank_if_added(const Waiting& waiting) const noexcept;
  [[nodiscard]] std::uint32_t rank(std::uint32_t handle) const noexcept;

  [[nodiscard]] bool holds(std::uint32_t handle) const noexcept {
    return handle < entries_.size() && entries_[handle].waits;
  }
  [[nodiscard]] const Waiting& at(std::uint32_t handle) const noexcept { return entries_[handle].waiting; }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t size_of(AccountIndex account) const noexcept {
    return accounts_[account.value].count;
  }
  [[nodiscard]] std::uint32_t size_of(StrategyIndex strategy) const noexcept {
    return per_strategy_[strategy.value];
  }
  [[nodiscard]] std::uint32_t accounts_waiting() const noexcept { return accounts_waiting_; }
  /// All that wait on an account, in no order: first, then next_in_account until kNone.
  [[nodiscard]] std::uint32_t first_in_account(AccountIndex account) const noexcept {
    return accounts_[account.value].first;
  }
  [[nodiscard]] std::uint32_t next_in_account(std::uint32_t handle) const noexcept {
    return entries_[handle].next;
  }

  /// What `charge` uses.
  void add_to(NearMemory& near) const {
    near.add(strides_);
    near.add(accounts_);
    near.add(flows_);
  }

 private:
  /// The intents of one strategy at one priority of one account.
  struct Flow {
    std::uint64_t tag = 0;  ///< Virtual time at which its next intent starts.
    std::uint32_t root = kNone;
    std::uint16_t next_active = UINT16_MAX;
    std::uint16_t previous_active = UINT16_MAX;
  };
  /// One priority of one account.
  struct Level {
    std::uint64_t virtual_time = 0;  ///< Tag of the last one served; who was idle starts here.
    std::uint32_t count = 0;
    std::uint16_t first_active = UINT16_MAX;
  };
  struct Account {
    std::array<Level, kLevels> levels;
    std::uint32_t count = 0;
    std::uint32_t first = kNone;
  };
  struct Entry {
    Waiting waiting;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    bool waits = false;
  };

  [[nodiscard]] Flow& flow(const Waiting& w) noexcept { return flows_[flow_index(w, w.strategy.value)]; }
  [[nodiscard]] std::size_t flow_index(const Waiting& w, std::uint16_t strategy) const noexcept {
    return (static_cast<std::size_t>(w.account.value) * kLevels + w.priority) * strides_.size() + strategy;
  }
  [[nodiscard]] std::uint32_t rank_at(const Waiting& w, std::uint64_t tag,
                                      std::uint32_t before) const noexcept;
  void activate(const Waiting& w, Flow& flow) noexcept;
  void deactivate(const Waiting& w, Flow& flow) noexcept;

  std::vector<std::uint64_t> strides_;  ///< By strategy: virtual time of one slot, inverse to its weight.
  std::vector<Account> accounts_;
  std::vector<Flow> flows_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> per_strategy_;
  DeadlineTree tree_;
  std::uint32_t size_ = 0;
  std::uint32_t accounts_waiting_ = 0;
};

}  // namespace backhand::pacing
