#include "gateway/journal/recovery.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "gateway/journal/fold.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/segment_reader.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {
namespace {

using Step = SegmentReader::Step;

std::uint64_t offset_of_slot(const HotHeader& header, std::uint64_t number) noexcept {
  return HotHeader::kBytes + number % header.slots * sizeof(Record);
}

Error damaged(const std::string& path, std::uint64_t offset, const std::string& what) {
  return Error{"the journal is damaged: " + path + ", offset " + std::to_string(offset) + ": " + what};
}

/// Reads one journal; a member function per file, in the order in which they are read.
class Recovery {
 public:
  Recovery(Storage& storage, const Settings& settings)
      : storage_{storage}, settings_{settings}, fold_{settings.keep_outcomes} {}

  std::expected<Recovered, Error> run(std::int64_t unix_seconds);

 private:
  using Done = std::expected<void, Error>;

  Done read_manifest();
  Done find_newest();
  Done read_newest();
  Done end_of_disk(SegmentReader& reader, Step step);
  Done read_hot();
  Done take_hot(Storage::Handle handle, const HotHeader& header);
  Done take_unpublished(Storage::Handle handle, const HotHeader& header, std::vector<Record>& records);
  /// Whether slot holds the whole record `number`; an errno value where the file cannot be read.
  Storage::Result<bool> read_slot(Storage::Handle handle, const HotHeader& header, std::uint64_t number,
                                  Record& into);
  Done take_hot_records(std::vector<Record> records, std::uint64_t slots);
  /// The hot segment cannot be used: an error, or with accept_lost_hot a tail that may be missing.
  Done hot_unusable(const std::string& why);
  [[nodiscard]] bool end_missing() const;
  void judge_tail();

  [[nodiscard]] bool same_boot() const { return fold_.state().last_start.boot_hash == boot_hash_; }
  [[nodiscard]] bool ran_before() const { return fold_.state().epoch != 0; }

