// What decided a reversal's end: told to operators, and kept in the journal by number.
#pragma once

#include <cstdint>
#include <string_view>

namespace backhand::domain {

/// The row of gateway/order/README.md's table. Numbers are recorded: a new one goes to the end.
enum class Ground : std::uint8_t {
  none,
  legs_by_id,          ///< Every leg that counts carries our clientOid or order id.
  leg_and_sibling,     ///< One leg carries our id; the other was found beside it.
  open_leg_alone,      ///< Only the opening leg is listed; the position confirms the closed one.
  position_and_order,  ///< One order of ours; nobody else traded, so the position shows what it did.
  fills_by_id,         ///< No row, but executions of our order id; the position confirms the sizes.
  pair_without_id,     ///< No row carries any id; the only reversal there was explains the position exactly.
  order_without_fill,  ///< Our order is there and ended without any execution.
  never_arrived,       ///< Fuse burnt; not found by any name, twice; history agrees.
  refused,             ///< The venue said no, and nothing followed it.
  // Of unresolved:
  no_evidence,           ///< Too little was answered.
  ambiguous_rows,        ///< Rows that may or may not be ours.
  unexplained_position,  ///< The position moved in a way that our rows (or their absence) do not explain.
  never_final,           ///< Our order stayed live.
  other_uid,             ///< The account's key belongs to another UID since: look-ups show nothing of ours.
};

struct GroundWords {
  std::string_view name;
  std::string_view meaning;  ///< One sentence for a person: what the look-ups showed.
};

[[nodiscard]] constexpr GroundWords words_of(Ground ground) noexcept {
  switch (ground) {
    case Ground::none:
      return {"none", ""};
    case Ground::legs_by_id:
      return {"legs_by_id", "the venue lists each leg under our clientOid or order id"};
    case Ground::leg_and_sibling:
      return {"leg_and_sibling", "the venue lists one leg under our id, and the other was found beside it"};
    case Ground::open_leg_alone:
      return {"open_leg_alone", "only the opening leg is listed, and the position confirms the closed one"};
    case Ground::position_and_order:
      return {"position_and_order",
              "our order is listed, nobody else traded, and the position shows what it did"};
    case Ground::fills_by_id:
      return {"fills_by_id", "executions of our order id are listed, and the position confirms their sizes"};
    case Ground::pair_without_id:
      return {"pair_without_id",
              "the only reversal listed explains the position exactly, though without our id"};
    case Ground::order_without_fill:
      return {"order_without_fill", "our order is listed and ended without any execution"};
    case Ground::never_arrived:
      return {"never_arrived",
              "it can no longer take effect, and two look-ups by name and the history know nothing of it"};
    case Ground::refused:
      return {"refused", "the venue refused it, and nothing followed"};
    case Ground::no_evidence:
      return {"no_evidence", "too little was answered to prove an end"};
    case Ground::ambiguous_rows:
      return {"ambiguous_rows", "the venue lists orders that may or may not be ours"};
    case Ground::unexplained_position:
      return {"unexplained_position", "the position changed in a way that our orders do not explain"};
    case Ground::never_final:
      return {"never_final", "our order stayed live"};
    case Ground::other_uid:
      return {"other_uid", "the account's key belongs to another UID than the one that it was sent on"};
  }
  return {"?", ""};
}

[[nodiscard]] constexpr std::string_view to_string(Ground ground) noexcept { return words_of(ground).name; }

}  // namespace backhand::domain
