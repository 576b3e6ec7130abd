// How many journal records an intent may need, and how large the journal's ring must be. An intent is taken
// only while the ring has room for all that it may still make anybody record, so that no append of the
// engine ever finds the ring full: while the disk is behind, intents wait in their lanes.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gateway/config/config.hpp"
#include "gateway/journal/record.hpp"

namespace backhand::engine {

/// An intent that waits, or a shot that is armed: `taken`, and the event that ends it.
inline constexpr std::uint64_t kWaitingRecords =
    std::max(journal::kPartsOf<journal::Taken>, journal::kPartsOf<journal::ShotTaken>) +
    journal::kPartsOf<journal::OutcomeBody>;
/// What comes on top from its `intended` record on: either it is voided, or `sent`, `learned`, the event
/// `unknown`, and what settled it or what an operator said of it.
inline constexpr std::uint64_t kSendingRecords =
    journal::kPartsOf<journal::Intended> +
    std::max<std::uint64_t>(
        journal::kPartsOf<journal::Voided>,
        journal::kPartsOf<journal::Sent> + journal::kPartsOf<journal::Learned> +
            journal::kPartsOf<journal::OutcomeBody> +
            std::max(journal::kPartsOf<journal::Settled>, journal::kPartsOf<journal::Resolved>));
/// Whatever becomes of an intent.
inline constexpr std::uint64_t kIntentRecords = kWaitingRecords + kSendingRecords;

/// Kept back beside what open intents need, so that a halt is always recorded at once. Each account can be
/// halted by an operator and by the venue, and all together by an operator; a resume waits for room beyond.
[[nodiscard]] constexpr std::uint64_t halt_records(std::uint64_t accounts) noexcept {
  return 2 * accounts + 1;
}

/// Records that the journal's ring should hold: a power of two, at most `most`. A smaller ring is as safe;
/// fewer intents are open at once then. `open_cases` were left open by the last run.
[[nodiscard]] std::uint32_t journal_records(const config::Config& config, std::uint64_t open_cases,
                                            std::uint64_t most) noexcept;

}  // namespace backhand::engine
