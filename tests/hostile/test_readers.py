"""Peers that do not take what they are sent: subscribers, and askers that take no answers."""
import numpy as np

import messages
from messages import frame, pack
from peers import PARTNER, Peer, crowd, request
from siege import KEPT, MIB, besiege, metrics
from sp import wait_until

SMALL = messages.random_probabilities(np.random.default_rng(3), height=12, width=16)


def even(height, width):
    return np.full((19, height, width), 1 / 19, np.float32)


def test_subscribers_that_never_read_labels(make_daemon):
    """A subscriber holds the map on its way out and the two newest, and these two are the same for
    all: 40 that stopped at different times hold at most 40 + 3 maps of 1 MiB."""
    running = make_daemon(http=True).start()
    with besiege(running, 43 * MIB + KEPT) as siege, crowd() as peers:
        camera = Peer(running.runtime / "frames").greet(PARTNER["frames"])
        peers.append(camera)
        pixels, labelled = even(16, 16), ("frames_labelled_total", (("stream", "wide"),))
        for number in range(1, 41):
            reader = Peer(running.runtime / "labels", receive_buffer=4096)
            peers.append(reader.greet(PARTNER["labels"]))
            assert len(reader.hear(8)) == 8
            assert camera.message(pack(frame(pixels, stream="wide", seq=number, adapt=False,
                                             out_shape=[1024, 1024])))
            wait_until(lambda: metrics(running).get(labelled) == number, 60)
        siege.last()
        assert all(peer.is_open() for peer in peers[:20] + peers[21:])
        for _ in range(2000):  # one that comes back gets whole maps
            topic, labels = messages.split(peers[20].hear_message())
            assert len(labels["labels"]) == (MIB if topic == "wide" else 12 * 16)
            if topic == "wide":
                break
        assert topic == "wide"


def test_subscribers_that_never_read_state(make_daemon):
    """128 messages and one on its way for each, of less than 4 KiB here, and most the same."""
    running = make_daemon(http=True).start()
    with besiege(running, 129 * 4096 + MIB) as siege, crowd() as peers:
        for _ in range(100):
            peers.append(Peer(running.runtime / "state", receive_buffer=4096))
            peers[-1].greet(PARTNER["state"])
        control = Peer(running.runtime / "control").greet(PARTNER["control"])
        peers.append(control)
        assert len(control.hear(8)) == 8
        for number in range(600):  # each is an event
            name = ("freeze", "resume")[number % 2]
            assert control.message(request(pack(messages.command(name)), number))
            assert messages.unpack(control.hear_message()[4:])["type"] == "result"
        assert all(peer.is_open() for peer in peers)
        siege.last()


def test_it_stops_though_nobody_takes_or_ends_anything(make_daemon):
    """SIGTERM with half messages, answers and maps on their way: a last snapshot, and status 0."""
    running = make_daemon(http=True).start()
    with crowd() as peers:
        for name in PARTNER:
            peers.append(Peer(running.runtime / name, receive_buffer=4096).greet(PARTNER[name]))
            assert len(peers[-1].hear(8)) == 8
        frames, calibrate, control = peers[:3]
        assert frames.message(pack(frame(SMALL, stream="cam", seq=1)))
        wide = frame(even(16, 16), stream="wide", seq=1, adapt=False, out_shape=[1024, 1024])
        for number in range(8):
            assert calibrate.message(request(pack(wide), number))
        assert control.message(request(pack(messages.command("status"))))
        wait_until(lambda: metrics(running).get(("domain_frames", (
            ("bank", "default"), ("domain", "default"))), 0) >= 1, 60)
        frames.announce(1 << 20).say(b"abc")
        calibrate.announce(1 << 20)
        assert running.stop(seconds=60.0) == 0
    assert list((running.state / "default").glob("*.snapshot"))


def test_askers_that_never_take_their_answers(make_daemon):
    """A connection with 16 (control) or 24 (calibrate) unanswered requests is not read any more.
    The answers of all hold at most limits.queued_bytes, 16 MiB, and the one that is made beyond it;
    then those make room that were left longest, so that the honest are answered again: 20 peers
    would hold 480 MiB. Requests that wait: 16 of calibrate_queue, of 5 KiB."""
    limits = {"queued_bytes": 16 * MIB, "message_bytes": MIB}
    running = make_daemon({"limits": limits}, http=True).start()
    body = pack(frame(even(16, 16), stream="wide", seq=1, adapt=False, out_shape=[1024, 1024]))
    with besiege(running, 18 * MIB + KEPT) as siege, crowd() as peers:
        for number in range(20):
            peer = Peer(running.runtime / "calibrate", receive_buffer=4096)
            peers.append(peer.greet(PARTNER["calibrate"]))
            peer.socket.settimeout(0.5)  # it is not read when it has asked too much
            for asked in range(40):
                if not peer.message(request(body, asked)):
                    break
        for number in range(20):
            peer = Peer(running.runtime / "control", receive_buffer=4096)
            peers.append(peer.greet(PARTNER["control"]))
            peer.socket.settimeout(0.5)
            for asked in range(2000):
                if not peer.message(request(pack(messages.command("status")), asked)):
                    break
        siege.last()
        siege.expect("connections_closed_total", socket="calibrate", reason="untaken")
        # How many they could ask before they were not read is the kernel's to say.
        siege.allow("connections_closed_total", socket="calibrate", reason="untaken")
        siege.allow("connections_closed_total", socket="control", reason="untaken")
        siege.allow("calibrate_refused_total", reason="busy")
        siege.allow("command_errors_total")  # `busy` to the honest
