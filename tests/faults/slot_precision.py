"""How late a reversal is written after its rate slot has opened, in a real gateway over real TLS with a queue that is never empty.

    python3 tests/faults/slot_precision.py [--seconds 60] [--rate 20] [--idle spin,block] [--shape even,burst] [--io-cpu N] [--fifo]

One account, one strategy, no proxy; the rate is raised here and at the venue alike, for more samples a minute. Counted are intents
that waited for their slot: `slot_ns` is then when it became free, and `written_ns` when `send` was about to be entered. With --fifo the
I/O thread has a real-time priority, so that what is told is the gateway's own doing on a machine that others use as well. Exit
status 0: nothing throttled, no write before its slot, slots of the even shape spaced as they should, all intents answered truly.
"""
import argparse
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from proxied_stand import LoadSpec, ProxiedStand, checks  # noqa: E402

from stand import Account, give_fifo, percentile  # noqa: E402

SECOND = 1_000_000_000
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT"] + [f"X{n:03}USDT" for n in range(1, 55)]


def start(stand, arguments, idle, shape):
    stand.start_venue("--accounts", 1, "--symbols", len(SYMBOLS), "--set", "counting=sliding",
                      "--set", f"reversals_per_second={arguments.rate}")
    account = Account.generated(1)
    free = ["intents_per_second = 100000", "reversals_per_position_minute = 100000", 'when_busy = "wait"']
    # As many connections as a burst has requests, so that no slot has to wait for one.
    stand.write_config([account], [(name, "USDT-FUTURES") for name in SYMBOLS], [("saturating", [("a0001", "*")], *free)],
                       gateway=f'hot_dir = "{stand.hot_dir}"\nidle = "{idle}"\nio_cpu = {arguments.io_cpu}\n',
                       venue=f"connections = {arguments.rate + 4}",
                       pacing=f'shape = "{shape}"\nrequests_per_second = {arguments.rate}')
    gateway = stand.start_gateway()
    if arguments.fifo:
        give_fifo(gateway.pid)
    stand.start_load(LoadSpec("saturating", ["--accounts", "a0001", "--symbols", ",".join(SYMBOLS), "--per-second", 5 * arguments.rate,
                                             "--withdraw", 0, "--highest-priority", 0, "--saturate", "--max-open", 50,
                                             "--deadline-min-ms", 8000, "--deadline-max-ms", 12000]))


def waited(lines):
    """(slot, written) of each intent whose slot opened after it was taken, in the order of slots."""
    return sorted((line["slot"], line["written"]) for line in lines
                  if line["t"] == "event" and line["kind"] == "sent" and line["slot"] > line["taken"])


def judge(samples, shape, rate, throttled):
    """What must not be; and the figures."""
    wrong = []
    if throttled:
        wrong.append(f"{throttled} throttled")
    early = [written - slot for slot, written in samples if written < slot]
    if early:
        wrong.append(f"{len(early)} were written before their slot, one by {-early[0]} ns")
    gaps = [b[0] - a[0] for a, b in zip(samples, samples[1:])]
    if shape == "even" and gaps and min(gaps) < SECOND / rate:
        wrong.append(f"two slots are {min(gaps) / 1e6:.3f} ms apart, less than {1e3 / rate:.3f}")
    if not samples:
        wrong.append("nothing waited for a slot")
    late = [(written - slot) / 1000 for slot, written in samples]
    figures = {"samples": len(late), **{f"p{p}_us": round(percentile(late, p), 1) for p in (50, 90, 99, 99.9)},
               "max_us": round(max(late, default=0), 1)}
    return wrong, figures


def measure(arguments, idle, shape):
    with ProxiedStand(arguments.preset, arguments.keep) as s:
        start(s, arguments, idle, shape)
        time.sleep(2 + arguments.seconds)
        unanswered = s.quiesce(60)
        truth = s.truth()
        violations, _ = checks.judge(s.read_logs(), truth)
        if unanswered:
            violations.append(f"{len(unanswered)} intents are not answered, {unanswered[0]} for one")
        samples = waited(checks.Reader(s.log_of("saturating")).new_lines())
        wrong, figures = judge(samples, shape, arguments.rate, truth["counters"]["throttled"])
        if s.stop("gateway") != 0:
            wrong.append("the gateway did not end cleanly")
        wrong += violations
        s.keep = s.keep or bool(wrong)
        if s.keep:
            print(f"its files are kept in {s.dir}")
    return wrong, {"idle": idle, "shape": shape, **figures, "load": round(os.getloadavg()[0], 1)}


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/slot_precision.py")
    parser.add_argument("--seconds", type=int, default=60, help="for each setting")
    parser.add_argument("--rate", type=int, default=20, help="slots a second, at the gateway and the venue")
    parser.add_argument("--idle", default="spin,block")
    parser.add_argument("--shape", default="even,burst")
    parser.add_argument("--io-cpu", type=int, default=-1)
    parser.add_argument("--fifo", action="store_true", help="give the I/O thread SCHED_FIFO")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    rows, wrong = [], []
    for idle in arguments.idle.split(","):
        for shape in arguments.shape.split(","):
            found, row = measure(arguments, idle, shape)
            print(json.dumps(row), flush=True)
            rows.append(row)
            wrong += [f"{idle}, {shape}: {one}" for one in found]
    for one in wrong[:30]:
        print(f"VIOLATION {one}")
    if arguments.json:
        arguments.json.write_text(json.dumps({"rate": arguments.rate, "seconds": arguments.seconds, "settings": rows}, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
