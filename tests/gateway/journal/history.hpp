// A random but lawful history of the gateway: what an engine would append, with the model of what a start
// must then find. Seeded; the same seed appends the same.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gateway/journal/fold.hpp"
#include "gateway/journal/journal.hpp"

namespace backhand::test {

class History {
 public:
  History(std::uint64_t seed, std::uint32_t keep_outcomes) : random_{seed}, keep_outcomes_{keep_outcomes} {}

  /// Goes on from what a start found.
  void resume(const journal::State& state, std::uint64_t next_number);
  /// Appends one entry that is lawful now, working the disk where the ring is full; false where it failed.
  bool step(journal::Journal& journal);

  /// Forgets what a power loss has taken: everything from `next_number` on.
  void cut(std::uint64_t next_number);

  /// Entries appended so far in this life, in order.
  [[nodiscard]] const std::vector<journal::Entry>& entries() const noexcept { return entries_; }
  /// Number that the next record will have.
  [[nodiscard]] std::uint64_t next_number() const noexcept { return next_number_; }
  /// The state at every record number of this life is one of these: after each entry.
  [[nodiscard]] std::string state_at(std::uint64_t next_number) const;
  std::mt19937_64& random() noexcept { return random_; }

 private:
  template <class Body>
  bool append(journal::Journal& journal, std::uint16_t lane, journal::ReversalKey key, const Body& body);
  bool tell(journal::Journal& journal, const journal::OpenCase& open, wire::EventKind kind);
  bool begin(journal::Journal& journal, std::uint16_t lane);
  bool advance(journal::Journal& journal, const journal::OpenCase& open);
  bool write(journal::Journal& journal, const journal::OpenCase& open);

  std::mt19937_64 random_;
  std::uint32_t keep_outcomes_;
  journal::State start_;
  std::uint64_t start_number_ = 1;
  std::uint64_t next_number_ = 1;
  journal::Fold fold_{keep_outcomes_};
  std::vector<journal::Entry> entries_;
  Ns now_ns_ = 1'000;
  std::uint64_t sequence_ = 0;
};

}  // namespace backhand::test
