#include "gateway/order/page_walk.hpp"

#include <algorithm>

namespace backhand::order {

bool is_older(std::string_view a, std::string_view b) noexcept {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

void PageWalk::begin(VenueMs since, VenueMs slack) noexcept {
  *this = {};
  begin_ = since;
  since_ = since;
  slack_ = slack;
}

PageWalk::Step PageWalk::take(const domain::LookupReply& page) noexcept {
  if (pages_ == 0) as_of_ = page.venue_ms;
  ++pages_;
  Step step = Step::broken;
  if (!page.truncated && follow(page))
    step = order_ == Order::oldest_first ? next_newer(page) : next_older(page);
  if (step == Step::more && pages_ >= kMaxPages) step = Step::broken;
  if (step != Step::more) stop();
  return step;
}

/// Finds out in which order the rows come; false where they come in none, or in another one than before.
bool PageWalk::follow(const domain::LookupReply& page) noexcept {
  const auto& rows = page.orders;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto earlier = rows[i - 1].order_id.view();
    const auto later = rows[i].order_id.view();
    if (earlier == later) return false;
    const Order here = is_older(later, earlier) ? Order::newest_first : Order::oldest_first;
    if (order_ == Order::unknown) order_ = here;
    if (order_ != here) return false;
  }
  largest_page_ = std::max(largest_page_, rows.size());
  return true;
}

PageWalk::Step PageWalk::next_older(const domain::LookupReply& page) noexcept {
  if (page.orders.empty()) return Step::complete;
  // Rows that were shown before: the venue does not go by the cursor.
  if (!edge_.empty() && !is_older(page.orders.front().order_id.view(), edge_.view())) return Step::broken;
  if (page.end_id.empty()) return Step::broken;
  edge_ = page.orders.back().order_id;
  before_ = page.end_id;
  return Step::more;
}

/// The cursor only leads to older rows, so the window is moved on instead. Its first rows are shown again.
PageWalk::Step PageWalk::next_newer(const domain::LookupReply& page) noexcept {
  const auto& rows = page.orders;
  const bool adds = !rows.empty() && (edge_.empty() || is_older(edge_.view(), rows.back().order_id.view()));
  // A page as long as any other may have been cut before its new rows, unless no page is so short.
  if (!adds) return rows.size() < std::max(largest_page_, kLeastPage) ? Step::complete : Step::broken;
  edge_ = rows.back().order_id;
  since_ = rows.back().created_venue_ms - slack_;
  before_ = {};
  return Step::more;
}

}  // namespace backhand::order
