// An older copy of a part of the state directory, a cut behind a clean stop, a journal of an earlier version,
// and a lost journal whose successor starts within the same second.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/journal/segment.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::journal {
namespace {

using test::intended;
using test::lane_opened;
using test::MemoryStorage;
using test::Run;
using test::small_settings;
using ::testing::HasSubstr;

const std::string kFirstSegment = "/state/journal-00000001.bhj";

/// A life that sends intents `first` … `last` and stops, or is killed.
void live(MemoryStorage& storage, const Settings& settings, std::uint64_t first, std::uint64_t last,
          bool stop) {
  auto run = Run::start(storage, settings);
  ASSERT_TRUE(run) << run.error().message;
  ASSERT_NE(run->append(run->stamp(1), lane_opened()).number, 0U);
  for (std::uint64_t id = first; id <= last; ++id) {
    ASSERT_NE(run->append(run->stamp(1, id - first + 1), intended(id)).number, 0U);
    run->flush();
  }
  if (stop) {
    ASSERT_TRUE(run->open->close(1'000'000, 0));
  }
  run->open.reset();
  storage.kill_process();
}

Recovered found(MemoryStorage& storage, const Settings& settings) {
  auto recovered = recover(storage, settings, test::kUnixSeconds);
  EXPECT_TRUE(recovered) << recovered.error().message;
  return recovered ? std::move(*recovered) : Recovered{};
}

void forget_hot(MemoryStorage& storage) {
  for (const std::string& path : storage.paths()) {
    if (path.starts_with("/hot")) storage.erase(path);
  }
}

class MissingEnd : public ::testing::TestWithParam<Durability> {};

TEST_P(MissingEnd, AnOldSegmentBesideANewerManifest) {
  for (const bool second_stops : {false, true}) {
    MemoryStorage storage;
    const Settings settings = small_settings(GetParam());
    live(storage, settings, 1, 1, true);
    const auto old = storage.bytes(kFirstSegment);
    live(storage, settings, 2, 3, second_stops);
    storage.bytes(kFirstSegment) = old;
    forget_hot(storage);
    const Recovered recovered = found(storage, settings);
    EXPECT_EQ(recovered.tail, TailLoss::end_missing)
        << "intent 2 was sent, and nothing here knows of it: started as if all were well";
    EXPECT_TRUE(recovered.must_block_all());
    EXPECT_THAT(recovered.tail_reason, HasSubstr("the end of the journal is missing"));
  }
}

TEST_P(MissingEnd, ACutBehindAnEarlierCleanStop) {
  MemoryStorage storage;
  const Settings settings = small_settings(GetParam());
  live(storage, settings, 1, 1, true);
  const std::uint64_t stopped_at = found(storage, settings).next_number;
  live(storage, settings, 2, 3, false);
  SegmentHeader header{};
  std::memcpy(&header, storage.bytes(kFirstSegment).data(), sizeof(header));
  auto& bytes = storage.bytes(kFirstSegment);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(offset_of(header, stopped_at)), bytes.end(),
            std::byte{});
  forget_hot(storage);
  EXPECT_EQ(found(storage, settings).tail, TailLoss::end_missing);
}

TEST_P(MissingEnd, ACutBeforeTheStopOfTheLastStart) {
  MemoryStorage storage;
  const Settings settings = small_settings(GetParam());
  live(storage, settings, 1, 4, true);
  const std::uint64_t end = found(storage, settings).next_number;
  SegmentHeader header{};
  std::memcpy(&header, storage.bytes(kFirstSegment).data(), sizeof(header));
  auto& bytes = storage.bytes(kFirstSegment);
  // The last intended record (two parts) and `stopped`.
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(offset_of(header, end - 3)), bytes.end(),
            std::byte{});
  forget_hot(storage);
  EXPECT_EQ(found(storage, settings).tail, TailLoss::end_missing);
}

TEST_P(MissingEnd, IsToldOnceAndTheNextStartGoesOn) {
  MemoryStorage storage;
  const Settings settings = small_settings(GetParam());
  live(storage, settings, 1, 1, true);
  const auto old = storage.bytes(kFirstSegment);
  live(storage, settings, 2, 3, true);
  storage.bytes(kFirstSegment) = old;
  forget_hot(storage);
  live(storage, settings, 4, 5, true);
  const Recovered recovered = found(storage, settings);
  EXPECT_EQ(recovered.tail, TailLoss::none) << recovered.tail_reason;
  EXPECT_TRUE(recovered.unclean()) << "until its fuse has burnt";
}

