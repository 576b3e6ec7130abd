// Every way in which a journal can be damaged: each is healed, told as a tail that may be missing, or refused
// with the file's name; never passed over.
#include "gateway/journal/recovery.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/journal/crc32c.hpp"
#include "gateway/journal/segment.hpp"
#include "tests/gateway/journal/history.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"
#include "tests/gateway/journal/state_compare.hpp"

namespace backhand::journal {
namespace {

using test::intended;
using test::lane_opened;
using test::MemoryStorage;
using test::outcome;
using test::Run;
using test::small_settings;
using ::testing::AllOf;
using ::testing::HasSubstr;

const std::string kFirst = "/state/journal-00000001.bhj";

std::expected<Recovered, Error> look(MemoryStorage& storage, const Settings& settings) {
  return recover(storage, settings, test::kUnixSeconds);
}

/// The message of a refusal; fails the test where there was none.
std::string refusal(MemoryStorage& storage, const Settings& settings) {
  const auto recovered = look(storage, settings);
  EXPECT_FALSE(recovered) << "what nobody can vouch for was accepted";
  return recovered ? "" : recovered.error().message;
}

/// A killed run with `entries` random entries, all of them on disk, or with `in_hot` the last only in the hot
/// segment.
void run_once(MemoryStorage& storage, const Settings& settings, int entries, bool in_hot = false) {
  auto run = Run::start(storage, settings);
  ASSERT_TRUE(run) << run.error().message;
  test::History history{7, settings.keep_outcomes};
  history.resume(run->recovered.state, run->recovered.next_number + 1);
  for (int i = 0; i < entries; ++i) {
    if (i + 1 == entries && in_hot) run->flush();
    ASSERT_TRUE(history.step(*run->open));
  }
  if (!in_hot) run->flush();
  ASSERT_EQ(run->open->failure(), "");
  run->open.reset();
  storage.kill_process();
}

std::string hot_file(const Settings& settings) { return hot_path(settings); }

void flip(MemoryStorage& storage, const std::string& path, std::size_t offset, int bit = 3) {
  storage.bytes(path).at(offset) ^= static_cast<std::byte>(1U << bit);
}

/// Where record `number` lies in the first segment.
std::size_t disk_offset(MemoryStorage& storage, std::uint64_t number) {
  SegmentHeader header{};
  std::memcpy(&header, storage.bytes(kFirst).data(), sizeof(header));
  return offset_of(header, number);
}

TEST(Recovery, AnEmptyDirectoryIsAnEmptyJournal) {
  MemoryStorage storage;
  const auto recovered = look(storage, small_settings());
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
  const auto recovered = look(storage, small_settings());
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->epoch, test::kUnixSeconds + 1) << "an epoch is never used twice";
  EXPECT_EQ(recovered->next_number, 5U);
  EXPECT_EQ(recovered->hot_tail.size(), 3U);
  EXPECT_EQ(recovered->tail, TailLoss::none);
  ASSERT_EQ(recovered->state.cases.size(), 1U);
  const OpenCase& open = recovered->state.cases.at({1, 5});
  EXPECT_EQ(open.phase, CasePhase::intended);
  EXPECT_EQ(open.account().view(), "alpha");
  EXPECT_EQ(open.oid_start.prefix.view(), "bh")
      << "its clientOid must be found again after the prefix is changed";
  EXPECT_EQ(open.intended->body.size_digits, 25U);
}

TEST(Recovery, AReversalKeepsTheNameThatItWasSentUnder) {
  MemoryStorage storage;
  Settings settings = small_settings();
  wire::ClientOid oid;
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    oid = render_client_oid(run->open->oid_start(), {run->open->epoch(), 1, 1});
    ASSERT_NE(run->append(run->stamp(1, 1), intended(5)).number, 0U);
  }
  storage.kill_process();
  settings.oid_prefix = FixedString<8>{"other"};
  for (int start = 0; start < 2; ++start) {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->recovered.state.cases.at({1, 5}).client_oid(), oid)
        << "asked for under another name, the venue would truthfully say that it knows no such order";
    for (std::uint64_t id = 10; id < 200; ++id) {  // Into later segments, by way of their checkpoints.
      while (run->append(run->stamp(2), test::taken(id)).status == AppendStatus::full) run->flush();
    }
    run->open.reset();
    storage.kill_process();
  }
}

