#include "gateway/order/lookup_plan.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"

namespace backhand::order {

domain::LookupKind kind_of(Ask ask) noexcept {
  switch (ask) {
    case Ask::history:
      return domain::LookupKind::reversal_history;
    case Ask::positions:
      return domain::LookupKind::positions;
    case Ask::by_client_oid:
      return domain::LookupKind::order_by_client_oid;
    case Ask::by_order_id:
      return domain::LookupKind::order_by_order_id;
    case Ask::fills:
      return domain::LookupKind::fills;
  }
  BH_ASSERT(false);
  return domain::LookupKind::venue_time;
}

LookupPlan::LookupPlan(std::size_t accounts, std::size_t max_cases, Ns backoff_min, Ns backoff_max)
    : backoff_min_(backoff_min),
      backoff_max_(backoff_max),
      groups_(accounts * kProducts),
      nodes_(max_cases),
      turns_(accounts, 0) {
  heap_.reserve(groups_.size());
}

std::uint32_t LookupPlan::group_of(AccountIndex account, domain::Product product) noexcept {
  const auto product_number = static_cast<std::uint32_t>(product) - 1;
  BH_ASSERT(product_number < kProducts);
  return std::uint32_t{account.value} * static_cast<std::uint32_t>(kProducts) + product_number;
}

void LookupPlan::add(std::uint32_t case_id, std::uint32_t group) noexcept {
  BH_ASSERT(case_id < nodes_.size() && group < groups_.size());
  Node& node = nodes_[case_id];
  BH_ASSERT(node.group == kNone);
  node.due.fill(kNever);
  node.group = group;
  node.previous = kNone;
  node.next = groups_[group].first;
  ++node.generation;
  if (node.next != kNone) nodes_[node.next].previous = case_id;
  groups_[group].first = case_id;
}

void LookupPlan::remove(std::uint32_t case_id) noexcept {
  Node& node = nodes_[case_id];
  BH_ASSERT(node.group != kNone);
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
  if (node.previous != kNone)
    nodes_[node.previous].next = node.next;
  else
    groups_[node.group].first = node.next;
  const std::uint32_t group = node.group;
  // `next` stays, so that a walk over the group can go on from a case that it has just removed.
  node.group = kNone;
  node.due.fill(kNever);
  refresh(group);
}

void LookupPlan::set_due(std::uint32_t case_id, Ask ask, Ns due) noexcept {
  BH_ASSERT(nodes_[case_id].group != kNone);
  nodes_[case_id].due[static_cast<std::size_t>(ask)] = due;
}

Ns LookupPlan::due(std::uint32_t case_id, Ask ask) const noexcept {
  return nodes_[case_id].due[static_cast<std::size_t>(ask)];
}

LookupPlan::Wish LookupPlan::best_wish(const Group& group) const noexcept {
  Wish best;
  for (std::uint32_t id = group.first; id != kNone; id = nodes_[id].next) {
    for (std::size_t ask = 0; ask < kAsks; ++ask) {
      const Question& question = group.questions[ask];
      if (question.outstanding || nodes_[id].due[ask] == kNever) continue;
      const Ns due = std::max(nodes_[id].due[ask], question.hold_until);
      if (due < best.due) best = {due, static_cast<Ask>(ask), id};
    }
  }
  return best;
}

void LookupPlan::refresh(std::uint32_t group) noexcept { place(group, best_wish(groups_[group]).due); }

Ns LookupPlan::next_due() const noexcept { return heap_.empty() ? kNever : groups_[heap_.front()].due; }

/// Walks the part of the heap that is due.
void LookupPlan::find_next(std::size_t at, Ns now, std::uint32_t& best) const noexcept {
  if (at >= heap_.size() || groups_[heap_[at]].due > now) return;
  const std::uint32_t group = heap_[at];
  const std::uint64_t turn = turns_[group / kProducts];
  const std::uint64_t best_turn = turns_[best / kProducts];
  if (turn < best_turn || (turn == best_turn && groups_[group].due < groups_[best].due)) best = group;
  find_next(2 * at + 1, now, best);
  find_next(2 * at + 2, now, best);
}

bool LookupPlan::take(Ns now, LookupTicket& ticket) noexcept {
  if (next_due() > now) return false;
  std::uint32_t group_index = heap_.front();
  find_next(0, now, group_index);
  Group& group = groups_[group_index];
  const Wish wish = best_wish(group);
  BH_ASSERT(wish.case_id != kNone);
  Question& question = group.questions[static_cast<std::size_t>(wish.ask)];
  question.outstanding = true;
  question.asked_at = now;
  question.turn = ++turn_;
  question.turn_before = std::exchange(turn_of(group_index), question.turn);
  ++question.sequence;
  ticket = {};
  ticket.group = group_index;
  ticket.sequence = question.sequence;
  ticket.case_id = wish.case_id;
  ticket.generation = nodes_[wish.case_id].generation;
  ticket.ask = wish.ask;
  refresh(group_index);
  return true;
}

bool LookupPlan::finish(const LookupTicket& ticket, End end, Ns now, Ns until, Ns& asked_at) noexcept {
  if (ticket.group >= groups_.size()) return false;
  Group& group = groups_[ticket.group];
  Question& question = group.questions[static_cast<std::size_t>(ticket.ask)];
  if (!question.outstanding || question.sequence != ticket.sequence) return false;
  question.outstanding = false;
  asked_at = question.asked_at;
  switch (end) {
    case End::answered:
      question.failures = 0;
      question.hold_until = 0;
      break;
    case End::failed: {
      const Ns backoff = std::min(backoff_min_ << std::min<int>(question.failures, 20), backoff_max_);
      if (question.failures < 20) ++question.failures;
      question.hold_until = now + backoff;
      break;
    }
    case End::postponed:
      question.hold_until = until;
      if (turn_of(ticket.group) == question.turn) turn_of(ticket.group) = question.turn_before;
      break;
  }
  refresh(ticket.group);
  return true;
}

bool LookupPlan::is_current(const LookupTicket& ticket) const noexcept {
  return ticket.case_id < nodes_.size() && nodes_[ticket.case_id].group == ticket.group &&
         nodes_[ticket.case_id].generation == ticket.generation;
}

std::uint32_t LookupPlan::first_case(std::uint32_t group) const noexcept {
  return group < groups_.size() ? groups_[group].first : kNone;
}

std::uint32_t LookupPlan::next_case(std::uint32_t case_id) const noexcept { return nodes_[case_id].next; }

void LookupPlan::place(std::uint32_t group_index, Ns due) noexcept {
  Group& group = groups_[group_index];
  group.due = due;
  if (due == kNever) {
    if (group.place == kNone) return;
    const std::size_t hole = group.place;
    group.place = kNone;
    const std::uint32_t last = heap_.back();
    heap_.pop_back();
    if (last == group_index) return;
    put(hole, last);
    sift_up(hole);
    sift_down(groups_[last].place);
    return;
  }
  if (group.place == kNone) {
    heap_.push_back(group_index);
    put(heap_.size() - 1, group_index);
  }
  sift_up(group.place);
  sift_down(group.place);
}

void LookupPlan::put(std::size_t at, std::uint32_t group) noexcept {
  heap_[at] = group;
  groups_[group].place = static_cast<std::uint32_t>(at);
}

void LookupPlan::sift_up(std::size_t at) noexcept {
  const std::uint32_t group = heap_[at];
  while (at > 0) {
    const std::size_t parent = (at - 1) / 2;
    if (groups_[heap_[parent]].due <= groups_[group].due) break;
    put(at, heap_[parent]);
    at = parent;
  }
  put(at, group);
}

void LookupPlan::sift_down(std::size_t at) noexcept {
  const std::uint32_t group = heap_[at];
  while (true) {
    std::size_t child = 2 * at + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && groups_[heap_[child + 1]].due < groups_[heap_[child]].due) ++child;
    if (groups_[group].due <= groups_[heap_[child]].due) break;
    put(at, heap_[child]);
    at = child;
  }
  put(at, group);
}

}  // namespace backhand::order
