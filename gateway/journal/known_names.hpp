// Which order names this journal can explain: the starts that it records, with the last sequence that each of
// them used. What the venue shows beyond them was sent by somebody whose records are missing here.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "gateway/journal/client_oid.hpp"

namespace backhand::journal {

struct KnownStart {
  OidStart start;
  std::uint32_t epoch = 0;          ///< 0 with `found`.
  std::uint64_t last_sequence = 0;  ///< Highest that an `intended` record names; with `found` that was seen.
  bool found = false;  ///< Not recorded here: the venue showed it, and the operator has been told.

  friend bool operator==(const KnownStart&, const KnownStart&) noexcept = default;
};

enum class NameOrigin : std::uint8_t {
  foreign,    ///< Not a name that Backhand writes, or neither of this journal nor with our prefix.
  known,      ///< Recorded here.
  found,      ///< Not recorded here, but seen before.
  lost_here,  ///< Carries this journal's tag, and the journal does not know it: the journal is an older copy.
  other_journal,  ///< Carries our prefix and another journal's tag: that journal is lost, or another gateway
                  ///< runs.
};

class KnownNames {
 public:
  /// Starts that are kept; the oldest are forgotten first. Starts that sent nothing are not kept.
  static constexpr std::size_t kKept = 1'024;

  /// Takes the memory for all that it may ever hold.
  void reserve() { starts_.reserve(kKept + 1); }
  /// A start begins; the names that follow are its. Of an earlier version's start nobody knows how far its
  /// names went.
  void begin_start(const OidStart& start, std::uint32_t epoch);
  /// The current start used a sequence.
  void use(std::uint64_t sequence) noexcept;
  /// The venue showed a name that is not recorded here.
  void note_found(const ParsedOid& name);
  /// From a checkpoint.
  void restore(const KnownStart& known) { starts_.push_back(known); }

  [[nodiscard]] bool empty() const noexcept { return starts_.empty(); }
  [[nodiscard]] const std::vector<KnownStart>& all() const noexcept { return starts_; }
  /// `ours` is the current start.
  [[nodiscard]] NameOrigin origin_of(const ParsedOid& name, const OidStart& ours) const noexcept;

 private:
  void push(const KnownStart& known);

  std::vector<KnownStart> starts_;  ///< In the order of their beginning; the last not-found one is current.
};

}  // namespace backhand::journal
