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

#define BH_ABI_VERSION 2

typedef struct bh_session bh_session;

enum { BH_USDT_FUTURES = 1, BH_COIN_FUTURES = 2, BH_USDC_FUTURES = 3 };
/* Withdrawn by the venue in 2025. */
enum { BH_SUSDT_FUTURES = 4, BH_SCOIN_FUTURES = 5, BH_SUSDC_FUTURES = 6 };
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

/* bh_outcome.deny_reason of BH_DENIED and BH_DISARMED: why; wire/outcome.hpp says what each means. */
enum {
  BH_DENY_NONE = 0,
  BH_DENY_MALFORMED = 1,
  BH_DENY_ID_NOT_INCREASING = 2,
  BH_DENY_UNKNOWN_ACCOUNT = 3,
  BH_DENY_UNKNOWN_INSTRUMENT = 4,
  BH_DENY_DEADLINE_PASSED = 5,
  BH_DENY_DEADLINE_TOO_FAR = 6,
  BH_DENY_DEADLINE_UNREACHABLE = 7,
  BH_DENY_NOT_READY = 8,
  BH_DENY_HALTED = 9,
  BH_DENY_POSITION_BLOCKED = 10,
  BH_DENY_POSITION_BUSY = 11,
  BH_DENY_POSITION_STALE = 12,
  BH_DENY_WRONG_SIDE = 13,
  BH_DENY_NOTHING_HELD = 14,
  BH_DENY_SIZE_DIFFERS = 15,
  BH_DENY_SIZE_NOT_ALLOWED = 16,
  BH_DENY_SIZE_TOO_SMALL = 17,
  BH_DENY_SIZE_TOO_LARGE = 18,
  BH_DENY_SIZE_OFF_STEP = 19,
  BH_DENY_CONTRACT_CLOSED = 20,
  BH_DENY_TOO_MANY_INTENTS = 21,
  BH_DENY_TOO_MANY_REVERSALS = 22,
  BH_DENY_QUEUE_FULL = 23,
  BH_DENY_STRATEGY_GONE = 24,
  BH_DENY_WITHDRAWN = 25,
  BH_DENY_NO_CONNECTION = 26,
  BH_DENY_NOT_WRITTEN = 27,
  BH_DENY_JOURNAL_UNAVAILABLE = 28,
  BH_DENY_RESTARTED = 29,
  BH_DENY_NOT_RECORDED = 30,
  BH_DENY_STOPPING = 31,
  BH_DENY_DRY_RUN = 32,
  BH_DENY_TOO_LATE = 33,
  BH_DENY_NO_SUCH_TARGET = 34,
  BH_DENY_SHOT_EXPIRED = 35,
  BH_DENY_TOO_MANY_SHOTS = 36,
  BH_DENY_CAPACITY = 37,
  BH_DENY_ACCOUNT_HALTED = 38,
  BH_DENY_NEVER_TAKEN = 39
};
/* bh_outcome.result of BH_SETTLED: how it ended. */
enum {
  BH_RESULT_NONE = 0,
  BH_RESULT_REVERSED = 1,
  BH_RESULT_PARTLY_REVERSED = 2,
  BH_RESULT_CLOSED_ONLY = 3,
  BH_RESULT_NOT_EXECUTED = 4
};
/* bh_outcome.code_class: what kind of answer the venue's code is. */
enum {
  BH_CLASS_NONE = 0,
  BH_CLASS_SUCCESS = 1,
  BH_CLASS_NOT_EXECUTED = 2,
  BH_CLASS_AMBIGUOUS = 3,
  BH_CLASS_CLOSED = 4,
  BH_CLASS_FATAL = 5,
  BH_CLASS_NOTHING_HELD = 6,
  BH_CLASS_MODE = 7,
  BH_CLASS_FUNDS = 8,
  BH_CLASS_MARKET = 9,
  BH_CLASS_BAD_REQUEST = 10,
  BH_CLASS_DUPLICATE = 11,
  BH_CLASS_LEAD_TRADER = 12
};
/* bh_outcome.notice of BH_NOTICE. */
enum {
  BH_NOTICE_NONE = 0,
  BH_NOTICE_READY = 1,
  BH_NOTICE_NOT_READY = 2,
  BH_NOTICE_HALTED = 3,
  BH_NOTICE_RESUMED = 4,
  BH_NOTICE_POSITION_BLOCKED = 5,
  BH_NOTICE_POSITION_UNBLOCKED = 6,
  BH_NOTICE_ACCOUNT_HALTED = 7,
  BH_NOTICE_RESOLVED = 8,
  BH_NOTICE_EVENTS_LOST = 9
};

/* One event in the life of an intent, or a notice. */
typedef struct bh_outcome {
  uint64_t event_number;
  uint64_t record_number; /* Same number, same event told again; 0: not journaled. */
  uint64_t intent_id;
  uint8_t kind;        /* BH_DENIED ... */
  uint8_t deny_reason; /* BH_DENY_... */
  uint8_t result;      /* BH_RESULT_... */
  uint8_t code_class;  /* BH_CLASS_... */
  uint8_t notice;      /* BH_NOTICE_... */
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

/* bh_attach: which journaled outcomes of earlier runs on this lane are told again. A record number: those
 * above it. Or one of these. */
#define BH_CURSOR_ALL UINT64_C(0)       /* All that are still kept. */
#define BH_CURSOR_OWED (UINT64_MAX - 1) /* Those that no run has noted; what a strategy usually wants. */
#define BH_CURSOR_NOW UINT64_MAX        /* None. */

/* BH_ABI_VERSION of the library that is loaded. */
uint32_t bh_abi_version(void);

/* Attaches to the gateway that listens at `path`. `cursor`: BH_CURSOR_OWED, or see there. Null where it
 * failed; `error` (may be null) then holds why, cut to `error_size` with its final zero. */
bh_session* bh_attach(const char* path, const char* strategy, const char* lane, uint64_t cursor,
                      int64_t timeout_ns, char* error, size_t error_size);
/* Detaches and frees; null is nothing. Both threads must be done with the session. */
void bh_close(bh_session* session);

/* BH_OK says that the intent lies in shared memory, not that a gateway took it. What was never taken, as its
 * gateway died, is told by bh_poll as BH_DENIED, BH_DENY_NEVER_TAKEN: when the gateway's process is seen to
 * have ended, at the latest after the next attach. */
int bh_push(bh_session* session, const bh_intent* intent);
uint64_t bh_next_id(bh_session* session);

/* Copies up to `most` outcomes to `out`; returns how many. Attaches again when the gateway went away. What
 * an earlier call returned counts as dealt with from here on (as from bh_wait and bh_close on):
 * BH_CURSOR_OWED does not tell it again. */
size_t bh_poll(bh_session* session, bh_outcome* out, size_t most);
/* Sleeps until there is something to poll. */
int bh_wait(bh_session* session, int64_t timeout_ns);
/* A descriptor for an event loop of your own (epoll, poll, select; read side): readable when bh_poll has
 * something to tell or to do. Call bh_poll once after this call and whenever it is readable; never read from
 * it or close it. It is the same at each call and over re-attaches. The first call starts a thread in this
 * process. BH_INVALID where that failed. */
int bh_event_fd(bh_session* session);
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
