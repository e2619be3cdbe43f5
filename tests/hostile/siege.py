"""An attack on a daemon that honest clients use: what must hold while it lasts and afterwards.

    with besiege(running, MiB) as siege:
        ... attack ...
        siege.expect("connections_closed_total", 200, socket="frames", reason="too_large")

At its end: every honest request was answered, none was lost; the daemon's memory never grew by more
than the bound; each counter of refusals moved by exactly what was expected, the others not at all;
descriptors and memory are back where they were.
"""
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

from counts import count
from sp import wait_until

HONEST = pathlib.Path(__file__).parent / "honest.py"
MIB = 1 << 20
PATIENCE = 60.0

# What malloc and libwebsockets keep for next time, and the daemon's own tables.
SLACK = 16 * MIB

# Blocks of messages that are kept for a second or two (KEEP_BYTES of src/daemon/message.c).
KEPT = 256 * MIB

REFUSALS = ("frames_refused_total", "calibrate_refused_total", "command_errors_total",
            "connections_refused_total", "connections_closed_total",
            "http_connections_refused_total", "http_connections_unserved_total", "overloads_total",
            "listener_restarts_total", "frames_lost_total", "frames_dropped_total")


def is_refusal(name, labels):
    return name in REFUSALS or name == "http_answers_total" and labels != (("status", "2xx"),)


def metrics(running):
    """{(name, labels): value} of /metrics."""
    with urllib.request.urlopen(running.http + "/metrics", timeout=PATIENCE) as answer:
        text = answer.read().decode()
    found = {}
    for name, labels, value in re.findall(r"^labelcal_(\w+)(?:\{(.*)\})? (\S+)$", text, re.M):
        found[name, tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = float(value)
    return found


def memory(running, key):
    """VmRSS, VmHWM … of the daemon in bytes."""
    with open(f"/proc/{running.process.pid}/status", encoding="ascii") as status:
        return int(re.search(rf"^{key}:\s+(\d+) kB", status.read(), re.M).group(1)) * 1024


def descriptors(running):
    return len(os.listdir(f"/proc/{running.process.pid}/fd"))


def cpu_seconds(running):
    with open(f"/proc/{running.process.pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Honest:
    """The process of honest clients (honest.py)."""

    def __init__(self, running, without=()):
        self.process = subprocess.Popen(
            [sys.executable, str(HONEST), str(running.runtime), running.http or "off", *without],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def end(self):
        """What each asked, was answered and waited."""
        report, _ = self.process.communicate(timeout=2 * PATIENCE)
        return json.loads(report)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Siege:
    """What an attack may tell of itself, and what it must not have changed."""

    def __init__(self, running, without):
        self.running, self.expected, self.allowed = running, {}, set()
        Honest(running, without).end()  # once: threads, tables and buffers are there now
        self.descriptors = min(descriptors(running) for _ in range(20))
        self.honest = Honest(running, without)
        self.memory = memory(running, "VmRSS")
        with open(f"/proc/{running.process.pid}/clear_refs", "w", encoding="ascii") as clear:
            clear.write("5")  # VmHWM begins anew
        self.before = metrics(running)

    def expect(self, name, number=1, **labels):
        """Refusals that the attack provoked, and waits until they are counted."""
        key = name, tuple(sorted(labels.items()))
        self.expected[key] = self.expected.get(key, 0) + number
        wait_until(lambda: self.moved().get(key, 0) >= self.expected[key], PATIENCE)

    def allow(self, name, **labels):
        """Refusals of a number that is not the test's to say, up to the end."""
        self.allowed.add((name, tuple(sorted(labels.items()))))

    def moved(self):
        """The counters of refusals that have moved, and by how much."""
        now = metrics(self.running)
        deltas = {key: now[key] - self.before.get(key, 0) for key in now if is_refusal(*key)}
        return {key: delta for key, delta in deltas.items() if delta}

    @staticmethod
    def last(seconds=2.0):
        """The attack stands for a while, with honest clients beside it."""
        time.sleep(seconds)

    def check(self, bound, name):
        self.last(0.5)
        report = self.honest.end()
        worst = memory(self.running, "VmHWM") - self.memory
        waits = []
        for kind, one in report.items():
            assert one["fault"] is None, f"{kind}: {one['fault']}"
            assert one["asked"] == one["answered"] > 0, f"{kind}: {one}"
            count("honest requests answered under attack", one["answered"])
            count("of these later than 200 ms (state 2 s, newcomers 3 s)", one["late"])
            if kind != "state":
                waits.append(f"{kind} {one['worst_ms']:.0f} ms")
        count("honest requests lost under attack", 0)
        moved = self.moved()
        self.expected.update({key: moved[key] for key in self.allowed if key in moved})
        refusals = int(sum(self.expected.values()))
        count("hostile acts refused and counted", refusals)
        print(f"{name}: {refusals} refusals, memory +{worst / MIB:.1f} of {bound / MIB:.0f} MiB; "
              f"worst waits: {', '.join(waits)}")
        assert moved == self.expected
        assert worst <= bound, f"memory grew by {worst / MIB:.1f} MiB"
        with urllib.request.urlopen(self.running.http + "/healthz", timeout=PATIENCE) as answer:
            assert answer.read() == b"ok\n"

    def check_baseline(self):
        """Nothing of the attack is left."""
        running = self.running
        wait_until(lambda: descriptors(running) <= self.descriptors, PATIENCE)
        wait_until(lambda: memory(running, "VmRSS") <= self.memory + SLACK, PATIENCE)
        assert metrics(running)["arriving_bytes", ()] == 0


@contextlib.contextmanager
def besiege(running, bound=0, without=()):
    """An attack that may cost the daemon `bound` bytes of memory besides SLACK. `without`: kinds of
    honest clients that it legitimately keeps out."""
    name = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[-1].split(" ")[0]
    siege = Siege(running, without)
    try:
        yield siege
        siege.check(bound + SLACK, name)
    finally:
        siege.honest.kill()
    siege.check_baseline()
