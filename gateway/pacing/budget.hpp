// Which rules a request must obey at once: its endpoint's own, and its class's share of the rule per IP.
// A request that goes takes one slot in both and closes both by one ticket. Pure; owned by the I/O thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/pacing/rate_book.hpp"

namespace backhand::pacing {

/// Classes of requests have parts of the rule per IP to themselves, so that none can starve another.
enum class RequestClass : std::uint8_t {
  reversal,
  lookup,   ///< Look-ups of settlement and readiness.
  refresh,  ///< Look-ups that keep the known positions young.
  upkeep,   ///< Pings and the one request of a dial.
};
inline constexpr std::size_t kRequestClasses = 4;

enum class Scope : std::uint8_t { per_account, per_ip };

/// Index of an endpoint in Settings::endpoints.
using Endpoint = std::uint8_t;

struct EndpointRule {
  Rule rule;
  Scope scope = Scope::per_account;
};

struct BudgetSettings {
  std::uint32_t accounts = 1;
  Rule reversal_rule{10, kSecond};      ///< Per account; the largest that it will ever have (see set_limit).
  Shape shape = Shape::burst;           ///< Of the reversals; look-ups and the rule per IP are always burst.
  std::vector<EndpointRule> endpoints;  ///< Of look-ups and upkeep; the index is the Endpoint.
  Endpoint upkeep_endpoint = 0;         ///< Which endpoint pings and dials ask; must be per IP.
  Rule ip_rule{6'000, 60 * kSecond};
  /// Of the rule per IP, kept from reversals: see `shares_of`. The other classes may have more while
  /// reversals use less than half of theirs.
  std::uint32_t settlement_reserve_percent = 20;
  Margins margins;
  bool heed_remaining = false;
  Ns slow_down_ns =
      10 * kSecond;  ///< After a throttled reply its account's endpoint goes `even` for so long.
  /// The venue's penalty for breaking the rule per IP. Its 429 does not say which rule was broken. So many in
  /// a row, on at least two endpoints or accounts and without any other reply between them, are taken as that
  /// one, and everything is held for the penalty. 0: never.
  std::uint32_t ip_penalty_after = 3;
  Ns ip_penalty_ns = 300 * kSecond;
};

/// The parts of the rule per IP by class; their sum is at most the rule. Of the reserve a quarter is
/// upkeep's, a quarter the refreshes', the rest the other look-ups'.
[[nodiscard]] std::array<std::uint32_t, kRequestClasses> shares_of(
    std::uint32_t ip_requests, std::uint32_t settlement_reserve_percent) noexcept;

/// What a request holds from its write until it is closed. Keep it with the request.
struct Ticket {
  static constexpr std::uint32_t kClosed = UINT32_MAX;
  std::uint32_t book = kClosed;
  AccountIndex account;  ///< Not valid for requests per IP.
  RequestClass request_class = RequestClass::reversal;
  RequestClass paid_by = RequestClass::reversal;  ///< Whose part of the rule per IP it took a slot of.
  Ns written_ns = 0;
  Ns opened_ns =
      0;  ///< Since when it could have gone: its slots were free, and it was there. Up to written_ns.
  [[nodiscard]] bool open() const noexcept { return book != kClosed; }
};

/// What a reply says about the allowance.
struct ReplyNote {
  bool throttled = false;    ///< The venue's own rate-limit code.
  int remaining_quota = -1;  ///< Calls left by the venue's header; -1 where absent.
};

class Budget {
 public:
  explicit Budget(const BudgetSettings& settings);

  /// When the next reversal of `account` may go by its own rule alone; kNever if only a reply can tell.
  [[nodiscard]] Ns account_earliest(AccountIndex account, Ns now) const noexcept {
    return books_[account.value].earliest(now);
  }
  /// When the next request of a class may go by the rule per IP and its penalty.
  [[nodiscard]] Ns ip_earliest(RequestClass request_class, Ns now) const noexcept {
    const Ns at =
        may_borrow(request_class, now) ? now : ip_[static_cast<std::size_t>(request_class)].earliest(now);
    return at < held_until_ ? held_until_ : at;
  }
  /// Since when a reversal of `account` has been permitted by all rules, for a `now` at which it is.
  [[nodiscard]] Ns reversal_permitted_since(AccountIndex account, Ns now) const noexcept;
  /// Whether look-ups need not be spread: less than half of their part is used, or reversals would lend of
  /// theirs.
  [[nodiscard]] bool lookups_may_flow(Ns now) const noexcept {
    const RateBook& own = ip_[static_cast<std::size_t>(RequestClass::lookup)];
    return own.in_use(now) < own.limit() / 2 || reversals_lend(now);
  }
  /// The pause between two look-ups that must be spread. The second half of their part then lasts for a whole
  /// window, until the first half is free again, so that look-ups never fall silent.
  [[nodiscard]] Ns lookup_gap() const noexcept;
  /// `c`: lookup or refresh.
  [[nodiscard]] Ns lookup_earliest(AccountIndex account, Endpoint endpoint, Ns now,
                                   RequestClass c = RequestClass::lookup) const noexcept;
  [[nodiscard]] Ns upkeep_earliest(Ns now) const noexcept;

