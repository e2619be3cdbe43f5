"""What is wrong with a life (scenario.Life), as sentences; none: it kept every promise of
docs/reliability.md, "Faults of the system"."""
import itertools
import signal
import struct
import zlib

import msgpack

import model
from shimmed import named

# What a client may be told when the daemon could not do what it was asked.
REFUSALS = {"frame": {"busy"}, "snapshot": {"snapshot_failed", "busy"}, "reload": {"reload_failed", "busy"}}
QUERIES = {"busy"}

# Where libuv ends the process by design (abort()): of what it needs at the start, and whenever
# epoll_ctl() does not take a descriptor.
AT_START = ("malloc", "loop", "thread")
EVER = ("epoll",)


def _states(life):
    """{version: the frames known by then} as the answers tell, or a sentence."""
    known = {model.VERSION: model.LEARNT}
    if (life.fault.family in (None, "read", "open", "mkdir")) and "starts empty" in life.log:
        known = {0: ()}  # a generation that does not read is set aside (protocol.md)
    for number, labels in life.labels:
        version = labels["version"]
        if version not in known:
            # A frame whose answer was lost may have counted all the same, in the order sent.
            before = max(v for v in known if v <= version) if min(known) <= version else None
            if before is None:
                return None, f"frame {number}: version {version}, the start has {min(known)}"
            missing = version - before
            for some in itertools.combinations(life.unknown, missing):
                if model.labels_agree(labels, known[before] + some, number):
                    known[version] = known[before] + some
                    break
            else:
                return None, f"frame {number}: nobody knows how version {version} came about"
        if not model.labels_agree(labels, known[version], number):
            return None, f"frame {number}: labels that are wrong for version {version}"
        if labels["committed"]:
            known[version + 1] = known[version] + (number,)
    return known, None


def _labels(life):
    known, sentence = _states(life)
    if sentence:
        yield sentence
    elif life.last and not any(model.learnt_agree(life.last, k + some) for k in known.values()
                               for m in range(len(life.unknown) + 1)
                               for some in itertools.combinations(life.unknown, m)):
        yield "the statistics are those of no set of frames that were sent"


def payload(path):
    """The payload of a snapshot file; ValueError if it is torn."""
    body = path.read_bytes()
    if len(body) < 24:
        raise ValueError("short")
    magic, version, crc, length = struct.unpack_from("<8sIIQ", body)
    if (magic, version, length, crc) != (b"LCALSNAP", 1, len(body) - 24, zlib.crc32(body[24:])):
        raise ValueError("torn")
    return msgpack.unpackb(body[24:])


def _snapshots(life):
    """Torn files, and an acknowledged generation that is gone or another."""
    files = sorted((life.state / "default").glob("*.snapshot"))
    newest = None
    for path in files:
        try:
            newest = payload(path)
        except ValueError as fault:
            yield f"{path.name} is {fault}"
            return
    if newest is None:
        if life.taught or life.acknowledged:
            yield "no snapshot is left"
        return
    if list(life.state.rglob("*.broken")) and life.fault.family not in ("read", "open"):
        yield "a whole snapshot was set aside as broken"
    domain = newest["domains"][0] if newest["domains"] else None
    if life.acknowledged:
        generation, known = life.acknowledged
        if newest["generation"] < generation:
            yield f"generation {generation} was acknowledged and is gone"
        elif newest["generation"] == generation:
            if model.known_by(domain) != model.known_by(known):
                yield f"generation {generation} is not what was acknowledged"
            return
    if life.exit == 0 and life.last and model.known_by(domain) != model.known_by(life.last):
        written = "generation" in life.log and "is durable" in life.log.split("stopping")[-1]
        if written:
            yield "the last generation is not what was known at the end"
        elif life.log.count("snapshot_failed") + life.log.count("no memory for a snapshot") == 0 \
                and life.fault.times == 1:
            yield "nothing was written at the stop, and the log does not say so"


def _answers(life):
    for what, error in life.refusals:
        allowed = REFUSALS.get(what.split()[0], QUERIES)
        if error["code"] not in allowed:
            yield f"{what}: refused by {error['code']}: {error['message']}"
        if len(error["message"].split()) < 3:
            yield f"{what}: {error['code']} without a sentence"
    if life.fault.times == 0:
        return
    for what, sentence in life.silences:
        if what.startswith("GET ") and caller(life) == "libwebsockets":
            continue  # without memory for headers it lets a connection wait, up to a time-out
        if sentence == "labels":
            continue  # a frame that was pushed and is lost: its seq shows it
        yield f"{what}: no answer and no end ({sentence})"
    if life.process.returncode == 0:
        for what in life.given_up:
            yield f"{what}: failed {3} times after a single fault"


def caller(life):
    """The program or library whose call failed first."""
    return next((place.split(".")[0] for place in life.report.stack
                 if not place.startswith(("libc.", "ld-linux"))), "")


def ended_by(life):
    """The library that ended it, at a call of its own that failed: documented, none of ours."""
    if life.exit == -signal.SIGABRT and caller(life) == "libuv" and (
            life.fault.family in EVER
            or (life.fault.family in AT_START and not life.ready)):
        return "libuv"
    # libwebsockets 4.1.6 does not survive each failure of its own beginning: it forgets to look
    # whether it got memory, or frees at the end what it never had.
    if life.exit in (-signal.SIGABRT, -signal.SIGSEGV) and caller(life) == "libwebsockets" \
            and life.fault.family == "malloc" \
            and "labelcald:http_start" in named(life.report.stack):
        return "libwebsockets"
    return None


def _end(life):
    code = life.exit
    if code is None:
        yield "it did not stop"
    elif code == 99:
        yield "a sanitizer's report:\n" + life.log[-4000:]
    elif code == 98:
        yield "a leak:\n" + life.log[-4000:]
    elif code < 0:
        if not ended_by(life):
            yield f"killed by signal {-code}\n" + life.log[-1500:]
    elif code != 0:
        if life.ready and life.fault.times == 1 and "started:" in life.log:
            yield f"exit {code} after it had started"
        elif code not in (1, 6):
            yield f"exit {code} is not documented"
        elif not any(len(line.split()) > 2 and line.startswith("<3>") or "labelcald: " in line
                     or ".yaml" in line for line in life.log.splitlines()):
            yield f"exit {code} without a sentence: {life.log!r}"
    elif life.fault.family is not None and not life.ready and life.fault.times == 1:
        yield "it never took a connection"


def judge(life):
    """The sentences. What fails inside the sanitizers' runtime says nothing about labelcald."""
    if caller(life) == "libasan":
        return []
    found = list(_end(life))
    if life.exit is not None and life.exit >= 0:
        found += _answers(life)
        found += _labels(life)
    found += _snapshots(life)
    return found


