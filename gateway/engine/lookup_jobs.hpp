// The questions that the engine asks for itself, beside settlement's: readiness of accounts at start,
// contract rules, and the regular reading of positions. Two queues in the order of their times; a turn with
// nothing due costs O(1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/order/page_walk.hpp"
#include "gateway/order/settlement.hpp"
#include "gateway/pacing/budget.hpp"

namespace backhand::engine {

enum class JobKind : std::uint8_t {
  readiness,  ///< Must be answered before its account is ready; repeated until it is.
  refresh,    ///< Positions of an (account, product), or a product's contract rules: again and again.
  recheck,    ///< Position mode, after the venue said that it is another one; repeated until answered.
  reopen,     ///< Rules of one contract that an intent found closed; repeated while intents do.
};

struct LookupJob {
  JobKind kind = JobKind::readiness;
  domain::Lookup lookup;
  Ns due_ns = 0;
  std::uint16_t round = 0;    ///< readiness of an account: which proof it belongs to; older ones are dropped.
  std::uint8_t failures = 0;  ///< In a row; it stops at the largest.
  bool refused = false;       ///< The last answer was the venue's no.
  domain::LookupStatus last = domain::LookupStatus::ok;  ///< What became of it when it was last asked.
  /// An answer was against the account, or said nothing of it; only a second one counts.
  bool refused_once = false;
  /// Of the account's kind: an answer named a UID that is another account's; only a second one counts.
  bool uid_shared_once = false;
  /// Likewise: an answer named another UID than the journal. Only a second one counts.
  bool uid_differs_once = false;
  // Of history:
  bool recent_only = false;  ///< The whole window could not be walked to its end.
  bool held = false;         ///< Waits until the fuse of what it showed has burnt.
  order::PageWalk pages;
};

/// The product's place in an account's bits.
[[nodiscard]] inline std::uint8_t product_bit(const domain::Lookup& lookup) noexcept {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(lookup.instrument.product));
}

/// Who asked an outstanding question.
struct LookupOrigin {
  bool from_settlement = false;
  order::LookupTicket ticket;  ///< With from_settlement.
  LookupJob job;               ///< Else.
};

struct OpenLookup {
  bool in_use = false;
  std::uint16_t generation = 0;
  domain::Lookup lookup;
  LookupOrigin origin;
  pacing::Ticket ticket;
  Ns written_ns = 0;
};

/// A ring of jobs in the order of their times. Most come with the latest time of all; the others pass those
/// that are due after them.
class JobQueue {
 public:
  explicit JobQueue(std::size_t capacity) : jobs_(capacity + 1) {}
  [[nodiscard]] bool empty() const noexcept { return head_ == tail_; }
  [[nodiscard]] const LookupJob& front() const noexcept { return jobs_[head_]; }
  [[nodiscard]] std::size_t size() const noexcept { return (tail_ + jobs_.size() - head_) % jobs_.size(); }
  /// False: full; the job is dropped.
  bool push(const LookupJob& job) noexcept {
    const std::size_t next = (tail_ + 1) % jobs_.size();
    if (next == head_) return false;
    std::size_t at = tail_;
    tail_ = next;
    while (at != head_) {
      const std::size_t before = (at + jobs_.size() - 1) % jobs_.size();
      if (jobs_[before].due_ns <= job.due_ns) break;
      jobs_[at] = jobs_[before];
      at = before;
    }
    jobs_[at] = job;
    return true;
  }
  /// Drops those for which `unwanted(job)` holds; the others stay in their order.
  template <typename Predicate>
  void remove_if(Predicate&& unwanted) noexcept {
    std::size_t kept = head_;
    for (std::size_t at = head_; at != tail_; at = (at + 1) % jobs_.size()) {
      if (unwanted(jobs_[at])) continue;
      jobs_[kept] = jobs_[at];
      kept = (kept + 1) % jobs_.size();
    }
    tail_ = kept;
  }
  /// None is due later than `at`; they stay in their order.
  void hasten(Ns at) noexcept {
    for (std::size_t i = head_; i != tail_; i = (i + 1) % jobs_.size())
      jobs_[i].due_ns = std::min(jobs_[i].due_ns, at);
  }
  /// The first one for which `is_it(job)` holds is due at `due_ns`.
  template <typename Predicate>
  void move_to(Ns due_ns, Predicate&& is_it) noexcept {
    for (std::size_t at = head_; at != tail_; at = (at + 1) % jobs_.size()) {
      if (!is_it(jobs_[at])) continue;
      LookupJob job = jobs_[at];
      for (std::size_t next = (at + 1) % jobs_.size(); next != tail_; next = (next + 1) % jobs_.size())
        jobs_[std::exchange(at, next)] = jobs_[next];
      tail_ = at;
      job.due_ns = due_ns;
      (void)push(job);
      return;
    }
  }
  LookupJob pop() noexcept {
    const LookupJob job = jobs_[head_];
    head_ = (head_ + 1) % jobs_.size();
    return job;
  }

 private:
  std::vector<LookupJob> jobs_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

struct LookupJobs {
  JobQueue readiness;
  JobQueue refresh;
};

}  // namespace backhand::engine
