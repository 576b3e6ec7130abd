#include "gateway/journal/known_names.hpp"

#include <algorithm>

namespace backhand::journal {
namespace {

bool same_start(const OidStart& a, const OidStart& b) noexcept {
  return a.random == b.random && a.journal_tag == b.journal_tag;
}

}  // namespace

void KnownNames::push(const KnownStart& known) {
  if (starts_.size() >= kKept) starts_.erase(starts_.begin());
  starts_.push_back(known);
}

void KnownNames::begin_start(const OidStart& start, std::uint32_t epoch) {
  std::erase_if(starts_, [](const KnownStart& known) { return !known.found && known.last_sequence == 0; });
  push({start, epoch, start.is_old_style() ? UINT64_MAX : 0, false});
}

void KnownNames::use(std::uint64_t sequence) noexcept {
  const auto current =
      std::find_if(starts_.rbegin(), starts_.rend(), [](const KnownStart& known) { return !known.found; });
  if (current != starts_.rend()) current->last_sequence = std::max(current->last_sequence, sequence);
}

void KnownNames::note_found(const ParsedOid& name) {
  for (KnownStart& known : starts_) {
    if (!known.found || !same_start(known.start, name.start) || known.epoch != name.epoch) continue;
    known.last_sequence = std::max(known.last_sequence, name.sequence);
    return;
  }
  push({name.start, name.epoch, name.sequence, true});
}

NameOrigin KnownNames::origin_of(const ParsedOid& name, const OidStart& ours) const noexcept {
  bool found = false;
  for (const KnownStart& known : starts_) {
    if (!same_start(known.start, name.start) || name.sequence > known.last_sequence) continue;
    // Journals of earlier versions tell of their last start only; the others' epochs are lower.
    if (name.start.is_old_style() && (known.found ? name.epoch != known.epoch : name.epoch > known.epoch))
      continue;
    if (!known.found) return NameOrigin::known;
    found = true;
  }
  if (found) return NameOrigin::found;
  const bool same_journal = !name.start.is_old_style() && name.start.journal_tag == ours.journal_tag;
  if (same_journal) return NameOrigin::lost_here;
  return name.start.prefix == ours.prefix ? NameOrigin::other_journal : NameOrigin::foreign;
}

}  // namespace backhand::journal
