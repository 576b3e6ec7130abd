#include "gateway/journal/ring_journal.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

#include "common/assert.hpp"
#include "common/on_path.hpp"
#include "common/prefetch.hpp"

namespace backhand::journal {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic_ref<std::uint64_t>::is_always_lock_free);

/// Slots ahead of the next number that are brought into the cache: two entries of three records.
constexpr std::uint64_t kWarmSlots = 6;

/// Record::behind cannot say more. A batch is smaller, so what lies further back is not in question.
constexpr std::uint64_t kMostBehind = UINT16_MAX;

/// With a shot waiting for it, an entry of these kinds does without the other thread's cache line and without
/// the next lines of the ring.
bool is_urgent(Kind kind) noexcept {
  return kind == Kind::taken || kind == Kind::shot_taken || kind == Kind::intended;
}

}  // namespace

RingJournal::RingJournal(Storage& storage, const Settings& settings, DiskWriter writer, std::uint32_t epoch,
                         const OidStart& oid_start, std::int64_t real_offset_ns)
    : next_{writer.next_number()},
      synced_seen_{next_},
      epoch_{epoch},
      durability_{settings.durability},
      real_offset_ns_{real_offset_ns},
      synced_{next_},
      private_head_{next_},
      storage_{storage},
      settings_{settings},
      oid_start_{oid_start},
      writer_{std::move(writer)} {
  batch_.resize(static_cast<std::size_t>(writer_.max_batch()));
}

RingJournal::~RingJournal() {
  stop_thread();
  if (!mapping_.empty()) storage_.unmap(mapping_);
}

std::expected<void, Error> RingJournal::make_ring() {
  slots_ = settings_.hot_records;
  mask_ = slots_ - 1;
  if (durability_ == Durability::process) return make_hot_segment();
  private_ring_.resize(static_cast<std::size_t>(slots_));
  ring_ = private_ring_.data();
  shared_head_ = &private_head_;
  locked_ = storage_.lock_memory(std::as_writable_bytes(std::span{private_ring_}));
  return {};
}

std::expected<void, Error> RingJournal::make_hot_segment() {
  const std::string path = hot_path(settings_);
  const std::string unfinished = path + std::string{kUnfinished};
  const auto boot = storage_.boot_id();
  if (!boot) return std::unexpected(os_error("cannot read the kernel's boot id", boot.error()));
  auto file = File::open(storage_, unfinished, OpenMode::create_truncate);
  if (!file) return std::unexpected(file.error());
  // Allocated in full: a store into a page that tmpfs cannot back would be a SIGBUS.
  const std::uint64_t bytes = HotHeader::kBytes + slots_ * sizeof(Record);
  if (const auto grown = storage_.allocate(file->handle(), bytes); !grown)
    return std::unexpected(os_error("cannot allocate " + unfinished, grown.error()));
  const auto mapped = storage_.map(file->handle(), bytes);
  if (!mapped) return std::unexpected(os_error("cannot map " + unfinished, mapped.error()));
  mapping_ = *mapped;
  locked_ = storage_.lock_memory(mapping_);
  const HotHeader header = make_hot_header(writer_.journal_id(), slots_, hash_of(*boot), next_);
  std::memcpy(mapping_.data(), &header, sizeof(header));
  ring_ = reinterpret_cast<Record*>(mapping_.data() + HotHeader::kBytes);
  shared_head_ = reinterpret_cast<std::uint64_t*>(mapping_.data() + offsetof(HotHeader, head));
  // All that an earlier hot segment held is on disk by now.
  if (const auto renamed = storage_.rename(unfinished, path); !renamed)
    return std::unexpected(os_error("cannot rename to " + path, renamed.error()));
  return {};
}

