// Files of the journal as they lie on disk and in the hot directory: names, headers, where a record is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/record.hpp"
#include "gateway/journal/settings.hpp"

namespace backhand::journal {

class Storage;

/// A segment: this header, then `checkpoint_records` of what came before, then the records from
/// `first_number` on, then zeros. It gets its name only once header and checkpoint are on disk.
struct SegmentHeader {
  static constexpr std::uint64_t kMagic = 0x3130'4C4E'524A'4842;  // "BHJRNL01"
  std::uint32_t crc;                                              ///< CRC32C of what follows.
  std::uint32_t version;
  std::uint64_t magic;
  std::uint64_t journal_id;  ///< The same in all files of one journal.
  std::uint64_t segment;     ///< Dense, from 1.
  std::uint64_t first_number;
  std::uint64_t checkpoint_records;
  std::uint32_t epoch;  ///< Of the start that made it.
  std::array<std::uint8_t, 76> reserved;
};
static_assert(sizeof(SegmentHeader) == sizeof(Record));

/// How far the start that wrote the manifest had come.
enum class ManifestPhase : std::uint8_t {
  unstated = 0,  ///< Written by an earlier version.
  opening = 1,   ///< Its `started` record may be missing.
  running = 2,   ///< Its `started` record is on disk.
  stopped = 3,   ///< So is its `stopped` record.
};

/// Names the newest segment and epoch and a record that was on disk, so that the loss of a whole file or of
/// the journal's end is noticed. Replaced by rename.
struct Manifest {
  static constexpr std::uint64_t kMagic = 0x3130'464E'4D4A'4842;  // "BHJMNF01"
  std::uint32_t crc;
  std::uint32_t version;
  std::uint64_t magic;
  std::uint64_t journal_id;
  std::uint64_t newest_segment;  ///< This one or a later one exists.
  std::uint32_t epoch;           ///< Highest ever used.
  ManifestPhase phase;
  std::array<std::uint8_t, 3> reserved;
  std::uint64_t known_number;  ///< All records up to this one were on disk; 0: none, or not stated.
  std::array<std::uint8_t, 16> reserved_too;
};
static_assert(sizeof(Manifest) == 64);

/// The hot segment: this header, then a ring of `slots` records; number n lies in slot n % slots.
struct HotHeader {
  static constexpr std::uint64_t kMagic = 0x3130'544F'484A'4842;  // "BHJHOT01"
  static constexpr std::size_t kBytes = 4096;                     ///< Room for it before the ring.
  std::uint32_t crc;                                              ///< Of the fields up to `reserved`.
  std::uint32_t version;
  std::uint64_t magic;
  std::uint64_t journal_id;
  std::uint64_t slots;
  std::uint64_t boot_hash;
  std::uint64_t first_number;  ///< Nothing older was ever in this ring.
  std::array<std::uint8_t, 16> reserved;
  /// Next number: all before it are whole. Released by the engine's thread after the records' bytes.
  alignas(64) std::uint64_t head;
};
static_assert(offsetof(HotHeader, head) == 64);

inline constexpr std::uint32_t kFileVersion = 1;

[[nodiscard]] SegmentHeader make_header(std::uint64_t journal_id, std::uint64_t segment,
                                        std::uint64_t first_number, std::uint64_t checkpoint_records,
                                        std::uint32_t epoch) noexcept;
[[nodiscard]] Manifest make_manifest(std::uint64_t journal_id, std::uint64_t newest_segment,
                                     std::uint32_t epoch, ManifestPhase phase,
                                     std::uint64_t known_number) noexcept;
[[nodiscard]] HotHeader make_hot_header(std::uint64_t journal_id, std::uint64_t slots,
                                        std::uint64_t boot_hash, std::uint64_t first_number) noexcept;
/// Checksum, magic and version are right.
[[nodiscard]] bool is_valid(const SegmentHeader& header) noexcept;
[[nodiscard]] bool is_valid(const Manifest& manifest) noexcept;
[[nodiscard]] bool is_valid(const HotHeader& header) noexcept;

/// Where record `number` of the segment begins.
[[nodiscard]] constexpr std::uint64_t offset_of(const SegmentHeader& header, std::uint64_t number) noexcept {
  return sizeof(Record) * (1 + header.checkpoint_records + number - header.first_number);
}

[[nodiscard]] std::string segment_path(const std::string& state_dir, std::uint64_t segment);
[[nodiscard]] std::string manifest_path(const std::string& state_dir);
/// One name per state directory, so that two gateways can share a hot directory.
[[nodiscard]] std::string hot_path(const Settings& settings);
/// The segment's number; empty for any other name.
[[nodiscard]] std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;
/// What a crash may leave behind while a file is made ready; never read.
inline constexpr std::string_view kUnfinished = ".new";

/// Numbers of all segments in order. An error where one between the first and the last is missing.
[[nodiscard]] std::expected<std::vector<std::uint64_t>, Error> list_segments(Storage& storage,
                                                                             const std::string& state_dir);

}  // namespace backhand::journal
