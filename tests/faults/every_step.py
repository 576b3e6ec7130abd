"""Kills the gateway at every socket and journal step of one reversal, of a shot's arm or fire, or of a start, one after another.

    python3 tests/faults/every_step.py [--during reversal|arm|fire|start] [--stride K] [--json FILE]

n = 0, 1, 2 …: the gateway dies at the n-th call of a kind (kill_at.cpp), until it lives through the whole. After each death a new
gateway must give the intent its one true answer; checks.py judges all of them at the end, against the venue's truth.
"""
import argparse
import collections
import json
import os
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from proxied_stand import LoadSpec, ProxiedStand, StandError, checks, tail, wait_for  # noqa: E402
from supervisor import STRATEGY_OPTIONS, VENUE, VENUE_CONFIG  # noqa: E402

from stand import Account  # noqa: E402

ALL_CALLS = [("send", "before"), ("send", "half"), ("send", "after"), ("recv", "before"), ("recv", "after"),
             ("store", "before"), ("store", "half"), ("store", "after"), ("clock", "before")]
# arm: from there to the end of what the fire sent. fire: from the fire on.
KINDS = {"reversal": ALL_CALLS, "arm": ALL_CALLS, "fire": ALL_CALLS, "start": [("any", "before"), ("any", "after")]}
# The clock is read in every idle turn as well, so that counting never ends by itself; a reversal is over by then.
MOST_STEPS = {"clock": 120}


