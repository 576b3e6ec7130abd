#include "gateway/engine/trouble_book.hpp"

#include <algorithm>

namespace backhand::engine {

TroubleBook::Entry* TroubleBook::find(const Trouble& object) noexcept {
  const auto found = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return entry.used && entry.trouble.same_object(object); });
  return found == entries_.end() ? nullptr : &*found;
}

/// A free one, or the one that has not been noted for longest.
TroubleBook::Entry& TroubleBook::place() noexcept {
  return *std::ranges::min_element(entries_, {}, [](const Entry& entry) {
    return entry.used ? std::pair(1, entry.trouble.last_ns) : std::pair(0, Ns{0});
  });
}

bool TroubleBook::may_say(Ns now) noexcept {
  const Ns from = std::max(credit_ns_, now - kSayGap * kBurst);
  if (from + kSayGap > now) return false;
  credit_ns_ = from + kSayGap;
  return true;
}

const Trouble* TroubleBook::note(const Trouble& what, Ns now) noexcept {
  Entry* entry = find(what);
  if (entry == nullptr) {
    entry = &place();
    *entry = {};
    entry->used = true;
    entry->trouble.since_ns = now;
  }
  const bool changed = !entry->trouble.same_look(what);
  const Ns since = entry->trouble.since_ns;
  const std::uint64_t count = entry->trouble.count + 1;
  entry->trouble = what;
  entry->trouble.since_ns = since;
  entry->trouble.last_ns = now;
  entry->trouble.count = count;
  // Rows that concern nobody are told of once.
  const bool once = what.cause == TroubleCause::foreign_rows;
  const Ns pause = changed ? kSayChanged : kSayAgain;
  if (entry->said && (once || now - entry->said_ns < pause)) return nullptr;
  if (!may_say(now)) return nullptr;
  entry->said = true;
  entry->said_ns = now;
  return &entry->trouble;
}

const Trouble* TroubleBook::end(const Trouble& object, Ns now) noexcept {
  Entry* const entry = find(object);
  if (entry == nullptr) return nullptr;
  ended_ = entry->trouble;
  ended_.last_ns = now;
  const bool said = entry->said;
  *entry = {};
  return said && may_say(now) ? &ended_ : nullptr;
}

void TroubleBook::end_rows(domain::LookupKind kind, AccountIndex account, domain::Product product,
                           Ns now) noexcept {
  for (Entry& entry : entries_) {
    const Trouble& t = entry.trouble;
    if (!entry.used || !t.is_of_rows() || t.kind != kind || t.account != account || t.product != product)
      continue;
    if (t.last_ns != now) entry = {};
  }
}

const Trouble* TroubleBook::latest(AccountIndex account) const noexcept {
  const Trouble* found = nullptr;
  for (const Entry& entry : entries_) {
    const Trouble& t = entry.trouble;
    if (!entry.used || t.cause == TroubleCause::foreign_rows) continue;
    if (account.valid() && t.account.valid() && t.account != account) continue;
    if (found == nullptr || t.last_ns > found->last_ns) found = &t;
  }
  return found;
}

std::size_t TroubleBook::copy(std::span<Trouble> out) const noexcept {
  std::size_t count = 0;
  for (const Entry& entry : entries_) {
    if (entry.used && count < out.size()) out[count++] = entry.trouble;
  }
  std::ranges::sort(out.first(count), {}, &Trouble::since_ns);
  return count;
}

}  // namespace backhand::engine
