// Dense numbers for things that are named in the configuration or attached: typed, so that they cannot be
// mixed up.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace backhand {

/// An index into a table of one kind. `Tag` only keeps kinds apart.
template <typename Tag, typename Rep = std::uint32_t>
struct Index {
  static constexpr Rep kNone = static_cast<Rep>(-1);
  Rep value = kNone;

  [[nodiscard]] constexpr bool valid() const noexcept { return value != kNone; }
  friend constexpr bool operator==(Index, Index) noexcept = default;
  friend constexpr auto operator<=>(Index, Index) noexcept = default;
};

using AccountIndex = Index<struct AccountTag, std::uint16_t>;    ///< Into Config::accounts.
using StrategyIndex = Index<struct StrategyTag, std::uint16_t>;  ///< Into Config::strategies.
using InstrumentIndex = Index<struct InstrumentTag>;             ///< Into Config::instruments.
using PositionIndex = Index<struct PositionTag>;                 ///< (account, instrument), dense.
using LaneIndex = Index<struct LaneTag, std::uint16_t>;  ///< A strategy's lane; stable over re-attach.

}  // namespace backhand
