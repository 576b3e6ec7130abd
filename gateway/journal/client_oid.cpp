#include "gateway/journal/client_oid.hpp"

#include <algorithm>
#include <array>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::journal {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kTagDigits = 4;
constexpr std::size_t kRandomDigits = 10;
constexpr std::size_t kLaneDigits = 3;
constexpr std::size_t kSequenceDigits = 7;
static_assert(1 + kTagDigits + kRandomDigits + kLaneDigits + kSequenceDigits == kOidTail);
constexpr std::uint32_t kTags = 1'679'616;                 // 36^4
constexpr std::uint64_t kRandoms = 3'656'158'440'062'976;  // 36^10

// Of names of earlier versions, which their journals still hold: prefix-EEEEEEE-LLLL-SSSSSSSS.
constexpr std::size_t kOldEpochDigits = 7;
constexpr std::size_t kOldLaneDigits = 4;
constexpr std::size_t kOldSequenceDigits = 8;
constexpr std::size_t kOldTail = 3 + kOldEpochDigits + kOldLaneDigits + kOldSequenceDigits;

char* write_digits(char* out, std::uint64_t value, std::size_t width) noexcept {
  for (std::size_t i = width; i-- > 0;) {
    out[i] = kDigits[value % 36];
    value /= 36;
  }
  return out + width;
}

/// One field; moves `text` behind it.
std::optional<std::uint64_t> read_digits(std::string_view& text, std::size_t width) noexcept {
  if (text.size() < width) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text.substr(0, width)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'z')) return std::nullopt;
    value = value * 36 + static_cast<std::uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  text.remove_prefix(width);
  return value;
}

bool read_dash(std::string_view& text) noexcept {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<ParsedOid> parse_old_style(std::string_view text) noexcept {
  if (text.size() <= kOldTail) return std::nullopt;
  const std::string_view prefix = text.substr(0, text.size() - kOldTail);
  std::string_view rest = text.substr(prefix.size());
  if (!is_oid_prefix(prefix) || !read_dash(rest)) return std::nullopt;
  const auto epoch = read_digits(rest, kOldEpochDigits);
  if (!epoch || !read_dash(rest)) return std::nullopt;
  const auto lane = read_digits(rest, kOldLaneDigits);
  if (!lane || !read_dash(rest)) return std::nullopt;
  const auto sequence = read_digits(rest, kOldSequenceDigits);
  if (!sequence || *epoch == 0 || *sequence == 0 || *epoch > UINT32_MAX || *lane > UINT16_MAX)
    return std::nullopt;
  return ParsedOid{{FixedString<8>{prefix}, 0, 0},
                   static_cast<std::uint32_t>(*epoch),
                   static_cast<std::uint16_t>(*lane),
                   *sequence};
}

}  // namespace

bool is_oid_prefix(std::string_view prefix) noexcept {
  return !prefix.empty() && prefix.size() <= kMaxOidPrefix && std::ranges::all_of(prefix, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

bool is_oid_start(const OidStart& start) noexcept {
  return start.journal_tag < kTags && start.random < kRandoms;
}

std::uint32_t oid_tag_of(std::uint64_t journal_id) noexcept {
  return static_cast<std::uint32_t>(journal_id % kTags);
}

std::uint64_t oid_random_of(std::uint64_t bits) noexcept { return 1 + bits % (kRandoms - 1); }

wire::ClientOid render_client_oid(const OidStart& start, ReversalKey key) noexcept {
  const std::string_view prefix = start.prefix.view();
  BH_ASSERT(prefix.size() <= kMaxOidPrefix);
  wire::ClientOid oid;
  char* out = std::ranges::copy(prefix, oid.bytes.data()).out;
  *out++ = '-';
  if (start.is_old_style()) {
    out = write_digits(out, key.epoch, kOldEpochDigits);
    *out++ = '-';
    out = write_digits(out, key.lane, kOldLaneDigits);
    *out++ = '-';
    write_digits(out, key.sequence, kOldSequenceDigits);
    return oid;
  }
  BH_ASSERT(key.sequence < kMaxSequence && key.lane < kMaxOidLane);
  BH_ASSERT(is_oid_start(start));
  out = write_digits(out, start.journal_tag, kTagDigits);
  out = write_digits(out, start.random, kRandomDigits);
  out = write_digits(out, key.lane, kLaneDigits);
  write_digits(out, key.sequence, kSequenceDigits);
  return oid;
}

OidSeries::OidSeries(const OidStart& start, std::uint32_t epoch) noexcept
    : lane_at_(start.prefix.view().size() + 1 + kTagDigits + kRandomDigits),
      last_{{epoch, 0, 0}, render_client_oid(start, {epoch, 0, 0})} {
  BH_ASSERT(!start.is_old_style());
}

BH_ON_PATH OidSeries::Name OidSeries::next(std::uint16_t lane) noexcept {
  BH_ASSERT(last_.key.sequence + 1 < kMaxSequence);
  char* const lane_text = last_.text.bytes.data() + lane_at_;
  if (lane != last_.key.lane) write_digits(lane_text, lane, kLaneDigits);
  last_.key.lane = lane;
  ++last_.key.sequence;
  char* digit = lane_text + kLaneDigits + kSequenceDigits - 1;
  while (*digit == kDigits.back()) *digit-- = kDigits.front();
  *digit = *digit == '9' ? 'a' : static_cast<char>(*digit + 1);
  return last_;
}

std::optional<ParsedOid> parse_client_oid(std::string_view text) noexcept {
  if (text.size() <= kOidTail) return parse_old_style(text);
  const std::string_view prefix = text.substr(0, text.size() - kOidTail);
  std::string_view rest = text.substr(prefix.size());
  if (!is_oid_prefix(prefix) || !read_dash(rest)) return parse_old_style(text);
  const auto tag = read_digits(rest, kTagDigits);
  const auto random = read_digits(rest, kRandomDigits);
  const auto lane = read_digits(rest, kLaneDigits);
  const auto sequence = read_digits(rest, kSequenceDigits);
  // Where an old name has a dash, a new one has a digit.
  if (!tag || !random || !lane || !sequence) return parse_old_style(text);
  if (*random == 0 || *sequence == 0) return std::nullopt;
  return ParsedOid{{FixedString<8>{prefix}, static_cast<std::uint32_t>(*tag), *random},
                   0,
                   static_cast<std::uint16_t>(*lane),
                   *sequence};
}

}  // namespace backhand::journal
