#include "gateway/engine/directory.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/assert.hpp"

namespace backhand::engine {

namespace {

wire::SymbolName upper_case(const wire::SymbolName& symbol) noexcept {
  wire::SymbolName out = symbol;
  for (char& c : out.bytes) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

std::uint64_t mix(std::uint64_t state, std::uint64_t word) noexcept {
  // One multiply-fold a word: the keys are configuration, not an enemy's choice, and lookups compare in full.
  const auto product = static_cast<Uint128>(state ^ word) * 0x9E3779B97F4A7C15ULL;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::uint64_t Directory::hash(const Key& key) noexcept {
  std::uint64_t words[6];
  static_assert(sizeof words == sizeof key.account + sizeof key.symbol + sizeof key.margin_coin);
  std::memcpy(words, &key.account, sizeof key.account);
  std::memcpy(words + 2, &key.symbol, sizeof key.symbol);
  std::memcpy(words + 5, &key.margin_coin, sizeof key.margin_coin);
  std::uint64_t state = 0xA0761D6478BD642FULL + static_cast<std::uint64_t>(key.product);
  for (const std::uint64_t word : words) state = mix(state, word);
  return state;
}

Directory::Directory(const config::Config& config) {
  by_account_.resize(config.accounts.size());
  for (const auto& account : config.accounts) account_names_.emplace_back(account.name);
  for (std::uint16_t a = 0; a < config.accounts.size(); ++a) {
    std::vector<bool> used(config.instruments.size(), false);
    for (const auto& strategy : config.strategies) {
      for (const auto& entitlement : strategy.entitlements) {
        if (entitlement.account.value != a) continue;
        for (const InstrumentIndex i : entitlement.instruments) used[i.value] = true;
      }
    }
    for (std::uint32_t i = 0; i < used.size(); ++i) {
      if (!used[i]) continue;
      const PositionIndex position{static_cast<std::uint32_t>(positions_.size())};
      positions_.push_back({AccountIndex{a}, InstrumentIndex{i}, config.instruments[i].id});
      by_account_[a].push_back(position);
    }
  }
  // Two keys a position at most (with and without margin coin), at most half full.
  slots_.resize(std::bit_ceil(std::max<std::size_t>(positions_.size() * 4, 16)));
  for (std::uint32_t p = 0; p < positions_.size(); ++p) {
    const PositionEntry& entry = positions_[p];
    const Key full{account_names_[entry.account.value], entry.id.symbol, entry.id.margin_coin,
                   entry.id.product};
    insert(full, PositionIndex{p});
    const auto& siblings = by_account_[entry.account.value];
    const auto same_symbol = std::count_if(siblings.begin(), siblings.end(), [&](PositionIndex other) {
      const domain::Instrument& id = positions_[other.value].id;
      return id.product == entry.id.product && id.symbol == entry.id.symbol;
    });
    if (same_symbol == 1) insert({full.account, full.symbol, {}, full.product}, PositionIndex{p});
  }
}

void Directory::insert(const Key& key, PositionIndex position) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash(key) & mask;
  while (slots_[at].position.valid()) {
    BH_ASSERT(!(slots_[at].key == key));
    at = (at + 1) & mask;
  }
  slots_[at] = {key, position};
}

PositionIndex Directory::find(const Key& key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash(key) & mask; slots_[at].position.valid(); at = (at + 1) & mask) {
    if (slots_[at].key == key) return slots_[at].position;
  }
  return {};
}

Directory::Found Directory::find(const wire::Intent& intent) const noexcept {
  return find(intent.account, intent.product, intent.symbol, intent.margin_coin);
}

Directory::Found Directory::find(const wire::AccountName& account, wire::Product product,
                                 const wire::SymbolName& symbol,
                                 const wire::CoinName& margin_coin) const noexcept {
  // Most write symbols as the venue does.
  PositionIndex position = find({account, symbol, margin_coin, product});
  if (!position.valid()) position = find({account, upper_case(symbol), margin_coin, product});
  if (position.valid()) return {position, true};
  return {{}, std::find(account_names_.begin(), account_names_.end(), account) != account_names_.end()};
}

}  // namespace backhand::engine
