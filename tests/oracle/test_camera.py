"""The embedded camera's stream, from day into dusk, against the oracle; and its pinned digests."""
import hashlib
import subprocess

import numpy as np
import pytest

import compare
import oracle
from conftest import BUILD, Domain

FRAMES = 4

# Of the tensors (they change with the scene or its classifier, and then all of them do), of the
# label maps at the tensor's size, and at a larger one.
DIGESTS = {
    "tensors": "27cc8b22964697a36202f598175bc8dd",
    "labels": "fee2f8671dc4dba84d8cfcfa1044a2df",
    "upsampled": "e236e681bc0cfaa41596803f68ad8c87",
}


@pytest.fixture(scope="module")
def camera():
    drift = f"day:dusk:{20 * (FRAMES - 1)}"
    sent = subprocess.run([BUILD / "tests" / "oracle" / "camera_frames", drift, str(FRAMES)],
                          check=True, capture_output=True).stdout
    head, body = sent.split(b"\n", 1)
    return np.frombuffer(body, np.uint8).reshape(FRAMES, *map(int, head.split()))


def sha(arrays):
    total = hashlib.sha256()
    for array in arrays:
        total.update(array.tobytes())
    return total.hexdigest()[:32]


def test_frames_agree_with_the_oracle(core, camera):
    C = camera.shape[1]
    domain, S, w = Domain(core, C, forgetting=0), np.zeros((C, C)), np.zeros(C)
    changed = 0
    for number, x in enumerate(camera):
        frame = oracle.Frame(x, "u8")
        a, b = oracle.coefficients(oracle.prototypes(S, w))
        slack = oracle.slack(a, b, frame.tau)
        for out_shape in (None, (300, 700))[: 1 + (number == 2)]:
            expected = oracle.Labels(frame, a, b, out_shape)
            result = core.calibrate(x, "u8", coefficients=domain.coefficients,
                                    out_shape=out_shape)
            argmax, label = compare.signed(result.argmax), compare.signed(result.calibrated)
            sure = expected.argmax_lead > 1e-6
            assert (argmax == expected.argmax)[sure].all()
            assert (label == expected.label)[sure & (expected.lead > slack)].all()
            compare.statistics(result.statistics, frame.statistics())
        changed += result.changed
        more = frame.statistics()
        S, w = S + more[0], w + more[1]
        domain.commit(result.c_statistics)
    assert changed > 0
    assert (abs(domain.statistics.S - S) <= 1e-9 * S).all()


def test_digests(core, camera):
    assert sha(camera) == DIGESTS["tensors"]
    for name, out_shape in (("labels", None), ("upsampled", (300, 700))):
        domain, maps = Domain(core, camera.shape[1], forgetting=0), []
        for x in camera:
            result = core.calibrate(x, "u8", coefficients=domain.coefficients,
                                    out_shape=out_shape)
            maps += [result.calibrated, result.argmax]
            domain.commit(result.c_statistics)
        assert sha(maps) == DIGESTS[name]
