"""One reply too many on a TLS connection: a no that is nobody's must never be believed.

A middleman with the venue's certificate stands between gateway and venue, reads whole messages, and adds replies: in
front of the true one, behind it, late, or unread on an idle connection when the next request is written. Prints counts as
JSON; status 0 only where no reversal that the venue executed was told `rejected`, `denied` or `not_executed`.
  tests/faults/extra_replies.py [--tries N] [--idle spin|block|both] [--seed S]"""
import argparse
import json
import os
import pathlib
import random
import signal
import socket
import ssl
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(ROOT / "common/client/python"))
import backhand  # noqa: E402
from stand import Account, Stand, StandError, wait_for  # noqa: E402

SYMBOLS = ["ETHUSDT", "BTCUSDT", "SOLUSDT"]
CASES = ("lies_there", "in_front", "ahead", "behind", "late", "wrong_time")
FALSE_ENDS = ("rejected", "denied", "not_executed")


def refusal(code="40020", off_ms=0):
    body = json.dumps({"code": code, "msg": "Parameter error", "requestTime": int(time.time() * 1000) + off_ms, "data": None})
    return (f"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Reader:
    """Whole HTTP/1.1 messages from a stream, as bytes."""

    def __init__(self, stream):
        self.stream = stream
        self.rest = b""

    def more(self):
        piece = self.stream.recv(65536)
        if not piece:
            raise EOFError
        self.rest += piece

    def message(self):
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head = self.rest[:self.rest.index(b"\r\n\r\n") + 4]
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            while b"0\r\n\r\n" not in self.rest[len(head):]:
                self.more()
            end = self.rest.index(b"0\r\n\r\n", len(head)) + 5
        else:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in lower else 0
            end = len(head) + length
            while len(self.rest) < end:
                self.more()
        whole, self.rest = self.rest[:end], self.rest[end:]
        return whole


class Middleman:
    def __init__(self, venue_port, certificates):
        self.venue_port = venue_port
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(certificates / "server.pem", certificates / "server.key")
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname, self.client.verify_mode = False, ssl.CERT_NONE
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.case = None      # What is done to the next reversal's reply.
        self.struck = 0
        self.links = {}       # Open connections of the gateway, by number, with a lock for writing.
        self.lock = threading.Lock()
        self.random = random.Random(1)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        number = 0
        while True:
            raw, _ = self.listener.accept()
            number += 1
            threading.Thread(target=self.serve, args=(raw, number), daemon=True).start()

    def serve(self, raw, number):
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            gateway = self.server.wrap_socket(raw, server_side=True)
            venue = self.client.wrap_socket(socket.create_connection(("127.0.0.1", self.venue_port)))
            venue.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.links[number] = gateway
            requests, replies = Reader(gateway), Reader(venue)
            while True:
                request = requests.message()
                self.exchange(number, gateway, venue, replies, request)
        except (OSError, EOFError, ValueError):
            pass
        finally:
            with self.lock:
                self.links.pop(number, None)
            raw.close()

    def take_case(self):
        with self.lock:
            case, self.case = self.case, None
            self.struck += case is not None
        return case

    def exchange(self, number, gateway, venue, replies, request):
        case = self.take_case() if b"click-backhand" in request else None
        if case == "ahead":
            gateway.sendall(refusal())
            time.sleep(self.random.uniform(0.0005, 0.02))
        venue.sendall(request)
        true = replies.message()
        if case == "in_front":
            true = refusal() + true
        elif case == "behind":
            true += refusal()
        elif case == "wrong_time":
            # The only reply there is, made ten minutes ago or hence by its own clock.
            true = refusal(off_ms=self.random.choice((-600_000, 600_000)))
        gateway.sendall(true)
        if case == "late":
            time.sleep(self.random.uniform(0.001, 0.02))
            gateway.sendall(refusal())

    def add_everywhere(self):
        """A no on each connection, none of which anybody asked for."""
        with self.lock:
            links = list(self.links.values())
            self.struck += 1
        for link in links:
            try:
                link.sendall(refusal())
            except OSError:
                pass


class Run:
    def __init__(self, idle, tries, seed):
        self.idle, self.tries = idle, tries
        self.random = random.Random(seed)
        self.counts = {case: {"tries": 0, "struck": 0, "executed": 0, "believed": 0, "rejected": 0, "unresolved": 0}
                       for case in CASES}
        self.ends = []  # (case, event), judged when all has come to rest.

    def go(self):
        with Stand(preset=os.environ.get("BACKHAND_PRESET", "release")) as stand:
            stand.start_venue("--set", "timestamp_tolerance_ms=1500")
            middle = Middleman(stand.venue_ports["tls_port"], stand.dir / "certificates")
            stand.write_config(
                [Account("main")], [(s, "USDT-FUTURES") for s in SYMBOLS], [("one", [("main", "*")])],
                gateway=f'idle = "{self.idle}"', port=middle.port,
                venue="clock_tolerance_ms = 1500\nexecution_grace_ms = 500\nsettle_recheck_ms = 300\nposition_refresh_ms = 500\n"
                      "request_timeout_ms = 2000\nlookup_timeout_ms = 2000\nunresolved_after_ms = 15000\n")
            gateway = stand.start_gateway()
            library = stand.client_library
            with backhand.Session(str(stand.attach_socket), "one", "main", library=str(library)) as session:
                for n in range(self.tries):
                    for case in CASES:
                        self.one(stand, middle, gateway, session, case)
            time.sleep(1)  # The last executions follow their acks.
            self.judge(stand)
            middle.listener.close()
            return {"idle": self.idle, "cases": self.counts, "status": stand.status().get("counters")}

    def one(self, stand, middle, gateway, session, case):
        count = self.counts[case]
        wait_for("readiness", lambda: stand.status().get("ready"), 30)
        held = {p["symbol"]: p for p in stand.control("/positions?account=main")}
        symbol, other = self.random.sample(SYMBOLS, 2)

        def reverse(what):
            side = "long" if float(held[what]["long"]) > 0 else "short"
            return session.reverse("main", "USDT-FUTURES", what, side, within_s=1.5)

        struck = middle.struck
        if case == "lies_there":
            # Stopped while the no arrives, it finds the no and the intent at once.
            gateway.send_signal(signal.SIGSTOP)
            middle.add_everywhere()
            time.sleep(0.02)
        else:
            with middle.lock:
                middle.case = case
        intent_id = reverse(symbol)
        if case == "lies_there":
            gateway.send_signal(signal.SIGCONT)
        ids = [intent_id]
        if case == "late":
            # The no comes some time after the reply to that one: another request follows closely.
            time.sleep(self.random.uniform(0, 0.02))
            ids.append(reverse(other))
        self.ends += [(case, end) for end in self.ends_of(session, ids)]
        with middle.lock:
            middle.case = None
        count["tries"] += 1
        count["struck"] += middle.struck > struck

    def judge(self, stand):
        executed = stand.control("/truth?parts=reversals")["executed"].get("main", {})
        for case, event in self.ends:
            count = self.counts[case]
            word = event.result if event.kind == "settled" else event.kind
            was_executed = event.client_oid in executed
            count["executed"] += was_executed
            count["rejected"] += word == "rejected"
            count["unresolved"] += word == "unresolved"
            count["believed"] += was_executed and word in FALSE_ENDS

    @staticmethod
    def ends_of(session, ids):
        until = time.monotonic() + 40
        ends = {}
        while len(ends) < len(ids) and time.monotonic() < until:
            ends.update({o.intent_id: o for o in session.poll() if o.intent_id in ids and o.terminal})
            session.wait(0.2)
        if len(ends) < len(ids):
            raise StandError(f"of the intents {ids} not all have an end")
        return ends.values()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tries", type=int, default=10)
    arguments.add_argument("--idle", choices=("spin", "block", "both"), default="both")
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    runs = [Run(idle, options.tries, options.seed).go()
            for idle in (("spin", "block") if options.idle == "both" else (options.idle,))]
    print(json.dumps(runs, indent=1))
    believed = sum(case["believed"] for run in runs for case in run["cases"].values())
    unstruck = [f"{run['idle']} {name}" for run in runs for name, case in run["cases"].items() if case["struck"] == 0]
    if believed or unstruck:
        print(f"extra_replies: {believed} believed; never struck: {unstruck}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
