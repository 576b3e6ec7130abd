"""Backhand's client library for Python: attach a lane, push reversals, poll outcomes.

Standard library only, over libbackhand_client.so (common/client/backhand.h, which says more). One thread
pushes and one polls; they may be the same.

    with Session("/run/backhand/attach.sock", "momentum", "main") as session:
        intent_id = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", size="0.02", within_s=0.2)
        for outcome in session.wait_for(intent_id, timeout_s=30):
            print(outcome)
        shot = session.arm("main", "USDT-FUTURES", "ETHUSDT", "short", within_s=3600)
        fired = session.fire(shot)

In an event loop of your own, a session is what the loop waits on (it has `fileno`); poll it once before, and each
time that it is readable:

    loop.add_reader(session, lambda: handle(session.poll()))    # asyncio; selectors take a session likewise
    handle(session.poll())
"""

import collections
import ctypes
import dataclasses
import decimal
import enum
import time
import weakref

# Which journaled outcomes of earlier runs on a lane are told again: all that are still kept, those that no run has
# dealt with, or none. Or a record number: those above it.
CURSOR_ALL = 0
CURSOR_OWED = 2**64 - 2
CURSOR_NOW = 2**64 - 1
_ABI_VERSION = 2
_BATCH = 64
_MOST_KEPT = 100_000


