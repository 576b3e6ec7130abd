#include "gateway/pacing/rate_book.hpp"

#include <algorithm>
#include <array>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::pacing {
namespace {

constexpr std::uint32_t kReplied = 0;  ///< The lanes of RateBook::storage_.
constexpr std::uint32_t kSilent = 1;
constexpr std::uint32_t kWrites = 2;

/// Before every time that can come.
constexpr Ns kLongAgo = INT64_MIN / 2;

constexpr Ns later(Ns a, Ns b) noexcept { return a > b ? a : b; }

/// Books up to this size are predicted exactly around unanswered requests; larger ones err to the late side.
constexpr std::uint32_t kMixedSlots = 64;

/// a + b for b ≥ 0, and kNever where either is or the sum would be.
constexpr Ns plus(Ns a, Ns b) noexcept { return a > kNever - b ? kNever : a + b; }

/// The k-th smallest (from 0) of two ascending sequences that are read by index; k < size_a + size_b.
template <typename A, typename B>
Ns kth_of_two(std::uint32_t k, std::uint32_t size_a, A a, std::uint32_t size_b, B b) noexcept {
  // `low` becomes how many of the k smallest come from a.
  std::uint32_t low = k > size_b ? k - size_b : 0;
  std::uint32_t high = std::min(k, size_a);
  while (low < high) {
    const std::uint32_t from_a = low + (high - low) / 2;
    if (a(from_a) < b(k - from_a - 1)) {
      low = from_a + 1;
    } else {
      high = from_a;
    }
  }
  const std::uint32_t from_b = k - low;
  if (low == size_a) return b(from_b);
  if (from_b == size_b) return a(low);
  return std::min(a(low), b(from_b));
}

}  // namespace

RateBook::RateBook(Rule rule, Margins margins, Shape shape)
    : storage_(std::make_unique<Ns[]>(std::size_t{3} * rule.requests)),
      capacity_(rule.requests),
      limit_(rule.requests),
      shape_(shape),
      hold_(margins.no_reply_hold_ns) {
  BH_ASSERT(rule.requests > 0 && rule.window_ns > 0);
  const Ns drift = (rule.window_ns / 1'000'000 + 1) * margins.clock_drift_ppm;
  span_ = rule.window_ns + margins.window_margin_ns + drift;
  refresh_plain();
}

void RateBook::refresh_plain() noexcept {
  plain_ = shape_ == Shape::burst && slow_until_ == INT64_MIN && lowered_by_ == 0;
}

Ns RateBook::at(std::uint32_t lane, const Ring& ring, std::uint32_t i) const noexcept {
  const std::uint32_t place = ring.head + i;
  return storage_[lane * capacity_ + (place >= capacity_ ? place - capacity_ : place)];
}

void RateBook::push(std::uint32_t lane, Ring& ring, Ns value) noexcept {
  BH_ASSERT(ring.size < capacity_);
  if (ring.size > 0) value = later(value, at(lane, ring, ring.size - 1));
  const std::uint32_t place = ring.head + ring.size;
  storage_[lane * capacity_ + (place >= capacity_ ? place - capacity_ : place)] = value;
  ++ring.size;
}

void RateBook::pop(Ring& ring) noexcept {
  ring.head = ring.head + 1 == capacity_ ? 0 : ring.head + 1;
  --ring.size;
}

/// When the k-th (from 1) of the slots in the book becomes free, of those whose time is known.
Ns RateBook::release(std::uint32_t k) const noexcept {
  const auto replied = [this](std::uint32_t i) { return at(kReplied, replied_, i); };
  const auto silent = [this](std::uint32_t i) { return at(kSilent, silent_, i); };
  if (k > replied_.size + silent_.size) return kNever;
  if (silent_.size == 0) [[likely]] {
    return replied(k - 1);
  }
  return kth_of_two(k - 1, replied_.size, replied, silent_.size, silent);
}

std::uint32_t RateBook::limit_at(Ns now) const noexcept {
  return now < lowered_until_ ? limit_ - std::min(lowered_by_, limit_) : limit_;
}

/// Between two writes of the even shape, so that `limit` of them fill the span. Rounded up.
Ns RateBook::spacing(std::uint32_t limit) const noexcept { return (span_ + limit - 1) / limit; }

