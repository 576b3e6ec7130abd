// What a world knows of every intent, whatever the gateway remembers: pushed when, recorded, sent, told.
// Checks the invariants, those of the moment at once and the others at the end against the venue's own truth.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/wire/outcome.hpp"
#include "gateway/journal/record.hpp"
#include "tests/simulation/context.hpp"
#include "tests/simulation/plan.hpp"
#include "tests/venue/exchange.hpp"

namespace backhand::simulation {

struct Told {
  wire::EventKind kind{};
  wire::DenyReason deny_reason{};
  wire::SettledResult result{};
  std::uint8_t flags = 0;
  std::uint64_t record = 0;
  std::uint32_t power_life = 0;  ///< How often records had been lost when it was told.
  wire::Outcome outcome{};
};

struct IntentEntry {
  std::uint32_t number = 0;
  std::uint16_t lane = 0;
  std::uint32_t attachment = 0;  ///< Which attachment of the lane it was pushed in.
  std::uint32_t power_life = 0;  ///< How often records had been lost before.
  wire::Intent intent{};
  Ns deadline = 0;  ///< On the world's clock.
  std::uint32_t intended = 0;
  std::uint64_t intended_number = 0;
  std::uint32_t sent = 0;
  std::uint32_t sent_in_life = 0;  ///< Of the gateway's process.
  Ns sent_venue_ns = 0;            ///< On the venue's clock.
  bool shot_taken = false;         ///< Of an arm: recorded as armed.
  std::uint32_t fired = 0;         ///< Of an arm: how often its shot was sent.
  wire::ClientOid client_oid;
  bool never_taken = false;  ///< Its strategy was told a mark below it when it re-attached.
  bool cut_off = false;      ///< Its attachment ended before it had its terminal event.
  bool lost = false;         ///< Its records may be gone: no end is owed.
  bool told_unknown = false;
  bool resolved = false;
  bool outlived =
      false;  ///< Judged by another process than the one that sent it, or sent soon after a start.
  bool replaced = false;   ///< An older journal, or none, may not know what became of it.
  std::vector<Told> ends;  ///< Different terminal events.
};

class Ledger {
 public:
  Ledger(Context& context, const Plan& plan) : context_(context), plan_(plan) {}

  /// A strategy makes an intent; stamps its tag.
  IntentEntry& add(std::uint16_t lane, std::uint32_t attachment, wire::Intent& intent, Ns deadline);
  /// It was pushed with another id or not at all: it never was.
  [[nodiscard]] IntentEntry* find(const wire::UserTag& tag);

  // What the gateway does.
  void on_intended(const journal::Intended& body, const wire::ClientOid& oid, std::uint64_t record_number);
  void on_shot_taken(const wire::UserTag& tag);
  void on_recorded_end(std::uint16_t lane, const wire::UserTag& tag);
  void on_resolved(const wire::ClientOid& client_oid);
  /// The bytes of a reversal are handed to the network.
  void on_written(std::string_view client_oid, std::uint64_t durable_number);
  void on_told(std::uint16_t lane, const wire::Outcome& outcome);

  /// Something of the account was sent and has no proven end.
  [[nodiscard]] bool has_open(const std::string& account) const;

  // What happens to it.
  void on_start() noexcept {
    ++life_;
    uid_senders_.clear();
    life_began_ = context_.now();
  }
  void on_halted(bool halted) noexcept { halted_ = halted; }
  void on_account_halted(std::string_view account, bool halted);
  void forget_halts() noexcept {
    halted_ = false;
    halted_accounts_.clear();
  }
  [[nodiscard]] bool halted() const noexcept { return halted_; }
  void on_detached(std::uint16_t lane, std::uint32_t attachment);
  /// The strategy re-attached and was told how far its intents had been taken.
  void on_attached(std::uint16_t lane, std::uint64_t taken_mark);
  /// The journal is gone, or an older one is in its place.
  void on_journal_replaced();
  /// Nothing may be sent for `account` (empty: any) before the venue's clock reads later than `until`.
  void hold(const std::string& account, VenueMs until, std::string_view why);
  /// A page of history was another account's, and nothing in it said so.
  /// A look-up was answered for another account, unnoticed.
  void note_other_account_shown() noexcept { other_account_shown_ = true; }
  void drop_holds_by_names();
  /// Its key belongs to another UID now, whose history shows nothing of it.
  void drop_hold(const std::string& account) { holds_.erase(account); }
  /// All names that were ever given.
  [[nodiscard]] std::unordered_set<std::string> oids() const;
  /// The machine lost power, or the hot segment is gone: what was not on disk is forgotten.
  void on_records_lost();

  [[nodiscard]] std::size_t intents() const noexcept { return entries_.size(); }
  [[nodiscard]] const std::vector<IntentEntry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t unresolved() const noexcept { return unresolved_; }
  /// After `check_end`: those that a restart does not excuse.
  [[nodiscard]] std::uint64_t needless() const noexcept { return needless_; }
  /// Shots that were sent.
  [[nodiscard]] std::uint64_t fired() const noexcept;
  [[nodiscard]] std::uint32_t power_life() const noexcept { return power_life_; }
  /// Everything has come to rest; `venue` has run out of events.
  void check_end(const venue::Exchange& venue);

 private:
  /// The reversal of a position that has no recorded end.
  struct Open {
    wire::ClientOid client_oid;
    VenueMs signed_ms = 0;
    bool forgotten = false;  ///< Its records may have gone with the power.
    bool replaced = false;   ///< They have gone with the journal, and perhaps nothing tells of them.
  };
  [[nodiscard]] static std::string position_key(std::string_view account, std::string_view symbol);
  [[nodiscard]] std::string name(const IntentEntry& entry) const;
  struct Hold {
    VenueMs until = 0;
    std::string_view why;
    bool by_names = false;
  };
  void check_held(const IntentEntry& entry, const std::string& account) const;
  void check_uid(const IntentEntry& entry, const std::string& account);
  void check_fired(const IntentEntry& entry);
  void check_written(IntentEntry& entry, std::string_view client_oid);
  void check_ends(const IntentEntry& entry, const venue::Reversal* truth);
  void check_result(const IntentEntry& entry, const Told& end, const venue::Reversal* truth);
  void check_contradiction(const IntentEntry& entry, const Told& end);
  void check_positions(const IntentEntry& entry, const Told& end, const venue::Reversal& truth);
  void check_freshness(const IntentEntry& entry, const venue::Exchange& venue);
  void check_missing_end(const IntentEntry& entry, bool executed);

  Context& context_;
  const Plan& plan_;
  std::vector<IntentEntry> entries_;
  std::unordered_map<std::string, std::uint32_t> by_oid_;
  std::unordered_map<std::string, journal::Intended> intended_;
  std::map<std::string, Open> open_;
  std::map<std::string, bool> halted_accounts_;
  std::map<std::string, Hold> holds_;               ///< By account; "": all.
  std::map<std::string, std::string> uid_senders_;  ///< By UID: the account that sent in this life.
  bool halted_ = false;
  std::uint32_t power_life_ = 0;
  std::uint64_t unresolved_ = 0;
  std::uint64_t needless_ = 0;
  std::uint32_t life_ = 0;
  Ns life_began_ = 0;
  bool other_account_shown_ = false;
};

}  // namespace backhand::simulation
