/* Backhand's client library for C and for every language that can call C. The same as
 * common/client/session.hpp, which says more; numbers of the enums are those of common/wire/intent.hpp and
 * outcome.hpp. One thread pushes (bh_push, bh_next_id) and one polls (the rest); they may be the same. No
 * function throws; a null session is answered, not followed. */
#ifndef BACKHAND_H
#define BACKHAND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BH_ABI_VERSION 1

typedef struct bh_session bh_session;

enum { BH_USDT_FUTURES = 1, BH_COIN_FUTURES = 2, BH_USDC_FUTURES = 3 };
enum { BH_LONG = 1, BH_SHORT = 2 };
enum { BH_REVERSE = 1, BH_WITHDRAW = 2, BH_ARM = 3, BH_FIRE = 4, BH_DISARM = 5 };
enum { BH_HAS_SIZE = 1, BH_HAS_EXPECTED_SIZE = 2 }; /* bh_intent.flags */

/* What a strategy asks. Text is padded with zeros and need not end in one; times are CLOCK_MONOTONIC. */
typedef struct bh_intent {
  uint64_t id;              /* Strictly increasing within a lane, from 1; see bh_next_id. */
  uint64_t target_id;       /* withdraw, fire, disarm: the id meant. */
  int64_t created_ns;       /* 0: bh_push sets it. */
  int64_t deadline_ns;      /* No byte is sent later; at most 60 s ahead, of an arm 24 h. */
  uint64_t size_digits;     /* With BH_HAS_SIZE: size_digits x 10^-size_scale in base coin. */
  uint64_t expected_digits; /* With BH_HAS_EXPECTED_SIZE: the held size that the strategy believes in. */
  char account[16];
  char symbol[24];
  char margin_coin[8]; /* Empty: the configured one. */
  char user_tag[16];   /* The caller's own; echoed in every event. */
  uint8_t kind;
  uint8_t product;
  uint8_t position_side; /* The side that is held and is to be reversed. */
  uint8_t priority;      /* 0 (lowest) to 7. */
  uint8_t flags;
  uint8_t size_scale;
  uint8_t expected_scale;
  uint8_t reserved; /* 0 */
} bh_intent;

enum {
  BH_DENIED = 1,
  BH_QUEUED = 2,
  BH_SENT = 3,
  BH_ACKED = 4,
  BH_REJECTED = 5,
  BH_UNKNOWN = 6,
  BH_SETTLED = 7,
  BH_UNRESOLVED = 8,
  BH_ARMED = 9,
  BH_DISARMED = 10,
  BH_NOTICE = 32
};
enum { BH_TERMINAL = 1, BH_FOREIGN_CHANGE = 2, BH_REPLAYED = 4, BH_HAS_POSITIONS = 8 }; /* bh_outcome.flags */

/* One event in the life of an intent, or a notice. */
typedef struct bh_outcome {
  uint64_t event_number;
  uint64_t record_number; /* Same number, same event told again; 0: not journaled. */
  uint64_t intent_id;
  uint8_t kind;
  uint8_t deny_reason;
  uint8_t result;
  uint8_t code_class;
  uint8_t notice;
  uint8_t position_side;
  uint8_t flags;
  uint8_t position_scale;
  uint16_t connection;
  uint16_t http_status;
  uint32_t reserved;
  int64_t created_ns;
  int64_t taken_ns;
  int64_t encoded_ns;
  int64_t written_ns;
  int64_t replied_ns;
  int64_t published_ns;
  int64_t slot_ns;
  uint64_t long_before;
  uint64_t short_before;
  uint64_t long_after;
  uint64_t short_after;
  char order_id[24];
  char client_oid[32];
  char user_tag[16];
  char venue_code[8];
  char account[16];
  char symbol[24];
} bh_outcome;

enum { BH_OK = 0, BH_FULL = 1, BH_BAD_ID = 2, BH_PUSH_DETACHED = 3, BH_BROKEN = 4 }; /* bh_push */
enum { BH_READY = 0, BH_TIMED_OUT = 1, BH_WAIT_DETACHED = 2 };                       /* bh_wait */
enum { BH_INVALID = -1 }; /* A null pointer, a text that does not fit, no memory. */

#define BH_CURSOR_NOW UINT64_MAX

/* BH_ABI_VERSION of the library that is loaded. */
uint32_t bh_abi_version(void);

/* Attaches to the gateway that listens at `path`. `cursor`: outcomes with a higher record number are told
 * again; 0: all that the journal holds; BH_CURSOR_NOW: none. Null where it failed; `error` (may be null) then
 * holds why, cut to `error_size` with its final zero. */
bh_session* bh_attach(const char* path, const char* strategy, const char* lane, uint64_t cursor,
                      int64_t timeout_ns, char* error, size_t error_size);
/* Detaches and frees; null is nothing. Both threads must be done with the session. */
void bh_close(bh_session* session);

int bh_push(bh_session* session, const bh_intent* intent);
uint64_t bh_next_id(bh_session* session);

/* Copies up to `most` outcomes to `out`; returns how many. Attaches again when the gateway went away. */
size_t bh_poll(bh_session* session, bh_outcome* out, size_t most);
/* Sleeps until there is something to poll. */
int bh_wait(bh_session* session, int64_t timeout_ns);
/* Drops the attachment and attaches afresh; 0, or BH_INVALID with `error` filled as by bh_attach. */
int bh_reattach(bh_session* session, char* error, size_t error_size);

uint64_t bh_cursor(const bh_session* session);     /* Highest record number told so far. */
uint64_t bh_taken_mark(const bh_session* session); /* Highest intent id taken at the last attach. */
uint64_t bh_generation(const bh_session* session); /* 0: no gateway now; else counts the attaches. */

/* CLOCK_MONOTONIC, as deadlines are. */
int64_t bh_now_ns(void);

/* Fills `intent` with a reversal whose deadline is one second from now; the id is left 0. `product` as the
 * venue prints it ("USDT-FUTURES"), `side` "long" or "short". BH_INVALID where a word is unknown or too long.
 */
int bh_make_reversal(bh_intent* intent, const char* account, const char* product, const char* symbol,
                     const char* side);
/* The same, prepared ahead: the intent's id names the shot. Deadline, when the shot ends: 60 s from now. */
int bh_make_shot(bh_intent* intent, const char* account, const char* product, const char* symbol,
                 const char* side);
/* Fills `intent` with what sends the shot `target`, drops it, or takes back the waiting intent `target`; the
 * deadline is one second from now. The arm's last event is BH_DISARMED. A drop or taking back that is granted
 * has no event: the target's says so. BH_INVALID where the target is 0. */
int bh_make_fire(bh_intent* intent, uint64_t target);
int bh_make_disarm(bh_intent* intent, uint64_t target);
int bh_make_withdraw(bh_intent* intent, uint64_t target);
/* Sets the size, or the expected size, from text ("0.02"). BH_INVALID where it is no such number. */
int bh_set_size(bh_intent* intent, const char* text);
int bh_set_expected_size(bh_intent* intent, const char* text);

/* The words for the numbers in an outcome; "invalid" for unknown ones. */
const char* bh_event_name(uint8_t kind);
const char* bh_deny_reason_name(uint8_t reason);
const char* bh_result_name(uint8_t result);
const char* bh_code_class_name(uint8_t code_class);
const char* bh_notice_name(uint8_t notice);

#ifdef __cplusplus
}
#endif

#endif
