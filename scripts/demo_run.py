"""What scripts/demo runs once everything is built."""
import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from stand import Account, Stand, StandError, intent, percentile, tail  # noqa: E402

ACCOUNTS = [Account("main"), Account("hedge", mode="hedge"), Account("lead", lead=True)]
INSTRUMENTS = [("ETHUSDT", "USDT-FUTURES"), ("BTCUSDT", "USDT-FUTURES"), ("SOLUSDT", "USDT-FUTURES"),
               ("BTCPERP", "USDC-FUTURES"), ("BTCUSD", "COIN-FUTURES", "BTC")]
STRATEGIES = [("momentum", [("hedge", ["ETHUSDT", "SOLUSDT"])]),
              ("carry", [("main", ["ETHUSDT", "BTCUSDT", "SOLUSDT", "BTCUSD"])], 'max_size = "50"'),
              ("copy", [("lead", ["ETHUSDT"])]),
              ("inside", [("main", ["BTCPERP"])], "in_process = true")]

STAGES = ("created_ns", "taken_ns", "encoded_ns", "written_ns", "replied_ns")


def show_positions(stand, title):
    print(f"\n{title} (the venue's own truth)")
    for row in stand.control("/positions"):
        if row["account"] in {a.name for a in ACCOUNTS} and (row["account"], row["symbol"]) in SHOWN:
            print(f"  {row['account']:6} {row['symbol']:8} long {row['long']:>5}  short {row['short']:>5}")


SHOWN = {("main", "ETHUSDT"), ("main", "BTCUSDT"), ("main", "SOLUSDT"), ("main", "BTCUSD"), ("main", "BTCPERP"),
         ("hedge", "ETHUSDT"), ("hedge", "SOLUSDT"), ("lead", "ETHUSDT")}


def show_events(title, events):
    print(f"\n{title}")
    for event in events:
        if event["event"] == "notice":
            continue
        what = event.get("deny_reason") or event.get("result") or event.get("venue_code") or ""
        line = f"  intent {event['intent_id']} {event.get('account', ''):6} {event.get('symbol', ''):8} {event['event']:9} {what}"
        if event["replied_ns"] and event["event"] == "acked":
            line += f"  (push → outcome {(event['published_ns'] - event['created_ns']) / 1000:.0f} µs)"
        if event["event"] == "settled" and "long_before" in event:
            line += (f"  long {event['long_before']} → {event['long_after']}, short {event['short_before']} → {event['short_after']}")
        print(line)


def play(stand):
    """Three strategy processes at the same time; the in-process one has started by itself."""
    started = [
        stand.spawn("example", [stand.bin / "backhand-example", stand.attach_socket, "momentum", "hedge", "ETHUSDT", "long", "3"]),
        stand.send("carry", [intent("main", "ETHUSDT", "long"), intent("main", "BTCUSDT", "long"),
                             intent("main", "SOLUSDT", "long", at_ms=5),               # short is held: denied
                             intent("main", "BTCUSD", "long", product="COIN-FUTURES", margin_coin="BTC"),
                             intent("main", "SOLUSDT", "short", at_ms=300),
                             intent("main", "ETHUSDT", "short", at_ms=600),
                             intent("main", "ETHUSDT", "long", at_ms=1200)]),
        stand.send("copy", [intent("lead", "ETHUSDT", "long", deadline_ms=3000)]),
        stand.send("momentum", [intent("hedge", "SOLUSDT", "short", size="40"),
                                intent("hedge", "SOLUSDT", "short", size="0.05", at_ms=400)], lane="second"),
    ]
    for name in ("example", "send-carry-cli", "send-copy-cli", "send-momentum-second"):
        stand.wait_end(name, 60)
    return started


def cold_shots(stand, count):
    """One reversal after another with a pause between, so that each goes cold, as in life."""
    intents = [intent("hedge", "ETHUSDT", "short" if i % 2 else "long", size="1", at_ms=i * 300) for i in range(count)]
    stand.send("momentum", intents, lane="cold")
    stand.wait_end("send-momentum-cold", 120)
    return stand.events("momentum", "cold")


