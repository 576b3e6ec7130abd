// When a window of history has been seen to its end, whatever the order of rows and the size of pages.
#include "gateway/order/page_walk.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace backhand::order {
namespace {

using Step = PageWalk::Step;

/// A page of rows with these numbers, created at them.
domain::LookupReply page(std::initializer_list<int> numbers, VenueMs at = 5'000) {
  domain::LookupReply out;
  out.status = domain::LookupStatus::ok;
  out.venue_ms = at;
  for (const int number : numbers) {
    domain::OrderRow row;
    row.order_id = wire::OrderId{std::to_string(number)};
    row.created_venue_ms = number;
    out.orders.push_back(row);
    out.end_id = row.order_id;
  }
  return out;
}

TEST(PageWalk, AnEmptyPageIsTheEnd) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({})), Step::complete);
  EXPECT_EQ(walk.as_of(), 5'000);
  EXPECT_EQ(walk.window_begin(), 1);
  EXPECT_FALSE(walk.under_way());
}

TEST(PageWalk, AShortPageIsNotTheEnd) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({19, 18}, 5'000)), Step::more) << "nobody knows how long the venue's pages are";
  EXPECT_EQ(walk.before().view(), "18");
  EXPECT_EQ(walk.since(), 1);
  EXPECT_EQ(walk.take(page({17}, 6'000)), Step::more);
  EXPECT_EQ(walk.take(page({}, 7'000)), Step::complete);
  EXPECT_EQ(walk.as_of(), 5'000) << "what came after the first page may be missing";
}

TEST(PageWalk, RowsThatComeOldestFirstMoveTheWindow) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({11, 12, 13})), Step::more);
  EXPECT_EQ(walk.since(), 13);
  EXPECT_TRUE(walk.before().empty());
  EXPECT_EQ(walk.take(page({13, 14, 15})), Step::more);
  EXPECT_EQ(walk.take(page({15})), Step::complete);
}

TEST(PageWalk, APageThatMayHaveBeenCutBeforeItsNewRowsIsNotTheEnd) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({11, 12, 13, 14, 15})), Step::more);
  EXPECT_EQ(walk.take(page({11, 12, 13, 14, 15})), Step::broken) << "many orders of one millisecond";
  walk.begin(1);
  EXPECT_EQ(walk.take(page({11, 12})), Step::more);
  EXPECT_EQ(walk.take(page({11, 12})), Step::complete) << "two legs of one millisecond";
}

TEST(PageWalk, RowsInNoOrderProveNothing) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({11, 13, 12})), Step::broken);
  walk.begin(1);
  EXPECT_EQ(walk.take(page({13, 12})), Step::more);
  EXPECT_EQ(walk.take(page({10, 11})), Step::broken) << "another order than the page before";
}

TEST(PageWalk, AVenueThatDoesNotHeedTheCursorProvesNothing) {
  PageWalk walk;
  walk.begin(1);
  EXPECT_EQ(walk.take(page({13, 12})), Step::more);
  EXPECT_EQ(walk.take(page({13, 12})), Step::broken);
  walk.begin(1);
  domain::LookupReply without_cursor = page({13, 12});
  without_cursor.end_id = {};
  EXPECT_EQ(walk.take(without_cursor), Step::broken);
}

TEST(PageWalk, UnreadableRowsAndTooManyPagesProveNothing) {
  PageWalk walk;
  walk.begin(1);
  domain::LookupReply cut = page({13, 12});
  cut.truncated = true;
  EXPECT_EQ(walk.take(cut), Step::broken);
  walk.begin(1);
  for (int i = 0; i + 1 < static_cast<int>(PageWalk::kMaxPages); ++i)
    EXPECT_EQ(walk.take(page({1'000 - 2 * i, 999 - 2 * i})), Step::more);
  EXPECT_EQ(walk.take(page({3, 2})), Step::broken);
}

TEST(PageWalk, NumbersAreComparedAsNumbers) {
  EXPECT_TRUE(is_older("9", "10"));
  EXPECT_FALSE(is_older("10", "9"));
  EXPECT_TRUE(is_older("1323031696869281794", "1323031696869281795"));
}

}  // namespace
}  // namespace backhand::order
