// The C ABI over Session. Nothing is thrown out of here.
#include "common/client/backhand.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>

#include "common/client/session.hpp"
#include "common/wire/names.hpp"

namespace wire = backhand::wire;
using backhand::client::Session;
using backhand::client::SessionOptions;

struct bh_session {
  Session session;
};

namespace {

#define BH_SAME(c_type, cpp_type, field)                                \
  static_assert(offsetof(c_type, field) == offsetof(cpp_type, field) && \
                sizeof(c_type::field) == sizeof(cpp_type::field))

static_assert(BH_ABI_VERSION == wire::kAbiVersion);
static_assert(sizeof(bh_intent) == sizeof(wire::Intent) && sizeof(bh_outcome) == sizeof(wire::Outcome));
BH_SAME(bh_intent, wire::Intent, deadline_ns);
BH_SAME(bh_intent, wire::Intent, expected_digits);
BH_SAME(bh_intent, wire::Intent, account);
BH_SAME(bh_intent, wire::Intent, symbol);
BH_SAME(bh_intent, wire::Intent, margin_coin);
BH_SAME(bh_intent, wire::Intent, user_tag);
BH_SAME(bh_intent, wire::Intent, kind);
BH_SAME(bh_intent, wire::Intent, position_side);
BH_SAME(bh_intent, wire::Intent, flags);
BH_SAME(bh_intent, wire::Intent, expected_scale);
BH_SAME(bh_outcome, wire::Outcome, intent_id);
BH_SAME(bh_outcome, wire::Outcome, kind);
BH_SAME(bh_outcome, wire::Outcome, notice);
BH_SAME(bh_outcome, wire::Outcome, flags);
BH_SAME(bh_outcome, wire::Outcome, connection);
BH_SAME(bh_outcome, wire::Outcome, created_ns);
BH_SAME(bh_outcome, wire::Outcome, slot_ns);
BH_SAME(bh_outcome, wire::Outcome, short_after);
BH_SAME(bh_outcome, wire::Outcome, order_id);
BH_SAME(bh_outcome, wire::Outcome, client_oid);
BH_SAME(bh_outcome, wire::Outcome, venue_code);
BH_SAME(bh_outcome, wire::Outcome, symbol);
#undef BH_SAME

// The names of C for the numbers of C++: one switch an enum, which the compiler holds complete.
#define BH_TIE(cpp_value, c_value) \
  case Enum::cpp_value:            \
    return c_value
constexpr int c_name(wire::Product value) {
  using Enum = wire::Product;
  switch (value) {
    BH_TIE(usdt_futures, BH_USDT_FUTURES);
    BH_TIE(coin_futures, BH_COIN_FUTURES);
    BH_TIE(usdc_futures, BH_USDC_FUTURES);
    BH_TIE(susdt_futures, BH_SUSDT_FUTURES);
    BH_TIE(scoin_futures, BH_SCOIN_FUTURES);
    BH_TIE(susdc_futures, BH_SUSDC_FUTURES);
  }
  return -1;
}
constexpr int c_name(wire::PositionSide value) {
  using Enum = wire::PositionSide;
  switch (value) {
    BH_TIE(long_side, BH_LONG);
    BH_TIE(short_side, BH_SHORT);
  }
  return -1;
}
constexpr int c_name(wire::IntentKind value) {
  using Enum = wire::IntentKind;
  switch (value) {
    BH_TIE(reverse, BH_REVERSE);
    BH_TIE(withdraw, BH_WITHDRAW);
    BH_TIE(arm, BH_ARM);
    BH_TIE(fire, BH_FIRE);
    BH_TIE(disarm, BH_DISARM);
  }
  return -1;
}
constexpr int c_name(wire::EventKind value) {
  using Enum = wire::EventKind;
  switch (value) {
    BH_TIE(denied, BH_DENIED);
    BH_TIE(queued, BH_QUEUED);
    BH_TIE(sent, BH_SENT);
    BH_TIE(acked, BH_ACKED);
    BH_TIE(rejected, BH_REJECTED);
    BH_TIE(unknown, BH_UNKNOWN);
    BH_TIE(settled, BH_SETTLED);
    BH_TIE(unresolved, BH_UNRESOLVED);
    BH_TIE(armed, BH_ARMED);
    BH_TIE(disarmed, BH_DISARMED);
    BH_TIE(notice, BH_NOTICE);
  }
  return -1;
}
constexpr int c_name(wire::DenyReason value) {
  using Enum = wire::DenyReason;
  switch (value) {
    BH_TIE(none, BH_DENY_NONE);
    BH_TIE(malformed, BH_DENY_MALFORMED);
    BH_TIE(id_not_increasing, BH_DENY_ID_NOT_INCREASING);
    BH_TIE(unknown_account, BH_DENY_UNKNOWN_ACCOUNT);
    BH_TIE(unknown_instrument, BH_DENY_UNKNOWN_INSTRUMENT);
    BH_TIE(deadline_passed, BH_DENY_DEADLINE_PASSED);
    BH_TIE(deadline_too_far, BH_DENY_DEADLINE_TOO_FAR);
    BH_TIE(deadline_unreachable, BH_DENY_DEADLINE_UNREACHABLE);
    BH_TIE(not_ready, BH_DENY_NOT_READY);
    BH_TIE(halted, BH_DENY_HALTED);
    BH_TIE(position_blocked, BH_DENY_POSITION_BLOCKED);
    BH_TIE(position_busy, BH_DENY_POSITION_BUSY);
    BH_TIE(position_stale, BH_DENY_POSITION_STALE);
    BH_TIE(wrong_side, BH_DENY_WRONG_SIDE);
    BH_TIE(nothing_held, BH_DENY_NOTHING_HELD);
    BH_TIE(size_differs, BH_DENY_SIZE_DIFFERS);
    BH_TIE(size_not_allowed, BH_DENY_SIZE_NOT_ALLOWED);
    BH_TIE(size_too_small, BH_DENY_SIZE_TOO_SMALL);
    BH_TIE(size_too_large, BH_DENY_SIZE_TOO_LARGE);
    BH_TIE(size_off_step, BH_DENY_SIZE_OFF_STEP);
    BH_TIE(contract_closed, BH_DENY_CONTRACT_CLOSED);
    BH_TIE(too_many_intents, BH_DENY_TOO_MANY_INTENTS);
    BH_TIE(too_many_reversals, BH_DENY_TOO_MANY_REVERSALS);
    BH_TIE(queue_full, BH_DENY_QUEUE_FULL);
    BH_TIE(strategy_gone, BH_DENY_STRATEGY_GONE);
    BH_TIE(withdrawn, BH_DENY_WITHDRAWN);
    BH_TIE(no_connection, BH_DENY_NO_CONNECTION);
    BH_TIE(not_written, BH_DENY_NOT_WRITTEN);
    BH_TIE(journal_unavailable, BH_DENY_JOURNAL_UNAVAILABLE);
    BH_TIE(restarted, BH_DENY_RESTARTED);
    BH_TIE(not_recorded, BH_DENY_NOT_RECORDED);
    BH_TIE(stopping, BH_DENY_STOPPING);
    BH_TIE(dry_run, BH_DENY_DRY_RUN);
    BH_TIE(too_late, BH_DENY_TOO_LATE);
    BH_TIE(no_such_target, BH_DENY_NO_SUCH_TARGET);
    BH_TIE(shot_expired, BH_DENY_SHOT_EXPIRED);
    BH_TIE(too_many_shots, BH_DENY_TOO_MANY_SHOTS);
    BH_TIE(capacity, BH_DENY_CAPACITY);
    BH_TIE(account_halted, BH_DENY_ACCOUNT_HALTED);
    BH_TIE(never_taken, BH_DENY_NEVER_TAKEN);
  }
  return -1;
}
constexpr int c_name(wire::SettledResult value) {
  using Enum = wire::SettledResult;
  switch (value) {
    BH_TIE(none, BH_RESULT_NONE);
    BH_TIE(reversed, BH_RESULT_REVERSED);
    BH_TIE(partly_reversed, BH_RESULT_PARTLY_REVERSED);
    BH_TIE(closed_only, BH_RESULT_CLOSED_ONLY);
    BH_TIE(not_executed, BH_RESULT_NOT_EXECUTED);
  }
  return -1;
}
constexpr int c_name(wire::CodeClass value) {
  using Enum = wire::CodeClass;
  switch (value) {
    BH_TIE(none, BH_CLASS_NONE);
    BH_TIE(success, BH_CLASS_SUCCESS);
    BH_TIE(not_executed, BH_CLASS_NOT_EXECUTED);
    BH_TIE(ambiguous, BH_CLASS_AMBIGUOUS);
    BH_TIE(closed, BH_CLASS_CLOSED);
    BH_TIE(fatal, BH_CLASS_FATAL);
    BH_TIE(nothing_held, BH_CLASS_NOTHING_HELD);
    BH_TIE(mode, BH_CLASS_MODE);
    BH_TIE(funds, BH_CLASS_FUNDS);
    BH_TIE(market, BH_CLASS_MARKET);
    BH_TIE(bad_request, BH_CLASS_BAD_REQUEST);
    BH_TIE(duplicate, BH_CLASS_DUPLICATE);
    BH_TIE(lead_trader, BH_CLASS_LEAD_TRADER);
  }
  return -1;
}
constexpr int c_name(wire::NoticeKind value) {
  using Enum = wire::NoticeKind;
  switch (value) {
    BH_TIE(none, BH_NOTICE_NONE);
    BH_TIE(ready, BH_NOTICE_READY);
    BH_TIE(not_ready, BH_NOTICE_NOT_READY);
    BH_TIE(halted, BH_NOTICE_HALTED);
    BH_TIE(resumed, BH_NOTICE_RESUMED);
    BH_TIE(position_blocked, BH_NOTICE_POSITION_BLOCKED);
    BH_TIE(position_unblocked, BH_NOTICE_POSITION_UNBLOCKED);
    BH_TIE(account_halted, BH_NOTICE_ACCOUNT_HALTED);
    BH_TIE(resolved, BH_NOTICE_RESOLVED);
    BH_TIE(events_lost, BH_NOTICE_EVENTS_LOST);
  }
  return -1;
}
constexpr int c_name(backhand::client::PushResult value) {
  using Enum = backhand::client::PushResult;
  switch (value) {
    BH_TIE(ok, BH_OK);
    BH_TIE(full, BH_FULL);
    BH_TIE(bad_id, BH_BAD_ID);
    BH_TIE(detached, BH_PUSH_DETACHED);
    BH_TIE(broken, BH_BROKEN);
  }
  return -1;
}
constexpr int c_name(backhand::client::WaitResult value) {
  using Enum = backhand::client::WaitResult;
  switch (value) {
    BH_TIE(ready, BH_READY);
    BH_TIE(timed_out, BH_TIMED_OUT);
    BH_TIE(detached, BH_WAIT_DETACHED);
  }
  return -1;
}
#undef BH_TIE

/// Whether every value of Enum has the same number in backhand.h.
template <typename Enum>
constexpr bool same_numbers() {
  for (int number = 0; number < 256; ++number) {
    const int name = c_name(static_cast<Enum>(number));
    if (name != -1 && name != number) return false;
  }
  return true;
}
static_assert(same_numbers<wire::Product>());
static_assert(same_numbers<wire::PositionSide>());
static_assert(same_numbers<wire::IntentKind>());
static_assert(same_numbers<wire::EventKind>());
static_assert(same_numbers<wire::DenyReason>());
static_assert(same_numbers<wire::SettledResult>());
static_assert(same_numbers<wire::CodeClass>());
static_assert(same_numbers<wire::NoticeKind>());
static_assert(same_numbers<backhand::client::PushResult>());
static_assert(same_numbers<backhand::client::WaitResult>());
static_assert(BH_HAS_SIZE == wire::kHasSize && BH_HAS_EXPECTED_SIZE == wire::kHasExpectedSize);
static_assert(BH_TERMINAL == wire::kTerminal && BH_FOREIGN_CHANGE == wire::kForeignChange &&
              BH_REPLAYED == wire::kReplayed && BH_HAS_POSITIONS == wire::kHasPositions);
static_assert(BH_CURSOR_ALL == wire::kCursorAll && BH_CURSOR_OWED == wire::kCursorOwed &&
              BH_CURSOR_NOW == wire::kCursorNow);

void tell(const std::string& message, char* error, std::size_t error_size) noexcept {
  if (error == nullptr || error_size == 0) return;
  const std::size_t length = std::min(message.size(), error_size - 1);
  std::memcpy(error, message.data(), length);
  error[length] = '\0';
}

/// Runs `action`; whatever it throws becomes `otherwise`.
template <typename Action, typename Result>
Result guarded(Action&& action, Result otherwise) noexcept {
  try {
    return action();
  } catch (...) {
    return otherwise;
  }
}

int set_number(bh_intent* intent, const char* text, std::uint8_t flag, std::uint64_t bh_intent::* digits,
               std::uint8_t bh_intent::* scale) noexcept {
  if (intent == nullptr || text == nullptr) return BH_INVALID;
  const auto value = backhand::Decimal::parse(text);
  if (!value) return BH_INVALID;
  intent->flags = static_cast<std::uint8_t>(intent->flags | flag);
  intent->*digits = value->digits;
  intent->*scale = value->scale;
  return BH_OK;
}

template <typename Make>
int make_from_words(bh_intent* intent, const char* account, const char* product, const char* symbol,
                    const char* side, Make make) noexcept {
  if (intent == nullptr || account == nullptr || product == nullptr || symbol == nullptr || side == nullptr)
    return BH_INVALID;
  const auto product_value = wire::from_string<wire::Product>(product);
  const auto side_value = wire::from_string<wire::PositionSide>(side);
  if (!product_value || !side_value) return BH_INVALID;
  if (!wire::AccountName::fits(account) || !wire::SymbolName::fits(symbol)) return BH_INVALID;
  *intent = std::bit_cast<bh_intent>(make(account, *product_value, symbol, *side_value).intent());
  return BH_OK;
}

template <typename Make>
int make_for_target(bh_intent* intent, std::uint64_t target, Make make) noexcept {
  if (intent == nullptr || target == 0) return BH_INVALID;
  *intent = std::bit_cast<bh_intent>(make(target).intent());
  return BH_OK;
}

}  // namespace

