// Finds out what became of reversals, by evidence alone: which question to ask when, and what the answers
// prove. Owned by the engine, I/O thread only; pure (`now` comes in); allocates at construction and never
// again. The rules are the table in README.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/order/case.hpp"
#include "gateway/order/evidence.hpp"
#include "gateway/order/freshness.hpp"
#include "gateway/order/lookup_plan.hpp"
#include "gateway/order/page_walk.hpp"

namespace backhand::order {

class Settlement {
 public:
  /// Room for `accounts`, `positions` and case ids 0 … max_cases − 1.
  Settlement(const Settings& settings, std::size_t accounts, std::size_t positions, std::size_t max_cases);

  /// Starts finding out. At the ack, at the moment a reversal becomes unknown, or at start for whatever the
  /// journal leaves open (`recovered`). The id must not be in use (open, undelivered or unresolved).
  void open(const CaseFacts& facts, Ns now) noexcept;
  [[nodiscard]] bool is_open(std::uint32_t case_id) const noexcept;

  /// When `next_lookup` may next have something; kNever where nothing is open. May lie in the past.
  [[nodiscard]] Ns next_due() const noexcept { return plan_.next_due(); }
  /// The most overdue question, if one is due; it counts as asked. Call while the look-ups' budget lasts,
  /// then answer each ticket by exactly one of on_reply, on_failed and postpone. At most one question of a
  /// kind is outstanding for an (account, product).
  [[nodiscard]] bool next_lookup(Ns now, domain::Lookup& out, LookupTicket& ticket) noexcept;
  /// Any answer of the venue's, whatever its status.
  void on_reply(const LookupTicket& ticket, const domain::LookupReply& reply, Ns now) noexcept;
  /// Lost (time-out, reset). It is asked again after a back-off: look-ups change nothing.
  void on_failed(const LookupTicket& ticket, Ns now) noexcept;
  /// It was not asked (its budget is used up); it is due again at `until`, and others go first.
  void postpone(const LookupTicket& ticket, Ns until) noexcept;

  /// Witnesses besides our own questions: a positions read made for another purpose, an order told by a
  /// stream. Only what they show counts; what they do not show proves nothing.
  void observe_positions(AccountIndex account, domain::Product product, const domain::LookupReply& reply,
                         Ns now) noexcept;
  void observe_order(AccountIndex account, const domain::OrderRow& row, Ns now) noexcept;

  /// The next decision, in the order in which they were reached. A decided case is closed when its decision
  /// is popped, an unresolved one when it is resolved.
  [[nodiscard]] bool pop_decision(Decision& out) noexcept;
  /// An operator's word on an unresolved case; false where it is not unresolved.
  bool resolve(std::uint32_t case_id) noexcept;

  [[nodiscard]] std::size_t open_cases() const noexcept { return open_; }
  [[nodiscard]] std::size_t unresolved_cases() const noexcept { return unresolved_; }

 private:
  enum class Stage : std::uint8_t { free, open, decided, unresolved };
  struct Case {
    CaseEvidence evidence;
    Stage stage = Stage::free;
    Ns opened_at = 0;
    Ns proven_at = 0;     ///< Proven but for a read of the position since; 0: not.
    Ns answered_at = 0;   ///< The last useful answer while the venue answers; 0 after a gap.
    Ns answering_ns = 0;  ///< How long the venue has answered since the fuse: what the patience is for.
    Decision decision;
  };
  /// The rows that earlier reversals of a position were: never another one's evidence.
  struct Past {
    wire::OrderId named_id;
    wire::OrderId sibling_id;
    VenueMs last_leg_venue_ms = 0;
  };

  /// History of one (account, product).
  struct History {
    PageWalk walk;
    KnownOrders known;
    bool skipped = false;       ///< The walk saw rows that were not taken: it shows no absence.
    bool narrow = false;        ///< The walk under way is of one case's symbol only.
    std::uint32_t case_id = 0;  ///< With narrow.
    std::uint32_t generation = 0;
    Ns begun_at = 0;
    Ns narrow_until = 0;  ///< It is asked for each symbol alone until then.
  };

  void ask_history(Ns now, domain::Lookup& out, LookupTicket& ticket) noexcept;
  /// What a page of history is good for.
  struct PageWorth {
    bool any_row = false;  ///< Rows without our names count, too.
    bool absence = false;  ///< It ends a walk that has seen everything.
  };
  [[nodiscard]] PageWorth take_page(const LookupTicket& ticket, const domain::LookupReply& page,
                                    Ns now) noexcept;
  void take_rows(Case& subject, const domain::LookupReply& page, bool any_row) noexcept;
  [[nodiscard]] bool covers(const History& history, const Case& subject) const noexcept;
  [[nodiscard]] bool wants_next_page(const History& history, const Case& subject,
                                     const domain::LookupReply& page) const noexcept;
  void widen_lags(std::uint32_t group, VenueMs at) noexcept;
  [[nodiscard]] bool belongs_to_other(const Case& subject, const domain::OrderRow& row) const noexcept;
  void take(Case& subject, const LookupTicket& ticket, const domain::LookupReply& reply) noexcept;
  bool take_known_row(Case& subject, const domain::OrderRow& row) noexcept;
  void remember(const CaseFacts& facts, const domain::OrderRow& row, bool listed) noexcept;
  [[nodiscard]] VenueMs patient_lag_ms(const CaseEvidence& evidence) const noexcept;
  void count_answer(Case& subject, VenueMs venue_ms, Ns now) noexcept;
  void judge(Case& subject, Ns now) noexcept;
  void decide(Case& subject, const Finding& finding) noexcept;
  void give_up(Case& subject, const Finding& finding) noexcept;
  void finish(Case& subject) noexcept;
  void schedule(Case& subject, const Finding& finding, Ns now) noexcept;
  [[nodiscard]] Ns interval(const Case& subject, Ns now) const noexcept;

  Settings settings_;
  LookupPlan plan_;
  std::vector<Case> cases_;
  std::vector<Past> past_;
  std::vector<History> histories_;      ///< By group.
  std::vector<SeenLag> lags_;           ///< By account.
  std::vector<std::uint32_t> decided_;  ///< A ring of case ids; each case is in it at most once.
  std::size_t decided_head_ = 0;
  std::size_t decided_count_ = 0;
  std::size_t open_ = 0;
  std::size_t unresolved_ = 0;
};

}  // namespace backhand::order
