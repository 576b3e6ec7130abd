// The book of one rate rule: how many of its requests the venue may still be counting, and so when the next
// write may go. PROOF.md shows why no window can hold more than the rule allows. Pure; owned by the I/O
// thread.
#pragma once

#include <cstdint>
#include <memory>

#include "common/prefetch.hpp"
#include "common/time.hpp"

namespace backhand::pacing {

/// At most `requests` arrivals in any `window_ns`, as the venue states it.
struct Rule {
  std::uint32_t requests = 10;
  Ns window_ns = kSecond;
  friend bool operator==(const Rule&, const Rule&) noexcept = default;
};

/// What is added to a rule because neither arrival times nor the venue's clock are known exactly (PROOF.md).
struct Margins {
  Ns window_margin_ns = 5 * kMillisecond;  ///< The venue's rounding: millisecond counters, slewed clocks.
  Ns no_reply_hold_ns = 2 * kSecond;       ///< How long after its abort an unanswered request may arrive.
  std::uint32_t clock_drift_ppm = 500;     ///< How far the two clocks' rates may lie apart.
};

enum class Shape : std::uint8_t {
  burst,  ///< Up to the whole allowance at once.
  even,   ///< Next write ≥ latest possible arrival of the last + window / requests: meets strict spacing too.
};

/// Memory is fixed at construction (three times `rule.requests` times 8 bytes); every call is O(1), or
/// O(log requests) where a limit was lowered. Times handed in should not go back; where one does, it is taken
/// as the latest seen, which only errs to the safe side.
class RateBook {
 public:
  RateBook(Rule rule, Margins margins, Shape shape = Shape::burst);

  /// When the next write may go: `now` if at once, kNever if only a reply (or an abort) can tell.
  [[nodiscard]] Ns earliest(Ns now) const noexcept {
    if (plain_ && in_book() < limit_) [[likely]] {
      return now;
    }
    return earliest_slow(now);
  }
  [[nodiscard]] bool permits(Ns now) const noexcept { return earliest(now) <= now; }

  /// Since when a write has been permitted, for a `now` at which it is; a time before all others where that
  /// was always so. Not before the end of a slow-down or of a lowered allowance; where a reply was lost, it
  /// may be too early.
  [[nodiscard]] Ns permitted_since(Ns now) const noexcept;

  /// At, or just before, a write; asserts that it is permitted. Every write counts, refused ones too, and
  /// each is closed by exactly one of the three calls that follow.
  void take(Ns now) noexcept;
  /// A reply was read: the request arrived no later than `replied_ns`.
  void on_reply(Ns replied_ns) noexcept;
  /// No reply: its connection was aborted at `aborted_ns`; it arrived by aborted + no_reply_hold, or never.
  void on_no_reply(Ns aborted_ns) noexcept;
  /// The kernel took no byte: it can never arrive, and its slot is free again.
  void on_not_written() noexcept;

  /// Estimated time of the (rank + 1)-th next write when each goes as soon as it may and each reply takes
  /// `round_trip_ns`; exact where that is so. kNever where no write will ever be possible.
  [[nodiscard]] Ns predict(std::uint32_t rank, Ns now, Ns round_trip_ns) const noexcept;

  void set_shape(Shape shape) noexcept;
  /// 1 … rule.requests of the construction, from now on.
  void set_limit(std::uint32_t requests) noexcept;
  /// Behaves as `even` until `until_ns`, whatever the shape.
  void slow_down_until(Ns until_ns) noexcept;
  /// The venue said, in a reply read at `now`, that `remaining` calls are left. Where that is below what our
  /// own count leaves, somebody else uses the allowance: it is lowered by the difference for one window.
  /// Never raises. True where it lowered.
  bool heed_remaining(std::uint32_t remaining, Ns now) noexcept;
  /// A write of an earlier life of this process: it counts as unanswered and aborted at `now`, or as one that
  /// had arrived by `now`. Ignored where the book is full already.
  void recall_unanswered(Ns now) noexcept;
  void recall_arrived(Ns now) noexcept;

  /// A write is about to be taken: a hint to the cache.
  void expect() const noexcept {
    prefetch_to_write(*this);
    prefetch_line(&storage_[replied_.head]);
    prefetch_line_to_write(&storage_[std::size_t{2} * capacity_ + writes_]);
  }

  /// Writes that the venue may be counting at `now`.
  [[nodiscard]] std::uint32_t in_use(Ns now) const noexcept;
  [[nodiscard]] std::uint32_t outstanding() const noexcept { return outstanding_; }
  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  [[nodiscard]] Shape shape_at(Ns now) const noexcept { return now < slow_until_ ? Shape::even : shape_; }
  /// Window plus every margin: how long a slot stays busy after the latest possible arrival.
  [[nodiscard]] Ns span_ns() const noexcept { return span_; }

 private:
  /// Times at which slots become free, ascending; a ring over its third of `storage_`.
  struct Ring {
    std::uint32_t head = 0;
    std::uint32_t size = 0;
  };

  [[nodiscard]] std::uint32_t in_book() const noexcept { return outstanding_ + replied_.size + silent_.size; }
  [[nodiscard]] std::uint32_t limit_at(Ns now) const noexcept;
  [[nodiscard]] Ns spacing(std::uint32_t limit) const noexcept;
  [[nodiscard]] Ns earliest_slow(Ns now) const noexcept;
  [[nodiscard]] Ns earliest_from(Ns from) const noexcept;
  [[nodiscard]] Ns release(std::uint32_t k) const noexcept;
  [[nodiscard]] Ns forgotten(std::uint32_t back) const noexcept;
  [[nodiscard]] Ns expected_release(std::uint32_t i, Ns now, Ns round_trip_ns) const noexcept;
  [[nodiscard]] Ns predict_slot(std::uint32_t limit, std::uint32_t rank, Ns now,
                                Ns round_trip_ns) const noexcept;
  [[nodiscard]] Ns predict_with(std::uint32_t limit, std::uint32_t rank, Ns now,
                                Ns round_trip_ns) const noexcept;
  [[nodiscard]] Ns at(std::uint32_t lane, const Ring& ring, std::uint32_t i) const noexcept;
  void push(std::uint32_t lane, Ring& ring, Ns value) noexcept;
  void pop(Ring& ring) noexcept;
  [[nodiscard]] std::uint32_t released(std::uint32_t lane, const Ring& ring, Ns now) const noexcept;
  void refresh_plain() noexcept;

  std::unique_ptr<Ns[]> storage_;  ///< Three lanes of capacity_: replied, silent, write times.
  std::uint32_t capacity_;
  std::uint32_t limit_;
  std::uint32_t outstanding_ = 0;
  Shape shape_;
  bool plain_ = true;  ///< Burst, no slow-down, nothing lowered: the short way of `earliest` is exact.
  Ring replied_;       ///< Replies are read in the order of time, so their releases ascend by themselves.
  Ring silent_;        ///< Unanswered ones, whose releases lie no_reply_hold later.
  std::uint32_t writes_ = 0;  ///< Where the next write time goes in the third lane.
  std::uint32_t lowered_by_ = 0;
  Ns span_;
  Ns hold_;
  Ns last_arrival_ = INT64_MIN / 2;  ///< Latest possible arrival of everything closed so far.
  Ns slow_until_ = INT64_MIN;
  Ns lowered_until_ = INT64_MIN;
};

}  // namespace backhand::pacing
