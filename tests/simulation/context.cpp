#include "tests/simulation/context.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace backhand::simulation {

void EventQueue::at(Ns when, Action action) {
  heap_.push_back({when, sequence_++, std::move(action)});
  std::push_heap(heap_.begin(), heap_.end());
}

EventQueue::Action EventQueue::pop() {
  BH_ASSERT(!heap_.empty());
  std::pop_heap(heap_.begin(), heap_.end());
  Action action = std::move(heap_.back().action);
  heap_.pop_back();
  return action;
}

}  // namespace backhand::simulation
