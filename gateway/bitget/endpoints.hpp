// The venue's paths and header names, and its limits as data (bitget-facts §2, §3 and §5, read 2026-10).
// Internal.
#pragma once

#include <string_view>

#include "gateway/bitget/dialect.hpp"

namespace backhand::bitget {

inline constexpr std::string_view kReversalPath = "/api/v2/mix/order/click-backhand";
inline constexpr std::string_view kTimePath = "/api/v2/public/time";
inline constexpr std::string_view kAccountKindPath = "/api/v2/spot/account/info";
inline constexpr std::string_view kAccountModePath = "/api/v2/mix/account/account";
inline constexpr std::string_view kPositionsPath = "/api/v2/mix/position/all-position";
inline constexpr std::string_view kContractsPath = "/api/v2/mix/market/contracts";
inline constexpr std::string_view kOrderPath = "/api/v2/mix/order/detail";
inline constexpr std::string_view kHistoryPath = "/api/v2/mix/order/orders-history";
inline constexpr std::string_view kFillsPath = "/api/v2/mix/order/fills";

inline constexpr std::string_view kQuotaHeader = "x-mbx-used-remain-limit";
inline constexpr std::string_view kTraceHeader = "x-traceid";

/// Most rows that the venue puts on a page, as documented; a page that is full may not be all there is.
inline constexpr std::size_t kPageRows = 100;

inline constexpr EndpointRule kReversalRule{10, kSecond, false, 0};
inline constexpr EndpointRule kLeadTraderReversalRule{1, kSecond, false, 0};
inline constexpr EndpointRule kOverallRule{6'000, 60 * kSecond, true, 9};
/// Raised from one minute on 2025-08-11.
inline constexpr Ns kOverallPenalty_ns = 300 * kSecond;

[[nodiscard]] constexpr EndpointRule lookup_rule(domain::LookupKind kind) noexcept {
  switch (kind) {
    case domain::LookupKind::venue_time:
      return {20, kSecond, true, 1};
    case domain::LookupKind::account_kind:
      return {1, kSecond, false, 2};
    case domain::LookupKind::account_mode:
      return {10, kSecond, false, 3};
    case domain::LookupKind::positions:
      return {5, kSecond, false, 4};
    case domain::LookupKind::contracts:
      return {20, kSecond, true, 5};
    case domain::LookupKind::order_by_client_oid:
    case domain::LookupKind::order_by_order_id:
      return {10, kSecond, false, 6};
    case domain::LookupKind::reversal_history:
      return {10, kSecond, false, 7};
    case domain::LookupKind::fills:
      return {10, kSecond, false, 8};
  }
  return {};
}

[[nodiscard]] constexpr std::string_view lookup_path(domain::LookupKind kind) noexcept {
  switch (kind) {
    case domain::LookupKind::venue_time:
      return kTimePath;
    case domain::LookupKind::account_kind:
      return kAccountKindPath;
    case domain::LookupKind::account_mode:
      return kAccountModePath;
    case domain::LookupKind::positions:
      return kPositionsPath;
    case domain::LookupKind::contracts:
      return kContractsPath;
    case domain::LookupKind::order_by_client_oid:
    case domain::LookupKind::order_by_order_id:
      return kOrderPath;
    case domain::LookupKind::reversal_history:
      return kHistoryPath;
    case domain::LookupKind::fills:
      return kFillsPath;
  }
  return {};
}

}  // namespace backhand::bitget
