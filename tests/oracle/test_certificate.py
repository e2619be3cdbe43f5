"""The thresholds of certified argmax."""
import ctypes as ct

import numpy as np
import pytest

import make
import oracle
from conftest import Coefficients, F32P, TYPES, pointer_to


def certify(core, a, b, tau):
    a, b = np.ascontiguousarray(a, np.float32), np.ascontiguousarray(b, np.float32)
    t = np.empty(len(b), np.float32)
    core.lib.lcal_certify(len(b), pointer_to(a, F32P), pointer_to(b, F32P), tau,
                          pointer_to(t, F32P))
    slack = core.lib.lcal_slack(len(b), pointer_to(a, F32P), pointer_to(b, F32P), tau)
    a, b = a.astype(float), b.astype(float)
    assert abs(slack - oracle.slack(a, b, tau)) <= 1e-12 * slack
    return t, oracle.thresholds(a, b, tau, slack)


def same(t, expected):
    assert (np.isinf(t) == np.isinf(expected)).all()
    finite = np.isfinite(expected)
    # Rounded up, by no more than a float32 step or two.
    assert (t[finite] >= expected[finite] - 1e-12).all()
    assert (t[finite] - expected[finite] <= 3e-7 * np.maximum(1, expected[finite])).all()


@pytest.mark.parametrize("classes", (2, 3, 9, 19, 66))
@pytest.mark.parametrize("tau", (0.0, 0.01, 0.2, 0.51, 1.5))
def test_thresholds_of_random_coefficients(core, classes, tau):
    rng = np.random.default_rng(classes)
    for scale in (1e-3, 1.0, 30.0):
        a = rng.normal(size=(classes, classes)) * scale
        b = rng.normal(size=classes) * scale / 4
        same(*certify(core, a, b, tau))


def test_thresholds_of_rules(core):
    rng = np.random.default_rng(3)
    for rule in ("euclidean", "kl"):
        for empty in (0.0, 0.5, 1.0):
            given = Coefficients(core, *make.evidence(rng, 19, empty), rule=rule)
            a, b = given.a.astype(float), given.b.astype(float)
            for type_ in TYPES:
                tau = oracle.tolerance(type_, "probabilities", 19, 0.01)
                same(given.threshold(type_), oracle.thresholds(a, b, tau, oracle.slack(a, b, tau)))


def test_equal_or_dominated_classes_are_never_certified(core):
    a = np.eye(4)
    a[3] = a[2]
    t, expected = certify(core, a, np.zeros(4), 0.01)
    same(t, expected)
    assert np.isinf(t[2]) and np.isinf(t[3]) and np.isfinite(t[0])
    t, _ = certify(core, np.eye(3), np.array([0, 0, 5.0]), 0.01)
    assert np.isinf(t[0]) and np.isinf(t[1]) and t[2] == 0


def test_coefficients_that_are_not_finite_certify_nothing(core):
    for bad in (np.inf, -np.inf, np.nan):
        a = np.eye(3, dtype=np.float32)
        a[1, 0] = bad
        b = np.zeros(3, np.float32)
        t = np.empty(3, np.float32)
        core.lib.lcal_certify(3, pointer_to(a, F32P), pointer_to(b, F32P), 0.01, pointer_to(t, F32P))
        assert np.isinf(t[1])


def test_no_certified_pixel_can_lose(core):
    """Hunts for a valid pixel at its threshold that another class would win."""
    rng = np.random.default_rng(5)
    for C in (2, 3, 5, 19):
        for rule in ("euclidean", "kl"):
            given = Coefficients(core, *make.evidence(rng, C), rule=rule)
            a, b, t = given.a.astype(float), given.b.astype(float), given.threshold("f32")
            for c in np.flatnonzero(np.isfinite(t) & (t <= 1.01)):
                for k in range(C):
                    # All the rest on the class where k gains most, at both ends of the sums.
                    worst = min((i for i in range(C) if i != c), key=lambda i: a[c, i] - a[k, i])
                    for total in (0.99, 1.0, 1.01):
                        for m in (t[c], (t[c] + 1.01) / 2):
                            p = np.zeros(C)
                            p[c] = m
                            p[worst] = max(total - m, 0)
                            if p.argmax() == c and abs(p.sum() - 1) <= 0.01:
                                s = a @ p + b
                                assert s.argmax() == c
