// What each position was last seen to be, which reversal occupies it, and whether it is blocked. Owned by the
// engine, I/O thread only. Allocates at construction and never again. Who waits for an occupied position and
// in which order is not known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/prefetch.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::order {

/// Why a position takes no reversal until it is unblocked.
enum class BlockReason : std::uint8_t {
  none,
  unknown,        ///< A reversal of it has no trustworthy answer; settlement is at work.
  unresolved,     ///< Settlement gave up; only an operator's word unblocks.
  unclean_start,  ///< The machine restarted uncleanly: the fuse must burn and history be read first.
  by_operator,
};

/// What became of a read.
enum class ReadResult : std::uint8_t {
  taken,
  stale,         ///< Older on the venue's clock than what is known; the newer knowledge stays.
  doubted,       ///< It contradicts what was just proven; neither is believed for now.
  inconsistent,  ///< One-way mode with both sides held, or a read without a venue time: not believed.
};

class PositionBook {
 public:
  static constexpr std::uint32_t kNobody = UINT32_MAX;

  /// `positions`: how many PositionIndex values there are, from 0. All start unread, free and unblocked.
  /// `clock_skew_ms`: how far the clocks of position reads and of orders may be apart.
  explicit PositionBook(std::size_t positions, std::uint32_t clock_skew_ms = 0);

  /// In hedge mode both sides are one position; in one-way mode at most one side can be held.
  void set_mode(PositionIndex position, domain::PositionMode mode) noexcept;

  /// A read of the position, `read_at` on our monotonic clock when its reply was complete. Judged by the
  /// venue's time in it, never by ours: replies overtake one another.
  ReadResult on_read(PositionIndex position, const domain::PositionSnapshot& snapshot, Ns read_at) noexcept;

  /// The read by which a reversal was settled. It shows the effect, so its time need not be later than that:
  /// the clock of position reads may be behind. Any other read must be later by more than the clocks may
  /// differ, or it may be from before. One that is later, but before `proven_until_ms`, and shows another
  /// holding may still be older than the reversal, or the position may have changed again: until a read
  /// agrees, or the time is over, `check` answers `position_busy`.
  ReadResult on_settling_read(PositionIndex position, const domain::PositionSnapshot& snapshot, Ns read_at,
                              VenueMs proven_until_ms = 0) noexcept;

  /// Our monotonic clock has missed `lost`: all reads are older by that.
  void on_time_lost(Ns lost) noexcept {
    for (Entry& e : entries_) e.read_at -= lost;
  }

  /// From now on a read that is not later than `venue_ms` by more than clocks differ says nothing about the
  /// present. Called with the
  /// ack's time and with the last leg's update. Until a later read comes, `check` answers `position_busy`.
  void needs_read_since(PositionIndex position, VenueMs venue_ms) noexcept;

  /// What the venue said of it at `venue_ms` cannot be read: nothing is known of it until a later read comes.
  void forget(PositionIndex position, VenueMs venue_ms) noexcept;

  /// May a reversal of `side` be taken now? `none`, or the first of: position_blocked, position_busy
  /// (occupied, or its last reversal's effect not yet read), position_stale (never read, or read longer than
  /// `max_age` ago; 0: any age will do), nothing_held, wrong_side, size_differs (held is not `expected`).
  [[nodiscard]] wire::DenyReason check(PositionIndex position, domain::PositionSide side,
                                       const std::optional<Decimal>& expected, Ns max_age,
                                       Ns now) const noexcept;
  /// The same without blocked and busy: for the look right before the write, when the asker is the occupant.
  [[nodiscard]] wire::DenyReason check_held(PositionIndex position, domain::PositionSide side,
                                            const std::optional<Decimal>& expected, Ns max_age,
                                            Ns now) const noexcept;

  /// What `check` and `occupy` use.
  void add_to(NearMemory& near) const { near.add(entries_); }
  /// It is about to be checked, and occupied: a hint to the cache.
  void expect(PositionIndex position) const noexcept { prefetch_to_write(entries_[position.value]); }

  /// The reversal `occupant` (any number of the engine's but kNobody) has the position from taken until its
  /// execution is seen. The position must be free.
  void occupy(PositionIndex position, std::uint32_t occupant) noexcept;
  /// Gives it back; `occupant` must be the one that has it.
  void release(PositionIndex position, std::uint32_t occupant) noexcept;
  [[nodiscard]] std::uint32_t occupant(PositionIndex position) const noexcept;

  /// Returns whether it was not blocked before (so that a notice is due). A stronger reason stays:
  /// `unresolved` and `by_operator` are not weakened by `unknown` or `unclean_start`.
  bool block(PositionIndex position, BlockReason reason) noexcept;
  /// Returns whether it was blocked.
  bool unblock(PositionIndex position) noexcept;
  [[nodiscard]] BlockReason blocked(PositionIndex position) const noexcept;
  [[nodiscard]] std::size_t blocked_count() const noexcept { return blocked_; }

  /// The newest believed read; read_venue_ms is 0 where there is none.
  [[nodiscard]] const domain::PositionSnapshot& snapshot(PositionIndex position) const noexcept;
  /// When that read's reply was complete on our clock; meaningless where there is none.
  [[nodiscard]] Ns read_at(PositionIndex position) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] domain::PositionMode mode(PositionIndex position) const noexcept;

 private:
  struct Entry {
    domain::PositionSnapshot snapshot;
    Ns read_at = 0;
    VenueMs needed_venue_ms = 0;  ///< A read must be later than this to say what is held now.
    VenueMs proven_until_ms = 0;  ///< A read before this that shows another holding is doubted.
    bool doubted = false;         ///< The last read contradicted the snapshot, which was proven.
    bool settled_by = false;      ///< The snapshot is a settling read: it shows what was waited for.
    std::uint32_t occupant = kNobody;
    domain::PositionMode mode = domain::PositionMode::one_way;
    BlockReason blocked = BlockReason::none;
  };
  [[nodiscard]] ReadResult take(Entry& e, const domain::PositionSnapshot& snapshot, bool settles,
                                Ns read_at) const noexcept;
  [[nodiscard]] bool is_later(const Entry& e, VenueMs read_venue_ms) const noexcept;
  [[nodiscard]] bool is_current(const Entry& e) const noexcept;
  [[nodiscard]] Entry& entry(PositionIndex position) noexcept;
  [[nodiscard]] const Entry& entry(PositionIndex position) const noexcept;

  std::vector<Entry> entries_;
  VenueMs clock_skew_ms_;
  std::size_t blocked_ = 0;
};

}  // namespace backhand::order
