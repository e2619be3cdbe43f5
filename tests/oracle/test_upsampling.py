"""Label maps larger than the tensor."""
import numpy as np
import pytest

import compare
import make
import oracle
from conftest import Coefficients

RATIOS = (((1, 1), (1, 2)), ((1, 1), (8, 5)), ((2, 3), (7, 11)), ((7, 9), (7, 18)),
          ((7, 9), (14, 9)), ((9, 13), (18, 26)), ((9, 13), (27, 39)), ((9, 13), (36, 52)),
          ((16, 20), (17, 21)), ((33, 31), (100, 77)), ((45, 60), (180, 240)))
KINDS = [("f32", "probabilities"), ("f16", "logits"), ("bf16", "probabilities"),
         ("u8", "probabilities")]


@pytest.mark.parametrize("shape,out_shape", RATIOS)
@pytest.mark.parametrize("type_,kind", KINDS)
def test_maps_of_every_ratio(core, shape, out_shape, type_, kind):
    rng = np.random.default_rng(shape[0] * out_shape[1])
    for voids in (0.0, 0.05):
        x = make.frame(rng, *shape, 19, type_, kind, voids=voids)
        given = Coefficients(core, *make.evidence(rng, 19))
        result, _, _ = compare.check(core, x, type_, kind, coefficients=given, out_shape=out_shape)
        plain, _, _ = compare.check(core, x, type_, kind, out_shape=out_shape)
        assert plain.argmax.tobytes() == result.argmax.tobytes()


def test_statistics_are_those_of_the_input(core):
    rng = np.random.default_rng(2)
    x = make.frame(rng, 30, 40, 19, "f32")
    small = core.calibrate(x)
    large = core.calibrate(x, out_shape=(123, 171))
    assert small.statistics.S.tobytes() == large.statistics.S.tobytes()
    assert small.input_confidence == large.input_confidence


def test_the_tensors_own_size_is_no_upsampling(core):
    rng = np.random.default_rng(3)
    x = make.frame(rng, 30, 40, 19, "f32")
    given = Coefficients(core, *make.evidence(rng, 19))
    plain = core.calibrate(x, coefficients=given)
    same = core.calibrate(x, coefficients=given, out_shape=(30, 40))
    for name in ("calibrated", "argmax", "confidence", "scores"):
        assert getattr(plain, name).tobytes() == getattr(same, name).tobytes()


def test_cells_of_one_label_keep_it(core):
    """The four-corner rule, of labels and of the argmax."""
    rng = np.random.default_rng(4)
    x = make.frame(rng, 40, 50, 19, "u8", voids=0.03)
    given = Coefficients(core, *make.evidence(rng, 19))
    small = core.calibrate(x, "u8", coefficients=given)
    large = core.calibrate(x, "u8", coefficients=given, out_shape=(160, 200))
    for name in ("calibrated", "argmax"):
        four = oracle.corners(compare.signed(getattr(small, name)), (160, 200))
        agree = (four == four[0]).all(axis=0) & (four[0] != oracle.VOID)
        assert agree.any() and not agree.all()
        assert (compare.signed(getattr(large, name))[agree] == four[0][agree]).all()


def test_a_void_pixel_voids_what_it_weighs_in(core):
    x = np.zeros((2, 3, 3), np.float32)
    x[0] = 1
    x[:, 1, 1] = np.nan
    # By 3, the centre of each input pixel has an output pixel that no other weighs in.
    got = compare.signed(core.calibrate(x, out_shape=(9, 9)).argmax)
    expected = np.zeros((9, 9), int)
    expected[2:7, 2:7] = oracle.VOID
    assert (got == expected).all()
    # Clamped at the border: the pixel is its own neighbour.
    x = np.full((2, 1, 2), 0.5, np.float32)
    x[0, 0, 0] = np.inf
    got = compare.signed(core.calibrate(x, out_shape=(2, 6)).argmax)
    assert (got == [[-1, -1, -1, -1, 0, 0]] * 2).all()
