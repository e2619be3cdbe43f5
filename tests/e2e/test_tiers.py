"""Every tier of kernels, layout and number of threads: the same labels and the same statistics, to
the bit, as a client of the daemon sees them."""
import itertools

import numpy as np
import pytest

from messages import frame, random_probabilities

TIERS = ("scalar", "avx2", "avx512", "neon")
LAYOUTS = ("CHW", "HWC")
THREADS = (1, 3)
SHAPE = (150, 211)  # some bands, and tiles that are not whole
MAPS = ("labels", "argmax", "confidence")


def frames():
    """(array CHW, keywords of the message): each type, logits, and maps larger than the tensor."""
    rng = np.random.default_rng(31)
    p = [random_probabilities(rng, height=SHAPE[0], width=SHAPE[1], sharp=s) for s in (3.0, 1.2)]
    logits = rng.normal(size=(19, 40, 52)).astype(np.float32) * 4
    return [(p[0], {}), (p[1], {}), (p[1].astype(np.float16), {}),
            (np.floor(p[0] * 255 + 0.5).astype(np.uint8), {}),
            ((p[1].view(np.uint32) >> 16).astype(np.uint16), {"type_": "bf16"}),
            (logits, {"kind": "logits"}),
            (logits.astype(np.float16), {"kind": "logits", "out_shape": [160, 208]}),
            (p[1], {"out_shape": [200, 300]})]


def run(make_daemon, connect, tier, threads, layout):
    """What the daemon says of the frames: their maps, then the statistics; None without the tier."""
    running = make_daemon({"workers": {"threads": threads},
                           "banks": {"default": {"guards": {"max_void": None,
                                                            "max_changed": None}}}},
                          environment={"LABELCAL_CPU": tier}).start()
    client = connect(running)
    if client.control("status")["tier"] != tier:
        running.stop()
        return None
    said = []
    for seq, (array, extra) in enumerate(frames(), 1):
        pixels = array if layout == "CHW" else np.ascontiguousarray(np.moveaxis(array, 0, -1))
        labels = client.calibrate(frame(pixels, seq=seq, layout=layout, want=list(MAPS[1:]), **extra))
        assert labels["type"] == "labels", labels
        said += [labels[name] for name in MAPS] + [labels["changed"], labels["void"]]
    known = client.control("prototypes", {"bank": "default"})
    said += [known[name] for name in ("sum", "weight", "count", "prototypes", "thresholds")]
    assert running.stop() == 0
    return said


@pytest.mark.slow
def test_every_tier_layout_and_number_of_threads_gives_the_same_bits(make_daemon, connect):
    expected = run(make_daemon, connect, "scalar", 1, "CHW")
    compared = []
    for tier, threads, layout in itertools.product(TIERS, THREADS, LAYOUTS):
        said = run(make_daemon, connect, tier, threads, layout)
        if said is not None:
            assert said == expected, (tier, threads, layout)
            compared.append(tier)
    assert "scalar" in compared
    print("tiers compared:", sorted(set(compared)))
