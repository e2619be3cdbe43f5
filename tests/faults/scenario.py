"""The life of a labelcald in which something fails: start, ten frames, questions, a snapshot, a
reload, one more frame, stop. Everything it said and did is kept; verdict.py judges it."""
import http.client
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import uuid

import messages
import model
from daemon import LABELCALD, free_port
from peer import Closed, Peer, Silent
from shimmed import Report, environment

CONFIG = """
model: {name: faulty, classes: 4}
banks:
  default:
    adaptation: {forgetting: cumulative, protect: []}
    guards: {max_void: null, max_changed: null}
streams: {cam: {want: [argmax]}}
workers: {threads: 2}
log: {level: %s}
"""
PAGES = ("/healthz", "/readyz", "/metrics", "/api/status", "/api/prototypes?bank=default", "/")
BY_REQUEST, BY_PUSH = range(1, 9), range(9, 11)
LAST = 11
START_S = 15.0      # bounded waits: a machine under load is slow, a hang is for ever
ANSWER_S = 5.0
LABELS_S = 2.0      # a frame that was pushed may be lost: there is no answer
HOPELESS_S = 0.4    # where everything fails from some call on, silence is no wonder
STOP_S = 20.0
ATTEMPTS = 3


class Life:
    """One run: `fault` happens in it. Read the attributes afterwards."""

    def __init__(self, fault, state=None, trace=None, http=False):
        self.fault, self.trace = fault, trace
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="lf-", dir="/tmp"))
        self.runtime, self.state = self.top / "rt", self.top / "st"
        self.runtime.mkdir()
        self.taught = state is not None
        if state is None:
            self.state.mkdir()
        else:
            shutil.copytree(state, self.state)
        self.config = self.top / "labelcald.yaml"
        self.config.write_text(CONFIG % "info")
        self.port = free_port() if http else None
        self.peers = {}
        self.ready = False          # it took a connection
        self.labels = []            # (frame, labels map), in order
        self.refusals = []          # (what, error map)
        self.losses = []            # (what, sentence): no answer, but an end of the connection
        self.silences = []          # what got no answer at all
        self.given_up = []          # steps that never succeeded
        self.unknown = []           # frames that may or may not have been counted
        self.acknowledged = None    # (generation, statistics) of a snapshot
        self.last = None            # the statistics asked for last
        self.exit = None            # exit status; None: it did not stop
        self.sequence = 0

    # ---- Steps.

    def peer(self, name):
        if name not in self.peers:
            seconds = HOPELESS_S if self.fault.times == 0 else ANSWER_S
            self.peers[name] = Peer(self.runtime, name, seconds)
        return self.peers[name]

    def drop(self, *names):
        for name in list(names):
            if name in self.peers:
                self.peers.pop(name).close()

    def attempt(self, what, names, act):
        """act(), over those connections, until it gives something, at most ATTEMPTS times; None: it never did."""
        if self.hopeless():
            return None
        for turn in range(1 if self.fault.times == 0 else ATTEMPTS + self.fault.times - 1):
            time.sleep(0.05 * turn)  # out of descriptors, libuv turns away who comes meanwhile
            try:
                answer = act()
            except Closed as end:
                self.losses.append((what, str(end)))
                self.drop(*names)
            except Silent as end:
                self.silences.append((what, str(end)))
                self.drop(*names)
            else:
                if not (isinstance(answer, dict) and answer.get("type") == "error"):
                    return answer
                self.refusals.append((what, answer))
        self.given_up.append(what)
        return None

    def hopeless(self):
        """Whether nothing is to be had any more: dead, or silent again and again."""
        return self.process.poll() is not None or (self.fault.times == 0
                                                   and len(self.given_up) >= 3)

    def command(self, name, args=None):
        """A command's result map, or None. Asked again under its id if no answer came: it takes
        effect once. After a refusal under another: the refusal is that id's answer."""
        ids = []

        def ask():
            if len(ids) <= sum(what == name for what, _ in self.refusals) - refused:
                ids.append(str(uuid.uuid4()))
            return self.peer("control").request(messages.command(name, args, ids[-1]))

        refused = sum(what == name for what, _ in self.refusals)
        answer = self.attempt(name, ["control"], ask)
        return answer and answer["result"]

    def calibrate(self, number):
        def ask():
            self.sequence += 1
            self.last = None
            self.unknown.append(number)
            answer = self.peer("calibrate").request(messages.frame(
                model.pixels(number), seq=self.sequence, want=["argmax", "confidence"]))
            self.unknown.pop()  # its fate is known: counted, or refused
            return answer
        answer = self.attempt(f"frame {number}", ["calibrate"], ask)
        if answer:
            self.labels.append((number, answer))

    def push(self, number):
        """A frame by `frames`; its labels come to the subscriber."""
        def send():
            labels = self.peer("labels")
            self.sequence += 1
            self.last = None
            self.unknown.append(number)
            sequence = self.sequence
            self.peer("frames").send(messages.pack(messages.frame(
                model.pixels(number), seq=sequence, want=[])))
            end = time.monotonic() + (HOPELESS_S if self.fault.times == 0 else LABELS_S)
            while time.monotonic() < end:
                _, answer = labels.published(max(0.01, end - time.monotonic()))
                if answer["seq"] == sequence:
                    self.unknown.pop()
                    return answer
            raise Silent("labels")
        answer = self.attempt(f"frame {number}", ["frames", "labels"], send)
        if answer:
            self.labels.append((number, answer))

    def get(self, path):
        """A page by HTTP; what comes must be whole."""
        def ask():
            seconds = HOPELESS_S if self.fault.times == 0 else ANSWER_S
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                body = answer.read()
                return (answer.status, len(body)) if answer.status == 200 else None
            except TimeoutError:
                raise Silent(path) from None
            except (OSError, http.client.HTTPException) as end:
                raise Closed(f"{path}: {end!r}") from None
            finally:
                connection.close()
        self.attempt(f"GET {path}", [], ask)

    def statistics(self):
        answer = self.command("prototypes", {"bank": "default"})
        if answer:
            self.last = answer
        return answer

    def snapshot(self):
        known = self.statistics()
        answer = self.command("snapshot")
        if known and answer:
            self.acknowledged = answer["snapshots"][0]["generation"], known

    # ---- The whole.

    def start(self):
        log = open(self.top / "log", "wb")
        command = [str(LABELCALD), "--config", str(self.config), "--runtime-dir",
                   str(self.runtime), "--state-dir", str(self.state), "--http",
                   f"http://127.0.0.1:{self.port}" if self.port else "off"]
        self.process = subprocess.Popen(
            command, env=environment(self.fault, self.top / "report", self.trace), stderr=log,
            stdin=subprocess.DEVNULL, stdout=log)
        log.close()
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.peer("control")
                self.ready = True
                return
            except Closed:
                time.sleep(0.004)
            except Silent:
                if self.fault.times == 0:
                    return

    def live(self):
        """Everything between start and stop."""
        self.attempt("subscribe", ["labels"], lambda: self.peer("labels"))
        if self.port:
            for path in PAGES:
                self.get(path)
        for number in BY_REQUEST[:2] if self.port else BY_REQUEST:
            self.calibrate(number)
        for number in BY_PUSH:
            self.push(number)
        if self.port:
            for path in PAGES:
                self.get(path)
        for name in ("status", "streams"):
            self.command(name)
        self.snapshot()
        self.command("generations", {"bank": "default"})
        self.config.write_text(CONFIG % "debug")
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGHUP)
        self.command("reload")
        self.calibrate(LAST)
        self.statistics()

    def stop(self):
        self.drop(*self.peers)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.exit = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.report = Report(self.top / "report")
        self.log = (self.top / "log").read_text(errors="replace")

    def run(self):
        self.start()
        if self.ready:
            self.live()
        self.stop()
        return self

    def remove(self):
        shutil.rmtree(self.top, ignore_errors=True)


