"""The method in float64 numpy, plain and slow, written from docs/method.md.

Everything is (H, W, C); `void` is -1 here, whatever the width of a label map."""
import numpy as np

VOID = -1


def values(x, type_, layout):
    """The tensor's values in float64, (H, W, C), from its array as sent (bf16: uint16 bits)."""
    if type_ == "bf16":
        x = (x.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):
        x = x.astype(np.float64)
    return np.moveaxis(x, 0, -1) if layout == "CHW" else x


def tolerance(type_, kind, classes, sum_tolerance):
    if kind == "logits":
        return sum_tolerance
    return sum_tolerance + {"u8": min(classes / 510, 0.5), "bf16": 2.0**-8, "f16": 2.0**-10,
                            "f32": 0.0}[type_]


class Frame:
    """p, argmax, m and validity of one frame."""

    def __init__(self, x, type_="f32", kind="probabilities", layout="CHW", sum_tolerance=0.01):
        sent = values(x, type_, layout)
        self.C = sent.shape[-1]
        self.tau = tolerance(type_, kind, self.C, sum_tolerance)
        finite = np.isfinite(sent).all(axis=-1)
        safe = np.where(finite[..., None], sent, 0.0)
        self.argmax = safe.argmax(axis=-1)      # numpy takes the lowest index of a tie
        if kind == "logits":
            e = np.exp(safe - safe.max(axis=-1, keepdims=True))
            p, self.ok = e / e.sum(axis=-1, keepdims=True), finite
        else:
            p = safe / 255 if type_ == "u8" else safe
            total = np.zeros(p.shape[:-1])
            with np.errstate(over="ignore"):
                for i in range(self.C):         # in class order
                    total = total + p[..., i]
            self.ok = finite & (safe >= 0).all(axis=-1) & (abs(total - 1) <= self.tau)
        self.p = np.where(self.ok[..., None], p, 0.0)
        self.m = np.take_along_axis(self.p, self.argmax[..., None], axis=-1)[..., 0]
        self.argmax = np.where(self.ok, self.argmax, VOID)

    def statistics(self, mask=None):
        """S, w, n."""
        use = self.ok if mask is None else self.ok & (np.asarray(mask) != 0)
        S, w, n = np.zeros((self.C, self.C)), np.zeros(self.C), np.zeros(self.C, np.uint64)
        c, m, p = self.argmax[use], self.m[use], self.p[use]
        np.add.at(S, c, m[:, None] * p)
        np.add.at(w, c, m)
        np.add.at(n, c, np.uint64(1))
        return S, w, n


def prototypes(S, w, min_weight=1e-9):
    mu = np.eye(len(w))
    for k in np.flatnonzero(w > min_weight):
        mu[k] = S[k] / w[k]
    return mu


def coefficients(mu, rule="euclidean"):
    if rule == "euclidean":
        return mu.copy(), np.array([-(row @ row) / 2 for row in mu])
    assert rule == "kl"
    return np.log(np.clip(mu, 1e-6, None)), np.zeros(len(mu))


def slack(a, b, tau):
    C = len(b)
    return 4 * C * 2.0**-24 * abs(a).max() * (1 + tau) + 2.0**-22 * abs(b).max()


def decide(scores, argmax, protect=()):
    """Labels, and the lead of each pixel's best score over the second."""
    two = np.sort(scores, axis=-1)[..., -2:]
    label = scores.argmax(axis=-1)
    kept = np.isin(argmax, list(protect))
    label = np.where(kept, argmax, label)
    lead = np.where(kept, np.inf, two[..., 1] - two[..., 0])
    return np.where(argmax == VOID, VOID, label), np.where(argmax == VOID, np.inf, lead)


def thresholds(a, b, tau, limit):
    """t (C,): least m from which a valid pixel with argmax c keeps it with a lead above `limit`.

    The bound is piecewise linear in m and its pieces meet at 1-tau: beyond the last place where
    it is not above the limit it stays above."""
    C, top, knee = len(b), 1 + tau, max(0.0, 1 - tau)
    t = np.zeros(C)
    for c in range(C):
        for k in range(C):
            if k == c:
                continue
            d = a[c] - a[k]
            e = np.delete(d, c).min()

            def bound(m):
                rest = top - m if e < 0 else max(0.0, knee - m)
                return m * d[c] + rest * e + b[c] - b[k]

            least = 0.0
            for low, high in ((0.0, knee), (knee, top)):
                at_low, at_high = bound(low) - limit, bound(high) - limit
                if at_high <= 0:
                    least = high if high < top else np.inf
                elif at_low <= 0:
                    least = low + (high - low) * at_low / (at_low - at_high)
            t[c] = max(t[c], least)
    return t


def taps(n_in, n_out):
    """For each output index: the two input indices and the weight of the second."""
    o = np.arange(n_out, dtype=np.int64)
    numerator = (2 * o + 1) * n_in - n_out
    first = numerator // (2 * n_out)
    rest = numerator - first * 2 * n_out
    second = np.where(rest == 0, first, first + 1)
    return (np.clip(first, 0, n_in - 1), np.clip(second, 0, n_in - 1), rest / (2 * n_out))


def corners(x, shape):
    """The four input values of each output pixel: (4, H, W, ...)."""
    y0, y1, _ = taps(x.shape[0], shape[0])
    x0, x1, _ = taps(x.shape[1], shape[1])
    return np.stack([x[np.ix_(y, z)] for y in (y0, y1) for z in (x0, x1)])


def upsample(x, shape):
    wy, wx = taps(x.shape[0], shape[0])[2], taps(x.shape[1], shape[1])[2]
    wy, wx = wy[:, None, None], wx[None, :, None]
    v = corners(x, shape)
    return ((1 - wy) * ((1 - wx) * v[0] + wx * v[1]) + wy * ((1 - wx) * v[2] + wx * v[3]))


class Labels:
    """Maps of a frame, at out_shape or the tensor's size. a None: no rule."""

    def __init__(self, frame, a=None, b=None, out_shape=None, protect=()):
        shape = frame.ok.shape if out_shape is None else tuple(out_shape)
        scores = frame.p if a is None else frame.p @ a.T + b
        self.input_label, self.input_lead = decide(scores, frame.argmax, protect)
        if shape == frame.ok.shape:
            p, self.argmax = frame.p, frame.argmax
            self.argmax_lead = np.full(shape, np.inf)
        else:
            p, scores = upsample(frame.p, shape), upsample(scores, shape)
            top, self.argmax_lead = decide(p, np.zeros(shape, int))
            void = (corners(frame.argmax, shape) == VOID).any(axis=0)
            self.argmax = np.where(void, VOID, top)
        self.scores, self.p = scores, p
        self.label, self.lead = decide(scores, self.argmax, protect)
        if a is None:
            self.label = self.argmax
        self.m = p.max(axis=-1)
