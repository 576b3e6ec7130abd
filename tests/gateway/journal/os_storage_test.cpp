// The journal on real files: a process that is killed by SIGKILL while it appends, a second gateway, and how
// long a million records take to read.
#include "gateway/journal/os_storage.hpp"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/journal/journal.hpp"
#include "gateway/journal/locks.hpp"
#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::journal {
namespace {

using ::testing::HasSubstr;

/// A directory of its own, on the disk and on tmpfs, gone with the test.
class OsJournal : public ::testing::Test {
 protected:
  void SetUp() override {
    state_ = make("/tmp/backhand-journal-XXXXXX");
    hot_ = make(std::filesystem::is_directory("/dev/shm") ? "/dev/shm/backhand-test-XXXXXX"
                                                          : "/tmp/backhand-hot-XXXXXX");
  }
  void TearDown() override {
    std::filesystem::remove_all(state_);
    std::filesystem::remove_all(hot_);
  }
  Settings settings(Durability durability = Durability::process) const {
    Settings settings;
    settings.state_dir = state_;
    settings.hot_dir = hot_;
    settings.durability = durability;
    settings.hot_records = 1024;
    settings.segment_records = 8192;
    return settings;
  }
  static std::string make(std::string pattern) {
    return ::mkdtemp(pattern.data()) == nullptr ? std::string{} : pattern;
  }

  std::string state_;
  std::string hot_;
  OsStorage storage_;
};

/// What the child has been promised, in memory that outlives it.
struct Promise {
  std::atomic<std::uint64_t> durable;
  std::atomic<std::uint64_t> told;  // Record number of the last outcome whose append returned.
};

[[noreturn]] void append_until_killed(const Settings& settings, Promise& promise) {
  OsStorage storage;
  const auto recovered = recover(storage, settings, test::kUnixSeconds);
  if (!recovered) ::_exit(1);
  auto opened = open_journal(storage, settings, *recovered, 500, 0);
  if (!opened) ::_exit(2);
  Journal& journal = **opened;
  std::jthread service;
  if (settings.durability == Durability::power)
    journal.start_thread({});
  else
    service = std::jthread{[&](const std::stop_token&) {
      while (true) journal.do_work();
    }};
  const auto lane = recovered->state.lanes.find(1);
  std::uint64_t told = lane == recovered->state.lanes.end() ? 0 : lane->second.last_record_number;
  if (told == 0 && journal.append(Stamp{1, {0, 1, 0}, {}, {}}, test::lane_opened()).number == 0) ::_exit(3);
  while (true) {
    const Appended appended =
        journal.append(Stamp{1, {0, 1, 0}, {}, {}},
                       pack_outcome(test::outcome(told + 1, told + 1, wire::EventKind::denied, {})));
    if (appended.status == AppendStatus::full) {
      std::this_thread::yield();
      continue;
    }
    if (appended.status == AppendStatus::failed) ::_exit(4);
    ++told;
    while (journal.durable_number() < appended.number) std::this_thread::yield();
    promise.durable.store(appended.number);
    promise.told.store(told);
  }
}

class OsKill : public OsJournal, public ::testing::WithParamInterface<Durability> {};

TEST_P(OsKill, WhatWasDurableSurvivesSigkill) {
  void* memory = ::mmap(nullptr, sizeof(Promise), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& promise = *new (memory) Promise{};
  std::uint32_t last_epoch = 0;
  std::uint64_t last_told = 0;
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::uint64_t before = promise.told.load();
    const pid_t child = ::fork();
    ASSERT_NE(child, -1);
    if (child == 0) append_until_killed(settings(GetParam()), promise);
    // Killed at a place that moves with the round, once it has got going.
    const std::uint64_t step = GetParam() == Durability::process ? 37 : 3;
    const std::uint64_t wanted = before + 1 + static_cast<std::uint64_t>(round) * step;
    int status = 0;
    while (promise.told.load() < wanted && ::waitpid(child, &status, WNOHANG) == 0) std::this_thread::yield();
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(promise.told.load() >= wanted) << "the child ended by itself, status " << status;
    const auto found = recover(storage_, settings(GetParam()), test::kUnixSeconds);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_GT(found->next_number, promise.durable.load()) << "a record that was durable is gone";
    EXPECT_GE(found->state.lanes.at(1).last_record_number, promise.told.load());
    EXPECT_LE(found->state.lanes.at(1).last_record_number, promise.told.load() + 1);
    EXPECT_GT(found->epoch, last_epoch);
    EXPECT_FALSE(found->must_block_all()) << found->tail_reason;
    last_epoch = found->epoch;
    EXPECT_GT(found->state.lanes.at(1).last_record_number, last_told);
    last_told = found->state.lanes.at(1).last_record_number;
  }
  ::munmap(memory, sizeof(Promise));
}

INSTANTIATE_TEST_SUITE_P(BothDurabilities, OsKill, ::testing::Values(Durability::process, Durability::power),
                         [](const auto& about) {
                           return std::string{about.param == Durability::process ? "process" : "power"};
                         });

TEST_F(OsJournal, ASecondProcessCannotHaveTheStateDirectory) {
  const auto lock = lock_state_dir(storage_, state_);
  ASSERT_TRUE(lock) << lock.error().message;
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    OsStorage storage;
    ::_exit(lock_state_dir(storage, state_) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "two gateways on one journal";
}

TEST_F(OsJournal, FilesAreForTheirOwnerOnly) {
  const auto recovered = recover(storage_, settings(), test::kUnixSeconds);
  ASSERT_TRUE(recovered);
  ASSERT_TRUE(open_journal(storage_, settings(), *recovered, 0, 0));
  for (const std::string& dir : {state_, hot_}) {
    for (const auto& entry : std::filesystem::directory_iterator{dir}) {
      const auto mode = entry.status().permissions();
      EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
                std::filesystem::perms::none)
          << entry.path();
    }
  }
}

TEST_F(OsJournal, MissingDirectoriesAreNamed) {
  Settings nowhere = settings();
  nowhere.state_dir = state_ + "/nowhere";
  const auto found = recover(storage_, nowhere, test::kUnixSeconds);
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr(nowhere.state_dir));
}