/// The earliest time from `from` on, if limit and shape stayed as they are at `from`.
Ns RateBook::earliest_from(Ns from) const noexcept {
  const std::uint32_t limit = limit_at(from);
  if (limit == 0) return kNever;
  Ns at_best = from;
  if (in_book() >= limit) at_best = later(from, release(in_book() - limit + 1));
  if (shape_at(from) == Shape::burst) return at_best;
  if (outstanding_ > 0) return kNever;
  return later(at_best, last_arrival_ + spacing(limit));
}

Ns RateBook::earliest_slow(Ns now) const noexcept {
  Ns best = earliest_from(now);
  // A slow-down or a lowered limit that ends may permit a write earlier than it would while it lasts.
  for (const Ns change : {slow_until_, lowered_until_}) {
    if (change > now && change < best) best = std::min(best, earliest_from(change));
  }
  return best;
}

/// When the `back`-th last of the slots that `take` has forgotten became free (those of replies; a ring keeps
/// what it pops until it is written over). Long ago where there is none.
Ns RateBook::forgotten(std::uint32_t back) const noexcept {
  if (back > capacity_ - replied_.size) return kLongAgo;
  const std::uint32_t place = replied_.head >= back ? replied_.head - back : replied_.head + capacity_ - back;
  return storage_[kReplied * capacity_ + place];
}

Ns RateBook::permitted_since(Ns now) const noexcept {
  Ns from = kLongAgo;
  for (const Ns change : {slow_until_, lowered_until_}) {
    if (change <= now) from = later(from, change);
  }
  const std::uint32_t limit = limit_at(from);
  if (limit == 0) return kNever;
  const std::uint32_t used = in_book();
  const Ns slot = later(from, used >= limit ? release(used - limit + 1) : forgotten(limit - used));
  return shape_at(from) == Shape::burst ? slot : later(slot, last_arrival_ + spacing(limit));
}

BH_ON_PATH void RateBook::take(Ns now) noexcept {
  BH_ASSERT(permits(now));
  // Forget slots that are free again: at least as many as one write needs, at most two, so that old ones go.
  for (int i = 0; i < 2; ++i) {
    if (replied_.size > 0 && at(kReplied, replied_, 0) <= now) pop(replied_);
    if (silent_.size > 0 && at(kSilent, silent_, 0) <= now) pop(silent_);
  }
  BH_ASSERT(in_book() < capacity_);
  storage_[kWrites * capacity_ + writes_] = now;
  writes_ = writes_ + 1 == capacity_ ? 0 : writes_ + 1;
  ++outstanding_;
  if (!plain_ && now >= slow_until_ && now >= lowered_until_) {
    slow_until_ = INT64_MIN;
    lowered_by_ = 0;
    refresh_plain();
  }
}

void RateBook::on_reply(Ns replied_ns) noexcept {
  BH_ASSERT(outstanding_ > 0);
  --outstanding_;
  last_arrival_ = later(last_arrival_, replied_ns);
  push(kReplied, replied_, plus(replied_ns, span_));
}

void RateBook::on_no_reply(Ns aborted_ns) noexcept {
  BH_ASSERT(outstanding_ > 0);
  --outstanding_;
  const Ns latest = plus(aborted_ns, hold_);
  last_arrival_ = later(last_arrival_, latest);
  push(kSilent, silent_, plus(latest, span_));
}

void RateBook::on_not_written() noexcept {
  BH_ASSERT(outstanding_ > 0);
  --outstanding_;
}

void RateBook::recall_unanswered(Ns now) noexcept {
  if (in_book() >= capacity_) return;
  ++outstanding_;
  on_no_reply(now);
}

void RateBook::recall_arrived(Ns now) noexcept {
  if (in_book() >= capacity_) return;
  ++outstanding_;
  on_reply(now);
}

void RateBook::set_shape(Shape shape) noexcept {
  shape_ = shape;
  refresh_plain();
}

void RateBook::set_limit(std::uint32_t requests) noexcept {
  BH_ASSERT(requests > 0 && requests <= capacity_);
  limit_ = requests;
}

void RateBook::slow_down_until(Ns until_ns) noexcept {
  slow_until_ = later(slow_until_, until_ns);
  refresh_plain();
}

