// The questions that the engine asks for itself, beside settlement's: readiness of accounts at start,
// contract rules, and the regular reading of positions. Two queues in the order of their times; a turn with
// nothing due costs O(1).
#pragma once

#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/order/settlement.hpp"
#include "gateway/pacing/budget.hpp"

namespace backhand::engine {

enum class JobKind : std::uint8_t {
  readiness,  ///< Must be answered before its account is ready; repeated until it is.
  refresh,    ///< Positions of an (account, product), again and again.
  recheck,    ///< Position mode, after the venue said that it is another one; repeated until answered.
};

struct LookupJob {
  JobKind kind = JobKind::readiness;
  domain::Lookup lookup;
  Ns due_ns = 0;
  std::uint16_t round = 0;  ///< readiness of an account: which proof it belongs to; older ones are dropped.
};

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

/// A ring of jobs whose due times never fall: the pause before a repetition is the same for all of one queue.
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
    jobs_[tail_] = job;
    tail_ = next;
    return true;
  }
  /// Drops those for which `unwanted(job)` holds; the others stay in their order.
  template <typename Predicate>
  void remove_if(Predicate&& unwanted) noexcept {
    for (std::size_t left = size(); left > 0; --left) {
      const LookupJob job = pop();
      if (!unwanted(job)) (void)push(job);
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

  [[nodiscard]] Ns next_due() const noexcept {
    const Ns a = readiness.empty() ? kNever : readiness.front().due_ns;
    const Ns b = refresh.empty() ? kNever : refresh.front().due_ns;
    return a < b ? a : b;
  }
};

}  // namespace backhand::engine