  Storage& storage_;
  const Settings& settings_;
  Fold fold_;
  Recovered out_;
  std::uint64_t boot_hash_ = 0;
  std::optional<Manifest> manifest_;
  std::uint32_t stored_epoch_ = 0;
  bool hot_found_ = false;  // And of this boot and journal, so that nothing is missing.
  bool hot_given_up_ = false;
  bool torn_ = false;
};

std::expected<Recovered, Error> Recovery::run(std::int64_t unix_seconds) {
  const auto boot = storage_.boot_id();
  if (!boot) return std::unexpected(os_error("cannot read the kernel's boot id", boot.error()));
  boot_hash_ = hash_of(*boot);
  for (const auto step :
       {&Recovery::read_manifest, &Recovery::find_newest, &Recovery::read_newest, &Recovery::read_hot}) {
    if (const Done done = (this->*step)(); !done) return std::unexpected(done.error());
  }
  judge_tail();
  out_.unix_seconds = unix_seconds;
  stored_epoch_ = std::max(stored_epoch_, fold_.state().epoch);
  const auto now = static_cast<std::uint32_t>(std::clamp<std::int64_t>(unix_seconds, 1, UINT32_MAX - 1));
  if (stored_epoch_ == UINT32_MAX)
    return std::unexpected(Error{"the journal's epoch is at its end; its clock was wrong once"});
  out_.epoch = std::max(stored_epoch_ + 1, now);
  out_.orphans = fold_.orphans();
  out_.state = fold_.release();
  return std::move(out_);
}

Recovery::Done Recovery::read_manifest() {
  const std::string path = manifest_path(settings_.state_dir);
  const auto handle = storage_.open(path, OpenMode::read);
  if (!handle && handle.error() == ENOENT) return {};
  if (!handle) return std::unexpected(os_error("cannot open " + path, handle.error()));
  const File file{storage_, *handle};
  Manifest manifest{};
  const auto got = read_fully(storage_, file.handle(), std::as_writable_bytes(std::span{&manifest, 1}), 0);
  if (!got) return std::unexpected(os_error("cannot read " + path, got.error()));
  if (*got != sizeof(manifest) || !is_valid(manifest))
    return std::unexpected(damaged(path, 0, "no manifest"));
  manifest_ = manifest;
  stored_epoch_ = manifest.epoch;
  out_.journal_id = manifest.journal_id;
  return {};
}

Recovery::Done Recovery::find_newest() {
  const auto segments = list_segments(storage_, settings_.state_dir);
  if (!segments) return std::unexpected(segments.error());
  if (!segments->empty()) out_.newest_segment = segments->back();
  if (manifest_ && out_.newest_segment < manifest_->newest_segment)
    return std::unexpected(Error{"journal segment " +
                                 segment_path(settings_.state_dir, manifest_->newest_segment) +
                                 " is missing: the manifest names it"});
  // Only the very first segment is ever without a manifest, for the moment before that is written.
  if (!manifest_ && out_.newest_segment > 1)
    return std::unexpected(Error{manifest_path(settings_.state_dir) + " is missing beside " +
                                 segment_path(settings_.state_dir, out_.newest_segment)});
  return {};
}

Recovery::Done Recovery::read_newest() {
  if (out_.newest_segment == 0) return {};
  auto reader = SegmentReader::open(storage_, segment_path(settings_.state_dir, out_.newest_segment));
  if (!reader) return std::unexpected(reader.error());
  const SegmentHeader& header = reader->header();
  if (header.segment != out_.newest_segment || (manifest_ && header.journal_id != manifest_->journal_id))
    return std::unexpected(damaged(reader->path(), 0, "this segment belongs to another place or journal"));
  out_.journal_id = header.journal_id;
  stored_epoch_ = std::max(stored_epoch_, header.epoch);
  out_.disk_next = header.first_number;
  while (true) {
    const auto step = reader->next();
    if (!step) return std::unexpected(step.error());
    if (*step != Step::entry) return end_of_disk(*reader, *step);
    const auto entry = reader->entry();
    const auto applied = reader->in_checkpoint() ? fold_.apply_checkpoint(entry) : fold_.apply(entry);
    if (!applied) return std::unexpected(damaged(reader->path(), reader->offset(), applied.error()));
    out_.records_read += entry.size();
  }
}

Recovery::Done Recovery::end_of_disk(SegmentReader& reader, Step step) {
  if (reader.in_checkpoint())
    return std::unexpected(damaged(reader.path(), reader.offset(),
                                   "record " + std::to_string(reader.number()) + " of the checkpoint: " +
                                       (step == Step::end ? "it is missing" : reader.why())));
  out_.disk_next = reader.number();
  out_.disk_end_offset = reader.offset();
  torn_ = step == Step::torn;
  const std::string why = step == Step::end ? "it is missing" : reader.why();
  const auto beyond = reader.look_beyond();
  if (!beyond) return std::unexpected(beyond.error());
  // Without a power loss what was written stays in its order: a bad record before a whole one is damage.
  // After one, writes that were not synced may be there in part; what had been synced before must be whole.
  if (beyond->valid && (same_boot() || beyond->was_synced))
    return std::unexpected(damaged(reader.path(), reader.offset(),
                                   "record " + std::to_string(reader.number()) + ": " + why +
                                       ", although record " + std::to_string(beyond->number) +
                                       " behind it is whole"));
  out_.disk_dirty_end = beyond->dirty_end;
  torn_ = torn_ || beyond->valid || reader.at_end_of_file();
  return {};
}

Recovery::Done Recovery::read_hot() {
  out_.next_number = out_.disk_next;
  if (settings_.hot_dir.empty()) return {};
  const std::string path = hot_path(settings_);
  const auto handle = storage_.open(path, OpenMode::read);
  if (!handle && handle.error() == ENOENT) return {};
  if (!handle) return hot_unusable(os_error("cannot open " + path, handle.error()).message);
  const File file{storage_, *handle};
  HotHeader header{};
  const auto got = read_fully(storage_, file.handle(), std::as_writable_bytes(std::span{&header, 1}), 0);
  if (!got) return hot_unusable(os_error("cannot read " + path, got.error()).message);
  if (*got != sizeof(header) || !is_valid(header))
    return hot_unusable(damaged(path, 0, "no header of a hot segment").message);
  // Of another boot: it lies on no tmpfs, and how much of it was written back nobody knows.
  if (header.boot_hash != boot_hash_) return {};
  // A state directory without any journal is a new one, in the place of one that was lost or moved away.
  if (out_.journal_id == 0) {
    hot_given_up_ = true;
    out_.tail_reason = settings_.state_dir + " holds no journal, and " + path +
                       " holds records of one that is gone: starting anew, every position is blocked first";
    return {};
  }
  if (header.journal_id != out_.journal_id)
    return hot_unusable(path + " holds records of another journal than " + settings_.state_dir);
  return take_hot(file.handle(), header);
}

Recovery::Done Recovery::take_hot(Storage::Handle handle, const HotHeader& header) {
  const std::string path = hot_path(settings_);
  const bool last_ran_hot = ran_before() && fold_.state().last_start.durability == 0;
  if (header.head < out_.disk_next) {
    if (!last_ran_hot || fold_.state().clean_stop) return {};
    return hot_unusable(path + " ends before record " + std::to_string(header.head) + ", the disk before " +
                        std::to_string(out_.disk_next) + ": they are of different times");
  }
  const std::uint64_t count = header.head - out_.disk_next;
  const std::uint64_t oldest =
      std::max(header.first_number, header.head > header.slots ? header.head - header.slots : 1);
  if (count > 0 && out_.disk_next < oldest)
    return hot_unusable("records " + std::to_string(out_.disk_next) + " to " + std::to_string(oldest - 1) +
                        " are missing: " + path + " begins behind them, the disk ends before them");
  std::vector<Record> records(static_cast<std::size_t>(count));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t number = out_.disk_next + i;
    const auto got = read_slot(handle, header, number, records[static_cast<std::size_t>(i)]);
    if (!got) return hot_unusable(os_error("cannot read " + path, got.error()).message);
    if (!*got)
      return hot_unusable(
          damaged(path, offset_of_slot(header, number),
                  "record " + std::to_string(number) + " is not whole, or the file is cut short")
              .message);
  }
  if (auto more = take_unpublished(handle, header, records); !more) return hot_unusable(more.error().message);
  return take_hot_records(std::move(records), header.slots);
}

