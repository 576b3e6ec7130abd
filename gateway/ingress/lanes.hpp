// The gateway's ends of all lanes. Owned by the I/O thread from the moment it runs; before that, by the
// starting thread. Lives as long as the gateway. Whatever strategies wrote is checked here or is a copy that
// the engine checks; a lane that holds nonsense is cut off, and no other notices.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/ids.hpp"
#include "common/wire/lane.hpp"
#include "gateway/ingress/in_process_queue.hpp"
#include "gateway/ingress/lane_port.hpp"

namespace backhand::ingress {

struct LaneSettings {
  std::uint32_t max_lanes = 256;  ///< 1 … 4096; of all strategies together.
  wire::LaneGeometry geometry{.intent_capacity = 1024, .outcome_capacity = 1024};
  /// By StrategyIndex: how many lane names a strategy may have beside the operator's
  /// (domain/operator_lane.hpp), those of earlier runs included.
  std::vector<std::uint32_t> max_lanes_of;
  /// So many of `max_lanes` are kept for each strategy, whatever the others take: 0 … 2. With 2, its operator
  /// lane is one of them.
  std::uint32_t kept_for_each = 0;
  std::uint32_t max_in_process = 16;  ///< Sessions in the gateway's own process.
};

/// What the journal knows of a lane.
struct RestoredLane {
  StrategyIndex strategy;
  wire::LaneName name;
  LaneIndex lane;
  std::uint64_t taken_mark = 0;   ///< Highest intent id ever taken.
  std::uint64_t last_record = 0;  ///< Highest record number.
  std::uint64_t noted = 0;        ///< Highest record number that its strategy has noted.
  std::uint32_t open = 0;         ///< Intents that still have to get their terminal event.
};

/// A lane came or went.
struct LaneChange {
  enum class Kind : std::uint8_t {
    attached,  ///< Outcomes above `cursor` have to be told again, see LaneSet::offer.
    detached,  ///< Its strategy is gone, or wrote nonsense: deny what waits (`strategy_gone`).
  };
  Kind kind = Kind::attached;
  LaneIndex lane;
  StrategyIndex strategy;
  std::uint64_t cursor = 0;  ///< attached: a record number, never wire::kCursorOwed.
  std::uint64_t noted = 0;   ///< detached: the highest record number that its strategy has noted.
};

enum class [[nodiscard]] PublishResult : std::uint8_t {
  ok,
  detached,  ///< Nobody is there; a journaled event is replayed at the next attach.
  no_room,   ///< Only where an intent got more events than kEventsPerIntent, or more were restored than fit.
  broken,    ///< The strategy wrote nonsense; the lane is being cut off.
};

/// Counters of one lane since the start of the process.
struct LaneCounters {
  std::uint64_t taken = 0;      ///< Intents.
  std::uint64_t published = 0;  ///< Events.
  std::uint64_t dropped = 0;    ///< Notices and corrections that found no room.
  std::uint64_t lost = 0;       ///< Events of intents that found no room: 0 unless there is a bug.
  std::uint64_t held_back = 0;  ///< Turns in which an intent waited because its events had no room.
};

class LaneSet {
 public:
  [[nodiscard]] static std::expected<std::unique_ptr<LaneSet>, Error> create(const LaneSettings& settings);
  ~LaneSet();
  LaneSet(const LaneSet&) = delete;
  LaneSet& operator=(const LaneSet&) = delete;

  // Before the I/O thread runs.

  /// Gives a lane of an earlier run its number and marks back.
  [[nodiscard]] std::expected<void, Error> restore(const RestoredLane& lane);
  /// Opens a lane for a thread of this process; it is attached from the first do_work on. The session lives
  /// as long as this set.
  [[nodiscard]] std::expected<InProcessSession*, Error> open_in_process(
      StrategyIndex strategy, std::string_view lane, std::uint64_t cursor = wire::kCursorNow);

  // I/O thread.

