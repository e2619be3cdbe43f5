"""Random frames of every type, as networks make them: sure inside, unsure at borders."""
import numpy as np


def bf16(x):
    """float32 to bfloat16 bits, to nearest even (finite values)."""
    bits = np.asarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def u8(p):
    """(H, W, C) probabilities to u8 whose sum is 255 or near."""
    return np.clip(np.floor(p * 255 + 0.5), 0, 255).astype(np.uint8)


def logits(rng, H, W, C, scale=4.0):
    x = rng.normal(size=(H, W, C)) * scale
    blocks = rng.integers(0, C, size=(H // 4 + 1, W // 4 + 1)).repeat(4, 0).repeat(4, 1)[:H, :W]
    np.put_along_axis(x, blocks[..., None], x.max(axis=-1, keepdims=True) + rng.normal(size=(H, W, 1)), -1)
    return x


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cast(x, type_):
    return {"f32": lambda: x.astype(np.float32), "f16": lambda: x.astype(np.float16),
            "bf16": lambda: bf16(x), "u8": lambda: u8(x)}[type_]()


def frame(rng, H, W, C, type_="f32", kind="probabilities", layout="CHW", voids=0.02):
    """A tensor as sent; a share `voids` of its pixels is broken in one way or another."""
    x = logits(rng, H, W, C)
    x = cast(x if kind == "logits" else softmax(x), type_)
    bad = rng.random((H, W)) < voids
    at = rng.integers(0, C, size=(H, W))
    if type_ == "u8":
        breaks = [0, 255]
    else:
        breaks = [np.nan, np.inf, -np.inf] + ([] if kind == "logits" else [-0.25, 0.9])
    value = np.array(breaks)[rng.integers(0, len(breaks), size=(H, W))]
    value = value.astype(np.uint8) if type_ == "u8" else cast(value[..., None], type_)[..., 0]
    old = np.take_along_axis(x, at[..., None], -1)[..., 0]
    np.put_along_axis(x, at[..., None], np.where(bad, value, old)[..., None], -1)
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if layout == "CHW" else x


def evidence(rng, C, empty=0.1):
    """S, w of a domain: prototypes that lean to their class, some classes never seen."""
    mu = rng.dirichlet(np.full(C, 0.1), size=C) * 0.4 + 0.6 * np.eye(C)
    w = rng.gamma(1.0, 1000.0, size=C) * (rng.random(C) >= empty)
    return mu * w[:, None], w
