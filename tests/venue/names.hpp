// How enumerators are spelled: by the venue (products, states) and in the control port's JSON. Parsing is
// total: unknown text is empty.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/venue/model.hpp"
#include "tests/venue/options.hpp"

namespace backhand::venue {

template <typename Enum>
struct Name {
  std::string_view text;
  Enum value;
};

inline constexpr std::array<Name<Product>, 6> kProducts{{{"USDT-FUTURES", Product::usdt_futures},
                                                         {"COIN-FUTURES", Product::coin_futures},
                                                         {"USDC-FUTURES", Product::usdc_futures},
                                                         {"SUSDT-FUTURES", Product::susdt_futures},
                                                         {"SCOIN-FUTURES", Product::scoin_futures},
                                                         {"SUSDC-FUTURES", Product::susdc_futures}}};
inline constexpr std::array<Name<ContractStatus>, 6> kContractStates{
    {{"normal", ContractStatus::normal},
     {"listed", ContractStatus::listed},
     {"maintain", ContractStatus::maintain},
     {"limit_open", ContractStatus::limit_open},
     {"restrictedAPI", ContractStatus::restricted_api},
     {"off", ContractStatus::off}}};
inline constexpr std::array<Name<PositionMode>, 2> kModes{
    {{"one_way_mode", PositionMode::one_way}, {"hedge_mode", PositionMode::hedge}}};
/// As the control port and scenario files spell them.
inline constexpr std::array<Name<PositionMode>, 2> kShortModes{
    {{"one_way", PositionMode::one_way}, {"hedge", PositionMode::hedge}}};
inline constexpr std::array<Name<PositionSide>, 2> kSides{
    {{"long", PositionSide::long_side}, {"short", PositionSide::short_side}}};
inline constexpr std::array<Name<OrderState>, 4> kOrderStates{{{"unborn", OrderState::unborn},
                                                               {"live", OrderState::live},
                                                               {"filled", OrderState::filled},
                                                               {"canceled", OrderState::canceled}}};
inline constexpr std::array<Name<Leg>, 3> kLegs{
    {{"other", Leg::other}, {"close", Leg::close}, {"open", Leg::open}}};
inline constexpr std::array<Name<Source>, 5> kSources{{{"reverse", Source::reversal},
                                                       {"market", Source::market},
                                                       {"loss_market", Source::stop},
                                                       {"liquidation", Source::liquidation},
                                                       {"adl", Source::adl}}};
inline constexpr std::array<Name<Counting>, 5> kCountings{{{"sliding", Counting::sliding},
                                                           {"fixed", Counting::fixed},
                                                           {"fixed_after_first", Counting::fixed_after_first},
                                                           {"token_bucket", Counting::token_bucket},
                                                           {"strict_spacing", Counting::strict_spacing}}};
inline constexpr std::array<Name<OneWaySize>, 2> kOneWaySizes{
    {{"ignored", OneWaySize::ignored}, {"partial", OneWaySize::partial}}};
inline constexpr std::array<Name<OneWaySide>, 3> kOneWaySides{
    {{"ignored", OneWaySide::ignored}, {"position", OneWaySide::position}, {"order", OneWaySide::order}}};
inline constexpr std::array<Name<HedgeTradeSide>, 3> kHedgeTradeSides{
    {{"open", HedgeTradeSide::open}, {"close", HedgeTradeSide::close}, {"any", HedgeTradeSide::any}}};
inline constexpr std::array<Name<IdLeg>, 4> kIdLegs{
    {{"close", IdLeg::close}, {"open", IdLeg::open}, {"both", IdLeg::both}, {"none", IdLeg::none}}};
inline constexpr std::array<Name<ReversalOrders>, 3> kReversalOrders{
    {{"two", ReversalOrders::two},
     {"one_of_size", ReversalOrders::one_of_size},
     {"one_of_both", ReversalOrders::one_of_both}}};
inline constexpr std::array<Name<RowSide>, 4> kRowSides{{{"trade", RowSide::trade},
                                                         {"echoed", RowSide::echoed},
                                                         {"empty", RowSide::empty},
                                                         {"swapped", RowSide::swapped}}};
inline constexpr std::array<Name<OddRow>, 3> kOddRows{
    {{"none", OddRow::none}, {"foreign", OddRow::foreign}, {"own", OddRow::own}}};
inline constexpr std::array<Name<UniqueClientOid>, 3> kUniques{{{"never", UniqueClientOid::never},
                                                                {"pending", UniqueClientOid::pending},
                                                                {"always", UniqueClientOid::always}}};
inline constexpr std::array<Name<UserIdStyle>, 3> kUserIdStyles{
    {{"text", UserIdStyle::text}, {"number", UserIdStyle::number}, {"absent", UserIdStyle::absent}}};
inline constexpr std::array<Name<KeepArrivals>, 3> kKeeps{
    {{"all", KeepArrivals::all}, {"reversals", KeepArrivals::reversals}, {"none", KeepArrivals::none}}};
inline constexpr std::array<Name<PageOrder>, 3> kPageOrders{{{"newest_first", PageOrder::newest_first},
                                                             {"oldest_first", PageOrder::oldest_first},
                                                             {"none", PageOrder::none}}};
inline constexpr std::array<Name<Answer>, 10> kAnswers{{{"usual", Answer::usual},
                                                        {"code", Answer::code},
                                                        {"server_error", Answer::server_error},
                                                        {"forbidden_html", Answer::forbidden_html},
                                                        {"maintenance", Answer::maintenance},
                                                        {"not_json", Answer::not_json},
                                                        {"empty", Answer::empty},
                                                        {"oversize", Answer::oversize},
                                                        {"foreign_client_oid", Answer::foreign_client_oid},
                                                        {"other_account", Answer::other_account}}};
inline constexpr std::array<Name<Apply>, 3> kApplies{
    {{"all", Apply::all}, {"close_only", Apply::close_only}, {"nothing", Apply::nothing}}};
inline constexpr std::array<Name<Delivery>, 6> kDeliveries{{{"normal", Delivery::normal},
                                                            {"slices", Delivery::slices},
                                                            {"truncate", Delivery::truncate},
                                                            {"close", Delivery::close},
                                                            {"reset", Delivery::reset},
                                                            {"stall", Delivery::stall}}};

template <typename Enum, std::size_t N>
[[nodiscard]] constexpr std::string_view name_of(const std::array<Name<Enum>, N>& names,
                                                 Enum value) noexcept {
  for (const auto& n : names) {
    if (n.value == value) return n.text;
  }
  return "unnamed";
}

template <typename Enum, std::size_t N>
[[nodiscard]] constexpr std::optional<Enum> named(const std::array<Name<Enum>, N>& names,
                                                  std::string_view text) noexcept {
  for (const auto& n : names) {
    if (n.text == text) return n.value;
  }
  return std::nullopt;
}

[[nodiscard]] inline std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

[[nodiscard]] inline PositionSide opposite(PositionSide side) noexcept {
  return side == PositionSide::long_side ? PositionSide::short_side : PositionSide::long_side;
}

}  // namespace backhand::venue