uint32_t bh_abi_version(void) { return BH_ABI_VERSION; }

bh_session* bh_attach(const char* path, const char* strategy, const char* lane, uint64_t cursor,
                      int64_t timeout_ns, char* error, size_t error_size) {
  if (path == nullptr || strategy == nullptr || lane == nullptr) {
    tell("path, strategy and lane must be given", error, error_size);
    return nullptr;
  }
  return guarded(
      [&]() -> bh_session* {
        SessionOptions options;
        options.cursor = cursor;
        options.timeout = std::chrono::nanoseconds(timeout_ns);
        auto session = Session::attach(path, strategy, lane, std::move(options));
        if (!session) {
          tell(session.error().message, error, error_size);
          return nullptr;
        }
        return new bh_session{std::move(*session)};
      },
      static_cast<bh_session*>(nullptr));
}

void bh_close(bh_session* session) { delete session; }

int bh_push(bh_session* session, const bh_intent* intent) {
  if (session == nullptr || intent == nullptr) return BH_INVALID;
  return static_cast<int>(session->session.push(std::bit_cast<wire::Intent>(*intent)));
}

uint64_t bh_next_id(bh_session* session) { return session == nullptr ? 0 : session->session.next_id(); }

size_t bh_poll(bh_session* session, bh_outcome* out, size_t most) {
  if (session == nullptr || out == nullptr || most == 0) return 0;
  std::size_t count = 0;
  const auto copy = [out, &count](const wire::Outcome& outcome) {
    out[count++] = std::bit_cast<bh_outcome>(outcome);
  };
  return guarded([&] { return session->session.poll(copy, most); }, count);
}

