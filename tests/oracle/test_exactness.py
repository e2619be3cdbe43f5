"""docs/method.md, "Exactness", done step by step in Python: the same bits, not near ones."""
from fractions import Fraction
import math

import numpy as np
import pytest

import make
from conftest import Coefficients

F = np.float32
C = 5


def nearest32(x):
    """A Fraction to float32, to nearest even, in one rounding."""
    near = F(float(x))
    around = [np.nextafter(near, F(-np.inf)), near, np.nextafter(near, F(np.inf))]
    return min(around, key=lambda v: (abs(Fraction(float(v)) - x), int(v.view(np.uint32)) & 1))


def fma(a, b, c):
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    return nearest32(exact) if exact else F(0)


def exp32(x):
    if x < F(-87):
        return F(0)
    magic = F(1.5 * 2**23)
    n = fma(x, F(float.fromhex("0x1.715476p+0")), magic) - magic
    r = fma(n, F(-float.fromhex("0x1.63p-1")), x)
    r = fma(n, F(float.fromhex("0x1.bd0106p-13")), r)
    y = F(1.9875691500e-4)
    for term in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1,
                 5.0000001201e-1):
        y = fma(y, r, F(term))
    return (fma(y, r * r, r) + F(1)) * F(2.0 ** float(n))


def softmax(x):
    e = [exp32(F(v - max(x))) for v in x]
    s = 0.0
    for run in range(0, len(e), 8):
        part = F(0)
        for v in e[run:run + 8]:
            part = F(part + v)
        s += float(part)
    q = F(1) / F(s)
    return [F(v * q) for v in e]


def fold(lane):
    lane = list(lane)
    for half in (8, 4, 2, 1):
        for l in range(half):
            lane[l] = F(lane[l] + lane[l + half])
    return float(lane[0])


def best(values):
    k = 0
    for i, v in enumerate(values):
        k = i if v > values[k] else k
    return k


class Spec:
    """One frame of sent values (H, W, C), by the page."""

    def __init__(self, sent, type_, kind, coefficients, mask):
        self.H, self.W, self.C = sent.shape
        rows = sent.reshape(-1, self.C)
        self.a, self.b = coefficients.a, coefficients.b
        self.t = coefficients.threshold("f32" if kind == "logits" else type_)
        self.protect = coefficients.protect
        self.p, self.argmax, self.void = [], [], []
        tau = 0.01 + {"u8": self.C / 510, "f16": 2.0**-10}.get(type_, 0) * (kind != "logits")
        for row in rows:
            finite = bool(np.isfinite(row.astype(np.float64)).all())
            s = 0.0
            for v in row:
                s += float(v) / 255 if type_ == "u8" else float(v)
            ok = finite and (kind == "logits" or (min(row) >= 0 and abs(s - 1) <= tau))
            x = [F(v) + F(0) for v in row] if ok else [F(0)] * self.C
            p = [v / F(255) for v in x] if type_ == "u8" else softmax(x) if kind == "logits" else x
            self.argmax.append(best(row) if ok else -1)
            self.void.append(not ok)
            self.p.append(p if ok else [F(0)] * self.C)
        self.m = [p[c] for p, c in zip(self.p, self.argmax)]
        self.score = [self.scores(p) for p in self.p]
        self.label = [self.decide(c, m, s) for c, m, s in zip(self.argmax, self.m, self.score)]
        self.sum(rows, type_, mask.ravel())

    def scores(self, p):
        out = []
        for k in range(self.C):
            s = F(0)
            for i in range(self.C):
                s = fma(self.a[k, i], p[i], s)
            out.append(F(s + self.b[k]))
        return out

    def decide(self, c, m, s):
        return c if c < 0 or self.protect[c] or m >= self.t[c] else best(s)

    def sum(self, rows, type_, mask):
        self.S, self.w, self.confidence = np.zeros((self.C, self.C)), np.zeros(self.C), 0.0
        if type_ == "u8":
            for j, row in enumerate(rows.astype(int)):
                if self.argmax[j] >= 0:
                    self.confidence += row.max()
                    if mask[j]:
                        self.S[self.argmax[j]] += row.max() * row
                        self.w[self.argmax[j]] += row.max()
            self.S, self.w, self.confidence = self.S / 65025, self.w / 255, self.confidence / 255
            return
        for first in range(0, len(rows), 128):
            tile = range(first, min(first + 128, len(rows)))
            lane = [F(0)] * 16
            for j in tile:
                if self.argmax[j] >= 0:
                    lane[(j - first) % 16] = F(lane[(j - first) % 16] + self.m[j])
            self.confidence += fold(lane)
            for c in range(self.C):
                mine = [j for j in tile if self.argmax[j] == c and mask[j]]
                lane = [F(0)] * 16
                for j in mine:
                    lane[(j - first) % 16] = F(lane[(j - first) % 16] + self.m[j])
                self.w[c] += fold(lane)
                for i in range(self.C):
                    lane = [F(0)] * 16
                    for j in mine:
                        l = (j - first) % 16
                        lane[l] = fma(self.m[j], self.p[j][i], lane[l])
                    self.S[c, i] += fold(lane)

    @staticmethod
    def tap(o, n_in, n_out):
        num = (2 * o + 1) * n_in - n_out
        i, rem = divmod(num, 2 * n_out)
        w1 = F(rem / (2 * n_out))
        clamp = lambda v: min(max(v, 0), n_in - 1)
        return clamp(i), clamp(i if rem == 0 else i + 1), F(1) - w1, w1

    def upsampled(self, y, x, OH, OW):
        """(label, argmax, scores) of an output pixel; -1 where void."""
        y0, y1, wy0, wy1 = self.tap(y, self.H, OH)
        x0, x1, wx0, wx1 = self.tap(x, self.W, OW)
        at = [r * self.W + q for r in (y0, y1) for q in (x0, x1)]
        if any(self.void[j] for j in at):
            return -1, -1, None

        def mix(values):
            v = [[values[j][k] for j in at] for k in range(self.C)]
            top = [fma(wx1, q[1], F(wx0 * q[0])) for q in v]
            low = [fma(wx1, q[3], F(wx0 * q[2])) for q in v]
            return [fma(wy1, b, F(wy0 * a)) for a, b in zip(top, low)]

        agree = lambda values: len({values[j] for j in at}) == 1
        c = self.argmax[at[0]] if agree(self.argmax) else best(mix(self.p))
        scores = mix(self.score)
        if self.protect[c]:
            return c, c, scores
        return (self.label[at[0]] if agree(self.label) else best(scores)), c, scores