// The bar is 1 s on a quiet machine; here the figure is printed, not judged.
TEST_F(OsJournal, AMillionRecordsAreRecovered) {
  Settings large = settings();
  large.segment_records = 1'100'000;
  large.hot_records = 32768;
  std::uint64_t records = 0;
  {
    const auto recovered = recover(storage_, large, test::kUnixSeconds);
    ASSERT_TRUE(recovered);
    auto journal = open_journal(storage_, large, *recovered, 0, 0);
    ASSERT_TRUE(journal) << journal.error().message;
    const std::uint32_t epoch = (*journal)->epoch();
    ASSERT_NE((*journal)->append(Stamp{1, {0, 1, 0}, {}, {}}, test::lane_opened()).number, 0U);
    for (std::uint64_t n = 1; records < 1'000'000; ++n) {
      const Stamp stamp{1, {epoch, 1, n}, wire::Product::usdt_futures, wire::PositionSide::long_side};
      const auto append = [&](const auto& body) {
        Appended appended = (*journal)->append(stamp, body);
        while (appended.status == AppendStatus::full) {
          (*journal)->do_work();
          appended = (*journal)->append(stamp, body);
        }
        records = appended.number;
      };
      append(test::intended(n));
      append(Sent{n, 1, 2, 300, 4, {}});
      append(Learned{n, 3, 0, {}, wire::VenueCode{"00000"}, 200, 0, wire::CodeClass::success, {}});
      append(Settled{n, 1, 0, 0, 1, {}, wire::SettledResult::reversed, 0, 0, 1, {}});
      append(pack_outcome(test::outcome(n, n, wire::EventKind::settled, stamp.key)));
    }
    while ((*journal)->do_work() != 0) {
    }
    ASSERT_EQ((*journal)->failure(), "");
  }
  const auto from = std::chrono::steady_clock::now();
  const auto found = recover(storage_, large, test::kUnixSeconds);
  const auto took = std::chrono::steady_clock::now() - from;
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->next_number, records + 1);
  EXPECT_TRUE(found->state.cases.empty());
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  RecordProperty("recovery_ms", static_cast<int>(ms));
  std::cout << "recovered " << records << " records in " << ms << " ms\n";
}

}  // namespace
}  // namespace backhand::journal