int bh_wait(bh_session* session, int64_t timeout_ns) {
  if (session == nullptr) return BH_INVALID;
  return guarded(
      [&] { return static_cast<int>(session->session.wait(std::chrono::nanoseconds(timeout_ns))); },
      static_cast<int>(BH_INVALID));
}

int bh_event_fd(bh_session* session) {
  if (session == nullptr) return BH_INVALID;
  return guarded([&] { return session->session.event_fd().value_or(BH_INVALID); },
                 static_cast<int>(BH_INVALID));
}

int bh_reattach(bh_session* session, char* error, size_t error_size) {
  if (session == nullptr) return BH_INVALID;
  return guarded(
      [&]() -> int {
        const auto attached = session->session.reattach();
        if (attached) return BH_OK;
        tell(attached.error().message, error, error_size);
        return BH_INVALID;
      },
      static_cast<int>(BH_INVALID));
}

uint64_t bh_cursor(const bh_session* session) { return session == nullptr ? 0 : session->session.cursor(); }
uint64_t bh_taken_mark(const bh_session* session) {
  return session == nullptr ? 0 : session->session.taken_mark();
}
uint64_t bh_generation(const bh_session* session) {
  return session == nullptr ? 0 : session->session.generation();
}

int64_t bh_now_ns(void) { return backhand::monotonic_now(); }

