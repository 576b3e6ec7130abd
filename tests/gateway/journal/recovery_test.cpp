#include "gateway/journal/recovery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/journal/segment.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"
#include "tests/gateway/journal/state_compare.hpp"

namespace backhand::journal {
namespace {

using test::intended;
using test::lane_opened;
using test::MemoryStorage;
using test::Run;
using test::small_settings;
using ::testing::HasSubstr;

TEST(Recovery, AnEmptyDirectoryIsAnEmptyJournal) {
  MemoryStorage storage;
  const auto recovered = recover(storage, small_settings(), test::kUnixSeconds);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->epoch, test::kUnixSeconds);
  EXPECT_EQ(recovered->next_number, 1U);
  EXPECT_EQ(recovered->tail, TailLoss::none);
  EXPECT_TRUE(recovered->state.cases.empty());
}

TEST(Recovery, WhatWasAppendedSurvivesAKillWithoutAnyWorkOfTheDisk) {
  MemoryStorage storage;
  {
    auto run = Run::start(storage, small_settings());
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->append(run->stamp(1), lane_opened()).status, AppendStatus::durable);
    EXPECT_EQ(run->append(run->stamp(1, 1), intended(5)).status, AppendStatus::durable);
  }
  storage.kill_process();
  const auto recovered = recover(storage, small_settings(), test::kUnixSeconds);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->epoch, test::kUnixSeconds + 1) << "an epoch is never used twice";
  EXPECT_EQ(recovered->next_number, 5U);
  EXPECT_EQ(recovered->hot_tail.size(), 3U);
  EXPECT_EQ(recovered->tail, TailLoss::none);
  ASSERT_EQ(recovered->state.cases.size(), 1U);
  EXPECT_EQ(recovered->state.cases.at({1, 5}).phase, CasePhase::intended);
}

}  // namespace
}  // namespace backhand::journal
