"""The fault proxy against a plain echo server: each fault does what it says, is counted, and hits nobody else."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BACKHAND_BIN", ROOT / "build" / "release" / "bin"))


class Echo:
    """Sends back what it gets, closes when the other side has closed, and remembers how each connection ended."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = []
        self.ends = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        heard = b""
        try:
            while chunk := connection.recv(65536):
                heard += chunk
                connection.sendall(chunk)
            self.ends.append("closed")
        except OSError:
            self.ends.append("reset")
        self.heard.append(heard)
        connection.close()


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.echo = Echo()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        ports = pathlib.Path(folder) / "ports.json"
        self.process = subprocess.Popen([BIN / "backhand-proxy", "--venue-port", str(self.echo.port), "--ports-file", ports,
                                         "--die-with-parent"])
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.addCleanup(self.echo.listener.close)
        while not ports.exists():
            self.assertIsNone(self.process.poll())
            time.sleep(0.01)
        self.ports = json.loads(ports.read_text())

    def control(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports['control_port']}{path}", data=data)
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.loads(reply.read())

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.ports["port"]), timeout=10)
        self.addCleanup(client.close)
        return client

    def exchange(self, client, text):
        client.sendall(text)
        return self.read(client, len(text))

    def read(self, client, size):
        got = b""
        while len(got) < size:
            chunk = client.recv(65536)
            if not chunk:
                break
            got += chunk
        return got

    def wait(self, condition):
        until = time.monotonic() + 10
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        self.assertTrue(condition())

    def test_without_rules_it_changes_nothing(self):
        client = self.connect()
        big = bytes(range(256)) * 4000
        sender = threading.Thread(target=client.sendall, args=(big,))
        sender.start()
        self.assertEqual(self.read(client, len(big)), big)
        sender.join()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"", "the end of the stream passes both ways")
        self.wait(lambda: self.echo.ends == ["closed"])
        self.wait(lambda: self.control("/stats")["connections"] == 0)

    def test_delay_and_slices_keep_the_bytes_and_their_order(self):
        self.control("/rules", {"to_venue": {"delay_ms": 5, "jitter_ms": 10, "tail_ms": 5, "max_delay_ms": 40},
                                "to_gateway": {"slice_bytes": 3, "slice_gap_ms": 0.1}})
        client = self.connect()
        begun = time.monotonic()
        text = bytes(range(256))
        self.assertEqual(self.exchange(client, text), text)
        self.assertGreaterEqual(time.monotonic() - begun, 0.005 + 0.0001 * (len(text) // 3))
        stats = self.control("/stats")
        self.assertGreater(stats["to_venue"]["delayed"], 0)
        self.assertGreater(stats["to_gateway"]["sliced"], 0)

    def test_a_reset_is_seen_by_both_and_by_no_other_connection(self):
        client, other = self.connect(), self.connect()
        self.exchange(client, b"hello")
        self.exchange(other, b"hello")
        self.control("/fire", {"direction": "to_venue", "fault": "reset"})
        client.sendall(b"lost")
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.wait(lambda: self.echo.ends == ["reset"])
        self.assertEqual(self.echo.heard, [b"hello"], "what the reset struck was not delivered")
        self.assertEqual(self.exchange(other, b"alive"), b"alive")
        self.assertEqual(self.control("/stats")["to_venue"]["reset"], 1)

    def test_a_cut_delivers_exactly_so_many_bytes(self):
        client = self.connect()
        self.control("/fire", {"direction": "to_venue", "fault": "cut", "bytes": 4})
        client.sendall(b"0123456789")
        self.wait(lambda: self.echo.heard)
        self.assertEqual(self.echo.heard, [b"0123"])
        self.assertEqual(self.control("/stats")["to_venue"]["cut"], 1)

    def test_a_half_close_ends_one_way_only(self):
        client = self.connect()
        self.control("/fire", {"direction": "to_venue", "fault": "half_close"})
        client.sendall(b"last")
        self.assertEqual(self.read(client, 10), b"last", "the other way lives until the venue closes")
        self.wait(lambda: self.echo.ends == ["closed"])

    def test_a_black_hole_says_nothing_to_anybody(self):
        client = self.connect()
        self.exchange(client, b"hello")
        self.control("/fire", {"direction": "to_gateway", "fault": "black_hole"})
        client.sendall(b"heard, not answered")
        client.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.sendall(b", again")
        with self.assertRaises(TimeoutError):
            client.recv(1)
        self.assertEqual(self.echo.ends, [])
        self.assertEqual(self.control("/stats")["to_gateway"]["black_hole"], 1)

    def test_what_was_on_its_way_still_arrives_after_a_reset(self):
        self.control("/rules", {"to_venue": {"delay_ms": 50}})
        client = self.connect()
        client.sendall(b"in flight")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        time.sleep(0.01)
        client.close()
        self.wait(lambda: self.echo.heard)
        self.assertEqual((self.echo.heard, self.echo.ends), ([b"in flight"], ["reset"]))

    def test_it_refuses_and_resets_by_order_and_tells_nonsense_from_rules(self):
        client = self.connect()
        self.exchange(client, b"hello")
        self.control("/connections", {"action": "refuse"})
        with self.assertRaises(ConnectionError):
            refused = self.connect()
            if not refused.recv(1):
                raise ConnectionError
        self.assertEqual(self.exchange(client, b"alive"), b"alive")
        self.control("/connections", {"action": "reset"})
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.assertEqual(self.control("/stats")["refused"], 1)
        for path, body in (("/rules", {"to_venue": {"resets": 1}}), ("/rules", {"to_venue": {"reset": 2}}), ("/nothing", {}),
                           ("/fire", {"direction": "to_venue", "fault": "none"}), ("/connections", {"action": "bite"})):
            with self.assertRaises(urllib.error.HTTPError) as error:
                self.control(path, body)
            self.assertEqual(error.exception.code, 400)

    def test_chances_strike_about_as_often_as_they_say(self):
        self.control("/rules", {"to_venue": {"reset": 0.25}})
        survived = 0
        for _ in range(200):
            client = self.connect()
            try:
                survived += self.exchange(client, b"x") == b"x"
            except ConnectionResetError:
                pass
            client.close()
        self.assertEqual(self.control("/stats")["to_venue"]["reset"], 200 - survived)
        self.assertTrue(120 <= survived <= 180, survived)


if __name__ == "__main__":
    unittest.main(verbosity=2)
