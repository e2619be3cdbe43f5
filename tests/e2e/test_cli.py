"""labelcal, the command line, against the real daemon: what it prints, JSON, exit codes."""
import json
import re
import subprocess

import msgpack
import numpy as np
import pytest

from daemon import LABELCAL
from messages import frame, random_probabilities
from adaptation import prototypes, settings

SUBCOMMANDS = ["replay", "camera", "status", "streams", "prototypes", "snapshot", "generations",
               "rollback", "freeze", "resume", "shadow", "bypass", "reset", "domain", "set-rule",
               "load", "reload", "inspect", "merge", "bench", "soak"]


@pytest.fixture(params=["nng"])
def library(request):
    """Here the client under test is labelcal itself; one foreign library to prepare is enough."""
    import sp
    return sp.LIBRARIES[request.param]


@pytest.fixture
def taught(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    for _ in range(3):
        client.calibrate(frame(random_probabilities(rng)))
    running.client = client
    return running


def value(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def alone(*arguments):
    return subprocess.run([str(LABELCAL), *arguments], capture_output=True, text=True, timeout=60)


def test_help_lists_every_subcommand_and_each_has_an_example():
    text = alone("--help").stdout
    for name in SUBCOMMANDS:
        assert re.search(rf"^\s+{name}\b", text, re.M), name
        done = alone(name, "--help")
        assert done.returncode == 0 and "xample" in done.stdout, name
        assert f"labelcal {name}" in done.stdout
    assert alone("--version").stdout.startswith("labelcal ")


@pytest.mark.parametrize("arguments", [[], ["explode"], ["status", "--colour"], ["rollback"],
                                       ["merge"], ["inspect"], ["--url", "nonsense", "status"],
                                       ["replay", "x", "--rate", "fast"]])
def test_usage_errors_end_with_2(arguments):
    done = alone(*arguments)
    assert done.returncode == 2 and done.stderr and not done.stdout


def test_a_daemon_that_is_not_there_ends_with_3(make_daemon):
    done = make_daemon().cli("status")
    assert done.returncode == 3 and "labelcald" in done.stderr


def test_what_the_daemon_refuses_ends_with_4(taught):
    done = taught.cli("rollback", "4711")
    assert done.returncode == 4 and "bad_generation" in done.stderr
    assert taught.cli("freeze", "nobody").returncode == 4


def test_options_stand_before_or_after_the_subcommand(taught):
    for arguments in (["--json", "status"], ["status", "--json"],
                      ["--url", f"control={taught.url('control')}", "status", "--json"]):
        assert value(taught.cli(*arguments))["banks"][0]["name"] == "default"


def test_status_and_streams_are_tables_for_people_and_json_for_programs(taught):
    for name in ("status", "streams"):
        text = taught.cli(name)
        assert text.returncode == 0 and "cam" in text.stdout and "\x1b" not in text.stdout
    row, = value(taught.cli("streams", "--json"))["streams"]
    assert (row["name"], row["labelled"]) == ("cam", 3)


def test_prototypes_are_shown_by_name(taught):
    text = taught.cli("prototypes").stdout
    assert "road" in text and "bicycle" in text
    assert value(taught.cli("prototypes", "--json"))["frames"] == 3


def test_snapshot_generations_rollback_inspect(taught, rng):
    written = value(taught.cli("snapshot", "--json"))["snapshots"][0]
    taught.client.calibrate(frame(random_probabilities(rng)))
    rows = value(taught.cli("generations", "--json"))["generations"]
    assert [r["generation"] for r in rows] == [written["generation"]]
    path = taught.state / "default" / f"{written['generation']:012d}.snapshot"
    text = taught.cli("inspect", str(path))
    assert text.returncode == 0 and "road" in text.stdout
    for word in ("entropy", "rival", "threshold"):
        assert word in text.stdout.lower(), word
    assert value(taught.cli("inspect", "--json", str(path)))
    assert taught.cli("rollback", str(written["generation"])).returncode == 0
    assert prototypes(taught.client)["frames"] == 3


def test_modes_domain_rule_reset_and_reload(taught):
    for name, state in (("freeze", "frozen"), ("shadow", "shadow"), ("bypass", "bypass"),
                        ("resume", "calibrated")):
        assert value(taught.cli(name, "--json", "cam"))["streams"] == {"cam": state}
    assert value(taught.cli("domain", "cam", "night", "--json")) == {"previous": "default"}
    assert taught.cli("domain", "--delete", "night").returncode == 0
    assert value(taught.cli("set-rule", "kl", "--json")) == {"previous": "euclidean"}
    assert taught.cli("reset", "--class", "car").returncode == 0
    assert prototypes(taught.client)["count"][13] == 0
    assert taught.cli("reset").returncode == 0
    assert prototypes(taught.client)["frames"] == 0
    assert value(taught.cli("reload", "--json"))["changed"] == []


def test_merge_adds_and_load_brings_it_back(taught, rng):
    value(taught.cli("snapshot", "--json"))
    first, = (taught.state / "default").glob("*.snapshot")
    out = taught.top / "fleet.snapshot"
    done = taught.cli("merge", str(first), str(first), "-o", str(out))
    assert done.returncode == 0, done.stderr
    payload = msgpack.unpackb(out.read_bytes()[24:])
    assert (payload["bank"], payload["generation"]) == ("default", 0)
    now = prototypes(taught.client)
    domain, = payload["domains"]
    assert (np.frombuffer(domain["sum"]).reshape(19, 19) == 2 * now["sum"]).all()
    assert (domain["name"], domain["frames"]) == ("default", 6)
    assert taught.cli("load", str(out)).returncode == 0
    assert (prototypes(taught.client)["sum"] == 2 * now["sum"]).all()


def test_bad_files_end_with_6(taught):
    bad = taught.top / "bad.snapshot"
    bad.write_bytes(b"LCALSNAP" + b"\0" * 50)
    for arguments in (["inspect", str(bad)], ["merge", str(bad), "-o", str(taught.top / "o")],
                      ["load", str(bad)], ["inspect", str(taught.top / "absent")],
                      ["replay", str(taught.top)]):
        done = taught.cli(*arguments)
        assert done.returncode == 6 and done.stderr, arguments
    assert not (taught.top / "o").exists()


def recording(folder, rng, frames=4, height=20, width=30):
    """A recording with labels, written by numpy."""
    folder.mkdir()
    probs = np.stack([random_probabilities(rng, height=height, width=width, sharp=1.0)
                      for _ in range(frames)])
    truth = probs.argmax(axis=1).astype(np.uint8)
    truth[:, ::3] = rng.integers(0, 19, size=truth[:, ::3].shape)
    truth[:, 0, :5] = 255
    np.save(folder / "probs.npy", probs)
    np.save(folder / "labels.npy", truth)
    (folder / "meta.json").write_text(json.dumps({
        "classes": [f"class_{i}" for i in range(19)], "kind": "probabilities", "type": "f32",
        "layout": "CHW", "fps": 10, "model": "default", "source": "random", "ignore_label": 255}))
    return probs, truth


def scores(truth, labels):
    """(mIoU, accuracy) in percent, by numpy alone."""
    sel = truth != 255
    t, y = truth[sel].astype(int), labels[sel].astype(int)
    m = np.bincount(t * 19 + y, minlength=361).reshape(19, 19)
    union = m.sum(0) + m.sum(1) - np.diag(m)
    return (100 * np.nanmean(np.where(union > 0, np.diag(m) / np.maximum(union, 1), np.nan)),
            100 * np.trace(m) / m.sum())


def test_replay_scores_as_numpy_does_and_leaves_no_domain(taught, rng):
    probs, truth = recording(taught.top / "rec", rng)
    done = taught.cli("replay", str(taught.top / "rec"), "--json", "--save",
                      str(taught.top / "out"))
    result = value(done)
    assert result["frames"] == 4
    miou, accuracy = scores(truth, probs.argmax(axis=1))
    assert result["argmax"]["miou"] == pytest.approx(miou, abs=1e-3)
    assert result["argmax"]["accuracy"] == pytest.approx(accuracy, abs=1e-3)
    saved = [np.load(p) for p in sorted((taught.top / "out").glob("*.npy"))]
    assert any(s.shape == (4, 20, 30) for s in saved)
    status = taught.client.control("status")
    assert [d["name"] for d in status["banks"][0]["domains"]] == ["default"]
    assert prototypes(taught.client)["frames"] == 3


def test_replay_for_people_ends_with_both_scores_and_latencies(taught, rng):
    recording(taught.top / "rec", rng)
    done = taught.cli("replay", str(taught.top / "rec") + "[1:3]", "--keep", "--domain", "mine")
    assert done.returncode == 0, done.stderr
    for word in ("mIoU", "accuracy", "argmax", "calibrated", "p99", "class_3"):
        assert word in done.stdout, done.stdout
    assert "\x1b" not in done.stdout and "\r" not in done.stdout
    assert prototypes(taught.client, "mine")["frames"] == 2


def test_replay_at_a_rate_and_in_a_loop(taught, rng):
    recording(taught.top / "rec", rng)
    done = taught.cli("replay", str(taught.top / "rec"), "--rate", "200", "--loop", "2", "--json")
    assert value(done)["frames"] == 8


def test_the_camera_sends_frames_like_any_camera(make_daemon):
    running = make_daemon(settings()).start()
    done = running.cli("camera", "--frames", "4", "--record", str(running.top / "rec"))
    assert done.returncode == 0, done.stderr
    probs = np.load(running.top / "rec" / "probs.npy", mmap_mode="r")
    labels = np.load(running.top / "rec" / "labels.npy")
    assert probs.shape[0] == labels.shape[0] == 4 and labels.shape[1:] == (256, 512)
    assert len(np.unique(labels)) >= 10
    row, = value(running.cli("streams", "--json"))["streams"]
    assert row["labelled"] + row["dropped"] == 4
