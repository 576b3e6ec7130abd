// The journal's unit: 128 bytes with a checksum. An entry is what the engine appends at once, one to three
// records ("parts") long; recovery sees all of an entry or nothing of it. The format is this host's byte
// order.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "common/assert.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/journal/client_oid.hpp"

namespace backhand::journal {

static_assert(std::endian::native == std::endian::little);

enum class Kind : std::uint8_t {
  none = 0,
  started = 1,      ///< A start of the gateway; carries its epoch.
  stopped = 2,      ///< A clean stop: nothing follows before the next `started`.
  lane_opened = 3,  ///< A lane got its number, for ever.
  taken = 4,        ///< An intent waits; after a restart it is denied (`restarted`).
  intended = 5,     ///< The write is next; after a restart its end is unknown.
  voided = 6,       ///< The kernel took no byte of it, and none will be tried.
  sent = 7,         ///< Bytes went to the kernel.
  learned = 8,      ///< What the venue's reply said.
  settled = 9,      ///< What evidence said.
  outcome = 10,     ///< A terminal or unknown event, as told to the strategy.
  resolved = 11,    ///< An operator said what became of an unresolved reversal.
  halted = 12,
  resumed = 13,
  account_halted = 14,  ///< The venue refused the account's credentials or kind.
  shot_taken = 15,      ///< An armed shot waits; after a restart it is disarmed (`restarted`).
  lane_noted = 16,      ///< How far a lane's strategy has dealt with what it was told.
  name_found = 17,      ///< The venue's history shows a name of ours that no record of this journal explains.
  account_uid = 18,     ///< Whose key an account has: the UID that the venue told.
  lane_marks = 32,      ///< Checkpoint only: a lane's taken mark, last record number and what was noted.
  day_count = 33,  ///< Checkpoint only, written no more: reversals of a lane and position on one UTC day.
  run_state = 34,  ///< Checkpoint only, first: epoch, boot, configuration of the last start.
  checkpoint_end = 35,  ///< Checkpoint only, last: how many records it has.
  case_state = 36,      ///< Checkpoint only: behind the records of an open case.
  hour_count = 37,      ///< Checkpoint only: reversals of a position in one hour.
  start_name = 38,      ///< Checkpoint only: what the names of one start begin with, and how far they went.
};

inline constexpr std::uint8_t kRecordVersion = 1;
inline constexpr std::size_t kBodyBytes = 76;
inline constexpr std::size_t kMaxParts = 3;

struct Record {
  std::uint32_t crc;  ///< CRC32C of the 124 bytes behind it.
  Kind kind;
  std::uint8_t version;     ///< kRecordVersion.
  std::uint8_t chain;       ///< Which part of how many: part << 4 | parts.
  std::uint8_t position;    ///< Product << 4 | side, where the entry belongs to a position; else 0.
  std::uint64_t number;     ///< Dense over all records of the journal, from 1.
  std::int64_t real_ns;     ///< Unix time.
  std::int64_t mono_ns;     ///< CLOCK_MONOTONIC.
  std::uint32_t epoch;      ///< The start that wrote it.
  std::uint32_t key_epoch;  ///< With `sequence` and `lane` the reversal's key; may be an earlier start's.
  std::uint64_t sequence;   ///< 0 where the entry belongs to no reversal.
  std::uint16_t lane;
  /// number − behind is the first record that had not been synced to disk when this one was appended: what
  /// tells a hole that a power loss explains from damage.
  std::uint16_t behind;
  std::array<std::byte, kBodyBytes> body;

  [[nodiscard]] constexpr ReversalKey key() const noexcept { return {key_epoch, lane, sequence}; }
  [[nodiscard]] constexpr std::uint8_t part() const noexcept { return chain >> 4; }
  [[nodiscard]] constexpr std::uint8_t parts() const noexcept { return chain & 0x0F; }
  [[nodiscard]] constexpr wire::Product product() const noexcept {
    return static_cast<wire::Product>(position >> 4);
  }
  [[nodiscard]] constexpr wire::PositionSide position_side() const noexcept {
    return static_cast<wire::PositionSide>(position & 0x0F);
  }
};

static_assert(sizeof(Record) == 128 && offsetof(Record, body) == 52);
static_assert(std::is_trivially_copyable_v<Record> && std::is_standard_layout_v<Record>);
static_assert(std::has_unique_object_representations_v<Record>);

using StrategyName = FixedString<24>;
using LaneName = FixedString<24>;

// Bodies. Names instead of indexes: the configuration may change between two starts. Each is written by
// make_entry and read back by body_of.

struct Started {
  static constexpr Kind kKind = Kind::started;
  std::uint64_t boot_hash;    ///< Of the kernel's boot id.
  std::uint64_t config_hash;  ///< As the service computes it; only shown.
  FixedString<8> oid_prefix;
  FixedString<16> program_version;
  std::uint8_t durability;  ///< 0: process, 1: power.
  /// 1: records of an earlier run may be lost, and no resume of kUncleanStart has followed yet.
  std::uint8_t unclean;
  std::array<std::uint8_t, 6> reserved;
  std::uint64_t oid_random;   ///< OidStart::random; 0 in records of earlier versions.
  std::uint32_t journal_tag;  ///< OidStart::journal_tag.
  std::array<std::uint8_t, 4> reserved_too;

