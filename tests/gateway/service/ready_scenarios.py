"""Ready comes and goes: what status, systemd, the log and a strategy's notices say of a cause, and how soon."""
import os
import pathlib
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from scenarios import BTC, ETH, Scenario  # noqa: E402
from shot_scenarios import Strategy  # noqa: E402
from stand import Account, wait_for  # noqa: E402

VENUE = "position_refresh_ms = 300\nposition_max_age_ms = 900\nbackoff_max_ms = 200\nhandshakes_per_second = 100"
POSITIONS = "/api/v2/mix/position/all-position"


class ReadyState(Scenario):
    def start(self):
        s = self.stand
        s.start_venue()
        s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=VENUE)
        path = str(s.dir / "notify.sock")
        self.notify = self.enterContext(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.notify.bind(path)
        self.notify.setblocking(False)
        library = str(s.bin.parent / "lib" / "libbackhand_disk_at.so")
        s.start_gateway(env=dict(os.environ, NOTIFY_SOCKET=path, LD_PRELOAD=library,
                                 BACKHAND_DISK_CONTROL=str(s.dir / "disk")))
        self.last_status = ""
        self.notices = []

    def systemd(self):
        while True:
            try:
                for line in self.notify.recv(4096).decode().splitlines():
                    if line.startswith("STATUS="):
                        self.last_status = line[len("STATUS="):]
            except BlockingIOError:
                return self.last_status

    def log(self):
        return (self.stand.dir / "gateway.log").read_text()

    def told(self, strategy, notice):
        self.notices += [e for e in strategy.session.poll() if e.kind == "notice"]
        return any(e.notice == notice for e in self.notices)

    def check_comes_and_goes(self, strategy, begin, end, because, age_s):
        """`age_s`: how long after `begin` the cause is true by the configuration."""
        s = self.stand
        self.told(strategy, "ready")
        self.notices.clear()
        lines = len(self.log().splitlines())
        begin()
        began = time.monotonic()
        new_log = lambda: "\n".join(self.log().splitlines()[lines:])
        witnesses = {"status": lambda: not s.status()["ready"], "systemd": lambda: "waits: " in self.systemd(),
                     "log": lambda: "not ready" in new_log(), "notice": lambda: self.told(strategy, "not_ready")}
        for name, has_said in witnesses.items():
            wait_for(f"{name} to say that it is not ready", has_said, age_s + 3)
        took = time.monotonic() - began
        status = s.status()
        text = str(status.get("waits_for")) + str(status["accounts"])
        self.assertIn(because, text)
        self.assertIn("waits_since_s", status)
        if end is None:
            return took, None
        end()
        ended = time.monotonic()
        self.notices.clear()
        witnesses = {"status": lambda: s.status()["ready"], "systemd": lambda: self.systemd() == "ready",
                     "notice": lambda: self.told(strategy, "ready")}
        for name, has_said in witnesses.items():
            wait_for(f"{name} to say that it is ready", has_said, 10)
        return took, time.monotonic() - ended

    def test_causes(self):
        self.start()
        s = self.stand
        strategy = self.enterContext(Strategy(s))
        wait_for("systemd to say ready", lambda: self.systemd() == "ready")
        blind = {"name": "blind", "answer": "server_error", "path": POSITIONS, "count": 0}
        causes = {
            "the venue is gone": (lambda: s.stop("venue", sig=signal.SIGKILL), s.start_venue, "connection", 0),
            "positions cannot be read": (lambda: s.control("/faults", blind), lambda: s.control("/faults", {"clear": True}),
                                         "positions could not be read", 1),
            "the journal fails": (lambda: self.fail_journal(strategy), None, "the journal failed", 1),
        }
        for cause, (begin, end, because, age_s) in causes.items():
            with self.subTest(cause=cause):
                took, back = self.check_comes_and_goes(strategy, begin, end, because, age_s)
                print(f"{cause}: told everywhere after {took:.1f} s" + ("" if back is None else f", over after {back:.1f} s"), flush=True)
                self.assertLess(took, age_s + 4)  # A busy machine is slower than the 1.5 s and the configured age.

    def fail_journal(self, strategy):
        part = self.stand.dir / "disk.new"
        part.write_text("fail")
        part.rename(self.stand.dir / "disk")
        strategy.reverse()


if __name__ == "__main__":
    unittest.main(verbosity=2)
