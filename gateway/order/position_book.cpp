#include "gateway/order/position_book.hpp"

#include <algorithm>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::order {

using wire::DenyReason;

PositionBook::PositionBook(std::size_t positions, std::uint32_t clock_skew_ms)
    : entries_(positions), clock_skew_ms_(clock_skew_ms) {}

PositionBook::Entry& PositionBook::entry(PositionIndex position) noexcept {
  BH_ASSERT(position.value < entries_.size());
  return entries_[position.value];
}

const PositionBook::Entry& PositionBook::entry(PositionIndex position) const noexcept {
  BH_ASSERT(position.value < entries_.size());
  return entries_[position.value];
}

void PositionBook::set_mode(PositionIndex position, domain::PositionMode mode) noexcept {
  entry(position).mode = mode;
}

ReadResult PositionBook::on_read(PositionIndex position, const domain::PositionSnapshot& snapshot,
                                 Ns read_at) noexcept {
  return take(entry(position), snapshot, /*settles=*/false, read_at);
}

ReadResult PositionBook::on_settling_read(PositionIndex position, const domain::PositionSnapshot& snapshot,
                                          Ns read_at, VenueMs proven_until_ms) noexcept {
  Entry& e = entry(position);
  const ReadResult result = take(e, snapshot, /*settles=*/true, read_at);
  if (result == ReadResult::taken) e.proven_until_ms = proven_until_ms;
  return result;
}

ReadResult PositionBook::take(Entry& e, const domain::PositionSnapshot& snapshot, bool settles,
                              Ns read_at) const noexcept {
  if (snapshot.read_venue_ms <= 0) return ReadResult::inconsistent;
  if (e.mode == domain::PositionMode::one_way && !snapshot.long_size.is_zero() &&
      !snapshot.short_size.is_zero())
    return ReadResult::inconsistent;
  const bool may_be_later = is_later(e, snapshot.read_venue_ms) ||
                            (settles && snapshot.read_venue_ms + clock_skew_ms_ >= e.needed_venue_ms);
  // What is not known to be current gives way to the read that settled, whatever time it names.
  const bool is_older = snapshot.read_venue_ms < e.snapshot.read_venue_ms && (!settles || is_current(e));
  if (!may_be_later || is_older) return ReadResult::stale;
  const bool agrees =
      snapshot.long_size == e.snapshot.long_size && snapshot.short_size == e.snapshot.short_size;
  if (!settles && !agrees && snapshot.read_venue_ms < e.proven_until_ms) {
    e.doubted = true;
    return ReadResult::doubted;
  }
  e.doubted = false;
  e.snapshot = snapshot;
  e.read_at = read_at;
  e.settled_by = settles;
  return ReadResult::taken;
}

void PositionBook::needs_read_since(PositionIndex position, VenueMs venue_ms) noexcept {
  Entry& e = entry(position);
  if (venue_ms < e.needed_venue_ms) return;
  e.needed_venue_ms = venue_ms;
  e.proven_until_ms = 0;
  e.doubted = false;
  e.settled_by = false;
}

void PositionBook::forget(PositionIndex position, VenueMs venue_ms) noexcept {
  Entry& e = entry(position);
  if (venue_ms < e.snapshot.read_venue_ms || venue_ms < e.needed_venue_ms) return;
  e.snapshot = {};
  e.proven_until_ms = 0;
  e.doubted = false;
  e.settled_by = false;
  e.needed_venue_ms = venue_ms;
}

bool PositionBook::is_later(const Entry& e, VenueMs read_venue_ms) const noexcept {
  return e.needed_venue_ms == 0 || read_venue_ms > e.needed_venue_ms + clock_skew_ms_;
}

bool PositionBook::is_current(const Entry& e) const noexcept {
  return !e.doubted && (e.settled_by || is_later(e, e.snapshot.read_venue_ms));
}

DenyReason PositionBook::check(PositionIndex position, domain::PositionSide side,
                               const std::optional<Decimal>& expected, Ns max_age, Ns now) const noexcept {
  const Entry& e = entry(position);
  if (e.blocked != BlockReason::none) return DenyReason::position_blocked;
  if (e.occupant != kNobody) return DenyReason::position_busy;
  return check_held(position, side, expected, max_age, now);
}

DenyReason PositionBook::check_held(PositionIndex position, domain::PositionSide side,
                                    const std::optional<Decimal>& expected, Ns max_age,
                                    Ns now) const noexcept {
  const Entry& e = entry(position);
  if (e.snapshot.read_venue_ms == 0) return DenyReason::position_stale;
  if (!is_current(e)) return DenyReason::position_busy;
  if (max_age > 0 && now - e.read_at > max_age) return DenyReason::position_stale;
  const Decimal held = e.snapshot.held(side);
  if (held.is_zero())
    return e.snapshot.held(domain::opposite(side)).is_zero() ? DenyReason::nothing_held
                                                             : DenyReason::wrong_side;
  if (expected && *expected != held) return DenyReason::size_differs;
  return DenyReason::none;
}

BH_ON_PATH void PositionBook::occupy(PositionIndex position, std::uint32_t occupant) noexcept {
  Entry& e = entry(position);
  BH_ASSERT(occupant != kNobody);
  BH_ASSERT(e.occupant == kNobody);
  e.occupant = occupant;
}

void PositionBook::release(PositionIndex position, std::uint32_t occupant) noexcept {
  Entry& e = entry(position);
  BH_ASSERT(occupant != kNobody && e.occupant == occupant);
  e.occupant = kNobody;
}

std::uint32_t PositionBook::occupant(PositionIndex position) const noexcept {
  return entry(position).occupant;
}

bool PositionBook::block(PositionIndex position, BlockReason reason) noexcept {
  Entry& e = entry(position);
  BH_ASSERT(reason != BlockReason::none);
  const bool was_free = e.blocked == BlockReason::none;
  if (was_free) ++blocked_;
  const bool strong = e.blocked == BlockReason::unresolved || e.blocked == BlockReason::by_operator;
  const bool weak = reason == BlockReason::unknown || reason == BlockReason::unclean_start;
  if (!(strong && weak)) e.blocked = reason;
  return was_free;
}

bool PositionBook::unblock(PositionIndex position) noexcept {
  Entry& e = entry(position);
  if (e.blocked == BlockReason::none) return false;
  e.blocked = BlockReason::none;
  --blocked_;
  return true;
}

BlockReason PositionBook::blocked(PositionIndex position) const noexcept { return entry(position).blocked; }

const domain::PositionSnapshot& PositionBook::snapshot(PositionIndex position) const noexcept {
  return entry(position).snapshot;
}

domain::PositionMode PositionBook::mode(PositionIndex position) const noexcept {
  return entry(position).mode;
}

Ns PositionBook::read_at(PositionIndex position) const noexcept { return entry(position).read_at; }

}  // namespace backhand::order