BH_ON_PATH Appended RingJournal::append(std::span<Record> parts) noexcept {
  if (failed_.load(std::memory_order_relaxed)) [[unlikely]]
    return {AppendStatus::failed, 0};
  const std::uint64_t count = parts.size();
  const bool urgent = is_urgent(parts[0].kind);
  // For an urgent one an older number is enough.
  if (!urgent || durability_ == Durability::power || count > slots_ - (next_ - synced_seen_))
    synced_seen_ = synced_.load(std::memory_order_acquire);
  if (count > slots_ - (next_ - synced_seen_)) [[unlikely]]
    return {AppendStatus::full, 0};
  const std::int64_t real_ns = parts[0].mono_ns + real_offset_ns_.load(std::memory_order_relaxed);
  for (Record& record : parts) {
    record.number = next_;
    record.real_ns = real_ns;
    record.epoch = epoch_;
    record.behind = static_cast<std::uint16_t>(std::min(next_ - synced_seen_, kMostBehind));
    record.crc = checksum_of(record);
    std::memcpy(&ring_[next_ & mask_], &record, sizeof(Record));
    ++next_;
  }
  // Pairs with head(): who sees the number sees the bytes, the next process included.
  std::atomic_ref{*shared_head_}.store(next_, std::memory_order_release);
  if (durability_ == Durability::process) {
    if (!urgent) warm();
    return {AppendStatus::durable, next_ - 1};
  }
  if (has_thread_.load(std::memory_order_relaxed)) {
    doorbell_.fetch_add(1, std::memory_order_release);
    doorbell_.notify_one();
  }
  return {AppendStatus::pending, next_ - 1};
}

BH_ON_PATH Room RingJournal::room() noexcept {
  // The other thread's cache line is looked at only where the answer may matter.
  if (next_ - synced_seen_ > slots_ / 2) synced_seen_ = synced_.load(std::memory_order_acquire);
  return {slots_ - (next_ - synced_seen_), slots_};
}

void RingJournal::warm() noexcept {
  for (std::uint64_t i = 0; i < kWarmSlots; ++i) {
    prefetch_to_write(ring_[(next_ + i) & mask_]);
  }
}

std::uint64_t RingJournal::head() const noexcept {
  return std::atomic_ref{*shared_head_}.load(std::memory_order_acquire);
}

std::uint64_t RingJournal::durable_number() const noexcept {
  return (durability_ == Durability::process ? head() : synced_.load(std::memory_order_acquire)) - 1;
}

std::uint64_t RingJournal::do_work() {
  if (failed_.load(std::memory_order_relaxed)) return 0;
  const std::uint64_t head_now = head();
  if (head_now == synced_.load(std::memory_order_relaxed)) return 0;
  try {
    return copy_batch(head_now);
  } catch (const std::bad_alloc&) {
    fail("out of memory while writing the journal");
    return 0;
  }
}

std::uint64_t RingJournal::copy_batch(std::uint64_t head_now) {
  const std::uint64_t from = synced_.load(std::memory_order_relaxed);
  const std::uint64_t available = head_now - from;
  std::size_t count = 0;
  while (count < available) {
    const Record& first = ring_[(from + count) & mask_];
    const std::size_t parts = first.parts();
    if (parts == 0 || parts > kMaxParts || count + parts > available) {
      fail("record " + std::to_string(from + count) + " in memory is damaged");
      return 0;
    }
    if (count + parts > batch_.size()) break;
    for (std::size_t part = 0; part < parts; ++part) {
      const std::uint64_t number = from + count + part;
      Record& record = batch_[count + part];
      std::memcpy(&record, &ring_[number & mask_], sizeof(Record));
      if (!is_valid(record) || record.number != number) {
        fail("record " + std::to_string(number) + " in memory is damaged");
        return 0;
      }
    }
    count += parts;
  }
  if (const auto written = writer_.write(std::span{batch_}.first(count)); !written) {
    fail(written.error().message);
    return 0;
  }
  synced_.store(from + count, std::memory_order_release);
  return count;
}

void RingJournal::fail(std::string why) {
  failure_ = std::move(why);
  failed_.store(true, std::memory_order_release);
}

std::string RingJournal::failure() const {
  return failed_.load(std::memory_order_acquire) ? failure_ : std::string{};
}

void RingJournal::set_real_offset(std::int64_t offset_ns) noexcept {
  real_offset_ns_.store(offset_ns, std::memory_order_relaxed);
}

std::expected<void, Error> RingJournal::flush() {
  while (head() != synced_.load(std::memory_order_relaxed)) {
    if (do_work() == 0) return std::unexpected(Error{failure()});
  }
  return {};
}

