#include "gateway/pacing/budget.hpp"

#include <algorithm>
#include <cstdlib>

#include "common/assert.hpp"
#include "common/on_path.hpp"

namespace backhand::pacing {
namespace {

/// Assumed until the first reply has been timed.
constexpr Ns kFirstRoundTrip = 10 * kMillisecond;

}  // namespace

std::array<std::uint32_t, kRequestClasses> shares_of(std::uint32_t ip_requests,
                                                     std::uint32_t settlement_reserve_percent) noexcept {
  BH_ASSERT(ip_requests >= kRequestClasses && settlement_reserve_percent < 100);
  const std::uint64_t wanted = std::uint64_t{ip_requests} * settlement_reserve_percent / 100;
  const auto reserve =
      static_cast<std::uint32_t>(std::clamp<std::uint64_t>(wanted, kRequestClasses - 1, ip_requests - 1));
  const std::uint32_t quarter = std::max(1U, reserve / 4);
  return {ip_requests - reserve, reserve - 2 * quarter, quarter, quarter};
}

Budget::Budget(const BudgetSettings& settings)
    : accounts_(settings.accounts),
      upkeep_endpoint_(settings.upkeep_endpoint),
      heed_remaining_(settings.heed_remaining),
      slow_down_(settings.slow_down_ns),
      penalty_(settings.ip_penalty_ns),
      penalty_after_(settings.ip_penalty_after),
      round_trip_(kFirstRoundTrip) {
  std::uint32_t per_ip = 0;
  for (const EndpointRule& endpoint : settings.endpoints) {
    scopes_.push_back(endpoint.scope);
    endpoints_.push_back(endpoint.scope == Scope::per_account ? per_account_++ : per_ip++);
  }
  books_.reserve(std::size_t{accounts_} * (1 + per_account_) + per_ip);
  for (std::uint32_t a = 0; a < accounts_; ++a) {
    books_.emplace_back(settings.reversal_rule, settings.margins, settings.shape);
  }
  for (std::uint32_t a = 0; a < accounts_; ++a) {
    for (const EndpointRule& endpoint : settings.endpoints) {
      if (endpoint.scope == Scope::per_account) books_.emplace_back(endpoint.rule, settings.margins);
    }
  }
  for (const EndpointRule& endpoint : settings.endpoints) {
    if (endpoint.scope == Scope::per_ip) books_.emplace_back(endpoint.rule, settings.margins);
  }
  for (const std::uint32_t share :
       shares_of(settings.ip_rule.requests, settings.settlement_reserve_percent)) {
    ip_.emplace_back(Rule{share, settings.ip_rule.window_ns}, settings.margins);
  }
  BH_ASSERT(settings.endpoints.empty() ||
            (upkeep_endpoint_ < scopes_.size() && scopes_[upkeep_endpoint_] == Scope::per_ip));
}

std::uint32_t Budget::book_of(AccountIndex account, Endpoint endpoint) const noexcept {
  BH_ASSERT(endpoint < endpoints_.size());
  const std::uint32_t first = accounts_ + endpoints_[endpoint];
  if (scopes_[endpoint] == Scope::per_ip) return first + accounts_ * per_account_;
  BH_ASSERT(account.value < accounts_);
  return first + account.value * per_account_;
}

Ns Budget::lookup_earliest(AccountIndex account, Endpoint endpoint, Ns now, RequestClass c) const noexcept {
  return std::max(books_[book_of(account, endpoint)].earliest(now), ip_earliest(c, now));
}

Ns Budget::lookup_gap() const noexcept {
  const RateBook& own = ip_[static_cast<std::size_t>(RequestClass::lookup)];
  const std::uint32_t second_half = own.limit() - own.limit() / 2;
  return own.span_ns() / second_half + 1;
}

Ns Budget::reversal_permitted_since(AccountIndex account, Ns now) const noexcept {
  const RateBook& by_ip = ip_[static_cast<std::size_t>(RequestClass::reversal)];
  return std::max({books_[account.value].permitted_since(now), by_ip.permitted_since(now), held_until_});
}

Ns Budget::upkeep_earliest(Ns now) const noexcept {
  return std::max(books_[book_of({}, upkeep_endpoint_)].earliest(now),
                  ip_earliest(RequestClass::upkeep, now));
}

BH_ON_PATH Ticket Budget::take(std::uint32_t book, AccountIndex account, RequestClass c, Ns now) noexcept {
  BH_ASSERT(now >= held_until_);
  books_[book].take(now);
  const RequestClass payer = may_borrow(c, now) ? RequestClass::reversal : c;
  ip_[static_cast<std::size_t>(payer)].take(now);
  return {.book = book,
          .account = account,
          .request_class = c,
          .paid_by = payer,
          .written_ns = now,
          .opened_ns = now};
}

BH_ON_PATH Ticket Budget::take_reversal(AccountIndex account, Ns now) noexcept {
  return take(account.value, account, RequestClass::reversal, now);
}

Ticket Budget::take_lookup(AccountIndex account, Endpoint endpoint, Ns now, RequestClass c) noexcept {
  return take(book_of(account, endpoint), account, c, now);
}

Ticket Budget::take_upkeep(Ns now) noexcept {
  return take(book_of({}, upkeep_endpoint_), {}, RequestClass::upkeep, now);
}

void Budget::on_reply(Ticket& ticket, Ns replied_ns, ReplyNote note) noexcept {
  BH_ASSERT(ticket.open());
  RateBook& book = books_[ticket.book];
  book.on_reply(replied_ns);
  ip_of(ticket).on_reply(replied_ns);
  if (ticket.request_class == RequestClass::reversal) {
    measure(std::max<Ns>(replied_ns - ticket.written_ns, 0));
  }
  if (note.throttled) {
    on_throttled(ticket.book, replied_ns);
  } else {
    run_ = 0;
  }
  if (heed_remaining_ && note.remaining_quota >= 0) {
    (void)book.heed_remaining(static_cast<std::uint32_t>(note.remaining_quota), replied_ns);
  }
  ticket.book = Ticket::kClosed;
}

/// Smoothed round trip and its mean deviation, as TCP keeps them (RFC 6298).
void Budget::measure(Ns took) noexcept {
  if (!measured_) {
    measured_ = true;
    round_trip_ = took;
    deviation_ = 0;
    return;
  }
  deviation_ += (std::abs(took - round_trip_) - deviation_) / 4;
  round_trip_ += (took - round_trip_) / 8;
}

void Budget::on_throttled(std::uint32_t book, Ns now) noexcept {
  ++throttled_;
  books_[book].slow_down_until(now + slow_down_);
  if (run_ == 0) {
    run_book_ = book;
    run_mixed_ = false;
  }
  ++run_;
  if (book != run_book_) run_mixed_ = true;
  if (penalty_after_ > 0 && run_ >= penalty_after_ && run_mixed_) {
    held_until_ = now + penalty_;
    run_ = 0;
    ++penalties_;
  }
}

void Budget::on_no_reply(Ticket& ticket, Ns aborted_ns) noexcept {
  BH_ASSERT(ticket.open());
  books_[ticket.book].on_no_reply(aborted_ns);
  ip_of(ticket).on_no_reply(aborted_ns);
  ticket.book = Ticket::kClosed;
}

void Budget::on_not_written(Ticket& ticket) noexcept {
  BH_ASSERT(ticket.open());
  books_[ticket.book].on_not_written();
  ip_of(ticket).on_not_written();
  ticket.book = Ticket::kClosed;
}

void Budget::set_reversal_limit(AccountIndex account, std::uint32_t requests) noexcept {
  books_[account.value].set_limit(requests);
}

void Budget::set_shape(AccountIndex account, Shape shape) noexcept { books_[account.value].set_shape(shape); }

void Budget::recall_reversal(AccountIndex account, Ns now) noexcept {
  books_[account.value].recall_unanswered(now);
  ip_[static_cast<std::size_t>(RequestClass::reversal)].recall_unanswered(now);
}

void Budget::recall_lookups(Ns now) noexcept {
  for (std::size_t book = accounts_; book < books_.size(); ++book) {
    for (std::uint32_t i = books_[book].limit(); i > 0; --i) books_[book].recall_arrived(now);
  }
}

Ns Budget::predict_account(AccountIndex account, std::uint32_t rank, Ns now) const noexcept {
  return books_[account.value].predict(rank, now, round_trip_ + deviation_);
}

Ns Budget::predict_ip(std::uint32_t rank, Ns now) const noexcept {
  const RateBook& book = ip_[static_cast<std::size_t>(RequestClass::reversal)];
  return std::max(book.predict(rank, now, round_trip_ + deviation_), held_until_);
}

}  // namespace backhand::pacing
