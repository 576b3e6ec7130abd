"""Attaches to the gateway at argv[2] by the library argv[1] and checks what a strategy in Python sees."""

import asyncio
import decimal
import selectors
import sys

import backhand

library, path = sys.argv[1:3]

try:
    backhand.Session(path, "omega", "main", library=library)
    raise AssertionError("an unknown strategy was let in")
except ConnectionError as error:
    assert "not in the gateway's configuration" in str(error), error

with backhand.Session(path, "alpha", "python", library=library) as session:
    assert session.generation == 1 and session.taken_mark == 0
    first = session.reverse(
        "main", "USDT-FUTURES", "ETHUSDT", "long", size=decimal.Decimal("0.020"), within_s=0.2, tag=b"mine"
    )
    events = list(session.wait_for(first, timeout_s=30))
    assert [event.kind for event in events] == ["queued", "settled"], events
    last = events[-1]
    assert last.terminal and last.result == "reversed" and last.user_tag == b"mine".ljust(16, b"\0"), last
    assert last.positions == (decimal.Decimal("1.50"), 0, 0, decimal.Decimal("1.50")), last
    assert 0 < last.times_ns["created"] <= last.times_ns["taken"], last
    assert session.cursor == 1
    for bad in (
        dict(side="sideways"), dict(size="much"), dict(size=0.02), dict(priority=8), dict(tag=b"x" * 17),
        dict(product="SPOT"),
    ):
        wanted = dict(account="main", product="USDT-FUTURES", symbol="ETHUSDT", side="long") | bad
        try:
            session.reverse(**wanted)
            raise AssertionError(f"{bad} was pushed")
        except (ValueError, decimal.InvalidOperation):
            pass
    assert session.wait(0.001) is backhand.WaitResult.TIMED_OUT
    second = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "short")
    assert second == first + 1
    assert list(session.wait_for(second, timeout_s=30))[-1].terminal
    shot = session.arm("main", "USDT-FUTURES", "ETHUSDT", "long", within_s=3600, tag=b"shot")
    fired = session.fire(shot, expecting="1.50", priority=2)
    events = list(session.wait_for(fired, timeout_s=30))
    assert [event.kind for event in events] == ["settled"], events
    shot = session.arm("main", "USDT-FUTURES", "ETHUSDT", "long")
    dropped = session.disarm(shot)
    events = list(session.wait_for(shot, timeout_s=30))
    assert [(event.kind, event.deny_reason) for event in events] == [("armed", "none"), ("disarmed", "withdrawn")], events
    assert events[-1].terminal
    for bad in (lambda: session.fire(0), lambda: session.withdraw(-1), lambda: session.arm("main", "SPOT", "ETHUSDT", "long"),
                lambda: session.fire(shot, expecting=1.5), lambda: session.disarm(shot, tag=b"x" * 17)):
        try:
            bad()
            raise AssertionError("a bad intent was pushed")
        except ValueError:
            pass
    # Tags are bytes, or text as UTF-8; what would be cut is refused.
    for tag, raw in (("hello", b"hello"), ("größe", "größe".encode()), (b"r\0w", b"r\0w")):
        sent = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", tag=tag)
        last = list(session.wait_for(sent, timeout_s=30))[-1]
        assert last.user_tag == raw.ljust(16, b"\0") and last.tag == raw.decode(), last
    for bad in (dict(tag="ü" * 9), dict(tag="a" * 17), dict(tag="a\0b"), dict(symbol="ETH\0USDT"), dict(account="m" * 17)):
        try:
            session.reverse(**dict(account="main", product="USDT-FUTURES", symbol="ETHUSDT", side="long") | bad)
            raise AssertionError(f"{bad} was pushed")
        except ValueError as error:
            assert "bytes" in str(error) or "zero byte" in str(error), error
    try:
        session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", tag=7)
        raise AssertionError("a number is no tag")
    except TypeError as error:
        assert "text or bytes" in str(error), error

    # Two at once, waited for in either order: what belongs to the other is kept.
    one = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long")
    two = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "short")
    assert [e.intent_id for e in session.wait_for(two, timeout_s=30)][-1] == two
    assert [e.kind for e in session.wait_for(one, timeout_s=30)] == ["queued", "settled"]
    three = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long")
    four = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "short")
    assert list(session.wait_for(four, timeout_s=30))[-1].terminal
    assert session.wait(30) is backhand.WaitResult.READY
    assert [e.kind for e in session.poll() if e.intent_id == three] == ["queued", "settled"]
    session.reattach()
    assert session.generation == 2 and session.taken_mark == four

    # In an event loop of the strategy's own.
    with selectors.DefaultSelector() as selector:
        selector.register(session, selectors.EVENT_READ)
        sent, kinds = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long"), []
        kinds += [e.kind for e in session.poll() if e.intent_id == sent]
        while "settled" not in kinds:
            assert selector.select(30), kinds
            kinds += [e.kind for e in session.poll() if e.intent_id == sent]

    async def reverse_once():
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        sent = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long")

        def hear():
            if any(e.intent_id == sent and e.terminal for e in session.poll()):
                done.set()

        loop.add_reader(session, hear)
        hear()
        await asyncio.wait_for(done.wait(), 30)
        loop.remove_reader(session)

    asyncio.run(reverse_once())
    records = session.cursor

# Closed twice, and everything else on a closed session names what is wrong.
session.close()
assert session.closed
for call in (
    session.poll, session.reattach, session.fileno, lambda: session.wait(0), lambda: session.cursor, lambda: session.taken_mark,
    lambda: session.generation, lambda: list(session.wait_for(1, 1)), lambda: session.fire(1),
    lambda: session.arm("main", "USDT-FUTURES", "ETHUSDT", "long"),
    lambda: session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long"), lambda: session.withdraw(1), lambda: session.disarm(1),
):
    try:
        call()
        raise AssertionError("a closed session answered")
    except ValueError as error:
        assert "session is closed" in str(error), error

# What is still owed is the default; everything can be asked for.
with backhand.Session(path, "alpha", "python", library=library) as session:
    assert session.cursor == records and session.wait(0.02) is backhand.WaitResult.TIMED_OUT
    unheard = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long")
    session.wait(30)
with backhand.Session(path, "alpha", "python", library=library) as session:
    assert [(e.intent_id, e.replayed) for e in session.wait_for(unheard, timeout_s=30)] == [(unheard, True)]
with backhand.Session(path, "alpha", "python", cursor=backhand.CURSOR_ALL, library=library) as session:
    assert session.cursor == 0 and session.wait(30) and session.poll() and not session.wait(0.02)

with backhand.Session(path, "alpha", "python", cursor=1, library=library) as session:
    session.wait(30)
    replayed = session.poll()
    assert [event.record_number for event in replayed[:4]] == [2, 3, 4, 5] and replayed[0].replayed, replayed
