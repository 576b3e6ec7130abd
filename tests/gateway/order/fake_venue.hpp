// A venue as a timeline: orders that are created and done at given venue times, position changes, and how far
// its reads lag behind. Answers look-ups; knows the truth. Only for the tests of order/.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "gateway/domain/lookup.hpp"

namespace backhand::order::test {

struct FakeOrder {
  domain::OrderRow row;  ///< As it is when done; created_venue_ms and updated_venue_ms are its timeline.
  bool listed = true;    ///< In the reversal history.
  bool named = true;     ///< Found by its clientOid.
  VenueMs clock_ms = 0;  ///< So far ahead is the clock by which it was stamped.
};

struct FakeChange {
  domain::Instrument instrument;
  VenueMs at = 0;
  std::int64_t long_by = 0;
  std::int64_t short_by = 0;
  std::uint64_t order = 0;  ///< Somebody else's trade: the order whose execution is listed; 0: not listed.
};

struct FakeVenue {
  std::vector<FakeOrder> orders;
  std::vector<FakeChange> changes;
  // Reads show the state of so long ago; with `random` each read draws its own lag up to that.
  VenueMs history_lag_ms = 0;
  VenueMs order_lag_ms = 0;
  VenueMs position_lag_ms = 0;
  std::mt19937_64* random = nullptr;
  // The clocks of the other services: how far ahead each is, and by how much each reading of it may differ.
  VenueMs reply_clock_ms = 0;
  VenueMs position_clock_ms = 0;
  VenueMs clock_jitter_ms = 0;
  bool lists_fills = true;      ///< Else the page of executions does not exist.
  std::size_t page_rows = 100;  ///< History comes in pages of so many rows,
  enum class PageOrder : std::uint8_t {
    newest_first,
    oldest_first,
    none
  } page_order = PageOrder::newest_first;

  /// The answer given at venue time `at`.
  void answer(const domain::Lookup& lookup, VenueMs at, domain::LookupReply& out) const;
  /// What is truly held at `at`.
  [[nodiscard]] domain::PositionSnapshot holding(const domain::Instrument& instrument, VenueMs at) const;

 private:
  void answer_history(const domain::Lookup& lookup, VenueMs at, domain::LookupReply& out) const;
  [[nodiscard]] VenueMs seen_at(VenueMs at, VenueMs lag) const;
  void list_fills(const domain::Lookup& lookup, VenueMs seen, domain::LookupReply& out) const;
  [[nodiscard]] static domain::OrderRow row_at(const FakeOrder& order, VenueMs at);
};

[[nodiscard]] domain::Instrument instrument(const char* symbol = "ETHUSDT");
[[nodiscard]] inline Decimal units(std::int64_t count) { return {static_cast<std::uint64_t>(count), 0}; }

}  // namespace backhand::order::test