class EveryStep:
    def __init__(self, arguments):
        self.arguments = arguments
        self.stand = ProxiedStand(arguments.preset, arguments.keep)
        self.counts = collections.Counter()
        self.options = ["--accounts", "main", "--symbols", "ETHUSDT", "--most", "1", "--withdraw", "0", "--waits",
                        "--deadline-min-ms", "5000", "--deadline-max-ms", "5000"]
        self.has_shot = arguments.during in ("arm", "fire")
        if self.has_shot:
            self.options += ["--shots", "1", "--disarm", "0", "--fire-again", "0", "--fire-ended", "0"]
            self.options += ["--fire-waits", "--shot-wait-max-ms", "0"] if arguments.during == "fire" else ["--shot-wait-min-ms", "300"]
        self.spec = LoadSpec("steps", self.options)

    def start_gateway(self, step=None):
        more = {}
        if step is not None:
            library = self.stand.bin.parent / "lib" / "libbackhand_kill_at.so"
            more["env"] = dict(os.environ, LD_PRELOAD=str(library), BACKHAND_KILL_AT=step)
        self.stand.spawn("gateway", [self.stand.bin / "backhandd", "--config", self.stand.config_path], **more)

    def dead(self):
        return self.stand.processes["gateway"].poll() is not None

    def answered(self):
        self.stand.read_logs()
        lane = self.stand.lanes[self.spec.name]
        mine = [i for i in lane.intents.values() if i.tag.startswith(f"{self.spec.runs}.")]
        return bool(mine) and all(i.ends or i.lost or not i.pushed for i in mine)

    def attach(self):
        """A fresh strategy process, ready to push one intent and to listen from then on."""
        name = f"load-{self.spec.name}"
        if name in self.stand.processes:
            self.stand.kill(name, signal.SIGTERM)
        held = self.stand.control("/positions?account=main")
        is_short = any(row["symbol"] == "ETHUSDT" and float(row["short"]) > 0 for row in held)
        self.spec.options = self.options + (["--short-first"] if is_short else [])
        attached = sum(lane.attaches for lane in self.stand.read_logs())
        self.stand.start_load(self.spec)
        wait_for("the attach", lambda: self.stand.read_logs()[0].attaches > attached)

    def push_one(self):
        self.stand.processes[f"load-{self.spec.name}"].send_signal(signal.SIGUSR2)

    def reversal_at(self, step):
        """A reversal, or a shot and its fire. True where the gateway died of it."""
        self.start_gateway(f"{step}:armed")
        wait_for("readiness", lambda: self.stand.check_alive("gateway") and self.stand.status().get("ready"), 30)
        self.attach()
        # The allowance counts as used up after a restart; killed while the intent waits for a slot, little could go wrong.
        time.sleep(1.2)
        if self.arguments.during == "fire":
            told = self.stand.read_logs()[0].events["armed"]
            self.push_one()
            wait_for("the shot", lambda: self.stand.read_logs()[0].events["armed"] > told)
        self.stand.processes["gateway"].send_signal(signal.SIGUSR1)
        self.push_one()
        wait_for("an answer or death", lambda: self.dead() or self.answered(), 30)
        # What is stored of the end is stored a moment later.
        until = time.monotonic() + 0.3
        while time.monotonic() < until and not self.dead():
            time.sleep(0.01)
        return self.end_and_settle()

    def start_at(self, step):
        """The gateway has a reversal without an answer when it dies at a step of its start."""
        self.start_gateway()
        wait_for("readiness", lambda: self.stand.check_alive("gateway") and self.stand.status().get("ready"), 30)
        self.attach()
        self.stand.control("/faults", {"fault": "ack_lost_after"})
        executed = self.stand.control("/truth?parts=counters")["counters"]["reversals_executed"]
        self.push_one()
        wait_for("the execution",
                 lambda: self.stand.control("/truth?parts=counters")["counters"]["reversals_executed"] > executed or self.answered())
        self.stand.kill("gateway")
        self.start_gateway(step)
        wait_for("readiness or death", lambda: self.dead() or self.stand.status().get("ready"), 30)
        return self.end_and_settle()

    def end_and_settle(self):
        died = self.dead()
        self.stand.kill("gateway")
        self.start_gateway()
        wait_for("readiness", lambda: self.stand.check_alive("gateway") and self.stand.status().get("ready"), 30)
        wait_for("the answer", self.answered, 40)
        if self.stand.stop("gateway") != 0:
            raise StandError("the gateway that followed did not end cleanly")
        return died

    def run(self):
        with self.stand as s:
            s.start_venue(*VENUE)
            s.write_config([Account("main")], [("ETHUSDT", "USDT-FUTURES")], [("steps", [("main", "*")], *STRATEGY_OPTIONS)],
                           gateway=f'hot_dir = "{s.hot_dir}"\njournal_segment_mb = 2\ndurability = "{self.arguments.durability}"',
                           venue=VENUE_CONFIG, pacing="no_reply_hold_ms = 50", port=s.start_proxy())
            at = self.start_at if self.arguments.during == "start" else self.reversal_at
            for call, phase in KINDS[self.arguments.during]:
                for n in range(0, MOST_STEPS.get(call, 10_000), self.arguments.stride):
                    if not at(f"{call}:{phase}:{n}"):
                        break
                    self.counts[f"{call}_{phase}"] += 1
                print(f"{self.arguments.during}: died at {self.counts[f'{call}_{phase}']} steps, {call} {phase}", flush=True)
            truth = s.truth()
            wrong, lanes = checks.judge(s.read_logs(), truth)
            figures = {"during": self.arguments.during, "deaths": sum(self.counts.values()), "steps": dict(self.counts),
                       **checks.summary(lanes, truth), "violations": len(wrong)}
            print(json.dumps(figures, indent=1))
            if self.arguments.json:
                self.arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
            for one in wrong[:30]:
                print(f"VIOLATION {one}")
            s.keep = s.keep or bool(wrong)
        return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(prog="tests/faults/every_step.py")
    parser.add_argument("--during", choices=tuple(KINDS), default="reversal")
    parser.add_argument("--stride", type=int, default=1, help="try only each K-th step")
    parser.add_argument("--durability", choices=("process", "power"), default="process")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs, configuration and journal")
    parser.add_argument("--json", type=pathlib.Path)
    return EveryStep(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
