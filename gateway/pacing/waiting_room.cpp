#include "gateway/pacing/waiting_room.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::pacing {
namespace {

constexpr std::uint16_t kNoStrategy = UINT16_MAX;
/// Virtual time of one slot at weight 1. Tags wrap after 2^32 slots of one flow: years at any rate allowed.
constexpr std::uint64_t kStride = std::uint64_t{1} << 32;

}  // namespace

WaitingRoom::WaitingRoom(std::uint32_t accounts, std::uint32_t max_waiting,
                         const std::vector<std::uint32_t>& weights)
    : accounts_(accounts),
      flows_(std::size_t{accounts} * kLevels * weights.size()),
      entries_(max_waiting),
      per_strategy_(weights.size(), 0),
      tree_(max_waiting) {
  for (const std::uint32_t weight : weights) {
    BH_ASSERT(weight > 0);
    strides_.push_back(kStride / weight);
  }
}

void WaitingRoom::activate(const Waiting& w, Flow& flow) noexcept {
  Level& level = accounts_[w.account.value].levels[w.priority];
  // Who was idle starts at the level's own time: it neither banks credit nor pays for having been alone.
  flow.tag = std::max(flow.tag, level.virtual_time);
  flow.previous_active = kNoStrategy;
  flow.next_active = level.first_active;
  if (level.first_active != kNoStrategy) {
    flows_[flow_index(w, level.first_active)].previous_active = w.strategy.value;
  }
  level.first_active = w.strategy.value;
}

void WaitingRoom::deactivate(const Waiting& w, Flow& flow) noexcept {
  if (flow.next_active != kNoStrategy) {
    flows_[flow_index(w, flow.next_active)].previous_active = flow.previous_active;
  }
  if (flow.previous_active != kNoStrategy) {
    flows_[flow_index(w, flow.previous_active)].next_active = flow.next_active;
  } else {
    accounts_[w.account.value].levels[w.priority].first_active = flow.next_active;
  }
}

void WaitingRoom::add(const Waiting& waiting) noexcept {
  BH_ASSERT(waiting.handle < entries_.size() && waiting.priority < kLevels);
  Entry& entry = entries_[waiting.handle];
  BH_ASSERT(!entry.waits);
  entry.waiting = waiting;
  entry.waits = true;
  Flow& own = flow(waiting);
  if (own.root == kNone) activate(waiting, own);
  tree_.insert(own.root, waiting.handle, waiting.deadline_ns);

  Account& account = accounts_[waiting.account.value];
  entry.previous = kNone;
  entry.next = account.first;
  if (account.first != kNone) entries_[account.first].previous = waiting.handle;
  account.first = waiting.handle;
  ++account.levels[waiting.priority].count;
  if (++account.count == 1) ++accounts_waiting_;
  ++per_strategy_[waiting.strategy.value];
  ++size_;
}

void WaitingRoom::remove(std::uint32_t handle) noexcept {
  Entry& entry = entries_[handle];
  BH_ASSERT(entry.waits);
  entry.waits = false;
  const Waiting& waiting = entry.waiting;
  Flow& own = flow(waiting);
  tree_.erase(own.root, handle);
  if (own.root == kNone) deactivate(waiting, own);

  Account& account = accounts_[waiting.account.value];
  if (entry.next != kNone) entries_[entry.next].previous = entry.previous;
  if (entry.previous != kNone) {
    entries_[entry.previous].next = entry.next;
  } else {
    account.first = entry.next;
  }
  --account.levels[waiting.priority].count;
  if (--account.count == 0) --accounts_waiting_;
  --per_strategy_[waiting.strategy.value];
  --size_;
}

std::uint32_t WaitingRoom::next(AccountIndex account) const noexcept {
  const Account& of = accounts_[account.value];
  for (std::uint32_t priority = kLevels; priority-- > 0;) {
    const Level& level = of.levels[priority];
    if (level.count == 0) continue;
    Waiting probe;
    probe.account = account;
    probe.priority = static_cast<std::uint8_t>(priority);
    std::uint16_t best = level.first_active;
    for (std::uint16_t s = best; s != kNoStrategy; s = flows_[flow_index(probe, s)].next_active) {
      const std::uint64_t tag = flows_[flow_index(probe, s)].tag;
      const std::uint64_t best_tag = flows_[flow_index(probe, best)].tag;
      if (tag < best_tag || (tag == best_tag && s < best)) best = s;
    }
    return tree_.first(flows_[flow_index(probe, best)].root);
  }
  return kNone;
}

void WaitingRoom::serve(std::uint32_t handle) noexcept {
  const Waiting waiting = entries_[handle].waiting;
  remove(handle);
  charge(waiting.account, waiting.strategy, waiting.priority);
}

BH_ON_PATH void WaitingRoom::charge(AccountIndex account, StrategyIndex strategy,
                                    std::uint8_t priority) noexcept {
  Waiting probe;
  probe.account = account;
  probe.strategy = strategy;
  probe.priority = priority;
  Flow& own = flow(probe);
  Level& level = accounts_[account.value].levels[priority];
  level.virtual_time = std::max(level.virtual_time, own.tag);
  own.tag = level.virtual_time + strides_[strategy.value];
}

/// How many go before one of `w`'s flow that starts at `tag` and has `before` of its own flow ahead.
std::uint32_t WaitingRoom::rank_at(const Waiting& w, std::uint64_t tag, std::uint32_t before) const noexcept {
  const Account& account = accounts_[w.account.value];
  std::uint64_t ahead = before;
  for (std::uint32_t above = w.priority + 1U; above < kLevels; ++above) ahead += account.levels[above].count;
  for (std::uint16_t s = account.levels[w.priority].first_active; s != kNoStrategy;
       s = flows_[flow_index(w, s)].next_active) {
    if (s == w.strategy.value) continue;
    const Flow& other = flows_[flow_index(w, s)];
    // Those of its intents that start before `tag`; at the same time the lower strategy goes first.
    const std::uint64_t limit = s < w.strategy.value ? tag + 1 : tag;
    if (other.tag >= limit) continue;
    const std::uint64_t starts = 1 + (limit - 1 - other.tag) / strides_[s];
    ahead += std::min<std::uint64_t>(starts, tree_.size(other.root));
  }
  return static_cast<std::uint32_t>(ahead);
}

std::uint32_t WaitingRoom::rank_if_added(const Waiting& waiting) const noexcept {
  const Flow& own = flows_[flow_index(waiting, waiting.strategy.value)];
  const std::uint32_t before = tree_.rank_of_new(own.root, waiting.deadline_ns);
  const std::uint64_t start =
      own.root != kNone
          ? own.tag
          : std::max(own.tag, accounts_[waiting.account.value].levels[waiting.priority].virtual_time);
  return rank_at(waiting, start + before * strides_[waiting.strategy.value], before);
}

std::uint32_t WaitingRoom::rank(std::uint32_t handle) const noexcept {
  const Waiting& waiting = entries_[handle].waiting;
  const Flow& own = flows_[flow_index(waiting, waiting.strategy.value)];
  const std::uint32_t before = tree_.rank(own.root, handle);
  return rank_at(waiting, own.tag + before * strides_[waiting.strategy.value], before);
}

}  // namespace backhand::pacing
