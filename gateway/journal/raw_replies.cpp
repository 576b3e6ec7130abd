#include "gateway/journal/raw_replies.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <span>

#include "gateway/journal/crc32c.hpp"

namespace backhand::journal {
namespace {

constexpr std::uint32_t kMagic = 0x3150'5242;  // "BRP1"
constexpr std::string_view kCurrent = "/raw_replies.bhr";
constexpr std::string_view kOlder = "/raw_replies.old.bhr";

/// Before each reply's texts: body, message, trace id, in this order, padded with zeros to 8 bytes.
struct Frame {
  std::uint32_t magic;
  std::uint32_t crc;  ///< Of the rest of the frame and the texts.
  std::uint64_t sequence;
  std::int64_t real_ns;
  std::uint32_t epoch;
  std::uint32_t full_body_bytes;
  std::uint16_t lane;
  std::uint16_t http_status;
  std::uint16_t body_bytes;
  std::uint16_t message_bytes;
  std::uint16_t trace_bytes;
  std::uint16_t reserved;
  std::uint32_t reserved_too;
};
static_assert(sizeof(Frame) == 48 && std::has_unique_object_representations_v<Frame>);

std::size_t texts_of(const Frame& frame) noexcept {
  const std::size_t bytes = std::size_t{frame.body_bytes} + frame.message_bytes + frame.trace_bytes;
  return (bytes + 7) / 8 * 8;
}

std::uint32_t crc_of(std::string_view frame_and_texts) noexcept {
  return crc32c(std::as_bytes(std::span{frame_and_texts}).subspan(offsetof(Frame, sequence)));
}

template <std::size_t N>
std::uint16_t keep(std::array<char, N>& into, std::string_view text) noexcept {
  const std::size_t count = std::min(N, text.size());
  std::copy_n(text.begin(), count, into.begin());
  return static_cast<std::uint16_t>(count);
}

}  // namespace

RawReplies::RawReplies(Storage& storage, std::string state_dir, std::uint64_t keep_bytes,
                       std::size_t queue_slots)
    : storage_{storage},
      path_{std::move(state_dir)},
      keep_bytes_{keep_bytes},
      slots_(std::bit_ceil(std::max<std::size_t>(queue_slots, 2))) {}

bool RawReplies::push(const RawReply& reply) noexcept {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  if (head - tail_.load(std::memory_order_acquire) == slots_.size()) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  Slot& slot = slots_[head & (slots_.size() - 1)];
  slot.key = reply.key;
  slot.real_ns = reply.real_ns;
  slot.http_status = reply.http_status;
  slot.full_body_bytes = static_cast<std::uint32_t>(
      std::min<std::size_t>(reply.body.size(), std::numeric_limits<std::uint32_t>::max()));
  slot.body_bytes = keep(slot.body, reply.body);
  slot.message_bytes = keep(slot.message, reply.message);
  slot.trace_bytes = keep(slot.trace, reply.trace_id);
  head_.store(head + 1, std::memory_order_release);
  return true;
}

std::size_t RawReplies::do_work() {
  const std::uint64_t head = head_.load(std::memory_order_acquire);
  std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  std::size_t written = 0;
  while (tail != head) {
    std::expected<void, Error> done;
    try {
      done = write(slots_[tail & (slots_.size() - 1)]);
    } catch (const std::bad_alloc&) {
      done = std::unexpected(Error{});
    }
    if (done) {
      trouble_.clear();
      ++written;
    } else {
      trouble_ = done.error().message;
      lost_.fetch_add(1, std::memory_order_relaxed);
      file_.reset();  // Found anew, with its true end, next time.
    }
    tail_.store(++tail, std::memory_order_release);
  }
  return written;
}

std::expected<void, Error> RawReplies::ensure_open() {
  const std::string current = path_ + std::string{kCurrent};
  if (file_.is_open() && offset_ >= keep_bytes_ / 2) {
    file_.reset();
    if (const auto moved = storage_.rename(current, path_ + std::string{kOlder}); !moved)
      return std::unexpected(os_error("cannot rename " + current, moved.error()));
  }
  if (file_.is_open()) return {};
  auto file = File::open(storage_, current, OpenMode::create);
  if (!file) return std::unexpected(file.error());
  const auto size = storage_.size(file->handle());
  if (!size) return std::unexpected(os_error("cannot ask the size of " + current, size.error()));
  file_ = std::move(*file);
  offset_ = (*size + 7) / 8 * 8;
  return {};
}

std::expected<void, Error> RawReplies::write(const Slot& slot) {
  if (auto open = ensure_open(); !open) return open;
  Frame frame{kMagic,
              0,
              slot.key.sequence,
              slot.real_ns,
              slot.key.epoch,
              slot.full_body_bytes,
              slot.key.lane,
              slot.http_status,
              slot.body_bytes,
              slot.message_bytes,
              slot.trace_bytes,
              0,
              0};
  frame_.assign(sizeof(frame), '\0');
  frame_.append(slot.body.data(), slot.body_bytes);
  frame_.append(slot.message.data(), slot.message_bytes);
  frame_.append(slot.trace.data(), slot.trace_bytes);
  frame_.resize(sizeof(frame) + texts_of(frame), '\0');
  std::memcpy(frame_.data(), &frame, sizeof(frame));
  frame.crc = crc_of(frame_);
  std::memcpy(frame_.data(), &frame, sizeof(frame));
  const auto written = write_all(storage_, file_.handle(), std::as_bytes(std::span{frame_}), offset_);
  if (!written)
    return std::unexpected(os_error("cannot write to " + path_ + std::string{kCurrent}, written.error()));
  offset_ += frame_.size();
  return {};
}

std::expected<std::uint64_t, Error> read_raw_replies(Storage& storage, const std::string& state_dir,
                                                     const std::function<void(const RawReply&)>& sink) {
  std::uint64_t damaged = 0;
  for (const std::string_view name : {kOlder, kCurrent}) {
    const std::string path = state_dir + std::string{name};
    const auto handle = storage.open(path, OpenMode::read);
    if (!handle && handle.error() == ENOENT) continue;
    if (!handle) return std::unexpected(os_error("cannot open " + path, handle.error()));
    const File file{storage, *handle};
    const auto size = storage.size(file.handle());
    if (!size) return std::unexpected(os_error("cannot ask the size of " + path, size.error()));
    std::string text(static_cast<std::size_t>(*size), '\0');
    const auto got =
        read_fully(storage, file.handle(), std::as_writable_bytes(std::span{text.data(), text.size()}), 0);
    if (!got) return std::unexpected(os_error("cannot read " + path, got.error()));
    std::string_view left = std::string_view{text}.substr(0, *got);
    bool in_damage = false;
    while (left.size() >= sizeof(Frame)) {
      Frame frame{};
      std::memcpy(&frame, left.data(), sizeof(frame));
      const bool whole = frame.magic == kMagic && left.size() >= sizeof(frame) + texts_of(frame) &&
                         frame.crc == crc_of(left.substr(0, sizeof(frame) + texts_of(frame)));
      if (!whole) {
        // Frames begin at multiples of 8: the next whole one is found again.
        if (!in_damage) ++damaged;
        in_damage = true;
        left.remove_prefix(8);
        continue;
      }
      in_damage = false;
      const std::string_view texts = left.substr(sizeof(frame));
      sink(RawReply{{frame.epoch, frame.lane, frame.sequence},
                    frame.real_ns,
                    frame.http_status,
                    frame.full_body_bytes > frame.body_bytes,
                    texts.substr(0, frame.body_bytes),
                    texts.substr(frame.body_bytes, frame.message_bytes),
                    texts.substr(std::size_t{frame.body_bytes} + frame.message_bytes, frame.trace_bytes)});
      left.remove_prefix(sizeof(frame) + texts_of(frame));
    }
    if (!left.empty() && !in_damage) ++damaged;
  }
  return damaged;
}

}  // namespace backhand::journal
