// HTTP/1.1 on one connection, without the connection: one request outstanding, its reply parsed where it
// lies. Pure: plain bytes in, one reply out; no clock, no socket, no allocation after construction. One
// owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "common/near_memory.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::net {

struct ExchangeLimits {
  std::size_t max_body_bytes = 1'048'576;
  std::size_t max_header_bytes = 16'384;
};

enum class ExchangeState : std::uint8_t {
  idle,            ///< Nothing outstanding: any byte is unsolicited.
  awaiting_reply,  ///< A request is out; its reply is not yet whole.
  replied,         ///< The reply is whole and may be read until finish().
  broken,          ///< The connection must not be used again.
};

enum class FeedStatus : std::uint8_t {
  need_more,          ///< All taken; the reply is not yet whole.
  complete,           ///< The reply is whole.
  malformed,          ///< Not HTTP, or not framed as it must be.
  too_large,          ///< Head or body over the limit.
  unsolicited_bytes,  ///< Bytes while nothing was outstanding.
};

class HttpExchange {
 public:
  explicit HttpExchange(ExchangeLimits limits);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  [[nodiscard]] ExchangeState state() const noexcept { return state_; }

  /// A request is about to be written: idle → awaiting_reply. A bug in any other state.
  void begin() noexcept;

  /// Where the next received bytes belong; empty only when the reply is too large.
  [[nodiscard]] std::span<char> space() noexcept;
  /// `count` bytes were put at the start of space(). An error breaks the exchange for good.
  [[nodiscard]] FeedStatus commit(std::size_t count) noexcept;
  /// space() and commit() for bytes that lie elsewhere.
  [[nodiscard]] FeedStatus feed(std::string_view bytes) noexcept;

  /// The peer closed. `orderly`: it said so before (close_notify), so nothing was cut off. `complete` where a
  /// reply without length was thereby made whole, `need_more` where nothing was outstanding or the reply is
  /// lost. The exchange is broken afterwards, or replied and not reusable.
  [[nodiscard]] FeedStatus end_of_stream(bool orderly) noexcept;

  /// With replied. Status, body and fields of the reply; the views live until finish().
  [[nodiscard]] ReplyView reply() const noexcept;
  /// With replied. Were more bytes received than the reply has?
  [[nodiscard]] bool has_surplus() const noexcept {
    return state_ == ExchangeState::replied && parsed_ != received_;
  }
  /// With replied. False where the peer closes, or bytes followed the reply: no further request then.
  [[nodiscard]] bool reusable() const noexcept;
  /// The reply has been read: → idle, or broken where it is not reusable.
  void finish() noexcept;

  /// What the next reply will use.
  void add_to(NearMemory& near) const;

 private:
  class Parser;
  [[nodiscard]] FeedStatus parse() noexcept;
  [[nodiscard]] FeedStatus fail(FeedStatus status) noexcept;

  ExchangeLimits limits_;
  std::size_t capacity_;  ///< Without the padding.
  std::unique_ptr<char[]> buffer_;
  std::unique_ptr<Parser> parser_;
  std::size_t parsed_ = 0;    ///< Bytes of the buffer that the parser has taken.
  std::size_t received_ = 0;  ///< Bytes of the buffer that hold something.
  unsigned interim_replies_ = 0;
  ExchangeState state_ = ExchangeState::idle;
};

}  // namespace backhand::net
