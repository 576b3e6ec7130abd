// Builds intents in one readable line each:
//   session.push(make_reversal("main", Product::usdt_futures, "ETHUSDT", PositionSide::long_side)
//                    .id(session.next_id()).size("0.02").within(200ms));
// Text that does not fit or is no number makes the intent malformed, and the gateway denies it as that.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "common/clock.hpp"
#include "common/decimal.hpp"
#include "common/wire/intent.hpp"

namespace backhand::client {

class IntentBuilder {
 public:
  explicit IntentBuilder(wire::IntentKind kind) noexcept { intent_.kind = kind; }

  /// Must be above every earlier id of the lane; Session::next_id() is.
  IntentBuilder& id(std::uint64_t value) noexcept { return intent_.id = value, *this; }
  IntentBuilder& target(std::uint64_t value) noexcept { return intent_.target_id = value, *this; }
  IntentBuilder& account(std::string_view name) noexcept { return set(intent_.account, name); }
  IntentBuilder& instrument(wire::Product product, std::string_view symbol) noexcept {
    intent_.product = product;
    return set(intent_.symbol, symbol);
  }
  IntentBuilder& side(wire::PositionSide held) noexcept { return intent_.position_side = held, *this; }
  /// Only where the symbol has several.
  IntentBuilder& margin_coin(std::string_view name) noexcept { return set(intent_.margin_coin, name); }

  /// How much of the position, in base coin: "0.02". Hedge mode only; without it, all.
  IntentBuilder& size(std::string_view text) noexcept {
    return number(text, wire::kHasSize, intent_.size_digits, intent_.size_scale);
  }
  /// The size that the strategy believes is held; where it differs, the intent is denied.
  IntentBuilder& expecting(std::string_view text) noexcept {
    return number(text, wire::kHasExpectedSize, intent_.expected_digits, intent_.expected_scale);
  }

  /// No byte is sent later than so long from now; at most 60 s.
  IntentBuilder& within(std::chrono::nanoseconds span) noexcept {
    return deadline(monotonic_now() + span.count());
  }
  /// The same as a time on CLOCK_MONOTONIC.
  IntentBuilder& deadline(Ns at_ns) noexcept { return intent_.deadline_ns = at_ns, *this; }
  /// 0 (lowest, the default) to 7; the configuration may cap it.
  IntentBuilder& priority(std::uint8_t value) noexcept { return intent_.priority = value, *this; }
  /// Up to 16 bytes of the caller's own, echoed in every event.
  IntentBuilder& tag(std::string_view bytes) noexcept { return set(intent_.user_tag, bytes); }
  /// When the strategy decided, CLOCK_MONOTONIC; push sets it where it is left out.
  IntentBuilder& created(Ns at_ns) noexcept { return intent_.created_ns = at_ns, *this; }

  [[nodiscard]] const wire::Intent& intent() const noexcept { return intent_; }
  operator const wire::Intent&() const noexcept { return intent_; }  // NOLINT: meant to be implicit

 private:
  template <std::size_t N>
  IntentBuilder& set(FixedString<N>& field, std::string_view text) noexcept {
    if (!FixedString<N>::fits(text)) return malformed();
    field = FixedString<N>(text);
    return *this;
  }
  IntentBuilder& number(std::string_view text, std::uint8_t flag, std::uint64_t& digits,
                        std::uint8_t& scale) noexcept {
    const auto value = Decimal::parse(text);
    if (!value) return malformed();
    intent_.flags |= flag;
    digits = value->digits;
    scale = value->scale;
    return *this;
  }
  IntentBuilder& malformed() noexcept { return intent_.reserved = 1, *this; }

  wire::Intent intent_{};
};

/// Reverses the position of `account` in `symbol` whose side `held` is. Deadline: one second from now, unless
/// said otherwise.
[[nodiscard]] inline IntentBuilder make_reversal(std::string_view account, wire::Product product,
                                                 std::string_view symbol, wire::PositionSide held) noexcept {
  return IntentBuilder(wire::IntentKind::reverse)
      .account(account)
      .instrument(product, symbol)
      .side(held)
      .within(std::chrono::seconds(1));
}

/// The same, prepared ahead: its id names the shot.
[[nodiscard]] inline IntentBuilder make_shot(std::string_view account, wire::Product product,
                                             std::string_view symbol, wire::PositionSide held) noexcept {
  return IntentBuilder(wire::IntentKind::arm)
      .account(account)
      .instrument(product, symbol)
      .side(held)
      .within(std::chrono::seconds(60));
}

/// Sends the shot, drops the shot, takes back the waiting intent `target`.
[[nodiscard]] inline IntentBuilder make_fire(std::uint64_t target) noexcept {
  return IntentBuilder(wire::IntentKind::fire).target(target).within(std::chrono::seconds(1));
}
[[nodiscard]] inline IntentBuilder make_disarm(std::uint64_t target) noexcept {
  return IntentBuilder(wire::IntentKind::disarm).target(target).within(std::chrono::seconds(1));
}
[[nodiscard]] inline IntentBuilder make_withdraw(std::uint64_t target) noexcept {
  return IntentBuilder(wire::IntentKind::withdraw).target(target).within(std::chrono::seconds(1));
}

}  // namespace backhand::client
