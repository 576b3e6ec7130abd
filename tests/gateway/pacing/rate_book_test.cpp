// One book by itself: exact times, the claim of PROOF.md under adversarial arrivals, and predictions. If one
// of these fails, either the venue can be made to throttle or allowance is wasted.
#include "gateway/pacing/rate_book.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "delays.hpp"
#include "venue_counter.hpp"

namespace backhand::pacing::test {
namespace {

constexpr Margins kExact{0, 2 * kSecond, 0};

TEST(RateBook, GivesTheWholeAllowanceAtOnceThenWaitsForTheReply) {
  RateBook book({3, kSecond}, kExact);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(book.earliest(100), 100);
    book.take(100);
  }
  EXPECT_EQ(book.earliest(100), kNever) << "an arrival is possible until a reply says otherwise";
  book.on_reply(500);
  EXPECT_EQ(book.earliest(600), 500 + kSecond) << "the slot's second runs from the reply, not the write";
  EXPECT_TRUE(book.permits(500 + kSecond));
  EXPECT_FALSE(book.permits(499 + kSecond));
}

TEST(RateBook, KnowsSinceWhenAWriteIsPermitted) {
  RateBook book({2, kSecond}, kExact);
  EXPECT_LE(book.permitted_since(100), 0);
  book.take(100);
  book.take(100);
  book.on_reply(500);
  book.on_reply(700);
  // Looked at long after both became free: the later turn does not make the slot younger.
  EXPECT_EQ(book.permitted_since(9 * kSecond), 500 + kSecond);
  book.take(500 + kSecond);
  EXPECT_EQ(book.permitted_since(9 * kSecond), 700 + kSecond);
}

TEST(RateBook, KnowsSinceWhenAWriteIsPermittedInTheEvenShape) {
  RateBook book({10, kSecond}, kExact, Shape::even);
  book.take(0);
  book.on_reply(500);
  EXPECT_EQ(book.permitted_since(kSecond), 500 + kSecond / 10);
}

TEST(RateBook, WasNotPermittedBeforeTheEndOfASlowDown) {
  RateBook book({10, kSecond}, kExact);
  book.take(0);
  book.on_reply(500);
  book.slow_down_until(50 * kMillisecond);
  EXPECT_EQ(book.permitted_since(60 * kMillisecond), 50 * kMillisecond);
  book.slow_down_until(kSecond);
  EXPECT_EQ(book.permitted_since(200 * kMillisecond), 500 + kSecond / 10) << "while it lasts it is even";
}

/// Turns come late, and many slots may have opened by then. The n-th write waits for the slot of the (n -
/// limit)-th reply, whatever the book has forgotten meanwhile.
TEST(RateBook, IsPermittedSinceItsOwnSlotWasFreeHoweverLateTheTurn) {
  const bool holds = rc::check("own slot", [](bool even) {
    constexpr std::size_t kLimit = 5;
    RateBook book({kLimit, kSecond}, kExact, even ? Shape::even : Shape::burst);
    std::vector<Ns> replies;
    std::size_t writes = 0;
    Ns now = kSecond;
    for (int i = 0; i < 300; ++i) {
      now += *rc::gen::inRange<Ns>(0, 300 * kMillisecond);
      if (writes > replies.size() && *rc::gen::arbitrary<bool>()) {
        replies.push_back(now);
        book.on_reply(now);
      }
      if (!book.permits(now)) continue;
      Ns expected = writes < kLimit ? 0 : replies[writes - kLimit] + kSecond;
      if (even && !replies.empty()) expected = std::max(expected, replies.back() + kSecond / 5);
      RC_ASSERT(std::max<Ns>(book.permitted_since(now), 0) == expected);
      book.take(now);
      ++writes;
    }
  });
  EXPECT_TRUE(holds);
}

TEST(RateBook, AddsMarginAndDrift) {
  RateBook book({1, kSecond}, {5 * kMillisecond, kSecond, 500});
  EXPECT_GE(book.span_ns(), kSecond + 5 * kMillisecond + 500 * kMicrosecond);
  EXPECT_LE(book.span_ns(), kSecond + 6 * kMillisecond);
  RateBook minute({100, 60 * kSecond}, {5 * kMillisecond, kSecond, 500});
  EXPECT_GE(minute.span_ns(), 60 * kSecond + 35 * kMillisecond) << "drift grows with the window";
}

TEST(RateBook, HoldsAnUnansweredRequestUntilItCannotArrive) {
  RateBook book({1, kSecond}, kExact);
  book.take(0);
  book.on_no_reply(100);
  EXPECT_EQ(book.earliest(200), 100 + 2 * kSecond + kSecond);
}

TEST(RateBook, TakesRepliesInAnyOrderWithUnansweredOnes) {
  RateBook book({3, kSecond}, kExact);
  for (int i = 0; i < 3; ++i) book.take(0);
  book.on_no_reply(10);
  book.on_reply(20);
  book.on_reply(30);
  EXPECT_EQ(book.earliest(40), 20 + kSecond);
  book.take(20 + kSecond);
  EXPECT_EQ(book.earliest(20 + kSecond), 30 + kSecond);
  book.take(30 + kSecond);
  EXPECT_EQ(book.earliest(30 + kSecond), 10 + 3 * kSecond);
}

TEST(RateBook, ATimeThatGoesBackErrsToTheSafeSide) {
  RateBook book({2, kSecond}, kExact);
  book.take(0);
  book.take(0);
  book.on_reply(100);
  book.on_reply(50);
  book.set_limit(1);
  EXPECT_EQ(book.earliest(200), 100 + kSecond);
  EXPECT_EQ(book.in_use(75 + kSecond), 2U);
}

TEST(RateBook, GivesBackWhatWasNotWritten) {
  RateBook book({1, kSecond}, kExact);
  book.take(0);
  book.on_not_written();
  EXPECT_TRUE(book.permits(0));
}

TEST(RateBook, EvenWaitsForReplyAndSpacing) {
  RateBook book({10, kSecond}, kExact, Shape::even);
  book.take(0);
  EXPECT_EQ(book.earliest(50), kNever);
  book.on_reply(7'000'000);
  EXPECT_EQ(book.earliest(8'000'000), 7'000'000 + 100 * kMillisecond);
}

TEST(RateBook, LowersTheLimitForWhatIsInTheBookAlready) {
  RateBook book({10, kSecond}, kExact);
  for (int i = 0; i < 10; ++i) {
    book.take(i);
    book.on_reply(i);
  }
  book.set_limit(1);
  EXPECT_EQ(book.earliest(100), 9 + kSecond)
      << "all ten must be out of the window before a lead trader's one";
  book.take(9 + kSecond);
  EXPECT_EQ(book.earliest(9 + kSecond), kNever);
}

TEST(RateBook, SlowsDownAndComesBack) {
  RateBook book({10, kSecond}, kExact);
  book.take(0);
  book.on_reply(0);
  book.slow_down_until(250 * kMillisecond);
  EXPECT_EQ(book.earliest(1), 100 * kMillisecond);
  book.take(100 * kMillisecond);
  EXPECT_EQ(book.earliest(100 * kMillisecond), 250 * kMillisecond)
      << "while a reply is out, the end of the slow-down is the next chance";
  book.on_reply(240 * kMillisecond);
  EXPECT_EQ(book.earliest(240 * kMillisecond), 250 * kMillisecond) << "not 340 ms: it is burst again by then";
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(book.permits(250 * kMillisecond));
    book.take(250 * kMillisecond);
  }
  EXPECT_FALSE(book.permits(250 * kMillisecond));
}

