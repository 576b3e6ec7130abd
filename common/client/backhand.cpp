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
