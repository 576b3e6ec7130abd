"""Scenarios with real processes over real TLS: venue, gateway, strategies. Ground truth is the venue's control port."""
import collections
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "scripts"))
from stand import Account, Stand, StandError, intent, tail, wait_for  # noqa: E402

ETH = ("ETHUSDT", "USDT-FUTURES")
BTC = ("BTCUSDT", "USDT-FUTURES")
SOL = ("SOLUSDT", "USDT-FUTURES")
# The venue refuses requests older than a second here, so that a fuse burns in a test's time.
SHORT_FUSE_VENUE = ["--set", "timestamp_tolerance_ms=1000"]
SHORT_FUSE = ("clock_tolerance_ms = 1000\nexecution_grace_ms = 500\nlookup_lag_ms = 200\nsettle_recheck_ms = 300\nposition_refresh_ms = 500\nposition_max_age_ms = 10000\n"
              "unresolved_after_ms = 8000\nrequest_timeout_ms = 1000\nlookup_timeout_ms = 1000")


def main_and_hedge():
    return [Account("main"), Account("hedge", mode="hedge")]


def nginx_program():
    found = shutil.which("nginx") or "/usr/sbin/nginx"
    return found if os.path.exists(found) else None


def terminal_events(events):
    return [e for e in events if e["terminal"]]


class Scenario(unittest.TestCase):
    def setUp(self):
        self.stand = self.enterContext(self.new_stand())

    @staticmethod
    def new_stand():
        return Stand(preset=os.environ.get("BACKHAND_PRESET", "release"))

    def counters(self):
        return self.stand.control("/truth?parts=counters")["counters"]

    def is_sanitized(self):
        content = self.stand.client_library.read_bytes()
        return b"__asan_init" in content or b"__tsan_init" in content

    def client_library(self):
        if self.is_sanitized():
            self.skipTest("an interpreter cannot load a sanitized library")
        return str(self.stand.client_library)

    def one_intent(self, strategy="alpha", lane="cli", limit_s=60, **more):
        self.stand.send(strategy, [intent("main", "ETHUSDT", "long", deadline_ms=2000, **more)], lane=lane)
        self.stand.wait_end(f"send-{strategy}-{lane}", limit_s)
        return self.stand.events(strategy, lane)

    def start_nginx(self):
        """A proxy between gateway and venue that closes connections soon and often; returns its port."""
        s = self.stand
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        certificates = s.dir / "certificates"
        (s.dir / "nginx.conf").write_text(
            f"daemon off; master_process off; pid {s.dir}/nginx.pid; error_log {s.dir}/nginx-error.log;\n"
            f"events {{ worker_connections 256; }}\nhttp {{ access_log off; client_body_temp_path {s.dir}/t1; proxy_temp_path {s.dir}/t2;\n"
            f" fastcgi_temp_path {s.dir}/t3; uwsgi_temp_path {s.dir}/t4; scgi_temp_path {s.dir}/t5;\n"
            f" upstream venue {{ server 127.0.0.1:{s.venue_ports['tls_port']}; keepalive 8; }}\n"
            f" server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificates}/server.pem; ssl_certificate_key {certificates}/server.key;\n"
            f"  keepalive_requests 5; keepalive_timeout 2s;\n"
            f"  location / {{ proxy_pass https://venue; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; }} }} }}\n")
        s.spawn("nginx", [nginx_program(), "-c", s.dir / "nginx.conf", "-p", s.dir])

        def answers():
            s.check_alive("nginx")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        wait_for("nginx", answers)
        return port

    def simple(self, venue=(), **config):
        self.stand.start_venue(*venue)
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], **config)


