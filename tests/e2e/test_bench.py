"""labelcal bench: what it prints, never how fast. It needs no daemon."""
import json
import subprocess

import numpy as np
import pytest

from daemon import LABELCAL
from sanitizers import scaled

NAMES = [f"class {k}" for k in range(19)]
KEYS = ["classes", "height", "width", "out_height", "out_width", "type", "layout", "kind",
        "threads", "certified_share", "read_ms", "argmax_ms", "brute_ms", "certified_ms",
        "fused_ms", "fused_over_read"]


def bench(*arguments):
    return subprocess.run([str(LABELCAL), "bench", "--seconds", "1", *map(str, arguments)],
                          capture_output=True, text=True, timeout=scaled(240))


@pytest.fixture
def recording(tmp_path, rng):
    """Few small frames of two or three likely classes a pixel, as bytes."""
    p = rng.dirichlet(np.full(19, 0.1), (8, 16, 24)).transpose(0, 3, 1, 2)
    np.save(tmp_path / "probs.npy", np.rint(255 * p).astype(np.uint8))
    (tmp_path / "meta.json").write_text(json.dumps({
        "classes": NAMES, "kind": "probabilities", "type": "u8", "layout": "CHW", "fps": 1}))
    return tmp_path


def test_json_has_the_figures_of_each_case_and_they_agree(recording):
    done = bench("--json", "--recording", recording, "--case", "19x128x256/f32", "--threads", 1)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert sorted(value) == ["cases", "cpu", "tier"] and value["cpu"] and value["tier"]
    assert [c["layout"] for c in value["cases"]] == ["CHW", "HWC"]
    for case in value["cases"]:
        assert sorted(case) == sorted(KEYS)
        assert (case["classes"], case["height"], case["width"]) == (19, 128, 256)
        assert (case["out_height"], case["out_width"]) == (128, 256)
        assert (case["type"], case["kind"], case["threads"]) == ("f32", "probabilities", 1)
        assert 0 < case["certified_share"] < 1
        assert all(case[key] > 0 for key in KEYS if key.endswith("_ms"))
        assert case["fused_over_read"] == pytest.approx(case["fused_ms"] / case["read_ms"],
                                                        rel=1e-6)
    shares = [case["certified_share"] for case in value["cases"]]
    assert shares[0] == shares[1]  # the same values in another order


def test_the_table_names_case_threads_and_data(recording):
    done = bench("--recording", recording, "--case", "19x128x256/u8/HWC", "--threads", 2)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["19x128x256/u8/HWC", "2"] in [row[:2] for row in rows]
    assert str(recording) in done.stdout and "\x1b" not in done.stdout


def test_a_recording_that_is_none_or_has_too_many_classes_ends_with_6(recording):
    done = bench("--recording", recording / "nowhere", "--case", "19x128x256/u8")
    assert done.returncode == 6 and "nowhere" in done.stderr and not done.stdout
    np.save(recording / "probs.npy", np.full((1, 66, 4, 4), 4, np.uint8))
    (recording / "meta.json").write_text(json.dumps({
        "classes": [f"class {k}" for k in range(66)], "kind": "probabilities", "type": "u8",
        "layout": "CHW", "fps": 1}))
    done = bench("--recording", recording, "--case", "19x128x256/u8")
    assert done.returncode == 6 and "66 classes" in done.stderr and not done.stdout
