// How old what look-ups show may be. The settings name a bound; here is what the pages themselves show: a
// history page without an order of ours that is known to be final is older than that order's end, or of
// another account. Such a page proves no absence, and what it shows of the venue's lag is remembered. Pure.
// Owned by Settlement.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"

namespace backhand::order {

/// Our last final orders of one (account, product): every page that covers them must show them.
class KnownOrders {
 public:
  static constexpr std::size_t kMost = 8;

  /// A final order that carries one of our ids. `listed`: a history page has shown it.
  void remember(const domain::OrderRow& row, bool listed) noexcept;

  /// A walk over history begins.
  void expect_all() noexcept;
  /// Whether the page is up to date and of this account, for all that is known: it shows one of our orders,
  /// or none that should be on it is missing. Of another page only rows with our names say anything.
  bool note_page(std::span<const domain::OrderRow> rows, VenueMs since, const wire::SymbolName& symbol,
                 VenueMs as_of) noexcept;
  /// The walk saw everything created since `since` (of one symbol only, where that is not empty) that the
  /// venue knew at its data's time. When the oldest missing order had ended, so that the data are older than
  /// that; 0: none is missing.
  [[nodiscard]] VenueMs missing_since(VenueMs since, const wire::SymbolName& symbol,
                                      VenueMs as_of) const noexcept;
  /// When the newest order that history has shown was created; 0: there is none.
  [[nodiscard]] VenueMs newest_listed() const noexcept;

 private:
  struct Known {
    wire::OrderId order_id;
    wire::SymbolName symbol;
    VenueMs created_venue_ms = 0;
    VenueMs ended_venue_ms = 0;
    bool listed = false;
    bool seen = false;  ///< By the walk under way.
  };
  [[nodiscard]] static bool is_missing(const Known& known, VenueMs since, const wire::SymbolName& symbol,
                                       VenueMs as_of) noexcept;
  std::array<Known, kMost> known_{};
  std::size_t next_ = 0;
};

/// How far an account's look-ups were seen to lag: twice that is allowed for, until nothing was seen for
/// long.
class SeenLag {
 public:
  void note(VenueMs lag, VenueMs at) noexcept;
  [[nodiscard]] VenueMs allowance(VenueMs at) const noexcept;

 private:
  VenueMs lag_ = 0;
  VenueMs seen_at_ = 0;
};

}  // namespace backhand::order
