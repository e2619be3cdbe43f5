"""Connections without end, and descriptors that end."""
import resource
import time

import pytest

from daemon import free_port
from messages import command, pack, unpack
from peers import PARTNER, Peer, crowd, greeting, request
from siege import MIB, besiege, cpu_seconds, descriptors, metrics
from sp import wait_until

SOCKETS = tuple(PARTNER)
IDLE = 16 << 10  # bytes of a connection that is silent, at most


def test_five_hundred_idle_connections(make_daemon):
    """limits.connections raised: each takes less than 16 KiB and keeps nobody waiting."""
    running = make_daemon({"limits": {"connections": 600}}, http=True).start()
    with besiege(running, 500 * IDLE) as siege, crowd() as peers:
        for number in range(500):
            name = SOCKETS[number % 5]
            peers.append(Peer(running.runtime / name).greet(PARTNER[name]))
        siege.last()
        assert all(peer.is_open() for peer in peers)
        connections = metrics(running)
        for name in SOCKETS:
            assert connections["connections", (("socket", name),)] >= 100


@pytest.mark.parametrize("name", SOCKETS)
def test_the_default_cap_refuses_newcomers_and_serves_the_others(make_daemon, name):
    """256 connections of one socket: those beyond are closed and counted; the others, and all
    other sockets, go on."""
    running = make_daemon(http=True).start()
    kept_out = ["newcomers"] if name == "control" else []
    with besiege(running, 256 * IDLE, without=kept_out) as siege, crowd() as peers:
        def count():
            return metrics(running)["connections", (("socket", name),)]
        while count() < 256:
            peers.append(Peer(running.runtime / name).greet(PARTNER[name]))
            assert len(peers[-1].hear(8)) == 8
        with crowd() as newcomers:
            for _ in range(100):
                newcomers.append(Peer(running.runtime / name))
                newcomers[-1].say(greeting(PARTNER[name]))  # it may be closed already
            assert all(newcomer.is_closed() for newcomer in newcomers)
        siege.expect("connections_refused_total", 100, socket=name)
        siege.last(0.5)
        assert all(peer.is_open() for peer in peers)
        peers.pop().close()  # a place that is given up is taken again
        wait_until(lambda: count() == 255, 60)
        peers.append(Peer(running.runtime / name).greet(PARTNER[name]))
        wait_until(lambda: count() == 256, 60)
        assert peers[-1].is_open()


def limit_descriptors(running, most):
    _, hard = resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (most, hard))
    return hard


def ask(peer, number):
    assert peer.message(request(pack(command("snapshot")), number))
    return unpack(peer.hear_message()[4:])


def test_peers_cannot_take_the_last_descriptors(make_daemon):
    """With fewer descriptors than limits.connections allow: newcomers are refused and counted while
    enough are left for snapshots, the guard and those who are there already."""
    running = make_daemon(http=True).start()
    with besiege(running, 300 * IDLE, without=["newcomers", "http"]) as siege, crowd() as peers:
        limit_descriptors(running, 256)
        control = Peer(running.runtime / "control").greet(PARTNER["control"])
        peers.append(control)
        assert len(control.hear(8)) == 8
        for number in range(400):
            name = SOCKETS[number % 5]
            peers.append(Peer(running.runtime / name))
            peers[-1].say(greeting(PARTNER[name]))
            peers[-1].hear(8)
        assert descriptors(running) <= 256 - 32 + 2 * 5  # and the guard's probes, both ends
        assert ask(control, 1)["type"] == "result"
        stands = sum(peer.is_open() for peer in peers)
        assert 100 < stands < 256 - 32
        for peer in peers[1:]:
            peer.close()
        limit_descriptors(running, 4096)
        refused = {key: value for key, value in siege.moved().items()
                   if key[0] == "connections_refused_total"}
        assert sum(refused.values()) == 401 - stands
        siege.expected.update(refused)


@pytest.mark.parametrize("name", ["http", "frames", "control"])
def test_descriptors_that_run_out_and_come_back(make_daemon, name):
    """Not one is left: newcomers wait in the kernel's queue, nothing spins, those who are there are
    served; when descriptors are back, so are the newcomers' answers."""
    running = make_daemon(http=True)
    port = free_port()
    running.write_config({"listen": {"frames": [running.url("frames"), f"tcp://127.0.0.1:{port}"]}})
    running.start()
    with besiege(running, 1 * MIB, without=["newcomers", "http"]) as siege, crowd() as peers:
        control = Peer(running.runtime / "control").greet(PARTNER["control"])
        peers.append(control)
        assert len(control.hear(8)) == 8
        hard = limit_descriptors(running, 3)
        place = {"http": running.port, "frames": port, "control": running.runtime / "control"}[name]
        waiting = [Peer(place) for _ in range(20)]
        peers.extend(waiting)
        spent = cpu_seconds(running)
        began = time.monotonic()
        for number in range(20):
            answer = ask(control, number)
            assert answer["type"] == "error" and answer["code"] == "snapshot_failed", answer
            time.sleep(0.1)
        share = (cpu_seconds(running) - spent) / (time.monotonic() - began)
        assert share < 0.5, f"{share:.2f} CPU: it spins"
        limit_descriptors(running, hard)
        for peer in waiting:
            if name == "http":
                peer.say(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % running.port)
                assert peer.hear(12) == b"HTTP/1.1 200"
            else:
                assert len(peer.greet(PARTNER[name]).hear(8)) == 8
        assert ask(control, 99)["type"] == "result"
        siege.expect("command_errors_total", 20)
