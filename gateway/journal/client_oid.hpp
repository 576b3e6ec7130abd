// The name of one reversal, and its text for the venue: prefix-EEEEEEE-LLLL-SSSSSSSS in base 36, lower case.
// The widths are fixed, so that a request template keeps its length; the text can be read back to the name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/wire/intent.hpp"

namespace backhand::journal {

/// Names one reversal for ever: no two starts share an epoch, no two reversals of a start a sequence.
struct ReversalKey {
  std::uint32_t epoch = 0;     ///< Start that it was intended in; 0: no reversal.
  std::uint16_t lane = 0;      ///< Lane that asked for it.
  std::uint64_t sequence = 0;  ///< From 1 within the epoch, over all lanes; 0: no reversal.

  [[nodiscard]] constexpr bool valid() const noexcept { return epoch != 0 && sequence != 0; }
  friend constexpr bool operator==(ReversalKey, ReversalKey) noexcept = default;
  friend constexpr auto operator<=>(ReversalKey, ReversalKey) noexcept = default;
};

inline constexpr std::size_t kMaxOidPrefix = 6;
/// Bytes behind the prefix: three dashes, 7 digits of epoch, 4 of lane, 8 of sequence.
inline constexpr std::size_t kOidTail = 3 + 7 + 4 + 8;
/// 36^8: more reversals than one start can send.
inline constexpr std::uint64_t kMaxSequence = 2'821'109'907'455;

/// Whether `prefix` may begin a clientOid: 1 … 6 of [0-9A-Za-z_-].
[[nodiscard]] bool is_oid_prefix(std::string_view prefix) noexcept;

/// The text of `key`. `prefix` satisfies is_oid_prefix and `key` is valid. Pure; any thread.
[[nodiscard]] wire::ClientOid render_client_oid(std::string_view prefix, ReversalKey key) noexcept;

/// The names of one start, one after another. Their text is kept and counted up in place: for the path.
class OidSeries {
 public:
  struct Name {
    ReversalKey key;
    wire::ClientOid text;
  };
  OidSeries(std::string_view prefix, std::uint32_t epoch) noexcept;
  /// The next sequence's name, its text as render_client_oid writes it.
  [[nodiscard]] Name next(std::uint16_t lane) noexcept;

 private:
  std::size_t tail_at_;  ///< Behind the prefix.
  Name last_;
};

struct ParsedOid {
  std::string_view prefix;  ///< Into the text parsed.
  ReversalKey key;
};
/// Reads back what render_client_oid wrote; empty for any other text.
[[nodiscard]] std::optional<ParsedOid> parse_client_oid(std::string_view text) noexcept;

}  // namespace backhand::journal
