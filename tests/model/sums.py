"""A domain's statistics as method.md states them, to the bit, in numpy's float64.

The frames' own sums come from tests/oracle: of values that are multiples of 1/8 the float64 oracle
makes no rounding error, and neither may the daemon, so that everything here is compared exactly.
"""
import copy
import fractions
import functools
import math

import numpy as np

JUMP_NS = 600 * 10**9  # method.md: further from the newest stamp counts as no time


def fma(a, b, c):
    """a * b + c, rounded once."""
    return float(fractions.Fraction(a) * fractions.Fraction(b) + fractions.Fraction(c))


SERIES = [float.fromhex(text) for text in (
    "0x1.0000000000000p+0", "0x1.62e42fefa39efp-1", "0x1.ebfbdff82c58fp-3", "0x1.c6b08d704a0c0p-5",
    "0x1.3b2ab6fba4e77p-7", "0x1.5d87fe78a6731p-10", "0x1.430912f86c787p-13",
    "0x1.ffcbfc588b0c7p-17", "0x1.62c0223a5c824p-20", "0x1.b5253d395e7c4p-24",
    "0x1.e4cf5158b8ecap-28", "0x1.e8cac7351bb25p-32", "0x1.c3bd650fc2986p-36",
    "0x1.816193166d0f9p-40")]


@functools.lru_cache(maxsize=None)
def exp2(x):
    """method.md, "Statistics and coefficients": Taylor's series by Horner's rule in fma."""
    if x < -1100:
        return 0.0
    whole = math.floor(x + 0.5)
    power = SERIES[-1]
    for coefficient in SERIES[-2::-1]:
        power = fma(power, x - whole, coefficient)
    return math.ldexp(power, whole)


class Set:
    """S, w and n of a frame, or of a load_statistics."""

    def __init__(self, S, w, n):
        self.S, self.w, self.n = S, w, n

    @classmethod
    def empty(cls, classes):
        return cls(np.zeros((classes, classes)), np.zeros(classes), np.zeros(classes, np.uint64))

    def __add__(self, other):
        return Set(self.S + other.S, self.w + other.w, self.n + other.n)


class Window:
    """The last N sets in their slots. The root is summed as the tree of method.md does."""

    def __init__(self, slots, classes):
        self.slots, self.classes = slots, classes
        self.clear()

    def clear(self):
        self.sets = {}  # slot -> Set
        self.count = self.next = 0

    def in_order(self):
        """[(slot, Set)], oldest first."""
        first = self.next - self.count
        return [((first + i) % self.slots, self.sets[(first + i) % self.slots])
                for i in range(self.count)]

    def root(self):
        empty = Set.empty(self.classes)

        def node(i):
            if i >= self.slots:
                return self.sets.get(i - self.slots, empty)
            return node(2 * i) + node(2 * i + 1)
        return node(1)

    def put(self, one):
        self.sets[self.next] = copy.copy(one)
        self.next = (self.next + 1) % self.slots
        self.count = min(self.count + 1, self.slots)

    def add_oldest(self, one):
        self.count = min(self.count + 1, self.slots)
        slot = (self.next - self.count) % self.slots
        self.sets[slot] = self.sets.get(slot, Set.empty(self.classes)) + one

    def restore(self, pairs):
        """[(slot or None, Set)], oldest first: the newest N, in their slots if those still fit."""
        pairs = pairs[-self.slots:]
        first = pairs[0][0] if pairs else None
        fits = first is not None and first < self.slots and all(
            slot == (first + i) % self.slots for i, (slot, _) in enumerate(pairs))
        first = first if fits else 0
        self.clear()
        for i, (_, one) in enumerate(pairs):
            self.sets[(first + i) % self.slots] = one
        self.count, self.next = len(pairs), (first + len(pairs)) % self.slots


class Domain:
    """The running statistics of one domain, and its version."""

    def __init__(self, classes, adaptation, version=0):
        self.classes, self.version = classes, version
        self.forgetting = adaptation["forgetting"]
        self.window = Window(adaptation["window"], classes) if self.forgetting == "window" else None
        self.clear()

    def clear(self):
        self.sums = Set.empty(self.classes)
        self.frames = self.pixels = self.stamp = 0
        if self.window:
            self.window.clear()

    # ---- What changes it: each is one version.

    def _seconds_to(self, stamp):
        """Seconds since the newest stamp, which `stamp` becomes if it is newer or far away."""
        newest, self.stamp = self.stamp, max(stamp, self.stamp)
        if newest == 0 or abs(stamp - newest) > JUMP_NS:
            self.stamp = stamp
            return 0.0
        return (self.stamp - newest) / 1e9

    def commit(self, one, stamp, adaptation):
        """method.md, "Statistics"."""
        passed = self._seconds_to(stamp)
        keep = 1.0
        if self.forgetting == "ema":
            passed = passed if adaptation["unit"] == "seconds" else 1
            keep = exp2(-passed / adaptation["half_life"])
        self.sums = Set(keep * self.sums.S + one.S, keep * self.sums.w + one.w,
                        self.sums.n + one.n)
        self.frames += 1
        self.pixels += int(one.n.sum())
        if self.window:
            self.window.put(one)
            self._sum_window()
        self.version += 1

    def _sum_window(self):
        root = self.window.root()
        self.sums.S, self.sums.w = root.S, root.w

    def reset(self, class_=None):
        if class_ is None:
            self.clear()
        else:
            gone = int(self.sums.n[class_])
            sets = [one for _, one in self.window.in_order()] if self.window else []
            for one in [self.sums, *sets]:
                # Sets are shared with the frames that they came from.
                one.S, one.w, one.n = one.S.copy(), one.w.copy(), one.n.copy()
                one.S[class_], one.w[class_], one.n[class_] = 0, 0, 0
            self.pixels -= min(gone, self.pixels)
        self.version += 1

    def load(self, one, frames, add):
        pixels = int(one.n.sum())
        if add:
            self.sums = self.sums + one
            self.frames, self.pixels = self.frames + frames, self.pixels + pixels
            if self.window:
                self.window.add_oldest(copy.copy(one))
                self._sum_window()
        else:
            self.sums = copy.copy(one)
            self.frames, self.pixels = frames, pixels
            if self.window:
                self.window.restore([(None, copy.copy(one))])
        self.version += 1

    # ---- On disk and back.

    def saved(self):
        """What a snapshot holds of it."""
        return copy.deepcopy(self)

    @classmethod
    def restored(cls, row, adaptation, version):
        """From a snapshot's row, whatever the settings were then (protocol.md, "Snapshot file")."""
        made = cls(row.classes, adaptation, version)
        made.sums, made.stamp = copy.copy(row.sums), row.stamp
        made.frames, made.pixels = row.frames, row.pixels
        if made.window:
            pairs = row.window.in_order() if row.window else []
            empty = row.frames == 0 and not row.sums.w.any() and not row.sums.n.any()
            if not pairs and not empty:
                pairs = [(None, copy.copy(row.sums))]
            made.window.restore([(slot, copy.copy(one)) for slot, one in pairs])
            made._sum_window()
        return made
