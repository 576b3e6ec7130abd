// The disk's thread, with a disk that does not answer until it is told to.
#include "gateway/service/disk_thread.hpp"

#include <atomic>
#include <semaphore>
#include <vector>

#include <gtest/gtest.h>

namespace backhand::service {
namespace {

TEST(DiskThread, RunsItsTurnAgainAndAgain) {
  std::counting_semaphore<> turns{0};
  DiskThread disk{[&turns] { turns.release(); }, kMillisecond};
  for (int i = 0; i < 3; ++i) turns.acquire();
}

TEST(DiskThread, JobsKeepTheirOrderAndTheLastOneEndsIt) {
  std::vector<int> done;
  DiskThread disk{[] {}, kMillisecond};
  for (int i = 0; i < 100; ++i) disk.post([&done, i] { done.push_back(i); });
  std::binary_semaphore last{0};
  disk.finish([&last] { last.release(); });
  last.acquire();
  while (!disk.finished()) {
  }
  ASSERT_EQ(done.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(done[static_cast<std::size_t>(i)], i);
}

TEST(DiskThread, WhoHandsAJobOverDoesNotWaitForADiskThatHangs) {
  std::binary_semaphore hangs{0};
  std::binary_semaphore answers{0};
  std::atomic<bool> first{true};
  std::atomic<bool> done{false};
  DiskThread disk{[&] {
                    if (!first.exchange(false)) return;
                    hangs.release();
                    answers.acquire();
                  },
                  kMillisecond};
  hangs.acquire();
  disk.post([&done] { done = true; });
  disk.finish([] {});
  // Both returned, and nothing has run.
  EXPECT_FALSE(done);
  EXPECT_FALSE(disk.finished());
  answers.release();
  while (!disk.finished()) {
  }
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace backhand::service
