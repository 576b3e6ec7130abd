// The whole configuration, checked once and const from then on. Units are in the names; defaults beside the
// fields. Secrets are not here: only the paths of the files that hold them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/decimal.hpp"
#include "common/ids.hpp"
#include "common/wire/intent.hpp"
#include "gateway/domain/instrument.hpp"

namespace backhand::config {

enum class Environment : std::uint8_t { simulated, demo, live };
enum class IdlePolicy : std::uint8_t { spin, yield, block };
enum class Durability : std::uint8_t { process, power };
enum class PacingShape : std::uint8_t { burst, even };
enum class WhenBusy : std::uint8_t { wait, deny };
/// What the body's `side` says in one-way mode (bitget-facts C4; nobody could try it yet).
enum class OneWaySide : std::uint8_t { position, order, omit };

/// Where something stands in the configuration file, for messages; both count from 1, 0 is "nowhere".
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend constexpr auto operator<=>(const Place&, const Place&) noexcept = default;
};

struct Gateway {
  std::string state_dir = "/var/lib/backhand";  ///< Journal segments, epoch, lock.
  std::string runtime_dir = "/run/backhand";    ///< Sockets; must be writable by us alone.
  std::string hot_dir = "/dev/shm";             ///< tmpfs that holds the hot journal segment.
  std::string attach_socket;                    ///< Empty: runtime_dir/attach.sock.
  std::string admin_socket;                     ///< Empty: runtime_dir/admin.sock.
  int io_cpu = -1;                              ///< CPU of the I/O thread; -1: not pinned.
  int service_cpu = -1;                         ///< CPU of the other threads; -1: not pinned.
  IdlePolicy idle = IdlePolicy::block;
  Durability durability = Durability::process;
  bool dry_run = false;
  bool lock_memory = false;
  std::string client_oid_prefix = "bh";  ///< 1 … 6 of [0-9A-Za-z_-].
  std::uint32_t max_open_intents = 4096;
  std::uint32_t lane_capacity = 1024;  ///< Slots of each ring; a power of two.
  std::uint32_t max_lanes = 256;
  std::uint32_t stop_timeout_ms = 5'000;  ///< How long SIGTERM waits for answers.
  /// Journaled events kept a lane, for a strategy that attaches again. It has not seen at most what its ring
  /// held and what became of the intents that were open: together no more than the ring has places.
  [[nodiscard]] constexpr std::uint32_t kept_events() const noexcept {
    return lane_capacity < 1'024 ? 1'024 : lane_capacity;
  }
  std::uint32_t journal_segment_mb = 64;
  std::uint32_t journal_keep_segments = 16;
  /// Where these seven keys stand.
  Place state_dir_place, runtime_dir_place, hot_dir_place, attach_socket_place, admin_socket_place;
  Place io_cpu_place, service_cpu_place;
};

struct Venue {
  std::string host = "api.bitget.com";
  std::uint16_t port = 443;
  std::string connect_address;               ///< Empty: resolve `host`; else a literal address to connect to.
  std::string ca_file;                       ///< Empty: the system's certificates.
  std::string locale = "en-US";              ///< Language of the venue's `msg`.
  std::string channel_code;                  ///< Broker code; empty: header left out.
  std::uint32_t connections = 4;             ///< Warm connections to the host, shared by all accounts.
  std::uint32_t max_idle_ms = 20'000;        ///< Retire (or ping) a connection before the peer does.
  std::uint32_t ping_interval_ms = 5'000;    ///< Below max_idle_ms; not given: at most a third of it.
  std::uint32_t max_requests = 10'000;       ///< Retire a connection after so many.
  std::uint32_t handshakes_per_second = 20;  ///< Bound on new connections over time; a first set is free.
  std::uint32_t connect_timeout_ms = 3'000;
  std::uint32_t request_timeout_ms = 5'000;  ///< Without a whole reply: unknown, connection reset.
  std::uint32_t lookup_timeout_ms = 5'000;
  std::uint32_t backoff_min_ms = 50;
  std::uint32_t backoff_max_ms = 5'000;
  std::uint32_t max_reply_bytes = 4'194'304;  ///< A list of contracts has 1 kB a row.
  std::uint32_t clock_tolerance_ms = 30'000;  ///< The venue refuses an older timestamp (its rule, not ours).
  std::uint32_t request_fuse_ms = 0;          ///< Shortens the fuse by setting timestamps back; 0: off.
  std::uint32_t execution_grace_ms = 10'000;
  std::uint32_t clock_skew_ms = 50;         ///< Two of the venue's clocks differ by at most this.
  std::uint32_t lookup_lag_ms = 10'000;     ///< What a look-up shows is at most so much older than its reply.
  std::uint32_t settle_recheck_ms = 2'000;  ///< Two "not found" must lie this far apart.
  std::uint32_t unresolved_after_ms = 120'000;  ///< Venue reachable but no proof for so long: unresolved.
  std::uint32_t position_refresh_ms = 2'000;
  std::uint32_t contract_refresh_ms = 600'000;  ///< Contract rules are read again so often.
  std::uint32_t position_max_age_ms = 6'000;    ///< 0: never denied as stale. Not given: three refreshes.
  OneWaySide one_way_side = OneWaySide::position;
  bool one_way_sends_size = false;  ///< Offer partial sizes in one-way mode (bitget-facts C3).
};

