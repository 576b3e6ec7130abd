"""What a strategy's author meets first: the README's strategy run again, a gateway that dies, an event loop."""
import os
import pathlib
import selectors
import signal
import subprocess
import sys
import time
import unittest

from scenarios import ETH, ROOT, Scenario

sys.path.insert(0, str(ROOT / "common/client/python"))
from backhand import Session  # noqa: E402
from stand import Account, wait_for  # noqa: E402


class Clients(Scenario):
    def setUp(self):
        super().setUp()
        s = self.stand
        s.start_venue()
        s.write_config([Account("main")], [ETH], [("momentum", [("main", "*")])], venue="position_refresh_ms = 500")
        s.start_gateway()
        self.hold_long()

    def hold_long(self):
        self.stand.control("/positions", {"account": "main", "symbol": "ETHUSDT", "long": "20", "short": "0"})

    def executed(self):
        return self.stand.control("/truth?parts=counters")["counters"]["reversals_executed"]

    def session(self, lane="main", **more):
        library = self.client_library()
        return self.enterContext(Session(str(self.stand.attach_socket), "momentum", lane, timeout_s=10, library=library, **more))

    def readme_strategy(self):
        run = subprocess.run([self.stand.bin / "backhand-readme-strategy"], capture_output=True, text=True, timeout=60,
                             env=dict(os.environ, BACKHAND_ATTACH=str(self.stand.attach_socket)))
        return run.returncode

    def reversed_again(self):
        """The position is long again, by another's hand, and the gateway has read so: what shows it as it was before its last
        reversal is believed once a look-up cannot be so old (lookup_lag_ms)."""
        self.hold_long()
        with_library = self.session("reader")
        for _ in range(200):
            sent = with_library.reverse("main", "USDT-FUTURES", "ETHUSDT", "short", expecting="1", within_s=1)
            end = list(with_library.wait_for(sent, timeout_s=30))[-1]
            if end.deny_reason == "wrong_side":
                break
            time.sleep(0.1)
        self.assertEqual(end.deny_reason, "wrong_side", "the gateway has not read the position")
        with_library.close()

    def test_the_readmes_strategy_is_right_each_time_it_runs(self):
        for run in range(1, 4):
            self.assertEqual((self.readme_strategy(), self.executed()), (0, run), f"run {run}")
            self.reversed_again()
        # Its events outlive the gateway, and are still not its business.
        self.stand.stop("gateway")
        self.stand.start_gateway()
        self.reversed_again()
        time.sleep(2.5)  # What the earlier run may have sent counts against the rate limit until then.
        self.assertEqual(self.readme_strategy(), 0)
        self.assertEqual(self.executed(), 4)

    def test_what_was_dealt_with_is_remembered_over_a_restart_of_the_gateway(self):
        session = self.session()
        sent = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", tag="first", within_s=2)
        self.assertEqual(list(session.wait_for(sent, timeout_s=30))[-1].result, "reversed")
        session.close()
        wait_for("the detach", lambda: "detached" in (self.stand.dir / "gateway.log").read_text())
        for kill in (signal.SIGTERM, signal.SIGKILL):
            self.stand.stop("gateway", sig=kill)
            self.stand.start_gateway()
            session = self.session()
            events = session.poll()
            while session.wait(0.2).name == "READY":
                events += session.poll()
            self.assertEqual([e for e in events if e.kind != "notice"], [], kill)
            session.close()

    def test_an_intent_that_a_dying_gateway_never_took_is_told_without_another_gateway(self):
        session = self.session()
        gateway = self.stand.processes["gateway"]
        os.kill(gateway.pid, signal.SIGSTOP)
        tasks = list(pathlib.Path(f"/proc/{gateway.pid}/task").iterdir())
        wait_for("all threads to stand", lambda: all((t / "stat").read_text().rsplit(")", 1)[1].split()[0] == "T" for t in tasks))
        lost = [session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", tag=f"lost {i}", within_s=2) for i in range(3)]
        self.stand.stop("gateway", sig=signal.SIGKILL)
        for number, intent_id in enumerate(lost):
            events = list(session.wait_for(intent_id, timeout_s=10))
            self.assertEqual([(e.kind, e.deny_reason, e.terminal, e.tag, e.symbol) for e in events],
                             [("denied", "never_taken", True, f"lost {number}", "ETHUSDT")])
        self.stand.start_gateway()
        wait_for("the attach", lambda: session.poll() is not None and session.generation == 2)
        self.assertLess(session.taken_mark, lost[0])
        again = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", within_s=2)
        self.assertGreater(again, lost[-1])
        self.assertEqual(list(session.wait_for(again, timeout_s=30))[-1].result, "reversed")
        self.assertEqual([e for e in session.poll() if e.intent_id in lost], [], "each has one terminal event")
        self.assertEqual(self.executed(), 1)

    def test_an_event_loop_hears_of_each_end_and_of_a_restart(self):
        session = self.session()
        with selectors.DefaultSelector() as selector:
            selector.register(session, selectors.EVENT_READ)
            events = session.poll()

            def until(condition):
                while not condition():
                    self.assertTrue(selector.select(30), "not woken")
                    events.extend(session.poll())

            def end_of(intent_id):
                return [e for e in events if e.intent_id == intent_id and e.terminal]

            first = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "long", within_s=2)
            until(lambda: end_of(first))
            self.assertEqual(end_of(first)[0].result, "reversed")
            self.stand.stop("gateway", sig=signal.SIGKILL)
            self.stand.start_gateway()
            until(lambda: session.generation == 2)
            second = session.reverse("main", "USDT-FUTURES", "ETHUSDT", "short", within_s=2)
            until(lambda: end_of(second))
            self.assertEqual(end_of(second)[0].result, "reversed")
        self.assertEqual(self.executed(), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
