"""Honest clients of a daemon under attack, in a process of their own: a camera and a subscriber of
its labels, one that calibrates, one that commands, one that reads HTTP, and one that comes anew
each time. Prints `ready` when each was served once; goes on until its stdin ends; then prints what
each asked, what was answered and the worst wait, as JSON.

    honest.py RUNTIME HTTP [KIND ...]

HTTP is an address or `off`; KIND leaves that client out (`newcomers`, `http`).
"""
import json
import pathlib
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

import numpy as np  # noqa: E402

import messages  # noqa: E402
import sp  # noqa: E402

PATIENCE = 60.0  # a request that waits longer is lost
PIXELS = messages.random_probabilities(np.random.default_rng(7), height=12, width=16)


class Client(threading.Thread):
    """One honest client; `round` asks once and raises if it was not served."""

    pause = 0.02  # between rounds
    aim = 0.2     # within which a round should end: told, not required

    def __init__(self, runtime, http, ending):
        super().__init__(daemon=True)
        self.runtime, self.http, self.ending = runtime, http, ending
        self.asked = self.answered = 0
        self.late, self.worst, self.fault, self.served = 0, 0.0, None, threading.Event()

    def dial(self, library, kind, name):
        return sp.LIBRARIES[library](kind, timeout=PATIENCE).dial(f"ipc://{self.runtime}/{name}")

    def ask(self, body, type_):
        """The answer; when that is `busy`, asks again, as protocol.md says."""
        end = time.monotonic() + PATIENCE
        while True:
            self.socket.send(body)
            answer = messages.unpack(self.socket.recv())
            if answer["type"] == type_:
                return answer
            assert answer.get("code") == "busy" and time.monotonic() < end, answer
            time.sleep(0.05)

    def open(self):
        """What it needs before its first round."""

    def close(self):
        """The end of its last round."""

    def run(self):
        try:
            self.open()
            while not self.ending.is_set():
                self.asked += 1
                began = time.monotonic()
                self.round()
                self.waited(time.monotonic() - began)
                self.answered += 1
                self.served.set()
                time.sleep(self.pause)
            self.close()
        except Exception as error:  # told in the report: it is what the test looks for
            self.fault = f"{type(error).__name__}: {error}"
            self.served.set()

    def waited(self, seconds):
        self.worst = max(self.worst, seconds)
        self.late += seconds > self.aim

    def report(self):
        return {"asked": self.asked, "answered": self.answered, "late": self.late,
                "worst_ms": self.worst * 1000, "fault": self.fault}


class Camera(Client):
    """Sends frames, and sees the labels of each, in order, none missed."""

    def open(self):
        self.frames = self.dial("nanomsg", "push", "frames")
        self.labels = self.dial("nng", "sub", "labels").subscribe(b"honest\0")
        self.labels.set_timeout(0.2)
        self.seq = 0
        while not self.answered:  # until the subscription has come through
            self.send()
            try:
                self.last = messages.split(self.labels.recv())[1]["seq"]
                self.answered = 1
            except sp.Timeout:
                pass
        self.labels.set_timeout(PATIENCE)
        while self.last != self.seq:
            self.receive()
        self.asked = self.answered = 0

    def send(self):
        self.seq += 1
        self.frames.send(messages.pack(messages.frame(PIXELS, stream="honest", seq=self.seq)))

    def receive(self):
        labels = messages.split(self.labels.recv())[1]
        assert labels["seq"] == self.last + 1 and not labels["missed"], (labels["seq"], self.last)
        self.last = labels["seq"]

    def round(self):
        self.send()
        self.receive()


class Calibrate(Client):
    """Asks for the labels of frames."""

    def open(self):
        self.socket = self.dial("nng", "req", "calibrate")
        self.body = messages.pack(messages.frame(PIXELS, stream="asked", seq=1, adapt=False))

    def round(self):
        self.ask(self.body, "labels")


class Control(Client):
    """Asks for what was learnt."""

    def open(self):
        self.socket = self.dial("nanomsg", "req", "control")

    def round(self):
        self.ask(messages.pack(messages.command("prototypes", {"bank": "default"})), "result")


class State(Client):
    """Sees a status every second."""

    pause = 0.0
    aim = 2.0

    def open(self):
        self.socket = self.dial("nng", "sub", "state").subscribe(b"status\0")

    def round(self):
        self.socket.recv()


class Http(Client):
    """Asks for its health and its figures; each request is a new connection."""

    pause = 0.1

    def round(self):
        for path, word in (("/healthz", b"ok"), ("/metrics", b"labelcal_build_info")):
            with urllib.request.urlopen(self.http + path, timeout=PATIENCE) as answer:
                assert answer.status == 200 and word in answer.read()


class Newcomer(Client):
    """Comes anew each time, asks and leaves."""

    pause = 0.1
    aim = 3.0

    def round(self):
        socket = self.dial("nng", "req", "control")
        try:
            socket.send(messages.pack(messages.command("streams")))
            answer = messages.unpack(socket.recv())
            assert answer["type"] == "result", answer
        finally:
            socket.close()


KINDS = {"frames": Camera, "calibrate": Calibrate, "control": Control, "state": State,
         "http": Http, "newcomers": Newcomer}


def main():
    runtime, http, *without = sys.argv[1:]
    ending = threading.Event()
    clients = {name: kind(runtime, http, ending) for name, kind in KINDS.items()
               if name not in without and (name != "http" or http != "off")}
    for client in clients.values():
        client.start()
    for client in clients.values():
        client.served.wait()
    for client in clients.values():  # what its start cost is no wait under attack
        client.worst, client.late = 0.0, 0
    print("ready", flush=True)
    sys.stdin.read()
    ending.set()
    for client in clients.values():
        client.join()
    print(json.dumps({name: client.report() for name, client in clients.items()}))


if __name__ == "__main__":
    main()
