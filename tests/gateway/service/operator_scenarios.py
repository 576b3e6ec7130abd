"""What an operator can still do while something else stands still: the disk, the log's reader, a crowd at the attach socket."""
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from scenarios import BTC, ETH, SHORT_FUSE, SHORT_FUSE_VENUE, Scenario  # noqa: E402
from stand import Account, intent, wait_for  # noqa: E402

F_SETPIPE_SZ = 1031


class Operator(Scenario):
    def start_on_that_disk(self, **config):
        self.simple(venue=SHORT_FUSE_VENUE, venue_config=SHORT_FUSE, **config)
        self.stand.start_gateway(env=self.stand.disk_environment)

    def simple(self, venue=(), venue_config="", **config):
        self.stand.start_venue(*venue)
        self.stand.write_config([Account("main")], [ETH, BTC], [("alpha", [("main", "*")])], venue=venue_config, **config)

    def denied_as(self, lane):
        return [e.get("deny_reason") for e in self.one_intent(lane=lane) if e["event"] == "denied"]

    def test_the_operator_and_the_watchdog_do_not_wait_for_a_disk_that_hangs(self):
        for durability in ("process", "power"):
            with self.subTest(durability=durability), self.new_stand() as self.stand:
                s = self.stand
                path = str(s.dir / "notify.sock")
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
                    notify.bind(path)
                    notify.setblocking(False)
                    self.simple(gateway=f'durability = "{durability}"')
                    s.start_gateway(env=dict(s.disk_environment, NOTIFY_SOCKET=path, WATCHDOG_USEC="600000"))
                    self.stand.disk("hang")
                    s.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000)], lane="under-way")
                    time.sleep(0.3)
                    while True:
                        try:
                            notify.recv(4096)
                        except BlockingIOError:
                            break
                    self.assertTrue(s.status()["ok"])
                    reply = s.admin(command="halt", reason="the disk hangs")
                    self.assertTrue(reply["ok"], reply)
                    self.assertEqual(reply["recorded"], "journal" if durability == "process" else "hot_dir")
                    self.assertTrue(s.status()["halted"])

                    def fed():
                        try:
                            return b"WATCHDOG=1" in notify.recv(4096)
                        except BlockingIOError:
                            return False

                    wait_for("the watchdog's food", fed)
                self.stand.disk("work")
                s.wait_end("send-alpha-under-way")
                self.assertEqual(self.denied_as("after"), ["halted"])
                self.assertIn(s.stop("gateway"), (0, 3))
                s.start_gateway()
                self.assertTrue(s.status()["halted"], "a halt outlives the restart")
                self.assertEqual(self.denied_as("restarted"), ["halted"])
                self.assertTrue(s.admin(command="resume")["ok"])
                self.assertEqual(s.stop("gateway"), 0)
                s.start_gateway()
                self.assertFalse(s.status()["halted"], "and so does its end")

    def test_a_stop_does_not_wait_for_ever_for_a_disk_that_hangs(self):
        self.start_on_that_disk(gateway="stop_timeout_ms = 500")
        s = self.stand
        self.assertTrue(s.admin(command="halt")["ok"])
        self.stand.disk("hang")
        self.assertTrue(s.admin(command="halt", account="main")["ok"])
        self.assertEqual(s.stop("gateway", limit_s=60), 1)
        self.assertIn("the disk has not answered", (s.dir / "gateway.log").read_text())
        self.stand.disk("work")
        s.start_gateway()
        status = s.status()
        self.assertTrue(status["halted"])
        self.assertTrue(status["accounts"][0]["halted_by_operator"], "the hot segment had it")

    def test_a_halt_after_the_journal_failed_holds(self):
        self.start_on_that_disk()
        s = self.stand
        self.stand.disk("fail")
        s.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000)], lane="fails", timeout_s=3)
        s.wait_end("send-alpha-fails")
        wait_for("the journal's failure", lambda: "journal failed" in (s.dir / "gateway.log").read_text())
        s.send("alpha", [intent("main", "ETHUSDT", "long", deadline_ms=2000)], lane="new", timeout_s=3)
        wait_for("the refusal", lambda: "no new lane can be recorded" in (s.dir / "gateway.log").read_text())
        self.assertNotIn("nonsense", (s.dir / "gateway.log").read_text())
        s.wait_end("send-alpha-new")
        reply = s.admin(command="halt", reason="it smells")
        self.assertEqual((reply["ok"], reply.get("recorded")), (True, "hot_dir"), reply)
        self.stand.disk("work")
        reply = s.admin(command="halt", account="main")
        self.assertEqual((reply["ok"], reply.get("recorded")), (True, "state_dir"), reply)
        s.stop("gateway")
        s.start_gateway()
        status = s.status()
        self.assertTrue(status["halted"], "trading must not go on after a restart")
        self.assertTrue(status["accounts"][0]["halted_by_operator"])
        self.assertEqual(self.denied_as("after"), ["halted"])
        self.assertIn("halted, as it was before the restart", (s.dir / "gateway.log").read_text())
        self.assertEqual(s.stop("gateway"), 0)
        s.start_gateway()
        self.assertTrue(s.status()["halted"], "by now the journal has it")
        self.assertTrue(s.admin(command="resume")["ok"])
        self.assertTrue(s.admin(command="resume", account="main")["ok"])
        s.stop("gateway")
        s.start_gateway()
        self.assertFalse(s.status()["halted"])

    def test_a_log_that_nobody_reads_holds_up_nobody(self):
        s = self.stand
        self.simple(venue_config="backoff_min_ms = 1\nbackoff_max_ms = 2\nhandshakes_per_second = 1000")
        reader, writer = os.pipe()
        fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
        process = subprocess.Popen([s.bin / "backhandd", "--config", s.config_path], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        os.close(writer)
        s.processes["gateway"] = process
        # The configuration alone fills the pipe; each refused attach is a line more.
        wait_for("readiness", lambda: s.status().get("ready"), 30)
        for _ in range(20):
            subprocess.run([s.bin / "backhand", "reverse", "--socket", s.attach_socket, "--strategy", "nobody", "--account", "main",
                            "--symbol", "ETHUSDT", "--product", "USDT-FUTURES", "--position", "long"], capture_output=True)
        self.assertEqual([e["event"] for e in self.one_intent() if e["terminal"]], ["settled"])
        self.assertTrue(s.admin(command="halt")["ok"])
        self.assertEqual(s.stop("gateway", limit_s=20), 0)
        os.close(reader)

    def test_a_crowd_at_the_attach_socket_keeps_nobody_out(self):
        s = self.stand
        self.simple()
        s.start_gateway()
        stop = threading.Event()

        def crowd():
            while not stop.is_set():
                with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                    one.settimeout(1)
                    try:
                        one.connect(str(s.attach_socket))
                    except OSError:
                        pass

        threads = [threading.Thread(target=crowd) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            self.assertEqual([e["event"] for e in self.one_intent() if e["terminal"]], ["settled"])
            self.assertTrue(s.status()["ready"])
            self.assertTrue(s.admin(command="halt")["ok"])
            self.assertEqual(s.stop("gateway", limit_s=30), 0, "SIGTERM is heeded")
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def test_a_hangup_is_no_stop_and_says_so(self):
        self.simple()
        s = self.stand
        process = s.start_gateway()
        process.send_signal(signal.SIGHUP)
        wait_for("a word about it", lambda: "SIGHUP" in (s.dir / "gateway.log").read_text())
        self.assertEqual([e["event"] for e in self.one_intent() if e["terminal"]], ["settled"])
        self.assertEqual(s.stop("gateway"), 0)

    def test_closed_descriptors_get_no_file_of_the_gateway(self):
        s = self.stand
        self.simple()
        process = subprocess.Popen(f"exec {s.bin}/backhandd --config {s.config_path} <&- >&- 2>&-", shell=True)
        s.processes["gateway"] = process
        wait_for("readiness", lambda: s.status().get("ready"), 30)
        for number in "012":
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{number}"), "/dev/null")
        sent = subprocess.run(f"exec {s.bin}/backhand reverse --socket {s.attach_socket} --strategy alpha --account main "
                              "--symbol ETHUSDT --product USDT-FUTURES --position long >&- 2>&-", shell=True)
        self.assertEqual(sent.returncode, 0, "its output must not end up in its attach socket")
        self.assertEqual(s.stop("gateway"), 0)
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen([s.bin / "backhandd", "--config", s.config_path], stdin=subprocess.DEVNULL, stdout=writer, stderr=writer)
        os.close(writer)
        s.processes["gateway"] = process
        wait_for("readiness although nobody reads", lambda: s.status().get("ready"), 30)
        self.assertEqual(s.stop("gateway"), 0)

    def test_a_new_state_directory_is_taken_as_readme_says(self):
        self.simple(venue=SHORT_FUSE_VENUE, venue_config=SHORT_FUSE)
        s = self.stand
        s.start_gateway()
        self.one_intent()
        self.assertEqual(s.stop("gateway"), 0)
        (s.dir / "state").rename(s.dir / "lost")
        (s.dir / "state").mkdir(mode=0o700)
        s.start_gateway()
        self.assertIn("every position is blocked first", (s.dir / "gateway.log").read_text())
        # The venue may still count what the lost journal's gateway sent, so that the first rate slot comes late.
        s.send("alpha", [intent("main", "ETHUSDT", "short", deadline_ms=20_000)], lane="new")
        s.wait_end("send-alpha-new")
        self.assertEqual([e["event"] for e in s.events("alpha", "new") if e["terminal"]], ["settled"])

    def test_the_hot_segment_lies_where_nobody_else_can_reach(self):
        s = self.stand
        os.chmod(s.hot, 0o1777)
        trap = s.hot / f"backhand-{os.geteuid()}"
        trap.symlink_to("/nowhere")
        self.simple()
        s.start_gateway()
        self.assertIn(f"{trap} is not a directory of user", (s.dir / "gateway.log").read_text())
        beside = [p for p in s.hot.iterdir() if p.is_dir() and not p.is_symlink()]
        self.assertEqual(len(beside), 1)
        self.assertEqual(beside[0].stat().st_mode & 0o7777, 0o700)
        self.assertTrue(list(beside[0].glob("*.hot")))
        s.stop("gateway", sig=signal.SIGKILL)
        s.start_gateway()
        self.assertEqual(len([p for p in s.hot.iterdir() if p.is_dir() and not p.is_symlink()]), 1)
        self.assertNotIn("is gone", (s.dir / "gateway.log").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