TEST_P(MissingEnd, IsNotForgottenWhereTheStartThatFoundItDies) {
  const Settings settings = small_settings(GetParam());
  for (std::uint64_t at = 0; at < 200; ++at) {
    MemoryStorage storage;
    live(storage, settings, 1, 1, true);
    const auto old = storage.bytes(kFirstSegment);
    live(storage, settings, 2, 3, true);
    storage.bytes(kFirstSegment) = old;
    forget_hot(storage);
    storage.restart_count();
    storage.set_plan([&](std::uint64_t number, MemoryStorage::Operation, const std::string&) {
      MemoryStorage::Fault fault;
      fault.kill = number == at;
      return fault;
    });
    bool started = false;
    try {
      started = Run::start(storage, settings).has_value();
    } catch (const test::Killed&) {
    }
    storage.clear_plan();
    storage.kill_process();
    EXPECT_TRUE(found(storage, settings).unclean()) << "killed at operation " << at << ", and all seems well";
    if (started) return;
  }
  FAIL() << "no start in 200 operations";
}

TEST_P(MissingEnd, NothingIsMissingWhereAStartDiedBeforeItWasRecorded) {
  MemoryStorage storage;
  const Settings settings = small_settings(GetParam());
  live(storage, settings, 1, 1, true);
  for (std::uint64_t at = 0; at < 200; ++at) {
    storage.restart_count();
    storage.set_plan([&](std::uint64_t number, MemoryStorage::Operation, const std::string&) {
      MemoryStorage::Fault fault;
      fault.kill = number == at;
      return fault;
    });
    bool started = false;
    try {
      started = Run::start(storage, settings).has_value();
    } catch (const test::Killed&) {
    }
    storage.clear_plan();
    storage.kill_process();
    const Recovered recovered = found(storage, settings);
    EXPECT_NE(recovered.tail, TailLoss::end_missing)
        << "killed at operation " << at << ": " << recovered.tail_reason;
    if (started) return;
  }
  FAIL() << "no start in 200 operations";
}

INSTANTIATE_TEST_SUITE_P(Durabilities, MissingEnd, ::testing::Values(Durability::process, Durability::power),
                         [](const auto& at) {
                           return at.param == Durability::process ? "Process" : "Power";
                         });

/// What the names of a start begin with.
OidStart names_of(MemoryStorage& storage, std::int64_t unix_seconds) {
  auto run = Run::start(storage, small_settings(), unix_seconds);
  EXPECT_TRUE(run) << run.error().message;
  const OidStart start = run->open->oid_start();
  EXPECT_EQ(run->open->epoch(), run->recovered.epoch);
  run->open.reset();
  storage.kill_process();
  return start;
}

TEST(Names, ALostJournalAndAClockInTheSameSecondGiveNoNameTwice) {
  MemoryStorage storage;
  std::set<std::string> seen;
  for (int life = 0; life < 100; ++life) {
    // Odd lives lose everything; all start at the same second, or at an earlier one.
    if (life % 2 == 1) {
      for (const std::string& path : storage.paths()) storage.erase(path);
    }
    const OidStart start = names_of(storage, test::kUnixSeconds - life % 3);
    const auto oid = render_client_oid(start, {1, 1, 1});
    EXPECT_TRUE(seen.emplace(oid.view()).second) << oid.view() << " was given in two lives";
  }
}

TEST(Names, TwoGatewaysInTheSameSecondShareNoName) {
  MemoryStorage one;
  MemoryStorage other;
  other.seed_random(99);
  EXPECT_NE(names_of(one, test::kUnixSeconds), names_of(other, test::kUnixSeconds));
}

TEST(Names, AJournalKnowsTheNamesOfItsStartsAndHowFarTheyWent) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  OidStart first;
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    first = run->open->oid_start();
    ASSERT_NE(run->append(run->stamp(1, 1), intended(5)).number, 0U);
    ASSERT_NE(run->append(run->stamp(1, 2), intended(6)).number, 0U);
  }
  storage.kill_process();
  live(storage, settings, 10, 10, true);
  for (std::uint64_t id = 20; id < 400; id += 40)
    live(storage, settings, id, id + 30, true);  // Into new segments.
  const Recovered recovered = found(storage, settings);
  const KnownNames& names = recovered.state.names;
  OidStart now = first;
  now.random += 1;
  const auto origin = [&](const OidStart& start, std::uint64_t sequence) {
    return names.origin_of(ParsedOid{start, 0, 1, sequence}, now);
  };
  EXPECT_EQ(origin(first, 1), NameOrigin::known);
  EXPECT_EQ(origin(first, 2), NameOrigin::known);
  EXPECT_EQ(origin(first, 3), NameOrigin::lost_here)
      << "the journal ends before this name: it was rolled back";
  OidStart unknown = first;
  unknown.random += 2;
  EXPECT_EQ(origin(unknown, 1), NameOrigin::lost_here);
  unknown.journal_tag += 1;
  EXPECT_EQ(origin(unknown, 1), NameOrigin::other_journal);
  unknown.prefix = FixedString<8>{"zz"};
  EXPECT_EQ(origin(unknown, 1), NameOrigin::foreign) << "another program's";
}

