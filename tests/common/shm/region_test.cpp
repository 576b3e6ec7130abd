#include "common/shm/region.hpp"

#include <cstring>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

namespace backhand::shm {
namespace {

TEST(Region, IsSharedBetweenBothMappingsAndSealed) {
  auto ours = Region::create("test", 5000);
  ASSERT_TRUE(ours.has_value()) << ours.error().message;
  EXPECT_EQ(ours->size(), whole_pages(5000));
  EXPECT_NE(::ftruncate(ours->fd(), 100), 0) << "a shrunk region is a SIGBUS at the other side's next touch";
  EXPECT_NE(::ftruncate(ours->fd(), 1 << 20), 0);
  EXPECT_NE(::fcntl(ours->fd(), F_ADD_SEALS, F_SEAL_WRITE), 0) << "no seal may follow";
  auto theirs = Region::open(Fd(::dup(ours->fd())), 5000);
  ASSERT_TRUE(theirs.has_value()) << theirs.error().message;
  std::memcpy(ours->bytes(), "hello", 5);
  EXPECT_EQ(std::memcmp(theirs->bytes(), "hello", 5), 0);
}

TEST(Region, RefusesWhatCouldBeCutOffUnderItsUser) {
  Fd unsealed(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(unsealed.get(), 4096), 0);
  const auto opened = Region::open(std::move(unsealed), 4096);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().message.find("not sealed"), std::string::npos) << opened.error().message;
}

TEST(Region, RefusesAnotherSizeAndWhatIsNoMemory) {
  const auto ours = Region::create("test", 4096);
  ASSERT_TRUE(ours.has_value());
  const auto other_size = Region::open(Fd(::dup(ours->fd())), 8192);
  ASSERT_FALSE(other_size.has_value());
  EXPECT_NE(other_size.error().message.find("4096 bytes instead of 8192"), std::string::npos);
  EXPECT_FALSE(Region::open(Fd(::open("/dev/null", O_RDWR)), 4096).has_value());
  EXPECT_FALSE(Region::open(Fd(), 4096).has_value());
}

TEST(Region, MovesItsMapping) {
  auto first = Region::create("test", 4096);
  ASSERT_TRUE(first.has_value());
  std::byte* const at = first->bytes();
  Region second = std::move(*first);
  EXPECT_FALSE(first->valid());
  EXPECT_EQ(second.bytes(), at);
  second.bytes()[0] = std::byte{1};
}

}  // namespace
}  // namespace backhand::shm