  /// Carries out attach and close commands and tells each change to `sink(const LaneChange&)`. One load where
  /// there is nothing to do. Returns the number of changes.
  template <typename Sink>
  std::size_t do_work(Sink&& sink) {
    if (changes_.empty() && !port_->command_waits()) [[likely]]
      return 0;
    carry_out_commands();
    // A sink may publish, and so find another lane broken: that change is told in the next turn.
    const std::size_t count = changes_.size();
    for (std::size_t i = 0; i < count; ++i) {
      const LaneChange change = changes_[i];
      sink(change);
    }
    changes_.erase(changes_.begin(), changes_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
  }

  /// Takes at most `budget` intents and calls `sink(LaneIndex, const wire::Intent&)` (noexcept) with a copy
  /// of each. An intent is taken only while its events are sure to find room; it counts as open from then
  /// until its terminal event is published or `close_intent` is called. Inside the sink, `taken_mark` is
  /// still the mark before this intent. Returns how many were taken. No system call.
  template <typename Sink>
  std::size_t drain(std::size_t budget, Sink&& sink) noexcept;
  /// The same for the lanes that last brought something only: one load each, for a second look in a turn.
  template <typename Sink>
  std::size_t drain_recent(std::size_t budget, Sink&& sink) noexcept {
    std::size_t left = budget;
    drain_favourites(left, sink);
    return budget - left;
  }

  /// Puts an event of an intent into its lane, into the room kept for it; closes the intent where the event
  /// is terminal. Sets `event_number`; `published_ns` and `record_number` are the caller's. A notice is given
  /// to `offer`. One system call, and only where the strategy sleeps.
  PublishResult publish(LaneIndex lane, wire::Outcome& outcome) noexcept;

  /// Puts an event into its lane only where room is left beyond what is kept for open intents: notices,
  /// corrections of a predicted slot, replays. Where there is none, the answer is `no_room`, and the caller
  /// drops it (`count_dropped`) or, for a replay, tries again later. Journaled events must reach a lane in
  /// the order of their record numbers: while a lane's replay is under way, new ones join its end.
  PublishResult offer(LaneIndex lane, wire::Outcome& outcome) noexcept;
  void count_dropped(LaneIndex lane) noexcept;

  /// From now on a lane that has no name yet gets none, as none could be recorded.
  void refuse_new_names() noexcept { refuses_new_names_ = true; }

  /// The lane cannot be served: as where its strategy wrote nonsense, its socket is closed.
  void cut_off(LaneIndex lane) noexcept { break_lane(lane.value); }

  /// An open intent ended without a terminal event of its own (a withdraw or disarm that worked).
  void close_intent(LaneIndex lane) noexcept;

  /// Tells all strategies to ring from now on. False where something waits already: go on with the loop, do
  /// not sleep. After a sleep, and after a `false`, call `cancel_sleep`.
  [[nodiscard]] bool prepare_sleep() noexcept;
  /// Notes who rang, so that the next `drain` looks there first. One system call.
  void cancel_sleep() noexcept;
  /// Readable when somebody rang: what to sleep on. It is an epoll descriptor over the lanes' eventfds and
  /// the command eventfd; `cancel_sleep` makes it unreadable again.
  [[nodiscard]] int wake_fd() const noexcept { return wake_.get(); }

  /// For the service thread's AttachServer.
  [[nodiscard]] LanePort& port() noexcept { return *port_; }

  // What is known of a lane; `lane` is a number that was told here. Lanes are numbered from 0 without gaps,
  // but a restored number may leave some unused until they are given away.
  [[nodiscard]] std::size_t size() const noexcept { return lanes_.size(); }
  [[nodiscard]] bool known(LaneIndex lane) const noexcept;
  [[nodiscard]] bool attached(LaneIndex lane) const noexcept { return at(lane).state == State::attached; }
  [[nodiscard]] StrategyIndex strategy(LaneIndex lane) const noexcept { return at(lane).strategy; }
  [[nodiscard]] const wire::LaneName& name(LaneIndex lane) const noexcept { return at(lane).name; }
  [[nodiscard]] std::uint64_t taken_mark(LaneIndex lane) const noexcept { return at(lane).taken_mark; }
  [[nodiscard]] std::uint64_t last_record(LaneIndex lane) const noexcept { return at(lane).last_record; }
  /// The highest record number that the lane's strategy has noted, see wire::LaneHeader::noted.
  [[nodiscard]] std::uint64_t noted(LaneIndex lane) const noexcept;
  [[nodiscard]] std::uint32_t open(LaneIndex lane) const noexcept { return at(lane).open; }
  [[nodiscard]] const LaneCounters& counters(LaneIndex lane) const noexcept { return at(lane).counters; }

 private:
  enum class State : std::uint8_t {
    unused,    ///< The number is given to no lane.
    detached,  ///< Known, nobody there.
    attached,  ///< Served.
    broken,    ///< Cut off; its memory is kept until the service thread has closed its socket.
  };
  /// What a look into a lane found.
  enum class Look : std::uint8_t { empty, more, held_back, gone };

  struct Lane {
    shm::RingConsumer<wire::Intent> intents;
    shm::RingProducer<wire::Outcome> outcomes;
    wire::LaneHeader* header = nullptr;
    InProcessSession* in_process = nullptr;  ///< Where its intents come through the queue instead.
    State state = State::unused;
    bool told_to_ring = false;  ///< Its gateway_wants is set: it is not in awake_.
    std::uint32_t open = 0;
    std::uint32_t place = 0;  ///< In attached_.
    std::uint64_t taken_mark = 0;
    std::uint64_t last_record = 0;
    std::uint64_t noted = 0;  ///< Of earlier attaches; while attached, the header has the newest.
    std::uint64_t event_number = 0;
    LaneCounters counters;
    // Not on the hot path.
    StrategyIndex strategy;
    wire::LaneName name;
    std::uint64_t ticket = 0;
    std::unique_ptr<LaneMemory> memory;
  };

  static constexpr std::uint32_t kMaxLanes = 4096;
  static constexpr std::size_t kFavourites = 4;
  static constexpr std::size_t kLooksPerTurn = 16;  ///< At lanes whose doorbell rang.
  static constexpr std::size_t kTakesPerLook = 8;
  static constexpr std::uint16_t kNobody = UINT16_MAX;

  explicit LaneSet(const LaneSettings& settings);
  [[nodiscard]] Lane& at(LaneIndex lane) noexcept;
  [[nodiscard]] const Lane& at(LaneIndex lane) const noexcept;

  [[nodiscard]] static bool something_to_take(const Lane& lane) noexcept {
    return lane.in_process != nullptr ? InProcessQueue::waits(*lane.in_process) : lane.intents.ready();
  }
  /// After taking one more, each open intent must still find room for all of its events. What is published
  /// for an intent later shrinks the room and what is owed to it by one each, so the promise holds.
  [[nodiscard]] static shm::RoomStatus room_for_next(Lane& lane) noexcept {
    return lane.outcomes.room(std::uint64_t{wire::kEventsPerIntent} * (std::uint64_t{lane.open} + 1));
  }
  /// Copies the next intent to `out`, and notes it: `more`. Anything else: nothing was taken.
  [[nodiscard]] Look take_one(Lane& lane, std::uint16_t number, wire::Intent& out) noexcept;
  void note_taken(Lane& lane, std::uint16_t number) noexcept;
  void break_lane(std::uint16_t number) noexcept;
  void collect_doorbell() noexcept;
  PublishResult put(Lane& lane, std::uint16_t number, wire::Outcome& outcome) noexcept;

  // lane_attach.cpp: attach and close.
  void carry_out_commands();
  void carry_out_attach(LaneCommand& command);
  void carry_out_close(const LaneCommand& command);
  [[nodiscard]] std::expected<std::uint16_t, wire::AttachStatus> find_or_name(StrategyIndex strategy,
                                                                              const wire::LaneName& name);
  [[nodiscard]] bool may_name(StrategyIndex strategy, bool for_operator) const;
  void begin_service(std::uint16_t number, std::unique_ptr<LaneMemory> memory, std::uint64_t cursor);
  void end_service(std::uint16_t number) noexcept;

  template <typename Sink>
  Look take_from(std::uint16_t number, std::size_t& budget, Sink& sink) noexcept;
  template <typename Sink>
  void drain_favourites(std::size_t& budget, Sink& sink) noexcept;
  template <typename Sink>
  void drain_rung(std::size_t& budget, Sink& sink) noexcept;
  template <typename Sink>
  void drain_rotation(std::size_t& budget, Sink& sink) noexcept;
  template <typename Sink>
  void drain_in_process(std::size_t& budget, Sink& sink) noexcept;

  LaneSettings settings_;
  bool refuses_new_names_ = false;
  std::unique_ptr<LanePort> port_;
  std::unique_ptr<InProcessQueue> queue_;
  shm::Fd wake_;
  std::vector<Lane> lanes_;  ///< By LaneIndex; settings_.max_lanes of them.

  wire::DoorbellWord* doorbell_ = nullptr;
  std::vector<std::uint64_t> pending_;  ///< Lanes to look at: rang, or not emptied. Private copy.
  bool any_pending_ = false;            ///< May be true in vain.
  /// The lanes that last brought something are looked at directly each turn; a strategy that trades needs no
  /// doorbell.
  std::array<std::uint16_t, kFavourites> favourites_{kNobody, kNobody, kNobody, kNobody};
  std::size_t next_favourite_ = 0;
  std::size_t turn_ = 0;
  std::size_t favourite_cursor_ = 0;     ///< Into favourites_, modulo its size; as the next.
  std::size_t in_process_cursor_ = 0;    ///< Into in_process_.
  std::size_t rotation_ = 0;             ///< Into attached_.
  std::size_t pending_cursor_ = 0;       ///< Lane number where the next look at pending_ starts.
  std::vector<std::uint16_t> attached_;  ///< Lanes with shared memory that are served.
  std::vector<std::uint16_t> in_process_;
  std::vector<std::uint16_t> awake_;  ///< Served lanes whose gateway_wants is clear.
  std::vector<LaneChange> changes_;
};

template <typename Sink>
LaneSet::Look LaneSet::take_from(std::uint16_t number, std::size_t& budget, Sink& sink) noexcept {
  Lane& lane = lanes_[number];
  if (lane.state != State::attached) [[unlikely]]
    return Look::gone;
  wire::Intent intent;
  for (std::size_t i = 0; i < kTakesPerLook && budget > 0; ++i) {
    if (!something_to_take(lane)) [[likely]]
      return Look::empty;
    if (const Look look = take_one(lane, number, intent); look != Look::more) [[unlikely]]
      return look;
    --budget;
    sink(LaneIndex{number}, static_cast<const wire::Intent&>(intent));
    if (intent.id > lane.taken_mark) lane.taken_mark = intent.id;
    // The sink may have published, and so found the lane broken.
    if (lane.state != State::attached) [[unlikely]]
      return Look::gone;
  }
  return Look::more;
}

template <typename Sink>
void LaneSet::drain_favourites(std::size_t& budget, Sink& sink) noexcept {
  ++favourite_cursor_;
  for (std::size_t i = 0; i < kFavourites; ++i) {
    const std::uint16_t number = favourites_[(favourite_cursor_ + i) % kFavourites];
    if (number != kNobody) (void)take_from(number, budget, sink);
  }
}

template <typename Sink>
void LaneSet::drain_in_process(std::size_t& budget, Sink& sink) noexcept {
  const std::size_t first = in_process_cursor_++;
  // By index: a sink that publishes may cut a lane off.
  for (std::size_t i = 0; i < in_process_.size(); ++i)
    (void)take_from(in_process_[(first + i) % in_process_.size()], budget, sink);
}

template <typename Sink>
void LaneSet::drain_rotation(std::size_t& budget, Sink& sink) noexcept {
  if (attached_.empty()) return;
  if (++rotation_ >= attached_.size()) rotation_ = 0;
  (void)take_from(attached_[rotation_], budget, sink);
}

template <typename Sink>
void LaneSet::drain_rung(std::size_t& budget, Sink& sink) noexcept {
  collect_doorbell();
  if (!any_pending_) return;
  std::size_t looks = kLooksPerTurn;
  bool any = false;
  const std::size_t words = pending_.size();
  const std::size_t first = pending_cursor_ / 64;
  const std::uint64_t from_cursor = ~std::uint64_t{0} << (pending_cursor_ % 64);
  for (std::size_t step = 0; step <= words; ++step) {
    const std::size_t w = (first + step) % words;
    // The first word is visited twice: from the cursor on, and at the end up to the cursor.
    const std::uint64_t mask = step == 0 ? from_cursor : step == words ? ~from_cursor : ~std::uint64_t{0};
    std::uint64_t bits = pending_[w] & mask;
    while (bits != 0 && looks > 0 && budget > 0) {
      const auto bit = static_cast<unsigned>(std::countr_zero(bits));
      bits &= bits - 1;
      const auto number = static_cast<std::uint16_t>(w * 64 + bit);
      const Look look = take_from(number, budget, sink);
      if (look == Look::empty || look == Look::gone) pending_[w] &= ~(std::uint64_t{1} << bit);
      pending_cursor_ = (w * 64 + bit + 1) % (words * 64);
      --looks;
    }
    any = any || pending_[w] != 0;
  }
  any_pending_ = any;
}

template <typename Sink>
std::size_t LaneSet::drain(std::size_t budget, Sink&& sink) noexcept {
  std::size_t left = budget;
  // Each kind of look comes first in its turn, so that a small budget is not always used up by the same
  // lanes. A cursor moves only when its look is made, or it could keep missing the same lane.
  ++turn_;
  for (std::size_t i = 0; i < 4 && left > 0; ++i) {
    switch ((turn_ + i) % 4) {
      case 0:
        drain_favourites(left, sink);
        break;
      case 1:
        drain_rung(left, sink);
        break;
      case 2:
        drain_rotation(left, sink);
        break;
      case 3:
        drain_in_process(left, sink);
        break;
    }
  }
  return budget - left;
}

}  // namespace backhand::ingress