TEST(RateBook, HeedsALowerRemainderForOneWindowAndNeverAHigher) {
  RateBook book({10, kSecond}, kExact);
  book.take(0);
  book.on_reply(5);
  EXPECT_FALSE(book.heed_remaining(9, 5)) << "nine left after our one: nobody else";
  EXPECT_FALSE(book.heed_remaining(50, 5));
  EXPECT_TRUE(book.heed_remaining(2, 5)) << "seven are somebody else's";
  EXPECT_TRUE(book.permits(6));
  book.take(6);
  book.take(6);
  EXPECT_EQ(book.earliest(7), 5 + kSecond);
  EXPECT_FALSE(book.heed_remaining(3, 7)) << "a smaller share of others does not raise the allowance back";
  EXPECT_FALSE(book.permits(7));
  EXPECT_TRUE(book.permits(5 + kSecond));
}

TEST(RateBook, RemembersAnEarlierLife) {
  RateBook book({2, kSecond}, kExact);
  book.recall_unanswered(100);
  book.take(100);
  EXPECT_EQ(book.earliest(100), 100 + 3 * kSecond);
  book.recall_unanswered(100);
  EXPECT_EQ(book.earliest(100), 100 + 3 * kSecond) << "a full book cannot be fuller";
  RateBook arrived({1, kSecond}, kExact);
  arrived.recall_arrived(100);
  EXPECT_EQ(arrived.earliest(100), 100 + kSecond);
}

