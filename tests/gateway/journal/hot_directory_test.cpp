// Where the hot segment lies, with files, links and directories of others in the way.
#include "gateway/journal/hot_directory.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace backhand::journal {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class HotDirectoryTest : public testing::Test {
 protected:
  HotDirectoryTest() {
    std::string name = testing::TempDir() + "backhand-hot-XXXXXX";
    root_ = ::mkdtemp(name.data());
    plain_ = root_ + "/backhand-" + std::to_string(::geteuid());
  }
  ~HotDirectoryTest() override { std::filesystem::remove_all(root_); }
  /// As /dev/shm is.
  void open_to_all() { ASSERT_EQ(::chmod(root_.c_str(), 01777), 0); }
  /// What is in the way is seen, avoided and named, and the next start finds the same place again.
  void expect_avoided() {
    const auto made = make_hot_directory(root_);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_THAT(made->path, StartsWith(plain_ + "-"));
    EXPECT_THAT(made->warning, HasSubstr(plain_ + " is not a directory of user"));
    struct stat status{};
    ASSERT_EQ(::lstat(made->path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0700U);
    const auto again = make_hot_directory(root_);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->path, made->path) << "else the next start would miss what this one wrote";
    EXPECT_EQ(find_hot_directory(root_, ::geteuid()).path, made->path);
  }

  std::string root_;
  std::string plain_;
};

TEST_F(HotDirectoryTest, ADirectoryOfOursAloneIsUsedAsItIs) {
  const auto made = make_hot_directory(root_);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->path, root_);
}

TEST_F(HotDirectoryTest, InOneOfAllItMakesOneOfOurs) {
  open_to_all();
  const auto made = make_hot_directory(root_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->path, plain_);
  EXPECT_EQ(made->warning, "");
  const auto again = make_hot_directory(root_);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->path, plain_);
}

TEST_F(HotDirectoryTest, ALinkInTheWayIsAvoided) {
  open_to_all();
  std::filesystem::create_directory(root_ + "/trap");
  std::filesystem::create_directory_symlink(root_ + "/trap", plain_);
  expect_avoided();
}

TEST_F(HotDirectoryTest, AFileInTheWayIsAvoided) {
  open_to_all();
  std::ofstream{plain_} << "x";
  expect_avoided();
}

TEST_F(HotDirectoryTest, ADirectoryThatOthersMayEnterIsAvoided) {
  open_to_all();
  ASSERT_EQ(::mkdir(plain_.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(plain_.c_str(), 0755), 0);
  expect_avoided();
}

TEST_F(HotDirectoryTest, ADirectoryOfAnotherUserIsAvoided) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can make another user's directory";
  open_to_all();
  ASSERT_EQ(::mkdir(plain_.c_str(), 0700), 0);
  ASSERT_EQ(::chown(plain_.c_str(), 12'345, 12'345), 0);
  expect_avoided();
}

TEST_F(HotDirectoryTest, WhatIsNotThereIsNamed) {
  const auto made = make_hot_directory(root_ + "/nowhere");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr(root_ + "/nowhere/backhand-"));
  EXPECT_THAT(made.error().message, HasSubstr("gateway.hot_dir"));
}

}  // namespace
}  // namespace backhand::journal