  /// A reversal of this account is about to be asked for: a hint to the cache.
  void expect(AccountIndex account) const noexcept {
    books_[account.value].expect();
    ip_[static_cast<std::size_t>(RequestClass::reversal)].expect();
  }

  /// Each asserts that the request is permitted at `now`; call it right before the write.
  [[nodiscard]] Ticket take_reversal(AccountIndex account, Ns now) noexcept;
  [[nodiscard]] Ticket take_lookup(AccountIndex account, Endpoint endpoint, Ns now,
                                   RequestClass c = RequestClass::lookup) noexcept;
  [[nodiscard]] Ticket take_upkeep(Ns now) noexcept;

  /// Exactly one of these closes an open ticket. `replied_ns` is taken after the reply was read.
  void on_reply(Ticket& ticket, Ns replied_ns, ReplyNote note) noexcept;
  void on_no_reply(Ticket& ticket, Ns aborted_ns) noexcept;
  void on_not_written(Ticket& ticket) noexcept;

  void set_reversal_limit(AccountIndex account, std::uint32_t requests) noexcept;
  void set_shape(AccountIndex account, Shape shape) noexcept;
  void recall_reversal(AccountIndex account, Ns now) noexcept;
  void recall_lookups(Ns now) noexcept;

  /// Estimates by the recent round trips of all accounts, one deviation added: exact where they are constant,
  /// and where they jitter, late rather than early, since an intent queued in vain is told so too late.
  [[nodiscard]] Ns predict_account(AccountIndex account, std::uint32_t rank, Ns now) const noexcept;
  [[nodiscard]] Ns predict_ip(std::uint32_t rank, Ns now) const noexcept;
  [[nodiscard]] Ns round_trip_ns() const noexcept { return round_trip_; }

  [[nodiscard]] const RateBook& reversal_book(AccountIndex account) const noexcept {
    return books_[account.value];
  }
  [[nodiscard]] const RateBook& ip_book(RequestClass c) const noexcept {
    return ip_[static_cast<std::size_t>(c)];
  }
  [[nodiscard]] Ns held_until() const noexcept { return held_until_; }
  [[nodiscard]] std::uint64_t throttled() const noexcept { return throttled_; }
  [[nodiscard]] std::uint64_t penalties() const noexcept { return penalties_; }

 private:
  [[nodiscard]] std::uint32_t book_of(AccountIndex account, Endpoint endpoint) const noexcept;
  [[nodiscard]] Ticket take(std::uint32_t book, AccountIndex account, RequestClass c, Ns now) noexcept;
  [[nodiscard]] RateBook& ip_of(const Ticket& ticket) noexcept {
    return ip_[static_cast<std::size_t>(ticket.paid_by)];
  }
  /// A class whose part is half used may take a slot of the reversals' part while that is less than half
  /// used, refreshes an eighth: the second half of its own is for when nothing is lent. Every slot belongs to
  /// one part, so the parts' sum, and with it the rule, holds as before.
  [[nodiscard]] bool may_borrow(RequestClass c, Ns now) const noexcept {
    if (c == RequestClass::reversal) return false;
    const RateBook& own = ip_[static_cast<std::size_t>(c)];
    return own.in_use(now) >= own.limit() / 2 && reversals_lend(now, c);
  }
  /// Less than half of their part is used; to refreshes, which wait more easily, less than an eighth.
  [[nodiscard]] bool reversals_lend(Ns now, RequestClass to = RequestClass::lookup) const noexcept {
    const RateBook& lender = ip_[static_cast<std::size_t>(RequestClass::reversal)];
    return lender.permits(now) && lender.in_use(now) < lender.limit() / (to == RequestClass::refresh ? 8 : 2);
  }
  void measure(Ns took) noexcept;
  void on_throttled(std::uint32_t book, Ns now) noexcept;

  std::uint32_t accounts_;
  std::uint32_t per_account_ = 0;         ///< How many endpoints are counted per account.
  std::vector<std::uint32_t> endpoints_;  ///< By endpoint: its first book.
  std::vector<Scope> scopes_;
  std::vector<RateBook>
      books_;                 ///< Reversals by account, then look-ups by account and endpoint, then per IP.
  std::vector<RateBook> ip_;  ///< By class.
  Endpoint upkeep_endpoint_;
  bool heed_remaining_;
  Ns slow_down_;
  Ns penalty_;
  std::uint32_t penalty_after_;
  std::uint32_t run_ = 0;  ///< Throttled replies since the last other one,
  std::uint32_t run_book_ = 0;
  bool run_mixed_ = false;  ///< … from more than one book.
  Ns held_until_ = INT64_MIN;
  Ns round_trip_;
  Ns deviation_ = 0;
  bool measured_ = false;
  std::uint64_t throttled_ = 0;
  std::uint64_t penalties_ = 0;
};

}  // namespace backhand::pacing
