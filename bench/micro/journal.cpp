// What the journal costs an intent: an entry appended on the engine's thread, by itself and with a service
// thread copying to disk beside it (p50 and p99.9 of single appends, the clock's own cost shown apart); one
// batch to disk; and a start that reads a million records.
#include "gateway/journal/journal.hpp"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <benchmark/benchmark.h>

#include "common/clock.hpp"
#include "common/histogram.hpp"
#include "gateway/journal/crc32c.hpp"
#include "gateway/journal/os_storage.hpp"

namespace {

using namespace backhand;
using namespace backhand::journal;

/// A journal in directories of its own: disk under the temporary directory, hot segment on tmpfs.
class Place {
 public:
  explicit Place(std::uint64_t segment_records = 1U << 19) {
    std::string state = std::filesystem::temp_directory_path() / "backhand-bench-XXXXXX";
    std::string hot = "/dev/shm/backhand-bench-XXXXXX";
    if (::mkdtemp(state.data()) == nullptr || ::mkdtemp(hot.data()) == nullptr) std::abort();
    settings_.state_dir = state;
    settings_.hot_dir = hot;
    settings_.segment_records = segment_records;
    settings_.keep_segments = 1;
    settings_.hot_records = 32'768;
    settings_.keep_outcomes = 16;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    std::filesystem::remove_all(settings_.state_dir);
    std::filesystem::remove_all(settings_.hot_dir);
  }

  std::unique_ptr<Journal> open() {
    const auto recovered = recover(storage_, settings_, 1'700'000'000);
    if (!recovered) return nullptr;
    auto journal = open_journal(storage_, settings_, *recovered, 0, 0);
    return journal ? std::move(*journal) : nullptr;
  }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  OsStorage& storage() { return storage_; }

 private:
  Settings settings_;
  OsStorage storage_;
};

Intended intended_of(std::uint64_t id) {
  Intended body{};
  body.intent_id = id;
  body.account = wire::AccountName{"alpha"};
  body.symbol = wire::SymbolName{"ETHUSDT"};
  body.margin_coin = wire::CoinName{"USDT"};
  return body;
}

Stamp stamp_of(std::uint32_t epoch, std::uint64_t sequence) {
  return {static_cast<Ns>(sequence),
          {epoch, 1, sequence},
          wire::Product::usdt_futures,
          wire::PositionSide::long_side};
}

void crc_of_a_record(benchmark::State& state) {
  Record record{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(record);
    benchmark::DoNotOptimize(checksum_of(record));
  }
}
BENCHMARK(crc_of_a_record)->Name("journal/crc32c_124_bytes");

/// Single appends of what stands between an intent and its write (`intended`, two records), timed one by one.
void append_intended(benchmark::State& state) {
  const bool copying = state.range(0) != 0;
  Place place;
  const auto journal = place.open();
  if (!journal) return state.SkipWithError("cannot open a journal");
  std::jthread service;
  if (copying) {
    service = std::jthread{[&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        journal->do_work();
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    }};
  }
  const auto histogram = std::make_unique<Histogram>();
  std::uint64_t id = 0;
  std::uint64_t appended_since = 0;
  for (auto _ : state) {
    ++id;
    const Ns from = monotonic_now();
    const Appended appended = journal->append(stamp_of(journal->epoch(), id), intended_of(id));
    const Ns to = monotonic_now();
    if (appended.status == AppendStatus::full) {
      // The disk is behind: not what is measured here.
      state.PauseTiming();
      std::this_thread::sleep_for(std::chrono::milliseconds{2});
      state.ResumeTiming();
      continue;
    }
    histogram->record(to - from);
    // Without a service thread its work is done here, untimed, before the ring is full.
    if (++appended_since == 8'000 && !copying) {
      appended_since = 0;
      state.PauseTiming();
      while (journal->do_work() != 0) {
      }
      state.ResumeTiming();
    }
  }
  service = {};
  if (!journal->failure().empty()) return state.SkipWithError(journal->failure().c_str());
  const auto clock = std::make_unique<Histogram>();
  for (int i = 0; i < 100'000; ++i) {
    const Ns from = monotonic_now();
    clock->record(monotonic_now() - from);
  }
  state.counters["p50_ns"] = static_cast<double>(histogram->percentile(0.5));
  state.counters["p99_ns"] = static_cast<double>(histogram->percentile(0.99));
  state.counters["p99.9_ns"] = static_cast<double>(histogram->percentile(0.999));
  state.counters["clock_p50_ns"] = static_cast<double>(clock->percentile(0.5));
}
BENCHMARK(append_intended)
    ->Name("journal/append_intended")
    ->ArgName("copying")
    ->Arg(0)
    ->Arg(1)
    ->Iterations(200'000)
    ->UseRealTime();

/// A batch of 100 records to disk, with its fdatasync: what durability "power" adds, and what the service
/// thread does every few milliseconds.
void batch_to_disk(benchmark::State& state) {
  Place place;
  const auto journal = place.open();
  if (!journal) return state.SkipWithError("cannot open a journal");
  std::uint64_t id = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (int i = 0; i < 50; ++i) {
      ++id;
      benchmark::DoNotOptimize(journal->append(stamp_of(journal->epoch(), id), intended_of(id)));
    }
    state.ResumeTiming();
    if (journal->do_work() != 100) return state.SkipWithError("the batch was not written");
  }
}
BENCHMARK(batch_to_disk)->Name("journal/batch_of_100_synced")->Iterations(200)->UseRealTime();

/// A start over 1,000,000 records, open cases among them.
void recover_a_million(benchmark::State& state) {
  Place place{1'100'000};
  {
    const auto journal = place.open();
    if (!journal) return state.SkipWithError("cannot open a journal");
    std::uint64_t last = 0;
    for (std::uint64_t n = 1; last < 1'000'000; ++n) {
      const Stamp stamp = stamp_of(journal->epoch(), n);
      wire::Outcome told{};
      told.record_number = n;
      told.intent_id = n;
      told.kind = wire::EventKind::settled;
      told.flags = wire::kTerminal;
      Appended appended{AppendStatus::full, 0};
      while (appended.status == AppendStatus::full) {
        appended = journal->append(stamp, intended_of(n));
        if (appended.status == AppendStatus::full) journal->do_work();
      }
      static_cast<void>(journal->append(stamp, Sent{n, 1, 2, 300, 4, {}}));
      static_cast<void>(journal->append(stamp, Learned{}));
      appended = journal->append(stamp, pack_outcome(told));
      last = appended.number;
    }
    while (journal->do_work() != 0) {
    }
    if (!journal->failure().empty()) return state.SkipWithError(journal->failure().c_str());
  }
  for (auto _ : state) {
    const auto recovered = recover(place.storage(), place.settings(), 1'700'000'000);
    if (!recovered) return state.SkipWithError(recovered.error().message.c_str());
    if (recovered->next_number <= 1'000'000) return state.SkipWithError("not all records were found");
    benchmark::DoNotOptimize(recovered->state.cases.size());
  }
}
BENCHMARK(recover_a_million)
    ->Name("journal/recover_1000000_records")
    ->Unit(benchmark::kMillisecond)
    ->Iterations(5)
    ->UseRealTime();

}  // namespace