def main():
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--summary", type=pathlib.Path, help="write what happened as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    arguments = parser.parse_args()

    with Stand(keep=arguments.keep) as stand:
        stand.start_venue()
        stand.write_config(ACCOUNTS, INSTRUMENTS, STRATEGIES)
        begun = time.monotonic()
        print("starting the simulated venue (TLS) and the gateway")
        show_positions(stand, "positions before")
        stand.start_gateway()
        print(f"\nthe gateway is ready after {time.monotonic() - begun:.2f} s: clock, accounts, positions, contracts proven")
        play(stand)
        print("\nmomentum, the C++ example through the client library")
        print((stand.dir / "example.log").read_text().rstrip())
        carry, copy, second = stand.events("carry"), stand.events("copy"), stand.events("momentum", "second")
        show_events("carry, played by `backhand send`", carry)
        show_events("copy, a lead trader (one reversal a second)", copy)
        show_events("momentum, a second lane of the same strategy", second)
        print("\ninside, a strategy in the gateway's own process")
        for line in (stand.dir / "gateway.log").read_text().splitlines():
            if "in-process strategy" in line:
                print("  " + line.split("in-process strategy: ", 1)[1])

        print("\n24 cold shots, 300 ms apart")
        cold = cold_shots(stand, 24)
        acked = [e for e in cold if e["event"] == "acked"]
        for name, first, last in (("push → copied by the gateway", "created_ns", "taken_ns"), ("copied → request signed", "taken_ns", "encoded_ns"),
                                  ("signed → write entered", "encoded_ns", "written_ns"), ("write → reply read (venue, loopback)", "written_ns", "replied_ns"),
                                  ("push → outcome visible", "created_ns", "published_ns")):
            times = [(e[last] - e[first]) / 1000 for e in acked]
            print(f"  {name:38} p50 {percentile(times, 50):8.1f} µs   p99 {percentile(times, 99):8.1f} µs")

        show_positions(stand, "positions after")
        counters = stand.status()["counters"]
        truth = stand.control("/truth?parts=counters")["counters"]
        stopped = stand.stop("gateway")
        times = [(e["published_ns"] - e["created_ns"]) / 1000 for e in carry + copy + second + cold if e["event"] == "acked"]
        summary = {"intents": counters["intents"], "acked": counters["acked"], "settled": counters["settled"],
                   "denied": counters["denied"], "rejected": counters["rejected"], "unknown": counters["unknown"],
                   "unresolved": counters["unresolved"], "venue_executions": truth["reversals_executed"],
                   "venue_repeated": truth["reversals_repeated"], "venue_throttled": truth["throttled"],
                   "p50_us": round(percentile(times, 50), 1), "p99_us": round(percentile(times, 99), 1), "exit_status": stopped}
        print("\n" + "  ".join(f"{key} {value}" for key, value in summary.items()))
        if arguments.summary:
            arguments.summary.write_text(json.dumps(summary, indent=2) + "\n")
        wrong = [why for bad, why in (
            (summary["acked"] != summary["venue_executions"], "acked and executed differ"),
            (summary["settled"] != summary["acked"], "not every acked reversal was settled"),
            (summary["venue_repeated"] > 0, "a reversal was executed twice"),
            (summary["venue_throttled"] > 0, "the venue throttled us"),
            (summary["unknown"] + summary["unresolved"] > 0, "something stayed without an answer"),
            (stopped != 0, f"the gateway ended with status {stopped}")) if bad]
        for why in wrong:
            print(f"demo: {why}", file=sys.stderr)
        if arguments.keep:
            print(f"kept: {stand.dir}")
        return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StandError as error:
        print(f"demo: {error}", file=sys.stderr)
        sys.exit(1)
