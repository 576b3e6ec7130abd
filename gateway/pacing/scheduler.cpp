#include "gateway/pacing/scheduler.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::pacing {
namespace {

/// How many waiting intents one call of pop_correction looks at.
constexpr int kLooksPerCall = 16;

}  // namespace

Scheduler::Scheduler(const SchedulerSettings& settings, std::uint32_t accounts, Budget& budget)
    : budget_(budget),
      room_(accounts, settings.max_waiting, settings.weights),
      deadlines_(settings.max_waiting),
      timed_(accounts),
      ready_(accounts),
      told_(settings.max_waiting, 0),
      since_(settings.max_waiting, 0),
      ready_since_(accounts, 0),
      queue_per_strategy_(settings.queue_per_strategy),
      queue_per_account_(settings.queue_per_account),
      correction_step_(settings.correction_step_ns),
      correction_interval_(settings.correction_interval_ns),
      worse_(accounts, 0),
      next_pass_(accounts, INT64_MIN),
      is_worse_(accounts, 0) {}

Ns Scheduler::predict(AccountIndex account, std::uint32_t rank, Ns now) const noexcept {
  // While this one waits for `rank` others of its account, each other waiting account gets about as many
  // slots of the rule per IP.
  const std::uint64_t others = room_.size() - room_.size_of(account);
  const std::uint64_t active = room_.accounts_waiting() - (room_.size_of(account) > 0 ? 1U : 0U);
  const std::uint64_t before_ip = rank + std::min(others, (std::uint64_t{rank} + 1) * active);
  return std::max(budget_.predict_account(account, rank, now),
                  budget_.predict_ip(static_cast<std::uint32_t>(before_ip), now));
}

BH_ON_PATH SubmitResult Scheduler::submit(const Waiting& waiting, Ns now, Ticket& ticket) noexcept {
  const AccountIndex account = waiting.account;
  if (room_.size_of(account) == 0 && ready_.empty() && budget_.account_earliest(account, now) <= now &&
      budget_.ip_earliest(RequestClass::reversal, now) <= now) [[likely]] {
    if (waiting.deadline_ns < now) return {SubmitStatus::unreachable, now};
    room_.charge(account, waiting.strategy, waiting.priority);
    ticket = budget_.take_reversal(account, now);
    return {SubmitStatus::ready, now};
  }
  if (room_.size_of(waiting.strategy) >= queue_per_strategy_) return {SubmitStatus::strategy_full, 0};
  if (room_.size_of(account) >= queue_per_account_) return {SubmitStatus::account_full, 0};
  const std::uint32_t rank = room_.rank_if_added(waiting);
  const Ns predicted = predict(account, rank, now);
  if (predicted > waiting.deadline_ns) return {SubmitStatus::unreachable, predicted};
  const bool overtakes = rank < room_.size_of(account);
  room_.add(waiting);
  told_[waiting.handle] = predicted;
  since_[waiting.handle] = now;
  deadlines_.put(waiting.handle, waiting.deadline_ns);
  if (overtakes) on_worse(account);
  arm(account, now);
  return {SubmitStatus::queued, predicted};
}

/// Puts the account where its next slot says: among the timed, among the ready, or nowhere where only a reply
/// can tell.
void Scheduler::arm(AccountIndex account, Ns now) noexcept {
  const std::uint32_t next = room_.next(account);
  const Ns at = next == WaitingRoom::kNone ? kNever : budget_.account_earliest(account, now);
  if (at <= now) {
    timed_.remove(account.value);
    if (!ready_.holds(account.value)) ready_since_[account.value] = ++ready_count_;
    ready_.put(account.value, ready_key(next));
    return;
  }
  ready_.remove(account.value);
  if (at == kNever) {
    timed_.remove(account.value);
  } else {
    timed_.put(account.value, at);
  }
}

Scheduler::ReadyKey Scheduler::ready_key(std::uint32_t next) const noexcept {
  const Waiting& waiting = room_.at(next);
  return {static_cast<std::uint8_t>(wire::kMaxPriority - waiting.priority),
          ready_since_[waiting.account.value]};
}

/// Takes an intent out without a slot. The account's book is as it was, so only who is next may change.
void Scheduler::drop(std::uint32_t handle) noexcept {
  const AccountIndex account = room_.at(handle).account;
  forget(handle);
  room_.remove(handle);
  const std::uint32_t next = room_.next(account);
  if (next == WaitingRoom::kNone) {
    timed_.remove(account.value);
    ready_.remove(account.value);
  } else if (ready_.holds(account.value)) {
    ready_.put(account.value, ready_key(next));
  }
}