@pytest.mark.parametrize("type_,kind", (("f32", "probabilities"), ("f16", "logits"),
                                        ("f16", "probabilities"), ("u8", "probabilities")))
def test_every_step_of_the_page(core, type_, kind):
    rng = np.random.default_rng(43)
    H, W, out = 3, 91, (5, 140)
    x = make.frame(rng, H, W, C, type_, kind, "HWC", voids=0.05)
    mask = rng.random((H, W)) < 0.9
    given = Coefficients(core, *make.evidence(rng, C, empty=0), protect=(1,))
    spec = Spec(x, type_, kind, given, mask)
    got = core.calibrate(x, type_, kind, "HWC", given, mask=mask)
    signed = lambda a: np.where(a == 255, -1, a.astype(int)).ravel()
    assert (signed(got.argmax) == spec.argmax).all()
    assert (signed(got.calibrated) == spec.label).all()
    assert got.changed > 0 and got.voids > 0
    valid = ~np.array(spec.void)
    scores = got.scores.reshape(-1, C)
    assert scores[valid].tobytes() == np.array(spec.score, F)[valid].tobytes()
    confidence = [min(255, math.floor(255.0 * float(m) + 0.5)) if v else 0
                  for m, v in zip(spec.m, valid)]
    assert (got.confidence.ravel() == confidence).all()
    assert got.statistics.S.tobytes() == spec.S.tobytes()
    assert got.statistics.w.tobytes() == spec.w.tobytes()
    assert got.input_confidence == spec.confidence

    large = core.calibrate(x, type_, kind, "HWC", given, out_shape=out)
    label, argmax = signed(large.calibrated), signed(large.argmax)
    scores = large.scores.reshape(-1, C)
    for j in rng.permutation(out[0] * out[1])[:200]:
        expected = spec.upsampled(j // out[1], j % out[1], *out)
        assert (label[j], argmax[j]) == expected[:2]
        if expected[2] is not None:
            assert scores[j].tobytes() == np.array(expected[2], F).tobytes()
