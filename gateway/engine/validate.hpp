// Is a copied intent well formed? Looks at nothing but its bytes: every field in range, reserved bytes zero,
// text zero-padded. Total: any 120 bytes get an answer.
#pragma once

#include "common/time.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::engine {

/// `none` where the intent may be looked at further. `last_id` is the highest id seen on this lane.
[[nodiscard]] wire::DenyReason validate(const wire::Intent& intent, std::uint64_t last_id) noexcept;
/// Whether the deadline of a well-formed intent lies ahead, and not too far. Asked behind the flood limit: a
/// strategy with the wrong clock sends such intents without end.
[[nodiscard]] wire::DenyReason check_deadline(const wire::Intent& intent, Ns now) noexcept;

}  // namespace backhand::engine
