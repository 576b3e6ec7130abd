/* A strategy in C: what a caller of the C ABI writes. Returns 0, or the line that failed. */
#include <poll.h>
#include <string.h>

#include "common/client/backhand.h"

int c_strategy(const char* path);

#define CHECK(condition)               \
  do {                                 \
    if (!(condition)) return __LINE__; \
  } while (0)

static int until_settled(bh_session* session, uint64_t id) {
  bh_outcome outcomes[8];
  for (;;) {
    if (bh_wait(session, INT64_C(30000000000)) != BH_READY) return __LINE__;
    const size_t count = bh_poll(session, outcomes, 8);
    for (size_t i = 0; i < count; ++i) {
      if (outcomes[i].intent_id != id) return __LINE__;
      if (outcomes[i].kind == BH_SETTLED) {
        if ((outcomes[i].flags & BH_TERMINAL) == 0) return __LINE__;
        if (outcomes[i].result != BH_RESULT_REVERSED || outcomes[i].deny_reason != BH_DENY_NONE)
          return __LINE__;
        if (strcmp(bh_result_name(outcomes[i].result), "reversed") != 0) return __LINE__;
        return 0;
      }
    }
  }
}

/* The same in an event loop: sleeps on the session's descriptor alone. */
static int by_descriptor(bh_session* session, uint64_t id) {
  bh_outcome outcomes[8];
  struct pollfd what = {.fd = bh_event_fd(session), .events = POLLIN, .revents = 0};
  if (what.fd < 0 || bh_event_fd(session) != what.fd || bh_event_fd(NULL) != BH_INVALID) return __LINE__;
  for (;;) {
    const size_t count = bh_poll(session, outcomes, 8);
    for (size_t i = 0; i < count; ++i) {
      if (outcomes[i].intent_id == id && outcomes[i].kind == BH_SETTLED) return 0;
    }
    if (poll(&what, 1, 30000) != 1) return __LINE__;
  }
}

/* Polls one event at a time, so that none of what follows is dropped. */
static int until_kind(bh_session* session, uint64_t id, uint8_t kind) {
  bh_outcome outcome;
  for (;;) {
    if (bh_wait(session, INT64_C(30000000000)) != BH_READY) return __LINE__;
    if (bh_poll(session, &outcome, 1) == 0) continue;
    if (outcome.intent_id == id && outcome.kind == kind) {
      return ((outcome.flags & BH_TERMINAL) != 0) == (kind == BH_DISARMED) ? 0 : __LINE__;
    }
  }
}

