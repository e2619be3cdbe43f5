"""The sender's counter, dropped frames, deadlines and the sum that must always hold: sent =
labelled + dropped + refused + lost (protocol.md, "frame")."""
import socket
import threading

import numpy as np
import pytest

from daemon import free_port
from messages import frame, pack, random_probabilities
from sp import wait_until


@pytest.fixture
def p(rng):
    return random_probabilities(rng)


def streams(client):
    return {s["name"]: s for s in client.control("streams")["streams"]}


def settled(client, name, **expected):
    """Waits until the stream's counters are the expected ones."""
    def same():
        row = streams(client).get(name, {})
        return row if all(row.get(k) == v for k, v in expected.items()) else None
    try:
        return wait_until(same, 5)
    except Exception as error:
        raise AssertionError(f"{expected} never came: {streams(client).get(name)}") from error


def send(client, p, seq, **extra):
    """One frame, and the wait for its labels, so that nothing is dropped."""
    client.send(frame(p, seq=seq, **extra))
    assert client.labels()[1]["seq"] == seq


def test_a_gap_counts_as_lost_an_equal_seq_as_duplicate_a_smaller_one_as_restart(make_daemon,
                                                                                connect, p):
    client = connect(make_daemon().start())
    client.subscribe("labels")
    client.subscribe("state", b"event\0")
    for seq in (10, 11, 14, 14, 3, 4, 2**33, 2**33 + 1):
        send(client, p, seq)
    row = settled(client, "cam", received=8, labelled=8, lost=2, duplicates=1, dropped=0)
    assert row["refused"] == 0
    gap = client.event("sequence_gap")
    assert gap["stream"] == "cam"


def test_each_connection_has_its_own_sequence(make_daemon, connect, p):
    running = make_daemon().start()
    one, two = connect(running), connect(running)
    one.subscribe("labels")
    send(one, p, 100)
    two.send(frame(p, seq=7))
    assert one.labels()[1]["seq"] == 7
    send(one, p, 101)
    settled(one, "cam", lost=0, duplicates=0, labelled=3)


def test_a_refused_frame_advances_the_sequence(make_daemon, connect, p):
    client = connect(make_daemon().start())
    client.subscribe("labels")
    send(client, p, 1)
    client.send(frame(random_probabilities(np.random.default_rng(1), classes=18), seq=2))
    send(client, p, 3)
    row = settled(client, "cam", labelled=2, refused=1, lost=0)
    assert row["received"] == 3


def test_a_frame_too_broken_for_its_seq_counts_as_lost_with_the_next(make_daemon, connect, p):
    client = connect(make_daemon().start())
    client.subscribe("labels")
    send(client, p, 1)
    client.send(b"\x93garbage")
    send(client, p, 3)
    settled(client, "cam", labelled=2, lost=1, refused=0)


def test_missed_tells_a_planner_what_it_did_not_see(make_daemon, connect, p):
    client = connect(make_daemon().start())
    client.subscribe("labels")
    send(client, p, 1)
    client.send(frame(p, seq=5))
    assert client.labels()[1]["missed"] == 3
    client.send(frame(p, seq=6))
    assert client.labels()[1]["missed"] == 0


def test_the_newest_frames_are_kept_and_the_sum_holds(make_daemon, connect, rng):
    # By the slowest kernels: the others keep up with this sender.
    client = connect(make_daemon({"workers": {"threads": 1}},
                                 environment={"LABELCAL_CPU": "scalar"}).start())
    client.subscribe("labels")
    big = random_probabilities(rng, height=256, width=512)
    sent, seen, missed = 30, [], []

    def drain():  # at once: a subscriber that is late loses the oldest labels
        while not seen or seen[-1] != sent:
            labels = client.labels()[1]
            seen.append(labels["seq"])
            missed.append(labels["missed"])
    reader = threading.Thread(target=drain)
    reader.start()
    for seq in range(1, sent + 1):
        client.send(frame(big, seq=seq))
    reader.join()

    def all_accounted():
        row = streams(client).get("cam")
        return row and row["labelled"] + row["dropped"] + row["refused"] + row["lost"] == sent \
            and row
    row = wait_until(all_accounted, 30)
    assert row["dropped"] > 0
    assert seen == sorted(seen) and len(seen) == row["labelled"]
    assert len(seen) + sum(missed) == sent


def test_a_deeper_mailbox_drops_nothing_that_fits(make_daemon, connect, rng):
    config = {"streams": {"default": {"depth": 16}}, "workers": {"threads": 1}}
    client = connect(make_daemon(config).start())
    client.subscribe("labels")
    for seq in range(1, 13):
        client.send(frame(random_probabilities(rng, height=64, width=64), seq=seq))
    assert [client.labels()[1]["seq"] for _ in range(12)] == list(range(1, 13))


def test_a_frame_past_its_deadline_is_dropped_unstarted(make_daemon, connect, rng):
    config = {"streams": {"default": {"depth": 50}}, "workers": {"threads": 1}}
    client = connect(make_daemon(config).start())
    big = random_probabilities(rng, height=256, width=512)
    for seq in range(1, 9):
        client.send(frame(big, seq=seq, deadline_ns=1))
    row = wait_until(lambda: (lambda r: r.get("labelled", 0) + r.get("dropped", 0) == 8 and r)(
        streams(client).get("cam", {})), 30)
    assert row["dropped"] > 0
    answer = client.calibrate(frame(big, deadline_ns=1))
    assert answer["code"] == "deadline" and answer["stream"] == "cam"


def test_silence_is_an_event_and_a_forgotten_stream_leaves(make_daemon, connect, p):
    config = {"streams": {"default": {"silent_after_s": 1, "forget_after_s": 2}}}
    client = connect(make_daemon(config).start())
    client.subscribe("state", b"event\0")
    client.calibrate(frame(p, stream="brief"))
    assert client.event("stream_new")["stream"] == "brief"
    assert client.event("stream_silent")["stream"] == "brief"
    wait_until(lambda: "brief" not in streams(client), 10)


def knows_localhost():
    try:
        return bool(socket.gethostbyname("localhost"))
    except OSError:
        return False


@pytest.mark.parametrize("place", ("ipc://{top}/camera", "tcp://127.0.0.1:{port}",
                                   "tcp://localhost:{port}"))
def test_a_publisher_of_frames_is_dialled_and_redialled(make_daemon, library, connect, p, place):
    if "localhost" in place and not knows_localhost():
        pytest.skip("NOT RUN: this machine has no name localhost (/etc/hosts)")
    running = make_daemon()
    port = free_port()
    url = place.format(top=running.top, port=port)
    running.write_config(f"subscribe: ['{url}']\n")
    client = connect(running.start())
    before = 0
    for first in (1, 100):
        # The libraries listen at addresses; the daemon looks names up.
        publisher = library("pub").listen(url.replace("localhost", "127.0.0.1"))
        seq = iter(range(first, first + 90))

        def published():
            publisher.send(b"cam\0" + pack(frame(p, seq=next(seq))))
            return streams(client).get("cam", {"labelled": 0})["labelled"] > before
        wait_until(published, 15, step=0.2)
        before = streams(client)["cam"]["labelled"]
        publisher.close()


def test_a_publisher_whose_name_nobody_knows_is_said_and_tried_again(make_daemon, connect, p):
    running = make_daemon("subscribe: ['tcp://camera.invalid:5555']\nlog:\n  level: debug\n")
    client = connect(running.start())
    wait_until(lambda: "subscribe: tcp://camera.invalid:5555: " in running.log())
    assert client.calibrate(frame(p))["type"] == "labels"
    assert running.stop() == 0
