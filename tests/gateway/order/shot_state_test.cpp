// Every (state, event) pair against a table written by hand. A failure means that a shot could be fired
// twice, or fired after its strategy was told that it is gone.
#include "gateway/order/shot_state.hpp"

#include <array>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using S = ShotState;
using E = ShotEvent;

TEST(ShotState, EveryPairIsAsWritten) {
  struct Row {
    E event;
    std::array<S, kShotStates.size()> next;  // armed firing spent gone invalid
  };
  constexpr S kBad = S::invalid;
  const std::array table{
      Row{E::fired, {S::firing, kBad, kBad, kBad, kBad}},
      Row{E::returned, {kBad, S::armed, kBad, kBad, kBad}},
      Row{E::recorded, {kBad, S::spent, kBad, kBad, kBad}},
      Row{E::dropped, {S::gone, kBad, S::gone, kBad, kBad}},
  };
  ASSERT_EQ(table.size(), kShotEvents.size()) << "an event has no row";
  for (const Row& row : table) {
    for (std::size_t s = 0; s < kShotStates.size(); ++s) {
      EXPECT_EQ(next_state(kShotStates[s], row.event), row.next[s])
          << "state " << s << ", event " << static_cast<int>(row.event);
    }
  }
}

TEST(ShotState, NothingFollowsARecordButTheEnd) {
  for (const E event : kShotEvents) {
    const S next = next_state(S::spent, event);
    EXPECT_TRUE(next == S::gone || next == S::invalid);
  }
}

}  // namespace
}  // namespace backhand::order
