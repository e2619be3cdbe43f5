"""labelcal replay when things do not go well: refused, silent, late, interrupted, gone."""
import contextlib
import json
import signal
import socket
import struct
import subprocess
import threading

import numpy as np
import pytest

from daemon import LABELCAL
from sp import wait_until
from test_cli import recording, scores, value
from adaptation import prototypes, settings


@pytest.fixture(params=["nng"])
def library(request):
    """The client under test is labelcal; one foreign library to look on is enough."""
    import sp
    return sp.LIBRARIES[request.param]


def started(daemon, *arguments):
    return subprocess.Popen([str(LABELCAL), "--runtime-dir", str(daemon.runtime), "replay", "--json",
                             *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def row(client, name="replay"):
    rows = client.control("streams")["streams"]
    return next((r for r in rows if r["name"] == name), None)


def domains(client):
    return [d["name"] for d in client.control("status")["banks"][0]["domains"]]


def test_a_model_of_other_classes_is_named_before_a_frame_is_sent(make_daemon, connect, rng):
    running = make_daemon({**settings(), "model": {"classes": 11}}).start()
    recording(running.top / "rec", rng)
    done = running.cli("replay", str(running.top / "rec"))
    assert done.returncode == 4 and not done.stdout
    for word in ("wrong_classes", "19", "11", "model.classes"):
        assert word in done.stderr
    assert row(connect(running)) is None


@pytest.mark.parametrize("config,code", [
    ({"streams": {"accept_unnamed": False}}, "unknown_stream"),
    ({"limits": {"pixels": 64}}, "too_large"),
    ({"banks": {"default": {"domains": 1}}}, "too_many_domains")])
@pytest.mark.parametrize("rate", [(), ("--rate", "max")])
def test_a_refusal_is_given_its_reason(make_daemon, connect, rng, config, code, rate):
    running = make_daemon(config).start()
    recording(running.top / "rec", rng)
    done = running.cli("replay", "--json", *rate, str(running.top / "rec"))
    assert done.returncode == 4 and code in done.stderr
    result = json.loads(done.stdout)
    assert (result["labelled"], result["missed"]) == (0, result["frames"])
    assert result["argmax"] is None and result["latency_us"]["p50"] is None
    assert domains(connect(running)) == ["default"]


def test_guards_that_trip_are_told(make_daemon, rng):
    running = make_daemon(settings(guards={"min_confidence": 1.0})).start()
    recording(running.top / "rec", rng)
    result = value(running.cli("replay", "--json", str(running.top / "rec")))
    assert result["guards"] == {"min_confidence": 4}
    assert "min_confidence" in running.cli("replay", str(running.top / "rec")).stdout


def test_in_shadow_the_calibrated_map_is_scored_all_the_same(make_daemon, connect, rng):
    running = make_daemon(settings(stream={"mode": "shadow"})).start()
    recording(running.top / "rec", rng)
    shadow = value(running.cli("replay", "--json", str(running.top / "rec")))
    assert shadow["states"] == {"shadow": 4}
    connect(running).control("resume", {"stream": "replay"})
    plain = value(running.cli("replay", "--json", str(running.top / "rec")))
    assert shadow["calibrated"] == plain["calibrated"] != plain["argmax"] == shadow["argmax"]


def test_what_is_saved_is_what_was_scored_and_is_written_over_nothing(make_daemon, rng):
    running = make_daemon(settings()).start()
    probs, truth = recording(running.top / "rec", rng)
    out = running.top / "out"
    arguments = ("replay", "--json", str(running.top / "rec"), "--loop", "2", "--save", str(out))
    result = value(running.cli(*arguments))
    assert result["frames"] == 8
    assert (np.load(out / "argmax.npy") == probs.argmax(axis=1)).all()
    assert np.load(out / "calibrated.npy").shape == truth.shape
    meta = json.loads((out / "meta.json").read_text())
    assert meta["classes"] == [f"class_{i}" for i in range(19)] and meta["void_label"] == 255
    for folder in (out, running.top / "rec"):
        before = {p.name: p.read_bytes() for p in folder.iterdir()}
        assert running.cli(*arguments[:-1], str(folder)).returncode == 2
        assert before == {p.name: p.read_bytes() for p in folder.iterdir()}


def test_an_interrupt_still_prints_and_deletes_the_domain(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    recording(running.top / "rec", rng)
    replay = started(running, str(running.top / "rec"), "--loop", "100000")
    wait_until(lambda: (row(client) or {"labelled": 0})["labelled"] > 5)
    replay.send_signal(signal.SIGINT)
    out, err = replay.communicate(timeout=30)
    assert replay.returncode == 0, err
    result = json.loads(out)
    assert result["frames"] == result["labelled"] > 5
    assert domains(client) == ["default"]


def test_a_daemon_that_goes_away_ends_it_with_3(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    recording(running.top / "rec", rng)
    replay = started(running, str(running.top / "rec"), "--loop", "100000")
    wait_until(lambda: (row(client) or {"labelled": 0})["labelled"] > 5)
    running.kill()
    out, _ = replay.communicate(timeout=60)
    assert replay.returncode == 3
    assert json.loads(out)["labelled"] > 5


class LatePublisher:
    """Stands between labelcal and `labels`: to the subscriber the connection stands at once, the
    daemon sees it when `ready` says so."""

    def __init__(self, daemon, ready):
        self.path, self.target, self.ready = daemon.top / "late", daemon.runtime / "labels", ready
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen()
        threading.Thread(target=self.relay, daemon=True).start()

    def relay(self):
        hello = struct.Struct(">4sHH")  # \0SP\0, protocol, 0
        self.subscriber, _ = self.listener.accept()
        self.subscriber.sendall(hello.pack(b"\0SP\0", 32, 0))
        self.subscriber.recv(hello.size, socket.MSG_WAITALL)
        if not self.ready():
            return
        publisher = socket.socket(socket.AF_UNIX)
        publisher.connect(str(self.target))
        publisher.sendall(hello.pack(b"\0SP\0", 33, 0))
        publisher.recv(hello.size, socket.MSG_WAITALL)
        with contextlib.suppress(BrokenPipeError):  # labelcal is done first
            while data := publisher.recv(65536):
                self.subscriber.sendall(data)


@pytest.mark.slow
def test_first_labels_lost_to_a_late_subscription_do_not_spoil_the_score(make_daemon, connect,
                                                                         rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    probs, truth = recording(running.top / "rec", rng)

    def first_is_labelled():
        wait_until(lambda: (row(client) or {"labelled": 0})["labelled"] > 0)
        return True

    late = LatePublisher(running, first_is_labelled)
    result = value(running.cli("--url", f"labels=ipc://{late.path}", "replay", "--json",
                               str(running.top / "rec")))
    assert (result["frames"], result["labelled"], result["missed"]) == (4, 4, 0)
    direct = value(running.cli("replay", "--json", str(running.top / "rec")))
    assert result["calibrated"] == direct["calibrated"]
    assert result["argmax"]["miou"] == pytest.approx(scores(truth, probs.argmax(axis=1))[0])
    assert domains(client) == ["default"]


@pytest.mark.slow
def test_labels_that_never_come_end_it_with_5(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    recording(running.top / "rec", rng)
    late = LatePublisher(running, lambda: False)
    done = running.cli("--url", f"labels=ipc://{late.path}", "replay", "--json", "--domain", "mine",
                       str(running.top / "rec"))
    assert done.returncode == 5 and "labelcal streams" in done.stderr
    assert json.loads(done.stdout)["missed"] == 3
    assert prototypes(connect(running), "mine")["frames"] == 3