TEST(Names, WhatWasFoundIsToldOnce) {
  KnownNames names;
  const OidStart ours{FixedString<8>{"bh"}, 7, 1};
  const ParsedOid lost{{FixedString<8>{"bh"}, 7, 2}, 0, 1, 9};
  EXPECT_EQ(names.origin_of(lost, ours), NameOrigin::lost_here);
  names.note_found(lost);
  EXPECT_EQ(names.origin_of(lost, ours), NameOrigin::found);
  ParsedOid later = lost;
  later.sequence = 10;
  EXPECT_EQ(names.origin_of(later, ours), NameOrigin::lost_here);
  for (std::uint32_t start = 10; start < 1'000; ++start) {
    names.begin_start({FixedString<8>{"bh"}, 7, start}, start);
    names.use(1);
  }
  EXPECT_LE(names.all().size(), KnownNames::kKept);
}

/// A journal that the version before random names has written: its first start stopped with intent 5 open,
/// its second was killed with intents 7 (told unknown) and 9 (in the hot segment only).
void load_old_journal(MemoryStorage& storage, const Settings& settings) {
  const auto load = [&](const std::string& file, const std::string& path) {
    std::ifstream in{std::string{BACKHAND_TEST_DATA} + "/journal_of_0_1_names/" + file, std::ios::binary};
    ASSERT_TRUE(in) << file;
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    const auto handle = storage.open(path, OpenMode::create);
    ASSERT_TRUE(handle);
    ASSERT_TRUE(write_all(storage, *handle, std::as_bytes(std::span{text}), 0));
    storage.close(*handle);
  };
  load("state_journal-00000001.bhj", kFirstSegment);
  load("state_journal.manifest", "/state/journal.manifest");
  load("hot_backhand-87517253f26a8523.hot", hot_path(settings));
}

TEST(Upgrade, AJournalOfTheVersionBeforeIsRecoveredUnderItsOwnNames) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  load_old_journal(storage, settings);
  const Recovered recovered = found(storage, settings);
  EXPECT_EQ(recovered.tail, TailLoss::none) << recovered.tail_reason;
  EXPECT_EQ(recovered.epoch, test::kUnixSeconds + 2);
  ASSERT_EQ(recovered.state.cases.size(), 3U);
  EXPECT_TRUE(recovered.state.uids.empty());
  EXPECT_EQ(recovered.state.cases.at({1, 5}).client_oid().view(), "bh-0s44we8-0001-00000002");
  EXPECT_EQ(recovered.state.cases.at({1, 7}).client_oid().view(), "bh-0s44we9-0001-00000001");
  EXPECT_EQ(recovered.state.cases.at({1, 9}).client_oid().view(), "bh-0s44we9-0001-00000002");
  const LaneState& lane = recovered.state.lanes.at(1);
  EXPECT_EQ(lane.taken_mark, 9U);
  ASSERT_EQ(lane.outcomes.size(), 2U);
  EXPECT_EQ(lane.outcomes.front().outcome.client_oid.view(), "bh-0s44we8-0001-00000001");
  const OidStart ours{FixedString<8>{"bh"}, 7, 1};
  const auto origin = [&](std::string_view oid) {
    return recovered.state.names.origin_of(*parse_client_oid(oid), ours);
  };
  EXPECT_EQ(origin("bh-0s44we8-0001-00000001"), NameOrigin::known);
  EXPECT_EQ(origin("bh-0s44we9-0001-00000002"), NameOrigin::known);
  EXPECT_EQ(origin("bh-0s44zzz-0001-00000002"), NameOrigin::other_journal);
}

TEST(Upgrade, TheOldNamesOutliveTheOldSegments) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  load_old_journal(storage, settings);
  for (std::uint64_t id = 20; id < 400; id += 40) live(storage, settings, id, id + 30, true);
  const Recovered recovered = found(storage, settings);
  EXPECT_EQ(recovered.state.cases.at({1, 7}).client_oid().view(), "bh-0s44we9-0001-00000001");
  EXPECT_EQ(recovered.state.names.origin_of(*parse_client_oid("bh-0s44we9-0001-00000002"),
                                            OidStart{FixedString<8>{"bh"}, 7, 1}),
            NameOrigin::known);
}

}  // namespace
}  // namespace backhand::journal