TEST(Recovery, TheEpochGoesUpAlsoWhenTheClockWentBack) {
  MemoryStorage storage;
  run_once(storage, small_settings(), 5);
  const auto recovered = recover(storage, small_settings(), 1'000);
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->epoch, test::kUnixSeconds + 1);
}

TEST(Recovery, ACleanStopAndAnotherBootIsNoLoss) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    ASSERT_TRUE(run->append(run->stamp(1), lane_opened()).number != 0);
    ASSERT_TRUE(run->open->close(2'000, 0));
  }
  storage.lose_power([] { return false; });
  const auto recovered = look(storage, settings);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->tail, TailLoss::none);
  EXPECT_TRUE(recovered->state.clean_stop);
}

TEST(Recovery, AnotherBootWithoutACleanStopBlocksEverything) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    MemoryStorage storage;
    run_once(storage, small_settings(durability), 12);
    storage.lose_power([] { return false; });
    const auto recovered = look(storage, small_settings(durability));
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_EQ(recovered->tail, TailLoss::power_lost);
    EXPECT_TRUE(recovered->must_block_all());
    EXPECT_FALSE(recovered->tail_reason.empty());
  }
}

TEST(Recovery, AHotSegmentThatIsGoneBlocksEverything) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  run_once(storage, settings, 12, true);
  storage.erase(hot_file(settings));
  const auto recovered = look(storage, settings);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->tail, TailLoss::hot_lost);
  EXPECT_THAT(recovered->tail_reason, HasSubstr(hot_file(settings)));
}

TEST(Recovery, ATruncatedHotSegmentIsRefusedUnlessGivenUp) {
  MemoryStorage storage;
  Settings settings = small_settings();
  run_once(storage, settings, 12, true);
  storage.bytes(hot_file(settings)).resize(HotHeader::kBytes + 5 * sizeof(Record));
  EXPECT_THAT(refusal(storage, settings), AllOf(HasSubstr(hot_file(settings)), HasSubstr("offset")));
  storage.bytes(hot_file(settings)).resize(100);
  EXPECT_THAT(refusal(storage, settings), HasSubstr(hot_file(settings)));
  settings.accept_lost_hot = true;
  const auto recovered = look(storage, settings);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->tail, TailLoss::hot_lost);
  EXPECT_TRUE(recovered->must_block_all());
  auto run = Run::start(storage, settings);
  ASSERT_TRUE(run) << run.error().message;
}

TEST(Recovery, AHotSegmentOfAnotherJournalIsRefused) {
  MemoryStorage storage;
  Settings other = small_settings();
  other.state_dir = "/other";
  run_once(storage, other, 12);
  run_once(storage, small_settings(), 12, true);
  storage.bytes(hot_file(small_settings())) = storage.bytes(hot_file(other));
  EXPECT_THAT(refusal(storage, small_settings()), HasSubstr("another journal"));
}

TEST(Recovery, AnEmptiedStateDirectoryBesideAHotSegmentBlocksEverythingFirst) {
  MemoryStorage storage;
  run_once(storage, small_settings(), 12);
  for (const std::string& path : storage.paths()) {
    if (path.starts_with("/state/")) storage.erase(path);
  }
  const auto recovered = look(storage, small_settings());
  ASSERT_TRUE(recovered) << "to move the state directory away is what to do when its disk is lost: "
                         << recovered.error().message;
  EXPECT_EQ(recovered->tail, TailLoss::hot_lost) << "it is a lost journal, not a first start";
  EXPECT_THAT(recovered->tail_reason, HasSubstr(hot_file(small_settings())));
  EXPECT_EQ(recovered->next_number, 1U) << "nothing of the other journal is taken over";
  auto run = Run::start(storage, small_settings());
  ASSERT_TRUE(run) << run.error().message;
  const auto next = look(storage, small_settings());
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(next->unclean()) << "the block outlives a further restart";
}

