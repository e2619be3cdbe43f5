"""Everything at once: cameras, askers, commands, reloads, HTTP and subscribers that come and go,
for a few seconds. What single tests cannot see: two parts of the daemon in the same state at the
same time. Under the sanitizers this is where a race between its threads shows."""
import signal
import threading
import time
import urllib.request

import numpy as np
import pytest

import wire
from messages import command, frame, pack, random_probabilities, split
from sanitizers import scaled
from sp import LIBRARIES, wait_until

SECONDS = 4.0
CAMERAS = {"front": "kept", "left": "fading", "right": "fading", "rear": "recent"}


def settings(rule):
    """Three banks, one for each forgetting mode, and four workers."""
    forgetting = {"kept": {"forgetting": "cumulative"},
                  "fading": {"forgetting": "ema", "half_life": 20},
                  "recent": {"forgetting": "window", "window": 8}}
    return {"workers": {"threads": 4},
            "banks": {"default": {"adaptation": {"rule": rule}},
                      **{name: {"adaptation": {"rule": rule, **one}}
                         for name, one in forgetting.items()}},
            "streams": {"default": {"depth": 2},
                        **{name: {"bank": bank} for name, bank in CAMERAS.items()}},
            "log": {"level": "info"}}


class Crowd:
    """Threads that act until told to end; what one raises is raised by end()."""

    def __init__(self):
        self.ending, self.faults, self.threads = threading.Event(), [], []

    def add(self, act, *arguments, pause=0.0):
        """Starts a thread that calls act(*arguments) again and again."""
        def run():
            try:
                while not self.ending.is_set():
                    act(*arguments)
                    self.ending.wait(pause)
            except Exception as fault:  # told by end()
                self.faults.append(f"{act.__name__}: {fault!r}")
        self.threads.append(threading.Thread(target=run, daemon=True))
        self.threads[-1].start()

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.faults, self.faults
        assert not any(thread.is_alive() for thread in self.threads)


class Camera:
    """Sends numbered frames of its stream, each third one of another size."""

    def __init__(self, running, name, library):
        self.name, self.seq = name, 0
        self.socket = LIBRARIES[library]("push", timeout=20.0).dial(running.url("frames"))
        rng = np.random.default_rng(len(name))
        self.pixels = [random_probabilities(rng, height=h, width=w)
                       for h, w in ((24, 32), (24, 32), (17, 9))]

    def send(self):
        self.seq += 1
        self.socket.send(pack(frame(self.pixels[self.seq % 3], stream=self.name, seq=self.seq)))


def ask(running, name, request, expected):
    """One request over a connection of its own; busy is an answer too."""
    socket = wire.Wire(running.runtime / name, wire.REQ, scaled(20))
    try:
        answer = socket.request(request)
        assert answer["type"] == expected or answer["code"] == "busy", answer
    finally:
        socket.close()


def act_as_operator(running, turn):
    """The next of the operator's commands."""
    bank, stream = ("kept", "fading", "recent")[turn[0] % 3], list(CAMERAS)[turn[0] % 4]
    commands = [("freeze", {"stream": stream}), ("snapshot", None),
                ("prototypes", {"bank": bank}), ("reset", {"bank": bank}), ("status", None),
                ("resume", {"stream": stream}), ("streams", None),
                ("set_rule", {"bank": bank, "rule": "kl"}), ("snapshot", {"bank": bank})]
    name, arguments = commands[turn[0] % len(commands)]
    turn[0] += 1
    ask(running, "control", command(name, arguments), "result")


def subscribe_for_a_while(running, count):
    """A subscriber that comes, reads and checks `count` maps, looks for a status and goes."""
    labels = wire.Wire(running.runtime / "labels", wire.SUB, scaled(20))
    state = wire.Wire(running.runtime / "state", wire.SUB, scaled(20))
    try:
        last = {}
        for _ in range(count):
            topic, message = split(labels.receive())
            name = message["stream"]
            assert topic == name and message["seq"] > last.get(name, 0)
            last[name] = message["seq"]
            assert len(message["labels"]) == message["shape"][0] * message["shape"][1]
        split(state.receive())
    finally:
        labels.close()
        state.close()


def reload(running, turn):
    """The service manager's way: another rule in the file, and SIGHUP."""
    turn[0] += 1
    running.write_config(settings(("euclidean", "kl")[turn[0] % 2]))
    running.process.send_signal(signal.SIGHUP)


def read_http(running):
    for path in ("/healthz", "/metrics", "/api/status", "/"):
        with urllib.request.urlopen(running.http + path, timeout=60) as answer:
            assert answer.status == 200 and answer.read()


@pytest.mark.slow
def test_every_frame_is_accounted_for_when_everything_happens_at_once(make_daemon, connect):
    running = make_daemon(settings("euclidean"), http=True).start()
    cameras = [Camera(running, name, library)
               for name, library in zip(CAMERAS, ("nng", "nanomsg", "nng", "nanomsg"))]
    asked = frame(cameras[0].pixels[0], stream="asked", seq=1, adapt=False)
    crowd, audience = Crowd(), Crowd()
    for camera in cameras:
        crowd.add(camera.send, pause=0.004)
    for count in (1, 30):
        crowd.add(ask, running, "calibrate", asked, "labels", pause=0.01)
        audience.add(subscribe_for_a_while, running, count)
    crowd.add(act_as_operator, running, [0], pause=0.02)
    crowd.add(reload, running, [0], pause=0.1)
    crowd.add(read_http, running, pause=0.02)
    time.sleep(SECONDS)
    audience.end()  # while there is something to see
    crowd.end()
    client = connect(running)

    def settled():
        streams = {one["name"]: one for one in client.control("status")["streams"]}
        return all(streams[c.name]["received"] == c.seq
                   == streams[c.name]["labelled"] + streams[c.name]["dropped"]
                   for c in cameras) and streams
    streams = wait_until(settled, 20)
    for camera in cameras:
        of = streams[camera.name]
        assert of["labelled"] > 0
        assert (of["lost"], of["refused"], of["duplicates"]) == (0, 0, 0), of
        camera.socket.close()
    assert running.stop() == 0
    assert running.start().stop() == 0  # and what it left on disk is whole
