"""The frames that are measured on: a recording's, else the embedded camera's at dusk."""
import json
import pathlib
import subprocess
import tempfile

import numpy as np

ADAPTED = 30
LEAST = 1e-6  # a logit is the logarithm of a probability, of this at least


def softmax(x):
    e = np.exp(x - x.max(axis=0, keepdims=True))
    return e / e.sum(axis=0, keepdims=True)


class Frames:
    """Probabilities of frame i as float32 (C, H, W), the first `adapted` of them for prototypes."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.meta = json.loads((folder / "meta.json").read_text())
        self.values = np.load(folder / "probs.npy", mmap_mode="r")
        self.adapted = min(ADAPTED, (len(self.values) + 1) // 2)

    def __getitem__(self, i):
        if i >= len(self.values):  # a short one begins again
            after = len(self.values) - self.adapted
            i = self.adapted + (i - self.adapted) % after if after else i % len(self.values)
        x = self.values[i].astype(np.float32)
        if self.meta["layout"] == "HWC":
            x = np.moveaxis(x, -1, 0)
        if self.meta["kind"] == "logits":
            return softmax(x)
        return x / x.sum(axis=0, keepdims=True)

    def stitched(self, height, width):
        """Frames side by side, each the middle of its own, as `labelcal bench` lays them."""
        _, h, w = self[0].shape
        rows, columns = -(-height // h), -(-width // w)
        out = np.empty((len(self[0]), height, width), np.float32)
        for i in range(rows * columns):
            y = [height * j // rows for j in (i // columns, i // columns + 1)]
            x = [width * j // columns for j in (i % columns, i % columns + 1)]
            top, left = (h - (y[1] - y[0])) // 2, (w - (x[1] - x[0])) // 2
            out[:, y[0]:y[1], x[0]:x[1]] = self[self.adapted + i][
                :, top:top + y[1] - y[0], left:left + x[1] - x[0]]
        return out

    def statistics(self):
        """S and w of the adapted frames."""
        classes = len(self[0])
        S, w = np.zeros((classes, classes)), np.zeros(classes)
        for i in range(self.adapted):
            x = self[i].reshape(classes, -1)
            c, m = x.argmax(axis=0), x.max(axis=0)
            for k in range(classes):
                S[k] += x[:, c == k].astype(float) @ m[c == k]
            w += np.bincount(c, m, classes)
        return S, w


def camera(labelcal, count):
    """Frames of the embedded camera, as a recording that lives as long as what is returned."""
    place = tempfile.TemporaryDirectory(prefix="labelcal-bench-")
    folder = pathlib.Path(place.name) / "dusk"
    subprocess.run([str(labelcal), "camera", "--no-send", "--condition", "dusk", "--rate", "max",
                    "--frames", str(count), "--type", "f16", "--record", str(folder)],
                   check=True, stdout=subprocess.DEVNULL)
    frames = Frames(folder)
    frames.place = place
    return frames
