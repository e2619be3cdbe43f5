"""Fixtures of every suite that drives the real daemon: a private labelcald, and SP clients of two
foreign libraries. A suite's conftest.py takes them all: `from fixtures import *`."""
import contextlib

import numpy as np
import pytest

import daemon as daemon_module
import messages
import sp as sp_module


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: left out by ./run test --quick")


@pytest.fixture
def rng():
    return np.random.default_rng(20240611)


@pytest.fixture(params=sorted(sp_module.LIBRARIES))
def library(request):
    """The foreign SP library of this run of the test."""
    return sp_module.LIBRARIES[request.param]


@pytest.fixture
def make_daemon(request):
    """make_daemon(config=None, http=False, ...) -> a Daemon, not started; ended with the test."""
    made = []

    def make(*arguments, **options):
        made.append(daemon_module.Daemon(*arguments, **options))
        return made[-1]

    yield make
    failed = getattr(request.node, "failed", False)
    with contextlib.ExitStack() as ends:  # each, whatever another's end says
        for one in made:
            if failed and (one.top / "log").exists():
                print(f"--- labelcald's log\n{one.log()}")
            ends.callback(one.close)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    if call.when == "call" and outcome.get_result().failed:
        item.failed = True


class Client:
    """A foreign client: one socket of each kind, dialled when first used."""

    KINDS = {"frames": "push", "calibrate": "req", "labels": "sub", "state": "sub",
             "control": "req"}

    def __init__(self, daemon, library):
        self.daemon, self.library, self.sockets = daemon, library, {}

    def socket(self, name):
        if name not in self.sockets:
            self.sockets[name] = self.library(self.KINDS[name]).dial(self.daemon.url(name))
        return self.sockets[name]

    def subscribe(self, name, topic=b""):
        """Subscribes, and waits until the daemon has the connection."""
        before = self.connections(name)
        self.socket(name).subscribe(topic)
        sp_module.wait_until(lambda: self.connections(name) > before)
        return self

    def connections(self, name):
        """Connections of a socket, as the kernel sees them: no word of the daemon's needed."""
        path = f"{self.daemon.runtime}/{name}"
        with open("/proc/net/unix", encoding="ascii", errors="replace") as table:
            # A connected server end carries the path and state 03.
            return sum(1 for line in table if line.rstrip().endswith(path)
                       and line.split()[5] == "03")

    def send(self, message):
        body = message if isinstance(message, bytes) else messages.pack(message)
        self.socket("frames").send(body)

    def request(self, name, message):
        body = message if isinstance(message, bytes) else messages.pack(message)
        self.socket(name).send(body)
        return messages.unpack(self.socket(name).recv())

    def calibrate(self, message):
        """The labels of a frame; an error message comes back as it is."""
        return self.request("calibrate", message)

    def control(self, command, args=None, **extra):
        """The result map of a command; AssertionError with the error map if it was refused."""
        answer = self.request("control", messages.command(command, args, **extra))
        assert answer["type"] == "result", answer
        return answer["result"]

    def refused(self, command, args=None, **extra):
        """The error map of a command that must be refused."""
        answer = self.request("control", messages.command(command, args, **extra))
        assert answer["type"] == "error", answer
        return answer

    def labels(self):
        """The next labels: (topic, map)."""
        return messages.split(self.socket("labels").recv())

    def event(self, name, seconds=10.0):
        """The next event called `name` on `state`."""
        def one():
            topic, message = messages.split(self.socket("state").recv())
            return message if topic == "event" and message["event"] == name else None
        return sp_module.wait_until(one, seconds)

    def close(self):
        for socket in self.sockets.values():
            socket.close()


@pytest.fixture
def connect(library):
    """connect(daemon) -> a Client over this test's library; closed with the test."""
    made = []

    def make(daemon):
        made.append(Client(daemon, library))
        return made[-1]

    yield make
    for one in made:
        one.close()
