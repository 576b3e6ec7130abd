"""Shots with real processes over real TLS: armed, fired, and ended in every other way. Ground truth is the venue's."""
import contextlib
import signal
import sys
import time
import unittest

from scenarios import ETH, BTC, ROOT, SHORT_FUSE, SHORT_FUSE_VENUE, Scenario, terminal_events

sys.path.insert(0, str(ROOT / "common/client/python"))
from backhand import CURSOR_ALL, PushError, Session  # noqa: E402
from stand import Account, intent, wait_for  # noqa: E402



class Strategy:
    """A strategy that waits for what it hears before it goes on, which a file of intents cannot."""

    def __init__(self, stand, lane="py", cursor=CURSOR_ALL):
        self.session = Session(str(stand.attach_socket), "alpha", lane, cursor=cursor, timeout_s=10,
                               library=str(stand.client_library))
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def arm(self, side="long", symbol="ETHUSDT", account="main", **more):
        return self.session.arm(account, "USDT-FUTURES", symbol, side, **more)

    def reverse(self, side="long", symbol="ETHUSDT", account="main", **more):
        return self.session.reverse(account, "USDT-FUTURES", symbol, side, within_s=5, **more)

    def fire(self, shot, **more):
        return self.session.fire(shot, **{"within_s": 5, **more})

    def of(self, intent_id, kind=None):
        self.events += self.session.poll()
        return [e for e in self.events if e.intent_id == intent_id and kind in (None, e.kind)]

    def kinds(self, intent_id):
        return [e.kind for e in self.of(intent_id)]

    def wait(self, intent_id, kind, count=1, limit_s=30):
        """The count-th event of that kind."""
        return wait_for(f"event {count} {kind} of intent {intent_id}, which has {self.kinds(intent_id)}",
                        lambda: self.of(intent_id, kind)[count - 1:], limit_s)[0]

    def end(self, intent_id, limit_s=30):
        return wait_for(f"the end of intent {intent_id}, which has {self.kinds(intent_id)}",
                        lambda: [e for e in self.of(intent_id) if e.terminal], limit_s)[0]


class ShotScenario(Scenario):
    def setUp(self):
        super().setUp()
        self.enter = self.enterContext

    def start(self, server=(), strategy=(), **config):
        self.stand.start_venue(*server)
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")], *strategy)], **config)
        self.stand.start_gateway()

    def strategy(self, **more):
        self.client_library()  # Skips where it cannot be loaded.
        return self.enter(Strategy(self.stand, **more))

    def try_strategy(self):
        try:
            return self.strategy()
        except ConnectionError:
            return None

    @contextlib.contextmanager
    def fresh(self):
        """A stand of its own, for one of several cases."""
        with contextlib.ExitStack() as stack:
            self.stand = stack.enter_context(self.new_stand())
            self.enter = stack.enter_context
            yield

    def counted(self, name):
        return self.stand.status().get("counters", {}).get(name, 0)

    def wait_counted(self, name, least):
        wait_for(f"{name} >= {least}", lambda: self.counted(name) >= least)

    def armed(self, strategy, **more):
        """A shot that is ready: its id and the event that said so."""
        shot = strategy.arm(**more)
        return shot, strategy.wait(shot, "armed")

    def executed(self, account="main"):
        return self.stand.control("/truth?parts=reversals")["executed"].get(account, {})

    def arrived(self):
        return [a["client_oid"] for a in self.stand.control("/truth?parts=arrivals")["arrivals"] if a["path"].endswith("click-backhand")]

    def check_sent_once(self, strategy, shot, armed, fired, account="main"):
        """Fired, settled as reversed, under the id that was told when it was armed, and once."""
        end = strategy.end(fired)
        self.assertEqual((end.kind, end.result), ("settled", "reversed"), strategy.kinds(fired) + [end.deny_reason])
        self.assertEqual(strategy.wait(fired, "sent").client_oid, armed.client_oid)
        self.assertEqual(strategy.end(shot).deny_reason, "none")
        self.assertEqual(self.executed(account)[armed.client_oid], 1)
        self.assertEqual(self.arrived().count(armed.client_oid), 1)

    def check_never_arrives(self, *oids):
        """Whatever the gateway's sockets held has left, or never will, once it has ended."""
        self.stand.stop("gateway")
        self.assertTrue(all(oids))
        self.assertFalse(set(oids) & set(self.arrived()))


