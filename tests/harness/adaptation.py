"""A configuration to adapt with, and the statistics that came of it."""
import numpy as np

S = 1_000_000_000
START = 1_700_000_000 * S


def settings(adaptation=None, guards=None, stream=None):
    """A configuration whose guards are off unless said, so that random frames are not refused."""
    off = {"max_void": None, "min_confidence": None, "max_changed": None}
    return {"banks": {"default": {"adaptation": {"forgetting": "cumulative", **(adaptation or {})},
                                  "guards": {**off, **(guards or {})}}},
            "streams": {"default": {**(stream or {})}}}


def prototypes(client, domain="default"):
    """The statistics of a domain as arrays."""
    answer = client.control("prototypes", {"bank": "default", "domain": domain})
    C = answer["classes"]
    return {"frames": answer["frames"], "pixels": answer["pixels"], "version": answer["version"],
            "sum": np.frombuffer(answer["sum"], "<f8").reshape(C, C),
            "weight": np.frombuffer(answer["weight"], "<f8"),
            "count": np.frombuffer(answer["count"], "<u8"),
            "prototypes": np.frombuffer(answer["prototypes"], "<f4").reshape(C, C),
            "thresholds": np.frombuffer(answer["thresholds"], "<f4")}