class _Intent(ctypes.Structure):
    _fields_ = [
        ("id", ctypes.c_uint64),
        ("target_id", ctypes.c_uint64),
        ("created_ns", ctypes.c_int64),
        ("deadline_ns", ctypes.c_int64),
        ("size_digits", ctypes.c_uint64),
        ("expected_digits", ctypes.c_uint64),
        ("account", ctypes.c_char * 16),
        ("symbol", ctypes.c_char * 24),
        ("margin_coin", ctypes.c_char * 8),
        ("user_tag", ctypes.c_uint8 * 16),
        ("kind", ctypes.c_uint8),
        ("product", ctypes.c_uint8),
        ("position_side", ctypes.c_uint8),
        ("priority", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("size_scale", ctypes.c_uint8),
        ("expected_scale", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
    ]


class _Outcome(ctypes.Structure):
    _fields_ = (
        [(name, ctypes.c_uint64) for name in ("event_number", "record_number", "intent_id")]
        + [
            (name, ctypes.c_uint8)
            for name in (
                "kind", "deny_reason", "result", "code_class", "notice", "position_side", "flags", "position_scale",
            )
        ]
        + [("connection", ctypes.c_uint16), ("http_status", ctypes.c_uint16), ("reserved", ctypes.c_uint32)]
        + [
            (name, ctypes.c_int64)
            for name in (
                "created_ns", "taken_ns", "encoded_ns", "written_ns", "replied_ns", "published_ns", "slot_ns",
            )
        ]
        + [(name, ctypes.c_uint64) for name in ("long_before", "short_before", "long_after", "short_after")]
        + [
            ("order_id", ctypes.c_char * 24),
            ("client_oid", ctypes.c_char * 32),
            ("user_tag", ctypes.c_uint8 * 16),
            ("venue_code", ctypes.c_char * 8),
            ("account", ctypes.c_char * 16),
            ("symbol", ctypes.c_char * 24),
        ]
    )


assert ctypes.sizeof(_Intent) == 120 and ctypes.sizeof(_Outcome) == 248


class PushResult(enum.IntEnum):
    """What a push answers; whatever is not OK pushed nothing."""

    OK = 0
    FULL = 1
    BAD_ID = 2
    DETACHED = 3
    BROKEN = 4


class WaitResult(enum.IntEnum):
    """What a wait answers; true where there is something to poll."""

    READY = 0
    TIMED_OUT = 1
    DETACHED = 2

    def __bool__(self):
        return self is WaitResult.READY


class PushError(Exception):
    """`reverse` or another could not push; `result` says why. Nothing was sent."""

    def __init__(self, result):
        super().__init__(f"not pushed: {result.name.lower()}")
        self.result = result


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One event in the life of an intent, or a notice (`kind` "notice", `intent_id` 0)."""

    event_number: int
    record_number: int  # same number, same event told again; 0: not journaled
    intent_id: int
    kind: str
    deny_reason: str
    result: str
    code_class: str
    notice: str
    terminal: bool
    foreign_change: bool
    replayed: bool
    positions: tuple | None  # (long before, short before, long after, short after), Decimal
    connection: int
    http_status: int
    times_ns: dict  # created, taken, encoded, written, replied, published, slot; CLOCK_MONOTONIC, 0: not reached
    order_id: str
    client_oid: str
    user_tag: bytes  # 16, padded with zeros
    venue_code: str
    account: str
    symbol: str

    @property
    def tag(self):
        """The tag as text, without its padding."""
        return self.user_tag.rstrip(b"\0").decode(errors="replace")


class _Library:
    """The functions of libbackhand_client.so that are used here, with their types."""

    def __init__(self, path):
        lib = ctypes.CDLL(path)
        pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
        for name, result, arguments in (
            ("bh_abi_version", ctypes.c_uint32, []),
            ("bh_attach", pointer, [text, text, text, ctypes.c_uint64, ctypes.c_int64, text, size]),
            ("bh_close", None, [pointer]),
            ("bh_push", ctypes.c_int, [pointer, ctypes.POINTER(_Intent)]),
            ("bh_next_id", ctypes.c_uint64, [pointer]),
            ("bh_poll", size, [pointer, ctypes.POINTER(_Outcome), size]),
            ("bh_wait", ctypes.c_int, [pointer, ctypes.c_int64]),
            ("bh_event_fd", ctypes.c_int, [pointer]),
            ("bh_reattach", ctypes.c_int, [pointer, text, size]),
            ("bh_cursor", ctypes.c_uint64, [pointer]),
            ("bh_taken_mark", ctypes.c_uint64, [pointer]),
            ("bh_generation", ctypes.c_uint64, [pointer]),
            ("bh_now_ns", ctypes.c_int64, []),
            ("bh_make_reversal", ctypes.c_int, [ctypes.POINTER(_Intent), text, text, text, text]),
            ("bh_make_shot", ctypes.c_int, [ctypes.POINTER(_Intent), text, text, text, text]),
            ("bh_make_fire", ctypes.c_int, [ctypes.POINTER(_Intent), ctypes.c_uint64]),
            ("bh_make_disarm", ctypes.c_int, [ctypes.POINTER(_Intent), ctypes.c_uint64]),
            ("bh_make_withdraw", ctypes.c_int, [ctypes.POINTER(_Intent), ctypes.c_uint64]),
            ("bh_set_size", ctypes.c_int, [ctypes.POINTER(_Intent), text]),
            ("bh_set_expected_size", ctypes.c_int, [ctypes.POINTER(_Intent), text]),
            ("bh_event_name", text, [ctypes.c_uint8]),
            ("bh_deny_reason_name", text, [ctypes.c_uint8]),
            ("bh_result_name", text, [ctypes.c_uint8]),
            ("bh_code_class_name", text, [ctypes.c_uint8]),
            ("bh_notice_name", text, [ctypes.c_uint8]),
        ):
            function = getattr(lib, name)
            function.restype = result
            function.argtypes = arguments
            setattr(self, name[3:], function)
        if self.abi_version() != _ABI_VERSION:
            raise OSError(f"{path} has ABI version {self.abi_version()}, this module needs {_ABI_VERSION}")


def _bytes(what, text, most):
    """`text` as UTF-8 (bytes as they are) of at most `most` bytes; ValueError where it would be cut."""
    if not isinstance(text, (str, bytes)):
        raise TypeError(f"{what} is text or bytes, not {type(text).__name__}")
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > most:
        raise ValueError(f"{what} has at most {most} bytes, and {text!r} has {len(raw)}")
    if isinstance(text, str) and "\0" in text:
        raise ValueError(f"{what} must not contain a zero byte: {text!r}")
    return raw


class Session:
    """A lane of a strategy. Attaches again by itself when the gateway went away; never pushes again by itself."""

    def __init__(self, path, strategy, lane, cursor=CURSOR_OWED, timeout_s=2.0, library="libbackhand_client.so.2"):
        """Attaches; raises ConnectionError with the gateway's words where it is refused."""
        self._lib = _Library(library)
        self._batch = (_Outcome * _BATCH)()
        self._kept = collections.deque(maxlen=_MOST_KEPT)
        error = ctypes.create_string_buffer(512)
        handle = self._lib.attach(
            _bytes("the socket's path", path, 107), _bytes("a strategy's name", strategy, 24),
            _bytes("a lane's name", lane, 24), cursor, int(timeout_s * 1e9), error, len(error)
        )
        if not handle:
            raise ConnectionError(error.value.decode(errors="replace"))
        self._open_handle = handle
        # A strategy that ends without `close` has dealt with what it polled, too.
        self._close = weakref.finalize(self, self._lib.close, handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Detaches. Intents still waiting at the gateway are denied. Closing twice is fine; every other call on a
        closed session raises ValueError."""
        self._open_handle = None
        self._close()

    @property
    def closed(self):
        return self._open_handle is None

    @property
    def _handle(self):
        if self._open_handle is None:
            raise ValueError("the session is closed")
        return self._open_handle

    # Pushing thread.

    def reverse(
        self, account, product, symbol, side, size=None, expecting=None, within_s=1.0, priority=0, tag=b"", margin_coin=""
    ):
        """Pushes a reversal of the held `side` ("long" or "short") and returns its id.

        Sizes are text or Decimal, never float. A tag is text or bytes, 16 bytes at most, and comes back in every
        event. Raises ValueError for words that the gateway could not understand, PushError where it was not
        pushed.
        """
        intent = self._from_words(self._lib.make_reversal, account, product, symbol, side, size, margin_coin)
        return self._push(intent, within_s, priority, tag, expecting)

    def arm(
        self, account, product, symbol, side, size=None, expecting=None, within_s=60.0, priority=0, tag=b"", margin_coin=""
    ):
        """Prepares the same reversal ahead and returns the id that names the shot. It stays armed for `within_s`
        at most (a day is the longest); its last event is "disarmed"."""
        intent = self._from_words(self._lib.make_shot, account, product, symbol, side, size, margin_coin)
        return self._push(intent, within_s, priority, tag, expecting)

    def fire(self, shot, expecting=None, within_s=1.0, priority=0, tag=b""):
        """Sends the shot that `arm` returned and returns the id under which the reversal's events come."""
        return self._push(self._for_target(self._lib.make_fire, shot), within_s, priority, tag, expecting)

    def disarm(self, shot, tag=b""):
        """Drops a shot. Granted, it has no event of its own: the shot's "disarmed" says "withdrawn"."""
        return self._push(self._for_target(self._lib.make_disarm, shot), tag=tag)

    def withdraw(self, intent_id, tag=b""):
        """Takes back a reversal or a fire that waits. Granted, it has no event of its own: the other's "denied"
        says "withdrawn"."""
        return self._push(self._for_target(self._lib.make_withdraw, intent_id), tag=tag)

    def _from_words(self, make, account, product, symbol, side, size, margin_coin):
        intent = _Intent()
        words = (
            _bytes("an account's name", account, 16), _bytes("a product", product, 24), _bytes("a symbol", symbol, 24),
            _bytes("a position's side", side, 24),
        )
        if make(ctypes.byref(intent), *words):
            raise ValueError(
                f'no such reversal: product {product!r} (as "USDT-FUTURES"), side {side!r} ("long" or "short", what is held)'
            )
        self._set_number(self._lib.set_size, intent, size)
        intent.margin_coin = _bytes("a margin coin", margin_coin, 8)
        return intent

    def _for_target(self, make, target):
        intent = _Intent()
        if not 0 < target < 2**64 or make(ctypes.byref(intent), target):
            raise ValueError(f"no such intent: {target!r}")
        return intent

    def _set_number(self, setter, intent, value):
        if value is None:
            return
        if isinstance(value, float):
            raise ValueError("a size is text or Decimal: a float is not exact")
        try:
            text = format(decimal.Decimal(value), "f")
        except decimal.InvalidOperation:
            text = ""
        if setter(ctypes.byref(intent), text.encode()):
            raise ValueError(f"not a size: {value!r}")

    def _push(self, intent, within_s=1.0, priority=0, tag=b"", expecting=None):
        self._set_number(self._lib.set_expected_size, intent, expecting)
        if not 0 <= priority <= 7:
            raise ValueError("priority is 0 to 7")
        raw = _bytes("a tag", tag, 16)
        ctypes.memmove(intent.user_tag, raw, len(raw))
        intent.priority = priority
        intent.deadline_ns = self._lib.now_ns() + int(within_s * 1e9)
        intent.id = self._lib.next_id(self._handle)
        result = PushResult(self._lib.push(self._handle, ctypes.byref(intent)))
        if result is not PushResult.OK:
            raise PushError(result)
        return intent.id

    # Polling thread.

    def poll(self):
        """The outcomes that are there now, as a list. What earlier calls returned counts as dealt with: a later
        session is not told it again."""
        handle = self._handle
        kept = list(self._kept)
        self._kept.clear()
        return kept + self._fresh(handle)

    def _fresh(self, handle):
        count = self._lib.poll(handle, self._batch, _BATCH)
        return [self._outcome(self._batch[i]) for i in range(count)]

    def wait(self, timeout_s):
        """Sleeps until there is something to poll."""
        handle = self._handle
        if self._kept:
            return WaitResult.READY
        return WaitResult(self._lib.wait(handle, int(timeout_s * 1e9)))

    def fileno(self):
        """A descriptor that is readable when `poll` has something to tell or to do, for selectors, asyncio and
        their like. Poll once before waiting on it, and never read from it; it is the session's own."""
        fd = self._lib.event_fd(self._handle)
        if fd < 0:
            raise OSError("cannot make a descriptor to wait on")
        return fd

    def wait_for(self, intent_id, timeout_s):
        """Yields the events of one intent up to its terminal one; raises TimeoutError. Those of others are kept
        for `poll` and later calls."""
        until = time.monotonic() + timeout_s
        while True:
            self._kept.extend(self._fresh(self._handle))
            while (outcome := self._take_kept(intent_id)) is not None:
                yield outcome
                if outcome.terminal:
                    return
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"intent {intent_id} has no terminal event yet")
            self._lib.wait(self._handle, int(min(left, 1.0) * 1e9))

    def _take_kept(self, intent_id):
        for i, outcome in enumerate(self._kept):
            if outcome.intent_id == intent_id:
                del self._kept[i]
                return outcome
        return None

    def reattach(self):
        error = ctypes.create_string_buffer(512)
        if self._lib.reattach(self._handle, error, len(error)):
            raise ConnectionError(error.value.decode(errors="replace"))

    @property
    def cursor(self):
        """Highest record number told so far: give it to the next Session to miss nothing and repeat little."""
        return self._lib.cursor(self._handle)

    @property
    def taken_mark(self):
        """Highest intent id that was taken before the last attach; what was pushed above it never was."""
        return self._lib.taken_mark(self._handle)

    @property
    def generation(self):
        """0 while there is no gateway; else it counts the attaches."""
        return self._lib.generation(self._handle)

    def _outcome(self, o):
        def name(function, number):
            return function(number).decode()

        def size(digits):
            return decimal.Decimal(digits).scaleb(-o.position_scale)

        known = o.flags & 8
        return Outcome(
            event_number=o.event_number,
            record_number=o.record_number,
            intent_id=o.intent_id,
            kind=name(self._lib.event_name, o.kind),
            deny_reason=name(self._lib.deny_reason_name, o.deny_reason),
            result=name(self._lib.result_name, o.result),
            code_class=name(self._lib.code_class_name, o.code_class),
            notice=name(self._lib.notice_name, o.notice),
            terminal=bool(o.flags & 1),
            foreign_change=bool(o.flags & 2),
            replayed=bool(o.flags & 4),
            positions=tuple(map(size, (o.long_before, o.short_before, o.long_after, o.short_after))) if known else None,
            connection=o.connection,
            http_status=o.http_status,
            times_ns={
                stage: getattr(o, stage + "_ns")
                for stage in ("created", "taken", "encoded", "written", "replied", "published", "slot")
            },
            order_id=o.order_id.decode(errors="replace"),
            client_oid=o.client_oid.decode(errors="replace"),
            user_tag=bytes(o.user_tag),
            venue_code=o.venue_code.decode(errors="replace"),
            account=o.account.decode(errors="replace"),
            symbol=o.symbol.decode(errors="replace"),
        )
