"""Peers that announce more than they send, or send what is refused."""
import socket
import struct

import numpy as np
import pytest

import messages
from daemon import free_port
from messages import frame, pack
from peers import PARTNER, Peer, crowd, request
from siege import KEPT, MIB, besiege, metrics

SENDING = ("frames", "calibrate", "control")
FIRST = 1 << 16   # what an announced message gets before its first byte
LIMIT = 16 * MIB  # limits.message_bytes of these tests

PIXELS = messages.random_probabilities(np.random.default_rng(3), height=12, width=16)


@pytest.fixture
def running(make_daemon):
    running = make_daemon(http=True)
    running.ports = {name: free_port() for name in SENDING}
    running.write_config({"limits": {"message_bytes": LIMIT, "queued_bytes": 2 * LIMIT},
                          "listen": {name: [running.url(name),
                                            f"tcp://127.0.0.1:{running.ports[name]}"]
                                     for name in SENDING}})
    return running.start()


def places(running, name):
    return running.runtime / name, running.ports[name]


def test_announcements_beyond_the_limit(running):
    """No byte of memory for 2^63, 2^64 - 1 or 1 GiB: those connections are closed."""
    with besiege(running) as siege, crowd() as peers:
        for name in SENDING:
            for place in places(running, name):
                for length in 10 * (1 << 63, 2**64 - 1, 1 << 30, LIMIT + 65):
                    peers.append(Peer(place).greet(PARTNER[name]))
                    peers[-1].announce(length)
            siege.expect("connections_closed_total", 80, socket=name, reason="too_large")
        for name in ("labels", "state"):
            for _ in range(20):
                peers.append(Peer(running.runtime / name).greet(PARTNER[name]).announce(1025))
            siege.expect("connections_closed_total", 20, socket=name, reason="too_large")
        assert all(peer.is_closed() for peer in peers)


def test_announcements_within_the_limit_that_stall(running):
    """Each costs the 64 KiB that an announcement gets at most, of which nothing is touched."""
    with besiege(running, 3 * 80 * FIRST) as siege, crowd() as peers:
        for name in SENDING:
            for place in places(running, name):
                length = 60_000 if name == "control" else LIMIT
                for _ in range(40):
                    peers.append(Peer(place).greet(PARTNER[name]).announce(length))
        siege.last()
        assert metrics(running)["arriving_bytes", ()] <= 3 * 80 * FIRST
        assert all(peer.is_open() for peer in peers)


@pytest.mark.slow
def test_peers_that_stop_in_the_middle_of_a_message_are_closed(running):
    """After 30 s without a byte, in a head or in a body; a silent one between messages stays."""
    with besiege(running, 60 * FIRST) as siege, crowd() as peers, crowd() as silent:
        for name in SENDING:
            for place in places(running, name):
                for half in (b"\1\0\0", b"\1" + b"\0" * 6 + b"\x40\0", b"\1" + b"\0" * 6 + b"\x40\0ab"):
                    peers.append(Peer(place).greet(PARTNER[name]))
                    peers[-1].say(half if peers[-1].local else half[1:])
                silent.append(Peer(place).greet(PARTNER[name]))
        for name in SENDING:
            siege.expect("connections_closed_total", 6, socket=name, reason="stalled")
        assert all(peer.is_closed() for peer in peers)
        assert all(peer.is_open() for peer in silent)


def test_half_messages_have_a_bound_together(running):
    """100 peers hold back the last byte of 15 MiB each: 1.5 GiB. They hold at most
    limits.queued_bytes = 32 MiB, and for a moment the blocks that are kept and what one read adds;
    those whose messages began first are closed. Honest frames of the same size arrive all the
    while."""
    whole = LIMIT - MIB
    part = bytes(MIB)
    large = frame(np.full((19, 400, 500), 1 / 19, np.float32), stream="large", seq=1, adapt=False)
    assert len(pack(large)) > 14 * MIB
    with besiege(running, 2 * LIMIT + KEPT + 4 * LIMIT) as siege, crowd() as peers:
        honest = Peer(running.runtime / "calibrate").greet(PARTNER["calibrate"])
        assert len(honest.hear(8)) == 8
        peers.append(honest)
        for number in range(100):
            peer = Peer(running.runtime / SENDING[number % 2]).greet(PARTNER[SENDING[number % 2]])
            peers.append(peer.announce(whole))
            for _ in range(14):
                assert peer.say(part)
            assert peer.say(part[:-1])
            if number % 20 == 19:
                assert honest.message(request(pack(large), number))
                answer = messages.unpack(honest.hear_message()[4:])
                assert answer["type"] == "labels", answer
            assert metrics(running)["arriving_bytes", ()] <= 2 * LIMIT
        left = sum(peer.is_open() for peer in peers[1:])
        assert 1 <= left <= 2
        closed = siege.moved()
        for name in ("frames", "calibrate"):
            key = "connections_closed_total", (("reason", "overload"), ("socket", name))
            siege.expected[key] = closed[key]
        assert sum(siege.expected.values()) == 100 - left


