// The venue's replies as they came, kept beside the journal for disputes: body cut to 4 KiB, status, the
// venue's `msg` and x-traceid. Best effort: a full queue or disk loses replies, counted, and stops nothing.
// Only what the venue sent is written; requests, and with them keys and signatures, never come here.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.hpp"
#include "common/time.hpp"
#include "gateway/journal/client_oid.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {

inline constexpr std::size_t kMaxReplyBody = 4096;
inline constexpr std::size_t kMaxReplyMessage = 256;
inline constexpr std::size_t kMaxTraceId = 64;

/// One reply; the texts belong to the caller.
struct RawReply {
  ReversalKey key;
  std::int64_t real_ns = 0;
  std::uint16_t http_status = 0;  ///< 0: no status line came.
  bool body_cut = false;          ///< Set by the file where the body was longer than kept.
  std::string_view body;
  std::string_view message;
  std::string_view trace_id;
};

class RawReplies {
 public:
  /// `keep_bytes` bounds the directory: two files of half of it each, the older one dropped.
  RawReplies(Storage& storage, std::string state_dir, std::uint64_t keep_bytes, std::size_t queue_slots);

  /// Copies the reply into the queue; false, counted, where it is full. Called from: the I/O thread only. No
  /// allocation, no system call.
  bool push(const RawReply& reply) noexcept;
  /// Writes what is queued; returns how many. Called from: the disk thread only.
  std::size_t do_work();

  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }
  /// Why the last write failed; empty after a good one. Disk thread.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }

 private:
  struct Slot {
    ReversalKey key;
    std::int64_t real_ns;
    std::uint32_t full_body_bytes;
    std::uint16_t body_bytes;
    std::uint16_t message_bytes;
    std::uint16_t trace_bytes;
    std::uint16_t http_status;
    std::array<char, kMaxReplyBody> body;
    std::array<char, kMaxReplyMessage> message;
    std::array<char, kMaxTraceId> trace;
  };

  [[nodiscard]] std::expected<void, Error> ensure_open();
  [[nodiscard]] std::expected<void, Error> write(const Slot& slot);

  Storage& storage_;
  std::string path_;
  std::uint64_t keep_bytes_;
  std::vector<Slot> slots_;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // Released by push; pairs with do_work.
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // Released by do_work; pairs with push.
  std::atomic<std::uint64_t> lost_{0};
  File file_;
  std::uint64_t offset_ = 0;
  std::string frame_;
  std::string trouble_;
};

/// Calls `sink` for every whole reply, oldest first. Damaged ones are stepped over and counted in the result.
[[nodiscard]] std::expected<std::uint64_t, Error> read_raw_replies(
    Storage& storage, const std::string& state_dir, const std::function<void(const RawReply&)>& sink);

}  // namespace backhand::journal
