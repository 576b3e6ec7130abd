// What a journal amounts to once read: lanes, reversals without an end, halts. Recovery hands it to the
// engine; the disk writer keeps one up to date to head each new segment with it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/journal/known_names.hpp"
#include "gateway/journal/record.hpp"

namespace backhand::journal {

/// A body with when and by which start it was written.
template <class Body>
struct Dated {
  std::int64_t real_ns = 0;
  Ns mono_ns = 0;  ///< Means nothing after a reboot.
  std::uint32_t epoch = 0;
  Body body{};
};

/// How far an open reversal came, by its latest record.
enum class CasePhase : std::uint8_t {
  waiting,     ///< Taken only: nothing was sent. After a restart: denied (`restarted`).
  intended,    ///< May have been sent. After a restart: unknown.
  voided,      ///< Nothing was sent, and the strategy has not been told. After a restart: denied.
  sent,        ///< Bytes went out; no reply is recorded. After a restart: unknown.
  learned,     ///< The reply is recorded. After a restart: by its verdict.
  settled,     ///< Evidence decided, and the strategy has not been told.
  unresolved,  ///< The strategy was told `unresolved`; blocked until an operator resolves it.
};

/// A reversal, or an intent that waits, without its last word.
struct OpenCase {
  CasePhase phase = CasePhase::waiting;
  ReversalKey key;  ///< Invalid while waiting; `lane` is always set.
  /// What the clientOid begins with: that of the start that wrote it. Set from `intended` on.
  OidStart oid_start;
  wire::Product product{};
  wire::PositionSide position_side{};
  std::uint64_t intent_id = 0;
  bool is_shot = false;       ///< `taken` is a ShotTaken's: its last word is `disarmed`, not `denied`.
  bool told_unknown = false;  ///< The strategy has been told `unknown`.
  std::optional<Dated<Taken>> taken;
  std::optional<Dated<Intended>> intended;
  std::optional<Dated<Voided>> voided;
  std::optional<Dated<Sent>> sent;
  std::optional<Dated<Learned>> learned;
  std::optional<Dated<Settled>> settled;
  std::optional<Dated<Resolved>> resolved;  ///< An operator spoke before the strategy was told unresolved.

  /// The name that it was sent under, which is not what the configuration's prefix gives where that has
  /// changed: the venue is to be asked by this one. Empty before `intended`.
  [[nodiscard]] wire::ClientOid client_oid() const noexcept {
    return key.valid() && !oid_start.prefix.empty() ? render_client_oid(oid_start, key) : wire::ClientOid{};
  }
  [[nodiscard]] wire::AccountName account() const noexcept {
    return intended ? intended->body.account : taken ? taken->body.account : wire::AccountName{};
  }
  [[nodiscard]] wire::SymbolName symbol() const noexcept {
    return intended ? intended->body.symbol : taken ? taken->body.symbol : wire::SymbolName{};
  }
  [[nodiscard]] wire::UserTag user_tag() const noexcept {
    return intended ? intended->body.user_tag : taken ? taken->body.user_tag : wire::UserTag{};
  }
};

/// One event to replay, with the header that it was recorded under.
struct StoredOutcome {
  std::int64_t real_ns = 0;
  Ns mono_ns = 0;
  std::uint32_t epoch = 0;
  ReversalKey key;
  wire::Product product{};
  wire::Outcome outcome{};
};

struct LaneState {
  std::uint16_t lane = 0;
  StrategyName strategy;
  LaneName name;
  std::uint64_t taken_mark = 0;          ///< Highest intent id that any record names.
  std::uint64_t last_record_number = 0;  ///< Of the last journaled outcome.
  std::uint64_t noted = 0;               ///< Up to here the strategy is known to have dealt with them.
  /// The last Settings::keep_outcomes of them in order; older ones cannot be replayed any more.
  std::deque<StoredOutcome> outcomes;
};

struct Halt {
  Scope scope = Scope::all;
  FixedString<24> name;
  std::string reason;
  bool by_venue = false;  ///< An account_halted record; `code` says which answer did it.
  wire::VenueCode code;
  wire::CodeClass code_class{};
  std::int64_t real_ns = 0;
  Ns mono_ns = 0;
  std::uint32_t epoch = 0;
};

inline constexpr std::int64_t kHour_ns = 3'600LL * 1'000'000'000;

/// One hour of Unix time, counted from 0.
struct HourKey {
  std::uint32_t unix_hour = 0;
  wire::Product product{};
  wire::AccountName account;
  wire::SymbolName symbol;
  friend auto operator<=>(const HourKey&, const HourKey&) noexcept = default;
};

struct State {
  std::uint32_t epoch = 0;  ///< Of the last start that is recorded.
  Started last_start{};
  bool clean_stop = true;  ///< The last record of a run is `stopped`; true for an empty journal.
  Ns last_record_ns = 0;   ///< When the last record was made (CLOCK_MONOTONIC of its boot); 0: there is none.
  std::map<std::uint16_t, LaneState> lanes;
  /// By (lane, intent id): the order in which a lane's intents were taken.
  std::map<std::pair<std::uint16_t, std::uint64_t>, OpenCase> cases;
  std::vector<Halt> halts;
  /// Reversals intended and not voided, by hour: of the 25 hours up to the last one that saw any.
  std::map<HourKey, std::uint32_t> hour_counts;
  KnownNames names;
  /// By account: the UID that its key was last proven to belong to. Not in it: unknown.
  std::map<FixedString<24>, Dated<AccountUid>> uids;
};

}  // namespace backhand::journal
