// Walks one segment file from its header to its end, entry by entry, and says where and why it stops.
// Reads by pread: a file cut short by somebody else is an error here, not a SIGBUS.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "common/error.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

class SegmentReader {
 public:
  enum class Step : std::uint8_t {
    entry,  ///< entry() is the next whole one.
    end,    ///< Zeros or the end of the file.
    torn,   ///< Something that is no whole entry; see why() and offset().
  };

  /// The error names the file: it cannot be read, or its header is damaged.
  [[nodiscard]] static std::expected<SegmentReader, Error> open(Storage& storage, const std::string& path);

  [[nodiscard]] const SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// After `end` and `torn` only `look_beyond` may be called. An I/O error is an error, never an end.
  [[nodiscard]] std::expected<Step, Error> next();
  [[nodiscard]] std::span<const Record> entry() const noexcept { return entry_; }
  /// Whether entry() is, or the next one would have been, part of the checkpoint.
  [[nodiscard]] bool in_checkpoint() const noexcept { return in_checkpoint_; }
  /// Where entry() begins, or where the walk stopped.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  /// The number of entry()'s first record, or the one that was expected where the walk stopped.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// After `end`: no zeros follow. A segment that is being written always has some, unless it was cut.
  [[nodiscard]] bool at_end_of_file() const noexcept { return at_end_of_file_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }

  struct Beyond {
    bool valid = false;        ///< There is a whole record with a later number.
    bool was_synced = false;   ///< One of them says that where the walk stopped had been synced to disk.
    std::uint64_t number = 0;  ///< Of the first of them.
    std::uint64_t offset = 0;
    std::uint64_t dirty_end = 0;  ///< Behind it there are only zeros; where the walk stopped, if there too.
  };
  /// What lies behind the place where the walk stopped.
  [[nodiscard]] std::expected<Beyond, Error> look_beyond();

 private:
  SegmentReader(Storage& storage, File file, std::string path, const SegmentHeader& header);
  /// Makes at least `count` records available at `at_` where the file has them; returns how many are.
  [[nodiscard]] std::expected<std::size_t, Error> fill(std::size_t count);
  Step stop(Step step, std::string why);

  Storage* storage_;
  File file_;
  std::string path_;
  SegmentHeader header_;
  std::vector<Record> buffer_;
  std::size_t at_ = 0;               // Next record in buffer_.
  std::size_t filled_ = 0;           // Whole records in buffer_.
  bool partial_ = false;             // The file ends within a record.
  std::uint64_t read_offset_ = 0;    // File offset behind the filled part.
  std::uint64_t checkpoint_at_ = 1;  // Next number of the checkpoint.
  std::uint64_t next_ = 0;           // Next number behind it.
  std::span<const Record> entry_;
  bool in_checkpoint_ = true;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
  bool at_end_of_file_ = false;
  std::string why_;
};

}  // namespace backhand::journal
