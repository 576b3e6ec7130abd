"""How soon a halt stops the last byte, while the gateway has work and something else stands still.

Each try: reversals wait for rate slots and go out, an operator halts, then resumes. Looked at are the gateway's own stamps
(CLOCK_MONOTONIC, as Python's): when the last request was written after the halt was asked for, and when the halt was in force, which
the denials of what waited show. A write after the halt was confirmed is a violation; times are reported, never judged.
"""
import argparse
import bisect
import contextlib
import fcntl
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "common/client/python")]
import backhand  # noqa: E402
from stand import Account, Stand, give_fifo, percentile, wait_for  # noqa: E402

MODES = ("load", "hang", "unread_log", "crowd")
SYMBOLS = ("ETHUSDT", "BTCUSDT", "SOLUSDT")
CROWD = """
import socket, sys
while True:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
        one.settimeout(1)
        try:
            one.connect(sys.argv[1])
        except OSError:
            pass
"""


class Trial:
    def __init__(self, stand, mode, arguments):
        self.stand, self.mode, self.arguments = stand, mode, arguments
        # While the disk hangs, the journal's ring holds what one account writes in a minute.
        self.accounts = [f"a{n:04}" for n in range(1, 2 if mode == "hang" else 5)]
        self.halts, self.confirmed, self.resumes, self.events = [], [], [], []
        self.random = random.Random(arguments.seed)

    def start(self):
        s = self.stand
        s.start_venue("--accounts", len(self.accounts), "--symbols", len(SYMBOLS))
        accounts = [Account.generated(n + 1) for n in range(len(self.accounts))]
        s.write_config(accounts, [(symbol, "USDT-FUTURES") for symbol in SYMBOLS],
                       [("alpha", [(a, "*") for a in self.accounts], "intents_per_second = 10000", 'when_busy = "wait"',
                         "reversals_per_position_minute = 100000", "reversals_per_position_day = 1000000")],
                       gateway=f'idle = "{self.arguments.idle}"\nio_cpu = {self.arguments.io_cpu}',
                       venue="backoff_min_ms = 1\nbackoff_max_ms = 2\nhandshakes_per_second = 1000" if self.mode == "unread_log" else "")
        environment = s.disk_environment if self.mode == "hang" else None
        if self.mode == "unread_log":
            self.reader, writer = os.pipe()
            fcntl.fcntl(writer, 1031, 4096)
            s.processes["gateway"] = subprocess.Popen([s.bin / "backhandd", "--config", s.config_path], stdin=subprocess.DEVNULL,
                                                      stdout=writer, stderr=writer, env=environment)
            os.close(writer)
            s.wait_ready()
        else:
            s.start_gateway(env=environment)
        if self.arguments.fifo:
            give_fifo(s.processes["gateway"].pid)
        if self.mode == "hang":
            s.disk("hang")
        if self.mode == "crowd":
            for n in range(2):
                s.spawn(f"crowd{n}", [sys.executable, "-c", CROWD, s.attach_socket])

    def ask(self, command):
        self.admin.sendall(json.dumps({"command": command}).encode() + b"\n")
        reply = b""
        while not reply.endswith(b"\n"):
            reply += self.admin.recv(65536)
        reply = json.loads(reply)
        if not reply["ok"]:
            raise SystemExit(f"{command} was refused: {reply}")

    def take_events(self, session):
        for event in session.poll():
            self.events.append((event.kind, event.deny_reason, event.times_ns["written"], event.times_ns["published"]))

    def run(self):
        s = self.stand
        library = str(s.client_library)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as self.admin, \
                backhand.Session(str(s.attach_socket), "alpha", "load", library=library) as session:
            self.admin.settimeout(30)
            self.admin.connect(str(s.dir / "run" / "admin.sock"))
            for n in range(self.arguments.tries):
                for account in self.accounts:
                    for symbol in SYMBOLS[: 2 if self.mode == "hang" else 3]:
                        with contextlib.suppress(backhand.PushError):
                            session.reverse(account, "USDT-FUTURES", symbol, ("long", "short")[n % 2], within_s=30)
                if self.mode == "unread_log" and n % 10 == 0:
                    s.control("/connections", {"action": "reset"})
                time.sleep(self.random.uniform(0.005, 0.05))
                self.halts.append(time.monotonic_ns())
                self.ask("halt")
                self.confirmed.append(time.monotonic_ns())
                time.sleep(0.002)
                self.take_events(session)
                self.resumes.append(time.monotonic_ns())
                self.ask("resume")
            time.sleep(1)
            self.take_events(session)
        s.disk("work")

    def judge(self):
        last_byte = [0] * len(self.halts)
        in_force = [0] * len(self.halts)
        violations = []
        for kind, reason, written, published in self.events:
            at = bisect.bisect_right(self.halts, written) - 1
            if kind in ("sent", "acked") and at >= 0 and written < self.resumes[at]:
                last_byte[at] = max(last_byte[at], written - self.halts[at])
                if written > self.confirmed[at]:
                    violations.append(f"try {at}: a request was written {written - self.confirmed[at]} ns after the halt was confirmed")
            at = bisect.bisect_right(self.halts, published) - 1
            if kind == "denied" and reason == "halted" and at >= 0 and published < self.resumes[at]:
                in_force[at] = max(in_force[at], published - self.halts[at])
        sent = sum(kind == "sent" for kind, *_ in self.events)

        def in_us(values):
            return {name: round(percentile(values, p) / 1000, 1) for name, p in (("p50", 50), ("p99", 99), ("p99.9", 99.9), ("max", 100))}

        felt = [value for value in in_force if value > 0]
        return {"mode": self.mode, "tries": len(self.halts), "sent": sent, "tries_with_something_waiting": len(felt),
                "halt_to_last_byte_us": in_us(last_byte), "tries_with_a_byte_after_the_halt": sum(v > 0 for v in last_byte),
                "halt_to_in_force_us": in_us(felt),
                "halt_to_confirmed_us": in_us([c - h for c, h in zip(self.confirmed, self.halts)]), "violations": violations}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=1000)
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--idle", default="block")
    parser.add_argument("--io-cpu", type=int, default=-1)
    parser.add_argument("--fifo", action="store_true", help="run the gateway's I/O thread at SCHED_FIFO")
    arguments = parser.parse_args()
    bad = False
    for mode in arguments.mode or MODES:
        with Stand() as stand:
            trial = Trial(stand, mode, arguments)
            trial.start()
            trial.run()
            result = trial.judge()
            print(json.dumps(result))
            bad = bad or bool(result["violations"]) or result["sent"] == 0 or result["tries_with_something_waiting"] == 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
