// How a machine is read, that a good one is called good, and that nothing is guessed about one that says
// nothing.
#include <set>

#include "tests/gateway/doctor/fake_machine.hpp"

namespace backhand::doctor {
namespace {

TEST(Cpus, AreReadAndWrittenAsTheKernelDoes) {
  EXPECT_EQ(parse_cpus("0-2,5"), (Cpus{0, 1, 2, 5}));
  EXPECT_EQ(parse_cpus("3"), Cpus{3});
  EXPECT_EQ(parse_cpus(""), Cpus{});
  EXPECT_EQ(parse_cpus(" \n"), Cpus{});
  for (const char* wrong : {"a", "1-", "-1", "3-1", "1,,2", "0-99999999", "1 2"}) {
    EXPECT_EQ(parse_cpus(wrong), std::nullopt) << wrong;
  }
  EXPECT_EQ(to_text(Cpus{0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
  EXPECT_EQ(to_text(Cpus{}), "none");
}

TEST(Limits, AreReadByName) {
  const std::string limits =
      "Max locked memory         8388608  unlimited  bytes\nMax file size  unlimited 1 bytes\n";
  EXPECT_EQ(limit_of(limits, "Max locked memory"), 8'388'608U);
  EXPECT_EQ(limit_of(limits, "Max file size"), UINT64_MAX);
  EXPECT_EQ(limit_of(limits, "Max open files"), std::nullopt);
}

using AMachine = FakeMachine;

TEST_F(AMachine, ThatIsGoodGetsNothingButOk) {
  put_good();
  std::set<std::string> items;
  for (const Finding& one : examine(machine_, &config_)) {
    EXPECT_EQ(to_string(one.level), "ok") << to_text(one);
    EXPECT_TRUE(items.insert(one.item).second) << "twice: " << one.item;
  }
  EXPECT_EQ(items.size(), 19U);
  EXPECT_FALSE(any_problem(examine(machine_, &config_)));
}

TEST_F(AMachine, ThatSaysNothingIsNotGuessedAbout) {
  config_.gateway.io_cpu = 3;
  config_.gateway.idle = config::IdlePolicy::spin;
  config_.gateway.lock_memory = true;
  const std::set<std::string> folders{"state_dir", "runtime_dir", "hot_dir"};
  for (const Finding& one : examine(machine_, &config_)) {
    // That a folder is not there can be seen.
    const Level expected = folders.contains(one.item) ? Level::advice : Level::unknown;
    EXPECT_EQ(to_string(one.level), to_string(expected)) << to_text(one);
  }
}

TEST_F(AMachine, IsLookedAtWithoutAConfigurationToo) {
  put_good();
  for (const Finding& one : examine(machine_, nullptr)) {
    EXPECT_EQ(to_string(one.level), one.item == "io_cpu" ? "unknown" : "ok") << to_text(one);
  }
}

TEST_F(AMachine, ShowsTheProcessThatWasNamed) {
  put_good();
  machine_.process = "42";
  put("/proc/42/status", "Cpus_allowed_list:\t0-1\nCapEff:\t0000000000000000");
  put("/proc/42/limits", "Max locked memory         65536  65536  bytes\nMax realtime priority     0  0");
  expect("io_cpu", Level::problem, "not ours to use (allowed: 0-1)");
  expect("memlock", Level::problem, "at most 64 KiB");
  expect("realtime", Level::advice, "not possible");
}

TEST_F(AMachine, SaysOnWhichFileSystemAPathLies) {
  put_good();
  EXPECT_EQ(machine_.file_system("/var/lib/backhand"), "ext4");
  EXPECT_EQ(machine_.file_system("/dev/shm"), "tmpfs");
  EXPECT_EQ(machine_.file_system("/dev/shmoo"), "ext4");
  EXPECT_EQ(machine_.file_system("/far away/not/there"), "nfs4");
}

TEST(Text, IsOneLineWhateverANameHolds) {
  const Finding finding{Level::advice, "neighbours", "busy: \x1b[2J\n", "why", "how"};
  EXPECT_EQ(to_text(finding), "advice   neighbours    busy: ?[2J?; why -> how");
  EXPECT_EQ(
      to_json(finding),
      R"({"level":"advice","item":"neighbours","found":"busy: \u001b[2J\u000a","why":"why","how":"how"})");
}

}  // namespace
}  // namespace backhand::doctor
