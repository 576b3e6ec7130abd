// Why look-ups brought nothing, kept for people: one entry for each object that was asked about, with the
// last answer as it looked. Says which entries are worth a line in the log, so that a trouble that lasts does
// not fill it. Pure, fixed size; owned by the engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/ids.hpp"
#include "common/time.hpp"
#include "gateway/domain/lookup.hpp"
#include "gateway/net/handler.hpp"

namespace backhand::engine {

enum class TroubleCause : std::uint8_t {
  lost,          ///< No reply: `loss` says why.
  not_venue,     ///< A reply without the venue's envelope: an edge's or a proxy's page.
  compressed,    ///< The body is encoded, which was not asked for.
  throttled,     ///< The venue's rate limit.
  refused,       ///< The venue's no, with its code.
  incomplete,    ///< The venue's yes without what was asked for, or with more rows than there is room for.
  unread_row,    ///< One row of the list could not be read: `field`. The others were.
  foreign_rows,  ///< The same of rows that are of no instrument of ours.
  not_listed,    ///< The venue's list of contracts lacks the instrument.
};

struct Trouble {
  TroubleCause cause = TroubleCause::lost;
  // What was asked about.
  domain::LookupKind kind = domain::LookupKind::venue_time;
  AccountIndex account;                                     ///< Not of public look-ups.
  domain::Product product = domain::Product::usdt_futures;  ///< Not of the time and of the account's kind.
  wire::SymbolName symbol;                                  ///< Where one instrument was meant.
  // What came.
  net::LossReason loss = net::LossReason::timeout;  ///< With lost.
  domain::ReplyTrace trace;
  wire::VenueCode code;
  wire::CodeClass code_class = wire::CodeClass::none;
  std::string_view field;  ///< With unread_row and foreign_rows: a literal.
  FixedString<32> shown;   ///< With these: what the (first) row calls itself.
  std::uint32_t rows = 0;  ///< With foreign_rows: how many.
  // Since when.
  Ns since_ns = 0;
  Ns last_ns = 0;
  std::uint64_t count = 0;  ///< Times in a row.

  [[nodiscard]] bool same_object(const Trouble& other) const noexcept {
    return kind == other.kind && account == other.account && product == other.product &&
           is_of_rows() == other.is_of_rows() && (!is_of_rows() || symbol == other.symbol);
  }
  /// Beside an answer that was of use otherwise.
  [[nodiscard]] bool is_of_rows() const noexcept {
    return cause == TroubleCause::unread_row || cause == TroubleCause::foreign_rows ||
           cause == TroubleCause::not_listed;
  }
  /// Says the same as the one before: nothing new for a log.
  [[nodiscard]] bool same_look(const Trouble& other) const noexcept {
    return cause == other.cause && loss == other.loss && trace.http_status == other.trace.http_status &&
           code == other.code && field == other.field;
  }
};

class TroubleBook {
 public:
  static constexpr std::size_t kEntries = 64;
  /// The same trouble is said again after so long.
  static constexpr Ns kSayAgain = 60 * kSecond;
  /// One that changes its look, after so long at the earliest.
  static constexpr Ns kSayChanged = 5 * kSecond;
  /// All together: so many lines at once, one more each kSayGap.
  static constexpr std::uint32_t kBurst = 32;
  static constexpr Ns kSayGap = kSecond;

  /// Enters `what` (its times and count are the book's). Returns the entry where it is to be said now, else
  /// null. Valid until the next call.
  const Trouble* note(const Trouble& what, Ns now) noexcept;
  /// The object was answered about. Returns what was the matter where that had been said, else null.
  const Trouble* end(const Trouble& object, Ns now) noexcept;
  /// Ends all that is noted about rows of this list, but those noted at `now`.
  void end_rows(domain::LookupKind kind, AccountIndex account, domain::Product product, Ns now) noexcept;

  /// The latest that keeps `account` (not valid: anything) from what it needs; null: nothing does.
  [[nodiscard]] const Trouble* latest(AccountIndex account) const noexcept;
  /// Copies up to `out.size()`, oldest entry first; returns how many.
  std::size_t copy(std::span<Trouble> out) const noexcept;

 private:
  struct Entry {
    Trouble trouble;
    bool used = false;
    bool said = false;
    Ns said_ns = 0;
  };
  [[nodiscard]] Entry* find(const Trouble& object) noexcept;
  [[nodiscard]] Entry& place() noexcept;
  [[nodiscard]] bool may_say(Ns now) noexcept;

  std::array<Entry, kEntries> entries_{};
  Trouble ended_;
  Ns credit_ns_ = INT64_MIN / 2;  ///< When all lines said so far would have been due, one each kSayGap.
};

}  // namespace backhand::engine
