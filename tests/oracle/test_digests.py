"""Pinned digests: a changed bit of any label map or statistic is noticed, on any machine.

The stream is made of integers and of operations that IEEE 754 fixes, so that it is itself the
same everywhere. A digest may change only with docs/method.md, "Exactness"."""
import hashlib

import numpy as np
import pytest

from conftest import Domain

C, H, W, FRAMES = 19, 96, 130, 6

DIGESTS = {
    "u8 CHW euclidean cumulative": "0080c797dba63fd89d3ea526b036aeab",
    "u8 CHW kl window": "b6ef34165acf0332a991b940baa3bb47",
    "f32 HWC euclidean ema": "0e86359a6909d05a6e64c9ff5f3616aa",
    "f16 logits kl ema, upsampled": "f69657b8806d602a55e434e42ef126b8",
    "u8 euclidean, upsampled": "efe6277c327117c8c64d6252321715a7",
}


def integers(seed, shape, bound):
    raw = np.random.PCG64(seed).random_raw(int(np.prod(shape)))
    return (raw % np.uint64(bound)).astype(np.int64).reshape(shape)


def u8_frame(seed):
    """Patches of 8x8 pixels with one likely class each; sums of 255; a void row."""
    favourite = integers(seed, (H // 8, W // 8 + 1), C).repeat(8, 0).repeat(8, 1)[:H, :W]
    weight = integers(seed + 1, (C, H, W), 30) ** 3
    weight[favourite, np.arange(H)[:, None], np.arange(W)[None]] += integers(seed + 2, (H, W), 90000)
    v = weight * 255 // weight.sum(axis=0)
    v[favourite, np.arange(H)[:, None], np.arange(W)[None]] += 255 - v.sum(axis=0)
    v[:, 3, :] = 0
    return v.astype(np.uint8)


def tensors(type_, kind):
    for number in range(FRAMES):
        v = u8_frame(1000 * number)
        if type_ == "u8":
            yield v
        elif kind == "logits":
            yield (v.astype(np.float32) / np.float32(16) - np.float32(8)).astype(np.float16)
        else:
            yield v.astype(np.float32) / np.float32(256) + np.float32(1 / 4864)


CASES = {
    "u8 CHW euclidean cumulative": ("u8", "probabilities", "CHW", "euclidean", None, {"forgetting": 0}),
    "u8 CHW kl window": ("u8", "probabilities", "CHW", "kl", None, {"forgetting": 2, "window": 3}),
    "f32 HWC euclidean ema": ("f32", "probabilities", "HWC", "euclidean", None,
                              {"forgetting": 1, "half_life": 2.5}),
    "f16 logits kl ema, upsampled": ("f16", "logits", "CHW", "kl", (240, 333),
                                     {"forgetting": 1, "half_life": 7.0}),
    "u8 euclidean, upsampled": ("u8", "probabilities", "CHW", "euclidean", (96, 520),
                                {"forgetting": 0}),
}


def digest(core, type_, kind, layout, rule, out_shape, settings):
    domain = Domain(core, C, rule=rule, **settings)
    total = hashlib.sha256()
    relabelled = 0
    for x in tensors(type_, kind):
        if layout == "HWC":
            x = np.ascontiguousarray(np.moveaxis(x, 0, -1))
        result = core.calibrate(x, type_, kind, layout, domain.coefficients, out_shape=out_shape)
        domain.commit(result.c_statistics)
        for name in ("calibrated", "argmax", "confidence", "scores"):
            total.update(np.nan_to_num(getattr(result, name), nan=-1.0).tobytes())
        relabelled += result.changed
    state = domain.statistics
    for array in (state.S, state.w, state.n):
        total.update(array.tobytes())
    return total.hexdigest()[:32], relabelled


@pytest.mark.parametrize("case", CASES)
def test_digest(core, case):
    got, relabelled = digest(core, *CASES[case])
    assert relabelled > 100
    assert got == DIGESTS[case]