  [[nodiscard]] OidStart oid_start() const noexcept { return {oid_prefix, journal_tag, oid_random}; }
};

struct Stopped {
  static constexpr Kind kKind = Kind::stopped;
  std::uint32_t open_cases;  ///< How many reversals were without a definite end.
  std::array<std::uint8_t, 4> reserved;
};

struct LaneOpened {
  static constexpr Kind kKind = Kind::lane_opened;
  StrategyName strategy;
  LaneName name;
};

struct Taken {
  static constexpr Kind kKind = Kind::taken;
  std::uint64_t intent_id;
  std::int64_t created_ns;
  wire::AccountName account;
  wire::SymbolName symbol;
  wire::UserTag user_tag;
};

/// As Taken, of an arm: a shot waits to be fired. After a restart it is disarmed (`restarted`).
struct ShotTaken {
  static constexpr Kind kKind = Kind::shot_taken;
  Taken taken;
};

struct Intended {
  static constexpr Kind kKind = Kind::intended;
  std::uint64_t intent_id;
  std::uint64_t target_id;  ///< fire: the shot; else 0.
  std::int64_t created_ns;
  std::int64_t deadline_ns;
  std::int64_t slot_ns;
  std::uint64_t size_digits;      ///< With has_size.
  std::int64_t request_venue_ms;  ///< The timestamp that the request carries: the fuse burns from here.
  std::uint64_t long_before;      ///< With has_before: what was held by our last read.
  std::uint64_t short_before;     ///< Likewise.
  std::int64_t before_venue_ms;   ///< The venue's time of that read.
  wire::AccountName account;
  wire::SymbolName symbol;
  wire::CoinName margin_coin;
  wire::UserTag user_tag;
  std::uint8_t has_size;
  std::uint8_t size_scale;
  std::uint8_t has_before;
  std::uint8_t before_scale;
  std::uint8_t position_mode;  ///< domain::PositionMode.
  wire::IntentKind intent_kind;
  std::array<std::uint8_t, 2> reserved;
};

struct Voided {
  static constexpr Kind kKind = Kind::voided;
  std::uint64_t intent_id;
  std::int32_t error_number;  ///< errno of the failed write; 0 where there is none.
  wire::DenyReason reason;
  std::array<std::uint8_t, 3> reserved;
};

struct Sent {
  static constexpr Kind kKind = Kind::sent;
  std::uint64_t intent_id;
  std::int64_t encoded_ns;
  std::int64_t written_ns;  ///< `send` was about to be entered.
  std::uint32_t bytes;
  std::uint16_t connection;
  std::array<std::uint8_t, 2> reserved;
};

struct Learned {
  static constexpr Kind kKind = Kind::learned;
  std::uint64_t intent_id;
  std::int64_t replied_ns;  ///< 0: no reply, the connection ended or timed out.
  std::int64_t venue_ms;    ///< requestTime of the reply; 0 where absent.
  wire::OrderId order_id;
  wire::VenueCode code;
  std::uint16_t http_status;
  std::uint8_t verdict;  ///< domain::Verdict.
  wire::CodeClass code_class;
  std::array<std::uint8_t, 4> reserved;
};

struct Settled {
  static constexpr Kind kKind = Kind::settled;
  std::uint64_t intent_id;
  std::uint64_t long_before;  ///< With wire::kHasPositions in `flags`.
  std::uint64_t short_before;
  std::uint64_t long_after;
  std::uint64_t short_after;
  wire::OrderId order_id;
  wire::SettledResult result;
  std::uint8_t flags;  ///< wire::kForeignChange, wire::kHasPositions.
  std::uint8_t position_scale;
  std::uint8_t ground;  ///< domain::Ground; 0 in journals of older versions.
  std::array<std::uint8_t, 4> reserved;
};

/// What a replayed event needs, all of wire::Outcome but event_number and client_oid, which follow from the
/// attach and the key; and why.
struct OutcomeBody {
  static constexpr Kind kKind = Kind::outcome;
  std::array<std::byte, 144> head;        ///< Outcome from record_number to order_id.
  std::array<std::byte, 64> tail;         ///< Outcome from user_tag on.
  FixedString<kMaxOidPrefix> oid_prefix;  ///< Empty where the event has no clientOid.
  std::uint8_t ground;                    ///< Of a settled or unresolved one: domain::Ground.
  std::uint8_t reserved;
  /// Low and high half of OidStart::random, OidStart::journal_tag; zeros in records of earlier versions.
  std::array<std::uint32_t, 3> oid_start;
};
static_assert(offsetof(wire::Outcome, record_number) == 8 && offsetof(wire::Outcome, client_oid) == 152 &&
              offsetof(wire::Outcome, user_tag) == 184);

struct Resolved {
  static constexpr Kind kKind = Kind::resolved;
  std::uint64_t intent_id;
  std::uint32_t uid;  ///< Who said so.
  wire::SettledResult result;
  std::array<std::uint8_t, 3> reserved;
  FixedString<56> note;
};

enum class Scope : std::uint8_t { all = 1, account = 2, strategy = 3, position = 4 };

/// Name of the `resumed` record (scope position) that ends what Started::unclean says: the fuse has burnt.
inline constexpr std::string_view kUncleanStart = "unclean start";

struct Halted {
  static constexpr Kind kKind = Kind::halted;
  FixedString<24> name;  ///< Account or strategy; empty for `all`.
  FixedString<48> reason;
  Scope scope;
  std::array<std::uint8_t, 3> reserved;
};

struct Resumed {
  static constexpr Kind kKind = Kind::resumed;
  FixedString<24> name;
  FixedString<48> reason;
  Scope scope;
  std::array<std::uint8_t, 3> reserved;
};

struct AccountHalted {
  static constexpr Kind kKind = Kind::account_halted;
  FixedString<24> name;
  FixedString<40> reason;
  wire::VenueCode code;
  wire::CodeClass code_class;
  std::array<std::uint8_t, 3> reserved;
};

struct LaneNoted {
  static constexpr Kind kKind = Kind::lane_noted;
  std::uint64_t record_number;
};

struct NameFound {
  static constexpr Kind kKind = Kind::name_found;
  wire::ClientOid client_oid;
  wire::AccountName account;
  std::int64_t created_venue_ms;  ///< Of the order that has the name.
};

/// The last one of an account counts, also over restarts.
struct AccountUid {
  static constexpr Kind kKind = Kind::account_uid;
  FixedString<24> account;
  FixedString<24> uid;  ///< Empty: the venue does not tell it any more.
};

struct LaneMarks {
  static constexpr Kind kKind = Kind::lane_marks;
  std::uint64_t taken_mark;
  std::uint64_t last_record_number;
  std::uint64_t noted;  ///< 0 in journals of older versions: nothing is known.
};

struct DayCount {
  static constexpr Kind kKind = Kind::day_count;
  std::uint32_t unix_day;
  std::uint32_t count;
  wire::AccountName account;
  wire::SymbolName symbol;
};

struct HourCount {
  static constexpr Kind kKind = Kind::hour_count;
  std::uint32_t unix_hour;
  std::uint32_t count;
  wire::AccountName account;
  wire::SymbolName symbol;
};

/// How far an open case came; its records stand before this one.
struct CaseState {
  static constexpr Kind kKind = Kind::case_state;
  std::uint64_t intent_id;
  std::uint8_t phase;  ///< CasePhase.
  std::uint8_t told_unknown;
  FixedString<kMaxOidPrefix> oid_prefix;
  std::uint64_t oid_random;   ///< As in Started; 0 in records of earlier versions.
  std::uint32_t journal_tag;  ///< Likewise.
  std::array<std::uint8_t, 4> reserved;
};

/// What Started had in earlier versions comes first, so that their checkpoints are still read.
struct RunState {
  static constexpr Kind kKind = Kind::run_state;
  static constexpr std::size_t kOldStartedBytes = 48;
  std::array<std::byte, kOldStartedBytes> started;
  std::uint32_t epoch;
  std::uint8_t clean_stop;
  std::array<std::uint8_t, 3> reserved;
  std::array<std::byte, sizeof(Started) - kOldStartedBytes> started_rest;
};
static_assert(offsetof(Started, oid_random) == RunState::kOldStartedBytes);

[[nodiscard]] RunState pack_run_state(const Started& started, std::uint32_t epoch, bool clean_stop) noexcept;
[[nodiscard]] Started started_of(const RunState& state) noexcept;

struct StartName {
  static constexpr Kind kKind = Kind::start_name;
  std::uint64_t random;
  std::uint64_t last_sequence;
  FixedString<8> prefix;
  std::uint32_t journal_tag;
  std::uint32_t epoch;
  std::uint8_t found;
  std::array<std::uint8_t, 7> reserved;
};

struct CheckpointEnd {
  static constexpr Kind kKind = Kind::checkpoint_end;
  std::uint64_t records;  ///< Of the checkpoint, this one included.
};

template <class Body>
concept JournalBody = std::is_trivially_copyable_v<Body> && std::has_unique_object_representations_v<Body> &&
                      sizeof(Body) <= kBodyBytes * kMaxParts && requires {
                        { Body::kKind } -> std::convertible_to<Kind>;
                      };

template <JournalBody Body>
inline constexpr std::uint8_t kPartsOf =
    static_cast<std::uint8_t>((sizeof(Body) + kBodyBytes - 1) / kBodyBytes);
static_assert(kPartsOf<Taken> == 1 && kPartsOf<ShotTaken> == 1 && kPartsOf<Intended> == 2 &&
              kPartsOf<Settled> == 1);
static_assert(kPartsOf<OutcomeBody> == 3 && kPartsOf<Learned> == 1 && kPartsOf<RunState> == 1 &&
              kPartsOf<CaseState> == 1);

/// What the header of an entry says beside its kind; the sink adds number, real time, epoch and checksum.
struct Stamp {
  Ns mono_ns = 0;
  ReversalKey key;  ///< `lane` also where there is no reversal.
  wire::Product product{};
  wire::PositionSide position_side{};
};

/// One to three records that are appended at once.
class Entry {
 public:
  [[nodiscard]] std::span<Record> parts() noexcept { return {parts_.data(), count_}; }
  [[nodiscard]] std::span<const Record> parts() const noexcept { return {parts_.data(), count_}; }

