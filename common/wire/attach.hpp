// What a strategy and the gateway say over the attach socket (Unix, SOCK_SEQPACKET): one request, one reply
// with three descriptors, then silence. The socket stays open; its closing is the other side's death.
// Part of the ABI (kAbiVersion).
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "common/fixed_string.hpp"
#include "common/wire/lane.hpp"

namespace backhand::wire {

inline constexpr std::uint64_t kAttachMagic = 0x31'6863'6174'7461'62;  // "battach1", little endian.
/// Raised with any change of the messages below or of what their fields mean.
inline constexpr std::uint32_t kAbiVersion = 2;

// AttachRequest::cursor: which journaled outcomes of the lane are told again. A number: those with a higher
// record number. Or one of these:
/// All that the gateway still keeps.
inline constexpr std::uint64_t kCursorAll = 0;
/// What the lane's strategy has not noted yet, see LaneHeader::noted. The default.
inline constexpr std::uint64_t kCursorOwed = UINT64_MAX - 1;
/// None.
inline constexpr std::uint64_t kCursorNow = UINT64_MAX;

struct AttachRequest {
  std::uint64_t magic;
  std::uint32_t abi_version;
  std::uint32_t layout_version;
  StrategyName strategy;
  LaneName lane;
  std::uint64_t cursor;  ///< A record number, or kCursor….
};

enum class AttachStatus : std::uint32_t {
  ok = 0,
  bad_request = 1,       ///< Not an attach request, or names that are empty or not zero-padded.
  wrong_abi = 2,         ///< kAbiVersion differs.
  wrong_layout = 3,      ///< kLayoutVersion differs.
  unknown_strategy = 4,  ///< No such strategy in the configuration.
  wrong_user = 5,        ///< The peer's user may not attach under this name.
  already_attached = 6,  ///< This lane is attached, by somebody who lives.
  too_many_lanes = 7,    ///< The strategy's or the gateway's number of lane names.
  no_memory = 8,         ///< The lane's memory could not be had.
  busy = 9,              ///< Too many peers are attaching at this moment.
  too_slow = 10,         ///< The request did not come in time.
  stopping = 11,         ///< The gateway is shutting down.
  /// The cursor lies above the lane's last record: the journal was lost, or an older copy runs. Ids above its
  /// taken mark may have been executed, so the strategy has to look before it goes on with a cursor of 0.
  journal_behind = 12,
  journal_failed = 13,  ///< No new lane can be recorded; those on record are served.
};

/// Order of the descriptors that come with a reply whose status is ok.
inline constexpr std::size_t kLaneFd = 0;
inline constexpr std::size_t kDoorbellFd = 1;
inline constexpr std::size_t kEventFd = 2;
inline constexpr std::size_t kAttachFds = 3;

struct AttachReply {
  std::uint64_t magic;
  std::uint32_t abi_version;
  std::uint32_t layout_version;
  AttachStatus status;
  std::uint32_t lane;              ///< The lane's number, with ok; as are all below but the message.
  std::uint64_t taken_mark;        ///< Highest intent id ever taken on this lane; 0: none.
  std::uint64_t last_record;       ///< Highest record number of this lane; 0: none.
  std::uint32_t intent_capacity;   ///< Slots.
  std::uint32_t outcome_capacity;  ///< Slots.
  std::uint32_t doorbell_lanes;    ///< Bits in the doorbell.
  std::uint32_t reserved;
  std::uint64_t cursor;      ///< Journaled outcomes with a higher record number are told; ≤ last_record.
  FixedString<160> message;  ///< For a person; says what to do where status is not ok.
};

static_assert(sizeof(AttachRequest) == 72 && sizeof(AttachReply) == 224);
static_assert(std::has_unique_object_representations_v<AttachRequest>);
static_assert(std::has_unique_object_representations_v<AttachReply>);

}  // namespace backhand::wire
