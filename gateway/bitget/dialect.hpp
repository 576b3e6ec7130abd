// How one venue API speaks: requests out as bytes, replies in as classified answers. Pure: no socket, no
// clock. Neutral words only, so that a second dialect can follow; paths, header names and codes stay behind
// it. Owned by the I/O thread; one instance is used by one thread, but for `probe_request` and
// `decode_probe`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/error.hpp"
#include "common/ids.hpp"
#include "common/near_memory.hpp"
#include "common/time.hpp"
#include "gateway/bitget/credentials.hpp"
#include "gateway/domain/instrument.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/domain/reversal.hpp"

namespace backhand::bitget {

/// What a request's `side` says in one-way mode: nobody could try it yet (bitget-facts C4).
enum class OneWaySide : std::uint8_t {
  position,  ///< The side that is held.
  order,     ///< The side of the order that reverses it.
  omit,      ///< Left out.
};

/// What is the same for every request. Text is checked by `make_classic_dialect`.
struct Settings {
  std::string host = "api.bitget.com";  ///< Host header; with ":port" where it is not 443.
  std::string locale = "en-US";         ///< Language of the venue's messages; empty: header left out.
  std::string channel_code{};           ///< Broker code; empty: header left out.
  bool demo = false;                    ///< Ask for the venue's paper-trading environment.
  OneWaySide one_way_side = OneWaySide::position;
  bool one_way_sends_size = false;
  std::uint32_t timestamp_tolerance_ms = 500;  ///< Oldest refreshed timestamp that `encode_reversal` may use.
  std::size_t max_reply_bytes = 1'048'576;     ///< A longer body is not read: nothing is learned from it.
};

/// A non-owning look into a reply's headers, so that this room need not know the one that reads HTTP.
struct HeaderLookup {
  /// The value of header `name` (lower case given; must match in any case); empty where absent.
  using Find = std::string_view (*)(const void* context, std::string_view name) noexcept;
  Find find = nullptr;  ///< Null: there are no headers.
  const void* context = nullptr;

  [[nodiscard]] std::string_view operator()(std::string_view name) const noexcept {
    return find == nullptr ? std::string_view{} : find(context, name);
  }
};

/// One limit of the venue. Questions with the same `group` share one count.
struct EndpointRule {
  std::uint32_t requests = 0;
  Ns window_ns = kSecond;
  bool per_ip = false;     ///< Counted for our address; else for each account.
  std::uint8_t group = 0;  ///< Dense, 0 … kEndpointGroups − 1.
};
inline constexpr std::size_t kEndpointGroups = 10;

/// What a rehearsed reversal is called and signed with: a time that every venue refuses (2001-09-09).
inline constexpr std::string_view kRehearsalOid = "rehearsal-never-sent";
inline constexpr VenueMs kRehearsalTime_ms = 1'000'000'000'000;

struct ProbeReply {
  bool ok = false;
  bool throttled = false;       ///< Asked too often, for our address: a probe is counted by that alone.
  VenueMs server_venue_ms = 0;  ///< With ok: the venue's clock when it answered.
  wire::VenueCode code;         ///< Where the venue gave one,
  wire::CodeClass code_class = wire::CodeClass::none;  ///< what it means,
  FixedString<96> message{};                           ///< and without ok what it said beside it.
};

class Dialect {
 public:
  /// Every `out` of an `encode_…` must have room for this; no request is longer.
  static constexpr std::size_t kMaxRequest = 2'048;
  /// Readable bytes that must lie behind every body given to a `decode_…`; their content does not matter.
  static constexpr std::size_t kReplyPadding = 64;

  virtual ~Dialect() = default;

  /// Takes an account's credentials. Fails on text that cannot stand in a header and on an index given twice.
  /// Before the loop starts.
  [[nodiscard]] virtual std::expected<void, Error> add_account(AccountIndex account,
                                                               Credentials&& credentials) = 0;
  /// Whether the account is known to be a lead trader: its reversals may be listed under another name.
  virtual void set_lead_trader(AccountIndex account, bool is_lead_trader) noexcept = 0;
  /// Builds (or builds anew, for another mode) the template of a position. Fails on an unknown account and on
  /// text that cannot stand in a request unescaped.
  [[nodiscard]] virtual std::expected<void, Error> prepare(PositionIndex position, AccountIndex account,
                                                           const domain::Instrument& instrument,
                                                           domain::PositionMode mode) = 0;