GOOD = frame(PIXELS, stream="flood", seq=1)


def nested(depth):
    return b"\x91" * depth + b"\x90"


BOMBS = {
    "an array of 2^32 - 1 (P1)": b"\xdd\xff\xff\xff\xff",
    "an array of 2^26 (P1)": b"\xdd\x04\0\0\0",
    "a map of 2^32 - 1 (P1)": b"\xdf\xff\xff\xff\xff",
    "20 arrays of 2^23 in one another (P2)": b"\xdd\0\x80\0\0" * 20,
    "a mebibyte of nils (P3)": b"\xdd\0\x10\0\0" + b"\xc0" * MIB,
    "a mebibyte of empty arrays in a key (P3)":
        b"\x81" + pack("x") + b"\xdd\0\x10\0\0" + b"\x90" * MIB,
    "33 levels (P4)": nested(33),
    "a million levels (P4)": nested(1_000_000),
    "a bin of 4 GiB": b"\x81" + pack("x") + b"\xc6\xff\xff\xff\xff",
}

REFUSED = {
    **{name: (body, "malformed") for name, body in BOMBS.items()},
    "nothing": (b"", "malformed"),
    "another version": ({**GOOD, "v": 9}, "unsupported_version"),
    "no tensor": ({key: value for key, value in GOOD.items() if key != "tensor"}, "missing_field"),
    "another type": ({**GOOD, "type": "labels"}, "bad_field"),
    "a tensor of another size": ({**GOOD, "tensor": {**GOOD["tensor"], "data": b"x"}},
                                 "bad_tensor"),
    "too many pixels": ({**GOOD, "out_shape": [8192, 8192]}, "too_large"),
    "18 classes": (frame(PIXELS[:18], stream="flood", seq=1), "wrong_classes"),
}


def body_of(message):
    return message if isinstance(message, bytes) else pack(message)


def test_bombs_and_floods_of_refused_frames(running):
    """Each of these a hundred times and more, by four connections that do not wait."""
    rounds = {name: 20 if len(body_of(message)) > 1000 else 500
              for name, (message, _) in REFUSED.items()}
    with besiege(running, 2 * LIMIT + 4 * MIB) as siege, crowd() as peers:
        for place in 2 * places(running, "frames"):
            peers.append(Peer(place).greet(PARTNER["frames"]))
        for name, (message, _) in REFUSED.items():
            for _ in range(rounds[name]):
                for peer in peers:
                    assert peer.message(body_of(message))
        expected = {}
        for name, (_, code) in REFUSED.items():
            expected[code] = expected.get(code, 0) + 4 * rounds[name]
        for code, number in expected.items():
            siege.expect("frames_refused_total", number, reason=code)
        assert all(peer.is_open() for peer in peers)


def test_bombs_and_floods_of_refused_requests(running):
    """The same on calibrate, each answered, pipelined as far as they are read."""
    with besiege(running, 2 * LIMIT + 4 * MIB) as siege, crowd() as peers:
        for place in places(running, "calibrate"):
            peers.append(Peer(place).greet(PARTNER["calibrate"]))
            assert len(peers[-1].hear(8)) == 8
        expected = {}
        for name, (message, code) in REFUSED.items():
            rounds = 3 if len(body_of(message)) > 1000 else 100
            for peer in peers:
                for number in range(rounds):
                    assert peer.message(request(body_of(message), number + 1))
                for number in range(rounds):
                    answer = peer.hear_message()
                    assert struct.unpack(">I", answer[:4])[0] == 0x80000000 | number + 1, name
                    assert messages.unpack(answer[4:])["code"] == code, name
            expected[code] = expected.get(code, 0) + 2 * rounds
        for code, number in expected.items():
            siege.expect("calibrate_refused_total", number, reason=code)


