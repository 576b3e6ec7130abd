"""Saturates real accounts through a jittering proxy and counts what arrives at the venue.

    python3 tests/faults/saturation.py --seconds 60 --shape burst [--json FILE]

Four accounts at once: one that one strategy saturates; a lead trader; and two that two strategies compete for, of which one
pushes a hundred times as much as the other, with weights 1:1 and 3:1. The venue counts strictly by any window of a second.
Exit status 0: nothing throttled, no window over the limit, shares within 5 % of the weights, all intents answered truly.
"""
import argparse
import collections
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from proxied_stand import LoadSpec, ProxiedStand, checks  # noqa: E402

from stand import Account, percentile  # noqa: E402

# One reversal at a time for each position, so many positions keep an account busy.
SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT"] + [f"X{n:03}USDT" for n in range(1, 55)]
HALF = len(SYMBOLS) // 2
JITTER = {"jitter_ms": 2, "tail_ms": 3, "tail_shape": 1.5, "max_delay_ms": 30}
# Account, its limit a second, and the weights of its strategies: the first pushes a hundred times as much.
SATURATED, LEAD = "a0001", "a0002"
SHARED = {"a0003": (1, 1), "a0004": (3, 1)}
SECOND = 1_000_000_000


def most_in_a_second(times):
    most, first = 0, 0
    for last, at in enumerate(times):
        while at - times[first] >= SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


