// Names to numbers: (account, product, symbol, margin coin) → position, in one probe of a flat table. Built
// once from the configuration; I/O thread reads it.
#pragma once

#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/wire/intent.hpp"
#include "gateway/config/config.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::engine {

/// One (account, instrument) pair that some strategy may trade.
struct PositionEntry {
  AccountIndex account;
  InstrumentIndex instrument;
  domain::Instrument id;
};

class Directory {
 public:
  explicit Directory(const config::Config& config);

  /// What a lookup found. `account_known` tells an unknown instrument from an unknown account.
  struct Found {
    PositionIndex position;
    bool account_known = false;
  };
  /// `symbol` in any case; an empty margin coin means the configured one, where the symbol has only one.
  [[nodiscard]] Found find(const wire::Intent& intent) const noexcept;
  [[nodiscard]] Found find(const wire::AccountName& account, wire::Product product,
                           const wire::SymbolName& symbol, const wire::CoinName& margin_coin) const noexcept;

  [[nodiscard]] const std::vector<PositionEntry>& positions() const noexcept { return positions_; }
  [[nodiscard]] const PositionEntry& operator[](PositionIndex index) const noexcept {
    return positions_[index.value];
  }
  /// What a lookup reads.
  void add_to(NearMemory& near) const {
    near.add(slots_);
    near.add(positions_);
  }
  /// Positions of one account, ascending.
  [[nodiscard]] const std::vector<PositionIndex>& of_account(AccountIndex account) const noexcept {
    return by_account_[account.value];
  }

 private:
  struct Key {
    wire::AccountName account;
    wire::SymbolName symbol;
    wire::CoinName margin_coin;
    wire::Product product{};
    friend bool operator==(const Key&, const Key&) noexcept = default;
  };
  struct Slot {
    Key key;
    PositionIndex position;
  };
  [[nodiscard]] static std::uint64_t hash(const Key& key) noexcept;
  void insert(const Key& key, PositionIndex position);
  /// `symbol` as the directory has it.
  [[nodiscard]] PositionIndex find(const Key& key) const noexcept;

  std::vector<PositionEntry> positions_;
  std::vector<std::vector<PositionIndex>> by_account_;
  std::vector<wire::AccountName> account_names_;
  std::vector<Slot> slots_;  ///< Open addressing, a power of two, at most half full.
};

}  // namespace backhand::engine