/// What else knows a waiting intent: its deadline, and a pass of corrections that stands on it.
void Scheduler::forget(std::uint32_t handle) noexcept {
  deadlines_.remove(handle);
  if (cursor_ == handle) cursor_ = room_.next_in_account(handle);
}

bool Scheduler::withdraw(std::uint32_t handle) noexcept {
  if (!room_.holds(handle)) return false;
  drop(handle);
  return true;
}

Due Scheduler::pop_due(Ns now, Waiting& out, Ticket& ticket) noexcept {
  if (room_.size() == 0) return Due::none;
  if (deadlines_.top_key() < now) {
    const std::uint32_t handle = deadlines_.top();
    out = room_.at(handle);
    drop(handle);
    return Due::expired;
  }
  while (!timed_.empty() && timed_.top_key() <= now) {
    arm(AccountIndex{static_cast<std::uint16_t>(timed_.top())}, now);
  }
  if (ready_.empty() || budget_.ip_earliest(RequestClass::reversal, now) > now) return Due::none;

  const AccountIndex account{static_cast<std::uint16_t>(ready_.top())};
  const std::uint32_t handle = room_.next(account);
  out = room_.at(handle);
  if (now > told_[handle] + correction_step_) on_worse(account);
  forget(handle);
  room_.serve(handle);
  const Ns opened = std::max(budget_.reversal_permitted_since(account, now), since_[handle]);
  ticket = budget_.take_reversal(account, now);
  ticket.opened_ns = std::min(opened, now);
  ready_.remove(account.value);
  arm(account, now);
  return Due::ready;
}

Ns Scheduler::next_due(Ns now) const noexcept {
  if (room_.size() == 0) return kNever;
  Ns at = deadlines_.top_key() == kNever ? kNever : deadlines_.top_key() + 1;
  if (!timed_.empty()) at = std::min(at, timed_.top_key());
  if (!ready_.empty()) at = std::min(at, budget_.ip_earliest(RequestClass::reversal, now));
  return at;
}

void Scheduler::on_book_changed(AccountIndex account, Ns now) noexcept {
  if (room_.size_of(account) > 0) arm(account, now);
}

void Scheduler::on_worse(AccountIndex account) noexcept {
  if (is_worse_[account.value] != 0) return;
  is_worse_[account.value] = 1;
  const auto capacity = static_cast<std::uint32_t>(worse_.size());
  const std::uint32_t place = worse_head_ + worse_size_;
  worse_[place >= capacity ? place - capacity : place] = account.value;
  ++worse_size_;
}

void Scheduler::on_all_worse() noexcept {
  for (std::uint32_t a = 0; a < worse_.size(); ++a) {
    const AccountIndex account{static_cast<std::uint16_t>(a)};
    if (room_.size_of(account) > 0) on_worse(account);
  }
}

Ns Scheduler::next_correction() const noexcept {
  if (worse_size_ == 0) return kNever;
  return passing_ ? INT64_MIN : next_pass_[worse_[worse_head_]];
}

bool Scheduler::pop_correction(Ns now, Correction& out) noexcept {
  if (worse_size_ == 0) return false;
  const std::uint32_t front = worse_[worse_head_];
  if (!passing_) {
    if (next_pass_[front] > now) return false;
    passing_ = true;
    cursor_ = room_.first_in_account(AccountIndex{static_cast<std::uint16_t>(front)});
  }
  for (int looks = 0; looks < kLooksPerCall && cursor_ != WaitingRoom::kNone; ++looks) {
    const std::uint32_t handle = cursor_;
    cursor_ = room_.next_in_account(handle);
    const Ns predicted = predict(room_.at(handle).account, room_.rank(handle), now);
    if (predicted <= told_[handle] + correction_step_) continue;
    told_[handle] = predicted;
    out = {handle, predicted};
    return true;
  }
  if (cursor_ != WaitingRoom::kNone) return false;
  passing_ = false;
  is_worse_[front] = 0;
  next_pass_[front] = now + correction_interval_;
  worse_head_ = worse_head_ + 1 == worse_.size() ? 0 : worse_head_ + 1;
  --worse_size_;
  return false;
}

}  // namespace backhand::pacing