class Saturation:
    def __init__(self, arguments):
        self.arguments = arguments
        self.stand = ProxiedStand(arguments.preset, arguments.keep, arguments.seed)
        self.wrong = []

    def set_up(self):
        s = self.stand
        s.start_venue("--accounts", 4, "--symbols", len(SYMBOLS), "--set", "counting=sliding")
        s.control("/accounts", {"account": LEAD, "lead_trader": True})
        port = s.start_proxy()
        s.proxy("/rules", {"to_venue": JITTER, "to_gateway": JITTER})
        free = ["intents_per_second = 100000", "reversals_per_position_minute = 100000", 'when_busy = "wait"']
        strategies = [("saturating", [(SATURATED, "*")], *free), ("lead", [(LEAD, "*")], *free)]
        for name, weights in SHARED.items():
            strategies += [(f"heavy-{name}", [(name, SYMBOLS[:HALF])], f"weight = {weights[0]}", *free),
                           (f"light-{name}", [(name, SYMBOLS[HALF:])], f"weight = {weights[1]}", *free)]
        s.write_config([Account.generated(1), Account.generated(2, lead=True), Account.generated(3), Account.generated(4)], [(name, "USDT-FUTURES") for name in SYMBOLS],
                       strategies, gateway=f'hot_dir = "{s.hot_dir}"', venue="connections = 8",
                       pacing=f'shape = "{self.arguments.shape}"', port=port)
        s.start_gateway()

    def start_loads(self):
        def load(name, on, symbols, rate, *more):
            self.stand.start_load(LoadSpec(name, ["--accounts", on, "--symbols", ",".join(symbols), "--per-second", rate,
                                                  "--withdraw", 0, "--highest-priority", 0, *more]))

        patient = ["--saturate", "--deadline-min-ms", 8000, "--deadline-max-ms", 12000]
        load("saturating", SATURATED, SYMBOLS, 40, "--max-open", 50, *patient)
        load("lead", LEAD, SYMBOLS, 10, "--max-open", 6, *patient)
        for name in SHARED:
            load(f"heavy-{name}", name, SYMBOLS[:HALF], 1000, "--pile-up", 1, "--max-open", 3000, "--deadline-min-ms", 8000,
                 "--deadline-max-ms", 12000)
            load(f"light-{name}", name, SYMBOLS[HALF:], 10, "--max-open", 30, *patient)

    def run(self):
        with self.stand as s:
            self.set_up()
            self.start_loads()
            time.sleep(2 + self.arguments.seconds)
            unanswered = s.quiesce(60)
            truth = s.truth()
            violations, lanes = checks.judge(s.read_logs(), truth)
            self.wrong += violations
            if unanswered:
                self.wrong.append(f"{len(unanswered)} intents are not answered, {unanswered[0]} for one")
            (s.dir / "truth.json").write_text(json.dumps(truth))
            figures = self.judge(truth)
            figures["intents"] = checks.summary(lanes, truth)
            figures["proxy"] = s.proxy("/stats")
            if s.stop("gateway") != 0:
                self.wrong.append("the gateway did not end cleanly")
            figures["violations"] = len(self.wrong)
            print(json.dumps(figures, indent=1))
            if self.arguments.json:
                self.arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
            for one in self.wrong[:30]:
                print(f"VIOLATION {one}")
            s.keep = s.keep or bool(self.wrong)
            if s.keep:
                print(f"its files are kept in {s.dir}")
        return 1 if self.wrong else 0

    # Figures

    def judge(self, truth):
        arrivals = [a for a in truth["arrivals"] if a["path"].endswith("click-backhand")]
        sent = self.sent_events()
        by_account = collections.defaultdict(list)
        for a in arrivals:
            by_account[a["account"]].append(a["at_ns"])
        figures = {"shape": self.arguments.shape, "seconds": self.arguments.seconds,
                   "throttled": truth["counters"]["throttled"], "accounts": {}}
        for name, times in sorted(by_account.items()):
            figures["accounts"][name] = self.judge_account(name, sorted(times), sent)
        for name, weights in SHARED.items():
            figures["accounts"][name] |= self.judge_shares(name, weights, arrivals, sent)
        return figures

    def sent_events(self):
        """What was told of each sent intent: {client order id: (strategy, written, replied)}."""
        sent = {}
        for strategy in self.stand.lanes:
            for line in checks.Reader(self.stand.log_of(strategy)).new_lines():
                if line["t"] == "event" and line["kind"] == "acked":
                    sent[line["oid"]] = (strategy, line["written"], line["replied"])
        return sent

    def measured(self, times):
        """The arrivals of the saturated span: from a second after the first one."""
        begin = times[0] + SECOND
        return [t for t in times if begin <= t < begin + self.arguments.seconds * SECOND]

    def judge_account(self, name, times, sent):
        limit = 1 if name == LEAD else 10
        most = most_in_a_second(times)
        if most > limit:
            self.wrong.append(f"account {name}: {most} reversals arrived within a second, {limit} may")
        trips = [(replied - written) / SECOND for strategy, written, replied in sent.values()
                 if replied and (name in strategy or (name, strategy) in ((SATURATED, "saturating"), (LEAD, "lead")))]
        trip = sum(trips) / len(trips)
        # Over whole allowances, so that it does not matter where in a burst the span begins and ends.
        span = self.measured(times)
        whole = (len(span) - 1) // limit * limit
        rate = whole * SECOND / (span[whole] - span[0])
        theory = limit / (1 + trip) if self.arguments.shape == "burst" else min(limit / (1 + trip * limit), limit)
        return {"arrivals": len(times), "most_in_a_second": most, "per_second": round(rate, 3),
                "round_trip_ms": {"mean": round(trip * 1e3, 2), **{f"p{p}": round(percentile(trips, p) * 1e3, 2) for p in (50, 99)}},
                "theory_per_second": round(theory, 3), "of_theory": round(rate / theory, 4)}

    def judge_shares(self, name, weights, arrivals, sent):
        mine = [a for a in arrivals if a["account"] == name]
        span = set(self.measured(sorted(a["at_ns"] for a in mine)))
        counts = collections.Counter(sent[a["client_oid"]][0].split("-")[0] for a in mine
                                     if a["at_ns"] in span and a["client_oid"] in sent)
        share = counts["heavy"] / max(1, sum(counts.values()))
        due = weights[0] / sum(weights)
        if abs(share / due - 1) > 0.05 or abs((1 - share) / (1 - due) - 1) > 0.05:
            self.wrong.append(f"account {name}: weights {weights}, but the shares are {dict(counts)}")
        return {"weights": weights, "sent_by": dict(counts), "share_of_heavy": round(share, 4), "due": due}


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/saturation.py")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--shape", choices=("burst", "even"), default="burst")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", default="release")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    parser.add_argument("--json", type=pathlib.Path)
    return Saturation(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