class FourStrategies(Scenario):
    def test_each_sees_only_its_own_outcomes(self):
        s = self.stand
        s.start_venue()
        s.write_config(main_and_hedge(), [ETH, BTC, SOL, ("BTCPERP", "USDC-FUTURES")],
                       [("one", [("hedge", ["ETHUSDT"])]), ("two", [("hedge", ["SOLUSDT"])]), ("three", [("main", ["ETHUSDT"])]),
                        ("inside", [("main", ["BTCPERP"])], "in_process = true")])
        s.start_gateway()
        for strategy, symbol, side, size in (("one", "ETHUSDT", "long", "3"), ("two", "SOLUSDT", "short", "10")):
            s.spawn(f"example-{strategy}", [s.bin / "backhand-example", s.attach_socket, strategy, "hedge", symbol, side, size])
        s.send("three", [intent("main", "ETHUSDT", "long"), intent("main", "ETHUSDT", "short", at_ms=500)])
        for name in ("example-one", "example-two", "send-three-cli"):
            self.assertEqual(s.wait_end(name), 0, tail(s.dir / f"{name}.log"))
        for name in ("example-one", "example-two"):
            log = (s.dir / f"{name}.log").read_text()
            self.assertEqual(log.count("settled: reversed"), 1, log)
        events = [e for e in s.events("three") if e["event"] != "notice"]
        self.assertEqual({e["symbol"] for e in events}, {"ETHUSDT"})
        self.assertEqual({e["account"] for e in events}, {"main"})
        self.assertEqual([e["result"] for e in terminal_events(events)], ["reversed", "reversed"])
        inside = wait_for("the in-process strategy", lambda: "settled reversed" in (s.dir / "gateway.log").read_text())
        self.assertTrue(inside)
        counters = self.counters()
        self.assertEqual(counters["reversals_executed"], 5)
        self.assertEqual(counters["throttled"], 0)
        self.assertEqual(s.stop("gateway"), 0)


class Load(Scenario):
    def test_six_hundred_intents_over_a_hundred_accounts(self):
        s = self.stand
        s.start_venue("--accounts", "100", "--symbols", "3")
        accounts = [Account.generated(n) for n in range(1, 101)]
        s.write_config(accounts, [ETH, BTC, SOL],
                       [("alpha", [(a.name, "*") for a in accounts], "intents_per_second = 1000", 'when_busy = "wait"')],
                       venue="position_refresh_ms = 10000\nposition_max_age_ms = 30000")  # What one address allows for so many.
        s.start_gateway(limit_s=120)
        intents = []
        # Each account's ETHUSDT goes back and forth; 15 a second leave the address's allowance to two look-ups each.
        for n in range(600):
            account, turn = accounts[n % 100], n // 100
            intents.append(intent(account.name, "ETHUSDT", "short" if turn % 2 else "long", at_ms=n * 66, deadline_ms=10_000))
        s.send("alpha", intents, timeout_s=120)
        s.wait_end("send-alpha-cli", 240)
        events = s.events("alpha")
        ends = collections.Counter(e["intent_id"] for e in terminal_events(events))
        self.assertEqual(len(ends), 600, "every intent has a terminal event")
        self.assertEqual(set(ends.values()), {1}, "exactly one")
        acked = sum(e["event"] == "acked" for e in events)
        reversed_ = sum(e["event"] == "settled" and e["result"] == "reversed" for e in events)
        counters = self.counters()
        self.assertEqual(counters["reversals_executed"], acked)
        self.assertEqual(reversed_, acked)
        self.assertEqual(counters["reversals_repeated"], 0)
        self.assertEqual(counters["throttled"], 0)
        denied = collections.Counter(e.get("deny_reason") for e in events if e["event"] == "denied")
        self.assertEqual(acked + sum(denied.values()), 600)
        self.assertGreaterEqual(acked, 594, f"at the allowed rate nearly all go: {denied}")