TEST(Recovery, AGapBetweenDiskAndHotSegmentIsRefused) {
  MemoryStorage storage;
  Settings settings = small_settings();
  settings.segment_records = 1'000;
  run_once(storage, settings, 200, true);
  auto& disk = storage.bytes(kFirst);
  disk.resize(disk_offset(storage, 20));
  EXPECT_THAT(refusal(storage, settings), AllOf(HasSubstr("are missing"), HasSubstr(hot_file(settings))));
}

TEST(Recovery, ALostDiskTailIsHealedFromTheHotSegment) {
  MemoryStorage storage;
  Settings settings = small_settings();
  run_once(storage, settings, 12);
  const auto before = look(storage, settings);
  ASSERT_TRUE(before);
  storage.bytes(kFirst).resize(disk_offset(storage, 6) + 17);
  const auto healed = look(storage, settings);
  ASSERT_TRUE(healed) << healed.error().message;
  EXPECT_EQ(test::describe(healed->state), test::describe(before->state));
  EXPECT_EQ(healed->tail, TailLoss::none);
}

TEST(Recovery, AHotSegmentOfAnEarlierTimeIsRefused) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  run_once(storage, settings, 5);
  const auto old_hot = storage.bytes(hot_file(settings));
  run_once(storage, settings, 20);
  storage.bytes(hot_file(settings)) = old_hot;
  EXPECT_THAT(refusal(storage, settings), HasSubstr("different times"));
}

TEST(Recovery, MissingFilesAreNamed) {
  const Settings settings = [] {
    Settings s = small_settings();
    s.keep_segments = 10;
    return s;
  }();
  MemoryStorage storage;
  run_once(storage, settings, 250);
  ASSERT_TRUE(storage.exists("/state/journal-00000004.bhj")) << "the history is too short for this test";
  const std::string newest = [&] {
    std::string last;
    for (const std::string& path : storage.paths()) {
      if (path.ends_with(".bhj")) last = path;
    }
    return last;
  }();
  {
    auto copy = storage.clone();
    copy->erase("/state/journal-00000002.bhj");
    EXPECT_THAT(refusal(*copy, settings), AllOf(HasSubstr("journal-00000002.bhj"), HasSubstr("missing")));
  }
  {
    auto copy = storage.clone();
    copy->erase(newest);
    EXPECT_THAT(refusal(*copy, settings), AllOf(HasSubstr(newest), HasSubstr("missing")));
  }
  {
    auto copy = storage.clone();
    copy->erase("/state/journal.manifest");
    EXPECT_THAT(refusal(*copy, settings), AllOf(HasSubstr("journal.manifest"), HasSubstr("missing")));
  }
  {
    auto copy = storage.clone();
    for (const std::string& path : copy->paths()) {
      if (path.ends_with(".bhj")) copy->erase(path);
    }
    EXPECT_THAT(refusal(*copy, settings), HasSubstr("missing"));
  }
  {
    auto copy = storage.clone();
    copy->bytes(newest) = copy->bytes("/state/journal-00000002.bhj");
    EXPECT_THAT(refusal(*copy, settings), AllOf(HasSubstr(newest), HasSubstr("another place")));
  }
}

TEST(Recovery, EveryFlippedBitOfManifestHeaderAndCheckpointIsNamed) {
  const Settings settings = small_settings();
  MemoryStorage storage;
  run_once(storage, settings, 120);
  const auto check = [&](const std::string& path, std::size_t bytes) {
    for (std::size_t offset = 0; offset < bytes; ++offset) {
      flip(storage, path, offset, static_cast<int>(offset % 8));
      EXPECT_THAT(refusal(storage, settings), HasSubstr(path)) << offset;
      flip(storage, path, offset, static_cast<int>(offset % 8));
    }
  };
  check("/state/journal.manifest", sizeof(Manifest));
  const auto recovered = look(storage, settings);
  ASSERT_TRUE(recovered);
  ASSERT_GT(recovered->newest_segment, 1U);
  const std::string newest = segment_path("/state", recovered->newest_segment);
  SegmentHeader header{};
  std::memcpy(&header, storage.bytes(newest).data(), sizeof(header));
  ASSERT_GT(header.checkpoint_records, 10U);
  check(newest, sizeof(Record) * (1 + header.checkpoint_records));
}

