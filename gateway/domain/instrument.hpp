// Words for what is traded, shared by the rooms below the engine. Plain values; no behaviour.
#pragma once

#include <cstdint>
#include <string_view>

#include "common/decimal.hpp"
#include "common/time.hpp"
#include "common/wire/intent.hpp"

namespace backhand::domain {

using wire::PositionSide;
using wire::Product;

/// How an account holds positions of a product: one net position, or a long and a short side by side.
enum class PositionMode : std::uint8_t { one_way = 1, hedge = 2 };

/// product + symbol + margin coin, spelled as the venue wants it (upper case).
struct Instrument {
  Product product = Product::usdt_futures;
  wire::SymbolName symbol;
  wire::CoinName margin_coin;
  friend bool operator==(const Instrument&, const Instrument&) noexcept = default;
};

enum class ContractStatus : std::uint8_t {
  normal = 1,
  closed = 2,  ///< Listed, in maintenance, limited to opening, off: market orders are refused locally.
};

/// What the venue says about a contract.
struct ContractRules {
  Instrument instrument;
  Decimal size_step;
  Decimal min_size;
  Decimal max_market_size;  ///< Of one market order, so of each leg; zero: none stated.
  ContractStatus status = ContractStatus::closed;
  std::string_view unread{};  ///< Closed since this field of its row could not be read: a literal, or empty.
};

/// What an account holds of one instrument at one moment on the venue's clock.
struct PositionSnapshot {
  Decimal long_size;
  Decimal short_size;
  VenueMs read_venue_ms = 0;  ///< The venue's own time in the reply that said so; 0: never read.

  [[nodiscard]] constexpr Decimal held(PositionSide side) const noexcept {
    return side == PositionSide::long_side ? long_size : short_size;
  }
};

[[nodiscard]] constexpr PositionSide opposite(PositionSide side) noexcept {
  return side == PositionSide::long_side ? PositionSide::short_side : PositionSide::long_side;
}

}  // namespace backhand::domain
