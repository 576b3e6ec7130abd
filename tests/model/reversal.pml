/* The protocol of a reversal: journal, send, crash, restart, settle, over a lossy network to a venue that may
 * execute late. Spin visits every interleaving and shows that no intent is executed twice, that every intent
 * gets one terminal answer, and that the answer is true, before and after.
 *
 * Bounds: N intents of one position, CRASHES crashes at any step. Left out: pacing, risk, other positions (they
 * share nothing here), how bytes are stored (gateway/journal's own tests break that at every step).
 *
 * One variant of the protocol at a time may be broken by -D…; check.sh demands that Spin finds each of them:
 *   RESEND              a restart sends again what has no answer
 *   BELIEVE_NOT_FOUND   "not found" counts before the fuse has burnt
 *   FORGET_GRACE        "not found" counts once the fuse has burnt, but before the venue's grace is over
 *   JOURNAL_AFTER_SEND  `intended` is recorded after the write
 *   REJECT_ON_TIMEOUT   a time-out is told as the venue's no
 *   FREE_ON_UNKNOWN     a position with an unknown reversal takes the next one
 *   TELL_BEFORE_RECORD  the strategy is told before the answer is recorded
 *   FORGET_TAKEN        a restart forgets the intents that waited
 *   VOID_AS_SENT        a write that the kernel did not take is recorded, then written again under its old record
 * ONLY_COUNT leaves the answers' truth unchecked, so that a second execution must be found by itself.
 */
#ifdef ONLY_COUNT
#define must_be_true(answer_holds) skip
#else
#define must_be_true(answer_holds) assert(answer_holds)
#endif
#ifndef N
#define N 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#define R (N + 1) /* Requests ever written; one more than intents, so that a second write has room. */

/* What the journal says of an intent: it survives a crash. `sent` changes nothing in recovery and is left out. */
mtype:record = { nothing, taken, intended, voided, learned_yes, learned_no, unknown, terminal };
mtype:answer = { none, denied, rejected, reversed, not_executed, never_taken };
/* Where the gateway is with an intent: lost in a crash. */
mtype:step = { in_lane, waiting, going, at_write, written, taking_back, saying_denied, saying_rejected, settling,
               telling, finished, recovering };
mtype:request = { unwritten, under_way, accepted, ended };
mtype:reply = { silent, yes, no };

mtype:record journal[N] = nothing;
mtype:answer recorded[N] = none; /* With `terminal`. */
mtype:step at[N] = in_lane;
mtype:answer told[N] = none; /* What the strategy knows; it outlives the gateway. */

mtype:request request[R] = unwritten;
byte intent_of[R];
mtype:reply reply[N] = silent;
byte executions[N];
/* Age of the intent's timestamp: 0 accepted by the venue; 1 the fuse has burnt: refused on arrival; 2 the grace is
 * over too: what was accepted has ended. The gateway reads it from the venue's own clock. */
byte age[N];
byte crashes;

inline say(i, what) {
#ifdef TELL_BEFORE_RECORD
  assert(told[i] == none || told[i] == what);
  told[i] = what;
#endif
  recorded[i] = what;
  at[i] = telling
}

/* The position belongs to the others while any of them may still act on it. */
inline look_whether_free(i, free) {
  byte j;
  free = true;
  for (j : 0 .. N - 1) {
    if
    :: j != i && (at[j] == recovering || at[j] == going || at[j] == at_write || at[j] == written ||
                  at[j] == taking_back || at[j] == saying_denied || at[j] == saying_rejected
#ifndef FREE_ON_UNKNOWN
                  || at[j] == settling
#endif
                 ) -> free = false
    :: else
    fi
  }
  j = 0
}

inline write_request(i) {
  byte r;
  r = 0;
  do
  :: r < R && request[r] != unwritten -> r++
  :: else -> break
  od;
  assert(r < R);
  /* Nobody else's request for this position may still be executed. */
  byte k;
  for (k : 0 .. R - 1) {
    must_be_true(!(intent_of[k] != i && (request[k] == under_way || request[k] == accepted) &&
             recorded[intent_of[k]] == none))
  }
  k = 0;
  request[r] = under_way;
  intent_of[r] = i;
  r = 0
}

