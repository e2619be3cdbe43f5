"""Senders' stamps and counters that run backwards, leap, repeat or end: what they do to statistics
(method.md, "Statistics"), counters and events (protocol.md, "frame"), in each way of forgetting."""
from urllib.request import urlopen

import pytest

from adaptation import prototypes
from material import CLASSES, SAMPLES, message
from messages import split
from model import nested
from sums import Domain

S = 10**9
MINUTES_10 = 600 * S
T = 1_700_000_000 * S
END = 2**64 - 1

FORGETTING = {
    "cumulative": {"forgetting": "cumulative"},
    "ema by frames": {"forgetting": "ema", "half_life": 3.0, "unit": "frames"},
    "ema by seconds": {"forgetting": "ema", "half_life": 3.0, "unit": "seconds"},
    "window": {"forgetting": "window", "window": 3},
}

# name: stamps, and which of them are a jump for a domain that forgets by seconds.
STAMPS = {
    "forward": ([T, T + S, T + 3 * S, T + 3 * S + 1], []),
    "repeated": ([T, T, T, T + S, T + S], []),
    "backwards": ([T, T + 5 * S, T + 4 * S, T + 2 * S, T + 6 * S], []),
    "ten minutes exactly": ([T, T + MINUTES_10, T, T + 2 * S], []),
    "more than ten minutes": ([T, T + MINUTES_10 + 1, T + MINUTES_10 + S], [1]),
    "years ahead and back": ([T, T + 10**9 * S, T + 10**9 * S + S, T + S, T + 2 * S], [1, 3]),
    "far back": ([T, T - MINUTES_10 - 1, T - MINUTES_10], [1]),
    "none": ([0, 0, S, 2 * S], []),
    "none amid others": ([T, T + S, 0, T + 2 * S, T + 3 * S], [2]),
    "the end of time": ([T, END, END - S, 1, S], [1, 3]),
    "the first second": ([1, S, S + 1, T], [3]),
}


def configuration(adaptation):
    flat = {f"banks.default.adaptation.{k}": v for k, v in adaptation.items()}
    flat |= {"banks.default.domains": 32, "banks.default.guards.max_void": None,
             "banks.default.guards.max_changed": None}
    return {"model": {"classes": CLASSES}, **nested(flat)}


def settings_of(adaptation):
    return {"window": 3, "unit": "frames", "half_life": 3000.0, **adaptation}


def same(client, domain, name="default"):
    now = prototypes(client, name)
    assert (now["sum"] == domain.sums.S).all() and (now["weight"] == domain.sums.w).all()
    assert (now["count"] == domain.sums.n).all()
    assert (now["frames"], now["pixels"], now["version"]) == (domain.frames, domain.pixels,
                                                              domain.version)


def events_until(client, mark):
    """Events before the answer of a command with this id."""
    client.control("set_rule", {"bank": "default", "rule": "euclidean"}, id_=mark)
    seen = []
    while True:
        event = split(client.socket("state").recv())[1]
        if event.get("id") == mark:
            return seen
        seen.append(event)


@pytest.mark.parametrize("forgetting", FORGETTING)
def test_stamps_are_time_only_where_they_can_be(make_daemon, connect, forgetting):
    adaptation = FORGETTING[forgetting]
    client = connect(make_daemon(configuration(adaptation)).start())
    client.subscribe("state", b"event\0")
    for place, (case, (stamps, jumps)) in enumerate(STAMPS.items()):
        name, domain = f"case-{place}", Domain(CLASSES, settings_of(adaptation))
        for number, stamp in enumerate(stamps):
            sample = SAMPLES[number % 4]
            labels = client.calibrate(message(sample, name, number, stamp, domain=name))
            assert (labels["stamp_ns"], labels["committed"]) == (stamp, True), case
            domain.commit(sample.set, stamp, settings_of(adaptation))
            same(client, domain, name)
        told = [e["frame_stamp_ns"] for e in events_until(client, f"end of {case}")
                if e["event"] == "clock_jump"]
        expected = [stamps[i] for i in jumps] if forgetting == "ema by seconds" else []
        assert told == expected, case


