"""A stand: the simulated venue, the gateway and strategies as real processes in a folder of their own.

What the demo, the real-process tests and the benchmarks share. Every process is started here, is ended by its own id,
and all traffic stays on loopback.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


class StandError(Exception):
    """Something that should run does not; the message names it and the end of its log."""


def tail(path, lines=15):
    try:
        return "".join(pathlib.Path(path).read_text(errors="replace").splitlines(keepends=True)[-lines:])
    except OSError:
        return "(no log)"


def wait_for(what, condition, limit_s=30.0, every_s=0.02):
    """Returns the first true value of condition(); StandError after limit_s."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(every_s)
    raise StandError(f"{what}: not within {limit_s:.0f} s")


class Account:
    """One account as the venue and the gateway both know it."""

    def __init__(self, name, mode="one_way", lead=False, venue_name=None):
        self.name = name
        self.mode = mode
        self.lead = lead
        venue_name = venue_name or name
        self.key, self.secret, self.passphrase = f"key-{venue_name}", f"secret-{venue_name}", f"pass-{venue_name}"

    @classmethod
    def generated(cls, number, lead=False):
        """The number-th of those that `backhand-venue --accounts` makes, from 1."""
        made = cls(f"a{number:04}", lead=lead)
        made.key, made.secret, made.passphrase = f"k{number:04}", f"s{number:04}", f"p{number:04}"
        return made


