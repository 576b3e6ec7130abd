// Rows of the venue's lists into our words. Each reader says whether the row could be read whole; broken JSON
// is told apart, since nothing behind it can be read either. Internal.
#pragma once

#include <cstdint>

#include "gateway/bitget/json.hpp"
#include "gateway/domain/lookup.hpp"

namespace backhand::bitget {

enum class RowResult : std::uint8_t {
  read,
  incomplete,  ///< A field that counts is missing, malformed, or has a word that we do not know.
  broken,      ///< The JSON itself.
};

/// `has_foreign_name` says that the order has a clientOid that cannot be one of ours (too long, other
/// characters) and is therefore left empty in `out`.
[[nodiscard]] RowResult read_order(json::object from, domain::Product product, domain::OrderRow& out,
                                   bool& has_foreign_name) noexcept;
[[nodiscard]] RowResult read_fill(json::object from, domain::FillRow& out) noexcept;
/// Where it is incomplete, `unread` says of which instruments it may be and what could not be read.
[[nodiscard]] RowResult read_position(json::object from, domain::Product product, domain::PositionRow& out,
                                      domain::UnreadRow& unread) noexcept;
/// One row for each margin coin is appended to `out`, within its capacity. A contract whose rules cannot be
/// read is closed and names the field; one without a symbol is incomplete. Says in `truncated` whether a row
/// found no room.
[[nodiscard]] RowResult read_contract(json::object from, domain::Product product,
                                      std::vector<domain::ContractRules>& out, bool& truncated) noexcept;

}  // namespace backhand::bitget