class BehindNginx(Scenario):
    def test_a_proxy_that_closes_often_is_never_noticed(self):
        if nginx_program() is None:
            self.skipTest("nginx is not installed")
        s = self.stand
        s.start_venue()
        port = self.start_nginx()
        s.write_config(main_and_hedge(), [ETH], [("alpha", [("main", "*"), ("hedge", "*")], 'reversals_per_position_minute = 200')],
                       venue="max_idle_ms = 1000\nmax_requests = 4\n", port=port)
        s.start_gateway()
        intents = []
        # Twice this between two of one account: what a sanitizer and a busy machine need to settle one is not what is tried here.
        apart_ms = 700 if self.is_sanitized() else 250
        for n in range(100):
            # Bursts and pauses, some longer than the proxy's patience.
            pause = n * apart_ms + (n // 20) * 2500
            account = ("main", "hedge")[n % 2]
            intents.append(intent(account, "ETHUSDT", ("long", "short")[(n // 2) % 2], at_ms=pause, deadline_ms=3000))
        s.send("alpha", intents, timeout_s=60)
        s.wait_end("send-alpha-cli", 180)
        events = s.events("alpha")
        kinds = collections.Counter(e["event"] for e in events)
        self.assertEqual(kinds["unknown"], 0, kinds)
        self.assertEqual(kinds["denied"], 0, [e for e in events if e["event"] == "denied"][:3])
        self.assertEqual(kinds["settled"], 100, kinds)
        self.assertEqual(self.counters()["reversals_executed"], 100)


class BadPeers(Scenario):
    def test_bad_certificates_are_named_and_nothing_is_sent(self):
        for kind, word in (("expired", "expired"), ("self_signed", "self-signed"), ("wrong_host", "host")):
            with self.subTest(certificate=kind):
                with Stand(preset=os.environ.get("BACKHAND_PRESET", "release")) as s:
                    s.start_venue("--certificate", kind)
                    s.write_config([Account("main")], [ETH], [("alpha", [("main", "*")])])
                    s.start_gateway(wait_ready=False)
                    log = s.dir / "gateway.log"
                    wait_for(f"a word about the {kind} certificate",
                             lambda: s.check_alive("gateway") and log.exists() and word in log.read_text().lower().replace("_", "-"), 20)
                    self.assertFalse(s.status().get("ready"))
                    self.assertEqual(s.control("/truth?parts=counters")["counters"]["arrivals"], 0)
                    self.assertEqual(s.stop("gateway"), 0)

    def test_a_venue_that_refuses_connections_is_named_and_tried_again(self):
        self.simple()
        self.stand.stop("venue")
        self.stand.start_gateway(wait_ready=False)
        log = self.stand.dir / "gateway.log"
        wait_for("a word about the refused connection", lambda: log.exists() and "refused" in log.read_text().lower())
        self.stand.start_venue()
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])])
        # The new venue made a new authority; the gateway reads its file at the next start.
        self.stand.stop("gateway")
        self.stand.start_gateway()
        ends = terminal_events(self.one_intent())
        self.assertEqual([e["event"] for e in ends], ["settled"], ends)

    def test_replies_that_are_no_answer_become_unknown_and_are_settled_by_evidence(self):
        for fault in ("oversize_after", "empty_before", "not_json_after", "forbidden_html", "server_error_after", "truncated_after"):
            with self.subTest(fault=fault):
                with Stand(preset=os.environ.get("BACKHAND_PRESET", "release")) as s:
                    s.start_venue(*SHORT_FUSE_VENUE)
                    known = s.control("/faults")
                    self.assertIn(fault, known)
                    s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=SHORT_FUSE)
                    s.start_gateway()
                    s.control("/faults", {"fault": fault})
                    s.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000)])
                    s.wait_end("send-alpha-cli", 60)
                    events = [e for e in s.events("alpha") if e["event"] != "notice"]
                    self.assertIn("unknown", [e["event"] for e in events])
                    end = terminal_events(events)
                    self.assertEqual(len(end), 1, events)
                    executed = s.control("/truth?parts=counters")["counters"]["reversals_executed"]
                    self.assertEqual(end[0].get("result"), "reversed" if executed else "not_executed", events)
                    self.assertEqual(s.stop("gateway"), 0)

    def test_a_unified_account_is_refused_and_the_others_trade(self):
        s = self.stand
        s.start_venue()
        s.write_config([Account("main"), Account("unified")], [ETH], [("alpha", [("main", "*"), ("unified", "*")])])
        s.start_gateway()
        s.send("alpha", [intent("main", "ETHUSDT", "long"), intent("unified", "ETHUSDT", "long")])
        s.wait_end("send-alpha-cli", 60)
        self.assertEqual(sorted(e["event"] for e in terminal_events(s.events("alpha"))), ["denied", "settled"])
        states = {a["name"]: a["state"] for a in s.status()["accounts"]}
        self.assertEqual(states, {"main": "ready", "unified": "refused"})
        self.assertIn("40085", (s.dir / "gateway.log").read_text())

    def test_where_every_account_is_refused_the_start_fails(self):
        s = self.stand
        s.start_venue()
        s.write_config([Account("unified")], [ETH], [("alpha", [("unified", "*")])])
        process = s.start_gateway(wait_ready=False)
        self.assertEqual(process.wait(30), 1)
        self.assertIn("40085", (s.dir / "gateway.log").read_text())
        self.assertIn("unified", (s.dir / "gateway.log").read_text())

    def test_the_page_of_an_edge_is_named(self):
        s = self.stand
        s.start_venue("--fault", json.dumps({"name": "edge", "path": "*", "on_arrival": True, "count": 0, "answer": "forbidden_html"}))
        s.write_config([Account("main")], [ETH], [("alpha", [("main", "*")])])
        s.start_gateway(wait_ready=False)
        wait_for("status to name the page", lambda: "HTTP 403, text/html" in s.status().get("waits_for", ""))
        self.assertIn("HTTP 403, text/html", (s.dir / "gateway.log").read_text())
        s.control("/faults", {"clear": True})
        s.wait_ready(60)