  /// Fills every field that the sink does not.
  template <JournalBody Body>
  Entry(const Stamp& stamp, const Body& body) noexcept : count_{kPartsOf<Body>} {
    const auto* bytes = reinterpret_cast<const std::byte*>(&body);
    for (std::size_t part = 0; part < kPartsOf<Body>; ++part) {
      Record& record = parts_[part];
      record.crc = 0;
      record.kind = Body::kKind;
      record.version = kRecordVersion;
      record.chain = static_cast<std::uint8_t>(part << 4 | kPartsOf<Body>);
      record.position = static_cast<std::uint8_t>(static_cast<unsigned>(stamp.product) << 4 |
                                                  static_cast<unsigned>(stamp.position_side));
      record.number = 0;
      record.real_ns = 0;
      record.mono_ns = stamp.mono_ns;
      record.epoch = 0;
      record.key_epoch = stamp.key.epoch;
      record.sequence = stamp.key.sequence;
      record.lane = stamp.key.lane;
      record.behind = 0;
      const std::size_t offset = part * kBodyBytes;
      const std::size_t length = sizeof(Body) - offset < kBodyBytes ? sizeof(Body) - offset : kBodyBytes;
      std::memcpy(record.body.data(), bytes + offset, length);
      if (length < kBodyBytes) std::memset(record.body.data() + length, 0, kBodyBytes - length);
    }
  }

