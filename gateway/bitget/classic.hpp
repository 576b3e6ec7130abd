// The dialect of classic accounts (the venue's v2 API). Internal to this room; others see dialect.hpp.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <simdjson.h>

#include "common/prefetch.hpp"
#include "gateway/bitget/base64.hpp"
#include "gateway/bitget/dialect.hpp"
#include "gateway/bitget/hmac.hpp"
#include "gateway/bitget/secure_memory.hpp"
#include "gateway/bitget/text.hpp"

namespace backhand::bitget {

class ClassicDialect final : public Dialect {
 public:
  /// Longest texts that are accepted; with them no request is longer than kMaxRequest.
  static constexpr std::size_t kMaxHost = 255;
  static constexpr std::size_t kMaxLocale = 16;
  static constexpr std::size_t kMaxChannelCode = 64;
  static constexpr std::size_t kMaxCredential = 128;

  explicit ClassicDialect(const Settings& settings);
  ~ClassicDialect() override;

  /// Allocates what reading replies of `max_reply_bytes` needs; false where there is not enough memory.
  [[nodiscard]] bool reserve_parser() noexcept;

  [[nodiscard]] std::expected<void, Error> add_account(AccountIndex account,
                                                       Credentials&& credentials) override;
  void set_lead_trader(AccountIndex account, bool is_lead_trader) noexcept override;
  [[nodiscard]] std::expected<void, Error> prepare(PositionIndex position, AccountIndex account,
                                                   const domain::Instrument& instrument,
                                                   domain::PositionMode mode) override;
  void refresh(PositionIndex position, VenueMs timestamp) noexcept override;
  void expect(PositionIndex position, domain::PositionSide held_side) const noexcept override {
    const Position& expected = positions_[position.value];
    prefetch_bytes(&expected, kCacheLine);
    prefetch(expected.sides[held_side == domain::PositionSide::long_side ? 0 : 1]);
    prefetch_bytes(accounts_[expected.account.value].get(), kExpectedOfAccount);
  }
  void add_to(NearMemory& near) const override {
    near.add(*this);
    near.add(positions_);
    for (const auto& account : accounts_) near.add(account.get(), kExpectedOfAccount);
  }
  [[nodiscard]] std::size_t encode_reversal(const domain::ReversalRequest& request, VenueMs timestamp,
                                            std::span<char> out) noexcept override;
  [[nodiscard]] domain::ReversalReply decode_reversal(const wire::ClientOid& ours, int http_status,
                                                      std::string_view body,
                                                      HeaderLookup headers) noexcept override;
  [[nodiscard]] std::size_t encode_lookup(const domain::Lookup& lookup, VenueMs timestamp,
                                          std::span<char> out) noexcept override;
  void decode_lookup(const domain::Lookup& lookup, int http_status, std::string_view body,
                     HeaderLookup headers, domain::LookupReply& out) noexcept override;
  [[nodiscard]] std::string_view path_of(domain::LookupKind kind) const noexcept override;
  [[nodiscard]] std::string_view probe_request() const noexcept override { return probe_; }
  [[nodiscard]] std::string_view rehearsal_reply() const noexcept override { return rehearsal_reply_; }
  [[nodiscard]] ProbeReply decode_probe(int http_status, std::string_view body) const noexcept override;
  [[nodiscard]] EndpointRule reversal_rule() const noexcept override;
  [[nodiscard]] EndpointRule lead_trader_reversal_rule() const noexcept override;
  [[nodiscard]] EndpointRule rule_of(domain::LookupKind kind) const noexcept override;
  [[nodiscard]] EndpointRule overall_rule() const noexcept override;
  [[nodiscard]] Ns overall_penalty_ns() const noexcept override;
  [[nodiscard]] std::string_view trace_id(HeaderLookup headers) const noexcept override;

 private:
  static constexpr std::size_t kMaxHead = 1'280;
  /// {"symbol":"…24","marginCoin":"…8","productType":"…13","side":"sell","tradeSide":"open"
  static constexpr std::size_t kMaxPrefix = 128;
  /// ,"size":"…24","clientOid":"…32"}
  static constexpr std::size_t kMaxTail = 88;
  static_assert(kMaxHead + kMaxPrefix + kMaxTail <= kMaxRequest);
  /// Key and head of an account whose texts are of usual length.
  static constexpr std::size_t kExpectedOfAccount = 768;

  /// Key and header lines of an account; holds secrets, so it lives in secure memory.
  struct Account {
    HmacKey key;
    bool is_lead_trader = false;
    std::size_t shared_at = 0;     ///< Where the lines after the request line begin,
    std::size_t timestamp_at = 0;  ///< the timestamp,
    std::size_t signature_at = 0;  ///< the signature,
    std::size_t length_at = 0;     ///< and the three places for the body's length.
    std::size_t head_size = 0;
    std::array<char, kMaxHead> head{};  ///< Of a reversal, with gaps to be filled in.

    /// Whether `text` repeats the key or the passphrase.
    [[nodiscard]] bool shows_in(std::string_view text) const noexcept;
  };
  /// The part of the body that is known ahead, for one side held.
  struct Side {
    HmacMessage signed_ahead;  ///< timestamp + method + path + prefix, for `Position::refreshed_at`.
    std::size_t prefix_size = 0;
    std::array<char, kMaxPrefix> prefix{};

    [[nodiscard]] std::string_view text() const noexcept { return {prefix.data(), prefix_size}; }
  };
  struct Position {
    AccountIndex account;
    bool sends_size = false;
    std::array<char, kTimestampText> timestamp{};  ///< `refreshed_at` as text.
    VenueMs refreshed_at = 0;                      ///< 0: not yet.
    std::array<Side, 2> sides;                     ///< By the side held: long, short.
  };

  [[nodiscard]] Account& account_of(AccountIndex account) noexcept;
  [[nodiscard]] static HmacMessage sign_ahead(const Account& account, VenueMs timestamp,
                                              std::string_view prefix) noexcept;
  [[nodiscard]] std::string shared_headers() const;

  Settings settings_;
  std::string probe_;
  std::string rehearsal_reply_;
  std::string public_headers_;
  std::vector<SecurePtr<Account>> accounts_;
  std::vector<Position> positions_;
  simdjson::ondemand::parser parser_;
};

}  // namespace backhand::bitget
