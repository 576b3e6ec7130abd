// Turns entries, one after the other, into a State, and a State into the checkpoint that heads a segment.
// One thread at a time: the disk writer's, or the one that recovers.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/journal/record.hpp"
#include "gateway/journal/state.hpp"

namespace backhand::journal {

class Fold {
 public:
  explicit Fold(std::uint32_t keep_outcomes) : keep_outcomes_{keep_outcomes} {}
  Fold(State state, std::uint32_t keep_outcomes) : state_{std::move(state)}, keep_outcomes_{keep_outcomes} {}

  /// Takes in one whole, valid entry. The error says which rule of the journal it breaks (a key used twice, a
  /// lane's record number out of order): such a journal cannot be vouched for.
  [[nodiscard]] std::expected<void, std::string> apply(std::span<const Record> parts);
  /// The same for an entry of a checkpoint.
  [[nodiscard]] std::expected<void, std::string> apply_checkpoint(std::span<const Record> parts);

  /// The state as a checkpoint's records, numbered from 1, checksummed, `checkpoint_end` last.
  [[nodiscard]] std::vector<Record> checkpoint() const;

  [[nodiscard]] const State& state() const noexcept { return state_; }
  [[nodiscard]] State release() noexcept { return std::move(state_); }
  /// Records about reversals that had already ended.
  [[nodiscard]] std::uint64_t orphans() const noexcept { return orphans_; }

 private:
  using Answer = std::expected<void, std::string>;

  /// What both kinds of entry mean alike: everything but outcomes and counts.
  Answer apply_common(std::span<const Record> parts);
  /// The open case of the entry's lane and `intent_id`; null, counted as orphan, where there is none.
  OpenCase* find(const Record& head, std::uint64_t intent_id) noexcept;
  void on_taken(const Record& head, const Taken& taken, bool is_shot);
  Answer on_intended(std::span<const Record> parts);
  Answer on_lane_opened(std::span<const Record> parts);
  Answer on_outcome(std::span<const Record> parts);
  void on_resolved(std::span<const Record> parts);
  void on_halted(const Record& head, const Halted& halted);
  void on_account_halted(const Record& head, const AccountHalted& halted);
  void on_resumed(const Resumed& resumed);
  void replace_halt(Scope scope, const FixedString<24>& name, bool by_venue);
  void on_case_state(std::span<const Record> parts);
  void keep(LaneState& lane, std::span<const Record> parts, const wire::Outcome& outcome);
  void count_hour(wire::Product product, const Dated<Intended>& intended, bool up);

  State state_;
  std::uint32_t keep_outcomes_;
  std::uint64_t orphans_ = 0;
};

}  // namespace backhand::journal
