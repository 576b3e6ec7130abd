// What a strategy asks, as it lies in shared memory. Everything in it is untrusted: the gateway copies a slot
// once and validates the copy. Plain integers and zero-padded text; the layout is part of the ABI
// (kLayoutVersion).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/fixed_string.hpp"

namespace backhand::wire {

using AccountName = FixedString<16>;
using SymbolName = FixedString<24>;
using CoinName = FixedString<8>;
using ClientOid = FixedString<32>;
using OrderId = FixedString<24>;
using VenueCode = FixedString<8>;
using UserTag = FixedString<16>;

/// Product types of the venue. The last three were withdrawn by the venue on 2025-08-04 and are accepted with
/// a warning.
enum class Product : std::uint8_t {
  usdt_futures = 1,
  coin_futures = 2,
  usdc_futures = 3,
  susdt_futures = 4,
  scoin_futures = 5,
  susdc_futures = 6,
};

/// Which side of the position is meant: the one that is held and is to be reversed.
enum class PositionSide : std::uint8_t { long_side = 1, short_side = 2 };

enum class IntentKind : std::uint8_t {
  reverse = 1,   ///< Reverse the position now, or as soon as a rate slot allows before the deadline.
  withdraw = 2,  ///< Take back the waiting intent `target_id` of this lane.
  arm = 3,       ///< Prepare a reversal ahead; its own id names the shot.
  fire = 4,    ///< Send the shot `target_id`: what is reversed was said when it was armed. Looked at besides:
               ///< deadline (the earlier of both holds), priority, user tag, and an expected size.
  disarm = 5,  ///< Drop the shot `target_id`.
};

/// Bits of Intent::flags.
inline constexpr std::uint8_t kHasSize = 1U << 0;  ///< `size_…` is given (hedge mode: part of the position).
inline constexpr std::uint8_t kHasExpectedSize = 1U << 1;  ///< `expected_…` is given: deny where it differs.
inline constexpr std::uint8_t kKnownIntentFlags = kHasSize | kHasExpectedSize;

struct Intent {
  std::uint64_t id;         ///< Strictly increasing within a lane, from 1.
  std::uint64_t target_id;  ///< withdraw, fire, disarm: the id meant; else 0.
  std::int64_t created_ns;  ///< CLOCK_MONOTONIC when the strategy decided; echoed in every event.
  /// CLOCK_MONOTONIC, absolute: no byte is sent later. At most 60 s ahead; of an arm, whose shot ends then,
  /// 24 h.
  std::int64_t deadline_ns;
  std::uint64_t size_digits;      ///< With kHasSize: size in base coin, size_digits × 10^-size_scale.
  std::uint64_t expected_digits;  ///< With kHasExpectedSize: held size that the strategy believes in.
  AccountName account;            ///< Our name for the account, as configured.
  SymbolName symbol;              ///< Any case; sent in upper case.
  CoinName margin_coin;           ///< Empty: the configured one, where the symbol has only one.
  UserTag user_tag;               ///< The caller's own 16 bytes; echoed, never read.
  IntentKind kind;
  Product product;
  PositionSide position_side;
  std::uint8_t priority;  ///< 0 (lowest) … 7; capped by the strategy's configuration.
  std::uint8_t flags;     ///< kHas… bits; the others are zero.
  std::uint8_t size_scale;
  std::uint8_t expected_scale;
  std::uint8_t reserved;  ///< Zero.
};

inline constexpr std::uint8_t kMaxPriority = 7;
inline constexpr std::int64_t kMaxDeadlineAhead_ns = 60'000'000'000;
/// Of an arm: how long its shot may stay armed.
inline constexpr std::int64_t kMaxShotAhead_ns = 24 * 3'600 * std::int64_t{1'000'000'000};

static_assert(sizeof(Intent) == 120);
static_assert(offsetof(Intent, account) == 48);
static_assert(offsetof(Intent, kind) == 112);
static_assert(std::is_trivially_copyable_v<Intent> && std::is_standard_layout_v<Intent>);
static_assert(std::has_unique_object_representations_v<Intent>);

}  // namespace backhand::wire
