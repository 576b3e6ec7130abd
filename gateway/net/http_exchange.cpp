#include "gateway/net/http_exchange.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "common/assert.hpp"

namespace backhand::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t kPadding = 64;        // simdjson reads so far past the end of its input.
constexpr std::size_t kMaxFields = 128;     // More than any honest server sends.
constexpr unsigned kMaxInterimReplies = 8;  // 1xx before the final reply.
/// "0\r\n\r\n": whatever is missing of a body in chunks ends with as much. Beast looks at a last chunk again
/// and asserts that all of this is there by then, so it is given no less.
constexpr std::size_t kLastChunkBytes = 5;
constexpr std::size_t kRecordBytes = 16'384;
constexpr std::size_t kTouchedBytes = 65'536;

std::string_view view(boost::beast::string_view text) noexcept { return {text.data(), text.size()}; }

/// Beast's grammar, our storage: fields stay views into the exchange's buffer, and the pieces of a body are
/// moved together in that buffer. A piece is only ever moved towards the front, over bytes already parsed.
class ReplyParser final : public http::basic_parser<false> {
 public:
  ReplyParser(ExchangeLimits limits, std::span<HeaderField> storage) noexcept : storage_(storage) {
    eager(true);
    header_limit(static_cast<std::uint32_t>(limits.max_header_bytes));
    body_limit(limits.max_body_bytes);
  }

  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] std::span<const HeaderField> fields() const noexcept { return storage_.first(field_count_); }
  [[nodiscard]] std::string_view body() const noexcept { return {body_, body_size_}; }
  [[nodiscard]] const char* body_end() const noexcept { return body_ + body_size_; }
  [[nodiscard]] bool in_body() const noexcept { return is_header_done(); }

 private:
  using BeastView = boost::beast::string_view;

  void on_request_impl(http::verb, BeastView, BeastView, int, error_code&) override {}
  void on_response_impl(int code, BeastView, int, error_code& ec) override {
    if (code < 100) ec = http::error::bad_status;  // Three digits, says Beast, and is content with 000.
    status_ = code;
  }
  void on_field_impl(http::field, BeastView name, BeastView value, error_code& ec) override {
    if (header_done_) return;  // A trailer cannot change what the head said.
    if (field_count_ == storage_.size()) {
      ec = http::error::header_limit;
      return;
    }
    storage_[field_count_++] = {view(name), view(value)};
  }
  void on_header_impl(error_code&) override { header_done_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView piece, error_code&) override { return append(piece); }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView piece, error_code&) override {
    return append(piece);
  }
  void on_finish_impl(error_code&) override {}

  std::size_t append(BeastView piece) noexcept {
    if (body_ == nullptr) body_ = const_cast<char*>(piece.data());
    char* const end = body_ + body_size_;
    if (end != piece.data()) std::memmove(end, piece.data(), piece.size());
    body_size_ += piece.size();
    return piece.size();
  }

  std::span<HeaderField> storage_;
  std::size_t field_count_ = 0;
  char* body_ = nullptr;
  std::size_t body_size_ = 0;
  int status_ = 0;
  bool header_done_ = false;
};

}  // namespace

class HttpExchange::Parser {
 public:
  std::array<HeaderField, kMaxFields> storage;
  std::optional<ReplyParser> beast;
};

HttpExchange::HttpExchange(ExchangeLimits limits)
    : limits_(limits),
      // A head, a body, and one more record, so that a body at its limit that comes in chunks still finds
      // room for the framing around the last piece.
      capacity_(limits.max_header_bytes + limits.max_body_bytes + kRecordBytes),
      buffer_(std::make_unique_for_overwrite<char[]>(capacity_ + kPadding)),
      parser_(std::make_unique<Parser>()) {
  // The part that replies use is paged in now rather than under the first one.
  std::memset(buffer_.get(), 0, std::min(capacity_, kTouchedBytes) + kPadding);
}

HttpExchange::~HttpExchange() = default;

void HttpExchange::add_to(NearMemory& near) const {
  // A usual reply has a head of some twenty fields and a short body.
  constexpr std::size_t kUsed = 2'048;
  constexpr std::size_t kFields = 20;
  near.add(*this);
  near.add(buffer_.get(), std::min(capacity_, kUsed));
  near.add(parser_->beast);
  near.add(parser_->storage.data(), kFields * sizeof(HeaderField));
}

void HttpExchange::begin() noexcept {
  BH_ASSERT(state_ == ExchangeState::idle);
  parsed_ = 0;
  received_ = 0;
  interim_replies_ = 0;
  parser_->beast.emplace(limits_, parser_->storage);
  state_ = ExchangeState::awaiting_reply;
}