int bh_make_reversal(bh_intent* intent, const char* account, const char* product, const char* symbol,
                     const char* side) {
  return make_from_words(intent, account, product, symbol, side, backhand::client::make_reversal);
}
int bh_make_shot(bh_intent* intent, const char* account, const char* product, const char* symbol,
                 const char* side) {
  return make_from_words(intent, account, product, symbol, side, backhand::client::make_shot);
}
int bh_make_fire(bh_intent* intent, uint64_t target) {
  return make_for_target(intent, target, backhand::client::make_fire);
}
int bh_make_disarm(bh_intent* intent, uint64_t target) {
  return make_for_target(intent, target, backhand::client::make_disarm);
}
int bh_make_withdraw(bh_intent* intent, uint64_t target) {
  return make_for_target(intent, target, backhand::client::make_withdraw);
}

int bh_set_size(bh_intent* intent, const char* text) {
  return set_number(intent, text, wire::kHasSize, &bh_intent::size_digits, &bh_intent::size_scale);
}
int bh_set_expected_size(bh_intent* intent, const char* text) {
  return set_number(intent, text, wire::kHasExpectedSize, &bh_intent::expected_digits,
                    &bh_intent::expected_scale);
}

// The words are string literals, so they end in a zero.
const char* bh_event_name(uint8_t kind) { return to_string(static_cast<wire::EventKind>(kind)).data(); }
const char* bh_deny_reason_name(uint8_t reason) {
  return to_string(static_cast<wire::DenyReason>(reason)).data();
}
const char* bh_result_name(uint8_t result) {
  return to_string(static_cast<wire::SettledResult>(result)).data();
}
const char* bh_code_class_name(uint8_t code_class) {
  return to_string(static_cast<wire::CodeClass>(code_class)).data();
}
const char* bh_notice_name(uint8_t notice) { return to_string(static_cast<wire::NoticeKind>(notice)).data(); }
