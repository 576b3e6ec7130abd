// The gateway's process as gateway/service makes it: recover, open the journal, restore lanes, engine, turns.
// It can be killed at any step, and started again from what its storage holds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/engine/engine.hpp"
#include "gateway/journal/journal.hpp"
#include "tests/gateway/journal/memory_storage.hpp"
#include "tests/simulation/context.hpp"
#include "tests/simulation/crash.hpp"
#include "tests/simulation/lanes.hpp"
#include "tests/simulation/ledger.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/plan.hpp"

namespace backhand::simulation {

/// Shows the ledger what is recorded, and is one of the places where the process dies.
class WatchedJournal final : public journal::Sink {
 public:
  WatchedJournal(Context& context, CrashPoint& crash, Ledger& ledger)
      : context_(context), crash_(crash), ledger_(ledger) {}
  void open(journal::Journal* journal) noexcept { journal_ = journal; }
  journal::Appended append(std::span<journal::Record> parts) noexcept override;
  [[nodiscard]] journal::Room room() noexcept override;
  [[nodiscard]] std::uint64_t durable_number() const noexcept override;
  [[nodiscard]] bool failed() const noexcept override {
    return !crash_.dead() && journal_ != nullptr && journal_->failed();
  }
  /// Whether anything was appended since the last call.
  [[nodiscard]] bool take_dirty() noexcept;

 private:
  void note(std::span<const journal::Record> parts, const journal::Appended& appended);

  Context& context_;
  CrashPoint& crash_;
  Ledger& ledger_;
  journal::Journal* journal_ = nullptr;
  std::vector<journal::Record> kept_back_;  ///< For the bug that records after sending.
  bool dirty_ = false;
};

enum class StorageFault : std::uint8_t {
  none,
  full,
  write_error,
  sync_error,
  short_write,
  torn_write,
  hot_allocation,
  hot_map,
};

enum class StartResult : std::uint8_t { started, killed, refused };

class Process final : public engine::EventPort {
 public:
  Process(Context& context, const Plan& plan, CrashPoint& crash, Ledger& ledger, SimLanes& lanes,
          Network& network);
  ~Process() override;

  [[nodiscard]] StartResult start();
  /// Why the last start was refused.
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  /// It is dead: what is left of it goes, the storage keeps what it has.
  void bury();
  /// Ends as after SIGTERM; false where it died while doing so.
  [[nodiscard]] bool stop();

  [[nodiscard]] bool running() const noexcept { return engine_ != nullptr; }
  [[nodiscard]] engine::Engine& engine() noexcept { return *engine_; }
  /// One turn of the I/O loop; returns how much was done.
  int turn();
  [[nodiscard]] Ns next_due() noexcept;
  [[nodiscard]] bool journal_failed() const noexcept { return journal_failed_; }
  [[nodiscard]] std::vector<AccountIndex> take_refused_accounts() noexcept;

  // Its machine.
  void set_storage_fault(StorageFault fault) noexcept { storage_fault_ = fault; }
  [[nodiscard]] test::MemoryStorage& storage() noexcept { return *storage_; }
  /// The kernel's random source is in no backup.
  void replace_storage(std::unique_ptr<test::MemoryStorage> storage) {
    storage_ = std::move(storage);
    storage_->seed_random(context_.random.next());
  }
  /// Nothing reaches the disk before `until` (world time).
  void stall_disk(Ns until) noexcept { disk_stands_until_ = until; }
  /// Whether what was recorded 50 ms ago may still not be on disk.
  [[nodiscard]] bool disk_is_behind() const noexcept {
    return context_.faults_on && context_.now() < disk_stands_until_ + 50 * kMillisecond;
  }
  void accept_lost_hot(bool accept) noexcept { settings_.accept_lost_hot = accept; }
  void set_paused(bool paused) noexcept { paused_ = paused; }
  /// From the next start on the account of `plan.key_account` has the key of another UID, or its own again.
  void replace_key(bool other) noexcept { other_key_ = other; }
  [[nodiscard]] bool has_other_key() const noexcept { return other_key_; }
  [[nodiscard]] bool paused() const noexcept { return paused_; }
  [[nodiscard]] std::uint64_t lives() const noexcept { return lives_; }
  /// The record number that the last start went on with.
  [[nodiscard]] std::uint64_t recovered_number() const noexcept { return recovered_number_; }
  /// The one that a start would go on with now; empty where it would be refused.
  [[nodiscard]] std::optional<std::uint64_t> recoverable();

  void on_engine_event(engine::EngineEvent event, const engine::EventDetails& details,
                       Ns now) noexcept override;
  void on_raw_reply(const journal::ReversalKey&, int, std::string_view, std::string_view,
                    Ns) noexcept override {}

 private:
  [[nodiscard]] test::MemoryStorage::Fault at_storage(test::MemoryStorage::Operation operation,
                                                      const std::string& path);
  [[nodiscard]] std::expected<void, Error> make();
  void plant(journal::Recovered& recovered) const;
  void schedule_disk_work();
  void disk_work();

  Context& context_;
  const Plan& plan_;
  CrashPoint& crash_;
  Ledger& ledger_;
  SimLanes& lanes_;
  Network& network_;
  journal::Settings settings_;
  std::unique_ptr<test::MemoryStorage> storage_;
  std::unique_ptr<journal::Journal> journal_;
  WatchedJournal watched_;
  std::unique_ptr<bitget::Dialect> dialect_;
  std::unique_ptr<engine::Engine> engine_;
  StorageFault storage_fault_ = StorageFault::none;
  std::vector<AccountIndex> refused_accounts_;
  std::string refusal_;
  std::uint64_t lives_ = 0;
  std::uint64_t recovered_number_ = 1;
  bool starting_ = false;
  bool paused_ = false;
  bool other_key_ = false;
  bool journal_failed_ = false;
  bool disk_scheduled_ = false;
  Ns disk_stands_until_ = 0;
};

}  // namespace backhand::simulation
