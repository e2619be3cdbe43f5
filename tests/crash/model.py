"""What a bank must hold after each operation, to the bit, and which of it was promised durable."""
import dataclasses

import numpy as np

CLASSES = 19


@dataclasses.dataclass(frozen=True)
class Held:
    """A domain's statistics, as bytes."""
    sum: bytes
    weight: bytes
    count: bytes
    frames: int
    pixels: int

    @classmethod
    def of(cls, answer):
        """Those of an answer to `prototypes`."""
        return cls(*(answer[key] for key in ("sum", "weight", "count", "frames", "pixels")))

    def plus(self, other):
        def add(key, kind):
            return (np.frombuffer(getattr(self, key), kind)
                    + np.frombuffer(getattr(other, key), kind)).tobytes()
        return Held(add("sum", "<f8"), add("weight", "<f8"), add("count", "<u8"),
                    self.frames + other.frames, self.pixels + other.pixels)


EMPTY = Held(bytes(8 * CLASSES * CLASSES), bytes(8 * CLASSES), bytes(8 * CLASSES), 0, 0)


class Bank:
    """The states that a bank went through, oldest first: each {domain: Held}.

    Those before `durable` are history: a restart must show it or a later one. The last may be what
    an operation would have made whose answer never came.
    """

    def __init__(self, name):
        self.name = name
        self.states, self.durable = [{"default": EMPTY}], 0
        self.generations = {}  # {number: state}, of those told to this client
        self.last = {}         # {how: number} of the last one told so

    @property
    def now(self):
        return self.states[-1]

    def begin(self, state):
        """An operation that would lead to `state` is under way."""
        self.states.append(state)

    def settle(self, durable):
        """It was answered; the state is promised if it is one that is durable first."""
        if durable:
            self.durable = len(self.states) - 1

    def refuse(self):
        """It was refused, and changed nothing."""
        self.states.pop()

    def told(self, how, generation, state=None):
        """A generation was acknowledged, by an "answer" or an "event"."""
        assert generation > self.last.get(how, 0), \
            f"{self.name}: number {generation} used again, after {self.last[how]}"
        self.last[how] = generation
        if state is not None:
            self.generations[generation] = state

    @property
    def newest(self):
        """The largest number that was ever acknowledged."""
        return max(self.last.values(), default=0)

    def found(self, state):
        """A restart shows `state`: it must be one of those that it may show."""
        for i in range(len(self.states) - 1, self.durable - 1, -1):
            if self.states[i] == state:
                self.states, self.durable = [state], 0
                return
        lost = any(one == state for one in self.states[:self.durable])
        raise AssertionError(f"{self.name}: " + (
            "an older state than the one acknowledged" if lost
            else "a state that it never had") + f": {summary(state)}; it went through "
            + ", then ".join(summary(one) for one in self.states))


def summary(state):
    return "{" + ", ".join(f"{name}: {held.frames} frames, {held.pixels} pixels"
                           for name, held in sorted(state.items())) + "}"
