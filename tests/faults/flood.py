"""A strategy floods the gateway with intents that must be denied; another one works beside it.

    python3 tests/faults/flood.py --intents 1000000 --seconds 40 [--json FILE]

The good strategy reverses ten positions a second. First it is alone; then beside a program that only burns a core, which says what
the machine costs; then beside a flood that keeps its default limits, one whose limits are raised so that each reason is reached, and
one that never takes its outcomes. Exit status 0: no error for the good one, and memory, journal and log stay within their bounds.
Times are reported, never judged: they are the machine's as well.
"""
import argparse
import collections
import json
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "common/client/python")]
import backhand  # noqa: E402
from stand import Account, Stand, give_fifo, percentile  # noqa: E402

SYMBOLS = ("ETHUSDT", "BTCUSDT", "SOLUSDT", "XRPUSDT")
GOOD = ("a0001", "a0002", "a0003")
BAD = "a0004"
EVERY_S = 0.1
# The gateway's own bounds: denials beyond 100 a second and strategy are not recorded, and a log line a second tells of a flood.
MOST_JOURNAL_BYTES_A_SECOND, MOST_LOG_BYTES_A_SECOND, MOST_MEMORY_GROWTH = 400_000, 2_000, 32 << 20
RAISED = ["intents_per_second = 1000000", "reversals_per_position_minute = 100000", "reversals_per_position_day = 1000000"]


class Good:
    """Reverses each position in turn, when its last reversal is over, and keeps what it was told."""

    def __init__(self, session):
        self.session = session
        self.sides = {(account, symbol): "long" for account in GOOD for symbol in SYMBOLS}
        self.under_way, self.turn = {}, collections.deque(self.sides)
        self.to_wire_ns, self.to_end_ns, self.wrong = [], [], []

    def push(self):
        position = self.turn[0]
        self.turn.rotate(-1)
        if position in self.under_way.values():
            return
        account, symbol = position
        self.under_way[self.session.reverse(account, "USDT-FUTURES", symbol, self.sides[position], within_s=2)] = position

    def take(self):
        for event in self.session.poll():
            position = self.under_way.get(event.intent_id)
            if position is None:
                continue
            if event.kind == "sent":
                self.to_wire_ns.append(event.times_ns["written"] - event.times_ns["created"])
            elif event.kind == "settled" and event.result == "reversed":
                self.to_end_ns.append(event.times_ns["published"] - event.times_ns["created"])
                self.sides[position] = "short" if self.sides[position] == "long" else "long"
                del self.under_way[event.intent_id]
            elif event.kind in ("denied", "rejected", "not_executed", "settled", "unresolved"):
                self.wrong.append(f"{position}: {event.kind} {event.deny_reason} {event.result}")
                del self.under_way[event.intent_id]

    def work(self, is_over):
        self.to_wire_ns, self.to_end_ns = [], []
        due = time.monotonic()
        while not is_over():
            if time.monotonic() >= due:
                due += EVERY_S
                self.push()
            self.session.wait(max(0.001, due - time.monotonic()))
            self.take()
        until = time.monotonic() + 10
        while self.under_way and time.monotonic() < until:
            self.session.wait(0.1)
            self.take()
        self.wrong += [f"{position}: no end within 10 s" for position in self.under_way.values()]
        self.under_way.clear()

    def figures(self):
        def of(values):
            return {name: round(percentile(values, p) / 1000, 1) for name, p in (("p50", 50), ("p99", 99), ("max", 100))}

        return {"reversals": len(self.to_end_ns), "decision_to_wire_us": of(self.to_wire_ns), "decision_to_end_us": of(self.to_end_ns)}


