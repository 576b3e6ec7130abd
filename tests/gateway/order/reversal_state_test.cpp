// Every (state, event) pair against a table written by hand. A failure means that a reversal could be denied
// after it was sent, end twice, or be forgotten.
#include "gateway/order/reversal_state.hpp"

#include <array>
#include <set>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using S = ReversalState;
using E = ReversalEvent;

constexpr S kBad = S::invalid;

struct Row {
  E event;
  // waiting intended sent second_waiting second_intended second_sent acked unknown
  std::array<S, 8> open;
  // settled rejected denied unresolved resolved
  std::array<S, 5> terminal;
};

constexpr std::array kOpen{S::waiting,         S::intended,    S::sent,  S::second_waiting,
                           S::second_intended, S::second_sent, S::acked, S::unknown};
constexpr std::array kTerminal{S::settled, S::rejected, S::denied, S::unresolved, S::resolved};
constexpr std::array<S, 5> kNothing{kBad, kBad, kBad, kBad, kBad};

const std::array kTable{
    Row{E::slot_given, {S::intended, kBad, kBad, S::second_intended, kBad, kBad, kBad, kBad}, kNothing},
    Row{E::journal_refused, {S::denied, S::denied, kBad, S::unknown, S::unknown, kBad, kBad, kBad}, kNothing},
    Row{E::written, {kBad, S::sent, kBad, kBad, S::second_sent, kBad, kBad, kBad}, kNothing},
    Row{E::not_written, {kBad, S::denied, kBad, kBad, S::unknown, kBad, kBad, kBad}, kNothing},
    Row{E::deadline_passed,
        {S::denied, S::denied, S::sent, S::unknown, S::unknown, S::second_sent, S::acked, S::unknown},
        kTerminal},
    Row{E::withdrawn, {S::denied, S::denied, kBad, kBad, kBad, kBad, kBad, kBad}, kNothing},
    Row{E::lane_lost,
        {S::denied, S::denied, S::sent, S::second_waiting, S::second_intended, S::second_sent, S::acked,
         S::unknown},
        kTerminal},
    Row{E::halted,
        {S::denied, S::denied, S::sent, S::unknown, S::unknown, S::second_sent, S::acked, S::unknown},
        kTerminal},
    Row{E::denied, {S::denied, S::denied, kBad, S::unknown, S::unknown, kBad, kBad, kBad}, kNothing},
    Row{E::reply_acked, {kBad, kBad, S::acked, kBad, kBad, S::acked, kBad, kBad}, kNothing},
    Row{E::reply_acked_first, {kBad, kBad, S::second_waiting, kBad, kBad, kBad, kBad, kBad}, kNothing},
    Row{E::reply_rejected, {kBad, kBad, S::rejected, kBad, kBad, S::unknown, kBad, kBad}, kNothing},
    Row{E::reply_doubtful, {kBad, kBad, S::unknown, kBad, kBad, S::unknown, kBad, kBad}, kNothing},
    Row{E::reply_unknown, {kBad, kBad, S::unknown, kBad, kBad, S::unknown, kBad, kBad}, kNothing},
    Row{E::lost, {kBad, kBad, S::unknown, kBad, kBad, S::unknown, kBad, kBad}, kNothing},
    Row{E::settled, {kBad, kBad, kBad, kBad, kBad, kBad, S::settled, S::settled}, kNothing},
    Row{E::gave_up, {kBad, kBad, kBad, kBad, kBad, kBad, S::unresolved, S::unresolved}, kNothing},
    Row{E::resolved, {kBad, kBad, kBad, kBad, kBad, kBad, kBad, kBad}, {kBad, kBad, kBad, S::resolved, kBad}},
    Row{E::restarted,
        {S::denied, S::unknown, S::unknown, S::unknown, S::unknown, S::unknown, S::acked, S::unknown},
        kTerminal},
};

TEST(ReversalState, FollowsTheTableForEveryPair) {
  ASSERT_EQ(kTable.size(), kReversalEvents.size());
  ASSERT_EQ(kOpen.size() + kTerminal.size() + 1, kReversalStates.size());
  for (const Row& row : kTable) {
    for (std::size_t i = 0; i < kOpen.size(); ++i)
      EXPECT_EQ(to_string(next_state(kOpen[i], row.event)), to_string(row.open[i]))
          << to_string(kOpen[i]) << " + " << to_string(row.event);
    for (std::size_t i = 0; i < kTerminal.size(); ++i)
      EXPECT_EQ(to_string(next_state(kTerminal[i], row.event)), to_string(row.terminal[i]))
          << to_string(kTerminal[i]) << " + " << to_string(row.event);
    EXPECT_EQ(next_state(S::invalid, row.event), S::invalid) << to_string(row.event);
  }
}

TEST(ReversalState, NeverDeniesOrRejectsWhatMayHaveExecuted) {
  for (const S state : kReversalStates) {
    if (!may_have_left(state)) continue;
    for (const E event : kReversalEvents) {
      const S next = next_state(state, event);
      EXPECT_NE(next, S::denied) << to_string(state) << " + " << to_string(event);
      EXPECT_TRUE(next != S::rejected || (state == S::sent && event == E::reply_rejected))
          << to_string(state) << " + " << to_string(event);
    }
  }
}

TEST(ReversalState, ATerminalEventIsGivenOnce) {
  for (const S state : kReversalStates) {
    if (!is_terminal(state)) continue;
    for (const E event : kReversalEvents) {
      const S next = next_state(state, event);
      EXPECT_TRUE(next == state || next == S::invalid || (state == S::unresolved && next == S::resolved))
          << to_string(state) << " + " << to_string(event);
    }
  }
}

TEST(ReversalState, EveryStateIsReachedAndEveryEnumeratorHasAName) {
  std::set<S> reached{S::waiting};
  for (std::size_t round = 0; round < kReversalStates.size(); ++round)
    for (const S state : std::set<S>(reached))
      for (const E event : kReversalEvents) reached.insert(next_state(state, event));
  EXPECT_EQ(reached.size(), kReversalStates.size()) << "a state that nothing leads to";
  std::set<std::string_view> names;
  for (const S state : kReversalStates) names.insert(to_string(state));
  for (const E event : kReversalEvents) names.insert(to_string(event));
  // withdrawn, denied, settled and resolved are names of both a state and an event.
  EXPECT_EQ(names.count("?"), 0U);
  EXPECT_GE(names.size(), kReversalStates.size() + kReversalEvents.size() - 4);
}

}  // namespace
}  // namespace backhand::order
