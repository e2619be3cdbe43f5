"""Comparison of what the library gave with the oracle, within method.md's margins."""
import numpy as np

import oracle


def signed(labels):
    """A label map with void as the oracle's -1."""
    void = np.iinfo(labels.dtype).max
    return np.where(labels == void, oracle.VOID, labels.astype(int))


def statistics(got, expected):
    S, w, n = expected
    assert (got.n == n).all()
    assert got.pixels == n.sum() and got.frames == 1
    assert (abs(got.w - w) <= 1e-6 * w).all()
    assert (abs(got.S - S) <= 1e-6 * abs(S) + 1e-9 * w[:, None]).all()


def check(core, x, type_="f32", kind="probabilities", layout="CHW", coefficients=None, mask=None,
          out_shape=None, sum_tolerance=0.01, rule_ab=None):
    """One frame through the library and the oracle. Returns (result, frame, labels)."""
    result = core.calibrate(x, type_, kind, layout, coefficients, mask=mask, out_shape=out_shape,
                            sum_tolerance=sum_tolerance)
    frame = oracle.Frame(x, type_, kind, layout, sum_tolerance)
    protect = () if coefficients is None else np.flatnonzero(coefficients.protect)
    a = b = None
    slack = 1e-6
    if coefficients is not None:
        a, b = rule_ab or (coefficients.a.astype(float), coefficients.b.astype(float))
        slack = oracle.slack(a, b, frame.tau)
    expected = oracle.Labels(frame, a, b, out_shape, protect)
    statistics(result.statistics, frame.statistics(mask))

    argmax, label = signed(result.argmax), signed(result.calibrated)
    sure = expected.argmax_lead > 1e-6       # interpolated p may tie
    assert (argmax == expected.argmax)[sure].all()
    assert ((argmax == oracle.VOID) == (expected.argmax == oracle.VOID)).all()
    sure &= expected.lead > slack
    assert (label == expected.label)[sure].all()

    valid = argmax != oracle.VOID
    # Against itself: what an uncertain pixel was decided to be must still add up.
    assert result.pixels == argmax.size and result.voids == (~valid).sum()
    assert result.changed == (label != argmax).sum()
    assert result.input_pixels == frame.ok.size and result.input_voids == (~frame.ok).sum()
    total = frame.m[frame.ok].sum()
    assert abs(result.input_confidence - total) <= 1e-6 * total
    if coefficients is None:
        assert result.certified == 0 and result.changed == 0
    else:
        t = coefficients.threshold("f32" if kind == "logits" else type_)
        m = frame.m.astype(np.float32)
        if kind != "logits":
            assert result.certified == (frame.ok & (m >= t[frame.argmax])).sum()

    m = np.take_along_axis(expected.p, np.maximum(argmax, 0)[..., None], axis=-1)[..., 0]
    confidence = np.where(valid, np.minimum(255, np.floor(255 * m + 0.5)), 0)
    margin = 0 if kind == "probabilities" and out_shape is None else 1
    assert (abs(result.confidence.astype(int) - confidence) <= margin).all()
    assert np.isnan(result.scores[~valid]).all()
    assert (abs(result.scores[valid] - expected.scores[valid]) <= slack).all()
    return result, frame, expected