std::expected<void, Error> Recovery::take_unpublished(Storage::Handle handle, const HotHeader& header,
                                                      std::vector<Record>& records) {
  // The process may have died with an entry stored and its number not yet released. Nothing was sent on it,
  // and to count it is as true as not to; to count it also heals a damaged `head`.
  const std::uint64_t first = out_.disk_next + records.size();
  for (std::uint64_t number = first; number < first + header.slots;) {
    std::array<Record, kMaxParts> entry{};
    std::size_t parts = 1;
    for (std::size_t part = 0; part < parts; ++part) {
      const auto got = read_slot(handle, header, number + part, entry[part]);
      if (!got) return std::unexpected(os_error("cannot read " + hot_path(settings_), got.error()));
      if (!*got || entry[part].part() != part || entry[part].kind != entry[0].kind) return {};
      parts = entry[0].parts();
    }
    records.insert(records.end(), entry.begin(), entry.begin() + static_cast<std::ptrdiff_t>(parts));
    number += parts;
  }
  return {};
}

Storage::Result<bool> Recovery::read_slot(Storage::Handle handle, const HotHeader& header,
                                          std::uint64_t number, Record& into) {
  const auto got = read_fully(storage_, handle, std::as_writable_bytes(std::span{&into, 1}),
                              offset_of_slot(header, number));
  if (!got) return std::unexpected(got.error());
  return *got == sizeof(into) && is_valid(into) && into.number == number;
}

