// Walks one history look-up page by page and says when every row of its window has been seen. That rows come
// newest first, and how many a page holds, are beliefs about the venue: the walk looks at the order that it
// gets, and only a page that adds nothing ends it. Pure. Owned by Settlement, one for each (account,
// product).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"

namespace backhand::order {

class PageWalk {
 public:
  /// Of at most 100 rows each. A window that holds more is not walked to its end.
  static constexpr std::uint32_t kMaxPages = 10;
  /// No page holds fewer rows than this where there are more: the two legs of a reversal may share their
  /// millisecond, and would then look like a cut page.
  static constexpr std::size_t kLeastPage = 5;

  enum class Step : std::uint8_t {
    more,      ///< There may be further rows: the next page is described by `since` and `before`.
    complete,  ///< Every row that was there at `as_of` has been seen, as far as the venue's data reach.
    broken,    ///< Unreadable rows, no order in them, a page that repeats itself, or too many pages.
  };

  /// A new walk over everything created at or after `since`. Of two orders the later one may name a creation
  /// time that is earlier by `slack`.
  void begin(VenueMs since, VenueMs slack = 0) noexcept;
  /// Takes the next page; `page.status` is ok.
  [[nodiscard]] Step take(const domain::LookupReply& page) noexcept;

  [[nodiscard]] bool under_way() const noexcept { return pages_ > 0; }
  void stop() noexcept { pages_ = 0; }

  // What to ask for next.
  [[nodiscard]] VenueMs since() const noexcept { return since_; }
  [[nodiscard]] const wire::OrderId& before() const noexcept { return before_; }

  /// Where the whole window begins.
  [[nodiscard]] VenueMs window_begin() const noexcept { return begin_; }
  /// The venue's time in the first page: what was there later may be missing.
  [[nodiscard]] VenueMs as_of() const noexcept { return as_of_; }

 private:
  enum class Order : std::uint8_t { unknown, newest_first, oldest_first };

  [[nodiscard]] bool follow(const domain::LookupReply& page) noexcept;
  [[nodiscard]] Step next_older(const domain::LookupReply& page) noexcept;
  [[nodiscard]] Step next_newer(const domain::LookupReply& page) noexcept;

  VenueMs begin_ = 0;
  VenueMs since_ = 0;
  VenueMs slack_ = 0;
  VenueMs as_of_ = 0;
  wire::OrderId before_;
  wire::OrderId
      edge_;  ///< The last row of the page before: the oldest so far, or in the other order the newest.
  std::size_t largest_page_ = 0;
  std::uint32_t pages_ = 0;
  Order order_ = Order::unknown;
};

/// Whether order number `a` is less than `b`: the venue's numbers grow with time.
[[nodiscard]] bool is_older(std::string_view a, std::string_view b) noexcept;

}  // namespace backhand::order