/* One step of the gateway for intent `i`. Each line is one indivisible action: a record, a write, an answer. */
proctype Gateway(byte i) {
  bool free;
end:
  do
  /* Taken from the lane: refused, or on its way, or waiting for the position. */
  :: atomic { at[i] == in_lane -> at[i] = saying_denied }
  :: atomic { at[i] == in_lane -> look_whether_free(i, free);
       if
       :: free -> at[i] = going
       :: else -> journal[i] = taken; at[i] = waiting
       fi; free = false }
  :: atomic { at[i] == waiting -> look_whether_free(i, free);
       if
       :: free -> at[i] = going
       :: else -> at[i] = saying_denied /* Its deadline passed. */
       fi; free = false }

#ifdef JOURNAL_AFTER_SEND
  :: atomic { at[i] == going -> at[i] = at_write }
  :: atomic { at[i] == at_write -> write_request(i); at[i] = written }
  :: atomic { at[i] == written && journal[i] != intended -> journal[i] = intended }
#else
  :: atomic { at[i] == going -> journal[i] = intended; at[i] = at_write }
  :: atomic { at[i] == at_write -> write_request(i); at[i] = written }
#endif
  /* The kernel took no byte. */
  :: atomic { at[i] == at_write -> at[i] = taking_back }
#ifdef VOID_AS_SENT
  :: atomic { at[i] == taking_back -> journal[i] = voided; at[i] = at_write }
#else
  :: atomic { at[i] == taking_back -> journal[i] = voided; at[i] = saying_denied }
#endif

  /* The reply, or none in time. */
  :: atomic { at[i] == written && reply[i] == yes -> journal[i] = learned_yes; at[i] = settling }
  :: atomic { at[i] == written && reply[i] == no -> journal[i] = learned_no; at[i] = saying_rejected }
#ifdef REJECT_ON_TIMEOUT
  :: atomic { at[i] == written -> journal[i] = learned_no; at[i] = saying_rejected }
#else
  :: atomic { at[i] == written -> journal[i] = unknown; at[i] = settling }
#endif

  /* Evidence. Look-ups that say nothing change nothing and are left out. */
  :: atomic { at[i] == settling && executions[i] > 0 -> say(i, reversed) }
#if defined(BELIEVE_NOT_FOUND)
  :: atomic { at[i] == settling && executions[i] == 0 -> say(i, not_executed) }
#elif defined(FORGET_GRACE)
  :: atomic { at[i] == settling && executions[i] == 0 && age[i] >= 1 -> say(i, not_executed) }
#else
  :: atomic { at[i] == settling && executions[i] == 0 && age[i] == 2 -> say(i, not_executed) }
#endif

  :: atomic { at[i] == saying_denied -> say(i, denied) }
  :: atomic { at[i] == saying_rejected -> say(i, rejected) }

  /* The answer is recorded, then told. A strategy that is told again recognises the number. */
  :: atomic { at[i] == telling && journal[i] != terminal -> journal[i] = terminal }
  :: atomic { at[i] == telling && journal[i] == terminal ->
       assert(told[i] == none || told[i] == recorded[i]);
       told[i] = recorded[i];
       must_be_true(told[i] != reversed || executions[i] == 1);
       must_be_true(told[i] == reversed || executions[i] == 0);
       at[i] = finished }

  /* A restart goes by the journal alone. */
  :: atomic { at[i] == recovering ->
       if
       :: journal[i] == nothing ->
            recorded[i] = never_taken; journal[i] = terminal; at[i] = telling
#ifdef FORGET_TAKEN
       :: journal[i] == taken -> at[i] = finished
#else
       :: journal[i] == taken -> at[i] = saying_denied
#endif
#ifdef RESEND
       :: journal[i] == intended || journal[i] == unknown -> journal[i] = intended; at[i] = at_write
#else
       :: journal[i] == intended || journal[i] == unknown -> journal[i] = unknown; at[i] = settling
#endif
       :: journal[i] == voided -> at[i] = saying_denied
       :: journal[i] == learned_yes -> at[i] = settling
       :: journal[i] == learned_no -> at[i] = saying_rejected
       :: journal[i] == terminal -> at[i] = telling
       fi }
  od
}

/* The process dies between any two steps: all that it knew is gone, its connections with it. */
active proctype Crash() {
  byte i;
end:
  do
  :: atomic { crashes < CRASHES ->
       crashes++;
       for (i : 0 .. N - 1) {
         at[i] = recovering;
         reply[i] = silent;
         /* What was decided and not recorded is forgotten. */
         if
         :: journal[i] != terminal -> recorded[i] = none
         :: else
         fi
       }
       i = 0 }
  od
}

/* Network and venue, for one request. Bytes under way outlive the process that wrote them. */
proctype Venue(byte r) {
end:
  do
  :: atomic { request[r] == under_way -> request[r] = ended } /* Lost. */
  :: atomic { request[r] == under_way && age[intent_of[r]] == 0 ->
       request[r] = accepted;
       if
       :: reply[intent_of[r]] = yes
       :: skip /* The ack is lost. */
       fi }
  /* A definite no: of a kind that cannot follow an execution, or the timestamp is too old. */
  :: atomic { request[r] == under_way ->
       request[r] = ended;
       if
       :: reply[intent_of[r]] = no
       :: skip
       fi }
  /* Accepted is not executed, but is soon, or never. */
  :: atomic { request[r] == accepted ->
       assert(executions[intent_of[r]] == 0);
       must_be_true(told[intent_of[r]] == none);
       executions[intent_of[r]]++;
       request[r] = ended }
  :: atomic { request[r] == accepted -> request[r] = ended }
  od
}

/* Time for one intent, from when its request was stamped. The grace is the venue's assumed bound: what it accepted
 * has ended before it is over. */
proctype Clock(byte i) {
  byte k;
  bool pending;
end:
  do
  :: atomic { age[i] == 0 && journal[i] != nothing && journal[i] != taken -> age[i] = 1 }
  :: atomic { age[i] == 1 ->
       pending = false;
       for (k : 0 .. R - 1) {
         if
         :: request[k] == accepted && intent_of[k] == i -> pending = true
         :: else
         fi
       }
       k = 0;
       if
       :: !pending -> age[i] = 2
       :: else
       fi;
       pending = false }
  od
}

init {
  byte n;
  atomic {
    for (n : 0 .. N - 1) {
      run Gateway(n);
      run Clock(n)
    }
    for (n : 0 .. R - 1) {
      run Venue(n)
    }
    n = 0
  }
  /* When nothing can move any more, every intent has its answer. */
  timeout;
  for (n : 0 .. N - 1) {
    assert(told[n] != none);
    must_be_true((told[n] == reversed) == (executions[n] == 1))
  }
}

#if N == 2
ltl answered { <> (told[0] != none && told[1] != none) }
#endif
