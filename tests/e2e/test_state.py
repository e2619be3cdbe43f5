"""The state socket: a status a second, and each event at once (protocol.md, "state")."""
import re
import time

from messages import frame, random_probabilities, split
from sp import wait_until
from adaptation import settings


def test_a_status_comes_every_second_and_is_controls_map(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    client.calibrate(frame(random_probabilities(rng)))
    client.subscribe("state", b"status\0")
    arrived = []
    for _ in range(3):
        topic, message = split(client.socket("state").recv())
        arrived.append(time.monotonic())
        assert topic == "status" and (message["v"], message["type"]) == (1, "status")
    control = client.control("status")
    assert set(message["status"]) == set(control)
    assert message["status"]["epoch"] == control["epoch"]
    assert message["status"]["streams"][0]["labelled"] == 1


def test_subscriptions_by_topic_do_not_mix(make_daemon, connect):
    client = connect(make_daemon(settings()).start())
    client.subscribe("state", b"event\0")
    client.control("reset", {"bank": "default"})
    topic, message = split(client.socket("state").recv())
    assert topic == "event" and message["type"] == "event"


def test_events_tell_of_start_streams_snapshots_reloads_and_stop(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    client.subscribe("state", b"event\0")
    client.calibrate(frame(random_probabilities(rng), stream="front"))
    assert client.event("stream_new")["stream"] == "front"
    generation = client.control("snapshot")["snapshots"][0]["generation"]
    written = client.event("snapshot_written")
    assert (written["bank"], written["generation"]) == ("default", generation)
    client.control("reload")
    assert client.event("reloaded")
    running.write_config("nonsense: [\n")
    client.refused("reload")
    assert client.event("reload_failed")["message"]
    running.process.terminate()
    assert client.event("stopping")


def test_the_service_manager_hears_of_start_status_and_stop(make_daemon):
    running = make_daemon(settings(), environment={"WATCHDOG_USEC": "1000000"})
    running.start(wait=False)
    assert "STATUS=" in running.wait_notify("READY=1")
    running.wait_notify("WATCHDOG=1")
    running.process.send_signal(__import__("signal").SIGHUP)
    text = running.wait_notify("RELOADING=1")
    assert "MONOTONIC_USEC=" in text
    running.wait_notify("READY=1")
    running.process.terminate()
    running.wait_notify("STOPPING=1")
    assert running.stop() == 0


def test_a_watchdog_of_another_process_is_not_kicked(make_daemon):
    running = make_daemon(settings(), environment={"WATCHDOG_USEC": "200000",
                                                   "WATCHDOG_PID": "1"}).start()
    time.sleep(0.6)
    running.notify.settimeout(0.05)
    heard = []
    try:
        while True:
            heard.append(running.notify.recv(65536).decode())
    except TimeoutError:
        pass
    assert not any("WATCHDOG=1" in text for text in heard)


def test_the_log_has_journal_priorities_and_no_line_a_frame(make_daemon, connect, rng):
    running = make_daemon({**settings(), "log": {"level": "info"}}).start()
    client = connect(running)
    for _ in range(30):
        client.calibrate(frame(random_probabilities(rng)))
    client.send(b"rubbish")
    for _ in range(50):
        client.send(b"rubbish")
    wait_until(lambda: "malformed" in running.log())
    client.close()
    running.stop()
    lines = running.log().splitlines()
    assert lines and all(re.match(r"<[0-7]>", line) for line in lines)
    assert len(lines) < 30


def test_a_dead_listener_is_opened_again(make_daemon, connect, rng):
    """Peers that connect and vanish kill a listener of libnng 1.5; the guard notices."""
    import socket
    running = make_daemon(settings()).start()
    witness = connect(running)
    witness.control("status")
    for name in ("frames", "calibrate", "labels"):
        for _ in range(300):
            with socket.socket(socket.AF_UNIX) as peer:
                try:
                    peer.connect(str(running.runtime / name))
                except (BlockingIOError, ConnectionRefusedError):
                    time.sleep(0.01)
    time.sleep(3)
    client = connect(running)
    answer = client.calibrate(frame(random_probabilities(rng)))
    assert answer["type"] == "labels"
    client.subscribe("labels")
    client.send(frame(random_probabilities(rng), seq=77))
    assert client.labels()[1]["seq"] == 77
    assert witness.control("status")["streams"]


def test_connections_beyond_the_limit_are_closed_and_counted(make_daemon, connect, library):
    import messages
    running = make_daemon({**settings(), "limits": {"connections": 4}}).start()
    clients = [connect(running) for _ in range(4)]
    for client in clients:
        client.control("status")
    extra = library("req", timeout=0.7).dial(running.url("control"))
    extra.send(messages.pack(messages.command("status")))
    refused = False
    try:
        extra.recv()
    except Exception:
        refused = True
    assert refused
    extra.close()
    assert clients[0].control("status")
    time.sleep(2.5)
    assert clients[3].control("status")


def test_an_announcement_beyond_the_limit_closes_that_connection_alone(make_daemon, connect, rng):
    import socket
    import struct
    config = {**settings(), "limits": {"message_bytes": 1 << 20}}
    running = make_daemon(config).start()
    client = connect(running)
    client.calibrate(frame(random_probabilities(rng)))
    for name, protocol, announced in (("frames", 80, 2 << 20), ("calibrate", 48, 1 << 62),
                                      ("control", 48, 1 << 40)):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(5)
            peer.connect(str(running.runtime / name))
            peer.sendall(b"\0SP\0" + struct.pack(">HH", protocol, 0))
            assert len(peer.recv(8)) == 8
            peer.sendall(b"\x01" + struct.pack(">Q", announced))
            assert peer.recv(1) == b""
    assert client.calibrate(frame(random_probabilities(rng)))["type"] == "labels"
