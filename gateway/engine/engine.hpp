// Composes the pure rooms into one gateway: intents in, requests out, replies and evidence in, outcomes out.
// The only place where the rooms meet. Pure itself: no system call, no clock, nothing allocated after start
// but a lane's history when the lane is opened. All of it belongs to one thread (the I/O thread, or the
// simulation's only one).
//
// The way of one intent: engine_intake.cpp (on_intent … submit) → engine_send.cpp (fire … transmit) →
// engine_reply.cpp (on_reply, on_lost) → engine_settle.cpp (look-ups, decisions) → engine_tell.cpp
// (outcomes). Shots join at submit: engine_shots.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/config/config.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/engine/counters.hpp"
#include "gateway/engine/directory.hpp"
#include "gateway/engine/journal_room.hpp"
#include "gateway/engine/lane_book.hpp"
#include "gateway/engine/lookup_jobs.hpp"
#include "gateway/engine/open_reversal.hpp"
#include "gateway/engine/ports.hpp"
#include "gateway/engine/reply_signs.hpp"
#include "gateway/engine/shot_book.hpp"
#include "gateway/engine/throttle_history.hpp"
#include "gateway/engine/trouble_book.hpp"
#include "gateway/engine/venue_clock.hpp"
#include "gateway/journal/recovery.hpp"
#include "gateway/journal/sink.hpp"
#include "gateway/net/handler.hpp"
#include "gateway/order/position_book.hpp"
#include "gateway/order/settlement.hpp"
#include "gateway/pacing/indexed_heap.hpp"
#include "gateway/pacing/pacer.hpp"
#include "gateway/risk/risk_book.hpp"

namespace backhand::engine {

struct Ports {
  WirePort& wire;
  LanePort& lanes;
  journal::Sink& journal;
  EventPort& events;
};

enum class AccountPhase : std::uint8_t {
  starting,  ///< Its readiness is being proven.
  ready,
  halted,   ///< The venue refused it after it had been ready; an operator's `resume` proves readiness anew.
  unused,   ///< No strategy may trade on it: nothing about it is asked or proven.
  refused,  ///< The venue refused it before it was ever ready.
};

struct AccountState {
  AccountPhase phase = AccountPhase::starting;
  bool lead_trader = false;
  bool halted_by_operator = false;
  std::uint8_t rechecking = 0;  ///< By product, as bits: its position mode is being asked about again.
  std::uint16_t round = 0;      ///< Counts the proofs of its readiness.
  // By product, as bits.
  std::uint8_t needed = 0;           ///< Some strategy may trade it on this account.
  std::uint8_t mode_known = 0;       ///< The position mode is the configured one.
  std::uint8_t positions_known = 0;  ///< Positions were read.
  std::uint8_t names_known = 0;      ///< The history was searched for names that the journal does not know.
  std::uint8_t mode_tried = 0;       ///< Asked about several times in vain: nothing else waits for it.
  std::uint8_t positions_tried = 0;
  std::uint8_t names_tried = 0;
  std::uint8_t proven =
      0;  ///< Mode, positions, names and contract rules are known: reversals of it are taken.
  std::uint64_t halt_record = 0;  ///< Number of the record of the operator's halt; 0: of an earlier start.
  bool serves = false;            ///< It takes intents now.
  Ns changed_ns = 0;              ///< Since when it does or does not.
  std::array<Ns, order::LookupPlan::kProducts> read_ns{};  ///< By product: when its positions were last read.
  std::string_view waits_for;                              ///< A constant phrase; empty while it serves.
  /// Whether it is a lead trader's, and whose UID it has, was answered; where it is the only account and the
  /// journal has no UID of it, also asked several times in vain.
  bool kind_settled = false;
  bool uid_was_shared =
      false;  ///< Its last known UID was another account's: only an answer with a UID counts.
  ThrottleHistory throttles;
  /// Starting: not ready before, since reversals that the journal does not know may be on their way. 0: no.
  VenueMs held_until_venue_ms = 0;
  domain::UserId user_id;          ///< Empty: not known.
  domain::UserId journaled_uid;    ///< The one that the journal has; empty: none.
  std::uint32_t awaiting_uid = 0;  ///< Its reversals that are not looked up before the venue tells its UID.
  Ns untold_since_ns = 0;          ///< Since when the venue answers and does not tell it; 0: it does.
  wire::VenueCode refusal;         ///< With halted and refused.
  wire::CodeClass refusal_class = wire::CodeClass::none;
  std::string_view why;  ///< One constant phrase: what it waits for or why it is halted.
};

/// Of a gateway or an account that waits for the fuse of reversals which another start has sent.
inline constexpr const char* kUnknownNamesShown =
    "the venue shows reversals that this journal does not know; their fuse must burn first";

/// What keeps the gateway from being ready.
struct Waits {
  const char* what = "";          ///< A constant phrase; empty: nothing does.
  Ns since_ns = 0;                ///< Of our monotonic clock.
  const Trouble* last = nullptr;  ///< The last trouble with what it waits for; null: none yet.
};

/// What is known of the reading of one contract's rules.
struct RulesRead {
  Ns read_ns = 0;
  bool asked = false;   ///< A look-up for it alone is on its way or waits.
  bool denied = false;  ///< An intent found it closed since it was read.
};

/// One line of `backhand status` about a position that is not free.
struct OpenPosition {
  PositionIndex position;
  order::BlockReason blocked = order::BlockReason::none;
  std::uint32_t slot = kNoSlot;
};

/// What sets this start apart from all others.
struct StartId {
  std::uint32_t epoch = 0;
  journal::OidStart names;
};

class Engine final : public net::Handler {
 public:
  /// `config`, `dialect` (with all accounts added) and the ports must outlive the engine.
  Engine(const config::Config& config, bitget::Dialect& dialect, const Ports& ports, const StartId& start);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes over what the journal left open. Fails where a case names an account or instrument that is
  /// configured no more: it could never be settled. Before `start`.
  [[nodiscard]] std::expected<void, Error> recover(const journal::Recovered& recovered, Ns now);
  /// Begins to prove readiness.
  void start(Ns now) noexcept;

