#include "gateway/journal/segment.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <span>
#include <vector>

#include "gateway/journal/crc32c.hpp"
#include "gateway/journal/storage.hpp"

namespace backhand::journal {
namespace {

constexpr std::string_view kPrefix = "journal-";
constexpr std::string_view kSuffix = ".bhj";
constexpr std::size_t kDigits = 8;

template <class Header>
std::uint32_t crc_of(const Header& header, std::size_t bytes = sizeof(Header)) noexcept {
  return crc32c(std::as_bytes(std::span{&header, 1}).subspan(sizeof(header.crc), bytes - sizeof(header.crc)));
}

}  // namespace

SegmentHeader make_header(std::uint64_t journal_id, std::uint64_t segment, std::uint64_t first_number,
                          std::uint64_t checkpoint_records, std::uint32_t epoch) noexcept {
  SegmentHeader header{0,       kFileVersion, SegmentHeader::kMagic, journal_id,
                       segment, first_number, checkpoint_records,    epoch,
                       {}};
  header.crc = crc_of(header);
  return header;
}

Manifest make_manifest(std::uint64_t journal_id, std::uint64_t newest_segment, std::uint32_t epoch,
                       ManifestPhase phase, std::uint64_t known_number) noexcept {
  Manifest manifest{0,     kFileVersion, Manifest::kMagic, journal_id, newest_segment, epoch,
                    phase, {},           known_number,     {}};
  manifest.crc = crc_of(manifest);
  return manifest;
}

HotHeader make_hot_header(std::uint64_t journal_id, std::uint64_t slots, std::uint64_t boot_hash,
                          std::uint64_t first_number) noexcept {
  HotHeader header{0,  kFileVersion, HotHeader::kMagic, journal_id, slots, boot_hash, first_number,
                   {}, first_number};
  header.crc = crc_of(header, offsetof(HotHeader, reserved));
  return header;
}

bool is_valid(const SegmentHeader& header) noexcept {
  return header.crc == crc_of(header) && header.magic == SegmentHeader::kMagic &&
         header.version == kFileVersion && header.first_number != 0;
}

bool is_valid(const Manifest& manifest) noexcept {
  return manifest.crc == crc_of(manifest) && manifest.magic == Manifest::kMagic &&
         manifest.version == kFileVersion;
}

bool is_valid(const HotHeader& header) noexcept {
  return header.crc == crc_of(header, offsetof(HotHeader, reserved)) && header.magic == HotHeader::kMagic &&
         header.version == kFileVersion && header.slots != 0 && header.head >= header.first_number;
}

std::string segment_path(const std::string& state_dir, std::uint64_t segment) {
  std::string digits = std::to_string(segment);
  if (digits.size() < kDigits) digits.insert(0, kDigits - digits.size(), '0');
  return state_dir + '/' + std::string{kPrefix} + digits + std::string{kSuffix};
}

std::string manifest_path(const std::string& state_dir) { return state_dir + "/journal.manifest"; }

std::string hot_path(const Settings& settings) {
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx",
                static_cast<unsigned long long>(hash_of(settings.state_dir)));
  return settings.hot_dir + "/backhand-" + hex.data() + ".hot";
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view digits = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.size() < kDigits || value == 0)
    return std::nullopt;
  return value;
}

std::expected<std::vector<std::uint64_t>, Error> list_segments(Storage& storage,
                                                               const std::string& state_dir) {
  const auto names = storage.list(state_dir);
  if (!names) return std::unexpected(os_error("cannot list " + state_dir, names.error()));
  std::vector<std::uint64_t> segments;
  for (const std::string& name : *names) {
    if (const auto segment = parse_segment_name(name)) segments.push_back(*segment);
  }
  std::ranges::sort(segments);
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (segments[i] != segments[i - 1] + 1)
      return std::unexpected(Error{"journal segment " + segment_path(state_dir, segments[i - 1] + 1) +
                                   " is missing: older and newer ones are there"});
  }
  return segments;
}

}  // namespace backhand::journal