class Stand:
    def __init__(self, preset="release", keep=False):
        self.bin = pathlib.Path(os.environ.get("BACKHAND_BIN", ROOT / "build" / preset / "bin"))
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="backhand-"))
        # A tmpfs folder of its own for the hot journal, so that stands do not meet and leave nothing.
        self.hot = pathlib.Path(tempfile.mkdtemp(prefix="backhand-", dir="/dev/shm"))
        self.keep = keep
        self.processes = {}
        self.venue_ports = None
        self.config_path = self.dir / "backhand.toml"

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        for name in list(self.processes):
            self.stop(name, limit_s=10)
        shutil.rmtree(self.hot, ignore_errors=True)
        if kind is not None and not self.keep:
            print(f"stand: its logs are kept in {self.dir}", file=sys.stderr)
        elif not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    # Processes

    def spawn(self, name, argv, **more):
        log = open(self.dir / f"{name}.log", "ab")
        process = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.dir, **more)
        log.close()
        self.processes[name] = process
        return process

    def stop(self, name, sig=signal.SIGTERM, limit_s=30):
        process = self.processes.pop(name, None)
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(sig)
            try:
                process.wait(limit_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return process.returncode

    @property
    def client_library(self):
        return self.bin.parent / "lib" / "libbackhand_client.so.2"

    @property
    def disk_environment(self):
        """The environment of a gateway whose disk does as `disk` says, and which hangs in no other way."""
        return dict(os.environ, LD_PRELOAD=str(self.bin.parent / "lib" / "libbackhand_disk_at.so"),
                    BACKHAND_DISK_CONTROL=str(self.dir / "disk"))

    def disk(self, word):
        part = self.dir / "disk.new"
        part.write_text(word)
        part.rename(self.dir / "disk")

    def check_alive(self, name):
        process = self.processes[name]
        if process.poll() is not None:
            raise StandError(f"{name} ended with status {process.returncode}:\n{tail(self.dir / f'{name}.log')}")
        return True

    # The venue

    def start_venue(self, *options):
        ports_file = self.dir / "ports.json"
        ports_file.unlink(missing_ok=True)
        port = self.venue_ports["tls_port"] if self.venue_ports else 0
        control = self.venue_ports["control_port"] if self.venue_ports else 0
        self.spawn("venue", [self.bin / "backhand-venue", "--tls-port", port, "--control-port", control,
                             "--certificate-dir", self.dir / "certificates", "--ports-file", ports_file,
                             "--die-with-parent", *options])
        wait_for("the venue's ports", lambda: self.check_alive("venue") and ports_file.exists())
        self.venue_ports = json.loads(ports_file.read_text())
        return self.venue_ports

    def control(self, path, body=None):
        url = f"http://127.0.0.1:{self.venue_ports['control_port']}{path}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=20) as reply:
            return json.loads(reply.read() or b"null")

    # The gateway

    def write_config(self, accounts, instruments, strategies, gateway="", venue="", pacing="", shots="", port=None, host="localhost"):
        """instruments: (symbol, product[, margin coin]); strategies: (name, [(account, [symbol …])], more TOML)."""
        secrets = self.dir / "secrets"
        secrets.mkdir(exist_ok=True, mode=0o700)
        for folder in ("state", "run"):
            (self.dir / folder).mkdir(exist_ok=True, mode=0o700)
        text = [f'environment = "simulated"\n[gateway]\nstate_dir = "{self.dir}/state"\nruntime_dir = "{self.dir}/run"\n'
                f'{"" if "hot_dir" in gateway else f"""hot_dir = "{self.hot}" """}\n'
                f'{gateway}\n[venue]\nhost = "{host}"\nconnect_address = "127.0.0.1"\n'
                f'port = {port or self.venue_ports["tls_port"]}\nca_file = "{self.venue_ports["ca_file"]}"\n{venue}\n'
                f"[pacing]\n{pacing}\n[shots]\n{shots}\n"]
        for account in accounts:
            for kind in ("key", "secret", "passphrase"):
                path = secrets / f"{account.name}.{kind}"
                path.unlink(missing_ok=True)
                with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                    file.write(getattr(account, kind))
            text.append(f'[[accounts]]\nname = "{account.name}"\nposition_mode = "{account.mode}"\n'
                        f'lead_trader = {str(account.lead).lower()}\n'
                        + "".join(f'{kind}_file = "{secrets}/{account.name}.{kind}"\n' for kind in ("key", "secret", "passphrase")))
        for symbol, product, *coin in instruments:
            text.append(f'[[instruments]]\nsymbol = "{symbol}"\nproduct = "{product}"\n'
                        + (f'margin_coin = "{coin[0]}"\n' if coin else ""))
        for name, entitlements, *more in strategies:
            text.append(f'[[strategies]]\nname = "{name}"\n' + "".join(f"{line}\n" for line in more))
            for account, symbols in entitlements:
                listed = json.dumps(symbols)
                text.append(f'[[strategies.entitlements]]\naccount = "{account}"\ninstruments = {listed}\n')
        self.config_path.write_text("\n".join(text))
        return self.config_path

    @property
    def attach_socket(self):
        return self.dir / "run" / "attach.sock"

    def start_gateway(self, wait_ready=True, limit_s=60, **more):
        process = self.spawn("gateway", [self.bin / "backhandd", "--config", self.config_path], **more)
        if wait_ready:
            self.wait_ready(limit_s)
        return process

    def admin(self, **request):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            s.connect(str(self.dir / "run" / "admin.sock"))
            s.sendall(json.dumps(request).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                more = s.recv(65536)
                if not more:
                    break
                reply += more
        return json.loads(reply)

    def status(self):
        try:
            return self.admin(command="status")
        except (OSError, ValueError):
            return {}

    def wait_ready(self, limit_s=60):
        try:
            wait_for("the gateway's readiness", lambda: self.check_alive("gateway") and self.status().get("ready"), limit_s)
        except StandError as error:
            raise StandError(f"{error}; it waits: {self.status().get('waits_for')}\n{tail(self.dir / 'gateway.log')}") from None

    # Strategies

    def send(self, strategy, intents, lane="cli", timeout_s=60):
        """Plays intents (dicts) through `backhand send --json`; returns its process, whose log holds the events."""
        name = f"send-{strategy}-{lane}"
        file = self.dir / f"{name}.jsonl"
        file.write_text("".join(json.dumps(i) + "\n" for i in intents))
        (self.dir / f"{name}.log").unlink(missing_ok=True)
        return self.spawn(name, [self.bin / "backhand", "send", "--socket", self.attach_socket, "--strategy", strategy, "--lane", lane,
                                 "--file", file, "--json", "--timeout", timeout_s])

    def events(self, strategy, lane="cli"):
        """The outcome events that a `send` has printed so far."""
        events = []
        for line in (self.dir / f"send-{strategy}-{lane}.log").read_text().splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                pass
        return events

    def wait_end(self, name, limit_s=120):
        process = self.processes.pop(name)
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.processes[name] = process
            raise StandError(f"{name} did not end within {limit_s} s:\n{tail(self.dir / f'{name}.log')}") from None


def intent(account, symbol, position, **more):
    return {"account": account, "symbol": symbol, "product": more.pop("product", "USDT-FUTURES"), "position": position, **more}


def give_fifo(pid):
    """Gives a gateway's I/O thread the lowest real-time priority: others on its core no longer hold it up."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        if (task / "comm").read_text().strip() == "backhand-io":
            os.sched_setscheduler(int(task.name), os.SCHED_FIFO, os.sched_param(1))
            return
    raise StandError("the gateway's I/O thread was not found")


def percentile(values, p):
    """The smallest value that at least p percent do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, int(-(-len(ordered) * p // 100)) - 1)] if ordered else 0
