#!/usr/bin/env python3
"""What settings of the machine and the gateway are worth: lone shots through real processes, settings taking turns.

    scripts/bench_settings.py [--rounds 5] [--shots 60] [--io-cpu 1] [--json FILE]

Each round starts the gateway anew under each setting and plays shots 100 ms apart through `backhand send` to the simulated venue
over TLS. Told is the time from a push to the entry of its write: what a setting can change between strategy and wire, the wake-up
of the I/O thread included. Order rotates from round to round. Wants `build/release`; SCHED_FIFO wants the right to give it.
"""
import argparse
import json
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from stand import Account, Stand, give_fifo, intent, percentile  # noqa: E402

GAP_MS = 100
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT"] + [f"X{n:03}USDT" for n in range(1, 55)]


def settings(cpu):
    """Name: (lines of [gateway], whether the I/O thread gets SCHED_FIFO)."""
    pinned = f"io_cpu = {cpu}\n"
    return {"block, not pinned": ('idle = "block"\n', False),
            "block, pinned": (f'idle = "block"\n{pinned}', False),
            "block, pinned, lock_memory": (f'idle = "block"\n{pinned}lock_memory = true\n', False),
            "block, pinned, SCHED_FIFO": (f'idle = "block"\n{pinned}', True),
            "yield, pinned": (f'idle = "yield"\n{pinned}', False),
            "spin, pinned": (f'idle = "spin"\n{pinned}', False),
            "spin, pinned, SCHED_FIFO": (f'idle = "spin"\n{pinned}', True)}


def play(stand, lines, fifo, shots, run):
    # A journal of its own each time: a restart first lets the allowance of the life before run out.
    for folder in (stand.dir / "state", *stand.hot.iterdir()):
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink(missing_ok=True)
    account = Account.generated(1)
    account.name = "main"
    stand.write_config([account], [(name, "USDT-FUTURES") for name in SYMBOLS],
                       [("alpha", [("main", "*")], "reversals_per_position_minute = 100000")], gateway=lines,
                       pacing="requests_per_second = 100")
    process = stand.start_gateway()
    if fifo:
        give_fifo(process.pid)
    time.sleep(0.5)
    held = {row["symbol"]: "long" if float(row["long"]) > 0 else "short" for row in stand.control("/positions")
            if row["account"] == "a0001" and row["symbol"] in SYMBOLS}
    lane = f"r{run}"
    stand.send("alpha", [intent("main", SYMBOLS[n % len(SYMBOLS)], held[SYMBOLS[n % len(SYMBOLS)]], at_ms=200 + n * GAP_MS)
                         for n in range(shots)], lane=lane)
    stand.wait_end(f"send-alpha-{lane}", 60 + shots * GAP_MS / 1000)
    events = stand.events("alpha", lane)
    stand.stop("gateway")
    return [(e["written_ns"] - e["created_ns"]) / 1000 for e in events if e["event"] == "acked"]


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench_settings.py")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shots", type=int, default=60, help="of each setting in each round; at most 60, one a position")
    parser.add_argument("--io-cpu", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    arguments = parser.parse_args()
    if not 1 <= arguments.shots <= len(SYMBOLS):
        parser.error(f"--shots: 1 to {len(SYMBOLS)}")
    table = settings(arguments.io_cpu)
    names = list(table)
    times = {name: [] for name in names}
    load = [os.getloadavg()[0]]
    with Stand() as stand:
        stand.start_venue("--accounts", 1, "--symbols", len(SYMBOLS), "--set", "reversals_per_second=100")
        for turn in range(arguments.rounds):
            for n in range(len(names)):
                name = names[(n + turn) % len(names)]
                times[name] += play(stand, *table[name], arguments.shots, turn * len(names) + n)
            load.append(os.getloadavg()[0])
    result = {"load": load, "settings": {}}
    print(f"push to write, us; load of the machine {min(load):.1f} to {max(load):.1f}")
    print(f"{'':32}{'shots':>7}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name in names:
        row = {"shots": len(times[name]), **{f"p{p}_us": round(percentile(times[name], p), 1) for p in (50, 90, 99)},
               "max_us": round(max(times[name], default=0), 1)}
        result["settings"][name] = row
        print(f"{name:32}" + f"{row['shots']:7}" + "".join(f"{row[key]:9.1f}" for key in ("p50_us", "p90_us", "p99_us", "max_us")))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
