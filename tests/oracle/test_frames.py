"""Random frames of every type, layout and number of classes against the oracle."""
import numpy as np
import pytest

import compare
import make
import oracle
from conftest import Coefficients

CLASSES = (2, 3, 16, 17, 19, 32, 33, 66, 150, pytest.param(255, marks=pytest.mark.slow), 256,
           pytest.param(1000, marks=pytest.mark.slow))
SHAPES = ((1, 1), (1, 7), (13, 1), (9, 127), (3, 129), (40, 61))
KINDS = [("f32", "probabilities"), ("f16", "probabilities"), ("bf16", "probabilities"),
         ("u8", "probabilities"), ("f32", "logits"), ("f16", "logits"), ("bf16", "logits")]


@pytest.mark.parametrize("classes", CLASSES)
@pytest.mark.parametrize("type_,kind", KINDS)
def test_frames_of_every_type(core, classes, type_, kind):
    rng = np.random.default_rng([classes, len(type_), len(kind)])
    # A pixel of 1000 classes costs a million multiply-adds.
    for number, (H, W) in enumerate(SHAPES if classes <= 256 else SHAPES[:3]):
        layout = ("CHW", "HWC")[number % 2]
        rule = ("euclidean", "kl")[number // 2 % 2]
        x = make.frame(rng, H, W, classes, type_, kind, layout)
        given = Coefficients(core, *make.evidence(rng, classes), rule=rule)
        result, _, _ = compare.check(core, x, type_, kind, layout, given)
        compare.check(core, x, type_, kind, layout, None)
        assert result.calibrated.dtype == (np.uint8 if classes <= 255 else np.uint16)


@pytest.mark.parametrize("type_,kind", KINDS)
def test_layouts_and_alignments_give_the_same_bits(core, type_, kind):
    rng = np.random.default_rng(7)
    x = make.frame(rng, 37, 53, 19, type_, kind, "CHW")
    given = Coefficients(core, *make.evidence(rng, 19))
    first = core.calibrate(x, type_, kind, "CHW", given)
    for layout, offset in (("CHW", 1), ("CHW", 3), ("HWC", 0), ("HWC", 1), ("HWC", 7)):
        y = x if layout == "CHW" else np.ascontiguousarray(np.moveaxis(x, 0, -1))
        other = core.calibrate(y, type_, kind, layout, given, offset=offset)
        same_bits(first, other)


def same_bits(first, other):
    for name in ("calibrated", "argmax", "confidence", "scores"):
        assert getattr(first, name).tobytes() == getattr(other, name).tobytes(), name
    for name in ("S", "w", "n"):
        assert getattr(first.statistics, name).tobytes() == getattr(other.statistics, name).tobytes()
    for name in ("pixels", "voids", "changed", "certified", "input_changed", "input_confidence"):
        assert getattr(first, name) == getattr(other, name), name


@pytest.mark.parametrize("type_,kind", KINDS)
@pytest.mark.parametrize("out_shape", (None, (100, 131)))
def test_certification_changes_no_bit(core, type_, kind, out_shape):
    rng = np.random.default_rng(11)
    for rule in ("euclidean", "kl"):
        x = make.frame(rng, 50, 64, 19, type_, kind)
        given = Coefficients(core, *make.evidence(rng, 19), rule=rule, protect=(3,))
        on = core.calibrate(x, type_, kind, coefficients=given, out_shape=out_shape)
        off = core.calibrate(x, type_, kind, coefficients=given, certify=False,
                             out_shape=out_shape)
        assert 0.02 < on.certified / on.input_pixels < 1
        same_bits(on, off)


def test_unwanted_maps_change_nothing(core):
    rng = np.random.default_rng(13)
    x = make.frame(rng, 20, 30, 19, "u8")
    given = Coefficients(core, *make.evidence(rng, 19))
    full = core.calibrate(x, "u8", coefficients=given)
    bare = core.calibrate(x, "u8", coefficients=given, want=(), statistics=False)
    assert bare.statistics is None
    for name in ("pixels", "voids", "changed", "certified", "input_confidence"):
        assert getattr(full, name) == getattr(bare, name)
    for name in ("calibrated", "argmax", "confidence", "scores"):
        alone = core.calibrate(x, "u8", coefficients=given, want=(name,))
        assert getattr(alone, name).tobytes() == getattr(full, name).tobytes()


def test_masked_pixels_are_labelled_but_not_counted(core):
    rng = np.random.default_rng(17)
    for type_, kind in KINDS:
        x = make.frame(rng, 31, 45, 19, type_, kind)
        mask = (rng.random((31, 45)) < 0.5) * rng.integers(1, 256, size=(31, 45))
        given = Coefficients(core, *make.evidence(rng, 19))
        masked, _, _ = compare.check(core, x, type_, kind, coefficients=given, mask=mask)
        plain = core.calibrate(x, type_, kind, coefficients=given)
        assert masked.calibrated.tobytes() == plain.calibrated.tobytes()
        assert masked.input_confidence == plain.input_confidence
        none = core.calibrate(x, type_, kind, coefficients=given, mask=mask * 0)
        assert none.statistics.pixels == 0 and not none.statistics.S.any()


def test_protected_classes_keep_their_pixels(core):
    rng = np.random.default_rng(19)
    for out_shape in (None, (77, 90)):
        x = make.frame(rng, 40, 45, 19, "f32")
        evidence = make.evidence(rng, 19)
        free = core.calibrate(x, coefficients=Coefficients(core, *evidence), out_shape=out_shape)
        protect = [c for c in range(19) if ((free.argmax == c) & (free.calibrated != c)).any()][:2]
        assert protect, "the frame must relabel something, or nothing is shown"
        given = Coefficients(core, *evidence, protect=protect)
        kept, _, _ = compare.check(core, x, coefficients=given, out_shape=out_shape)
        for c in protect:
            assert (kept.calibrated[kept.argmax == c] == c).all()
        others = ~np.isin(free.argmax, protect)
        if out_shape is None:
            assert (kept.calibrated == free.calibrated)[others].all()
        assert (given.threshold("f32")[protect] == 0).all()


def test_statistics_of_many_bands(core):
    """Larger than one band, so that partial sums are added."""
    rng = np.random.default_rng(23)
    for type_, kind in (("u8", "probabilities"), ("f16", "probabilities"), ("f32", "logits")):
        x = make.frame(rng, 300, 260, 5, type_, kind, "HWC")
        compare.check(core, x, type_, kind, "HWC", Coefficients(core, *make.evidence(rng, 5)))


def test_u8_statistics_are_exact(core):
    rng = np.random.default_rng(29)
    x = make.frame(rng, 200, 180, 19, "u8")
    frame = oracle.Frame(x, "u8")
    got = core.calibrate(x, "u8").statistics
    v = np.moveaxis(x, 0, -1).astype(np.int64)
    top = v.max(axis=-1)
    for c in range(19):
        pick = frame.argmax == c
        S = (top[pick][:, None] * v[pick]).sum(axis=0)
        assert (got.S[c] == S / 65025.0).all() and got.w[c] == top[pick].sum() / 255.0


@pytest.mark.parametrize("rule", ("euclidean", "kl"))
def test_coefficients_are_those_of_the_statistics(core, rule):
    rng = np.random.default_rng(31)
    for C in (2, 19, 256):
        S, w = make.evidence(rng, C)
        given = Coefficients(core, S, w, rule=rule)
        a, b = oracle.coefficients(oracle.prototypes(S, w), rule)
        assert (abs(given.a - a) <= 2.0**-24 * abs(a) + 1e-45).all()
        assert (abs(given.b - b) <= 1e-7 * abs(b)).all()
