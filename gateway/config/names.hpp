// The words that the configuration file uses for each enumerator, in one table for reading and printing.
#pragma once

#include <array>
#include <string_view>

#include "gateway/config/config.hpp"

namespace backhand::config {

template <typename Enum>
struct Word {
  std::string_view text;
  Enum value;
};

inline constexpr std::array kEnvironmentWords{Word{"simulated", Environment::simulated},
                                              Word{"demo", Environment::demo},
                                              Word{"live", Environment::live}};
inline constexpr std::array kIdleWords{Word{"spin", IdlePolicy::spin}, Word{"yield", IdlePolicy::yield},
                                       Word{"block", IdlePolicy::block}};
inline constexpr std::array kDurabilityWords{Word{"process", Durability::process},
                                             Word{"power", Durability::power}};
inline constexpr std::array kShapeWords{Word{"burst", PacingShape::burst}, Word{"even", PacingShape::even}};
inline constexpr std::array kWhenBusyWords{Word{"wait", WhenBusy::wait}, Word{"deny", WhenBusy::deny}};
inline constexpr std::array kOneWaySideWords{
    Word{"position", OneWaySide::position}, Word{"order", OneWaySide::order}, Word{"omit", OneWaySide::omit}};
inline constexpr std::array kPositionModeWords{Word{"one_way", domain::PositionMode::one_way},
                                               Word{"hedge", domain::PositionMode::hedge}};
/// As the venue spells them; read in any case.
inline constexpr std::array kProductWords{Word{"USDT-FUTURES", domain::Product::usdt_futures},
                                          Word{"COIN-FUTURES", domain::Product::coin_futures},
                                          Word{"USDC-FUTURES", domain::Product::usdc_futures},
                                          Word{"SUSDT-FUTURES", domain::Product::susdt_futures},
                                          Word{"SCOIN-FUTURES", domain::Product::scoin_futures},
                                          Word{"SUSDC-FUTURES", domain::Product::susdc_futures}};

/// The word for `value`; "?" for a value that is no enumerator.
template <typename Words, typename Enum>
[[nodiscard]] constexpr std::string_view word_for(const Words& words, Enum value) noexcept {
  for (const auto& word : words) {
    if (word.value == value) return word.text;
  }
  return "?";
}

[[nodiscard]] constexpr std::string_view to_string(Environment value) noexcept {
  return word_for(kEnvironmentWords, value);
}
[[nodiscard]] constexpr std::string_view to_string(IdlePolicy value) noexcept {
  return word_for(kIdleWords, value);
}
[[nodiscard]] constexpr std::string_view to_string(Durability value) noexcept {
  return word_for(kDurabilityWords, value);
}
[[nodiscard]] constexpr std::string_view to_string(PacingShape value) noexcept {
  return word_for(kShapeWords, value);
}
[[nodiscard]] constexpr std::string_view to_string(WhenBusy value) noexcept {
  return word_for(kWhenBusyWords, value);
}
[[nodiscard]] constexpr std::string_view to_string(OneWaySide value) noexcept {
  return word_for(kOneWaySideWords, value);
}

}  // namespace backhand::config
