// The parts of `load`: each reads and checks one table or list of tables. Internal to this room.
#pragma once

#include <map>
#include <span>
#include <string>

#include "gateway/config/section.hpp"

namespace backhand::config {

/// In characters; what wire structs and the journal can hold.
inline constexpr std::size_t kMaxAccountName = 16;
inline constexpr std::size_t kMaxStrategyName = 24;
/// Of each list in a file; far above any use, low enough that no index overflows.
inline constexpr std::size_t kMaxAccounts = 4'096;
inline constexpr std::size_t kMaxInstruments = 4'096;
inline constexpr std::size_t kMaxStrategies = 1'024;

void read_gateway(Section section, Config& config);
void read_venue(Section section, Config& config);
void read_pacing(Section section, Config& config);
void read_shots(Section section, Config& config);
void read_accounts(Section& root, Config& config);
void read_instruments(Section& root, Config& config);
/// After accounts and instruments, to which entitlements refer.
void read_strategies(Section& root, Config& config);

/// What an account, strategy or lane may be called: 1 … `most` of [0-9A-Za-z_.-]. Reports what is wrong.
bool read_name(Section& section, std::string& out, std::size_t most);

/// Names that are taken, with the line that took them.
class Taken {
 public:
  /// Whether `name` was free; else reports at `key` where it is used already, calling it `shown`.
  bool take(Section& section, std::string_view key, const std::string& name, const std::string& shown);

 private:
  std::map<std::string, std::uint32_t> lines_;
};

/// `list[index]`.
[[nodiscard]] std::string item_key(std::string_view list, std::size_t index);

/// The tables of [[key]], the first `most` of them; more is reported.
[[nodiscard]] std::span<const Node> bounded_tables(Section& root, std::string_view key, std::size_t most);

/// `PRODUCT/SYMBOL/COIN`.
[[nodiscard]] std::string full_name(const domain::Instrument& id);

/// Whether `text` is a literal address; and one that stays on this machine.
[[nodiscard]] bool is_address(const std::string& text) noexcept;
[[nodiscard]] bool is_loopback(const std::string& address_or_host) noexcept;

}  // namespace backhand::config