bool RateBook::heed_remaining(std::uint32_t remaining, Ns now) noexcept {
  const std::uint32_t used = in_use(now);
  if (used + remaining >= limit_) return false;
  const std::uint32_t by_others = limit_ - used - remaining;
  // A smaller figure does not take back a larger one that still holds.
  if (now < lowered_until_ && by_others < lowered_by_) return false;
  lowered_by_ = by_others;
  lowered_until_ = now + span_;
  refresh_plain();
  return true;
}

std::uint32_t RateBook::released(std::uint32_t lane, const Ring& ring, Ns now) const noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = ring.size;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (at(lane, ring, middle) <= now) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::uint32_t RateBook::in_use(Ns now) const noexcept {
  return in_book() - released(kReplied, replied_, now) - released(kSilent, silent_, now);
}

/// When the i-th (from 0) of the slots in the book is expected to become free, unanswered ones apart.
/// Outstanding ones are taken as answered in the order of writing.
Ns RateBook::expected_release(std::uint32_t i, Ns now, Ns round_trip_ns) const noexcept {
  if (i < replied_.size) return at(kReplied, replied_, i);
  const std::uint32_t back = outstanding_ - (i - replied_.size);
  const std::uint32_t place = writes_ >= back ? writes_ - back : writes_ + capacity_ - back;
  return later(storage_[kWrites * capacity_ + place] + round_trip_ns, now) + span_;
}

/// The burst shape's (rank + 1)-th next write: each slot is used when it becomes free, and again a round trip
/// and a span later.
Ns RateBook::predict_slot(std::uint32_t limit, std::uint32_t rank, Ns now, Ns round_trip_ns) const noexcept {
  const Ns period = round_trip_ns + span_;
  const std::uint32_t total = in_book();
  const auto expected = [this, now, round_trip_ns](std::uint32_t i) {
    return expected_release(i, now, round_trip_ns);
  };
  const auto silent = [this](std::uint32_t i) { return at(kSilent, silent_, i); };
  // The i-th slot of those that count: free ones first; where a limit was lowered, the earliest are not
  // reused.
  const auto slot = [&](std::uint32_t i) {
    if (total + i < limit) return now;
    const std::uint32_t k = total + i - limit;
    return later(now, silent_.size == 0
                          ? expected(k)
                          : kth_of_two(k, total - silent_.size, expected, silent_.size, silent));
  };
  // Without unanswered ones all slots lie within one period, so they take turns.
  if (silent_.size == 0 || limit > kMixedSlots) return plus(slot(rank % limit), rank / limit * period);

  std::array<Ns, kMixedSlots> slots{};
  for (std::uint32_t i = 0; i < limit; ++i) slots[i] = slot(i);
  const auto writes_until = [&](Ns time) {
    std::uint64_t writes = 0;
    for (std::uint32_t i = 0; i < limit && slots[i] <= time; ++i) {
      writes += static_cast<std::uint64_t>((time - slots[i]) / period) + 1;
    }
    return writes;
  };
  Ns low = slots[0];
  Ns high = slots[limit - 1] + rank / limit * period;
  while (low < high) {
    const Ns middle = low + (high - low) / 2;
    if (writes_until(middle) > rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// As `predict`, if limit and shape stayed as they are at `now`.
Ns RateBook::predict_with(std::uint32_t limit, std::uint32_t rank, Ns now, Ns round_trip_ns) const noexcept {
  if (limit == 0) return kNever;
  const Ns at_slot = predict_slot(limit, rank, now, round_trip_ns);
  if (shape_at(now) == Shape::burst) return at_slot;
  Ns last = last_arrival_;
  if (outstanding_ > 0) {
    const std::uint32_t place = writes_ > 0 ? writes_ - 1 : capacity_ - 1;
    last = later(last, later(now, storage_[kWrites * capacity_ + place] + round_trip_ns));
  }
  const Ns step = spacing(limit);
  return later(at_slot, plus(later(now, last + step), rank * (step + round_trip_ns)));
}

Ns RateBook::predict(std::uint32_t rank, Ns now, Ns round_trip_ns) const noexcept {
  const Ns result = predict_with(limit_at(now), rank, now, round_trip_ns);
  if (now >= lowered_until_) [[likely]] {
    return result;
  }
  return std::min(result, later(lowered_until_, predict_with(limit_, rank, now, round_trip_ns)));
}

}  // namespace backhand::pacing
