"""What the sequences are made of: frames that are valid, frames that are refused, statistics.

Each pixel has one greatest value, so that no argmax is in doubt. Those that are floats are
multiples of 1/8: the float64 oracle makes no rounding error in their sums. Those of u8 have sums
with all their bits, which method.md states exactly; so the order of later additions shows."""
import numpy as np

import messages
import oracle
from sums import Set

CLASSES, HEIGHT, WIDTH = 3, 2, 4
PIXELS = HEIGHT * WIDTH


def _pixel(rng, whole):
    while True:
        parts = rng.permutation(rng.multinomial(whole, [0.5, 0.3, 0.2]))
        if (parts == parts.max()).sum() == 1:
            return parts


class Sample:
    """A frame's tensor as it is sent, and what the oracle makes of it."""

    def __init__(self, rng, void=0, dtype=np.float32, layout="CHW"):
        u8 = dtype == np.uint8
        pixels = np.stack([_pixel(rng, 255 if u8 else 8) for _ in range(PIXELS)])
        pixels = pixels if u8 else pixels / 8
        pixels[:void] = 0 if u8 else np.nan
        hwc = pixels.reshape(HEIGHT, WIDTH, CLASSES).astype(dtype)
        self.array = np.ascontiguousarray(np.moveaxis(hwc, -1, 0) if layout == "CHW" else hwc)
        self.layout, self.void = layout, void
        name = {"float32": "f32", "float16": "f16", "uint8": "u8"}[np.dtype(dtype).name]
        self.oracle = oracle.Frame(self.array, name, layout=layout)
        self.set = self._exact(pixels[void:]) if u8 else Set(*self.oracle.statistics())

    @staticmethod
    def _exact(pixels):
        """method.md, "Sums": integers, divided once."""
        S, w = np.zeros((CLASSES, CLASSES), np.int64), np.zeros(CLASSES, np.int64)
        n = np.zeros(CLASSES, np.uint64)
        for v in pixels.astype(np.int64):
            c = v.argmax()
            S[c], w[c], n[c] = S[c] + v[c] * v, w[c] + v[c], n[c] + np.uint64(1)
        return Set(S / 65025, w / 255, n)


_rng = np.random.default_rng(11)
SAMPLES = [Sample(_rng) for _ in range(2)] + [
    Sample(_rng, dtype=np.uint8), Sample(_rng, dtype=np.uint8, layout="HWC"),
    Sample(_rng, dtype=np.uint8, void=1), Sample(_rng, dtype=np.float16, layout="HWC"),
    Sample(_rng, void=2), Sample(_rng, void=6)]


def _load(rng):
    w = rng.random(CLASSES) * 20
    p = rng.random((CLASSES, CLASSES))
    n = rng.integers(0, 50, CLASSES).astype(np.uint64)
    return Set(p / p.sum(axis=1, keepdims=True) * w[:, None], w, n)


LOADS = [_load(_rng), _load(_rng), Set.empty(CLASSES)]

# How a frame may be wrong: (code of the refusal, its seq can be read, how it is made so).
_wide = np.full((CLASSES + 1, HEIGHT, WIDTH), 0.25, np.float32)
FAULTS = {
    "wrong_classes": ("wrong_classes", True, lambda f: f | {"tensor": {
        **f["tensor"], "shape": list(_wide.shape), "layout": "CHW", "type": "f32",
        "data": _wide.tobytes()}}),
    "no_stamp": ("missing_field", True, lambda f: {k: v for k, v in f.items() if k != "stamp_ns"}),
    "bad_domain": ("bad_field", True, lambda f: f | {"domain": "a/b"}),
    "short": ("bad_tensor", True, lambda f: f | {"tensor": {
        **f["tensor"], "data": f["tensor"]["data"][:-4]}}),
    "huge": ("too_large", True, lambda f: f | {"out_shape": [HEIGHT, 8193]}),
    "ring": ("ring_unknown", True, lambda f: f | {"tensor": {
        **{k: v for k, v in f["tensor"].items() if k != "data"},
        "ring": {"id": 1, "slot": 0, "generation": 2}}}),
    "version": ("unsupported_version", True, lambda f: f | {"v": 2}),
    "no_seq": ("missing_field", False, lambda f: {k: v for k, v in f.items() if k != "seq"}),
    "bad_seq": ("bad_field", False, lambda f: f | {"seq": -1}),
}


def message(sample, stream, seq, stamp, **extra):
    """A frame's map."""
    return messages.frame(sample.array, stream=stream, seq=seq, stamp_ns=stamp,
                          layout=sample.layout, **extra)
