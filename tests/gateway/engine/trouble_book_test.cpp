// What is worth a line in the log: each new trouble once, again after a minute, and never more than a few a
// second.
#include "gateway/engine/trouble_book.hpp"

#include <gtest/gtest.h>

#include "gateway/engine/lookup_jobs.hpp"
#include "gateway/engine/throttle_history.hpp"

namespace backhand::engine {
namespace {

constexpr Ns kStart = 1'000 * kSecond;

Trouble of(std::uint16_t account, int status = 403) {
  Trouble out;
  out.cause = TroubleCause::not_venue;
  out.kind = domain::LookupKind::positions;
  out.account = AccountIndex{account};
  out.trace.http_status = status;
  return out;
}

TEST(TroubleBook, SaysAThingOnceAndAgainAfterAMinute) {
  TroubleBook book;
  int said = 0;
  for (Ns t = 0; t < 150 * kSecond; t += 500 * kMillisecond)
    said += book.note(of(0), kStart + t) != nullptr ? 1 : 0;
  EXPECT_EQ(said, 3);
  EXPECT_EQ(book.latest({})->count, 300U);
  EXPECT_EQ(book.latest({})->since_ns, kStart);
}

TEST(TroubleBook, SaysWhatHasChangedSooner) {
  TroubleBook book;
  EXPECT_NE(book.note(of(0, 403), kStart), nullptr);
  EXPECT_EQ(book.note(of(0, 502), kStart + kSecond), nullptr);
  EXPECT_NE(book.note(of(0, 403), kStart + 6 * kSecond), nullptr);
}

TEST(TroubleBook, TellsTheEndOfWhatWasTold) {
  TroubleBook book;
  (void)book.note(of(0), kStart);
  const Trouble* const ended = book.end(of(0), kStart + 3 * kSecond);
  ASSERT_NE(ended, nullptr);
  EXPECT_EQ(ended->last_ns - ended->since_ns, 3 * kSecond);
  EXPECT_EQ(book.end(of(0), kStart + 4 * kSecond), nullptr);
  EXPECT_EQ(book.latest({}), nullptr);
}

TEST(TroubleBook, AThousandObjectsMakeNoFlood) {
  TroubleBook book;
  int said = 0;
  for (int round = 0; round < 60; ++round) {
    for (std::uint16_t a = 0; a < 1'000; ++a)
      said += book.note(of(a), kStart + round * kSecond) != nullptr ? 1 : 0;
  }
  EXPECT_LE(said, static_cast<int>(TroubleBook::kBurst) + 60);
}

TEST(TroubleBook, FindsTheLatestOfAnAccountOrOfAll) {
  TroubleBook book;
  (void)book.note(of(0), kStart);
  (void)book.note(of(1), kStart + kSecond);
  EXPECT_EQ(book.latest(AccountIndex{0})->account, AccountIndex{0});
  EXPECT_EQ(book.latest({})->account, AccountIndex{1});
  EXPECT_EQ(book.latest(AccountIndex{2}), nullptr);
}

TEST(JobQueue, KeepsTheOrderOfTimes) {
  JobQueue queue{8};
  for (const Ns due : {5, 9, 7, 1, 7, 3}) {
    LookupJob job;
    job.due_ns = due;
    ASSERT_TRUE(queue.push(job));
    if (due == 7) {
      ASSERT_TRUE(queue.push(job));
      (void)queue.pop();
    }
  }
  Ns last = 0;
  while (!queue.empty()) {
    EXPECT_GE(queue.front().due_ns, last);
    last = queue.pop().due_ns;
  }
  EXPECT_EQ(last, 9);
}

TEST(JobQueue, ForgetsWhatIsUnwantedAndNoOther) {
  JobQueue queue{4};
  // Around the end of the ring.
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.push({}));
    (void)queue.pop();
  }
  for (const Ns due : {1, 2, 3, 4}) {
    LookupJob job;
    job.due_ns = due;
    ASSERT_TRUE(queue.push(job));
  }
  queue.remove_if([](const LookupJob& job) { return job.due_ns % 2 == 0; });
  ASSERT_EQ(queue.size(), 2U);
  EXPECT_EQ(queue.pop().due_ns, 1);
  EXPECT_EQ(queue.pop().due_ns, 3);
}

/// What an account sends each `gap` and a venue lets through once in `allowed`: after how many replies it is
/// recognised; 0: never.
int recognised_after(Ns gap, Ns allowed, int replies = 100) {
  ThrottleHistory history;
  Ns passed = -allowed;
  for (int i = 1; i <= replies; ++i) {
    const Ns now = i * gap;
    const bool throttled = now - passed < allowed;
    if (!throttled) passed = now;
    if (history.on_reply(throttled, now)) return i;
  }
  return 0;
}

TEST(ThrottleHistory, RecognisesALeadTraderAtEveryPace) {
  for (const Ns gap : {100, 150, 250, 334, 480}) {
    const int after = recognised_after(gap * kMillisecond, kSecond);
    EXPECT_GT(after, 0) << gap;
    EXPECT_LE(after, 25) << gap;
  }
}

TEST(ThrottleHistory, ANormalAccountIsNone) {
  EXPECT_EQ(recognised_after(100 * kMillisecond, 100 * kMillisecond), 0);
  // Twice too fast, and what passes lies close together: another program uses the key.
  EXPECT_EQ(recognised_after(50 * kMillisecond, 100 * kMillisecond), 0);
}

TEST(ThrottleHistory, ABanIsNone) {
  ThrottleHistory history;
  for (int i = 1; i <= 5; ++i) EXPECT_FALSE(history.on_reply(false, i * 100 * kMillisecond));
  for (int i = 6; i <= 100; ++i) EXPECT_FALSE(history.on_reply(true, i * 100 * kMillisecond)) << i;
}

}  // namespace
}  // namespace backhand::engine