class Evidence(Scenario):
    def test_an_ack_lost_after_execution_is_settled_within_two_seconds(self):
        self.stand.start_venue(*SHORT_FUSE_VENUE)
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=SHORT_FUSE)
        self.stand.start_gateway()
        self.stand.control("/faults", {"fault": "ack_lost_after"})
        events = self.one_intent()
        unknown = next(e for e in events if e["event"] == "unknown")
        settled = next(e for e in events if e["event"] == "settled")
        self.assertEqual(settled["result"], "reversed")
        self.assertLess((settled["published_ns"] - unknown["published_ns"]) / 1e9, 2.0)

    def test_an_ack_lost_before_execution_is_not_executed_once_the_fuse_has_burnt(self):
        self.stand.start_venue(*SHORT_FUSE_VENUE)
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=SHORT_FUSE)
        self.stand.start_gateway()
        self.stand.control("/faults", {"fault": "ack_lost_before"})
        self.stand.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000),
                                  intent("main", "ETHUSDT", "long", at_ms=1500, deadline_ms=1000)])
        self.stand.wait_end("send-alpha-cli", 60)
        ends = {e["intent_id"]: e for e in terminal_events(self.stand.events("alpha"))}
        self.assertEqual(ends[1]["result"], "not_executed")
        self.assertEqual(ends[2].get("deny_reason"), "position_blocked", "nothing is sent for that position in between")
        self.assertEqual(self.counters()["reversals_executed"], 0)
        self.assertEqual(self.counters()["reversal_arrivals"], 1)


    def test_a_position_that_a_stop_has_turned_unseen_is_not_reversed(self):
        s = self.stand
        s.start_venue()
        s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue="position_refresh_ms = 300")
        s.start_gateway()
        reads = "/api/v2/mix/position/all-position"
        s.control("/faults", {"name": "blind", "answer": "server_error", "path": reads, "count": 0})
        # Nobody here expects a size: without an age the gateway would have the venue reverse whatever is held.
        s.control("/positions", {"account": "main", "symbol": "ETHUSDT", "long": "0", "short": "20"})
        time.sleep(1.5)
        ends = terminal_events(self.one_intent())
        self.assertEqual([(e["event"], e.get("deny_reason")) for e in ends], [("denied", "position_stale")], ends)
        self.assertEqual(self.counters()["reversals_executed"], 0)
        s.control("/faults", {"clear": True})
        time.sleep(1.5)
        ends = terminal_events(self.one_intent(lane="seen"))
        self.assertEqual([(e["event"], e.get("deny_reason")) for e in ends], [("denied", "wrong_side")], ends)
        self.assertEqual(self.counters()["reversals_executed"], 0)


