"""What is made to fail, and which n of each family: all of them, or a sample whose seed moves."""
import errno
import os
import random
import time

from shimmed import HALF

WHOLE = os.environ.get("LABELCAL_FAULTS") == "all"
SEED = int(os.environ.get("LABELCAL_SEED", time.time()))

ONCE, FOR_EVER = 1, 0
# (family, error, how many fail from the n-th on)
ROWS = [
    ("malloc", errno.ENOMEM, ONCE),
    ("write", errno.EIO, ONCE), ("write", errno.ENOSPC, ONCE), ("write", HALF, ONCE),
    ("read", errno.EIO, ONCE), ("read", HALF, ONCE), ("read", errno.EINTR, 3),
    ("fsync", errno.EIO, ONCE), ("allocate", errno.ENOSPC, ONCE),
    ("rename", errno.EIO, ONCE), ("unlink", errno.EIO, ONCE), ("mkdir", errno.EACCES, ONCE),
    ("open", errno.EMFILE, ONCE), ("open", errno.ENOSPC, ONCE), ("open", errno.EACCES, ONCE),
    ("readdir", errno.EIO, ONCE), ("stat", errno.EIO, ONCE), ("lock", errno.ENOLCK, ONCE),
    ("close", errno.EIO, ONCE), ("close", errno.EINTR, ONCE),
    ("send", errno.ENOBUFS, ONCE), ("send", errno.EPIPE, ONCE), ("send", errno.EAGAIN, 5),
    ("send", HALF, ONCE),
    ("recv", errno.ECONNRESET, ONCE), ("recv", errno.EINTR, 3), ("recv", HALF, ONCE),
    ("accept", errno.EMFILE, ONCE), ("accept", errno.ECONNABORTED, ONCE),
    ("socket", errno.EMFILE, ONCE), ("socket", errno.ENOBUFS, ONCE),
    ("loop", errno.EMFILE, ONCE), ("epoll", errno.ENOMEM, ONCE), ("thread", errno.EAGAIN, ONCE),
    ("malloc", errno.ENOMEM, FOR_EVER), ("write", errno.ENOSPC, FOR_EVER),
    ("fsync", errno.EIO, FOR_EVER), ("rename", errno.EIO, FOR_EVER),
    ("open", errno.EMFILE, FOR_EVER), ("send", errno.EPIPE, FOR_EVER),
    ("send", errno.EAGAIN, FOR_EVER), ("recv", errno.ECONNRESET, FOR_EVER),
    ("accept", errno.EMFILE, FOR_EVER), ("socket", errno.EMFILE, FOR_EVER),
    ("loop", errno.EMFILE, FOR_EVER), ("thread", errno.EAGAIN, FOR_EVER),
]
# How many n of a row the bounded form takes.
MOST, MOST_MALLOC, MOST_FOR_EVER = 12, 150, 6


def word(row):
    family, error, times = row
    name = errno.errorcode[error] if error else "half"
    return f"{family}-{name}-{'on' if times == FOR_EVER else 'once' if times == ONCE else times}"


def sample(stacks, most, stir=""):
    """Some n, most of them from places of the code that no other one of them is from; all of them
    if there are no more than that or the whole is asked for."""
    if WHOLE or len(stacks) <= most:
        return list(range(1, len(stacks) + 1))
    chance = random.Random(f"{SEED} {stir}")
    places = {}
    for n, stack in enumerate(stacks, 1):
        places.setdefault(stack, []).append(n)
    one_each = [chance.choice(ns) for ns in places.values()]
    chance.shuffle(one_each)
    rest = chance.sample(range(1, len(stacks) + 1), most)
    return sorted(set((one_each[:most] + rest)[:most]))


def numbers(row, stacks):
    """The n of a row, from the stacks of the calls of a run in which nothing failed."""
    family, _, times = row
    most = MOST_FOR_EVER if times == FOR_EVER else MOST_MALLOC if family == "malloc" else MOST
    return sample(stacks, most, word(row))