// The heart of it: at every byte of the last two records, torn there or flipped there.
TEST(Recovery, DamageAtEveryByteOfTheLastTwoRecordsOnDisk) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    const Settings settings = small_settings(durability);
    MemoryStorage storage;
    {
      auto run = Run::start(storage, settings);
      ASSERT_TRUE(run);
      for (std::uint64_t id = 1; id <= 4; ++id) {
        ASSERT_NE(run->append(run->stamp(1), test::taken(id)).number, 0U);
        run->flush();
      }
    }
    storage.kill_process();
    const auto whole = look(storage, settings);
    ASSERT_TRUE(whole);
    const std::size_t last = disk_offset(storage, whole->next_number - 1);
    const std::size_t before = last - sizeof(Record);
    for (std::size_t offset = before; offset < last + sizeof(Record); ++offset) {
      const bool in_last = offset >= last;
      SCOPED_TRACE("offset " + std::to_string(offset) + (in_last ? " (last)" : " (last but one)"));
      {
        auto torn = storage.clone();
        auto& bytes = torn->bytes(kFirst);
        std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(offset), bytes.end(), std::byte{0});
        const auto found = look(*torn, settings);
        ASSERT_TRUE(found) << "a torn end is normal: " << found.error().message;
        if (durability == Durability::process) {
          EXPECT_EQ(found->next_number, whole->next_number) << "the hot segment has what the disk lacks";
          EXPECT_EQ(found->tail, TailLoss::none);
        } else {
          // A record whose rest was zeros anyway is still whole; one that is all zeros was never there.
          const auto same = [&](std::size_t from, std::size_t to) {
            return std::equal(bytes.begin() + static_cast<std::ptrdiff_t>(from),
                              bytes.begin() + static_cast<std::ptrdiff_t>(to),
                              storage.bytes(kFirst).begin() + static_cast<std::ptrdiff_t>(from));
          };
          const std::size_t start = in_last ? last : before;
          const bool still_whole = same(start, start + sizeof(Record));
          const std::uint64_t lost = (in_last ? 1U : 2U) - (still_whole ? 1U : 0U);
          EXPECT_EQ(found->next_number, whole->next_number - lost);
          EXPECT_EQ(found->tail, offset == start || still_whole ? TailLoss::none : TailLoss::torn_on_disk);
        }
      }
      auto flipped = storage.clone();
      flip(*flipped, kFirst, offset, static_cast<int>(offset % 8));
      if (!in_last) {
        EXPECT_THAT(refusal(*flipped, settings),
                    AllOf(HasSubstr(kFirst), HasSubstr("offset " + std::to_string(before))));
        continue;
      }
      const auto found = look(*flipped, settings);
      ASSERT_TRUE(found) << found.error().message;
      if (durability == Durability::process)
        EXPECT_EQ(found->next_number, whole->next_number);
      else
        EXPECT_EQ(found->tail, TailLoss::torn_on_disk) << "nobody knows whether it was sent: block";
    }
  }
}

TEST(Recovery, EveryFlippedBitOfTheHotTailIsNamed) {
  const Settings settings = small_settings();
  MemoryStorage storage;
  std::uint64_t first_hot = 0;
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    ASSERT_NE(run->append(run->stamp(1), test::taken(1)).number, 0U);
    run->flush();
    first_hot = run->append(run->stamp(1), test::taken(2)).number;
    ASSERT_NE(run->append(run->stamp(1, 1), intended(2)).number, 0U);
  }
  storage.kill_process();
  const std::size_t from = HotHeader::kBytes + first_hot % settings.hot_records * sizeof(Record);
  for (std::size_t offset = from; offset < from + 3 * sizeof(Record); ++offset) {
    flip(storage, hot_file(settings), offset, static_cast<int>(offset % 8));
    EXPECT_THAT(refusal(storage, settings), AllOf(HasSubstr(hot_file(settings)), HasSubstr("offset")))
        << offset << ": the last record was published, so a bad one is no torn one";
    flip(storage, hot_file(settings), offset, static_cast<int>(offset % 8));
  }
  EXPECT_TRUE(look(storage, settings));
}