 private:
  std::array<Record, kMaxParts> parts_;  // Only the first count_ are set.
  std::uint8_t count_;
};

/// The body of a whole entry; `parts` are its records in order, as the reader hands them out.
template <JournalBody Body>
[[nodiscard]] Body body_of(std::span<const Record> parts) noexcept {
  BH_ASSERT(parts.size() == kPartsOf<Body> && parts[0].kind == Body::kKind);
  Body body;
  auto* bytes = reinterpret_cast<std::byte*>(&body);
  for (std::size_t part = 0; part < kPartsOf<Body>; ++part) {
    const std::size_t offset = part * kBodyBytes;
    const std::size_t length = sizeof(Body) - offset < kBodyBytes ? sizeof(Body) - offset : kBodyBytes;
    std::memcpy(bytes + offset, parts[part].body.data(), length);
  }
  return body;
}

/// `outcome` without what follows from elsewhere. Its client_oid, where set, is render_client_oid's.
[[nodiscard]] OutcomeBody pack_outcome(const wire::Outcome& outcome) noexcept;
/// The event again, as it was told, with event_number 0; `key` is the record's.
[[nodiscard]] wire::Outcome unpack_outcome(const OutcomeBody& body, ReversalKey key) noexcept;

/// Records that an entry of `kind` has; 0 where `kind` is no kind.
[[nodiscard]] std::uint8_t parts_of(Kind kind) noexcept;
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;
[[nodiscard]] std::string_view to_string(Scope scope) noexcept;

/// The checksum that `record.crc` must be.
[[nodiscard]] std::uint32_t checksum_of(const Record& record) noexcept;
/// Checksum, version, kind and chain are those of a record that this program wrote. Bodies are trusted from
/// then on but for their enums, which the readers treat as numbers.
[[nodiscard]] bool is_valid(const Record& record) noexcept;

}  // namespace backhand::journal
