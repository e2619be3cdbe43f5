"""The published figures: `labelcal replay` on the real recordings (shared/streams/README.md)."""
import fcntl
import json
import os
import pathlib
import subprocess

import pytest

from daemon import BUILD
from adaptation import settings

SHARED = os.environ.get("LABELCAL_SHARED")

# argmax mIoU, accuracy; calibrated mIoU, accuracy: online, predict-first, euclidean, cumulative.
ONLINE = {
    "dusk": (27.5426, 58.1528, 28.0187, 57.5126),
    "day": (41.1569, 77.4859, 41.8523, 76.3349),
    "dusk_f16": (24.8958, 58.9691, 25.0439, 57.0525),
    "dusk_logits": (18.7416, 50.3667, 19.1793, 48.5745),
    "dusk[0:62]": (25.8049, 58.6197, 26.1595, 57.8659),
    "dusk[62::2]": (29.4243, 58.6248, 29.6203, 57.5786),
}


@pytest.fixture(scope="module")
def streams():
    """The recordings, unpacked once below the build directory."""
    if not SHARED:
        pytest.skip("no recordings: ../shared is not there and LABELCAL_SHARED is not set")
    place = BUILD / "streams"
    with open(BUILD / "streams.lock", "w") as lock:  # several test processes share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([str(pathlib.Path(SHARED) / "streams" / "unpack"), str(place)], check=True)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ONLINE))
def test_a_replay_prints_the_published_figures(make_daemon, streams, name):
    running = make_daemon(settings()).start()
    done = running.cli("replay", "--json", str(streams / name), seconds=600)
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    got = (value["argmax"]["miou"], value["argmax"]["accuracy"], value["calibrated"]["miou"],
           value["calibrated"]["accuracy"])
    print(name, got)
    assert got == pytest.approx(ONLINE[name], abs=0.01)
