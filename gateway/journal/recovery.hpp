// Reads a journal back at start. It changes nothing; what it cannot vouch for it refuses, with file and
// offset.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/settings.hpp"
#include "gateway/journal/state.hpp"

namespace backhand::journal {

class Storage;

/// Whether records may be missing at the journal's end. Anything but `none`: every position must be blocked
/// until the fuse of a request sent just before has burnt and the venue's history has been read.
enum class TailLoss : std::uint8_t {
  none,
  power_lost,    ///< The boot id changed without a clean stop.
  hot_lost,      ///< Same boot, but the hot segment is gone or given up by accept_lost_hot.
  torn_on_disk,  ///< The disk's last entry is torn or its file cut, and no hot segment has the rest.
  /// The manifest tells of records that no file has: an older copy of the segments was put back, or they were
  /// cut. Lanes' marks are too low then, so an operator must resume first.
  end_missing,
};

struct Recovered {
  State state;
  /// To use: max(stored + 1, Unix seconds). Durable once a journal is opened. It orders the starts of this
  /// journal and is unique within it only: a journal that replaces a lost one may use it again.
  std::uint32_t epoch = 0;
  std::uint64_t next_number = 1;
  std::int64_t unix_seconds = 0;  ///< The wall clock's time of the recovery.
  TailLoss tail = TailLoss::none;
  std::string tail_reason;         ///< One sentence for the log; empty with none.
  std::uint64_t records_read = 0;  ///< From disk and hot segment.
  std::uint64_t orphans = 0;       ///< Records about reversals that had already ended; harmless.

  // For the disk writer: where to go on.
  std::uint64_t journal_id = 0;       ///< 0: there was no journal.
  std::uint64_t newest_segment = 0;   ///< 0: none.
  std::uint64_t disk_next = 1;        ///< First number that is not on disk.
  std::uint64_t disk_end_offset = 0;  ///< In the newest segment, behind its last whole entry.
  std::uint64_t disk_dirty_end = 0;   ///< Behind what a torn or dropped batch left there; else the same.
  /// With end_missing: what the manifest has to go on saying until this start is recorded; else 0.
  std::uint64_t missing_up_to = 0;
  std::vector<Record> hot_tail;  ///< Records disk_next … next_number − 1.

  [[nodiscard]] bool must_block_all() const noexcept { return tail != TailLoss::none; }
  /// As must_block_all, or an earlier start that had to block has ended before it could unblock.
  [[nodiscard]] bool unclean() const noexcept { return must_block_all() || state.last_start.unclean != 0; }
};

/// `unix_seconds` is the wall clock's; reads the boot id through `storage`. The state directory's lock is
/// held by the caller, unless it only wants to look.
[[nodiscard]] std::expected<Recovered, Error> recover(Storage& storage, const Settings& settings,
                                                      std::int64_t unix_seconds);

}  // namespace backhand::journal
