#include "gateway/journal/client_oid.hpp"

#include <algorithm>
#include <array>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::journal {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kEpochDigits = 7;
constexpr std::size_t kLaneDigits = 4;
constexpr std::size_t kSequenceDigits = 8;

char* write_digits(char* out, std::uint64_t value, std::size_t width) noexcept {
  for (std::size_t i = width; i-- > 0;) {
    out[i] = kDigits[value % 36];
    value /= 36;
  }
  return out + width;
}

/// One field with the dash before it; moves `text` behind it.
std::optional<std::uint64_t> read_digits(std::string_view& text, std::size_t width) noexcept {
  if (text.size() < width + 1 || text[0] != '-') return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(1, width)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'z')) return std::nullopt;
    value = value * 36 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(width + 1);
  return value;
}

}  // namespace

bool is_oid_prefix(std::string_view prefix) noexcept {
  return !prefix.empty() && prefix.size() <= kMaxOidPrefix && std::ranges::all_of(prefix, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

wire::ClientOid render_client_oid(std::string_view prefix, ReversalKey key) noexcept {
  static_assert(kMaxOidPrefix + kOidTail <= sizeof(wire::ClientOid));
  BH_ASSERT(prefix.size() <= kMaxOidPrefix && key.sequence < kMaxSequence);
  wire::ClientOid oid;
  char* out = std::ranges::copy(prefix, oid.bytes.data()).out;
  *out++ = '-';
  out = write_digits(out, key.epoch, kEpochDigits);
  *out++ = '-';
  out = write_digits(out, key.lane, kLaneDigits);
  *out++ = '-';
  write_digits(out, key.sequence, kSequenceDigits);
  return oid;
}

OidSeries::OidSeries(std::string_view prefix, std::uint32_t epoch) noexcept
    : tail_at_(prefix.size()), last_{{epoch, 0, 0}, render_client_oid(prefix, {epoch, 0, 0})} {}

BH_ON_PATH OidSeries::Name OidSeries::next(std::uint16_t lane) noexcept {
  BH_ASSERT(last_.key.sequence + 1 < kMaxSequence);
  char* const lane_text = last_.text.bytes.data() + tail_at_ + 1 + kEpochDigits + 1;
  if (lane != last_.key.lane) write_digits(lane_text, lane, kLaneDigits);
  last_.key.lane = lane;
  ++last_.key.sequence;
  char* digit = lane_text + kLaneDigits + 1 + kSequenceDigits - 1;
  while (*digit == kDigits.back()) *digit-- = kDigits.front();
  *digit = *digit == '9' ? 'a' : static_cast<char>(*digit + 1);
  return last_;
}

std::optional<ParsedOid> parse_client_oid(std::string_view text) noexcept {
  if (text.size() <= kOidTail) return std::nullopt;
  const std::string_view prefix = text.substr(0, text.size() - kOidTail);
  if (!is_oid_prefix(prefix)) return std::nullopt;
  std::string_view rest = text.substr(prefix.size());
  const auto epoch = read_digits(rest, kEpochDigits);
  const auto lane = read_digits(rest, kLaneDigits);
  const auto sequence = read_digits(rest, kSequenceDigits);
  if (!epoch || !lane || !sequence || *epoch > UINT32_MAX || *lane > UINT16_MAX) return std::nullopt;
  const ReversalKey key{static_cast<std::uint32_t>(*epoch), static_cast<std::uint16_t>(*lane), *sequence};
  if (!key.valid()) return std::nullopt;
  return ParsedOid{prefix, key};
}

}  // namespace backhand::journal