struct Pacing {
  PacingShape shape = PacingShape::burst;
  std::uint32_t requests_per_second = 10;
  std::uint32_t lead_trader_requests_per_second = 1;
  std::uint32_t ip_requests_per_minute = 6'000;
  std::uint32_t window_margin_ms = 5;
  std::uint32_t no_reply_hold_ms = 2'000;
  std::uint32_t settlement_reserve_percent = 40;  ///< Of the IP rule, kept for look-ups and upkeep.
  bool heed_remaining_header = false;
  std::uint32_t slow_down_ms = 10'000;  ///< After a 429: `even` for so long.
  std::uint32_t queue_per_strategy = 256;
  std::uint32_t queue_per_account = 1'024;
};

/// Reversals prepared ahead (armed shots), and what keeps the path to the wire warm.
struct Shots {
  std::uint32_t max_armed = 64;         ///< Shots kept at once, all strategies together; 0: none.
  std::uint32_t sign_again_ms = 5'000;  ///< A shot's signature is renewed at this age; at a quarter of the
                                        ///< fuse at the latest.
  /// While nothing is to be done, the path is rehearsed so often, and kept in the cache; 0: neither.
  std::uint32_t rehearse_us = 0;
};

struct Account {
  std::string name;  ///< ≤ 16 bytes.
  std::string key_file, secret_file,
      passphrase_file;  ///< Absolute paths; or names (no '/') in $CREDENTIALS_DIRECTORY.
  domain::PositionMode position_mode = domain::PositionMode::one_way;
  bool lead_trader = false;                         ///< The stricter of this and what the venue says holds.
  Place key_place, secret_place, passphrase_place;  ///< Of the three file keys.
};

struct Instrument {
  domain::Instrument id;  ///< Upper case.
  Decimal max_size;       ///< Zero: none.
};

struct Entitlement {
  AccountIndex account;
  std::vector<InstrumentIndex> instruments;  ///< Empty after checking: none; "*" is expanded.
};

struct Strategy {
  std::string name;                 ///< ≤ 24 bytes.
  std::vector<std::uint32_t> uids;  ///< Who may attach under this name; empty: only the gateway's own uid.
  std::vector<Entitlement> entitlements;
  Decimal max_size;  ///< Zero: none.
  std::uint32_t intents_per_second = 100;
  std::uint32_t reversals_per_position_minute = 30;
  std::uint32_t reversals_per_position_day = 1'000;
  std::uint8_t max_priority = 3;
  std::uint32_t weight = 1;  ///< Fair shares of an account's slots.
  std::uint32_t max_lanes = 8;
  std::uint32_t max_shots = 8;  ///< Armed at once.
  WhenBusy when_busy = WhenBusy::deny;
  bool in_process = false;  ///< Served by the sample strategy inside the gateway.
};

/// How many refreshes of positions a minute have a part of the venue's rule per address to themselves: a
/// quarter of the reserve. The engine asserts that pacing keeps just that.
[[nodiscard]] constexpr std::uint32_t refreshes_per_minute(const Pacing& pacing) noexcept {
  const std::uint64_t reserve =
      std::uint64_t{pacing.ip_requests_per_minute} * pacing.settlement_reserve_percent / 100;
  return reserve < 4 ? 1 : static_cast<std::uint32_t>(reserve / 4);
}

struct Config {
  std::string file;  ///< As it was named to `load`; for messages.
  Environment environment = Environment::simulated;
  Gateway gateway;
  Venue venue;
  Pacing pacing;
  Shots shots;
  std::vector<Account> accounts;
  std::vector<Instrument> instruments;
  std::vector<Strategy> strategies;

  /// Not valid where no account is called so.
  [[nodiscard]] AccountIndex account_named(std::string_view name) const noexcept {
    for (std::uint16_t a = 0; a < accounts.size(); ++a) {
      if (accounts[a].name == name) return AccountIndex{a};
    }
    return {};
  }
};

}  // namespace backhand::config