class Restart(Scenario):
    def test_a_killed_gateway_settles_what_it_left_and_the_strategy_learns_it(self):
        s = self.stand
        s.start_venue(*SHORT_FUSE_VENUE)
        s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=SHORT_FUSE)
        s.start_gateway()
        s.control("/faults", {"fault": "ack_lost_after"})
        s.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000)], timeout_s=60)
        wait_for("the venue to have executed it", lambda: self.counters()["reversals_executed"] == 1)
        s.stop("gateway", sig=signal.SIGKILL)
        s.start_gateway()
        s.wait_end("send-alpha-cli", 60)
        ends = terminal_events(s.events("alpha"))
        self.assertEqual([e["event"] for e in ends], ["settled"], s.events("alpha"))
        self.assertEqual(ends[0]["result"], "reversed")
        self.assertEqual(self.counters()["reversals_executed"], 1)
        self.assertEqual(s.stop("gateway"), 0)

    def test_halt_survives_a_restart(self):
        s = self.stand
        self.simple()
        s.start_gateway()
        self.assertTrue(s.admin(command="halt", reason="a test")["ok"])
        self.assertEqual(terminal_events(self.one_intent())[0]["deny_reason"], "halted")
        self.assertEqual(s.stop("gateway"), 0)
        s.start_gateway()
        self.assertTrue(s.status()["halted"])
        self.assertEqual(terminal_events(self.one_intent(lane="after"))[0]["deny_reason"], "halted")
        self.assertTrue(s.admin(command="resume")["ok"])
        self.assertEqual(terminal_events(self.one_intent(lane="resumed"))[0]["event"], "settled")

    def test_a_second_gateway_is_refused(self):
        s = self.stand
        self.simple()
        s.start_gateway()
        second = s.spawn("second", [s.bin / "backhandd", "--config", s.config_path])
        self.assertEqual(second.wait(20), 1)
        self.assertIn("another gateway", (s.dir / "second.log").read_text())
        self.assertEqual([e["event"] for e in terminal_events(self.one_intent())], ["settled"])


class Identity(Scenario):
    """Who this gateway is: one for each key and UID, with names that no other start has given."""

    def refused(self, name, config):
        second = self.stand.spawn(name, [self.stand.bin / "backhandd", "--config", config])
        self.assertEqual(second.wait(30), 1, tail(self.stand.dir / f"{name}.log"))
        return (self.stand.dir / f"{name}.log").read_text()

    def test_a_copied_state_directory_with_another_hot_directory_is_refused(self):
        s = self.stand
        self.simple()
        s.start_gateway()
        shutil.copytree(s.dir / "state", s.dir / "copy")
        shutil.rmtree(s.hot)
        s.hot.mkdir(mode=0o700)
        (s.dir / "run2").mkdir(mode=0o700)
        (s.dir / "hot2").mkdir(mode=0o700)
        text = s.config_path.read_text().replace(f"{s.dir}/state", f"{s.dir}/copy").replace(f"{s.dir}/run", f"{s.dir}/run2")
        other = s.dir / "other.toml"
        other.write_text(text.replace(str(s.hot), f"{s.dir}/hot2"))
        self.assertIn('another gateway on this host is using the API key of account "main"', self.refused("copy", other))
        # Nor does it help to remove the lock in the state directory of the one that runs.
        (s.dir / "state" / "lock").unlink()
        self.assertIn("another gateway is running with the state directory", self.refused("same", s.config_path))

    def test_two_keys_of_one_uid_are_refused_by_name(self):
        s = self.stand
        scenario = {"accounts": [{"name": name, "uid": "4711", "positions": [{"symbol": "ETHUSDT", "long": "20"}]}
                                 for name in ("main", "again")]}
        (s.dir / "scenario.json").write_text(json.dumps(scenario))
        for style in ("text", "number"):
            s.start_venue("--scenario", s.dir / "scenario.json", "--set", f"user_id={style}")
            s.write_config([Account("main"), Account("again")], [ETH], [("alpha", [("main", "*"), ("again", "*")])])
            s.start_gateway()
            log = lambda: (s.dir / "gateway.log").read_text()
            wait_for("the refusal", lambda: "its key belongs to the UID of another account" in log())
            self.assertIn("account is another one under a second name", log())
            self.assertRegex(log(), "account (main and account again|again and account main)")
            served = [a["name"] for a in s.status()["accounts"] if a["ready"]]
            self.assertLessEqual(len(served), 1, "never both")
            s.stop("gateway")
            s.stop("venue")

    def test_a_lost_journal_gives_new_names_and_waits_until_the_fuse_of_the_old_ones_has_burnt(self):
        s = self.stand
        s.start_venue(*SHORT_FUSE_VENUE)
        s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=SHORT_FUSE)
        s.start_gateway()
        self.assertEqual(self.one_intent()[-1]["event"], "settled")
        s.stop("gateway", signal.SIGKILL)
        for folder in (s.dir / "state", s.hot):
            shutil.rmtree(folder)
            folder.mkdir(mode=0o700)
        s.start_gateway()
        log = (s.dir / "gateway.log").read_text()
        self.assertIn("the venue shows a reversal of ours that this journal does not know", log)
        s.send("alpha", [intent("main", "ETHUSDT", "short", deadline_ms=2000)], lane="second")
        s.wait_end("send-alpha-second")
        self.assertEqual(s.events("alpha", "second")[-1]["event"], "settled")
        truth = s.control("/truth?parts=counters,reversals")
        self.assertEqual(truth["counters"]["max_executions_of_client_oid"], 1)
        self.assertEqual(len(truth["executed"]["main"]), 2)


