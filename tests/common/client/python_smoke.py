"""Attaches to the gateway at argv[2] by the library argv[1] and checks what a strategy in Python sees."""

import decimal
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
    session.reattach()
    assert session.generation == 2 and session.taken_mark == dropped

with backhand.Session(path, "alpha", "python", cursor=1, library=library) as session:
    session.wait(30)
    replayed = session.poll()
    assert [event.record_number for event in replayed] == [2, 3, 4, 5] and replayed[0].replayed, replayed