class Trial:
    def __init__(self, stand, arguments):
        self.stand, self.arguments, self.wrong = stand, arguments, []

    def start(self):
        s = self.stand
        s.start_venue("--accounts", 4, "--symbols", len(SYMBOLS) + 1)
        s.control("/positions", {"account": BAD, "symbol": SYMBOLS[1], "long": "0", "short": "0"})
        accounts = [Account.generated(n) for n in range(1, 5)]
        s.write_config(accounts, [(symbol, "USDT-FUTURES") for symbol in SYMBOLS],
                       [("good", [(a, "*") for a in GOOD], *RAISED[1:]), ("default", [(BAD, "*")]), ("raised", [(BAD, "*")], *RAISED),
                        ("deaf", [(BAD, "*")], *RAISED)],
                       gateway=f'idle = "{self.arguments.idle}"\nio_cpu = {self.arguments.io_cpu}')
        s.start_gateway()
        if self.arguments.fifo:
            give_fifo(s.processes["gateway"].pid)

    def sizes(self):
        s = self.stand
        folders = [s.dir / "state", pathlib.Path(s.hot)]
        journal = sum(f.stat().st_size for folder in folders for f in folder.rglob("*") if f.is_file())
        status = pathlib.Path(f"/proc/{s.processes['gateway'].pid}/status").read_text()
        memory = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) << 10
        return time.monotonic(), journal, (s.dir / "gateway.log").stat().st_size, memory

    def phase(self, name, good, command=None):
        s = self.stand
        began = self.sizes()
        until = time.monotonic() + self.arguments.seconds
        process = None
        if command is not None:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        good.work((lambda: process.poll() is not None) if process and name != "burning core" else (lambda: time.monotonic() >= until))
        told = {}
        if process:
            process.terminate()
            out = process.communicate()[0]
            told = json.loads(out) if out else {}
        ended = self.sizes()
        seconds = ended[0] - began[0]
        journal, log, memory = (ended[n] - began[n] for n in (1, 2, 3))
        for what, grown, most in (("journal", journal, MOST_JOURNAL_BYTES_A_SECOND * seconds), ("log", log, MOST_LOG_BYTES_A_SECOND * seconds),
                                  ("memory", memory, MOST_MEMORY_GROWTH)):
            if grown > most:
                self.wrong.append(f"{name}: the {what} grew by {grown} bytes in {seconds:.0f} s, {most:.0f} may be")
        if name != "deaf" and process and name != "burning core" and told.get("pushed", 0) < self.arguments.intents:
            self.wrong.append(f"{name}: the flood could push {told.get('pushed')} of {self.arguments.intents} intents only")
        if not s.status().get("ready"):
            self.wrong.append(f"{name}: the gateway is not ready any more")
        return {"phase": name, "seconds": round(seconds, 1), **good.figures(), "flood": told, "journal_bytes": journal, "log_bytes": log,
                "memory_bytes": memory}

    def flood(self, strategy, *more):
        s = self.stand
        return [str(word) for word in (
            s.bin / "backhand-flood", "--socket", s.attach_socket, "--strategy", strategy, "--account", BAD, "--symbol", SYMBOLS[0],
            "--flat-symbol", SYMBOLS[1], "--another-account", GOOD[0], "--intents", self.arguments.intents, "--seconds", self.arguments.seconds,
            *more)]

    def run(self):
        s = self.stand
        with backhand.Session(str(s.attach_socket), "good", "main", library=str(s.client_library)) as session:
            good = Good(session)
            phases = [self.phase("alone", good),
                      self.phase("burning core", good, [sys.executable, "-c", "while True: pass"]),
                      self.phase("default limits", good, self.flood("default")),
                      self.phase("raised limits", good, self.flood("raised")),
                      self.phase("deaf", good, self.flood("deaf", "--deaf", "--at-most-seconds", self.arguments.seconds))]
            self.wrong += good.wrong
        return phases


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/flood.py")
    parser.add_argument("--intents", type=int, default=1_000_000, help="of each flood, at least")
    parser.add_argument("--seconds", type=float, default=40, help="of each phase, at least")
    parser.add_argument("--idle", default="block")
    parser.add_argument("--io-cpu", type=int, default=-1)
    parser.add_argument("--fifo", action="store_true", help="run the gateway's I/O thread at SCHED_FIFO")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    with Stand(arguments.preset, arguments.keep) as stand:
        trial = Trial(stand, arguments)
        trial.start()
        figures = trial.run()
        for one in figures:
            print(json.dumps(one))
        for one in trial.wrong[:30]:
            print(f"VIOLATION {one}")
        stand.keep = stand.keep or bool(trial.wrong)
        if arguments.json:
            arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