class Service(Scenario):
    def test_systemd_hears_ready_only_when_ready_and_then_the_watchdog(self):
        s = self.stand
        self.simple()
        path = str(s.dir / "notify.sock")
        heard = []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(0.2)
            done = threading.Event()

            def listen():
                while not done.is_set():
                    try:
                        heard.append((time.monotonic(), notify.recv(4096).decode()))
                    except TimeoutError:
                        pass

            listener = threading.Thread(target=listen)
            listener.start()
            s.stop("venue")
            environment = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="600000")
            environment.pop("WATCHDOG_PID", None)
            s.start_gateway(wait_ready=False, env=environment)
            wait_for("a STATUS while it waits", lambda: any("STATUS=waits" in text for _, text in heard))
            self.assertFalse(any("READY=1" in text for _, text in heard), "not ready without a venue")
            s.stop("gateway")
            s.start_venue()
            s.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])])
            heard.clear()
            s.start_gateway(env=environment)
            wait_for("READY", lambda: any("READY=1" in text for _, text in heard))
            wait_for("three feedings of the watchdog", lambda: sum("WATCHDOG=1" in text for _, text in heard) >= 3)
            self.assertEqual(s.stop("gateway"), 0)
            wait_for("STOPPING", lambda: any("STOPPING=1" in text for _, text in heard))
            done.set()
            listener.join()

    def test_attach_and_command_line_errors_are_clear(self):
        s = self.stand
        s.start_venue()
        s.write_config([Account("main")], [ETH], [("alpha", [("main", "*")]), ("other", [("main", "*")], "uids = [54321]")])
        s.start_gateway()
        for strategy, word in (("nobody", "nobody"), ("other", "user")):
            run = subprocess.run([s.bin / "backhand-example", s.attach_socket, strategy, "main", "ETHUSDT", "long"],
                                 capture_output=True, text=True, timeout=30)
            self.assertEqual(run.returncode, 2)
            self.assertIn(word, run.stderr)
        run = subprocess.run([s.bin / "backhandd", "--config", s.dir / "missing.toml"], capture_output=True, text=True, timeout=30)
        self.assertEqual(run.returncode, 2)
        self.assertIn("missing.toml", run.stderr)

    def test_no_secret_is_in_log_status_command_line_or_journal(self):
        s = self.stand
        self.simple()
        s.start_gateway()
        self.one_intent()
        secrets = [(s.dir / "secrets" / f"main.{kind}").read_text() for kind in ("key", "secret", "passphrase")]
        places = {"log": (s.dir / "gateway.log").read_bytes(), "status": json.dumps(s.status()).encode(),
                  "command line": pathlib.Path(f"/proc/{s.processes['gateway'].pid}/cmdline").read_bytes()}
        s.stop("gateway")
        for path in (s.dir / "state").rglob("*"):
            if path.is_file():
                places[path.name] = path.read_bytes()
        for place, content in places.items():
            for secret in secrets:
                self.assertNotIn(secret.encode(), content, place)


if __name__ == "__main__":
    unittest.main(verbosity=2)
