// The journal between two threads: the engine's stores records into a ring, another one takes them to disk.
// For durability "process" the ring is the hot segment on tmpfs, for "power" it is private memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/journal/disk_writer.hpp"
#include "gateway/journal/journal.hpp"
#include "gateway/journal/segment.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

class RingJournal final : public Journal {
 public:
  /// `writer` is open; the ring begins at its next number.
  RingJournal(Storage& storage, const Settings& settings, DiskWriter writer, std::uint32_t epoch,
              const OidStart& oid_start, std::int64_t real_offset_ns);
  ~RingJournal() override;

  /// Makes the ring: the hot segment's file, or memory.
  [[nodiscard]] std::expected<void, Error> make_ring();

  Appended append(std::span<Record> parts) noexcept override;
  [[nodiscard]] Room room() noexcept override;
  [[nodiscard]] std::uint64_t durable_number() const noexcept override;
  [[nodiscard]] bool failed() const noexcept override { return failed_.load(std::memory_order_acquire); }
  void warm() noexcept override;

  std::uint64_t do_work() override;
  [[nodiscard]] std::string failure() const override;
  void set_real_offset(std::int64_t offset_ns) noexcept override;
  [[nodiscard]] bool memory_locked() const noexcept override { return locked_; }
  [[nodiscard]] std::uint32_t epoch() const noexcept override { return epoch_; }
  [[nodiscard]] const OidStart& oid_start() const noexcept override { return oid_start_; }
  [[nodiscard]] std::expected<void, Error> close(Ns now_ns, std::uint32_t open_cases) override;
  void start_thread(std::function<void()> on_durable) override;

  /// As do_work, until nothing is left.
  [[nodiscard]] std::expected<void, Error> flush();
  /// `started` is on disk.
  [[nodiscard]] std::expected<void, Error> note_running() {
    return writer_.note_phase(ManifestPhase::running);
  }

 private:
  [[nodiscard]] std::uint64_t head() const noexcept;
  [[nodiscard]] std::expected<void, Error> make_hot_segment();
  std::uint64_t copy_batch(std::uint64_t head);
  void fail(std::string why);
  void stop_thread();

  // The engine's thread; the first line is all that it touches but for the ring.
  alignas(64) Record* ring_ = nullptr;
  std::uint64_t* shared_head_ = nullptr;  // In the hot segment's header or &private_head_.
  std::uint64_t mask_ = 0;
  std::uint64_t next_ = 1;         // Next number to append.
  std::uint64_t synced_seen_ = 1;  // synced_ as last looked at: never ahead of it.
  std::uint64_t slots_ = 0;
  std::uint32_t epoch_;
  Durability durability_;

  // Read by the engine's thread at each append, written once or seldom.
  alignas(64) std::atomic<bool> failed_{false};
  std::atomic<std::int64_t> real_offset_ns_;
  std::atomic<bool> has_thread_{false};

  /// First number that is not on disk. Released by the disk's thread after the sync; pairs with append's
  /// acquire, which lets the slots be used again, and with durable_number.
  alignas(64) std::atomic<std::uint64_t> synced_;
  std::uint64_t private_head_ = 1;
  std::atomic<std::uint32_t> doorbell_{0};

  alignas(64) Storage& storage_;
  Settings settings_;
  OidStart oid_start_;
  DiskWriter writer_;
  std::vector<Record> batch_;
  std::vector<Record> private_ring_;
  std::span<std::byte> mapping_;
  bool locked_ = false;
  std::string failure_;  // Written once, before failed_ is released.
  std::jthread thread_;
};

}  // namespace backhand::journal
