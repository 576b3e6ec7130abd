// The name of one reversal, and its text for the venue: prefix-JJJJRRRRRRRRRRLLLSSSSSSS. J is the journal's
// tag, R is random and drawn anew at every start, L is the lane, S the sequence: base 36, lower case. The
// widths are fixed, so that a request template keeps its length. One character of the venue's 32 is left for
// a leg.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/wire/intent.hpp"

namespace backhand::journal {

/// Names one reversal within its journal: no two starts share an epoch, no two reversals of a start a
/// sequence. Outside the journal only the text is unique.
struct ReversalKey {
  std::uint32_t epoch = 0;     ///< Start that it was intended in; 0: no reversal.
  std::uint16_t lane = 0;      ///< Lane that asked for it.
  std::uint64_t sequence = 0;  ///< From 1 within the epoch, over all lanes; 0: no reversal.

  [[nodiscard]] constexpr bool valid() const noexcept { return epoch != 0 && sequence != 0; }
  friend constexpr bool operator==(ReversalKey, ReversalKey) noexcept = default;
  friend constexpr auto operator<=>(ReversalKey, ReversalKey) noexcept = default;
};

inline constexpr std::size_t kMaxOidPrefix = 6;
/// Bytes behind the prefix: a dash, 4 digits of the journal's tag, 10 random ones, 3 of the lane, 7 of the
/// sequence.
inline constexpr std::size_t kOidLaneAndSequence = 3 + 7;
inline constexpr std::size_t kOidTail = 1 + 4 + 10 + kOidLaneAndSequence;
static_assert(kMaxOidPrefix + kOidTail < sizeof(wire::ClientOid), "a leg must find room");
/// 36^7: more reversals than one start can send.
inline constexpr std::uint64_t kMaxSequence = 78'364'164'096;
/// 36^3: lanes are numbered below.
inline constexpr std::uint32_t kMaxOidLane = 46'656;

/// What is common to all names of one start.
struct OidStart {
  FixedString<8> prefix;
  std::uint32_t journal_tag = 0;  ///< Below 36^4. The same in all starts of one journal.
  /// Below 36^10 (51 bits). 0: a start of an earlier version, whose names have the epoch in its place
  /// (prefix-EEEEEEE-LLLL-SSSSSSSS).
  std::uint64_t random = 0;

  [[nodiscard]] bool is_old_style() const noexcept { return random == 0; }
  friend bool operator==(const OidStart&, const OidStart&) noexcept = default;
};

/// Whether `prefix` may begin a clientOid: 1 … 6 of [0-9A-Za-z_-].
[[nodiscard]] bool is_oid_prefix(std::string_view prefix) noexcept;
/// Whether a name can begin so, prefix aside: for what was read from a file.
[[nodiscard]] bool is_oid_start(const OidStart& start) noexcept;
/// The tag by which names of the journal with this id are known.
[[nodiscard]] std::uint32_t oid_tag_of(std::uint64_t journal_id) noexcept;
/// The random part that 64 random bits give; never 0.
[[nodiscard]] std::uint64_t oid_random_of(std::uint64_t bits) noexcept;

/// The text of `key`. `start.prefix` satisfies is_oid_prefix and `key` is valid. Pure; any thread.
[[nodiscard]] wire::ClientOid render_client_oid(const OidStart& start, ReversalKey key) noexcept;

/// The names of one start, one after another. Their text is kept and counted up in place: for the path.
class OidSeries {
 public:
  struct Name {
    ReversalKey key;
    wire::ClientOid text;
  };
  /// `start` is not old style.
  OidSeries(const OidStart& start, std::uint32_t epoch) noexcept;
  /// The next sequence's name, its text as render_client_oid writes it.
  [[nodiscard]] Name next(std::uint16_t lane) noexcept;
  /// The sequence given last; 0: none yet.
  [[nodiscard]] std::uint64_t last_sequence() const noexcept { return last_.key.sequence; }

 private:
  std::size_t lane_at_;
  Name last_;
};

struct ParsedOid {
  OidStart start;
  std::uint32_t epoch = 0;  ///< Of an old-style name only.
  std::uint16_t lane = 0;
  std::uint64_t sequence = 0;
};
/// Reads back what render_client_oid wrote, old style or new; empty for any other text.
[[nodiscard]] std::optional<ParsedOid> parse_client_oid(std::string_view text) noexcept;

}  // namespace backhand::journal