// A process that dies within append has stored some of an entry but not published it: nothing was sent on it,
// so both are true, that it was appended and that it was not. Half of it is neither.
TEST(Recovery, AnEntryThatWasNotPublishedCountsAsAWholeOrNotAtAll) {
  const Settings settings = small_settings();
  MemoryStorage storage;
  run_once(storage, settings, 12, true);
  const auto whole = look(storage, settings);
  ASSERT_TRUE(whole);
  Entry entry{Stamp{1, {1, 1, 1}, wire::Product::usdt_futures, wire::PositionSide::long_side}, intended(999)};
  auto& hot = storage.bytes(hot_file(settings));
  for (std::uint64_t part = 0; part < 2; ++part) {
    Record& record = entry.parts()[part];
    record.number = whole->next_number + part;
    record.crc = checksum_of(record);
    const std::size_t at = HotHeader::kBytes + record.number % settings.hot_records * sizeof(Record);
    for (std::size_t bytes = 0; bytes <= sizeof(Record); bytes += 16) {
      std::memcpy(hot.data() + at, &record, bytes);
      const auto found = look(storage, settings);
      ASSERT_TRUE(found) << found.error().message;
      const bool complete = part == 1 && is_valid(*reinterpret_cast<const Record*>(hot.data() + at));
      EXPECT_EQ(found->next_number, whole->next_number + (complete ? 2 : 0));
      EXPECT_EQ(found->state.cases.contains({1, 999}), complete);
    }
  }
}

// The rule behind all of the above: whatever is done to one file, a start never loses something and says
// nothing.
TEST(Recovery, RandomDamageIsRefusedHealedOrBlocks) {
  std::mt19937_64 random{20'261'003};
  int refused = 0;
  int healed = 0;
  int blocked = 0;
  for (int round = 0; round < 3'000; ++round) {
    const auto durability = round % 2 == 0 ? Durability::process : Durability::power;
    const Settings settings = small_settings(durability);
    static const auto make = [](Durability d) {
      auto storage = std::make_unique<MemoryStorage>();
      run_once(*storage, small_settings(d), 130, d == Durability::process);
      return storage;
    };
    static const std::unique_ptr<MemoryStorage> bases[] = {make(Durability::process),
                                                           make(Durability::power)};
    const MemoryStorage& base = *bases[round % 2];
    auto storage = base.clone();
    const auto whole = look(*storage, settings);
    ASSERT_TRUE(whole);
    const std::string newest = segment_path("/state", whole->newest_segment);
    std::vector<std::string> files{newest, "/state/journal.manifest"};
    if (durability == Durability::process) files.push_back(hot_file(settings));
    const std::string path = files[random() % files.size()];
    auto& bytes = storage->bytes(path);
    const std::size_t at = random() % bytes.size();
    const std::size_t length = std::min<std::size_t>(1 + random() % 300, bytes.size() - at);
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto how = random() % 4;
    if (how == 0) bytes[at] ^= static_cast<std::byte>(1U << random() % 8);
    if (how == 1) std::fill_n(from, length, std::byte{0});
    if (how == 2) std::generate_n(from, length, [&] { return static_cast<std::byte>(random()); });
    if (how == 3) bytes.resize(at);
    const auto found = look(*storage, settings);
    if (!found) {
      ++refused;
      EXPECT_THAT(found.error().message, HasSubstr("/")) << "which file?";
    } else if (found->must_block_all()) {
      ++blocked;
    } else {
      ++healed;
      const bool same = test::describe(found->state) == test::describe(whole->state);
      EXPECT_TRUE(same) << "round " << round << ": " << path << " offset " << at << " how " << how << ": "
                        << whole->next_number - found->next_number << " records lost in silence";
    }
  }
  EXPECT_GT(refused, 100);
  EXPECT_GT(healed, 100);
  EXPECT_GT(blocked, 10);
}

