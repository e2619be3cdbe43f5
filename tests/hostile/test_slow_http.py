"""HTTP clients that are slow, greedy, foreign or broken."""
import socket
import time

import pytest

from peers import crowd
from siege import MIB, PATIENCE, besiege, metrics
from sp import wait_until

# libwebsockets' header buffer of a connection, and what an exchange has of its own.
CONNECTION = 32 << 10


class Client:
    """A connection that says what it likes."""

    def __init__(self, running, text=b"", receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", running.port))
        self.say(text)

    def say(self, text):
        try:
            self.socket.sendall(text)
            return True
        except OSError:
            return False

    def answer(self):
        """Everything up to the end of the connection."""
        data = b""
        try:
            while part := self.socket.recv(1 << 16):
                data += part
        except ConnectionError:
            pass
        return data

    def close(self):
        self.socket.close()


def head(running, path="/metrics", method="GET", extra=""):
    return (f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\n{extra}"
            "\r\n").encode()


@pytest.fixture
def running(make_daemon):
    return make_daemon({"http": {"control": True}}, http=True).start()


def unserved(siege, number):
    siege.expect("http_connections_unserved_total", number)


@pytest.mark.slow
def test_slow_heads_and_slow_bodies(running):
    """100 heads that come a byte at a time and 20 bodies that do not come: closed after 10 to 20 s,
    each counted; others are served meanwhile."""
    extra = "X-Labelcal-Token: {}\r\nContent-Length: 1000\r\n"
    with besiege(running, 120 * CONNECTION) as siege, crowd() as clients:
        page = Client(running, head(running, "/"))
        token = page.answer().split(b'labelcal-token" content="')[1][:32].decode()
        page.close()
        for _ in range(20):
            clients.append(Client(running, head(running, "/api/command", "POST",
                                                extra.format(token)) + b"{"))
        slow = [Client(running, b"GET /healthz HTTP/1.1\r\nX-Slow: ") for _ in range(100)]
        clients.extend(slow)
        end = time.monotonic() + PATIENCE
        while any([client.say(b"a") for client in slow]) and time.monotonic() < end:
            time.sleep(1.0)
        unserved(siege, 120)


def test_readers_that_do_not_read(running):
    """100 answers of the page that nobody takes: what the kernel does not hold, the daemon does."""
    with besiege(running, 100 * (CONNECTION + (64 << 10))) as siege, crowd() as clients:
        for _ in range(100):
            clients.append(Client(running, head(running), receive_buffer=1024))
        siege.last()
        for client in clients:
            client.close()
        siege.allow("http_connections_unserved_total")  # the others' answers the kernel holds


def test_too_many_connections(make_daemon):
    """limits.connections silent ones keep the others out, who are closed at once and counted; SP is
    not touched. When they go, HTTP serves again."""
    running = make_daemon({"limits": {"connections": 40}}, http=True).start()
    with besiege(running, 40 * CONNECTION, without=["http"]) as siege, crowd() as clients:
        before = siege.before["http_connections_refused_total", ()]
        held = [Client(running) for _ in range(39)]
        clients.extend(held)
        wait_until(lambda: metrics(running)["http_connections", ()] == 40, PATIENCE)
        held.append(Client(running))
        clients.append(held[-1])
        for _ in range(100):
            clients.append(Client(running, head(running)))
        assert all(client.answer() == b"" for client in clients[40:])
        siege.last(0.5)
        for client in held:
            client.close()
        assert before == 0
        unserved(siege, 40)
        siege.expect("http_connections_refused_total", 100)


def test_foreign_pages_and_names(running):
    """403 for each, on every path, whatever the method."""
    with besiege(running, 1 * MIB) as siege:
        number = 0
        for path in ("/", "/metrics", "/healthz", "/api/status", "/api/command"):
            for wrong in ("Host: evil.example", "Host: 127.0.0.1.evil.example", "Host: ",
                          f"Host: localhost:{running.port}\r\nOrigin: http://evil.example",
                          f"Host: localhost:{running.port}\r\nOrigin: null",
                          f"Host: 127.0.0.1:{running.port}\r\nOrigin: "
                          f"http://localhost:{running.port}"):
                for method in ("GET", "POST"):
                    client = Client(running, f"{method} {path} HTTP/1.1\r\n{wrong}\r\n"
                                             "Content-Length: 0\r\n\r\n".encode())
                    assert client.answer().split(b" ")[1] == b"403", (path, wrong, method)
                    client.close()
                    number += 1
        siege.expect("http_answers_total", number, status="4xx")


def test_oversized_heads_and_bodies(running):
    """A head beyond 8 KiB ends the connection, a body beyond the largest command is 400; neither is
    kept."""
    with besiege(running, 2 * MIB) as siege:
        for size in (9_000, 100_000, 1_000_000):
            for kind in ("GET /{} HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nX: {}\r\n\r\n",
                         "GET / HTTP/1.1\r\nHost: {}\r\n\r\n"):
                for _ in range(10):
                    client = Client(running, kind.format("a" * size).encode())
                    assert b" 200 " not in client.answer()[:20]
                    client.close()
        for _ in range(10):
            client = Client(running, head(running, "/api/command", "POST",
                                          "Content-Length: 99999999\r\n") + b"{" * 100_000)
            assert client.answer().split(b" ")[1:2] in ([b"403"], [b"400"], [])
            client.close()
        # An answer to one who is still sending may be lost with the connection: then it is both.
        keys = ("http_connections_unserved_total", ()), ("http_answers_total",
                                                         (("status", "4xx"),))
        wait_until(lambda: sum(siege.moved().get(key, 0) for key in keys) >= 100, PATIENCE)
        siege.allow("http_connections_unserved_total")
        siege.allow("http_answers_total", status="4xx")
