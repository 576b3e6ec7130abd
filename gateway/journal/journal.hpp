// A journal that is open for writing: the engine's sink on the I/O thread, the disk's work on another one.
// Lives from readiness to the end of the process.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "common/error.hpp"
#include "gateway/journal/recovery.hpp"
#include "gateway/journal/settings.hpp"
#include "gateway/journal/sink.hpp"

namespace backhand::journal {

class Storage;

class Journal : public Sink {
 public:
  /// Copies what is new to disk (at most one batch), syncs it, starts a new segment when one is due. Returns
  /// how many records it made durable. Called from: one thread, at least every 10 ms (durability "process":
  /// the disk thread; "power": a thread of its own, see start_thread).
  virtual std::uint64_t do_work() = 0;

  /// The sentence that says why the journal failed; empty while it has not. Any thread.
  [[nodiscard]] virtual std::string failure() const = 0;
  /// Wall clock minus CLOCK_MONOTONIC, for the records' real_ns. Any thread; set at start and now and then.
  virtual void set_real_offset(std::int64_t offset_ns) noexcept = 0;

  /// Whether the ring's pages are locked into memory; false is worth a warning, not an error.
  [[nodiscard]] virtual bool memory_locked() const noexcept = 0;
  [[nodiscard]] virtual std::uint32_t epoch() const noexcept = 0;  ///< Of this start.
  /// What the names of this start's reversals begin with.
  [[nodiscard]] virtual const OidStart& oid_start() const noexcept = 0;

  /// Appends `stopped` and makes everything durable. Called when nobody appends any more, by the thread that
  /// calls do_work or after it has ended.
  [[nodiscard]] virtual std::expected<void, Error> close(Ns now_ns, std::uint32_t open_cases) = 0;

  /// Durability "power": runs do_work on a thread of its own from now on, and `on_durable` there after each
  /// advance of durable_number() and when the journal fails (a doorbell; may be empty). Not for "process".
  virtual void start_thread(std::function<void()> on_durable) = 0;
};

/// Makes the journal that `recovered` was read from ready for this start: repairs the torn end, writes what
/// only the hot segment held, heads a new segment with a checkpoint and the new epoch, appends `started`, all
/// of it durable on return. `storage` outlives the journal. `real_offset_ns` as in set_real_offset.
[[nodiscard]] std::expected<std::unique_ptr<Journal>, Error> open_journal(Storage& storage,
                                                                          const Settings& settings,
                                                                          const Recovered& recovered,
                                                                          Ns now_ns,
                                                                          std::int64_t real_offset_ns);

}  // namespace backhand::journal
