"""Real recordings (shared/streams): the figures of their README, and the float64 reference."""
import importlib.util
import json
import re

import numpy as np
import pytest

import compare
from conftest import Domain, SHARED

# argmax mIoU, accuracy, calibrated mIoU, accuracy, relabelled %
ONLINE = {
    "dusk": (27.5426, 58.1528, 28.0187, 57.5126, 4.135),
    "day": (41.1569, 77.4859, 41.8523, 76.3349, 3.571),
    "dusk_f16": (24.8958, 58.9691, 25.0439, 57.0525, 5.884),
    "dusk_logits": (18.7416, 50.3667, 19.1793, 48.5745, 6.359),
    "dusk[0:62]": (25.8049, 58.6197, 26.1595, 57.8659, 3.960),
    "dusk[62::2]": (29.4243, 58.6248, 29.6203, 57.5786, 5.920),
}
OFFLINE = {
    ("dusk[0:62]", "dusk[62::2]"): (29.4243, 58.6248, 29.9359, 57.9769, 5.148),
    ("day[0:43]", "day[43:86]"): (41.6458, 78.1205, 42.3425, 76.6431, 4.142),
    ("dusk", "day"): (41.1569, 77.4859, 41.9171, 76.9927, 2.484),
}


class Recording:
    def __init__(self, streams, spec):
        name, start, stop, step = re.fullmatch(r"(\w+)(?:\[(\d*):(\d*):?(\d*)\])?", spec).groups()
        folder = streams / name
        self.meta = json.loads((folder / "meta.json").read_text())
        cut = slice(*(int(v) if v else None for v in (start, stop, step)))
        self.probs = np.load(folder / "probs.npy", mmap_mode="r")[cut]
        self.truth = np.load(folder / "labels.npy", mmap_mode="r")[cut]
        self.form = self.meta["type"], self.meta["kind"], self.meta["layout"]
        self.classes = len(self.meta["classes"])


class Score:
    def __init__(self, recording):
        self.C, self.meta = recording.classes, recording.meta
        self.matrix = np.zeros((self.C, self.C + 1), np.int64)

    def add(self, truth, labels):
        use = truth != self.meta["ignore_label"]
        t, p = truth[use].astype(np.int64), np.minimum(labels[use].astype(np.int64), self.C)
        self.matrix += np.bincount(t * (self.C + 1) + p, minlength=self.matrix.size).reshape(
            self.matrix.shape)

    def miou(self):
        hit = np.diag(self.matrix).astype(float)
        union = self.matrix.sum(axis=1) + self.matrix[:, : self.C].sum(axis=0) - hit
        # A class that is neither there nor predicted has no IoU and does not count.
        return 100 * np.mean([hit[k] / union[k] for k in self.meta["evaluate"] if union[k]])

    def accuracy(self):
        return 100 * np.trace(self.matrix) / self.matrix.sum()


def replay(core, recording, domain, commit=True, label=True):
    """argmax mIoU, accuracy, calibrated mIoU, accuracy, relabelled %."""
    plain, calibrated = Score(recording), Score(recording)
    changed = pixels = 0
    for x, truth in zip(recording.probs, recording.truth):
        result = core.calibrate(x, *recording.form, domain.coefficients,
                                out_shape=truth.shape if label else None,
                                want=("calibrated", "argmax") if label else ())
        if commit:
            domain.commit(result.c_statistics)
        if label:
            plain.add(truth, result.argmax)
            calibrated.add(truth, result.calibrated)
        changed += result.changed
        pixels += result.pixels - result.voids
    if label:
        return (plain.miou(), plain.accuracy(), calibrated.miou(), calibrated.accuracy(),
                100 * changed / pixels)
    return None


def figures_agree(got, expected):
    assert np.abs(np.subtract(got, expected))[:4].max() <= 0.01
    assert abs(got[4] - expected[4]) <= 0.001


@pytest.mark.parametrize("spec", ONLINE)
def test_online_figures(core, streams, spec):
    recording = Recording(streams, spec)
    figures_agree(replay(core, recording, Domain(core, recording.classes, forgetting=0)),
                  ONLINE[spec])


@pytest.mark.slow
@pytest.mark.parametrize("adapt,test", OFFLINE)
def test_offline_figures(core, streams, adapt, test):
    first, second = Recording(streams, adapt), Recording(streams, test)
    domain = Domain(core, first.classes, forgetting=0)
    replay(core, first, domain, label=False)
    figures_agree(replay(core, second, domain, commit=False), OFFLINE[adapt, test])


@pytest.fixture(scope="session")
def reference():
    path = SHARED / "reference" / "labelcal_ref.py"
    if not path.exists():
        pytest.skip(f"NOT RUN: no reference at {path}; set LABELCAL_SHARED")
    spec = importlib.util.spec_from_file_location("labelcal_ref", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ("dusk", "day", "dusk_f16", "dusk_logits"))
@pytest.mark.parametrize("rule", ("euclidean", "kl"))
def test_frames_agree_with_the_reference(core, streams, reference, name, rule):
    recording = Recording(streams, f"{name}[0:4]")
    type_, kind, layout = recording.form
    C = recording.classes
    domain, total = Domain(core, C, rule=rule, forgetting=0), reference.Statistics(C)
    for x, truth in zip(recording.probs, recording.truth):
        p = reference.probabilities(np.moveaxis(x, 0, -1), type_, kind)
        ok = reference.valid(p, type_, kind)
        a, b = reference.coefficients(total.prototypes(), rule)
        slack = 4 * C * 2.0**-24 * abs(a).max() * 1.1 + 2.0**-22 * abs(b).max()
        result = core.calibrate(x, type_, kind, layout, domain.coefficients)
        expected, lead = reference.labels(p, ok, a, b)
        assert (result.argmax == np.where(ok, p.argmax(axis=-1), 255)).all()
        assert (result.calibrated == expected)[~ok | (lead > slack)].all()
        part = reference.Statistics.of(p, ok)
        compare.statistics(result.statistics, (part.S, part.w, part.n))
        maps = core.calibrate(x, type_, kind, layout, domain.coefficients, out_shape=truth.shape)
        labels, argmax = reference.label_map(p, ok, a, b, truth.shape)
        q = np.where(ok[..., None], p, 0.0)
        shaped = reference.upsample(q @ a.T + b, truth.shape) if truth.shape != ok.shape else q @ a.T + b
        two = np.sort(shaped, axis=-1)[..., -2:]
        assert (maps.calibrated == labels)[two[..., 1] - two[..., 0] > slack].all()
        assert (maps.argmax == argmax).mean() > 0.99999
        total.add(part)
        domain.commit(result.c_statistics)
    state = domain.statistics
    assert (state.n == total.n).all()
    assert (abs(state.S - total.S) <= 1e-6 * total.S + 1e-9 * total.w[:, None]).all()
