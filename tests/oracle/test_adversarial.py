"""Inputs chosen to break: ties, subnormals, edges of the tolerance, what is not a number."""
import itertools

import numpy as np
import pytest

import compare
import make
import oracle
from conftest import Coefficients, TYPES

CLASSES = (2, 3, 16, 17, 19, 32, 33, 66, 150, 255, 256)


def planes(pixels, width=None):
    """(N, C) pixels as a (C, H, W) tensor; the last row repeats the first pixels."""
    pixels = np.asarray(pixels)
    width = width or len(pixels)
    rows = -(-len(pixels) // width)
    full = np.resize(pixels, (rows * width, pixels.shape[1]))
    return np.ascontiguousarray(full.T.reshape(pixels.shape[1], rows, width))


def some_coefficients(core, C, rule="euclidean"):
    return Coefficients(core, *make.evidence(np.random.default_rng(C), C), rule=rule)


@pytest.mark.parametrize("C", CLASSES)
@pytest.mark.parametrize("type_", TYPES)
def test_one_hot_and_uniform_pixels(core, C, type_):
    uniform = np.full((1, C), 1 / C)
    pixels = np.concatenate([np.eye(C), uniform, np.eye(C)[::-1]])
    x = planes(make.cast(pixels, type_), width=37)
    result, frame, _ = compare.check(core, x, type_, coefficients=some_coefficients(core, C))
    # u8 cannot hold 1/C of many classes: its pixel is void, as its sum says.
    assert frame.ok.reshape(-1)[:C].all()
    if type_ != "u8":
        assert result.argmax.reshape(-1)[C] == 0


@pytest.mark.parametrize("type_", TYPES)
def test_ties_go_to_the_lowest_class(core, type_):
    C = 19
    pixels = []
    for i, k in itertools.combinations(range(C), 2):
        p = np.zeros(C)
        p[[i, k]] = 0.5
        pixels.append(p)
    x = planes(make.cast(np.array(pixels), type_), width=10)
    result, _, _ = compare.check(core, x, type_)
    expected = [i for i, _ in itertools.combinations(range(C), 2)]
    assert (result.argmax.reshape(-1)[: len(expected)] == expected).all()
    # Scores that tie: all prototypes equal.
    same = Coefficients(core, np.full((C, C), 1 / C), np.ones(C))
    tied = core.calibrate(x, type_, coefficients=same)
    assert (tied.calibrated == 0).all() and tied.certified == 0


def test_u8_ties_of_the_integers_not_of_their_quotients(core):
    x = np.zeros((3, 1, 2), np.uint8)
    x[:, 0, 0] = (85, 85, 85)
    x[:, 0, 1] = (127, 1, 127)
    result, _, _ = compare.check(core, x, "u8")
    assert (result.argmax == 0).all()


def test_ties_of_logits_are_those_of_the_logits_as_sent(core):
    """Two logits whose exponentials round to the same p are still told apart."""
    x = np.zeros((3, 1, 3), np.float32)
    x[:, 0, 0] = (5, np.nextafter(np.float32(5), np.float32(6)), 0)
    x[:, 0, 1] = (-0.0, 0.0, -1)
    x[:, 0, 2] = (1e-30, 2e-30, 0)
    result, _, _ = compare.check(core, x, "f32", "logits")
    assert (result.argmax == [[1, 0, 1]]).all()


@pytest.mark.parametrize("C", CLASSES)
def test_subnormal_values_are_values_like_others(core, C):
    rng = np.random.default_rng(C)
    for type_, least in (("f32", 2.0**-149), ("f16", 2.0**-24), ("bf16", 2.0**-133)):
        pixels = np.full((40, C), least) * rng.integers(0, 50, size=(40, C))
        pixels[np.arange(40), rng.integers(0, C, size=40)] = 1
        # Only the top class differs in size: the rest are all subnormal.
        result, frame, _ = compare.check(core, planes(make.cast(pixels, type_)), type_,
                                         coefficients=some_coefficients(core, C, "kl"))
        assert frame.ok.all()
        small = frame.p[frame.p < 1e-4]
        assert (small > 0).any()
        if type_ == "f16":
            assert (result.statistics.S[result.statistics.n > 0] > 0).sum() > C


def test_minus_zero_is_zero(core):
    rng = np.random.default_rng(1)
    x = make.frame(rng, 20, 20, 19, "f32", voids=0)
    x[x < 1e-3] = 0
    minus = np.where(x == 0, np.float32(-0.0), x)
    one, other = core.calibrate(x), core.calibrate(minus)
    assert other.input_voids == 0
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.statistics.S.tobytes() == other.statistics.S.tobytes()


@pytest.mark.parametrize("C", (2, 3, 19, 150, 1000))
def test_sums_at_the_edges_of_the_tolerance(core, C):
    """Steps of one unit around 1 - tau and 1 + tau: the float64 sum in class order decides."""
    for type_ in ("f32", "f16", "bf16"):
        tau = oracle.tolerance(type_, "probabilities", C, 0.01)
        pixels = []
        for edge in (1 - tau, 1 + tau):
            base = np.full(C, 0.3 / C)
            base[C // 2] = 0
            base = oracle.values(make.cast(base, type_), type_, "HWC")
            top = make.cast(np.array([edge - base.sum()]), type_)
            for step in range(-6, 7):
                word = top.view({2: np.uint16, 4: np.uint32}[top.itemsize]) + step
                p = base.copy()
                p[C // 2] = oracle.values(word.view(top.dtype), type_, "HWC")[0]
                pixels.append(p)
        x = planes(make.cast(np.array(pixels), type_))
        _, frame, _ = compare.check(core, x, type_)
        assert frame.ok.any() and not frame.ok.all()


@pytest.mark.parametrize("sum_tolerance", (0.0, 0.01, 1 / 255, 2 / 255, 0.5, 1.0, 2.0))
def test_u8_sums_at_the_edges_of_the_tolerance(core, sum_tolerance):
    """Sums of a whole number of 255ths just where the tolerance ends."""
    for C in (2, 3, 4, 10, 19, 51, 255, 510):
        rng = np.random.default_rng(C)
        pixels = []
        for total in range(max(0, 255 - 140), 255 + 140):
            v = rng.multinomial(total, np.ones(C) / C)
            pixels.append(np.minimum(v, 255))
        x = planes(np.array(pixels).astype(np.uint8), width=40)
        compare.check(core, x, "u8", sum_tolerance=sum_tolerance)


@pytest.mark.parametrize("type_", ("f32", "f16", "bf16"))
@pytest.mark.parametrize("kind", ("probabilities", "logits"))
def test_every_bad_value_in_every_place_voids_its_pixel_alone(core, type_, kind):
    C = 17
    bad = [np.nan, np.inf, -np.inf] + ([-1e-3, -6e-8] if kind == "probabilities" else [])
    pixels = []
    for value in bad:
        for place in range(C):
            p = np.full(C, 1 / C)
            p[place] = value
            pixels += [p, np.eye(C)[place]]
    x = planes(make.cast(np.array(pixels), type_), width=131)
    result, frame, _ = compare.check(core, x, type_, kind, coefficients=some_coefficients(core, C))
    assert (frame.ok.reshape(-1)[: len(pixels)] == ([False, True] * (len(pixels) // 2))).all()
    assert np.isfinite(result.statistics.S).all()


@pytest.mark.parametrize("C", (2, 8, 9, 19, 256))
def test_extreme_logits(core, C):
    rng = np.random.default_rng(C)
    for type_ in ("f32", "bf16"):
        rows = [np.full(C, 3e38), np.full(C, -3e38), np.zeros(C)]
        for scale in (1e-30, 1e-3, 1, 20, 88, 104, 1000, 1e38):
            rows.append(rng.uniform(-1, 1, size=C) * scale)
            rows.append(np.where(np.arange(C) == C - 1, scale, -scale))
        x = planes(make.cast(np.array(rows), type_))
        result, frame, _ = compare.check(core, x, type_, "logits",
                                         coefficients=some_coefficients(core, C))
        assert frame.ok.all() and np.isfinite(result.scores).all()


def test_no_valid_pixel_at_all(core):
    for type_, x in (("f32", np.full((19, 8, 9), np.nan, np.float32)),
                     ("u8", np.zeros((19, 8, 9), np.uint8))):
        for out_shape in (None, (20, 20)):
            result, _, _ = compare.check(core, x, type_, coefficients=some_coefficients(core, 19),
                                         out_shape=out_shape)
            assert result.voids == result.pixels and result.input_confidence == 0
            assert (result.calibrated == 255).all() and (result.argmax == 255).all()


@pytest.mark.parametrize("C", (2, 3, 19, 66, 150))
def test_nearly_equal_prototypes(core, C):
    """Prototypes that differ by float32 steps: leads about the slack, certificates far off."""
    rng = np.random.default_rng(C)
    for size in (1e-7, 1e-5, 1e-2):
        mu = np.full((C, C), 1 / C) + rng.uniform(0, size / C, size=(C, C)) + 0.3 * size * np.eye(C)
        for rule in ("euclidean", "kl"):
            given = Coefficients(core, mu, np.ones(C), rule=rule)
            x = make.frame(rng, 12, 40, C, "f32")
            on, _, _ = compare.check(core, x, coefficients=given)
            off = core.calibrate(x, coefficients=given, certify=False)
            assert on.calibrated.tobytes() == off.calibrated.tobytes()


@pytest.mark.parametrize("kind", ("probabilities", "logits"))
@pytest.mark.parametrize("sum_tolerance", (0.0, 0.01, 0.3))
def test_pixels_at_their_threshold(core, kind, sum_tolerance):
    """Confidence one float32 step about t_c, all the rest on the worst rival."""
    rng = np.random.default_rng(9)
    certified = pixel_count = 0
    for C, rule in itertools.product((2, 3, 5, 19), ("euclidean", "kl")):
        given = Coefficients(core, *make.evidence(rng, C), rule=rule, sum_tolerance=sum_tolerance)
        t = given.threshold("f32")
        pixels = []
        for c in np.flatnonzero(np.isfinite(t) & (t > 0.5) & (t < 1)):
            for rival in range(C):
                for step in range(-3, 4):
                    p = np.zeros(C, np.float32)
                    p[rival] = np.float32(1) - t[c]
                    p[c] = (t[c : c + 1].view(np.uint32) + np.uint32(step % 2**32)).view(np.float32)[0]
                    pixels.append(p)
        if not pixels:
            continue
        x = planes(np.array(pixels), width=64)
        if kind == "logits":
            with np.errstate(divide="ignore"):
                x = np.maximum(np.log(x), np.float32(-200))
        on = core.calibrate(x, "f32", kind, coefficients=given, sum_tolerance=sum_tolerance)
        off = core.calibrate(x, "f32", kind, coefficients=given, sum_tolerance=sum_tolerance,
                             certify=False)
        assert on.calibrated.tobytes() == off.calibrated.tobytes()
        certified, pixel_count = certified + on.certified, pixel_count + on.input_pixels
    assert 0 < certified < pixel_count


def test_statistics_beyond_float32_still_give_labels_in_range(core):
    S = np.full((3, 3), 1e300)
    given = Coefficients(core, S, np.array([1e-5, 1.0, 1e300]))
    x = make.frame(np.random.default_rng(1), 10, 10, 3, "f32", voids=0)
    result = core.calibrate(x, coefficients=given)
    assert (result.calibrated < 3).all() and result.certified == 0
