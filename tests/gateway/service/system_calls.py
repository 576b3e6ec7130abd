"""Which system calls the I/O thread makes from taking an intent to its write, and from its reply's last byte to its event: the one
`send`, and none. Seen by strace on a gateway that spins, for pushed reversals and for shots."""
import pathlib
import re
import signal
import subprocess
import time
import unittest

from shot_scenarios import ShotScenario
from stand import wait_for

LINE = re.compile(r"^(\d+)\.(\d{6}) (?:<\.\.\. )?(\w+)")
ROUNDS = 20


def clocks_apart_ns():
    """CLOCK_REALTIME less CLOCK_MONOTONIC, by the closest of some pairs of looks."""
    best = None
    for _ in range(100):
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        real = time.clock_gettime_ns(time.CLOCK_REALTIME)
        took = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - before
        if best is None or took < best[0]:
            best = (took, real - before - took // 2)
    return best[1]


class SystemCalls(ShotScenario):
    def traced(self):
        """strace on the I/O thread; its file of calls."""
        gateway = self.stand.processes["gateway"].pid
        tid = next(int(task.name) for task in pathlib.Path(f"/proc/{gateway}/task").iterdir()
                   if (task / "comm").read_text().strip() == "backhand-io")
        calls = self.stand.dir / "calls"
        tracer = self.stand.spawn("strace", ["strace", "-p", tid, "-ttt", "-o", calls])
        wait_for("strace's first call", lambda: tracer.poll() is not None or calls.exists() and calls.stat().st_size > 0)
        if tracer.poll() is not None and "not permitted" in (self.stand.dir / "strace.log").read_text():
            self.skipTest("this machine does not let one process trace another")
        self.stand.check_alive("strace")
        return calls

    def test_the_first_call_is_the_send_and_after_the_reply_there_is_none(self):
        # Nothing else is due meanwhile: no ping, no other reversal's question.
        self.start(gateway='idle = "spin"', venue="connections = 3\nmax_idle_ms = 600000\nping_interval_ms = 300000\nposition_refresh_ms = 600000",
                   shots="rehearse_us = 1000",
                   strategy=("reversals_per_position_minute = 1000", "intents_per_second = 1000"))
        shots = []
        with self.strategy() as strategy:
            calls = self.traced()
            side = {"ETHUSDT": "long", "BTCUSDT": "long"}
            for round_number in range(ROUNDS):
                symbol = ("ETHUSDT", "BTCUSDT")[round_number % 2]
                for way in ("push", "armed"):
                    if way == "push":
                        fired = strategy.reverse(side[symbol], symbol)
                    else:
                        shot, _ = self.armed(strategy, side=side[symbol], symbol=symbol)
                        fired = strategy.fire(shot)
                    end = strategy.end(fired)
                    self.assertEqual((end.kind, end.result), ("settled", "reversed"), strategy.kinds(fired) + [end.deny_reason])
                    side[symbol] = "short" if side[symbol] == "long" else "long"
                    shots.append(strategy.of(fired, "acked")[0].times_ns)
            apart = clocks_apart_ns()
            self.stand.stop("strace", signal.SIGINT)
        self.assertEqual(self.counted("shots_fired"), ROUNDS)
        made = [(int(m[1]) * 10**9 + int(m[2]) * 1000 - apart, m[3]) for m in map(LINE.match, calls.read_text().splitlines()) if m]
        self.assertGreater(len(made), len(shots))
        for times in shots:
            first = next(n for n, (at, _) in enumerate(made) if at >= times["taken"])
            self.assertGreaterEqual(made[first][0] + 1000, times["written"], "a call between the intent and its write")
            self.assertEqual(made[first][1], "sendto", "the first call after the intent was taken")
            # Then other connections may be seen to. From the reply's last byte to the strategy; strace's clock has microseconds.
            self.assertEqual([name for at, name in made if times["replied"] + 1000 < at < times["published"] - 1000], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