TEST(RateBookDeath, AWriteThatIsNotPermittedIsABug) {
  RateBook book({1, kSecond}, kExact);
  book.take(0);
  EXPECT_DEATH(book.take(1), "permits");
}

/// What the network and callers may do to one book; arrivals are chosen as badly as possible.
struct Adversary {
  explicit Adversary(std::uint64_t seed, std::uint32_t requests, Shape shape)
      : random(seed),
        requests_(requests),
        book({requests, kSecond}, margins, shape),
        audit(requests, book.span_ns()),
        spacing_audit(1, book.span_ns() / requests),
        shape_(shape) {}

  void step() {
    now +=
        static_cast<Ns>(random.below(3) == 0 ? random.below(700 * kMillisecond) : random.below(kMillisecond));
    const std::uint64_t what = random.below(20);
    if (what < 12) {
      write();
    } else if (!open.empty()) {
      close(random.below(open.size()), what);
    }
  }
  void write() {
    const Ns at = book.earliest(now);
    if (at == kNever) return;
    // The exact moment, or later.
    now = std::max(now, at);
    book.take(now);
    open.push_back(now);
  }
  void close(std::size_t which, std::uint64_t what) {
    const Ns written = open[which];
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
    if (what == 19) {
      book.on_not_written();
    } else if (what == 18) {
      book.on_no_reply(now);
      arrive(written, now + margins.no_reply_hold_ns);
    } else {
      book.on_reply(now);
      arrive(written, now);
    }
  }
  /// First, last or any possible moment.
  void arrive(Ns from, Ns to) {
    const std::uint64_t pick = random.below(3);
    const auto width = static_cast<std::uint64_t>(to - from) + 1;
    arrivals.push_back(pick == 0 ? from : pick == 1 ? to : from + static_cast<Ns>(random.below(width)));
  }
  [[nodiscard]] bool conforms() {
    std::sort(arrivals.begin(), arrivals.end());
    bool fine = true;
    for (const Ns at : arrivals) {
      fine &= audit.arrive(at);
      if (shape_ == Shape::even) fine &= spacing_audit.arrive(at);
    }
    return fine;
  }

  Random random;
  Margins margins{3 * kMillisecond, 2 * kSecond, 200};
  std::uint32_t requests_;
  RateBook book;
  Auditor audit;
  Auditor spacing_audit;
  Shape shape_;
  Ns now = 0;
  std::vector<Ns> open;
  std::vector<Ns> arrivals;
};