  /// Computes ahead what the signature of a reversal of `position` at `timestamp` needs. Off the path;
  /// allocates nothing.
  virtual void refresh(PositionIndex position, VenueMs timestamp) noexcept = 0;
  /// A reversal of `position` is about to be encoded: brings what that needs into the nearest cache while
  /// something else is still to be done. A hint; changes nothing.
  virtual void expect(PositionIndex position, domain::PositionSide held_side) const noexcept {
    (void)position;
    (void)held_side;
  }
  /// What encoding reversals reads, once all positions are prepared.
  virtual void add_to(NearMemory& near) const { (void)near; }
  /// Writes a complete request into `out` and returns its length; 0 only where `out` has less than
  /// kMaxRequest bytes. `position` must have been prepared, `client_oid` be [0-9A-Za-z_-]{1,32} and
  /// `timestamp` have 13 digits (2001 … 2286). The timestamp signed is the refreshed one where that is at
  /// most `timestamp_tolerance_ms` older than `timestamp`, else `timestamp`: never a later one.
  [[nodiscard]] virtual std::size_t encode_reversal(const domain::ReversalRequest& request, VenueMs timestamp,
                                                    std::span<char> out) noexcept = 0;
  /// What the reply to the reversal named `ours` means; `kReplyPadding` readable bytes lie behind `body`.
  [[nodiscard]] virtual domain::ReversalReply decode_reversal(const wire::ClientOid& ours, int http_status,
                                                              std::string_view body,
                                                              HeaderLookup headers) noexcept = 0;

  /// Like `encode_reversal`, for a question. Kinds that ask about a whole product ignore symbol and coin.
  [[nodiscard]] virtual std::size_t encode_lookup(const domain::Lookup& lookup, VenueMs timestamp,
                                                  std::span<char> out) noexcept = 0;
  /// Overwrites `out` with what the reply to `lookup` says; rows beyond its vectors' capacity are dropped and
  /// `truncated` is set, so it allocates nothing. `kReplyPadding` readable bytes lie behind `body`.
  virtual void decode_lookup(const domain::Lookup& lookup, int http_status, std::string_view body,
                             HeaderLookup headers, domain::LookupReply& out) noexcept = 0;

  /// What a question asks of the venue's pages, for people. Any thread; a literal.
  [[nodiscard]] virtual std::string_view path_of(domain::LookupKind kind) const noexcept = 0;

  /// The unsigned request that keeps a connection warm and tells the venue's clock. Any thread; valid as long
  /// as the dialect.
  [[nodiscard]] virtual std::string_view probe_request() const noexcept = 0;
  /// A whole HTTP reply that says yes to a reversal named kRehearsalOid, for rehearsals. Valid as long as the
  /// dialect.
  [[nodiscard]] virtual std::string_view rehearsal_reply() const noexcept = 0;
  /// Reads its reply. Any thread (which allocates at its first probe only); needs no padding behind `body`.
  [[nodiscard]] virtual ProbeReply decode_probe(int http_status, std::string_view body) const noexcept = 0;

  /// The venue's limits as data, for pacing.
  [[nodiscard]] virtual EndpointRule reversal_rule() const noexcept = 0;
  [[nodiscard]] virtual EndpointRule lead_trader_reversal_rule() const noexcept = 0;
  [[nodiscard]] virtual EndpointRule rule_of(domain::LookupKind kind) const noexcept = 0;
  /// Everything together, per address; being over it is punished for `overall_penalty_ns`.
  [[nodiscard]] virtual EndpointRule overall_rule() const noexcept = 0;
  [[nodiscard]] virtual Ns overall_penalty_ns() const noexcept = 0;

  /// The venue's own name for a request, for disputes; empty where the reply has none.
  [[nodiscard]] virtual std::string_view trace_id(HeaderLookup headers) const noexcept = 0;
};

/// What a reply looked like, for people.
[[nodiscard]] domain::ReplyTrace trace_of(int http_status, HeaderLookup headers) noexcept;

/// The dialect of classic accounts. Allocates its parser at once; fails on settings that cannot stand in a
/// header.
[[nodiscard]] std::expected<std::unique_ptr<Dialect>, Error> make_classic_dialect(const Settings& settings);

}  // namespace backhand::bitget
