"""Cameras that together send more than can be labelled: each gets its share, and what is dropped is
counted."""
import collections
import itertools

import pytest

from messages import frame, pack, split
from sp import wait_until

SLOW = {"LABELCAL_CPU": "scalar"}  # as many frames as these tests need exceed what it can label


def scene(rng, **extra):
    """A function (stream, seq) -> a frame that is small to send and long to label."""
    logits = rng.normal(size=(19, 16, 32)).astype("float16")
    return lambda stream, seq: pack(frame(logits, stream=stream, seq=seq, kind="logits",
                                          out_shape=[160, 320], **extra))


def rows(client):
    return {row["name"]: row for row in client.control("streams")["streams"]}


def accounted(client, sent):
    """The streams' rows, once every frame sent is labelled or dropped."""
    def all_are():
        known = rows(client)
        return all(known[name]["labelled"] + known[name]["dropped"] == number
                   and (known[name]["refused"], known[name]["lost"]) == (0, 0)
                   for name, number in sent.items()) and known
    return wait_until(all_are, 20)


@pytest.mark.parametrize("streams", [{}, {"deadline_ms": 60000}])
@pytest.mark.parametrize("depth", [1, 3])
def test_cameras_of_one_bank_share_what_can_be_labelled(make_daemon, connect, rng, streams, depth):
    """Each label map is answered by a frame of every camera, always in the same order: by their
    frames' ages alone the first would take all."""
    names = ("a", "b", "c")
    running = make_daemon({"workers": {"threads": 1},
                           "streams": {"default": {**streams, "depth": depth}}},
                          environment=SLOW).start()
    client, make = connect(running), scene(rng)
    client.subscribe("labels")
    labelled, sent = collections.Counter(), 0
    while sum(labelled.values()) < 45:
        sent += 1
        for name in names:
            client.send(make(name, sent))
        topic, message = split(client.socket("labels").recv())
        labelled[topic] += 1
        # It had no newer ones than the mailbox holds, and those of the moment.
        assert message["seq"] >= sent - depth - len(names)
    assert max(labelled.values()) - min(labelled[name] for name in names) <= depth + 1, labelled
    known = accounted(client, {name: sent for name in names})
    assert all(known[name]["dropped"] > 0 for name in names)


@pytest.mark.slow
def test_a_bank_without_deadlines_comes_to_its_turn_beside_banks_with(make_daemon, connect, rng):
    running = make_daemon({"workers": {"threads": 1},
                           "banks": {"one": {}, "two": {}, "patient": {}},
                           "streams": {"one": {"bank": "one", "deadline_ms": 400},
                                       "two": {"bank": "two", "deadline_ms": 400},
                                       "patient": {"bank": "patient"}}},
                          environment=SLOW).start()
    client, make = connect(running), scene(rng)
    client.subscribe("labels")
    labelled, sent = collections.Counter(), 0
    for sent in itertools.count(1):
        for name in ("one", "two", "patient"):
            client.send(make(name, sent))
        labelled[client.labels()[0]] += 1
        if labelled["patient"] == 3:
            break
    assert labelled["one"] and labelled["two"]
    accounted(client, {name: sent for name in ("one", "two", "patient")})