int c_strategy(const char* path) {
  char error[256];
  bh_intent intent;
  CHECK(bh_abi_version() == BH_ABI_VERSION);
  CHECK(bh_attach(path, "omega", "main", 0, 1000000000, error, sizeof error) == NULL);
  CHECK(strstr(error, "not in the gateway's configuration") != NULL);
  CHECK(bh_attach(path, "omega", "main", 0, 1000000000, error, 5) == NULL && strlen(error) == 4);
  CHECK(bh_attach(NULL, "alpha", "main", 0, 1000000000, NULL, 0) == NULL);
  bh_session* session = bh_attach(path, "alpha", "c", BH_CURSOR_OWED, 5000000000, error, sizeof error);
  CHECK(session != NULL);
  CHECK(bh_generation(session) == 1 && bh_taken_mark(session) == 0);

  CHECK(bh_make_reversal(&intent, "main", "USDT-FUTURES", "ETHUSDT", "sideways") == BH_INVALID);
  CHECK(bh_make_reversal(&intent, "main", "FUTURES", "ETHUSDT", "long") == BH_INVALID);
  CHECK(bh_make_reversal(&intent, "main", "usdt-futures", "ETHUSDT", "long") == BH_OK);
  CHECK(intent.product == BH_USDT_FUTURES && intent.position_side == BH_LONG && intent.kind == BH_REVERSE);
  CHECK(intent.deadline_ns > bh_now_ns());
  CHECK(bh_set_size(&intent, "nothing") == BH_INVALID);
  CHECK(bh_set_size(&intent, "0.02") == BH_OK);
  CHECK(bh_set_expected_size(&intent, "20") == BH_OK);
  CHECK(intent.flags == (BH_HAS_SIZE | BH_HAS_EXPECTED_SIZE) && intent.size_digits == 2 &&
        intent.size_scale == 2);

  CHECK(bh_push(session, &intent) == BH_BAD_ID);
  intent.id = bh_next_id(session);
  CHECK(bh_push(session, &intent) == BH_OK);
  CHECK(until_settled(session, intent.id) == 0);
  CHECK(bh_cursor(session) == 1);
  CHECK(bh_wait(session, 1000000) == BH_TIMED_OUT);
  CHECK(bh_reattach(session, error, sizeof error) == BH_OK);
  CHECK(bh_generation(session) == 2 && bh_taken_mark(session) == 1);

  bh_intent shot;
  CHECK(bh_make_shot(&shot, "main", "USDT-FUTURES", "ETHUSDT", "up") == BH_INVALID);
  CHECK(bh_make_shot(&shot, "main", "USDT-FUTURES", "ETHUSDT", "short") == BH_OK);
  CHECK(shot.kind == BH_ARM && shot.position_side == BH_SHORT && shot.target_id == 0);
  CHECK(shot.deadline_ns > bh_now_ns() + INT64_C(30000000000));
  shot.id = bh_next_id(session);
  CHECK(bh_push(session, &shot) == BH_OK);
  CHECK(until_kind(session, shot.id, BH_ARMED) == 0);
  CHECK(bh_make_fire(&intent, 0) == BH_INVALID && bh_make_fire(NULL, shot.id) == BH_INVALID);
  CHECK(bh_make_fire(&intent, shot.id) == BH_OK);
  CHECK(intent.kind == BH_FIRE && intent.target_id == shot.id && intent.deadline_ns > bh_now_ns());
  intent.id = bh_next_id(session);
  CHECK(bh_push(session, &intent) == BH_OK);
  CHECK(until_kind(session, shot.id, BH_DISARMED) == 0);
  CHECK(until_settled(session, intent.id) == 0);
  shot.id = bh_next_id(session);
  CHECK(bh_push(session, &shot) == BH_OK);
  CHECK(until_kind(session, shot.id, BH_ARMED) == 0);
  CHECK(bh_make_disarm(&intent, shot.id) == BH_OK && intent.kind == BH_DISARM);
  intent.id = bh_next_id(session);
  CHECK(bh_push(session, &intent) == BH_OK);
  CHECK(until_kind(session, shot.id, BH_DISARMED) == 0);
  CHECK(bh_make_withdraw(&intent, shot.id) == BH_OK && intent.kind == BH_WITHDRAW);

  CHECK(bh_make_reversal(&intent, "main", "USDT-FUTURES", "ETHUSDT", "long") == BH_OK);
  intent.id = bh_next_id(session);
  CHECK(bh_push(session, &intent) == BH_OK);
  CHECK(by_descriptor(session, intent.id) == 0);
  const uint64_t cursor = bh_cursor(session);
  bh_close(session);
  session = bh_attach(path, "alpha", "c", BH_CURSOR_OWED, 5000000000, error, sizeof error);
  CHECK(session != NULL && bh_cursor(session) == cursor);
  CHECK(bh_wait(session, 1000000) == BH_TIMED_OUT);

  CHECK(bh_push(NULL, &intent) == BH_INVALID && bh_poll(NULL, NULL, 3) == 0 &&
        bh_wait(NULL, 0) == BH_INVALID);
  CHECK(strcmp(bh_event_name(BH_DENIED), "denied") == 0 && strcmp(bh_event_name(200), "invalid") == 0);
  CHECK(strcmp(bh_deny_reason_name(BH_DENY_ID_NOT_INCREASING), "id_not_increasing") == 0);
  CHECK(strcmp(bh_deny_reason_name(BH_DENY_NEVER_TAKEN), "never_taken") == 0);
  CHECK(strcmp(bh_notice_name(BH_NOTICE_READY), "ready") == 0);
  CHECK(strcmp(bh_code_class_name(BH_CLASS_SUCCESS), "success") == 0);
  CHECK(strcmp(bh_result_name(BH_RESULT_NOT_EXECUTED), "not_executed") == 0);
  bh_close(session);
  bh_close(NULL);
  return 0;
}
