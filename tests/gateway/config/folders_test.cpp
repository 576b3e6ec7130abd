// What is said of the gateway's folders before it starts: where sockets would lie open to everybody it must
// not.
#include "gateway/config/folders.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/config/load.hpp"

namespace backhand::config {
namespace {

class Folders : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "/backhand-folders-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = std::filesystem::canonical(name).string();
    for (const char* one : {"state", "hot", "run", "other"}) make(one, 0700);
    config_.file = "c.toml";
    config_.gateway.state_dir = folder_ + "/state";
    config_.gateway.hot_dir = folder_ + "/hot";
    config_.gateway.runtime_dir = folder_ + "/run";
    config_.gateway.attach_socket = folder_ + "/run/attach.sock";
    config_.gateway.admin_socket = folder_ + "/run/admin.sock";
    config_.gateway.state_dir_place = {1, 2};
    config_.gateway.runtime_dir_place = {3, 4};
    config_.gateway.hot_dir_place = {5, 6};
    config_.gateway.admin_socket_place = {7, 8};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void make(const std::string& name, mode_t mode) const {
    std::filesystem::create_directories(folder_ + "/" + name);
    ASSERT_EQ(::chmod((folder_ + "/" + name).c_str(), mode), 0);
  }
  [[nodiscard]] std::string shown(std::string text) const {
    for (auto at = text.find(folder_); at != std::string::npos; at = text.find(folder_)) {
      text.replace(at, folder_.size(), "DIR");
    }
    return text;
  }
  void look() {
    std::vector<Problem> problems;
    std::vector<Problem> warnings;
    check_folders(config_, problems, warnings);
    problems_ = shown(to_string(problems));
    warnings_ = shown(to_string(warnings));
  }

  std::string folder_;
  Config config_;
  std::string problems_, warnings_;
};

TEST_F(Folders, ThatAreAsTheyShouldBeSayNothing) {
  make("run", 0755);
  look();
  EXPECT_EQ(problems_, "");
  EXPECT_EQ(warnings_, "");
}

TEST_F(Folders, OfSocketsThatEverybodyMayWriteToAreRefused) {
  const std::string expected =
      "c.toml:3:4: gateway.runtime_dir: DIR/run can be written to by everybody, who could then take the "
      "gateway's place; chmod o-w, or a folder of its own\n";
  for (const mode_t mode : {0777U, 0702U, 01777U}) {
    make("run", mode);
    look();
    EXPECT_EQ(problems_, expected) << std::oct << mode;
  }
}

TEST_F(Folders, OfSocketsElsewhereCountToo) {
  make("other", 01777);
  config_.gateway.admin_socket = folder_ + "/other/admin.sock";
  look();
  EXPECT_TRUE(problems_.starts_with("c.toml:7:8: gateway.admin_socket: DIR/other can be written to"))
      << problems_;
}

TEST_F(Folders, OfTheJournalThatAreMissingAreRefused) {
  std::filesystem::remove(folder_ + "/state");
  std::filesystem::remove(folder_ + "/hot");
  std::ofstream{folder_ + "/hot"} << "a file";
  std::filesystem::remove(folder_ + "/run");
  look();
  EXPECT_EQ(warnings_,
            "c.toml:3:4: gateway.runtime_dir: DIR/run cannot be looked at: No such file or directory\n");
  EXPECT_EQ(problems_,
            "c.toml:1:2: gateway.state_dir: DIR/state cannot be looked at: No such file or directory\n"
            "c.toml:5:6: gateway.hot_dir: DIR/hot is no folder\n");
}

TEST_F(Folders, OfTheJournalThatWeCannotWriteToAreRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write anywhere";
  make("state", 0500);
  look();
  EXPECT_EQ(problems_, "c.toml:1:2: gateway.state_dir: DIR/state cannot be written to: Permission denied\n");
}

TEST_F(Folders, AreLookedAtWithTheSecretsAndAtTheirKeys) {
  make("run", 0777);
  std::filesystem::remove(folder_ + "/state");
  for (const char* secret : {"k", "s", "p"}) {
    std::ofstream{folder_ + "/" + secret} << "x";
    ASSERT_EQ(::chmod((folder_ + "/" + secret).c_str(), 0600), 0);
  }
  std::ofstream{folder_ + "/c.toml"}
      << "environment = \"simulated\"\n[gateway]\nruntime_dir = \"run\"\n"
         "state_dir = \"state\"\nhot_dir = \"hot\"\n"
         "[venue]\nconnect_address = \"127.0.0.1\"\n"
         "[[accounts]]\nname = \"a\"\nkey_file = \"./k\"\nsecret_file = \"./s\"\n"
         "passphrase_file = \"./p\"\n[[instruments]]\nsymbol = \"ETHUSDT\"\n"
         "product = \"USDT-FUTURES\"\n";
  std::vector<Problem> warnings;
  const auto loaded = load_with_secrets(folder_ + "/c.toml", "", &warnings);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_TRUE(
      shown(to_string(loaded.error())).starts_with("DIR/c.toml:3:15: gateway.runtime_dir: DIR/run can"))
      << to_string(loaded.error());
  EXPECT_TRUE(shown(to_string(loaded.error()))
                  .find("DIR/c.toml:4:13: gateway.state_dir: DIR/state cannot be looked at") !=
              std::string::npos)
      << to_string(loaded.error());
  make("run", 0755);
  make("state", 0700);
  EXPECT_TRUE(load_with_secrets(folder_ + "/c.toml", "").has_value());
}

}  // namespace
}  // namespace backhand::config
