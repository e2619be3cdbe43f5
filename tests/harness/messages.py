"""Messages of protocol.md made and read with python3-msgpack alone."""
import itertools
import uuid

import msgpack
import numpy as np

TYPES = {"f32": np.float32, "f16": np.float16, "bf16": np.uint16, "u8": np.uint8}
LABEL_TYPES = {"u8": np.uint8, "u16": np.uint16}
_sequence = itertools.count(1)


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(body):
    return msgpack.unpackb(body, raw=False, strict_map_key=False)


def frame(array, stream="cam", seq=None, stamp_ns=1_700_000_000_000_000_000, layout="CHW",
          kind="probabilities", type_=None, **extra):
    """A frame's map; `array` is in `layout` order and of the type's dtype. Keyword None removes
    the key, any other adds or replaces it."""
    if type_ is None:
        type_ = {np.dtype(np.float32): "f32", np.dtype(np.float16): "f16",
                 np.dtype(np.uint8): "u8"}[array.dtype]
    message = {
        "v": 1, "type": "frame", "stream": stream, "seq": next(_sequence) if seq is None else seq,
        "stamp_ns": stamp_ns,
        "tensor": {"shape": list(array.shape), "layout": layout, "type": type_, "kind": kind,
                   "data": array.tobytes()},
    }
    message.update(extra)
    return {key: value for key, value in message.items() if value is not None}


def command(name, args=None, id_=None, **extra):
    """A control request's map."""
    message = {"v": 1, "type": "command", "id": id_ or str(uuid.uuid4()), "command": name}
    if args is not None:
        message["args"] = args
    message.update(extra)
    return {key: value for key, value in message.items() if value is not None}


def split(body):
    """(topic, map) of a PUB body."""
    topic, _, rest = body.partition(b"\0")
    return topic.decode(), unpack(rest)


def label_map(labels, key="labels"):
    """The named map of a labels message as an array of its shape."""
    dtype = np.uint8 if key == "confidence" else LABEL_TYPES[labels["dtype"]]
    return np.frombuffer(labels[key], dtype).reshape(labels["shape"])


def random_probabilities(rng, classes=19, height=24, width=32, sharp=3.0):
    """(C, H, W) float32 probabilities with a spread of confidences."""
    logits = rng.normal(size=(classes, height, width)) * sharp
    e = np.exp(logits - logits.max(axis=0))
    return (e / e.sum(axis=0)).astype(np.float32)
