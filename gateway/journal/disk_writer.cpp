#include "gateway/journal/disk_writer.hpp"

#include <algorithm>
#include <utility>

#include "common/assert.hpp"

namespace backhand::journal {
namespace {

/// "cannot <what> <path>: <why>".
Error failed(const char* what, const std::string& path, int error_number) {
  return os_error("cannot " + std::string{what} + ' ' + path, error_number);
}

/// Takes the place of `path` only once its bytes are on disk; the caller's name for it is then durable too.
std::expected<void, Error> publish(Storage& storage, const File& file, const std::string& unfinished,
                                   const std::string& path, const std::string& directory) {
  if (const auto synced = storage.fdatasync(file.handle()); !synced)
    return std::unexpected(failed("sync", unfinished, synced.error()));
  if (const auto renamed = storage.rename(unfinished, path); !renamed)
    return std::unexpected(failed("rename to", path, renamed.error()));
  if (const auto synced = storage.sync_directory(directory); !synced)
    return std::unexpected(failed("sync", directory, synced.error()));
  return {};
}

}  // namespace

DiskWriter::DiskWriter(Storage& storage, const Settings& settings, const Recovered& recovered)
    : storage_{&storage},
      settings_{settings},
      fold_{recovered.state, settings.keep_outcomes},
      epoch_{recovered.epoch},
      missing_up_to_{recovered.missing_up_to},
      next_number_{recovered.next_number} {}

std::expected<DiskWriter, Error> DiskWriter::open(Storage& storage, const Settings& settings,
                                                  const Recovered& recovered) {
  DiskWriter writer{storage, settings, recovered};
  if (const Done done = writer.remove_unfinished(); !done) return std::unexpected(done.error());
  if (recovered.newest_segment == 0) {
    // Never one that a lost journal had, however its start was timed and wherever it lay.
    const auto id = storage.random();
    if (!id) return std::unexpected(os_error("cannot draw a random number", id.error()));
    writer.header_.journal_id = *id | 1;
    if (const Done done = writer.start_segment(1); !done) return std::unexpected(done.error());
    return writer;
  }
  if (const Done done = writer.repair(recovered); !done) return std::unexpected(done.error());
  // The epoch must be on disk before anything is sent in it, and the manifest outlives every segment.
  if (const Done done = writer.write_manifest(); !done) return std::unexpected(done.error());
  return writer;
}

std::expected<void, Error> DiskWriter::remove_unfinished() {
  const auto names = storage_->list(settings_.state_dir);
  if (!names) return std::unexpected(failed("list", settings_.state_dir, names.error()));
  for (const std::string& name : *names) {
    if (!name.starts_with("journal") || !name.ends_with(kUnfinished)) continue;
    const std::string path = settings_.state_dir + '/' + name;
    if (const auto removed = storage_->remove(path); !removed)
      return std::unexpected(failed("remove", path, removed.error()));
  }
  return {};
}

std::expected<void, Error> DiskWriter::repair(const Recovered& recovered) {
  path_ = segment_path(settings_.state_dir, recovered.newest_segment);
  auto file = File::open(*storage_, path_, OpenMode::read_write);
  if (!file) return std::unexpected(file.error());
  file_ = std::move(*file);
  const auto got = read_fully(*storage_, file_.handle(), std::as_writable_bytes(std::span{&header_, 1}), 0);
  if (!got) return std::unexpected(failed("read", path_, got.error()));
  if (*got != sizeof(header_) || !is_valid(header_))
    return std::unexpected(Error{"the header of " + path_ + " has changed since it was read"});
  BH_ASSERT(offset_of(header_, recovered.disk_next) == recovered.disk_end_offset);
  if (const Done cleaned = wipe(recovered.disk_end_offset, recovered.disk_dirty_end); !cleaned)
    return std::unexpected(cleaned.error());
  const std::uint64_t wanted =
      std::max(bytes_of_segment(header_.checkpoint_records),
               recovered.disk_end_offset + sizeof(Record) * (recovered.hot_tail.size() + max_batch() + 1));
  if (const auto grown = storage_->allocate(file_.handle(), wanted); !grown)
    return std::unexpected(failed("allocate", path_, grown.error()));
  next_number_ = recovered.disk_next;
  return put(recovered.hot_tail);
}

std::expected<void, Error> DiskWriter::wipe(std::uint64_t from, std::uint64_t to) {
  // Behind the end there may be parts of an entry, or whole ones of a batch that was never synced: they must
  // be gone for good before new records get their numbers.
  const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min<std::uint64_t>(to - from, 1U << 16)));
  if (from == to) return {};
  for (std::uint64_t at = from; at < to; at += zeros.size()) {
    const auto chunk =
        std::span{zeros}.first(static_cast<std::size_t>(std::min<std::uint64_t>(to - at, zeros.size())));
    if (const auto written = write_all(*storage_, file_.handle(), chunk, at); !written)
      return std::unexpected(failed("write to", path_, written.error()));
  }
  if (const auto synced = storage_->fdatasync(file_.handle()); !synced)
    return std::unexpected(failed("sync", path_, synced.error()));
  return {};
}