class Shots(ShotScenario):
    def test_an_armed_shot_is_fired_and_settles(self):
        self.start()
        self.stand.send("alpha", [intent("main", "ETHUSDT", "long", do="arm", name="x", deadline_ms=30_000),
                                  {"do": "fire", "target": "x", "at_ms": 300, "deadline_ms": 5000, "tag": "mine"}])
        self.assertEqual(self.stand.wait_end("send-alpha-cli"), 0)
        events = [e for e in self.stand.events("alpha") if e["event"] != "notice"]
        arm = [e for e in events if e["line"] == 1]
        fire = [e for e in events if e["line"] == 2]
        self.assertEqual([e["event"] for e in arm], ["armed", "disarmed"])
        self.assertNotIn("deny_reason", arm[1])
        self.assertEqual([e["event"] for e in fire], ["sent", "acked", "settled"])
        self.assertEqual(fire[2]["result"], "reversed")
        self.assertEqual({e["client_oid"] for e in fire}, {arm[0]["client_oid"]})
        self.assertEqual({e["tag"] for e in fire}, {"mine"})
        self.assertEqual(self.executed(), {arm[0]["client_oid"]: 1})
        self.assertEqual(self.stand.status()["counters"]["shots_fired"], 1)

    def test_a_shot_is_signed_again_while_it_waits(self):
        self.start(SHORT_FUSE_VENUE, venue=SHORT_FUSE, shots="sign_again_ms = 200")
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        begun = time.monotonic()
        self.wait_counted("signed_again", 3)
        # The venue takes a request for a second; what was signed first would be too old.
        time.sleep(max(0.0, begun + 1.5 - time.monotonic()))
        self.check_sent_once(strategy, shot, armed, strategy.fire(shot))

    def test_only_one_of_two_fires_sends_it(self):
        self.start()
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        first, second = strategy.fire(shot), strategy.fire(shot)
        self.check_sent_once(strategy, shot, armed, first)
        self.assertIn(strategy.end(second).deny_reason, ("no_such_target", "too_late"))
        self.assertEqual(self.counters()["reversals_executed"], 1)

    def test_a_fire_that_is_denied_leaves_the_shot_armed(self):
        self.start()
        strategy = self.strategy()
        # Long is held: the shot is for the position as it will be.
        shot, armed = self.armed(strategy, side="short")
        denied = strategy.end(strategy.fire(shot))
        self.assertEqual((denied.kind, denied.deny_reason), ("denied", "wrong_side"))
        self.assertEqual(strategy.end(strategy.reverse()).result, "reversed")
        self.assertEqual(strategy.end(strategy.fire(shot, expecting="7")).deny_reason, "size_differs")
        self.assertEqual(strategy.of(shot, "disarmed"), [])
        self.check_sent_once(strategy, shot, armed, strategy.fire(shot))
        self.assertEqual(self.counters()["reversals_executed"], 2)

    def test_more_shots_than_allowed_are_denied(self):
        self.start(strategy=["max_shots = 2"], shots="max_armed = 3")
        strategy = self.strategy()
        shots = [strategy.arm() for _ in range(3)]
        self.assertEqual([strategy.wait(s, "armed").kind for s in shots[:2]], ["armed", "armed"])
        self.assertEqual(strategy.end(shots[2]).deny_reason, "too_many_shots")
        strategy.session.disarm(shots[0])
        self.assertEqual(strategy.end(shots[0]).deny_reason, "withdrawn")
        self.assertEqual(strategy.wait(strategy.arm(), "armed").kind, "armed")

    def test_a_dry_run_sends_no_shot(self):
        self.stand.start_venue()
        path = self.stand.write_config([Account("main")], [ETH], [("alpha", [("main", "*")])], shots="sign_again_ms = 200")
        path.write_text("dry_run = true\n" + path.read_text())
        self.stand.start_gateway()
        strategy = self.strategy()
        shot, _ = self.armed(strategy)
        self.wait_counted("signed_again", 2)
        self.assertEqual(strategy.end(strategy.fire(shot)).deny_reason, "dry_run")
        self.assertEqual(strategy.end(shot).deny_reason, "dry_run")
        self.assertEqual(self.counters()["reversal_arrivals"], 0)


