"""What the daemon may know and say in the scenario: frames, statistics and labels in float64."""
import functools

import numpy as np

import oracle
from messages import label_map, random_probabilities

CLASSES, HEIGHT, WIDTH = 4, 6, 8
LEARNT = (100, 101)       # frames that the state directory knows at the start
VERSION = len(LEARNT)     # and the version that came of them


@functools.lru_cache(None)
def pixels(number):
    """A frame's probabilities."""
    return random_probabilities(np.random.default_rng(7000 + number), CLASSES, HEIGHT, WIDTH, 1.0)


@functools.lru_cache(None)
def frame(number):
    return oracle.Frame(pixels(number))


@functools.lru_cache(None)
def statistics(numbers):
    """S, w, n of the frames, learnt in this order."""
    S, w, n = np.zeros((CLASSES, CLASSES)), np.zeros(CLASSES), np.zeros(CLASSES, np.uint64)
    for number in numbers:
        s = frame(number).statistics()
        S, w, n = S + s[0], w + s[1], n + s[2]
    return S, w, n


@functools.lru_cache(None)
def _expected(numbers, number):
    S, w, _ = statistics(numbers)
    a, b = oracle.coefficients(oracle.prototypes(S, w))
    labels = oracle.Labels(frame(number), a, b)
    return labels.label, labels.lead > oracle.slack(a, b, frame(number).tau)


def labels_agree(message, numbers, number):
    """Whether a labels message is right for this frame after those."""
    got = label_map(message).astype(int)
    got[got == 255] = oracle.VOID
    label, sure = _expected(numbers, number)
    return bool((got == label)[sure].all())


def known_by(row):
    """(sum, weight, count) of a `prototypes` result or a snapshot's domain, as bytes."""
    return row["sum"], row["weight"], row["count"]


def learnt_agree(row, numbers):
    """Whether these statistics are those of the frames."""
    S, w, n = statistics(numbers)
    return (row["frames"] == len(numbers)
            and np.array_equal(np.frombuffer(row["count"], "<u8"), n)
            and np.allclose(np.frombuffer(row["weight"], "<f8"), w, rtol=1e-6)
            and np.allclose(np.frombuffer(row["sum"], "<f8").reshape(CLASSES, CLASSES), S,
                            rtol=1e-6, atol=1e-9 * w.max()))