std::expected<void, Error> DiskWriter::write(std::span<const Record> records) {
  if (next_number_ - header_.first_number >= settings_.segment_records) {
    if (Done done = start_segment(header_.segment + 1); !done) return done;
  }
  BH_ASSERT(records.size() <= max_batch());
  for (std::size_t at = 0; at < records.size(); at += records[at].parts()) {
    const std::size_t parts = records[at].parts();
    BH_ASSERT(parts != 0 && at + parts <= records.size());
    if (const auto applied = fold_.apply(records.subspan(at, parts)); !applied)
      return std::unexpected(
          Error{"the journal's record " + std::to_string(records[at].number) + ": " + applied.error()});
  }
  return put(records);
}

std::expected<void, Error> DiskWriter::put(std::span<const Record> records) {
  if (!records.empty()) {
    BH_ASSERT(records.front().number == next_number_);
    const auto written =
        write_all(*storage_, file_.handle(), std::as_bytes(records), offset_of(header_, next_number_));
    if (!written) return std::unexpected(failed("write to", path_, written.error()));
  }
  if (const auto synced = storage_->fdatasync(file_.handle()); !synced)
    return std::unexpected(failed("sync", path_, synced.error()));
  next_number_ += records.size();
  return {};
}

std::uint64_t DiskWriter::bytes_of_segment(std::uint64_t checkpoint_records) const noexcept {
  // A batch goes to one segment: the last one may go beyond. Zeros always follow, which show that nothing was
  // cut.
  return sizeof(Record) * (1 + checkpoint_records + settings_.segment_records + max_batch() + 1);
}

std::expected<void, Error> DiskWriter::start_segment(std::uint64_t segment) {
  const std::vector<Record> checkpoint = fold_.checkpoint();
  const SegmentHeader header =
      make_header(header_.journal_id, segment, next_number_, checkpoint.size(), epoch_);
  const std::string path = segment_path(settings_.state_dir, segment);
  const std::string unfinished = path + std::string{kUnfinished};
  auto file = File::open(*storage_, unfinished, OpenMode::create_truncate);
  if (!file) return std::unexpected(file.error());
  if (const auto grown = storage_->allocate(file->handle(), bytes_of_segment(checkpoint.size())); !grown)
    return std::unexpected(failed("allocate", unfinished, grown.error()));
  const auto head = write_all(*storage_, file->handle(), std::as_bytes(std::span{&header, 1}), 0);
  if (!head) return std::unexpected(failed("write to", unfinished, head.error()));
  const auto body =
      write_all(*storage_, file->handle(), std::as_bytes(std::span{checkpoint}), sizeof(header));
  if (!body) return std::unexpected(failed("write to", unfinished, body.error()));
  if (Done done = publish(*storage_, *file, unfinished, path, settings_.state_dir); !done) return done;
  close_segment();
  header_ = header;
  path_ = path;
  file_ = std::move(*file);
  if (Done done = write_manifest(); !done) return done;
  drop_old_segments();
  return {};
}

void DiskWriter::close_segment() {
  if (!file_.is_open()) return;
  // Gives unused space back; where that fails the zeros stay, which readers take for the end.
  const auto cut = storage_->truncate(file_.handle(), offset_of(header_, next_number_));
  static_cast<void>(cut);
  file_.reset();
}

std::expected<void, Error> DiskWriter::write_manifest() {
  // Until `started` says that records are missing, the manifest is the only one to say so.
  const std::uint64_t missing = phase_ == ManifestPhase::opening ? missing_up_to_ : 0;
  const Manifest manifest =
      make_manifest(header_.journal_id, header_.segment, epoch_, phase_, std::max(next_number_ - 1, missing));
  const std::string path = manifest_path(settings_.state_dir);
  const std::string unfinished = path + std::string{kUnfinished};
  auto file = File::open(*storage_, unfinished, OpenMode::create_truncate);
  if (!file) return std::unexpected(file.error());
  const auto written = write_all(*storage_, file->handle(), std::as_bytes(std::span{&manifest, 1}), 0);
  if (!written) return std::unexpected(failed("write to", unfinished, written.error()));
  return publish(*storage_, *file, unfinished, path, settings_.state_dir);
}

std::expected<void, Error> DiskWriter::note_phase(ManifestPhase phase) {
  phase_ = phase;
  return write_manifest();
}

void DiskWriter::drop_old_segments() {
  // Every segment begins with all that the earlier ones amount to, so none of those is needed any more. One
  // that cannot be removed is tried again at the next segment.
  const auto names = storage_->list(settings_.state_dir);
  if (!names) return;
  std::vector<std::uint64_t> segments;
  for (const std::string& name : *names) {
    if (const auto segment = parse_segment_name(name)) segments.push_back(*segment);
  }
  // Oldest first: a crash in between leaves no gap.
  std::ranges::sort(segments);
  const std::size_t keep = std::max<std::size_t>(settings_.keep_segments, 1);
  for (std::size_t i = 0; i + keep < segments.size(); ++i) {
    if (!storage_->remove(segment_path(settings_.state_dir, segments[i]))) return;
  }
}

}  // namespace backhand::journal
