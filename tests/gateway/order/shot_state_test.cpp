// Every (state, event) pair against a table written by hand. A failure means that a shot could be fired
// twice, or fired after its strategy was told that it is gone.
#include "gateway/order/shot_state.hpp"

#include <array>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

TEST(ShotState, EveryPairIsAsWritten) {
  using State = ShotState;
  using Event = ShotEvent;
  struct Reaction {
    Event event;
    std::array<State, kShotStates.size()> next;  // armed firing spent gone invalid
  };
  constexpr State kNone = State::invalid;
  const std::array table{
      Reaction{Event::fired, {State::firing, kNone, kNone, kNone, kNone}},
      Reaction{Event::returned, {kNone, State::armed, kNone, kNone, kNone}},
      Reaction{Event::recorded, {kNone, State::spent, kNone, kNone, kNone}},
      Reaction{Event::dropped, {State::gone, kNone, State::gone, kNone, kNone}},
  };
  ASSERT_EQ(table.size(), kShotEvents.size()) << "an event has no row";
  for (const Reaction& row : table) {
    for (std::size_t s = 0; s < kShotStates.size(); ++s) {
      EXPECT_EQ(next_state(kShotStates[s], row.event), row.next[s])
          << "state " << s << ", event " << static_cast<int>(row.event);
    }
  }
}

TEST(ShotState, NothingFollowsARecordButTheEnd) {
  for (const ShotEvent event : kShotEvents) {
    const ShotState next = next_state(ShotState::spent, event);
    EXPECT_TRUE(next == ShotState::gone || next == ShotState::invalid);
  }
}

}  // namespace
}  // namespace backhand::order
