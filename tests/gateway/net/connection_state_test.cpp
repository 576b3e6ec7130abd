#include "gateway/net/connection_state.hpp"

#include <array>

#include <gtest/gtest.h>

namespace backhand::net {
namespace {

using S = ConnectionState;
using E = ConnectionEvent;
constexpr std::optional<S> kNo;

constexpr std::array kStates = {S::idle,  S::resolving, S::connecting,  S::handshaking,
                                S::ready, S::draining,  S::backing_off, S::closed};
constexpr std::array kEvents = {E::dial,   E::resolved, E::connected, E::handed_over,
                                E::retire, E::failed,   E::lost,      E::rested};

TEST(ConnectionState, FollowsItsTableForEveryStateAndEvent) {
  // Rows: kStates; columns: kEvents.
  const std::array<std::array<std::optional<S>, kEvents.size()>, kStates.size()> table = {{
      {S::resolving, kNo, kNo, kNo, kNo, kNo, kNo, kNo},
      {kNo, S::connecting, kNo, kNo, kNo, S::backing_off, kNo, kNo},
      {kNo, kNo, S::handshaking, kNo, kNo, S::backing_off, kNo, kNo},
      {kNo, kNo, kNo, S::ready, kNo, S::backing_off, kNo, kNo},
      {kNo, kNo, kNo, kNo, S::draining, kNo, S::closed, kNo},
      {kNo, kNo, kNo, kNo, S::draining, kNo, S::closed, kNo},
      {kNo, kNo, kNo, kNo, kNo, kNo, kNo, S::idle},
      {S::resolving, kNo, kNo, kNo, kNo, kNo, kNo, kNo},
  }};
  for (std::size_t state = 0; state < kStates.size(); ++state) {
    for (std::size_t event = 0; event < kEvents.size(); ++event) {
      EXPECT_EQ(next_state(kStates[state], kEvents[event]), table[state][event])
          << "in state " << to_string(kStates[state]) << ", event number " << event;
    }
  }
}

}  // namespace
}  // namespace backhand::net
