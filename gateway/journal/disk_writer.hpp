// Appends entries to the newest segment, syncs them, and starts the next segment with a checkpoint when one
// is full. Knows nothing of rings or threads; one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "common/error.hpp"
#include "gateway/journal/fold.hpp"
#include "gateway/journal/recovery.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/settings.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

class DiskWriter {
 public:
  /// Cuts off a torn end, writes the records that only the hot segment had, makes the new epoch durable.
  [[nodiscard]] static std::expected<DiskWriter, Error> open(Storage& storage, const Settings& settings,
                                                             const Recovered& recovered);

  /// Writes whole entries that follow on from the last and syncs them. After an error nothing more may be
  /// written: what a failed sync has left on disk nobody can say.
  [[nodiscard]] std::expected<void, Error> write(std::span<const Record> records);

  /// Says in the manifest that all written so far is on disk, `started` or `stopped` included: where a later
  /// start finds less, the journal's end is missing.
  [[nodiscard]] std::expected<void, Error> note_phase(ManifestPhase phase);

  /// Records of one write() at most.
  [[nodiscard]] std::uint64_t max_batch() const noexcept {
    return std::min<std::uint64_t>(4096, settings_.hot_records);
  }
  [[nodiscard]] std::uint64_t next_number() const noexcept { return next_number_; }
  [[nodiscard]] std::uint64_t journal_id() const noexcept { return header_.journal_id; }

 private:
  DiskWriter(Storage& storage, const Settings& settings, const Recovered& recovered);

  using Done = std::expected<void, Error>;
  Done remove_unfinished();
  Done repair(const Recovered& recovered);
  Done wipe(std::uint64_t from, std::uint64_t to);
  Done start_segment(std::uint64_t segment);
  Done write_manifest();
  Done put(std::span<const Record> records);
  void close_segment();
  void drop_old_segments();
  [[nodiscard]] std::uint64_t bytes_of_segment(std::uint64_t checkpoint_records) const noexcept;

  Storage* storage_;
  Settings settings_;
  Fold fold_;
  std::uint32_t epoch_;
  ManifestPhase phase_ = ManifestPhase::opening;
  std::uint64_t missing_up_to_;
  std::uint64_t next_number_;
  SegmentHeader header_{};
  std::string path_;
  File file_;
};

}  // namespace backhand::journal
