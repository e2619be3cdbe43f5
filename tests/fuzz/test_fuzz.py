"""Hostile bytes, a few seconds for each reader. `./run fuzz` does it for longer.

FUZZ_SECONDS is how long each target goes on after it has run every input of the tree.
"""
import os

import pytest

import fuzz
from counts import count

SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))

# Edges that the inputs of the tree reach: a reader that refuses all of them at its door, or a
# target that no longer calls it, reaches far fewer.
LEAST_COVERAGE = {"config": 480, "control": 290, "frame": 630, "framing": 100, "labels": 320,
                  "meta": 70, "npy": 410, "snapshot": 450}


@pytest.fixture(scope="session", autouse=True)
def seeds():
    """Seeds and dictionaries, by the readers' own writers."""
    fuzz.make_seeds()


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_every_known_input_and_some_seconds_of_new_ones_find_nothing(target, tmp_path):
    """Also that the target is alive: it gets as far into the code as it did."""
    run = fuzz.fuzz(target, SECONDS, corpus=tmp_path)
    count("inputs fuzzed", run.inputs)
    count("fuzz crashes", 1 if run.code else 0)
    assert run.code == 0, f"{run.find}\n{run.output[-6000:]}"
    files = sum(len(list(f.iterdir())) for f in fuzz.given(target))
    assert run.inputs > files
    assert run.coverage >= LEAST_COVERAGE[target]


def test_an_input_that_costs_too_much_is_a_find_and_is_kept(tmp_path):
    """The driver sees how a run ended: here by a limit of memory that no input meets."""
    run = fuzz.fuzz("frame", 30, ["-rss_limit_mb=1"], corpus=tmp_path)
    assert run.code != 0
    assert run.find and run.find.exists()
    run.find.unlink()
