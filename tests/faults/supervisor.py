"""Kills the real gateway under load, behind the fault proxy, and asks for a true answer to every intent.

    python3 tests/faults/supervisor.py --kills N --seed S [--json FILE]

Venue, proxy, gateway and three strategies are real processes. The gateway dies by SIGKILL at random moments and at chosen
system calls (kill_at.cpp), is stopped and continued, is ended cleanly now and then; the venue is stopped and continued (it
must not die: it holds the truth) and loses its connections; strategies are killed, stopped and started anew. Now and then
everything calms down, every intent must get its answer, and checks.py judges. Exit status 0: no violation.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from proxied_stand import LoadSpec, ProxiedStand, StandError, checks, tail, wait_for  # noqa: E402

from stand import Account  # noqa: E402

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "BNBUSDT"]
ACCOUNTS = [Account("way1"), Account("way2"), Account("hed1", mode="hedge"), Account("hed2", mode="hedge"), Account("lead", lead=True)]
VENUE = ["--set", "timestamp_tolerance_ms=1000", "--set", "keep_arrivals=all"]
# The venue takes a request for a second only, so that a fuse burns in a test's time; segments are small, so that they turn over.
VENUE_CONFIG = ("clock_tolerance_ms = 1000\nexecution_grace_ms = 500\nlookup_lag_ms = 200\nsettle_recheck_ms = 300\nposition_refresh_ms = 500\nposition_max_age_ms = 10000\n"
                "unresolved_after_ms = 30000\nrequest_timeout_ms = 1000\nlookup_timeout_ms = 1000\nconnect_timeout_ms = 1000\n"
                "backoff_max_ms = 300")
STRATEGY_OPTIONS = ["intents_per_second = 10000", "reversals_per_position_minute = 1000000",
                    "reversals_per_position_day = 100000000", "max_shots = 16"]
# What the network does in one spell. The longest delay stays far below pacing.no_reply_hold_ms, which assumes that.
NETWORKS = {
    "good": {},
    "jitter": {"jitter_ms": 5, "tail_ms": 4, "max_delay_ms": 120},
    "slow": {"delay_ms": 80, "jitter_ms": 80, "tail_ms": 20, "max_delay_ms": 400},
    "slices": {"slice_bytes": 7, "slice_gap_ms": 0.02},
    "resets": {"reset": 0.03, "jitter_ms": 3},
    "cuts": {"cut": 0.03, "jitter_ms": 3},
    "half_closes": {"half_close": 0.03},
    "black_holes": {"black_hole": 0.01},
    "all": {"reset": 0.01, "cut": 0.01, "half_close": 0.01, "black_hole": 0.005, "jitter_ms": 10, "tail_ms": 5,
            "max_delay_ms": 200, "slice_bytes": 100},
}
# An execution comes at most execution_grace_ms after the ack: what comes later is beyond what settlement is told to expect.
VENUE_FAULTS = [{"fault": name} for name in (
    "ack_lost_before", "ack_lost_after", "reset_before", "reset_after", "server_error_before", "server_error_after", "not_json_after",
    "truncated_after", "ambiguous_code_before", "ambiguous_code_at_200_after", "late_ack", "ack_without_execution")] + [
    {"fault": "code_after_close", "code": code} for code in ("22035", "40762", "45107")] + [{"fault": "late_execution", "created_delay_ms": 350}, {"fault": "late_open_leg", "leg_gap_ms": 350}]
STEPS = ([("send", phase) for phase in ("before", "after", "half")] + [("recv", phase) for phase in ("before", "after")]
         + [("store", phase) for phase in ("before", "after", "half")] + [("clock", "before")])
# How far into each kind of call an armed kill may lie: about what a second of load makes.
FARTHEST = {"send": 60, "recv": 120, "store": 40, "clock": 6000}


class Supervisor:
    def __init__(self, arguments):
        self.arguments = arguments
        self.random = random.Random(arguments.seed)
        self.stand = ProxiedStand(arguments.preset, arguments.keep, arguments.seed)
        self.counts = collections.Counter()
        self.signed_again = 0  # As gateways said just before they were killed; some said nothing.
        self.slowest_answer_s = 0.0
        self.specs = []

    # Set-up

    def set_up(self):
        s = self.stand
        scenario = {"accounts": [{"name": a.name, "mode": a.mode, "lead_trader": a.lead, "leverage": 50, "equity": "1000000000",
                                  "positions": [{"symbol": symbol, "long": "20"} for symbol in SYMBOLS]} for a in ACCOUNTS]}
        (s.dir / "scenario.json").write_text(json.dumps(scenario))
        s.start_venue("--scenario", s.dir / "scenario.json", *VENUE, *(word for one in self.arguments.set for word in ("--set", one)))
        port = s.start_proxy()
        s.write_config(ACCOUNTS, [(symbol, "USDT-FUTURES") for symbol in SYMBOLS],
                       [("one", [(a, "*") for a in ("way1", "hed1", "lead")], 'when_busy = "wait"', *STRATEGY_OPTIONS),
                        ("two", [(a.name, "*") for a in ACCOUNTS[:4]], *STRATEGY_OPTIONS),
                        ("three", [(a, "*") for a in ("way2", "hed2")], 'when_busy = "wait"', *STRATEGY_OPTIONS)],
                       gateway=f'hot_dir = "{s.hot_dir}"\njournal_segment_mb = 2\ndurability = "{self.arguments.durability}"',
                       venue=VENUE_CONFIG, port=port)
        rate = self.arguments.rate
        self.specs = [LoadSpec("one", ["--accounts", "way1,lead", "--hedge-accounts", "hed1", "--symbols", ",".join(SYMBOLS),
                                       "--per-second", rate]),
                      LoadSpec("two", ["--accounts", "way1,way2", "--hedge-accounts", "hed1,hed2", "--symbols", ",".join(SYMBOLS[:4]),
                                       "--per-second", rate / 2]),
                      LoadSpec("three", ["--accounts", "way2", "--hedge-accounts", "hed2", "--symbols", ",".join(SYMBOLS),
                                         "--per-second", rate])]
        for spec in self.specs:
            spec.options += ["--shots", str(self.arguments.shots)]

    # Disturbances

    def start_gateway(self, step=None):
        more = {}
        if step is not None:
            library = self.stand.bin.parent / "lib" / "libbackhand_kill_at.so"
            more["env"] = dict(os.environ, LD_PRELOAD=str(library), BACKHAND_KILL_AT=step)
        self.stand.spawn("gateway", [self.stand.bin / "backhandd", "--config", self.stand.config_path], **more)

    def gateway_died(self):
        return self.stand.processes["gateway"].poll() is not None

    def wait_ready_or_dead(self, limit_s):
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            if self.gateway_died():
                return False
            if self.stand.status().get("ready"):
                return True
            time.sleep(0.03)
        return False

    def pause(self, name, seconds):
        process = self.stand.processes[name]
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        self.counts[f"stopped_{name.split('-')[0]}"] += 1

    def disturb_network(self):
        name = self.random.choice(list(NETWORKS))
        self.stand.proxy("/rules", {"clear": True, "to_venue": NETWORKS[name], "to_gateway": NETWORKS[name]})
        self.counts[f"network_{name}"] += 1

    def disturb_others(self):
        draw = self.random.random()
        if draw < 0.06:
            # Shorter than pacing.no_reply_hold_ms: what waits in the kernel of a stopped venue arrives when it goes on.
            self.pause("venue", self.random.uniform(0.05, 1.2))
        elif draw < 0.12:
            self.stand.control("/connections", {"action": self.random.choice(["close", "reset"])})
            self.counts["venue_connections_ended"] += 1
        elif draw < 0.16:
            self.stand.proxy("/connections", {"action": "refuse"})
            time.sleep(self.random.uniform(0.05, 0.4))
            self.stand.proxy("/connections", {"action": "accept"})
            self.counts["connections_refused_for_a_while"] += 1
        elif draw < 0.26:
            self.pause(f"load-{self.random.choice(self.specs).name}", self.random.uniform(0.05, 0.6))
        elif draw < 0.36:
            spec = self.random.choice(self.specs)
            self.stand.kill(f"load-{spec.name}")
            self.stand.start_load(spec, from_start=self.random.random() < 0.3)
            self.counts["killed_strategy"] += 1
        elif draw < 0.5:
            self.stand.control("/faults", self.random.choice(VENUE_FAULTS) | {"count": 2})
            self.counts["venue_fault"] += 1
        elif draw < 0.56:
            self.pause("gateway", self.random.uniform(0.05, 1.5))

    def one_life(self):
        """One life of the gateway, from its start to its death."""
        self.disturb_network()
        draw = self.random.random()
        if draw < 0.15:
            self.counts["life_killed_while_starting"] += 1
            self.start_gateway()
            time.sleep(self.random.uniform(0.0, 0.5))
            self.die("at_random")
        elif draw < 0.25:
            self.start_gateway(f"any:{self.random.choice(['before', 'after', 'half'])}:{self.random.randrange(80)}")
            self.live_until_dead(self.random.uniform(0.5, 2.0), "at_step")
        elif draw < 0.65:
            call, phase = self.random.choice(STEPS)
            self.start_gateway(f"{call}:{phase}:{self.random.randrange(FARTHEST[call])}:armed")
            if self.wait_ready_or_dead(8):
                self.stand.processes["gateway"].send_signal(signal.SIGUSR1)
            self.live_until_dead(self.random.uniform(0.5, 2.5), f"at_step_{call}_{phase}")
        elif draw < 0.97:
            self.start_gateway()
            self.wait_ready_or_dead(8)
            if self.random.random() < 0.7:
                self.disturb_others()
            time.sleep(self.random.uniform(0.05, 2.0))
            self.die("at_random")
        else:
            self.start_gateway()
            self.wait_ready_or_dead(8)
            time.sleep(self.random.uniform(0.1, 1.0))
            status = self.stand.stop("gateway")
            if status not in (0, 3):
                raise StandError(f"SIGTERM ended the gateway with {status}:\n{tail(self.stand.dir / 'gateway.log')}")
            self.counts["ended_cleanly"] += 1

    def lose_journal(self):
        """The planted bug: what the gateway wrote down is gone, as if it had never been written."""
        for folder in (self.stand.dir / "state", self.stand.hot_dir):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)

    def live_until_dead(self, seconds, how):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.gateway_died():
            time.sleep(0.005)
        self.die(how if self.gateway_died() else "at_random")

    def die(self, how):
        process = self.stand.processes["gateway"]
        counted = self.stand.status().get("counters", {})
        self.signed_again += counted.get("signed_again", 0)
        self.stand.kill("gateway")
        if process.returncode != -signal.SIGKILL:
            raise StandError(f"the gateway ended by itself with {process.returncode}:\n{tail(self.stand.dir / 'gateway.log')}")
        self.counts["kills"] += 1
        self.counts[f"killed_{how}"] += 1

    # Judgement

    def judge(self):
        """Calm, a last start, and an answer for everybody."""
        s = self.stand
        s.calm()
        s.control("/faults", {"clear": True})
        self.start_gateway()
        s.wait_ready(60)
        begun = time.monotonic()
        unanswered = s.quiesce(10 if self.arguments.plant else 60)
        self.slowest_answer_s = max(self.slowest_answer_s, time.monotonic() - begun)
        # A repeat for everybody, from the first record that is kept: what was told once is told the same way again.
        truth = s.truth()
        wrong, lanes = checks.judge(s.read_logs(), truth)
        if unanswered:
            wrong.append(f"{len(unanswered)} without an answer, {unanswered[0]} for one")
        return wrong, lanes, truth

    def report(self, wrong, lanes, truth):
        figures = {"seed": self.arguments.seed, "kills": self.counts["kills"], **checks.summary(lanes, truth),
                   "signed_again_seen": self.signed_again, "violations": len(wrong), "slowest_calm_s": round(self.slowest_answer_s, 2),
                   "disturbances": dict(sorted(self.counts.items())), "verdicts": truth.get("verdicts"),
                   "venue_faults": truth.get("faults"), "proxy": self.stand.proxy("/stats")}
        if self.arguments.json:
            self.arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
        return figures

    def run(self):
        with self.stand as s:
            self.set_up()
            for spec in self.specs:
                s.start_load(spec)
            while True:
                target = min(self.arguments.kills, self.counts["kills"] + self.arguments.judge_every)
                while self.counts["kills"] < target:
                    self.one_life()
                if self.arguments.plant:
                    self.lose_journal()
                wrong, lanes, truth = self.judge()
                figures = self.report(wrong, lanes, truth)
                print(f"{figures['kills']} kills, {figures['pushed']} intents, {figures['executions']} executions, "
                      f"{figures['shots']['sent']} shots sent, {figures['unknown']} unknown, {figures['settled']} settled, {figures['unresolved']} unresolved, "
                      f"{figures['violations']} violations", flush=True)
                if wrong or self.counts["kills"] >= self.arguments.kills:
                    break
                self.die("at_random_when_calm")
                for spec in self.specs:
                    s.kill(f"load-{spec.name}")
                    s.start_load(spec)
            print(json.dumps(figures, indent=1))
            (s.dir / "truth.json").write_text(json.dumps(truth))
            for one in wrong[:30]:
                print(f"VIOLATION {one}")
            if not wrong and not self.arguments.plant:
                lines = {name: checks.Reader(s.log_of(name)).new_lines() for name in s.lanes}
                missed = checks.uncaught_plants(lines, truth)
                planted = len(checks.plants_for(lines))
                print(f"planted bugs caught: {planted - len(missed)} of {planted}")
                wrong = [f"the checks miss {name}" for name in missed]
                if s.stop("gateway") != 0:
                    wrong.append("the last gateway did not end cleanly")
            if self.arguments.plant:
                print("the planted bug was " + ("caught" if wrong else "MISSED"))
                return 0 if wrong else 1
            if wrong:
                print(f"again with: python3 tests/faults/supervisor.py --kills {self.arguments.kills} --seed {self.arguments.seed}"
                      f"\nits files are kept in {s.dir}")
                s.keep = True
        return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/supervisor.py")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=40.0, help="intents a second of each strategy")
    parser.add_argument("--shots", type=float, default=0.3, help="share of the reversals that are armed first")
    parser.add_argument("--judge-every", type=int, default=50, help="kills between two judgements")
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="an option of the venue's, as --set of backhand-venue")
    parser.add_argument("--plant", action="store_true", help="lose the journal after the last kill: status 0 if that is caught")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    parser.add_argument("--json", type=pathlib.Path)
    return Supervisor(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
