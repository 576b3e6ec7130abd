// The vocabulary of settlement: the settings, what the engine knows of a reversal when it asks what became of
// it, and the answer. Plain values.
#pragma once

#include <cstdint>

#include "common/decimal.hpp"
#include "common/fixed_string.hpp"
#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/ground.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::order {

/// What settlement believes about the venue (README.md names each as an assumption) and how often it asks.
struct Settings {
  std::uint32_t clock_tolerance_ms = 30'000;  ///< The venue refuses a request whose timestamp is older.
  std::uint32_t execution_grace_ms = 10'000;  ///< From acceptance until every leg is done.
  std::uint32_t lookup_lag_ms = 10'000;     ///< What a look-up shows is at most so much older than its reply.
  std::uint32_t clock_skew_ms = 50;         ///< Two of the venue's clocks differ by at most this.
  std::uint32_t settle_recheck_ms = 2'000;  ///< Two negative answers must lie this far apart.
  std::uint32_t unresolved_after_ms = 120'000;  ///< Of answering venue after the fuse, before giving up.
  std::uint32_t first_read_ms = 100;            ///< After the ack; execution takes about 14 + 83 ms.
  std::uint32_t poll_max_ms = 2'000;            ///< Longest pause between two questions about an open case.
  std::uint32_t backoff_min_ms = 100;           ///< After a lost or useless look-up, doubling …
  std::uint32_t backoff_max_ms = 5'000;         ///< … up to this.
  /// How all our clientOids begin: a row with another one of ours belongs to another intent. Empty: unknown.
  FixedString<8> client_oid_prefix;
};

/// What the venue said to the request itself.
enum class Answer : std::uint8_t {
  none,         ///< Nothing trustworthy: the request may still be under way until the fuse has burnt.
  acked,        ///< Yes: accepted, so it may execute later than one would think.
  doubtful_no,  ///< A code that may follow an executed leg (C, E, G, H, K): it is no longer under way.
};

/// One reversal whose end is to be found out. Constant while its case is open.
struct CaseFacts {
  std::uint32_t case_id = 0;  ///< The engine's own number, below `max_cases`; free again after the decision.
  AccountIndex account;
  PositionIndex position;
  domain::Instrument instrument;
  domain::PositionMode mode = domain::PositionMode::one_way;
  domain::PositionSide held_side = domain::PositionSide::long_side;  ///< The side asked to be reversed.
  bool has_size = false;
  Decimal size;  ///< With has_size.
  wire::ClientOid client_oid;
  wire::OrderId order_id;  ///< From the ack; else empty.
  /// The timestamp in the signed request, set-back included. Never ahead of the venue's clock.
  VenueMs signed_venue_ms = 0;
  /// Lower bound of the venue's clock when the write began, ≥ signed_venue_ms; 0: not known. Older rows are
  /// not ours. Give it where requests are signed ahead or set back, or foreign rows get in the way.
  VenueMs written_venue_ms = 0;
  Answer answer = Answer::none;
  VenueMs answered_venue_ms = 0;  ///< The venue's time in that answer; 0 where absent.
  /// The last read before the write; read_venue_ms 0: none.
  domain::PositionSnapshot before;
  /// From the journal after a restart: `before` counts only where it is older than the request.
  bool recovered = false;
};

using domain::Ground;

/// The end of a case, told once.
struct Decision {
  std::uint32_t case_id = 0;
  AccountIndex account;
  PositionIndex position;
  bool unresolved = false;  ///< No end could be proven; `result` is none and the position stays blocked.
  wire::SettledResult result = wire::SettledResult::none;
  Ground ground = Ground::none;
  bool has_before = false;
  bool has_after = false;  ///< False only where the end is proven but the position could not be read.
  bool foreign_change = false;
  domain::PositionSnapshot before;
  domain::PositionSnapshot after;  ///< Read at or after last_leg_venue_ms.
  Decimal closed;                  ///< Executed by the closing and the opening leg.
  Decimal opened;
  wire::OrderId order_id;         ///< Of the leg that proves it; empty where nothing was executed.
  VenueMs last_leg_venue_ms = 0;  ///< For PositionBook::needs_read_since; 0: nothing was executed.
};

}  // namespace backhand::order
