// One intent from the moment it is taken until its terminal event, and, where its end is unresolved, until an
// operator has spoken. Lives in a pool slot of the engine; the slot's number is its handle in pacing, order
// and settlement.
#pragma once

#include <cstdint>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "common/wire/outcome.hpp"
#include "gateway/domain/ground.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/domain/reversal.hpp"
#include "gateway/journal/client_oid.hpp"
#include "gateway/journal/record.hpp"
#include "gateway/order/case.hpp"
#include "gateway/order/reversal_state.hpp"
#include "gateway/pacing/budget.hpp"

namespace backhand::engine {

inline constexpr std::uint32_t kNoSlot = UINT32_MAX;

/// For what a waiting intent waits.
enum class WaitsFor : std::uint8_t {
  nothing,
  slot,        ///< A rate slot: pacing holds it.
  position,    ///< An earlier reversal of its position.
  connection,  ///< A free connection, or room in the journal; its rate slot was given back.
  durable,     ///< Its `intended` record is on its way to the disk.
};

struct OpenReversal {
  order::ReversalState state = order::ReversalState::waiting;
  WaitsFor waits_for = WaitsFor::nothing;
  bool in_use = false;
  bool occupies = false;        ///< Holds its position in the book.
  bool taken_recorded = false;  ///< Its `taken` record is in the journal.
  bool told_unknown = false;
  bool told_queued = false;
  bool awaits_uid = false;       ///< Of an earlier start: not looked up before its account's UID is proven.
  bool is_sending = false;       ///< Its `intended` record stands: more records are kept room for.
  std::uint16_t generation = 0;  ///< Of the slot, so that a late reply finds nothing.
  LaneIndex lane;
  StrategyIndex strategy;
  AccountIndex account;
  PositionIndex position;
  std::uint32_t shot = kNoSlot;  ///< The shot that it fires, as long as that has not ended.
  wire::Intent intent{};
  journal::ReversalKey key;
  wire::ClientOid client_oid;
  VenueMs signed_venue_ms = 0;
  VenueMs written_venue_ms = 0;
  domain::PositionSnapshot before;
  pacing::Ticket ticket;
  std::uint64_t durable_number = 0;  ///< With waits_for == durable.
  // Stage times, as told in every event.
  Ns taken_ns = 0;
  Ns slot_ns = 0;
  Ns encoded_ns = 0;
  Ns written_ns = 0;
  Ns replied_ns = 0;
  std::uint16_t connection = 0;
  std::uint16_t http_status = 0;
  /// With sent: the venue's no, until it is certain that it answers this request. `unknown`: none came.
  domain::Verdict refusal = domain::Verdict::unknown;
  VenueMs refused_venue_ms = 0;                ///< With refusal: the reply's requestTime,
  int quota_left = -1;                         ///< and what it said of the allowance.
  order::Answer answer = order::Answer::none;  ///< With awaits_uid: the reply that the journal has,
  VenueMs answered_venue_ms = 0;               ///< and its time.
  wire::OrderId order_id;
  wire::VenueCode venue_code;
  wire::CodeClass code_class = wire::CodeClass::none;
  domain::Ground ground = domain::Ground::none;  ///< What decided its end.
  // Lists through the pool.
  std::uint32_t next_in_lane = kNoSlot;
  std::uint32_t previous_in_lane = kNoSlot;
  std::uint32_t next_waiter = kNoSlot;  ///< With waits_for == position: next in that position's queue.
};

/// What is recorded of an intent that waits, or of a shot that is armed.
[[nodiscard]] inline journal::Taken taken_body(const wire::Intent& intent) noexcept {
  journal::Taken body{};
  body.intent_id = intent.id;
  body.created_ns = intent.created_ns;
  body.account = intent.account;
  body.symbol = intent.symbol;
  body.user_tag = intent.user_tag;
  return body;
}

/// What the dialect is asked to say for `intent`.
[[nodiscard]] inline domain::ReversalRequest request_of(const wire::Intent& intent, AccountIndex account,
                                                        PositionIndex position,
                                                        const wire::ClientOid& client_oid) noexcept {
  domain::ReversalRequest request;
  request.account = account;
  request.position = position;
  request.held_side = intent.position_side;
  request.has_size = (intent.flags & wire::kHasSize) != 0;
  if (request.has_size) request.size = Decimal{intent.size_digits, intent.size_scale};
  request.client_oid = client_oid;
  return request;
}

}  // namespace backhand::engine
