// The log's writer against readers that read, that do not read, and that are gone.
#include "gateway/service/line_writer.hpp"

#include <csignal>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/shm/fd.hpp"

namespace backhand::service {
namespace {

class LineWriterTest : public testing::Test {
 protected:
  static constexpr int kPipe = 8'192;
  LineWriterTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_ = shm::Fd{ends[0]};
    writer_ = shm::Fd{ends[1]};
    (void)std::signal(SIGPIPE, SIG_IGN);
    // With a single page it would count as full as long as anything lies in it.
    (void)::fcntl(writer_.get(), F_SETPIPE_SZ, kPipe);
  }
  /// Reads until nothing more lies there.
  std::string read_all() {
    (void)::fcntl(reader_.get(), F_SETFL, O_NONBLOCK);
    std::string all;
    char bytes[4'096];
    for (ssize_t got = 0; (got = ::read(reader_.get(), bytes, sizeof bytes)) > 0;)
      all.append(bytes, static_cast<std::size_t>(got));
    return all;
  }

  shm::Fd reader_;
  shm::Fd writer_;
};

TEST_F(LineWriterTest, WritesLinesInTheirOrder) {
  LineWriter log{writer_.get()};
  log.put("one\n");
  log.put("two\n");
  ASSERT_TRUE(log.flush(10 * kSecond));
  EXPECT_EQ(read_all(), "one\ntwo\n");
  EXPECT_EQ(log.dropped(), 0U);
}

TEST_F(LineWriterTest, AReaderThatDoesNotReadCostsLinesAndHoldsUpNobody) {
  constexpr int kLines = 10'000;
  const std::string line = std::string(99, 'x') + "\n";
  LineWriter log{writer_.get(), 100'000};
  // Returns although nobody reads: at the bound of the pipe a write would wait for ever.
  for (int i = 0; i < kLines; ++i) log.put(line);
  EXPECT_FALSE(log.flush(kMillisecond)) << "the pipe has no room for all of it";
  const std::uint64_t dropped = log.dropped();
  EXPECT_GT(dropped, kLines - 100'000U / 100 - kPipe / 100 - 2);
  std::string all;
  while (!log.flush(kMillisecond)) all += read_all();
  all += read_all();
  log.put("again\n");
  ASSERT_TRUE(log.flush(10 * kSecond));
  all += read_all();
  const std::string missing =
      "(" + std::to_string(dropped) + " lines of this log are missing here: they were not read in time)\n";
  EXPECT_TRUE(all.ends_with(missing + "again\n")) << all.substr(all.size() - 200);
  EXPECT_EQ(all.size(), (kLines - dropped) * line.size() + missing.size() + 6);
}

TEST_F(LineWriterTest, EndsAlthoughNobodyReads) {
  LineWriter log{writer_.get()};
  for (int i = 0; i < 1'000; ++i) log.put(std::string(99, 'x') + "\n");
}

TEST_F(LineWriterTest, AReaderThatIsGoneCostsLines) {
  reader_.reset();
  LineWriter log{writer_.get()};
  log.put("one\n");
  log.put("two\n");
  ASSERT_TRUE(log.flush(10 * kSecond));
  EXPECT_EQ(log.dropped(), 2U);
}

}  // namespace
}  // namespace backhand::service