def test_the_newest_stamp_outlives_a_restart(make_daemon, connect):
    adaptation = FORGETTING["ema by seconds"]
    running = make_daemon(configuration(adaptation)).start()
    domain = Domain(CLASSES, settings_of(adaptation))
    for number, stamp in enumerate((T, T + 2 * S, T + S, T + 7 * S)):
        client = connect(running)
        client.calibrate(message(SAMPLES[number], "cam", number, stamp))
        domain.commit(SAMPLES[number].set, stamp, settings_of(adaptation))
        same(client, domain)
        client.close()
        assert running.stop() == 0
        running.start()


# ---- The sender's counter.

SEQS = {  # name: seqs, lost, duplicates, restarts
    "in order": ([1, 2, 3], 0, 0, 0),
    "from zero": ([0, 1, 2], 0, 0, 0),
    "gaps": ([10, 12, 20], 1 + 7, 0, 0),
    "duplicates": ([5, 5, 5, 6], 0, 2, 0),
    "a restart at zero": ([500, 501, 0, 1], 0, 0, 1),
    "a restart at one": ([500, 501, 1, 2], 0, 0, 1),
    "out of order": ([10, 12, 11, 13], 1 + 1, 0, 1),
    "the longest gap": ([7, 7 + 2**31], 2**31 - 1, 0, 0),
    "too long for a gap": ([7, 8 + 2**31, 9 + 2**31], 0, 0, 1),
    "the wrap": ([END - 1, END, 0, 1], 0, 0, 1),
    "the wrap with a gap": ([END - 3, END, 2, 3], 2, 0, 1),
    "from one end to the other": ([0, END, END, 0], 0, 1, 2),
}


def test_counters_follow_the_senders_seq(make_daemon, connect):
    running = make_daemon(configuration(FORGETTING["cumulative"]), http=True).start()
    client = connect(running)
    client.subscribe("state", b"event\0")
    for place, (case, (seqs, lost, duplicates, restarts)) in enumerate(SEQS.items()):
        name, missed = f"case-{place}", 0
        for number, seq in enumerate(seqs):
            labels = client.calibrate(message(SAMPLES[0], name, seq, T + number * S))
            assert labels["seq"] == seq, case
            missed += labels["missed"]
        assert missed == lost, case
        row, = [s for s in client.control("streams")["streams"] if s["name"] == name]
        expected = {"received": len(seqs), "labelled": len(seqs), "lost": lost,
                    "duplicates": duplicates, "refused": 0, "dropped": 0}
        assert {k: row[k] for k in expected} == expected, case
        with urlopen(running.http + "/metrics") as answer:
            text = answer.read().decode()
        assert f'labelcal_sender_restarts_total{{stream="{name}"}} {restarts}\n' in text, case
        gaps = [e for e in events_until(client, f"end of {case}") if e["event"] == "sequence_gap"]
        assert len(gaps) == (lost > 0), case  # at most one a second
        assert all(e["stream"] == name and 0 < e["lost"] <= lost for e in gaps), case


@pytest.mark.parametrize("forgetting", FORGETTING)
def test_the_counter_changes_no_statistics(make_daemon, connect, forgetting):
    """A duplicate is labelled and learnt from like any other: whether it is the same picture the
    daemon cannot know. A lost frame leaves no trace but time."""
    adaptation = FORGETTING[forgetting]
    client = connect(make_daemon(configuration(adaptation)).start())
    domain = Domain(CLASSES, settings_of(adaptation))
    for number, seq in enumerate((3, 3, 10, 1, END, 0, 2**33)):
        sample = SAMPLES[number % 4]
        client.calibrate(message(sample, "cam", seq, T + number * S))
        domain.commit(sample.set, T + number * S, settings_of(adaptation))
    same(client, domain)
