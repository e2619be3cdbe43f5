"""labelcal replay --streams N: several cameras at once."""
import json
import signal

import pytest

from sp import wait_until
from test_cli import alone, recording, value
from test_replay import domains, library, row, started  # noqa: F401 (library is a fixture)
from adaptation import settings


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("arguments", [("--streams", "0"), ("--streams", "many"),
                                       ("--streams", "257"), ("--streams", "2", "--save", "x"),
                                       ("--streams", "2", "--stream", "n" * 64)])
def test_what_cannot_be_is_a_usage_error(make_daemon, rng, arguments):
    running = make_daemon()
    recording(running.top / "rec", rng)
    done = alone("--runtime-dir", str(running.runtime), "replay", str(running.top / "rec"),
                 *arguments)
    assert done.returncode == 2 and "--s" in done.stderr and not done.stdout


def test_each_camera_scores_as_one_alone_does(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    recording(running.top / "rec", rng)
    one = value(running.cli("replay", "--json", str(running.top / "rec")))
    done = running.cli("replay", "--json", str(running.top / "rec"), "--streams", "3")
    assert done.returncode == 0, done.stderr
    *cameras, both = lines(done.stdout)
    assert [camera["stream"] for camera in cameras] == ["replay-0", "replay-1", "replay-2"]
    for camera in cameras:
        for key in ("frames", "labelled", "missed", "argmax", "calibrated", "relabelled_percent"):
            assert camera[key] == one[key]
    assert (both["streams"], both["frames"], both["labelled"]) == (3, 12, 12)
    assert both["latency_us"]["max"] == max(c["latency_us"]["max"] for c in cameras)
    assert domains(connect(running)) == ["default"]


def test_a_domain_that_is_named_is_taught_by_all_and_the_table_has_a_line_each(make_daemon,
                                                                               connect, rng):
    running = make_daemon(settings()).start()
    recording(running.top / "rec", rng)
    done = running.cli("replay", str(running.top / "rec"), "--streams", "2", "--stream", "cam",
                       "--domain", "mine")
    assert done.returncode == 0, done.stderr
    table = [line.split() for line in done.stdout.splitlines()]
    assert [words[:6] for words in table[1:4]] == [["cam-0", "4", "4", "0", "0", "0"],
                                                   ["cam-1", "4", "4", "0", "0", "0"],
                                                   ["all", "8", "8", "0", "0", "0"]]
    taught, = [d for d in connect(running).control("status")["banks"][0]["domains"]
               if d["name"] == "mine"]
    assert taught["frames"] == 8


def test_what_the_daemon_drops_is_counted_to_the_frame(make_daemon, rng):
    running = make_daemon({"workers": {"threads": 1}},
                          environment={"LABELCAL_CPU": "scalar"}).start()
    recording(running.top / "rec", rng)
    done = running.cli("replay", "--json", str(running.top / "rec"), "--streams", "3", "--rate",
                       "max", "--loop", "100")
    assert done.returncode == 0, done.stderr
    *cameras, both = lines(done.stdout)
    for camera in cameras:
        assert camera["frames"] == 400
        # What was labelled but not seen came while the subscriber was behind.
        assert camera["dropped"] <= camera["missed"]
        assert (camera["refused"], camera["lost"]) == (0, 0)
    assert both["dropped"] == sum(camera["dropped"] for camera in cameras)
    labelled = {r["name"]: r["labelled"] for r in
                json.loads(running.cli("streams", "--json").stdout)["streams"]}
    assert all(labelled[c["stream"]] + c["dropped"] == 400 for c in cameras)


def test_a_refusal_of_one_is_told_and_the_others_results_are_printed(make_daemon, rng):
    running = make_daemon({"banks": {"small": {"domains": 1}},
                           "streams": {"replay-0": {"bank": "small"}}}).start()
    recording(running.top / "rec", rng)
    done = running.cli("replay", "--json", str(running.top / "rec"), "--streams", "2")
    assert done.returncode == 4 and "too_many_domains" in done.stderr
    *cameras, both = lines(done.stdout)
    assert [camera["labelled"] for camera in cameras] == [0, 4]
    assert both["labelled"] == 4


def test_an_interrupt_ends_all_of_them(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    recording(running.top / "rec", rng)
    replay = started(running, str(running.top / "rec"), "--streams", "3", "--rate", "1", "--loop",
                     "100000")
    wait_until(lambda: all((row(client, f"replay-{i}") or {"labelled": 0})["labelled"] > 0
                           for i in range(3)))
    replay.send_signal(signal.SIGINT)
    out, err = replay.communicate(timeout=30)
    assert replay.returncode == 0, err
    assert all(result["labelled"] > 0 for result in lines(out))
    assert domains(client) == ["default"]