class ShotEnds(ShotScenario):
    """A shot that ends unsent is never seen by the venue."""

    def test_disarmed(self):
        self.start()
        self.stand.send("alpha", [intent("main", "ETHUSDT", "long", do="arm", name="x"), {"do": "disarm", "target": "x", "at_ms": 1000}])
        self.assertEqual(self.stand.wait_end("send-alpha-cli"), 1, "an arm that was not sent is not good")
        events = [e for e in self.stand.events("alpha") if e["event"] != "notice"]
        self.assertEqual(terminal_events(events)[0]["deny_reason"], "withdrawn")
        self.assertEqual({e["line"] for e in events}, {1}, "a granted disarm has no event of its own")
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        strategy.session.disarm(shot)
        self.assertEqual(strategy.end(shot).deny_reason, "withdrawn")
        self.assertEqual(strategy.end(strategy.session.disarm(shot)).deny_reason, "no_such_target")
        self.assertEqual(strategy.end(strategy.fire(shot)).deny_reason, "no_such_target")
        self.check_never_arrives(armed.client_oid, events[0]["client_oid"])

    def test_expired(self):
        self.start()
        strategy = self.strategy()
        shot, armed = self.armed(strategy, within_s=2)
        end = strategy.end(shot)
        self.assertEqual((end.kind, end.deny_reason), ("disarmed", "shot_expired"))
        self.assertEqual(strategy.end(strategy.fire(shot)).deny_reason, "no_such_target")
        self.check_never_arrives(armed.client_oid)

    def test_its_strategy_goes(self):
        self.start()
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        strategy.session.close()
        again = wait_for("the lane to be free", self.try_strategy)
        end = again.end(shot)
        self.assertEqual((end.kind, end.deny_reason), ("disarmed", "strategy_gone"))
        self.assertEqual(again.end(again.fire(shot)).deny_reason, "no_such_target")
        self.check_never_arrives(armed.client_oid)

    def test_an_operator_halts(self):
        self.start()
        strategy = self.strategy()
        oids = []
        for more in ({}, {"account": "main"}):
            shot, armed = self.armed(strategy)
            self.assertTrue(self.stand.admin(command="halt", reason="a test", **more)["ok"])
            end = strategy.end(shot)
            self.assertEqual((end.kind, end.deny_reason), ("disarmed", "halted"))
            self.assertEqual(strategy.end(strategy.arm()).deny_reason, "halted")
            self.assertTrue(self.stand.admin(command="resume", **more)["ok"])
            oids.append(armed.client_oid)
        # What was dropped stays so; what is armed after it can be fired.
        self.assertEqual(strategy.end(strategy.fire(shot)).deny_reason, "no_such_target")
        shot, armed = self.armed(strategy)
        self.check_sent_once(strategy, shot, armed, strategy.fire(shot))
        self.check_never_arrives(*oids)

    def test_the_gateway_is_killed(self):
        self.start()
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        self.stand.stop("gateway", sig=signal.SIGKILL)
        self.stand.start_gateway()
        end = strategy.end(shot)
        self.assertEqual((end.kind, end.deny_reason), ("disarmed", "restarted"))
        self.assertEqual(strategy.end(self.fire_attached(strategy, shot)).deny_reason, "no_such_target")
        self.check_never_arrives(armed.client_oid)

    def test_the_gateway_is_killed_when_the_record_of_the_arm_is_gone(self):
        # A shot may wait for a day; the segment that says so goes before. What matters of it must have moved on.
        self.start(gateway="journal_segment_mb = 2\njournal_keep_segments = 2",
                   strategy=["intents_per_second = 1000000"])
        strategy = self.strategy()
        shot, armed = self.armed(strategy, within_s=3600)
        first = self.stand.dir / "state" / "journal-00000001.bhj"
        self.assertTrue(first.exists())

        def record_some():
            for _ in range(100):
                with contextlib.suppress(PushError):
                    strategy.session.disarm(strategy.arm(symbol="BTCUSDT"))
            strategy.of(shot)
            return not first.exists()

        wait_for("the first segment to go", record_some, 60, every_s=0)
        self.stand.stop("gateway", sig=signal.SIGKILL)
        self.stand.start_gateway()
        self.assertEqual(strategy.end(shot).deny_reason, "restarted")
        self.check_never_arrives(armed.client_oid)

    def test_the_gateway_is_ended(self):
        self.start()
        strategy = self.strategy()
        shot, armed = self.armed(strategy)
        self.assertEqual(self.stand.stop("gateway"), 0)
        end = strategy.end(shot)
        self.assertEqual((end.kind, end.deny_reason), ("disarmed", "stopping"))
        self.stand.start_gateway()
        self.assertEqual(strategy.end(self.fire_attached(strategy, shot)).deny_reason, "no_such_target")
        self.assertEqual([e.deny_reason for e in strategy.of(shot, "disarmed")], ["stopping"])
        self.check_never_arrives(armed.client_oid)

    def fire_attached(self, strategy, shot):
        """Fires as soon as the session has attached again; what was not pushed may be pushed again."""
        def fire():
            strategy.of(shot)
            try:
                return strategy.fire(shot)
            except PushError:
                return None

        return wait_for("the attach", fire)


class ShotsUnknown(ShotScenario):
    """A shot whose reply is lost is settled as any reversal is."""

    def test_its_ack_is_lost(self):
        for fault, result in (("ack_lost_after", "reversed"), ("ack_lost_before", "not_executed")):
            with self.subTest(fault), self.fresh():
                self.start(SHORT_FUSE_VENUE, venue=SHORT_FUSE)
                strategy = self.strategy()
                shot, armed = self.armed(strategy)
                self.stand.control("/faults", {"fault": fault})
                fired = strategy.fire(shot)
                end = strategy.end(fired)
                self.assertEqual(strategy.kinds(fired), ["sent", "unknown", "settled"])
                self.assertEqual((end.result, end.client_oid), (result, armed.client_oid))
                self.assertEqual(strategy.end(shot).deny_reason, "none")
                self.assertEqual(self.executed().get(armed.client_oid, 0), int(result == "reversed"))
                self.assertEqual(self.arrived(), [armed.client_oid])


if __name__ == "__main__":
    unittest.main(verbosity=2)
