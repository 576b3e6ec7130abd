// The words for every enum of the wire, both ways, each total: an unknown number has the word "invalid", an
// unknown word is empty. Products as the venue prints them, sides "long" and "short", events and reasons as
// in the enums.
#pragma once

#include <optional>
#include <string_view>

#include "common/wire/attach.hpp"
#include "common/wire/intent.hpp"
#include "common/wire/outcome.hpp"

namespace backhand::wire {

[[nodiscard]] std::string_view to_string(Product value) noexcept;
[[nodiscard]] std::string_view to_string(PositionSide value) noexcept;
[[nodiscard]] std::string_view to_string(IntentKind value) noexcept;
[[nodiscard]] std::string_view to_string(EventKind value) noexcept;
[[nodiscard]] std::string_view to_string(DenyReason value) noexcept;
[[nodiscard]] std::string_view to_string(SettledResult value) noexcept;
[[nodiscard]] std::string_view to_string(CodeClass value) noexcept;
[[nodiscard]] std::string_view to_string(NoticeKind value) noexcept;
[[nodiscard]] std::string_view to_string(AttachStatus value) noexcept;

/// The value whose word is exactly `text` (products in any case, as the venue takes them); empty where there
/// is none. For the enums above.
template <typename Enum>
[[nodiscard]] std::optional<Enum> from_string(std::string_view text) noexcept;

/// Whether a number that came from outside is one of Enum's.
template <typename Enum>
[[nodiscard]] bool is_valid(Enum value) noexcept {
  return to_string(value) != "invalid";
}

}  // namespace backhand::wire
