// The open journal: what append answers, what failing disks do to it, and its two threads.
#include "gateway/journal/journal.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/journal/reader.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::journal {
namespace {

using test::intended;
using test::lane_opened;
using test::MemoryStorage;
using test::Run;
using test::small_settings;
using ::testing::HasSubstr;

TEST(Journal, SaysHowMuchRoomIsLeft) {
  MemoryStorage storage;
  auto run = Run::start(storage, small_settings());
  ASSERT_TRUE(run);
  std::uint64_t id = 0;
  for (;;) {
    const Room before = run->open->room();
    EXPECT_EQ(before.slots, 64U);
    const bool fits = before.free >= 1;
    const AppendStatus status = run->append(run->stamp(1), test::taken(++id)).status;
    ASSERT_EQ(status, fits ? AppendStatus::durable : AppendStatus::full);
    if (!fits) break;
    EXPECT_GE(run->open->room().free, before.free - 1);
  }
  EXPECT_EQ(run->append(run->stamp(1, 1), intended(id)).status, AppendStatus::full);
  EXPECT_GT(run->open->do_work(), 0U);
  EXPECT_EQ(run->open->room().free, 64U);
  EXPECT_EQ(run->append(run->stamp(1), test::taken(id)).status, AppendStatus::durable);
}

TEST(Journal, AppendsAnEntryAsAWholeOrNotAtAll) {
  MemoryStorage storage;
  auto run = Run::start(storage, small_settings());
  ASSERT_TRUE(run);
  std::uint64_t last = 1;
  for (std::uint64_t n = 1;; ++n) {
    const Appended appended =
        run->append(run->stamp(1), pack_outcome(test::outcome(n, n, wire::EventKind::denied, {})));
    if (appended.status == AppendStatus::full) break;
    EXPECT_EQ(appended.number, last + 3) << "numbers are dense";
    last = appended.number;
  }
  EXPECT_EQ(run->open->durable_number(), last);
  EXPECT_EQ(last, 1U + 63 / 3 * 3) << "no part of the entry that did not fit was appended";
}

TEST(Journal, AFailedSyncHaltsItForGoodAndIsNeverTriedAgain) {
  for (const Durability durability : {Durability::process, Durability::power}) {
    for (const auto failing : {MemoryStorage::Operation::pwrite, MemoryStorage::Operation::fdatasync}) {
      MemoryStorage storage;
      auto run = Run::start(storage, small_settings(durability));
      ASSERT_TRUE(run);
      int failures = 0;
      storage.set_plan([&](std::uint64_t, MemoryStorage::Operation operation, const std::string&) {
        const bool fails = operation == failing;
        failures += fails ? 1 : 0;
        return MemoryStorage::Fault{.fail = fails ? EIO : 0};
      });
      ASSERT_NE(run->append(run->stamp(1), lane_opened()).number, 0U);
      const std::uint64_t durable = run->open->durable_number();
      EXPECT_EQ(run->open->do_work(), 0U);
      EXPECT_THAT(run->open->failure(), HasSubstr("/state/journal-00000001.bhj: Input/output error"));
      EXPECT_EQ(run->append(run->stamp(1), test::taken(1)).status, AppendStatus::failed);
      EXPECT_EQ(run->open->do_work(), 0U);
      EXPECT_EQ(run->open->durable_number(), durable);
      EXPECT_FALSE(run->open->close(1, 0));
      EXPECT_EQ(failures, 1) << "after a failed sync the pages may be gone: asking again would say yes";
    }
  }
}

TEST(Journal, AFullDiskIsNamed) {
  MemoryStorage storage;
  storage.set_capacity(12'000);
  const auto hot_full = Run::start(storage, small_settings());
  ASSERT_FALSE(hot_full);
  EXPECT_THAT(hot_full.error().message, HasSubstr("No space left on device"));
  MemoryStorage other;
  Settings settings = small_settings();
  auto run = Run::start(other, settings);
  ASSERT_TRUE(run);
  other.set_capacity(0);
  while (run->open->failure().empty()) {
    static_cast<void>(run->append(run->stamp(0), Resumed{{}, {}, Scope::all, {}}));
    run->flush();
  }
  EXPECT_THAT(run->open->failure(), HasSubstr("journal-00000002.bhj"));
  EXPECT_THAT(run->open->failure(), HasSubstr("No space left on device"));
}

TEST(Journal, FailedAllocationOrMappingOfTheHotSegmentIsNamed) {
  for (const auto failing : {MemoryStorage::Operation::allocate, MemoryStorage::Operation::map}) {
    MemoryStorage storage;
    storage.set_plan([&](std::uint64_t, MemoryStorage::Operation operation, const std::string& path) {
      return MemoryStorage::Fault{.fail = operation == failing && path.starts_with("/hot/") ? ENOMEM : 0};
    });
    const auto run = Run::start(storage, small_settings());
    ASSERT_FALSE(run);
    EXPECT_THAT(run.error().message, HasSubstr("/hot/backhand-"));
  }
}

TEST(Journal, MemoryThatIsDamagedBeforeItIsCopiedStopsTheCopy) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  auto run = Run::start(storage, settings);
  ASSERT_TRUE(run);
  ASSERT_NE(run->append(run->stamp(1), lane_opened()).number, 0U);
  for (const std::string& path : storage.paths()) {
    if (path.starts_with("/hot/")) storage.bytes(path).at(4096 + 2 * 128 + 70) ^= std::byte{1};
  }
  EXPECT_EQ(run->open->do_work(), 0U);
  EXPECT_THAT(run->open->failure(), HasSubstr("in memory is damaged"));
}

TEST(Journal, SettingsThatCannotWorkAreRefused) {
  MemoryStorage storage;
  for (const std::uint32_t records : {0U, 63U, 100U, 2U * kMostHotRecords}) {
    Settings settings = small_settings();
    settings.hot_records = records;
    EXPECT_FALSE(Run::start(storage, settings)) << records;
  }
  Settings settings = small_settings();
  settings.segment_records = 10;
  EXPECT_FALSE(Run::start(storage, settings));
  settings = small_settings();
  settings.oid_prefix = FixedString<8>{"a b"};
  EXPECT_FALSE(Run::start(storage, settings));
}

TEST(Journal, InPowerModeAnEntryIsDurableOnlyOnceTheDiskHasIt) {
  MemoryStorage storage;
  auto run = Run::start(storage, small_settings(Durability::power));
  ASSERT_TRUE(run);
  const Appended appended = run->append(run->stamp(1, 1), intended(5));
  EXPECT_EQ(appended.status, AppendStatus::pending);
  EXPECT_LT(run->open->durable_number(), appended.number);
  storage.set_plan([&](std::uint64_t, MemoryStorage::Operation operation, const std::string&) {
    EXPECT_LT(run->open->durable_number(), appended.number) << "told durable before the sync";
    EXPECT_TRUE(operation == MemoryStorage::Operation::pwrite ||
                operation == MemoryStorage::Operation::fdatasync);
    return MemoryStorage::Fault{};
  });
  EXPECT_EQ(run->open->do_work(), 2U);
  EXPECT_EQ(run->open->durable_number(), appended.number);
}

// Both ends at once; under ThreadSanitizer this is what shows a missing acquire or release.
TEST(Journal, OneThreadAppendsWhileAnotherCopies) {
  constexpr std::uint64_t kEntries = 5'000;
  for (const Durability durability : {Durability::process, Durability::power}) {
    MemoryStorage storage;
    Settings settings = small_settings(durability);
    settings.hot_records = 512;
    settings.segment_records = 4096;
    settings.keep_segments = 2;
    auto run = Run::start(storage, settings);
    ASSERT_TRUE(run);
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> rung{0};
    std::jthread service;
    if (durability == Durability::power) {
      run->open->start_thread([&] { rung.fetch_add(1); });
    } else {
      service = std::jthread{[&] {
        while (!done.load()) run->open->do_work();
      }};
    }
    ASSERT_NE(run->append(run->stamp(1), lane_opened()).number, 0U);
    std::uint64_t last = 0;
    for (std::uint64_t n = 1; n <= kEntries; ++n) {
      Appended appended{AppendStatus::full, 0};
      while (appended.status == AppendStatus::full) {
        appended = run->append(run->stamp(1), pack_outcome(test::outcome(n, n, wire::EventKind::denied, {})));
        if (appended.status == AppendStatus::full) std::this_thread::yield();
      }
      ASSERT_NE(appended.status, AppendStatus::failed) << run->open->failure();
      last = appended.number;
    }
    while (durability == Durability::power && run->open->durable_number() < last) std::this_thread::yield();
    done.store(true);
    if (service.joinable()) service.join();
    ASSERT_TRUE(run->open->close(1, 0));
    EXPECT_EQ(rung.load() > 0, durability == Durability::power) << "nobody was told that it is durable";
    run->open.reset();
    storage.kill_process();
    const auto recovered = recover(storage, settings, test::kUnixSeconds);
    ASSERT_TRUE(recovered) << recovered.error().message;
    EXPECT_EQ(recovered->state.lanes.at(1).last_record_number, kEntries);
    EXPECT_TRUE(recovered->state.clean_stop);
  }
}

TEST(Journal, AFailureOnItsThreadIsToldThroughTheDoorbell) {
  MemoryStorage storage;
  auto run = Run::start(storage, small_settings(Durability::power));
  ASSERT_TRUE(run);
  storage.set_plan([](std::uint64_t, MemoryStorage::Operation, const std::string&) {
    return MemoryStorage::Fault{.fail = EIO};
  });
  std::atomic<bool> rung{false};
  run->open->start_thread([&] {
    rung.store(true);
    rung.notify_all();
  });
  EXPECT_EQ(run->append(run->stamp(1), lane_opened()).status, AppendStatus::pending);
  rung.wait(false);
  EXPECT_FALSE(run->open->failure().empty());
}

}  // namespace
}  // namespace backhand::journal