  // Lanes and intents. Called from: service (drain), simulation.

  /// A lane number was given for the first time; allocates its history and journals the name.
  /// False: that could not be recorded; the lane must not be served.
  [[nodiscard]] bool on_lane_opened(LaneIndex lane, StrategyIndex strategy,
                                    const journal::StrategyName& strategy_name,
                                    const journal::LaneName& lane_name, Ns now);
  void on_lane_attached(LaneIndex lane, std::uint64_t cursor, Ns now) noexcept;
  /// The strategy is gone: what waits is denied, what was sent goes on.
  void on_lane_closed(LaneIndex lane, Ns now) noexcept;
  /// The lane's strategy has dealt with all journaled events up to `record`; journaled where that is new.
  void on_noted(LaneIndex lane, std::uint64_t record, Ns now) noexcept;
  void on_intent(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept;
  /// Our monotonic clock stood still for `lost`, up to now. Called from: service, simulation.
  void on_time_lost(Ns lost, Ns now) noexcept;
  /// How many intents may be taken now, at most `most`: the journal has room for all that they may still make
  /// anybody record. 0 while the disk is too far behind; then intents wait in their lanes.
  [[nodiscard]] std::size_t intake_budget(std::size_t most, Ns now) noexcept;

  // Operator's commands. Called from: service, between turns.

  /// In force when it returns, whatever the answer: that says whether the record of it will hold.
  journal::Appended halt(std::string_view reason, Ns now) noexcept;
  journal::Appended halt_account(AccountIndex account, std::string_view reason, Ns now) noexcept;
  /// False: it could not be recorded, so it did not happen.
  [[nodiscard]] bool resume(std::string_view reason, Ns now) noexcept;
  /// Also ends a halt that the venue caused; readiness is proven anew. False as for `resume`.
  [[nodiscard]] bool resume_account(AccountIndex account, std::string_view reason, Ns now) noexcept;
  /// An operator says what became of an unresolved reversal. False where no unresolved one has this name.
  bool resolve(const wire::ClientOid& client_oid, wire::SettledResult result, std::uint32_t uid,
               std::string_view note, Ns now) noexcept;
  /// From now on every new intent is denied (`stopping`), and so is what waits.
  void stop_intake(Ns now) noexcept;

  // The turn.

  /// What is due: slots, deadlines, look-ups, decisions, replays. Returns how much was done.
  int do_work(Ns now) noexcept;
  /// When do_work has something to do if nothing else happens.
  [[nodiscard]] Ns next_due(Ns now) noexcept;

  // From the network. Called from: net::Pool, simulation.

  void on_reply(net::RequestToken token, const net::ReplyView& reply, Ns now) noexcept override;
  void on_lost(net::RequestToken token, net::LossReason reason, bool aborted_by_reset,
               Ns now) noexcept override;
  void on_ping(const net::ReplyView& reply, Ns written_ns) noexcept override;
  void on_pool_changed(unsigned ready, unsigned wanted, std::string_view why) noexcept override;
  bool may_ping(Ns now) noexcept override;
  bool may_dial(Ns now) noexcept override;
  void on_ping_lost(Ns written_ns, Ns now) noexcept override;
  void on_checked(net::RequestToken token, const net::ReplyView& reply, Ns written_ns,
                  Ns now) noexcept override;
  void on_not_checked(net::RequestToken token, bool asked, Ns now) noexcept override;
  void on_dial_failed(Ns now) noexcept override;

  // What it knows, for status, tests and the simulation's checks.

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  /// Why not, in one constant phrase.
  [[nodiscard]] const char* not_ready_because() const noexcept { return not_ready_because_; }
  [[nodiscard]] Waits waits() const noexcept;
  [[nodiscard]] const TroubleBook& troubles() const noexcept { return troubles_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] const AccountState& account(AccountIndex index) const noexcept {
    return accounts_[index.value];
  }
  [[nodiscard]] const Directory& directory() const noexcept { return directory_; }
  [[nodiscard]] const order::PositionBook& book() const noexcept { return book_; }
  [[nodiscard]] const LaneBook& lanes() const noexcept { return lane_book_; }
  [[nodiscard]] const OpenReversal& slot(std::uint32_t slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] const VenueClock& clock() const noexcept { return clock_; }
  [[nodiscard]] const pacing::Pacer& pacer() const noexcept { return pacer_; }
  [[nodiscard]] const ShotBook& shots() const noexcept { return shots_; }
  [[nodiscard]] bool halted() const noexcept { return risk_.halted(); }
  [[nodiscard]] bool journal_failed() const noexcept { return journal_failed_; }
  /// With halted(), in the operator's words; empty where the gateway halted itself.
  [[nodiscard]] std::string_view halt_reason() const noexcept { return halt_reason_.view(); }
  [[nodiscard]] std::uint32_t open_intents() const noexcept { return open_count_; }
  /// Reversals that were written and have no definite end: sent, acked, unknown, unresolved.
  [[nodiscard]] std::uint32_t without_end() const noexcept;
  /// Reversals under way for which waiting is worth while before a stop: sent, acked, unknown.
  [[nodiscard]] std::uint32_t on_their_way() const noexcept;
  /// Positions that are occupied or blocked, up to `out.size()`; returns how many.
  std::size_t open_positions(std::span<OpenPosition> out) const noexcept;

 private:
  // engine_intake.cpp
  void take(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent, Ns now) noexcept;
  void take_reversal(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent, Ns now) noexcept;
  void withdraw(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept;
  void expect(PositionIndex position) const noexcept;
  /// What is common to all that may become a reversal: of `intent`, or of the shot that it fires.
  void admit_and_submit(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent,
                        PositionIndex position, std::uint32_t shot, Ns now) noexcept;
  [[nodiscard]] wire::DenyReason admit_account(PositionIndex position, Ns now) const noexcept;
  [[nodiscard]] wire::DenyReason admit(StrategyIndex strategy, const wire::Intent& intent,
                                       PositionIndex position, Ns now) const noexcept;
  [[nodiscard]] wire::DenyReason check_risk(StrategyIndex strategy, const wire::Intent& intent,
                                            PositionIndex position, Ns now) const noexcept;
  void submit(std::uint32_t slot, Ns now) noexcept;
  void wait_for_position(std::uint32_t slot, Ns now) noexcept;
  void abandon_wait(std::uint32_t slot) noexcept;
  void wait_for_connection(std::uint32_t slot, Ns now) noexcept;
  [[nodiscard]] std::uint32_t allocate(LaneIndex lane, StrategyIndex strategy, PositionIndex position,
                                       const wire::Intent& intent, Ns now) noexcept;
  void release_slot(std::uint32_t slot) noexcept;
  void record_taken(std::uint32_t slot, Ns now) noexcept;

  // engine_shots.cpp
  void arm(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent, Ns now) noexcept;
  [[nodiscard]] wire::DenyReason admit_shot(StrategyIndex strategy, const wire::Intent& intent,
                                            PositionIndex position, Ns now) const noexcept;
  void fire_shot(LaneIndex lane, StrategyIndex strategy, const wire::Intent& intent, Ns now) noexcept;
  void expect_shot(std::uint32_t shot) const noexcept;
  void disarm(LaneIndex lane, const wire::Intent& intent, Ns now) noexcept;
  void sign_shot(Shot& shot, Ns now) noexcept;
  int tend_shots(Ns now) noexcept;
  void schedule_shot(std::uint32_t shot) noexcept;
  /// Signs it anew where it has become too old.
  void freshen_shot(std::uint32_t shot, Ns now) noexcept;
  /// Gives `r` the name and request of its shot.
  void take_shot(OpenReversal& r, Ns now) noexcept;
  /// The reversal that fired it has come to its end, or to its write.
  void release_shot(OpenReversal& r, Ns now) noexcept;
  void end_shot(std::uint32_t shot, wire::DenyReason reason, Ns now) noexcept;
  void tell_armed(const Shot& shot, Ns now) noexcept;
  void drop_shots(std::optional<AccountIndex> account, wire::DenyReason reason, Ns now) noexcept;
  void step(Shot& shot, order::ShotEvent event) noexcept;

  // engine_rehearse.cpp
  void rehearse(Ns now) noexcept;
  [[nodiscard]] bool rehearse_request(Ns now) noexcept;
  void rehearse_reply() noexcept;
  void list_memory();
  void keep_near() noexcept;

  // engine_send.cpp
  void fire(std::uint32_t slot, Ns now) noexcept;
  [[nodiscard]] bool record_intended(std::uint32_t slot, Ns now) noexcept;
  void transmit(std::uint32_t slot, Ns now) noexcept;
  void void_intended(std::uint32_t slot, wire::DenyReason reason, order::ReversalEvent event,
                     Ns now) noexcept;
  int send_due(Ns now) noexcept;
  int send_durable(Ns now) noexcept;
  [[nodiscard]] bool connection_to_spare() const noexcept;
  [[nodiscard]] bool has_room_to_send() noexcept;
  [[nodiscard]] bool waits_for_connection(Ns now) noexcept;
  int expire_waiters(Ns now) noexcept;
  int wake_freed(Ns now) noexcept;
  void refresh_templates(Ns now) noexcept;

  // engine_reply.cpp
  void on_reversal_reply(std::uint32_t slot, const net::ReplyView& reply, Ns now) noexcept;
  /// The slot of a request that was sent and has no end; kNoSlot where nobody waits for it any more.
  [[nodiscard]] std::uint32_t awaited_slot(net::RequestToken token) noexcept;
  void on_ack(std::uint32_t slot, const net::ReplyView& view, const domain::ReversalReply& reply,
              Ns now) noexcept;
  void on_no(std::uint32_t slot, const net::ReplyView& view, const domain::ReversalReply& reply,
             Ns now) noexcept;
  void on_certain_no(std::uint32_t slot, Ns now) noexcept;
  void on_untied_reply(std::uint32_t slot, Ns now) noexcept;
  void on_refusal(std::uint32_t slot, Ns now) noexcept;
  void distrust(const net::ReplyView& view) noexcept;
  void become_unknown(std::uint32_t slot, order::ReversalEvent event, order::Answer answer, VenueMs answered,
                      Ns now) noexcept;
  void open_case(std::uint32_t slot, order::Answer answer, VenueMs answered, bool recovered, Ns now) noexcept;
  void become_lead_trader(AccountIndex account, std::string_view why, Ns now) noexcept;
  void note_throttling(AccountIndex account, bool throttled, Ns now) noexcept;
  void recheck_mode(AccountIndex account, Ns now) noexcept;
  void record_learned(std::uint32_t slot, domain::Verdict verdict, VenueMs venue_ms, Ns now) noexcept;

  // engine_settle.cpp
  int run_lookups(Ns now) noexcept;
  int ask_for_settlement(Ns now) noexcept;
  int ask_jobs(JobQueue& queue, pacing::RequestClass c, Ns now) noexcept;
  [[nodiscard]] bool can_ask() const noexcept;
  [[nodiscard]] Ns settlement_due(Ns now) const noexcept;
  [[nodiscard]] Ns job_due(const JobQueue& queue, pacing::RequestClass c, Ns now) const noexcept;
  [[nodiscard]] Ns lookups_due(Ns now) const noexcept;
  [[nodiscard]] bool send_lookup(const domain::Lookup& lookup, const LookupOrigin& origin, Ns now) noexcept;
  void on_lookup_reply(std::uint32_t index, const net::ReplyView& reply, Ns now) noexcept;
  void put_off_refresh(const domain::Lookup& read, Ns now) noexcept;
  [[nodiscard]] bool is_of_other_product(const domain::LookupReply& reply,
                                         const domain::Lookup& lookup) const noexcept;
  /// `reason`: none where what came says more.
  void on_lookup_lost(std::uint32_t index, std::optional<net::LossReason> reason, Ns now) noexcept;
  void on_job_reply(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept;
  /// `written_ns`: when the look-up was written; what it shows is no older, but for the venue's own lag.
  void take_positions(AccountIndex account, domain::Product product, const domain::LookupReply& reply,
                      Ns written_ns, Ns now) noexcept;
  [[nodiscard]] Ns age_to_ns(VenueMs venue_ms, Ns now) const noexcept;
  int take_decisions(Ns now) noexcept;
  void apply(const order::Decision& decision, Ns now) noexcept;
  void end_unresolved(std::uint32_t slot, wire::Outcome& out, Ns now) noexcept;
  void refuse_account(AccountIndex account, const wire::VenueCode& code, wire::CodeClass code_class,
                      std::string_view why, Ns now) noexcept;
  void begin_readiness(AccountIndex account, Ns now) noexcept;
  void job_done(const LookupJob& job, Ns now) noexcept;
  void repeat(LookupJob job, Ns now) noexcept;
  [[nodiscard]] bool is_superseded(const LookupJob& job) const noexcept;
  void failed(LookupJob job, domain::LookupStatus status, Ns now) noexcept;
  [[nodiscard]] Ns pause_before(const LookupJob& job) const noexcept;
  void ask_for_next_symbol(LookupJob& job) const noexcept;
  void take_contracts(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept;
  void note_closed(PositionIndex position, Ns now) noexcept;
  void watch_address(Ns now) noexcept;
  static void fill_positions(const order::Decision& decision, wire::Outcome& out) noexcept;

  // engine_ready.cpp
  /// What keeps the gateway or an account from serving, and what its intents are denied for.
  struct NotReady {
    std::string_view what = "";  ///< A literal; empty: nothing does.
    wire::DenyReason deny = wire::DenyReason::none;
    bool has_lasted = false;  ///< So long that it is told at once.
    explicit operator bool() const noexcept { return !what.empty(); }
  };
  void check_ready(Ns now) noexcept;
  void note_asked(Ns now) noexcept { unheard_since_ns_ = std::min(unheard_since_ns_, now); }
  /// An answer came that says something.
  void note_heard() noexcept { unheard_since_ns_ = kNever; }
  void tell_ready(const NotReady& wait, Ns now) noexcept;
  [[nodiscard]] NotReady wait_of(const AccountState& account, Ns now) const noexcept;
  void tell_account(AccountIndex account, const NotReady& wait, Ns now) noexcept;

  // engine_trouble.cpp
  void note_trouble(Trouble trouble, Ns now) noexcept;
  void end_trouble(const Trouble& object, Ns now) noexcept;
  void note_reply(const domain::Lookup& lookup, const domain::LookupReply& reply, Ns now) noexcept;
  void note_loss(const domain::Lookup& lookup, net::LossReason reason, Ns now) noexcept;
  void note_probe(const net::ReplyView& reply, const bitget::ProbeReply& probe, Ns now) noexcept;
  void note_unread_rows(const domain::Lookup& lookup, const domain::LookupReply& reply, Ns now) noexcept;
  // engine_names.cpp
  /// How long what was sent can still take effect, and look-ups may not show it yet.
  [[nodiscard]] VenueMs fuse_ms() const noexcept;
  [[nodiscard]] VenueMs names_since(bool recent_only, Ns now) const noexcept;
  void ask_names(LookupJob& job, Ns now) const noexcept;
  void on_names_reply(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept;
  void read_positions_again(const LookupJob& names, Ns now) noexcept;
  enum class NamesSeen : std::uint8_t {
    nothing,    ///< That the journal does not explain.
    recent,     ///< Names that it does not explain, so young that more may be on its way.
    no_room,    ///< The journal's ring had no room to record one.
    not_given,  ///< A name of this start that it has not given.
  };
  [[nodiscard]] NamesSeen judge_names(AccountIndex account, const domain::LookupReply& reply,
                                      Ns now) noexcept;
  void note_name(AccountIndex account, const domain::OrderRow& row, const journal::ParsedOid& name,
                 journal::NameOrigin origin, Ns now) noexcept;
  void hold(AccountIndex account, Ns now) noexcept;
  void hold_others(AccountIndex account, Ns now) noexcept;
  int release_holds(Ns now) noexcept;
  /// False: somebody else has its UID. It is asked about again, or refused.
  [[nodiscard]] bool identify(const LookupJob& job, const domain::LookupReply& reply, Ns now) noexcept;
  void ask_kind_again(AccountIndex account, const LookupJob& like, Ns now) noexcept;
  /// The account's UID is `user_id`, as far as the venue can be believed. False: it is refused.
  [[nodiscard]] bool judge_uid(AccountIndex account, const domain::UserId& user_id, Ns now) noexcept;
  /// False: the venue does not tell its UID, and reversals of it wait for that.
  [[nodiscard]] bool may_go_without_uid(AccountIndex account, Ns now) noexcept;
  /// False: the journal's ring had no room to record it.
  [[nodiscard]] bool record_uid(AccountIndex account, const domain::UserId& user_id, Ns now) noexcept;
  void look_up_awaiting(AccountIndex account, Ns now) noexcept;
  void give_up_awaiting(AccountIndex account, domain::Ground ground, Ns now) noexcept;
  [[nodiscard]] bool has_open_reversal(AccountIndex account) const noexcept;

  // engine_tell.cpp
  [[nodiscard]] wire::Outcome event_of(const OpenReversal& r, wire::EventKind kind) const noexcept;
  void tell(const OpenReversal& r, wire::Outcome& outcome) noexcept;
  void tell_queued(OpenReversal& r) noexcept;
  void tell_journaled(const OpenReversal& r, wire::Outcome& outcome, Ns now) noexcept;
  void deny(std::uint32_t slot, wire::DenyReason reason, order::ReversalEvent event, Ns now) noexcept;
  void deny_at_once(LaneIndex lane, const wire::Intent& intent, wire::DenyReason reason, bool journaled,
                    Ns now) noexcept;
  void finish(std::uint32_t slot, Ns now) noexcept;
  void notice(wire::NoticeKind kind, AccountIndex account, PositionIndex position, const wire::Outcome* about,
              Ns now) noexcept;
  /// `why`: a literal.
  void block(PositionIndex position, order::BlockReason reason, std::string_view why, Ns now) noexcept;
  void unblock(PositionIndex position, Ns now) noexcept;
  /// Denies what waits and drops the shots that are armed: of one account, or all.
  void stand_down(std::optional<AccountIndex> account, wire::DenyReason reason, Ns now) noexcept;
  void step(OpenReversal& r, order::ReversalEvent event) noexcept;
  template <journal::JournalBody Body>
  journal::Appended append(const OpenReversal& r, const Body& body, Ns now) noexcept;
  void on_journal_failed(Ns now) noexcept;
  /// Where a record could not be made, the journal has failed.
  void note_appended(const journal::Appended& appended, Ns now) noexcept;

  /// Records that open intents and armed shots may still need.
  [[nodiscard]] std::uint64_t owed_records() const noexcept;
  /// Records that the journal has room for beyond what is owed and kept back for halts and lanes' names.
  [[nodiscard]] std::uint64_t spare_records() noexcept;
  [[nodiscard]] bool may_record_denial(LaneIndex lane, Ns now) noexcept;

  // engine_time.cpp
  [[nodiscard]] wire::Intent judged_by_time_lost(const wire::Intent& intent) const noexcept;

  // engine.cpp
  [[nodiscard]] bool may_record_resume() noexcept;
  [[nodiscard]] journal::Appended recorded_before(std::uint64_t record) const noexcept;
  void prove_all_accounts(Ns now) noexcept;
  /// Learns the venue's time; false where the reply cannot be one to the probe that was written then.
  [[nodiscard]] bool take_probe(const net::ReplyView& reply, const bitget::ProbeReply& probe,
                                Ns written_ns) noexcept;
  [[nodiscard]] bool spend_upkeep(Ns now) noexcept;
  void close_ping(Ns now, bool replied, bool throttled = false) noexcept;

  // engine_recover.cpp
  [[nodiscard]] std::expected<void, Error> recover_case(const journal::OpenCase& open, Ns now);
  void recall_recent_sends(const journal::State& state, Ns now) noexcept;
  void recover_counts(const journal::State& state, std::int64_t unix_ns, Ns now) noexcept;
  void end_without_record(const OpenReversal& r, Ns now) noexcept;
  void restore_slot(OpenReversal& r, const journal::OpenCase& open) noexcept;
  void occupy_recovered(std::uint32_t slot) noexcept;
  void open_recovered(std::uint32_t slot, order::Answer answer, VenueMs answered, Ns now) noexcept;
  void resume_learned(std::uint32_t slot, const journal::OpenCase& open, Ns now) noexcept;
  void resume_unknown(std::uint32_t slot, order::Answer answer, VenueMs answered, bool told, Ns now) noexcept;
  void retell_settled(std::uint32_t slot, const journal::Settled& body, Ns now) noexcept;

  const config::Config& config_;
  bitget::Dialect& dialect_;
  Ports ports_;
  std::uint32_t epoch_;
  journal::OidStart oid_start_;
  journal::OidSeries names_;
  journal::KnownNames known_names_;  ///< Of the starts before this one.
  VenueMs set_back_ms_ = 0;          ///< How far request timestamps are set back to shorten the fuse.

  Directory directory_;
  VenueClock clock_;
  Ns lost_until_ns_ = INT64_MIN / 2;  ///< What was created before has a deadline that is too late by
  Ns lost_ns_ = 0;                    ///< this: our clock missed so much.
  risk::RiskBook risk_;
  pacing::Pacer pacer_;
  order::PositionBook book_;
  order::Settlement settlement_;
  Ns next_question_ns_ = 0;  ///< While the address's allowance is short: settlement's next question,
  Ns next_single_ns_ = 0;    ///< and its next about one order only.
  LaneBook lane_book_;
  LookupJobs jobs_;
  ShotBook shots_;
  Ns shot_age_ns_ = 0;  ///< A shot is signed anew at this age.

  std::vector<AccountState> accounts_;
  std::vector<domain::ContractRules> contracts_;  ///< By InstrumentIndex.
  std::vector<OpenReversal> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::uint32_t open_count_ = 0;
  std::uint32_t sending_ = 0;                       ///< Of them, those whose `intended` record stands.
  std::vector<risk::SlidingLimit> denial_records_;  ///< By strategy.
  std::vector<std::uint32_t> lane_heads_;           ///< By lane: first open intent.
  std::vector<std::uint32_t> waiter_heads_;         ///< By position: first intent that waits for it.
  pacing::IndexedHeap<Ns> waiter_deadlines_;        ///< Slots that wait for a position or a connection.
  std::vector<std::uint32_t> no_connection_;  ///< Slots that wait for a connection, in the order of coming.
  std::vector<std::uint32_t>
      until_durable_;  ///< Ring of slots whose `intended` record is being made durable.
  std::size_t durable_head_ = 0;
  std::size_t durable_count_ = 0;
  Ns no_connection_since_ns_ = kNever;  ///< While a recorded reversal waits for a connection.
  std::vector<PositionIndex> freed_;    ///< Positions to look at for waiters, this turn.
  std::vector<bool> is_freed_;

  std::vector<OpenLookup> lookups_;
  std::vector<std::uint32_t> free_lookups_;
  std::array<pacing::Ticket, 16> pings_{};  ///< Open upkeep tickets, in the order of spending.
  std::array<char, bitget::Dialect::kMaxRequest> request_{};
  std::array<char, bitget::Dialect::kMaxRequest> rehearsal_{};
  Ns rehearse_every_ns_;  ///< 0: never.
  Ns next_rehearsal_ns_ = 0;
  bool reply_comes_next_ = false;  ///< The last rehearsal walked a request's way.
  std::uint32_t rehearsed_ = 0;    ///< The position of the last one.
  std::uint64_t rehearsal_admitted_ = 0;
  NearMemory near_;  ///< What any reversal may use and does not move, as far as the cache holds it.
  std::uint32_t near_shot_ = 0;  ///< Among those that are tended: the last that was brought near.
  std::uint16_t near_account_ = 0;
  std::uint16_t near_strategy_ = 0;
  std::uint32_t near_turn_ = 0;
  domain::LookupReply lookup_reply_;

  TroubleBook troubles_;
  std::vector<RulesRead> rules_read_;  ///< By InstrumentIndex.
  std::uint8_t contracts_needed_ = 0;  ///< By product, as bits: some instrument is of it,
  std::uint8_t contracts_known_ = 0;   ///< its rules were read,
  std::uint8_t contracts_tried_ = 0;   ///< or asked for several times in vain.
  std::uint64_t penalties_seen_ = 0;
  bool address_held_ = false;
  bool nobody_told_ = false;
  VenueMs blocked_until_venue_ms_ = 0;  ///< After an unclean restart: no account is ready before.
  std::uint32_t held_accounts_ = 0;
  bool unclean_ = false;
  bool end_missing_ = false;   ///< The manifest told of records that no file has.
  bool records_lost_ = false;  ///< Of the last start's end; what was sent then may be recorded nowhere.
  bool started_ = false;
  bool accounts_begun_ = false;  ///< After an unclean start readiness begins only when the fuse has burnt.
  bool pool_changed_ = false;
  bool stopping_ = false;
  std::uint64_t halt_record_ = 0;  ///< As AccountState::halt_record, of the halt of all.
  bool journal_failed_ = false;
  bool journal_behind_ = false;  ///< Told last.
  FixedString<48> halt_reason_;
  bool ready_ = false;
  Ns ready_changed_ns_ = 0;
  Ns doubted_ns_ = kNever;  ///< While ready: since when something has kept it from serving.
  Ns next_ready_check_ns_ = 0;
  Ns unheard_since_ns_ = kNever;  ///< Since when the venue owes an answer and has given no usable one.
  Ns recalled_until_ns_ = 0;      ///< No reversal goes before: what was sent in an earlier life still counts.
  unsigned connections_ready_ = 0;
  const char* not_ready_because_ = "not started";
  std::uint32_t refresh_cursor_ = 0;
  std::vector<Ns> refreshed_ns_;  ///< By position: when its template was last refreshed.
  Counters counters_;
};

}  // namespace backhand::engine
