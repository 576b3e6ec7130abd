#include "gateway/journal/segment_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace backhand::journal {
namespace {

constexpr std::size_t kBufferRecords = 8192;  // 1 MiB.

bool is_zero(const Record& record) noexcept {
  std::array<std::uint64_t, sizeof(Record) / 8> words{};
  std::memcpy(words.data(), &record, sizeof(Record));
  std::uint64_t any = 0;
  for (const std::uint64_t word : words) any |= word;
  return any == 0;
}

}  // namespace

std::expected<SegmentReader, Error> SegmentReader::open(Storage& storage, const std::string& path) {
  auto file = File::open(storage, path, OpenMode::read);
  if (!file) return std::unexpected(file.error());
  SegmentHeader header{};
  const auto got = read_fully(storage, file->handle(), std::as_writable_bytes(std::span{&header, 1}), 0);
  if (!got) return std::unexpected(os_error("cannot read " + path, got.error()));
  if (*got != sizeof(header) || !is_valid(header))
    return std::unexpected(Error{"the header of " + path + " is damaged"});
  return SegmentReader{storage, std::move(*file), path, header};
}

SegmentReader::SegmentReader(Storage& storage, File file, std::string path, const SegmentHeader& header)
    : storage_{&storage},
      file_{std::move(file)},
      path_{std::move(path)},
      header_{header},
      read_offset_{sizeof(SegmentHeader)},
      next_{header.first_number} {
  const auto size = storage.size(file_.handle());
  const std::uint64_t records = size ? *size / sizeof(Record) + 1 : kBufferRecords;
  buffer_.resize(static_cast<std::size_t>(std::clamp<std::uint64_t>(records, 2 * kMaxParts, kBufferRecords)));
}

std::expected<std::size_t, Error> SegmentReader::fill(std::size_t count) {
  if (filled_ - at_ >= count || partial_) return filled_ - at_;
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(filled_), buffer_.begin());
  filled_ -= at_;
  at_ = 0;
  const auto room = std::as_writable_bytes(std::span{buffer_}.subspan(filled_));
  const auto got = read_fully(*storage_, file_.handle(), room, read_offset_);
  if (!got)
    return std::unexpected(
        os_error("cannot read " + path_ + " at offset " + std::to_string(read_offset_), got.error()));
  const std::size_t whole = *got / sizeof(Record);
  partial_ = *got % sizeof(Record) != 0;
  filled_ += whole;
  read_offset_ += whole * sizeof(Record);
  return filled_;
}

SegmentReader::Step SegmentReader::stop(Step step, std::string why) {
  why_ = std::move(why);
  return step;
}

std::expected<SegmentReader::Step, Error> SegmentReader::next() {
  in_checkpoint_ = checkpoint_at_ <= header_.checkpoint_records;
  std::uint64_t& expected = in_checkpoint_ ? checkpoint_at_ : next_;
  number_ = expected;
  const auto available = fill(kMaxParts);
  if (!available) return std::unexpected(available.error());
  offset_ = read_offset_ - *available * sizeof(Record);
  if (*available == 0) {
    at_end_of_file_ = true;
    return partial_ ? stop(Step::torn, "it is cut short") : stop(Step::end, "");
  }
  const std::span<const Record> ahead{buffer_.data() + at_, *available};
  const Record& head = ahead[0];
  if (!is_valid(head))
    return is_zero(head) ? stop(Step::end, "") : stop(Step::torn, "its checksum or form is wrong");
  if (head.part() != 0) return stop(Step::torn, "it is the later part of an entry whose start is missing");
  if (head.number != expected)
    return stop(Step::torn, "it has number " + std::to_string(head.number) + " in the place of " +
                                std::to_string(expected));
  const std::size_t parts = head.parts();
  if (parts > ahead.size()) return stop(Step::torn, "its later parts are missing");
  for (std::size_t part = 1; part < parts; ++part) {
    if (!is_valid(ahead[part]) || ahead[part].kind != head.kind || ahead[part].part() != part ||
        ahead[part].number != expected + part)
      return stop(Step::torn, "part " + std::to_string(part + 1) + " of it is missing or damaged");
  }
  entry_ = ahead.first(parts);
  at_ += parts;
  expected += parts;
  return Step::entry;
}

std::expected<SegmentReader::Beyond, Error> SegmentReader::look_beyond() {
  Beyond beyond;
  beyond.dirty_end = offset_;
  while (true) {
    const auto available = fill(1);
    if (!available) return std::unexpected(available.error());
    if (*available == 0) {
      if (partial_) beyond.dirty_end = read_offset_ + sizeof(Record);
      return beyond;
    }
    const Record& record = buffer_[at_];
    const std::uint64_t offset = read_offset_ - *available * sizeof(Record);
    const bool zero = is_zero(record);
    if (!zero) beyond.dirty_end = std::max(beyond.dirty_end, offset + sizeof(Record));
    // A later part of the entry that is torn itself says nothing about what was synced before it.
    if (!zero && is_valid(record) && record.number - record.part() > number_ && record.number > number_) {
      if (!beyond.valid) {
        beyond.valid = true;
        beyond.number = record.number;
        beyond.offset = offset;
      }
      if (record.number - record.behind > number_) beyond.was_synced = true;
    }
    ++at_;
  }
}

}  // namespace backhand::journal
