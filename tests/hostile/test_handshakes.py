"""Peers that do not get as far as a message: they vanish, stop, or speak something else."""
import ssl

import pytest

from daemon import free_port
from peers import PARTNER, PUB, REP, Peer, crowd, greeting
from siege import MIB, besiege

SOCKETS = tuple(PARTNER)


@pytest.fixture
def running(make_daemon):
    """With a tcp listener beside the ipc one of each socket; .ports says where."""
    running = make_daemon(http=True)
    running.ports = {name: free_port() for name in SOCKETS}
    running.write_config({"limits": {"connections": 700}, "listen": {
        name: [running.url(name), f"tcp://127.0.0.1:{running.ports[name]}"] for name in SOCKETS}})
    return running.start()


def places(running, name):
    return running.runtime / name, running.ports[name]


def test_hundreds_of_aborted_and_half_handshakes(running):
    with besiege(running) as siege:
        for name in SOCKETS:
            for place in places(running, name):
                for length in range(60):
                    peer = Peer(place)
                    peer.say(greeting(PARTNER[name])[:length % 8])
                    peer.close()
        for name in SOCKETS:
            siege.expect("connections_closed_total", 120, socket=name, reason="aborted")
        siege.last(1.0)


def test_a_silent_tcp_peer_is_asked_whether_it_is_there(running):
    """Its connection has the kernel's keepalive timer (02 in /proc/net/tcp)."""
    for name in SOCKETS:
        with crowd() as peers:
            peers.append(Peer(running.ports[name]).greet(PARTNER[name]))
            assert len(peers[0].hear(8)) == 8
            local = f"0100007F:{running.ports[name]:04X}"
            with open("/proc/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in table]
            timers = [row[5][:2] for row in rows if row[1] == local and row[3] == "01"]
            assert "02" in timers, (name, timers)


def test_peers_of_another_protocol(running):
    """Another SP protocol than the socket's partner, on each socket."""
    with besiege(running) as siege, crowd() as peers:
        for name in SOCKETS:
            for place in places(running, name):
                for protocol in (PUB, REP, 0, 0xffff, PARTNER[name] + 1):
                    if protocol != PARTNER[name]:
                        peers.append(Peer(place).greet(protocol))
            siege.expect("connections_closed_total", 10, socket=name, reason="greeting")
        assert all(peer.is_closed() for peer in peers)


def test_programs_that_do_not_speak_sp(running, rng):
    """A port scanner's probes, random bytes, HTTP, SSH, and the hello of a TLS client."""
    with besiege(running) as siege, crowd() as peers:
        hello = ssl.MemoryBIO()
        context = ssl.create_default_context()
        try:
            context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            pass
        said = [hello.read(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n",
                b"\r\n\r\n\r\n\r\n", b"\0" * 4096, b"\xff" * 64, b"\0SP\1" + b"\0" * 9,
                b"\1" + greeting(PARTNER["frames"]), rng.bytes(100_000)]
        for name in SOCKETS:
            for place in places(running, name):
                for data in said:
                    peers.append(Peer(place))
                    peers[-1].say(data)
            siege.expect("connections_closed_total", 2 * len(said), socket=name, reason="greeting")
        assert all(peer.is_closed() for peer in peers)


def test_peers_that_never_greet_lose_their_places(running):
    """The guard closes them after 10 s; until then each holds a descriptor and a few hundred
    bytes."""
    with besiege(running, 1 * MIB) as siege, crowd() as peers:
        for name in SOCKETS:
            for place in places(running, name):
                for half in range(20):
                    peers.append(Peer(place))
                    peers[-1].say(greeting(PARTNER[name])[:half % 8])
        assert all(peer.is_open() for peer in peers)
        for name in SOCKETS:
            siege.expect("connections_closed_total", 40, socket=name, reason="silent")
        assert all(peer.is_closed() for peer in peers)
