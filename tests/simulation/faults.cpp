#include "tests/simulation/faults.hpp"

#include <algorithm>

#include "common/assert.hpp"

namespace backhand::simulation {

namespace {

constexpr std::string_view kOnce = "no intent is executed twice";
constexpr std::string_view kTrueNo = "rejected, denied and not_executed only where nothing was executed";
constexpr std::string_view kTrueResult = "the settled result is what the venue did";
constexpr std::string_view kOneEnd = "each intent gets exactly one terminal event";
constexpr std::string_view kBlocked = "a position without a proven end sends nothing";
constexpr std::string_view kNotForgotten = "nothing taken is forgotten over a restart";
constexpr std::string_view kRate = "the venue never throttles us";
constexpr std::string_view kDeadline = "nothing is sent after its deadline";
constexpr std::string_view kHalt = "a halted gateway sends nothing";
constexpr std::string_view kNoLeak = "no slot or ticket leaks";
constexpr std::string_view kResolved = "unresolved only where evidence could not be had";
constexpr std::string_view kTime = "no request is signed ahead of the venue's clock";
constexpr std::string_view kFresh =
    "nothing is sent on a position that turned longer ago than the age allows";
constexpr std::string_view kOneUid = "one UID is traded under one name";
constexpr std::string_view kVouched = "a start from a damaged journal is refused";

constexpr FaultKind kKinds[] = {
    // The network, from the gateway's socket to the venue's.
    {"net_not_written", kTrueNo},
    {"net_dial_refused", kNoLeak},
    {"net_dial_stalled", kNoLeak},
    {"net_reset_before_arrival", kOnce},
    {"net_reset_after_arrival", kOnce},
    {"net_closed_before_arrival", kOnce},
    {"net_closed_after_arrival", kOnce},
    {"net_request_lost", kResolved},
    {"net_reply_lost", kTrueNo},
    {"net_request_late", kTrueNo},
    {"net_request_very_late", kTrueNo},
    {"net_reply_late", kOneEnd},
    {"net_one_byte_slices", kTrueNo},
    {"net_truncated_reply", kTrueNo},
    {"net_duplicated_reply", kTrueResult},
    {"net_swapped_replies", kTrueResult},
    {"net_garbage_reply", kTrueNo},
    {"net_interim_reply", kTrueResult},
    {"net_unsolicited_bytes", kTrueResult},
    {"net_extra_lies_there", kTrueNo},
    {"net_extra_ahead", kTrueNo},
    {"net_extra_in_front", kTrueNo},
    {"net_extra_behind", kTrueNo},
    {"net_extra_late", kTrueNo},
    {"net_extra_no", kTrueNo},
    {"net_extra_yes", kTrueResult},
    {"net_extra_lookup_of_another", kTrueResult},
    {"net_extra_wrong_time", kTrueNo},
    {"net_probe_wrong_time", kTime},
    {"net_idle_close", kNoLeak},
    {"net_outage", kResolved},
    // The venue, to reversals: the ready faults of tests/venue.
    {"venue_ack_lost_before", kTrueNo},
    {"venue_ack_lost_after", kTrueNo},
    {"venue_reset_before", kOnce},
    {"venue_reset_after", kOnce},
    {"venue_close_before", kOnce},
    {"venue_close_after", kOnce},
    {"venue_truncated_before", kTrueNo},
    {"venue_truncated_after", kTrueNo},
    {"venue_slices", kTrueResult},
    {"venue_server_error_before", kResolved},
    {"venue_server_error_after", kTrueNo},
    {"venue_gateway_timeout_after", kTrueNo},
    {"venue_forbidden_html", kTrueNo},
    {"venue_maintenance", kTrueNo},
    {"venue_bare_429", kTrueNo},
    {"venue_code_after_close", kTrueNo},
    {"venue_code_after_all", kTrueNo},
    {"venue_code_before", kTrueResult},
    {"venue_ambiguous_code_before", kTrueNo},
    {"venue_ambiguous_code_at_200_after", kTrueNo},
    {"venue_unlisted_code_after", kTrueNo},
    {"venue_unlisted_code_before", kTrueNo},
    {"venue_ack_without_execution", kTrueResult},
    {"venue_close_leg_only", kTrueResult},
    {"venue_partial_margin", kTrueResult},
    {"venue_no_margin", kTrueResult},
    {"venue_late_ack", kOneEnd},
    {"venue_late_execution", kTrueNo},
    {"venue_late_fill", kTrueResult},
    {"venue_late_open_leg", kTrueResult},
    {"venue_not_json_after", kTrueNo},
    {"venue_not_json_before", kResolved},
    {"venue_empty_after", kTrueNo},
    {"venue_empty_before", kResolved},
    {"venue_oversize_after", kTrueNo},
    {"venue_foreign_client_oid", kTrueResult},
    // The venue, to look-ups and in general.
    {"lookup_server_error", kTrueNo},
    {"lookup_not_json", kTrueNo},
    {"lookup_bare_429", kTrueNo},
    {"lookup_stalled", kResolved},
    {"lookup_truncated", kTrueNo},
    {"lookup_late", kResolved},
    {"lookup_of_other_account", kTrueNo},
    {"venue_key_refused", kNoLeak},
    {"venue_contract_closed", kTrueNo},
    {"venue_foreign_row", kTrueResult},
    {"venue_unreadable_row", kTrueResult},
    {"venue_short_of_margin", kTrueResult},
    {"venue_oid_on_open_leg", kTrueResult},
    {"venue_oid_on_both_legs", kTrueResult},
    {"venue_oid_nowhere", kTrueNo},
    {"venue_order_id_on_open_leg", kTrueResult},
    {"venue_refuses_used_oid", kTrueNo},
    {"venue_history_lags", kTrueNo},
    {"venue_orders_lag", kTrueNo},
    {"venue_positions_lag", kTrueResult},
    {"venue_lags_vary", kTrueNo},
    {"venue_history_lags_beyond_bound", kTrueNo},
    {"venue_short_pages", kResolved},
    {"venue_pages_oldest_first", kResolved},
    {"venue_pages_in_no_order", kTrueNo},
    {"venue_positions_unreadable", kFresh},
    {"venue_legs_apart", kTrueResult},
    {"venue_lists_one_order", kTrueResult},
    {"venue_lists_one_order_of_both_sizes", kTrueResult},
    {"venue_rows_echo_the_side", kTrueResult},
    {"venue_rows_have_no_side", kTrueResult},
    {"venue_rows_swap_the_side", kTrueResult},
    {"venue_clocks_apart", kTrueResult},
    {"venue_clocks_further_apart_than_believed", kTrueResult},
    {"venue_clock_step", kTrueNo},
    {"venue_clock_drift", kTrueNo},
    {"venue_counts_otherwise", kRate},
    {"venue_lead_trader_unannounced", kRate},
    {"venue_uid_as_number", kOneUid},
    {"venue_uid_absent", kNoLeak},
    {"venue_uid_of_two_accounts", kOneUid},
    {"other_trader_opens", kTrueResult},
    {"other_trader_closes", kTrueResult},
    {"other_liquidation", kTrueResult},
    {"other_stop_turns", kFresh},
    // Our process and its machine.
    {"process_killed_before_append", kNotForgotten},
    {"process_killed_after_append", kNotForgotten},
    {"process_killed_before_write", kTrueNo},
    {"process_killed_after_write", kOnce},
    {"process_killed_at_reply", kOnce},
    {"process_killed_before_publish", kOneEnd},
    {"process_killed_after_publish", kOneEnd},
    {"process_killed_at_disk", kNotForgotten},
    {"process_killed_at_start", kNotForgotten},
    {"process_paused", kDeadline},
    {"clock_frozen", kDeadline},
    {"process_stopped", kNotForgotten},
    {"wall_clock_step", kOnce},
    {"power_lost", kOnce},
    {"account_key_of_another_uid", kTrueNo},
    {"halted_by_operator", kHalt},
    {"account_halted_by_operator", kHalt},
    // Its storage.
    {"disk_full", kBlocked},
    {"disk_write_error", kBlocked},
    {"disk_sync_error", kNotForgotten},
    {"disk_short_write", kNotForgotten},
    {"disk_torn_write", kNotForgotten},
    {"disk_bit_flip", kVouched},
    {"segment_lost", kVouched},
    {"hot_segment_lost", kVouched},
    {"journal_lost", kOnce},
    {"state_rolled_back", kOnce},
    {"segments_rolled_back", kBlocked},
    {"clock_back_to_an_earlier_start", kOnce},
    {"hot_allocation_fails", kVouched},
    {"hot_map_fails", kVouched},
    {"disk_stalls", kOneEnd},
    {"journal_ring_full", kOneEnd},
    // Strategies.
    {"strategy_dies", kOneEnd},
    {"strategy_stalls", kOneEnd},
    {"strategy_reattaches_from_start", kOneEnd},
    {"strategy_repeats_id", kOnce},
    {"strategy_malformed_intent", kOneEnd},
    {"strategy_floods", kOneEnd},
    {"strategy_fires_twice", kOnce},
    {"strategy_deadline_past", kDeadline},
    {"strategy_withdraws", kOneEnd},
    {"strategy_wrong_expectation", kTrueNo},
};
static_assert(std::size(kKinds) <= kMaxFaultKinds);

}  // namespace

std::span<const FaultKind> fault_kinds() noexcept { return kKinds; }

void FaultCounts::fire(std::string_view name, std::uint64_t times) noexcept {
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const FaultKind& kind) { return kind.name == name; });
  BH_ASSERT(found != std::end(kKinds));
  fired_[static_cast<std::size_t>(found - kKinds)] += times;
}

void FaultCounts::add(const FaultCounts& other) noexcept {
  for (std::size_t i = 0; i < kMaxFaultKinds; ++i) fired_[i] += other.fired_[i];
}

}  // namespace backhand::simulation