def test_bombs_and_floods_of_refused_commands(running):
    with besiege(running, 4 * MIB) as siege, crowd() as peers:
        commands = [[body] * 100 for body in BOMBS.values() if len(body) < 60_000]
        for place in places(running, "control"):
            peers.append(Peer(place).greet(PARTNER["control"]))
            assert len(peers[-1].hear(8)) == 8
            wrong = [[pack(messages.command("explode")) for _ in range(100)],
                     [pack(messages.command("reset", {"bank": "nowhere"})) for _ in range(100)]]
            for bodies in commands + wrong:
                for number, body in enumerate(bodies):
                    assert peers[-1].message(request(body, number))
                for number in range(100):
                    assert messages.unpack(peers[-1].hear_message()[4:])["type"] == "error"
        siege.expect("command_errors_total", 2 * 100 * (len(commands) + 2))
        large = Peer(running.runtime / "control").greet(PARTNER["control"])
        large.message(request(BOMBS["a million levels (P4)"]))
        assert large.is_closed()
        large.close()
        siege.expect("connections_closed_total", socket="control", reason="too_large")


def test_what_is_no_message_of_the_socket(running):
    """Requests without their header (A17), talk on PUB sockets, another kind of ipc message."""
    with besiege(running) as siege, crowd() as peers:
        for name in ("calibrate", "control"):
            for body in (b"", b"abc", bytes(4), bytes(96), struct.pack(">I", 5) * 20):
                for place in places(running, name):
                    peers.append(Peer(place).greet(PARTNER[name]))
                    peers[-1].message(body)
            siege.expect("connections_closed_total", 10, socket=name, reason="malformed")
        for name in ("labels", "state"):
            for body in (b"", b"x", b"\0" * 1024):
                peers.append(Peer(running.runtime / name).greet(PARTNER[name]))
                peers[-1].message(body)
            siege.expect("connections_closed_total", 3, socket=name, reason="malformed")
        for name in SENDING:
            peers.append(Peer(running.runtime / name).greet(PARTNER[name]))
            peers[-1].say(b"\x02" + struct.pack(">Q", 4) + b"abcd")
        siege.expect("connections_closed_total", socket="frames", reason="malformed")
        siege.expect("connections_closed_total", socket="calibrate", reason="malformed")
        siege.expect("connections_closed_total", socket="control", reason="malformed")
        assert all(peer.is_closed() for peer in peers)


def test_a_tensor_may_lie_anywhere_in_its_message(running):
    """Bytes of padding in front put the tensor at every offset modulo 64: the same labels."""
    with crowd() as peers:
        peers.append(Peer(running.runtime / "calibrate").greet(PARTNER["calibrate"]))
        assert len(peers[0].hear(8)) == 8
        seen = set()
        for offset in range(64):
            body = pack({"padding": bytes(offset), **frame(PIXELS, seq=1, adapt=False)})
            assert peers[0].message(request(body, offset))
            seen.add(messages.unpack(peers[0].hear_message()[4:])["labels"])
        assert len(seen) == 1


def test_a_thousand_stream_names(make_daemon):
    """limits.streams are created, the others refused; a stream costs less than 16 KiB."""
    running = make_daemon({"limits": {"streams": 64}}, http=True).start()
    with besiege(running, 64 * (16 << 10)) as siege, crowd() as peers:
        peers.append(Peer(running.runtime / "frames").greet(PARTNER["frames"]))
        for number in range(1000):
            message = frame(PIXELS, stream=f"camera-{number}", seq=1, adapt=False)
            assert peers[0].message(pack(message))
        siege.expect("frames_refused_total", 1000 - 62, reason="too_many_streams")  # two are honest
        assert sum(1 for name, _ in metrics(running) if name == "frames_received_total") == 64
    assert b"too_many_streams" in (running.top / "log").read_bytes()
    assert running.log().count("too_many_streams") < 50  # rarely, not once a frame


def test_names_and_text_cannot_forge_lines(running):
    """What a peer names is in the log and the metrics; it cannot break their lines."""
    with besiege(running) as siege, crowd() as peers:
        peers.append(Peer(running.runtime / "frames").greet(PARTNER["frames"]))
        for name in ("a\nlabelcal_ready 0", "a\"} 1\n", "\x1b[2J", "<0>a", "a" * 65, "\0"):
            assert peers[0].message(pack({**GOOD, "stream": name}))
        siege.expect("frames_refused_total", 6, reason="bad_field")
        assert "\x1b" not in running.log() and "\nlabelcal_ready" not in running.log()
        assert all(line.isprintable() for line in running.log().split("\n"))


def test_a_reset_peer_is_no_fault_of_the_daemons(running):
    """Peers that end by RST in the middle of a message; some are gone before they are heard."""
    with besiege(running, 8 * LIMIT + KEPT) as siege:
        for _ in range(100):
            peer = Peer(running.ports["frames"]).greet(PARTNER["frames"]).announce(LIMIT)
            peer.say(bytes(MIB // 2))
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        siege.last(0.5)
        siege.allow("connections_closed_total", socket="frames", reason="aborted")