Recovery::Done Recovery::take_hot_records(std::vector<Record> records, std::uint64_t slots) {
  const std::string path = hot_path(settings_);
  const auto offset_at = [&](std::size_t at) {
    return HotHeader::kBytes + records[at].number % slots * sizeof(Record);
  };
  // All of it is looked at before any of it counts, so that a damaged one can be given up as a whole.
  for (std::size_t at = 0; at < records.size(); at += records[at].parts()) {
    const std::size_t parts = records[at].parts();
    bool whole = records[at].part() == 0 && at + parts <= records.size();
    for (std::size_t part = 1; whole && part < parts; ++part)
      whole = records[at + part].kind == records[at].kind && records[at + part].part() == part;
    if (!whole) return hot_unusable(damaged(path, offset_at(at), "an entry is not whole").message);
  }
  for (std::size_t at = 0; at < records.size(); at += records[at].parts()) {
    const auto applied = fold_.apply(std::span{records}.subspan(at, records[at].parts()));
    if (!applied) return std::unexpected(damaged(path, offset_at(at), applied.error()));
  }
  hot_found_ = true;
  out_.next_number = out_.disk_next + records.size();
  out_.records_read += records.size();
  out_.hot_tail = std::move(records);
  return {};
}

Recovery::Done Recovery::hot_unusable(const std::string& why) {
  if (!settings_.accept_lost_hot) return std::unexpected(Error{why});
  hot_given_up_ = true;
  out_.tail_reason = "the hot segment was given up: " + why;
  return {};
}

bool Recovery::end_missing() const {
  if (!manifest_) return false;
  if (out_.next_number <= manifest_->known_number) return true;
  // A start writes its epoch to the manifest first and may die before it is recorded. Nothing was sent then.
  // Of an earlier version's manifest nobody knows whether that happened: the stricter reading holds.
  return manifest_->phase != ManifestPhase::opening && fold_.state().epoch < manifest_->epoch;
}

void Recovery::judge_tail() {
  const State& state = fold_.state();
  if (end_missing() && !hot_given_up_) {
    out_.tail = TailLoss::end_missing;
    out_.missing_up_to = std::max(manifest_->known_number, out_.next_number);
    out_.tail_reason = "the end of the journal is missing: " + manifest_path(settings_.state_dir) +
                       " tells of start " + std::to_string(manifest_->epoch) + " and of record " +
                       std::to_string(manifest_->known_number) + ", the segments end with start " +
                       std::to_string(state.epoch) + " at record " + std::to_string(out_.next_number - 1) +
                       "; an older copy was put back, or a file was cut. Reversals may have been sent that "
                       "this journal does "
                       "not know, and intents may have been taken whose ids it would take again";
  } else if (hot_given_up_) {
    out_.tail = TailLoss::hot_lost;
  } else if (ran_before() && !state.clean_stop && !same_boot()) {
    out_.tail = TailLoss::power_lost;
    out_.tail_reason = "the machine has started anew since the gateway last ran, which had not stopped";
  } else if (ran_before() && !state.clean_stop && state.last_start.durability == 0 && !hot_found_) {
    out_.tail = TailLoss::hot_lost;
    out_.tail_reason = "the hot segment " + hot_path(settings_) + " of the last run is gone";
  } else if (torn_ && !hot_found_) {
    out_.tail = TailLoss::torn_on_disk;
    out_.tail_reason = "the last entry on disk was only partly written, or the file was cut behind it";
  }
}

}  // namespace

std::expected<Recovered, Error> recover(Storage& storage, const Settings& settings,
                                        std::int64_t unix_seconds) {
  return Recovery{storage, settings}.run(unix_seconds);
}

}  // namespace backhand::journal