std::expected<void, Error> RingJournal::close(Ns now_ns, std::uint32_t open_cases) {
  stop_thread();
  if (auto flushed = flush(); !flushed) return flushed;
  Entry entry{Stamp{now_ns, {}, {}, {}}, Stopped{open_cases, {}}};
  const Appended appended = append(entry.parts());
  if (appended.status == AppendStatus::failed) return std::unexpected(Error{failure()});
  BH_ASSERT(appended.status != AppendStatus::full);
  if (auto flushed = flush(); !flushed) return flushed;
  return writer_.note_phase(ManifestPhase::stopped);
}

void RingJournal::start_thread(std::function<void()> on_durable) {
  BH_ASSERT(durability_ == Durability::power && !thread_.joinable());
  has_thread_.store(true, std::memory_order_relaxed);
  thread_ = std::jthread{[this, told = std::move(on_durable)](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const std::uint32_t rung = doorbell_.load(std::memory_order_acquire);
      const bool worked = do_work() != 0;
      const bool has_failed = failed_.load(std::memory_order_relaxed);
      if ((worked || has_failed) && told) told();
      if (has_failed) return;
      if (!worked && !stop.stop_requested()) doorbell_.wait(rung, std::memory_order_acquire);
    }
  }};
}

void RingJournal::stop_thread() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  doorbell_.fetch_add(1, std::memory_order_release);
  doorbell_.notify_all();
  thread_.join();
  has_thread_.store(false, std::memory_order_relaxed);
}

std::expected<std::unique_ptr<Journal>, Error> open_journal(Storage& storage, const Settings& settings,
                                                            const Recovered& recovered, Ns now_ns,
                                                            std::int64_t real_offset_ns) {
  if (!std::has_single_bit(settings.hot_records) || settings.hot_records < 64 ||
      settings.hot_records > kMostHotRecords)
    return std::unexpected(Error{"the journal's ring must have 64 to " + std::to_string(kMostHotRecords) +
                                 " records, a power of two"});
  if (settings.segment_records < settings.hot_records)
    return std::unexpected(Error{"a journal segment must hold at least one ring of " +
                                 std::to_string(settings.hot_records) + " records"});
  if (!is_oid_prefix(settings.oid_prefix.view()))
    return std::unexpected(Error{"the clientOid prefix must be 1 to 6 characters of [0-9A-Za-z_-]"});
  auto writer = DiskWriter::open(storage, settings, recovered);
  if (!writer) return std::unexpected(writer.error());
  const auto bits = storage.random();
  if (!bits) return std::unexpected(os_error("cannot draw a random number", bits.error()));
  const OidStart oid_start{settings.oid_prefix, oid_tag_of(writer->journal_id()), oid_random_of(*bits)};
  auto journal = std::make_unique<RingJournal>(storage, settings, std::move(*writer), recovered.epoch,
                                               oid_start, real_offset_ns);
  if (const auto made = journal->make_ring(); !made) return std::unexpected(made.error());
  const auto boot = storage.boot_id();
  if (!boot) return std::unexpected(os_error("cannot read the kernel's boot id", boot.error()));
  Entry entry{Stamp{now_ns, {}, {}, {}}, Started{hash_of(*boot),
                                                 settings.config_hash,
                                                 settings.oid_prefix,
                                                 settings.program_version,
                                                 static_cast<std::uint8_t>(settings.durability),
                                                 static_cast<std::uint8_t>(recovered.unclean() ? 1 : 0),
                                                 {},
                                                 oid_start.random,
                                                 oid_start.journal_tag,
                                                 {}}};
  const Appended appended = journal->append(entry.parts());
  BH_ASSERT(appended.status == AppendStatus::durable || appended.status == AppendStatus::pending);
  if (const auto flushed = journal->flush(); !flushed) return std::unexpected(flushed.error());
  if (const auto noted = journal->note_running(); !noted) return std::unexpected(noted.error());
  if (settings.durability == Durability::power && !settings.hot_dir.empty()) {
    // A hot segment of an earlier run in the other durability has nothing that the disk has not.
    if (const auto removed = storage.remove(hot_path(settings)); !removed && removed.error() != ENOENT)
      return std::unexpected(os_error("cannot remove " + hot_path(settings), removed.error()));
  }
  return journal;
}

}  // namespace backhand::journal