std::span<char> HttpExchange::space() noexcept {
  if (received_ == capacity_ && state_ == ExchangeState::awaiting_reply && parser_->beast->in_body()) {
    // What chunk framing took up is free again: close the gap between the body so far and the bytes behind
    // it.
    const char* body_end = parser_->beast->body_end();
    if (body_end != nullptr) {
      const auto to = static_cast<std::size_t>(body_end - buffer_.get());
      std::memmove(buffer_.get() + to, buffer_.get() + parsed_, received_ - parsed_);
      received_ -= parsed_ - to;
      parsed_ = to;
    }
  }
  if (state_ == ExchangeState::idle) received_ = parsed_ = 0;
  return {buffer_.get() + received_, capacity_ - received_};
}

FeedStatus HttpExchange::commit(std::size_t count) noexcept {
  BH_ASSERT(count <= capacity_ - received_);
  if (count == 0) return state_ == ExchangeState::replied ? FeedStatus::complete : FeedStatus::need_more;
  received_ += count;
  switch (state_) {
    case ExchangeState::idle:
      return fail(FeedStatus::unsolicited_bytes);
    case ExchangeState::awaiting_reply:
      return parse();
    case ExchangeState::replied:
      return FeedStatus::complete;  // Not reusable now: see reusable().
    case ExchangeState::broken:
      return FeedStatus::malformed;
  }
  return FeedStatus::malformed;
}

FeedStatus HttpExchange::feed(std::string_view bytes) noexcept {
  FeedStatus status = state_ == ExchangeState::replied ? FeedStatus::complete : FeedStatus::need_more;
  while (!bytes.empty()) {
    const std::span<char> room = space();
    if (room.empty()) {
      return state_ == ExchangeState::awaiting_reply ? fail(FeedStatus::too_large) : status;
    }
    const std::size_t count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    status = commit(count);
    if (status != FeedStatus::need_more && status != FeedStatus::complete) return status;
  }
  return status;
}

FeedStatus HttpExchange::parse() noexcept {
  for (;;) {
    ReplyParser& beast = *parser_->beast;
    if (beast.in_body() && beast.chunked() && received_ - parsed_ < kLastChunkBytes) {
      return received_ == capacity_ && space().empty() ? fail(FeedStatus::too_large) : FeedStatus::need_more;
    }
    error_code ec;
    const std::size_t taken =
        beast.put(boost::asio::const_buffer(buffer_.get() + parsed_, received_ - parsed_), ec);
    parsed_ += taken;
    if (ec == http::error::body_limit || ec == http::error::header_limit) return fail(FeedStatus::too_large);
    if (ec && ec != http::error::need_more) return fail(FeedStatus::malformed);
    if (!beast.is_done()) {
      // Beast takes the head field by field and bounds each step only.
      const bool long_head = !beast.is_header_done() && received_ > limits_.max_header_bytes;
      if (long_head || (received_ == capacity_ && space().empty())) return fail(FeedStatus::too_large);
      return FeedStatus::need_more;
    }
    if (beast.status() / 100 != 1) {
      state_ = ExchangeState::replied;
      return FeedStatus::complete;
    }
    // An interim reply answers nothing yet; 101 would change the protocol, which nobody asked for.
    if (beast.status() == 101 || ++interim_replies_ > kMaxInterimReplies) return fail(FeedStatus::malformed);
    std::memmove(buffer_.get(), buffer_.get() + parsed_, received_ - parsed_);
    received_ -= parsed_;
    parsed_ = 0;
    parser_->beast.emplace(limits_, parser_->storage);
    if (received_ == 0) return FeedStatus::need_more;
  }
}

FeedStatus HttpExchange::end_of_stream(bool orderly) noexcept {
  if (state_ == ExchangeState::awaiting_reply && orderly && parser_->beast->is_header_done() &&
      parser_->beast->need_eof()) {
    error_code ec;
    parser_->beast->put_eof(ec);
    if (!ec) {
      state_ = ExchangeState::replied;
      return FeedStatus::complete;
    }
  }
  if (state_ == ExchangeState::replied) return FeedStatus::complete;
  return fail(FeedStatus::need_more);
}

ReplyView HttpExchange::reply() const noexcept {
  BH_ASSERT(state_ == ExchangeState::replied);
  const ReplyParser& beast = *parser_->beast;
  ReplyView reply;
  reply.http_status = beast.status();
  reply.fields = beast.fields();
  reply.body = beast.body();
  if (reply.body.data() == nullptr) reply.body = {buffer_.get() + parsed_, 0};
  return reply;
}

bool HttpExchange::reusable() const noexcept {
  return state_ == ExchangeState::replied && parsed_ == received_ && parser_->beast->keep_alive();
}

void HttpExchange::finish() noexcept {
  BH_ASSERT(state_ == ExchangeState::replied);
  state_ = reusable() ? ExchangeState::idle : ExchangeState::broken;
}

FeedStatus HttpExchange::fail(FeedStatus status) noexcept {
  state_ = ExchangeState::broken;
  return status;
}

}  // namespace backhand::net