TEST(RateBookProperty, NoPossibleArrivalsBreakTheRule) {
  EXPECT_TRUE(rc::check("burst", [] {
    Adversary adversary(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::uint32_t>(1, 25),
                        Shape::burst);
    for (int i = 0; i < 2'000; ++i) adversary.step();
    RC_ASSERT(adversary.conforms());
  }));
  EXPECT_TRUE(rc::check("even", [] {
    Adversary adversary(*rc::gen::arbitrary<std::uint64_t>(), *rc::gen::inRange<std::uint32_t>(1, 25),
                        Shape::even);
    for (int i = 0; i < 2'000; ++i) adversary.step();
    RC_ASSERT(adversary.conforms());
  }));
}

TEST(RateBookProperty, ConformsWhileLimitShapeAndQuotaChange) {
  EXPECT_TRUE(rc::check([] {
    Adversary adversary(*rc::gen::arbitrary<std::uint64_t>(), 10, Shape::burst);
    for (int i = 0; i < 2'000; ++i) {
      adversary.step();
      switch (adversary.random.below(40)) {
        case 0:
          adversary.book.set_limit(1 + static_cast<std::uint32_t>(adversary.random.below(10)));
          break;
        case 1:
          adversary.book.set_shape(Shape::even);
          break;
        case 2:
          adversary.book.set_shape(Shape::burst);
          break;
        case 3:
          adversary.book.slow_down_until(adversary.now + kSecond);
          break;
        case 4:
          (void)adversary.book.heed_remaining(static_cast<std::uint32_t>(adversary.random.below(12)),
                                              adversary.now);
          break;
        default:
          break;
      }
    }
    RC_ASSERT(adversary.conforms());
  }));
}

/// A book written without any cleverness: every slot with its release time, sorted.
struct PlainBook {
  std::uint32_t limit;
  Ns span;
  std::vector<Ns> releases;  ///< kNever while outstanding.

  [[nodiscard]] Ns earliest(Ns now) const {
    std::vector<Ns> busy;
    std::copy_if(releases.begin(), releases.end(), std::back_inserter(busy), [now](Ns r) { return r > now; });
    if (busy.size() < limit) return now;
    std::sort(busy.begin(), busy.end());
    return busy[busy.size() - limit];
  }
};

TEST(RateBookProperty, IsExactlyAsLateAsNeeded) {
  EXPECT_TRUE(rc::check([] {
    const std::uint32_t requests = *rc::gen::inRange<std::uint32_t>(1, 12);
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    RateBook book({requests, kSecond}, kExact);
    PlainBook plain{requests, kSecond, {}};
    Ns now = 0;
    for (int i = 0; i < 1'000; ++i) {
      now += static_cast<Ns>(random.below(300 * kMillisecond));
      RC_ASSERT(book.earliest(now) == plain.earliest(now));
      const auto open = std::find(plain.releases.begin(), plain.releases.end(), kNever);
      const std::uint64_t what = random.below(10);
      if (what < 6 && book.permits(now)) {
        book.take(now);
        plain.releases.push_back(kNever);
      } else if (open != plain.releases.end()) {
        if (what == 9) {
          book.on_not_written();
          plain.releases.erase(open);
        } else if (what == 8) {
          book.on_no_reply(now);
          *open = now + 3 * kSecond;
        } else {
          book.on_reply(now);
          *open = now + kSecond;
        }
      } else if (what == 7) {
        const auto limit = 1 + static_cast<std::uint32_t>(random.below(requests));
        book.set_limit(limit);
        plain.limit = limit;
      }
    }
  }));
}

/// With a constant round trip every predicted time is the time at which that write then goes.
TEST(RateBookProperty, PredictsExactlyWhereRoundTripsAreConstant) {
  EXPECT_TRUE(rc::check([] {
    const std::uint32_t requests = *rc::gen::inRange<std::uint32_t>(1, 12);
    const Ns round_trip = *rc::gen::inRange<Ns>(0, 400 * kMillisecond);
    const Shape shape = *rc::gen::element(Shape::burst, Shape::even);
    Random random(*rc::gen::arbitrary<std::uint64_t>());
    RateBook book({requests, kSecond}, {kMillisecond, kSecond, 100}, shape);
    const double lost = *rc::gen::element(0.0, 0.1, 0.5);
    std::deque<Ns> replies;
    Ns now = 0;
    bool warm_up = true;
    const auto advance = [&](Ns to) {
      for (; !replies.empty() && replies.front() <= to; replies.pop_front()) {
        if (warm_up && random.chance(lost)) {
          book.on_no_reply(replies.front());
        } else {
          book.on_reply(replies.front());
        }
      }
      now = to;
    };
    const auto write_next = [&] {
      while (book.earliest(now) == kNever) advance(std::max(now, replies.front()));
      Ns at = book.earliest(now);
      while (!replies.empty() && replies.front() < at) {
        advance(replies.front());
        at = book.earliest(now);
      }
      advance(at);
      book.take(at);
      replies.push_back(at + round_trip);
      return at;
    };
    for (int warm = static_cast<int>(random.below(40)); warm > 0; --warm) {
      advance(now + static_cast<Ns>(random.below(200 * kMillisecond)));
      write_next();
    }
    warm_up = false;
    std::vector<Ns> predicted;
    for (std::uint32_t rank = 0; rank < 40; ++rank) predicted.push_back(book.predict(rank, now, round_trip));
    for (std::uint32_t rank = 0; rank < 40; ++rank) RC_ASSERT(write_next() == predicted[rank]);
  }));
}

TEST(RateBook, PredictsAroundAnUnansweredRequest) {
  RateBook book({2, kSecond}, kExact);
  book.take(0);
  book.take(0);
  book.on_no_reply(100);
  book.on_reply(100);
  EXPECT_EQ(book.predict(0, 200, 50), 100 + kSecond);
  EXPECT_EQ(book.predict(1, 200, 50), 100 + kSecond + 50 + kSecond) << "the other slot is free again before";
  EXPECT_EQ(book.predict(2, 200, 50), 100 + 3 * kSecond);
}

}  // namespace
}  // namespace backhand::pacing::test
