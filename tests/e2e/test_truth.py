"""Labels and statistics of the real daemon against float64 (method.md, "Exactness"), for every
type, layout and kind of tensor and both rules."""
import numpy as np
import pytest

from messages import frame, label_map, random_probabilities
from adaptation import prototypes, settings

CLASSES = 19


def as_sent(p, type_):
    """(values as sent, the float64 values they mean) of probabilities (C, H, W)."""
    if type_ == "u8":
        q = np.floor(p * 255 + 0.5).astype(np.uint8)
        return q, q / 255.0
    if type_ == "f16":
        q = p.astype(np.float16)
        return q, q.astype(np.float64)
    if type_ == "bf16":
        bits = p.astype(np.float32).view(np.uint32)
        q = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
        return q, (q.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return p.astype(np.float32), p.astype(np.float32).astype(np.float64)


def tolerance(type_, kind, classes=CLASSES):
    extra = {"u8": min(classes / 510, 0.5), "bf16": 2.0**-8, "f16": 2.0**-10, "f32": 0.0}
    return 0.01 + (0.0 if kind == "logits" else extra[type_])


class Truth:
    """The paper's method in float64: cumulative, predict first."""

    def __init__(self, rule, classes=CLASSES):
        self.rule, self.S, self.w = rule, np.zeros((classes, classes)), np.zeros(classes)
        self.n = np.zeros(classes, np.int64)

    def coefficients(self):
        mu = np.eye(len(self.w))
        seen = self.w > 1e-9
        mu[seen] = self.S[seen] / self.w[seen, None]
        if self.rule == "kl":
            return np.log(np.maximum(mu, 1e-6)), np.zeros(len(mu))
        return mu, -0.5 * (mu**2).sum(axis=1)

    def label(self, p, valid):
        """Labels (H, W) with 255 for void, and where the best leads by more than the slack."""
        a, b = self.coefficients()
        scores = np.einsum("kc,chw->khw", a, np.where(valid, p, 0)) + b[:, None, None]
        best = np.sort(scores, axis=0)
        slack = 4 * len(b) * 2.0**-24 * np.abs(a).max() * 1.1 + 2.0**-22 * np.abs(b).max()
        labels = scores.argmax(axis=0)
        labels[~valid] = 255
        return labels, best[-1] - best[-2] > slack

    def commit(self, p, valid):
        q = p[:, valid]
        c, m = q.argmax(axis=0), q.max(axis=0)
        for k in np.unique(c):
            self.S[k] += q[:, c == k] @ m[c == k]
            self.w[k] += m[c == k].sum()
            self.n[k] += (c == k).sum()


@pytest.mark.parametrize("rule", ["euclidean", "kl"])
@pytest.mark.parametrize("type_,kind", [("f32", "probabilities"), ("f16", "probabilities"),
                                        ("bf16", "probabilities"), ("u8", "probabilities"),
                                        ("f32", "logits"), ("f16", "logits")])
@pytest.mark.parametrize("layout", ["CHW", "HWC"])
def test_a_stream_of_frames_equals_float64(make_daemon, connect, rng, rule, type_, kind, layout):
    client = connect(make_daemon(settings({"rule": rule})).start())
    truth = Truth(rule)
    for number in range(4):
        if kind == "logits":
            x = rng.normal(size=(CLASSES, 33, 47)) * 2
            sent, value = as_sent(x, type_)
            e = np.exp(value - value.max(axis=0))
            p = e / e.sum(axis=0)
            valid = np.isfinite(value).all(axis=0)
        else:
            sent, p = as_sent(random_probabilities(rng, CLASSES, 33, 47, sharp=1.5), type_)
            sent = sent.copy()
            if number == 2:
                sent[:, 3, 4:9] = 0  # void
                p[:, 3, 4:9] = 0
            valid = (np.abs(p.sum(axis=0) - 1) <= tolerance(type_, kind)) & (p >= 0).all(axis=0)
        array = sent if layout == "CHW" else np.ascontiguousarray(sent.transpose(1, 2, 0))
        answer = client.calibrate(frame(array, layout=layout, kind=kind, type_=type_,
                                        want=["argmax"]))
        assert answer.get("type") == "labels", answer
        expected, sure = truth.label(p, valid)
        labels, argmax = label_map(answer), label_map(answer, "argmax")
        assert (labels[sure | ~valid] == expected[sure | ~valid]).all()
        top = (sent if kind == "logits" or type_ == "u8" else p).argmax(axis=0)
        assert (argmax == np.where(valid, top, 255)).all()
        assert answer["void"] == (~valid).sum()
        assert answer["changed"] == (labels != argmax).sum()
        truth.commit(p, valid)
    now = prototypes(client)
    margin = 1e-6 * np.abs(truth.S) + 1e-9 * truth.w[:, None]
    assert (np.abs(now["sum"] - truth.S) <= margin).all()
    assert (now["count"] == truth.n).all()


def test_both_layouts_give_the_same_bytes(make_daemon, connect, rng):
    one, other = (connect(make_daemon(settings()).start()) for _ in range(2))
    for _ in range(3):
        p = random_probabilities(rng, sharp=1.0)
        first = one.calibrate(frame(p))
        second = other.calibrate(frame(np.ascontiguousarray(p.transpose(1, 2, 0)), layout="HWC"))
        assert first["labels"] == second["labels"]
    for key in ("sum", "weight", "count"):
        assert prototypes(one)[key].tobytes() == prototypes(other)[key].tobytes()


@pytest.mark.parametrize("threads", [1, 3])
def test_any_number_of_threads_gives_the_same_bytes(make_daemon, connect, rng, threads):
    one = connect(make_daemon({**settings(), "workers": {"threads": 2}}).start())
    other = connect(make_daemon({**settings(), "workers": {"threads": threads}}).start())
    for _ in range(2):
        p = random_probabilities(rng, height=211, width=307, sharp=1.0)
        assert one.calibrate(frame(p))["labels"] == other.calibrate(frame(p))["labels"]
    assert prototypes(one)["sum"].tobytes() == prototypes(other)["sum"].tobytes()


def bilinear(x, shape):
    """(C, H, W) -> (C, OH, OW), half-pixel centres, clamped edges, float64."""
    def axis(n_in, n_out):
        s = (np.arange(n_out) + 0.5) * n_in / n_out - 0.5
        i = np.floor(s).astype(int)
        return np.clip(i, 0, n_in - 1), np.clip(i + 1, 0, n_in - 1), s - i
    y0, y1, fy = axis(x.shape[1], shape[0])
    x0, x1, fx = axis(x.shape[2], shape[1])
    top = x[:, y0][:, :, x0] * (1 - fx) + x[:, y0][:, :, x1] * fx
    low = x[:, y1][:, :, x0] * (1 - fx) + x[:, y1][:, :, x1] * fx
    return top * (1 - fy[:, None]) + low * fy[:, None]


@pytest.mark.parametrize("shape", [(48, 64), (24, 32), (25, 77), (96, 33)])
def test_labels_at_out_shape_are_those_of_interpolated_scores(make_daemon, connect, rng, shape):
    client = connect(make_daemon(settings()).start())
    truth = Truth("euclidean")
    p = random_probabilities(rng, sharp=1.0)
    for _ in range(2):
        answer = client.calibrate(frame(p, out_shape=list(shape), want=["argmax", "scores"]))
        a, b = truth.coefficients()
        scores = bilinear(np.einsum("kc,chw->khw", a, p.astype(float)) + b[:, None, None], shape)
        best = np.sort(scores, axis=0)
        sure = best[-1] - best[-2] > 1e-5
        assert answer["shape"] == list(shape)
        assert (label_map(answer)[sure] == scores.argmax(axis=0)[sure]).all()
        q = bilinear(p.astype(float), shape)
        best = np.sort(q, axis=0)
        sure = best[-1] - best[-2] > 1e-6
        assert (label_map(answer, "argmax")[sure] == q.argmax(axis=0)[sure]).all()
        got = np.frombuffer(answer["scores"], "<f4").reshape(*shape, CLASSES)
        np.testing.assert_allclose(got.transpose(2, 0, 1), scores, atol=1e-5)
        truth.commit(p.astype(float), np.ones(p.shape[1:], bool))


def test_an_output_pixel_that_touches_a_void_one_is_void(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    p = random_probabilities(rng, height=4, width=4)
    p[:, 1, 1] = np.nan
    answer = client.calibrate(frame(p, out_shape=[8, 8]))
    touched = bilinear(np.isnan(p[:1]).astype(float), (8, 8))[0] > 0
    assert ((label_map(answer) == 255) == touched).all() and answer["void"] == touched.sum()
    answer = client.calibrate(frame(p, out_shape=[12, 12]))
    touched = bilinear(np.isnan(p[:1]).astype(float), (12, 12))[0] > 1e-12
    assert ((label_map(answer) == 255) == touched).all()
