"""A stand whose gateway reaches the venue through the fault proxy, with loads that log what they are told."""
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import checks  # noqa: E402
from stand import Stand, StandError, tail, wait_for  # noqa: E402


class LoadSpec:
    """One strategy process: its lane is its name, its options stay the same over all its runs."""

    def __init__(self, name, options):
        self.name = name
        self.options = [str(o) for o in options]
        self.runs = 0


class ProxiedStand(Stand):
    def __init__(self, preset="release", keep=False, seed=1):
        super().__init__(preset, keep)
        self.seed = seed
        self.proxy_ports = None
        self.loads = {}
        self.lanes = {}    # What the loads' logs say, by name.
        self.readers = {}
        # The journal's hot ring and the key locks lie here: of this stand alone, so that stands run side by side.
        self.hot_dir = pathlib.Path(tempfile.mkdtemp(prefix="backhand-hot-", dir="/dev/shm"))

    def __exit__(self, kind, value, trace):
        for process in self.processes.values():
            try:
                process.send_signal(signal.SIGCONT)
            except OSError:
                pass
        super().__exit__(kind, value, trace)
        shutil.rmtree(self.hot_dir, ignore_errors=True)

    # The proxy

    def start_proxy(self):
        file = self.dir / "proxy.json"
        self.spawn("proxy", [self.bin / "backhand-proxy", "--venue-port", self.venue_ports["tls_port"], "--ports-file", file,
                             "--seed", self.seed, "--die-with-parent"])
        wait_for("the proxy's ports", lambda: self.check_alive("proxy") and file.exists())
        self.proxy_ports = json.loads(file.read_text())
        return self.proxy_ports["port"]

    def proxy(self, path, body=None):
        url = f"http://127.0.0.1:{self.proxy_ports['control_port']}{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=20) as reply:
            return json.loads(reply.read())

    def calm(self):
        """No faults any more, only what a good network does."""
        self.proxy("/rules", {"clear": True})
        self.proxy("/connections", {"action": "accept"})

    # Loads

    def log_of(self, name):
        return self.dir / f"load-{name}.jsonl"

    def read_logs(self):
        """The lanes as their logs stand now."""
        for name, lane in self.lanes.items():
            lane.feed(self.readers[name].new_lines())
        return list(self.lanes.values())

    def start_load(self, spec, from_start=False):
        """Starts the strategy anew. It resumes behind the last record it logged, or asks for all again."""
        spec.runs += 1
        if spec.name not in self.lanes:
            self.loads[spec.name] = spec
            self.lanes[spec.name] = checks.Lane(spec.name)
            self.readers[spec.name] = checks.Reader(self.log_of(spec.name))
        self.read_logs()
        cursor = 0 if from_start else self.lanes[spec.name].highest_record()
        return self.spawn(f"load-{spec.name}", [
            self.bin / "backhand-load", "--socket", self.attach_socket, "--strategy", spec.name, "--log", self.log_of(spec.name),
            "--run", spec.runs, "--seed", self.seed * 1000 + spec.runs, "--cursor", cursor, *spec.options])

    def kill(self, name, sig=signal.SIGKILL):
        """Ends it and tells whether it was still alive; a stopped process dies of SIGKILL too."""
        process = self.processes.pop(name)
        alive = process.poll() is None
        process.send_signal(sig)
        process.wait(30)
        return alive

    def open_intents(self):
        return [f"{lane.name} {intent.tag} (intent {intent.id})" for lane in self.read_logs() for intent in lane.open()]

    def quiesce(self, limit_s):
        """Stops all pushing and waits until every intent is answered; returns those that are not."""
        for name in self.loads:
            self.processes[f"load-{name}"].send_signal(signal.SIGUSR1)
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            time.sleep(0.25)
            if not self.open_intents():
                return []
        return self.open_intents()

    def truth(self):
        return self.control("/truth?parts=counters,reversals,arrivals")


def host_bin(preset):
    return pathlib.Path(os.environ.get("BACKHAND_BIN", ROOT / "build" / preset / "bin"))


__all__ = ["LoadSpec", "ProxiedStand", "StandError", "checks", "host_bin", "tail", "wait_for"]
