// Halts beside the journal: what was marked is found again, and no crash or failing disk turns a halt into
// none.
#include "gateway/journal/halt_marker.hpp"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/gateway/journal/journal_fixture.hpp"

namespace backhand::test {
namespace {

using journal::halt_marker_in_memory;
using journal::halt_marker_on_disk;
using journal::mark_halts_in_memory;
using journal::mark_halts_on_disk;
using journal::MarkedHalt;
using journal::read_halt_marker;
using testing::HasSubstr;

const std::vector<MarkedHalt> kTwo{{"", "venue looks odd\nand so on"}, {"main", ""}};

TEST(HaltMarker, GivesBackWhatWasMarked) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  EXPECT_TRUE(read_halt_marker(storage, halt_marker_on_disk(settings)).empty());
  ASSERT_TRUE(mark_halts_on_disk(storage, settings, kTwo));
  ASSERT_TRUE(mark_halts_in_memory(storage, settings, kTwo));
  const std::vector<MarkedHalt> expected{{"", "venue looks odd and so on"}, {"main", ""}};
  EXPECT_EQ(read_halt_marker(storage, halt_marker_on_disk(settings)), expected);
  EXPECT_EQ(read_halt_marker(storage, halt_marker_in_memory(settings)), expected);
  ASSERT_TRUE(mark_halts_on_disk(storage, settings, {}));
  ASSERT_TRUE(mark_halts_on_disk(storage, settings, {})) << "that there is none is what was asked for";
  EXPECT_TRUE(read_halt_marker(storage, halt_marker_on_disk(settings)).empty());
}

TEST(HaltMarker, TheOneOnDiskOutlivesThePowerAndTheOtherThisProcess) {
  MemoryStorage storage;
  const Settings settings = small_settings();
  ASSERT_TRUE(mark_halts_on_disk(storage, settings, kTwo));
  ASSERT_TRUE(mark_halts_in_memory(storage, settings, kTwo));
  storage.kill_process();
  EXPECT_EQ(read_halt_marker(storage, halt_marker_in_memory(settings)).size(), 2U);
  storage.lose_power([] { return false; });
  EXPECT_EQ(read_halt_marker(storage, halt_marker_on_disk(settings)).size(), 2U);
  EXPECT_TRUE(read_halt_marker(storage, halt_marker_in_memory(settings)).empty());
}

TEST(HaltMarker, AFileThatCannotBeUnderstoodHaltsEverything) {
  const Settings settings = small_settings();
  const std::string path = halt_marker_on_disk(settings);
  MemoryStorage whole;
  ASSERT_TRUE(mark_halts_on_disk(whole, settings, kTwo));
  const std::size_t size = whole.bytes(path).size();
  for (std::size_t cut = 0; cut < size; ++cut) {
    const auto storage = whole.clone();
    storage->bytes(path).resize(cut);
    const auto halts = read_halt_marker(*storage, path);
    ASSERT_EQ(halts.size(), 1U) << cut;
    EXPECT_EQ(halts[0].account, "");
    EXPECT_THAT(halts[0].reason, HasSubstr(path));
  }
}

TEST(HaltMarker, NoCrashTurnsAHaltIntoNone) {
  const Settings settings = small_settings();
  const std::vector<MarkedHalt> one{{"main", "before"}};
  for (std::uint64_t at = 0; at < 20; ++at) {
    MemoryStorage storage;
    ASSERT_TRUE(mark_halts_on_disk(storage, settings, one));
    storage.restart_count();
    storage.set_plan([at](std::uint64_t number, auto, const std::string&) {
      return MemoryStorage::Fault{.kill = number == at};
    });
    bool killed = false;
    try {
      ASSERT_TRUE(mark_halts_on_disk(storage, settings, kTwo));
    } catch (const Killed&) {
      killed = true;
    }
    storage.clear_plan();
    storage.kill_process();
    storage.lose_power([&at] { return at % 2 == 0; });
    const auto halts = read_halt_marker(storage, halt_marker_on_disk(settings));
    EXPECT_EQ(halts.size(), killed && halts.size() == 1 ? 1U : 2U) << at;
    if (!killed) break;
    ASSERT_LT(at, 19U) << "a mark has fewer steps than that";
  }
}

TEST(HaltMarker, ADiskThatFailsSaysSo) {
  const Settings settings = small_settings();
  for (std::uint64_t at = 0; at < 20; ++at) {
    MemoryStorage storage;
    bool failed = false;
    storage.set_plan([&](std::uint64_t number, auto operation, const std::string&) {
      if (number != at || operation == MemoryStorage::Operation::pread) return MemoryStorage::Fault{};
      failed = true;
      return MemoryStorage::Fault{.fail = EIO};
    });
    const auto marked = mark_halts_on_disk(storage, settings, kTwo);
    EXPECT_EQ(marked.has_value(), !failed) << at;
    if (!failed) break;
  }
}

}  // namespace
}  // namespace backhand::test