TEST(Recovery, AHoleInWhatHadBeenSyncedIsDamageAlsoAfterAPowerLoss) {
  const Settings settings = small_settings(Durability::power);
  MemoryStorage storage;
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    for (std::uint64_t id = 1; id <= 3; ++id) {
      ASSERT_NE(run->append(run->stamp(1), test::taken(id)).number, 0U);
      run->flush();
    }
  }
  storage.lose_power([] { return true; });
  const auto whole = look(storage, settings);
  ASSERT_TRUE(whole);
  const std::size_t hole = disk_offset(storage, whole->next_number - 3);
  std::fill_n(storage.bytes(kFirst).begin() + static_cast<std::ptrdiff_t>(hole), sizeof(Record),
              std::byte{0});
  EXPECT_THAT(refusal(storage, settings), AllOf(HasSubstr(kFirst), HasSubstr(std::to_string(hole))));
}

TEST(Recovery, AnUnreadableFileIsAnErrorNotAnEnd) {
  const Settings settings = small_settings();
  MemoryStorage storage;
  run_once(storage, settings, 12, true);
  for (const std::string& path : storage.paths()) {
    storage.set_plan([&](std::uint64_t, MemoryStorage::Operation operation, const std::string& at) {
      return MemoryStorage::Fault{.fail =
                                      operation == MemoryStorage::Operation::pread && at == path ? EIO : 0};
    });
    EXPECT_THAT(refusal(storage, settings), AllOf(HasSubstr(path), HasSubstr("Input/output error")));
  }
}

TEST(Recovery, TheDurabilityMayChangeBetweenStarts) {
  MemoryStorage storage;
  const Durability turns[] = {Durability::process, Durability::power, Durability::process,
                              Durability::process, Durability::power, Durability::power};
  std::uint64_t id = 0;
  for (const Durability durability : turns) {
    const Settings settings = small_settings(durability);
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run) << run.error().message;
    EXPECT_EQ(run->recovered.tail, TailLoss::none) << run->recovered.tail_reason;
    EXPECT_EQ(run->recovered.state.cases.size(), id) << "what an earlier start took is still open";
    ASSERT_NE(run->append(run->stamp(1), test::taken(++id)).number, 0U);
    if (durability == Durability::power) run->flush();
    run->open.reset();
    storage.kill_process();
  }
}

TEST(Recovery, WhatRecoveryNeedsOutlivesTheSegmentThatItWasIn) {
  Settings settings = small_settings();
  settings.keep_segments = 1;
  MemoryStorage storage;
  {
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    const auto append = [&](const Stamp& stamp, const auto& body) {
      while (run->append(stamp, body).status == AppendStatus::full) run->flush();
    };
    append(run->stamp(1), lane_opened());
    append(run->stamp(1, 1), intended(5));
    append(run->stamp(0), Halted{{}, FixedString<48>{"by hand"}, Scope::all, {}});
    append(run->stamp(2), pack_outcome(outcome(1, 3, wire::EventKind::denied, {})));
    for (std::uint64_t n = 1; n <= 300; ++n)
      append(run->stamp(1), pack_outcome(outcome(n, n + 10, wire::EventKind::denied, {})));
    run->flush();
  }
  EXPECT_FALSE(storage.exists(kFirst)) << "retention drops the oldest";
  storage.lose_power([] { return false; });
  const auto recovered = look(storage, settings);
  ASSERT_TRUE(recovered) << recovered.error().message;
  EXPECT_EQ(recovered->state.cases.at({1, 5}).phase, CasePhase::intended) << "an open case was forgotten";
  EXPECT_EQ(recovered->state.halts.size(), 1U) << "halt must survive";
  EXPECT_EQ(recovered->state.lanes.at(2).outcomes.size(), 1U)
      << "an outcome that can be replayed was dropped";
  EXPECT_EQ(recovered->state.lanes.at(1).last_record_number, 300U);
  EXPECT_EQ(recovered->state.lanes.at(1).strategy.view(), "momentum");
  EXPECT_EQ(recovered->state.hour_counts.begin()->second, 1U);
}

}  // namespace
}  // namespace backhand::journal
