// Every (state, event) pair against a table written by hand. A failure means that a shot could be fired
// twice, or fired after its strategy was told that it is gone.
#include "gateway/order/shot_state.hpp"

#include <array>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

TEST(ShotState, EveryPairIsAsWritten) {
  using S = ShotState;
  using E = ShotEvent;
  struct Reaction {
    E event;
    std::array<S, kShotStates.size()> next;  // armed firing spent gone invalid
  };
  constexpr S kNone = S::invalid;
  const std::array table{
      Reaction{E::fired, {S::firing, kNone, kNone, kNone, kNone}},
      Reaction{E::returned, {kNone, S::armed, kNone, kNone, kNone}},
      Reaction{E::recorded, {kNone, S::spent, kNone, kNone, kNone}},
      Reaction{E::dropped, {S::gone, kNone, S::gone, kNone, kNone}},
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
