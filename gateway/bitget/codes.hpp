// What each of the venue's codes means for a reversal, as data. Whatever is not listed is ambiguous.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/wire/outcome.hpp"

namespace backhand::bitget {

using wire::CodeClass;

struct CodeEntry {
  std::uint32_t code;
  CodeClass code_class;
};

/// The code that says yes; it is not in the table, since its zeros are part of it.
inline constexpr std::string_view kSuccessCode = "00000";

/// Sorted by code, each once. Read 2026-10 from bitget-facts §6.
[[nodiscard]] std::span<const CodeEntry> code_table() noexcept;

/// `none` for an empty text, `ambiguous` for whatever is not listed, also for a listed number written
/// otherwise
/// ("022002").
[[nodiscard]] CodeClass class_of(std::string_view code) noexcept;

/// Whether the venue says this code only before it looks at the first leg of a reversal: about the key, the
/// signature, the timestamp, the shape of the parameters or the endpoint's own rate limit. Only such a code
/// is a definite no for a request that makes two orders. False for whatever is not on the short list.
[[nodiscard]] bool precedes_first_leg(std::string_view code) noexcept;

/// Whether the code is one of the venue's own rate limits.
[[nodiscard]] bool is_rate_limit(std::string_view code) noexcept;

/// Whether the code says, to a question, that there is no such order (now).
[[nodiscard]] bool says_no_such_order(std::string_view code) noexcept;

}  // namespace backhand::bitget
