"""The wall clock steps while labelcald runs: years ahead, to 1970, back again. Only what says
"since 1970" may follow it; whatever waits or measures goes on."""
import time

import pytest

from adaptation import prototypes, settings
from clock import YEAR, Clock
from messages import command, frame, random_probabilities, split
from sp import wait_until

STEPS = [50 * YEAR, -20 * YEAR, None, 0, 1, -1, 3600, 50 * YEAR, None, 0]  # None: 1970


@pytest.fixture
def clocked(make_daemon, request):
    """clocked(config, ...) -> a Daemon whose wall clock is daemon.clock; not started."""
    def make(config, environment=None, **options):
        running = make_daemon(config, **options)
        running.clock = Clock(running.top / "clock")
        running.environment = {**running.clock.environment, **(environment or {})}
        return running
    return make


def step(clock, seconds):
    clock.set_1970() if seconds is None else clock.set(seconds)


def snapshot(client):
    return client.control("snapshot")["snapshots"][0]["generation"]


def generations(client):
    return client.control("generations", {"bank": "default"})["generations"]


def test_labelling_status_and_watchdog_go_on_through_every_step(clocked, connect, rng):
    began = time.monotonic()
    running = clocked(settings({"forgetting": "ema", "unit": "seconds", "half_life": 1.0}),
                      environment={"WATCHDOG_USEC": "400000"}).start()
    client = connect(running)
    client.subscribe("state", b"")
    clock, last = running.clock, 0
    p = random_probabilities(rng)
    for number, seconds in enumerate(STEPS):
        step(clock, seconds)
        labels = client.calibrate(frame(p, stamp_ns=(1000 + number) * 10**9))
        assert last < labels["received_ns"] <= labels["started_ns"] <= labels["published_ns"]
        last = labels["published_ns"]
        client.control("set_rule", {"bank": "default", "rule": "euclidean"})
        assert clock.shows(client.event("command")["stamp_ns"]), "the clock was not faked"
        if number % 3 == 0:
            running.wait_notify("WATCHDOG=1")
            wait_until(lambda: split(client.socket("state").recv())[0] == "status")
    status = client.control("status")
    assert status["uptime_s"] <= time.monotonic() - began
    latency = status["streams"][0]["latency_us"]
    assert latency["p50"] <= latency["p99"] <= latency["max"] < (time.monotonic() - began) * 1e6
    # Senders' stamps, a second apart, are the only time that statistics know.
    weight = prototypes(client)["weight"].sum()
    client.control("reset", {"bank": "default"})
    client.calibrate(frame(p, stamp_ns=10**9))
    one = prototypes(client)["weight"].sum()
    assert weight / one == pytest.approx(2 - 2.0 ** (1 - len(STEPS)), rel=1e-12)


@pytest.mark.parametrize("seconds", [50 * YEAR, None])
def test_snapshots_come_at_their_interval_whatever_the_clock_says(clocked, connect, rng, seconds):
    running = clocked({**settings(), "snapshot": {"interval_s": 1}}).start()
    client = connect(running)
    client.subscribe("state", b"event\0")
    step(running.clock, seconds)
    client.calibrate(frame(random_probabilities(rng)))
    event = client.event("snapshot_written")
    assert running.clock.shows(event["stamp_ns"])
    listed, = generations(client)
    assert running.clock.shows(listed["created_ns"]) and listed["valid"]


def test_a_leap_makes_no_snapshot_due_no_stream_silent_and_none_forgotten(clocked, connect, rng):
    config = {**settings(stream={"silent_after_s": 3600, "forget_after_s": 7200}),
              "snapshot": {"interval_s": 86400}}
    running = clocked(config).start()
    client = connect(running)
    client.calibrate(frame(random_probabilities(rng)))
    client.subscribe("state", b"")
    seen = []
    for seconds in (50 * YEAR, None, 0):
        step(running.clock, seconds)
        while seen.count("status") < 2:  # the tick that would have done it
            topic, message = split(client.socket("state").recv())
            seen.append(message.get("event", topic))
        assert set(seen) == {"status"}, seen
        seen.clear()
    assert [s["name"] for s in message["status"]["streams"]] == ["cam"]
    assert generations(client) == []


def test_a_silent_stream_is_told_after_its_time_with_the_clock_set_back(clocked, connect, rng):
    running = clocked(settings(stream={"silent_after_s": 1, "forget_after_s": 2})).start()
    client = connect(running)
    client.subscribe("state", b"event\0")
    client.calibrate(frame(random_probabilities(rng)))
    running.clock.set_1970()
    assert client.event("stream_silent")["stream"] == "cam"
    wait_until(lambda: not client.control("streams")["streams"])


def test_kept_answers_and_deadlines_do_not_end_by_a_leap(clocked, connect, rng):
    running = clocked(settings()).start()
    client = connect(running)
    p = random_probabilities(rng)
    request = command("reset", {"bank": "default"}, id_="once")
    first = client.request("control", request)
    for seconds in (50 * YEAR, None):
        step(running.clock, seconds)
        assert client.request("control", request) == first
        # A deadline of a minute from its arrival.
        assert client.calibrate(frame(p, deadline_ns=60 * 10**9))["type"] == "labels"


def test_generations_are_ordered_by_number_and_never_all_pruned(clocked, connect, rng):
    config = {**settings(), "snapshot": {"keep": 2, "keep_hourly": 3, "keep_daily": 2}}
    running = clocked(config).start()
    client = connect(running)
    numbers = []
    for number, seconds in enumerate(STEPS * 2):
        step(running.clock, seconds)
        client.calibrate(frame(random_probabilities(rng)))
        numbers.append(snapshot(client))
        assert numbers[-1] == number + 1
        rows = generations(client)
        kept = [r["generation"] for r in rows]
        assert kept[-2:] == numbers[-2:] and len(kept) <= 2 + 3 + 2
        assert rows[-1]["frames"] == number + 1
        hours = {r["created_ns"] // (3600 * 10**9) for r in rows}
        assert number < 6 or len(hours) >= 3, "the newest of an hour was pruned"


@pytest.mark.parametrize("seconds", [50 * YEAR, -20 * YEAR, None])
def test_a_restart_loads_the_newest_by_number_not_by_date(clocked, connect, rng, seconds):
    running = clocked(settings()).start()
    client = connect(running)
    step(running.clock, seconds)
    client.calibrate(frame(random_probabilities(rng)))
    snapshot(client)
    running.clock.set(0)
    client.calibrate(frame(random_probabilities(rng)))
    newest, epoch = snapshot(client), client.control("status")["epoch"]
    client.close()
    running.kill()
    step(running.clock, seconds)  # and the restart itself is at another time
    client = connect(running.start())
    status = client.control("status")
    assert status["snapshots"][0]["generation"] == newest
    assert prototypes(client)["frames"] == 2
    assert status["epoch"] != epoch and running.clock.shows(status["epoch"])
    assert snapshot(client) == newest + 1


def test_http_is_served_and_healthy_after_every_step(clocked, connect, rng):
    from urllib.request import urlopen
    running = clocked(settings(), http=True).start()
    client = connect(running)
    for seconds in (50 * YEAR, None, 0):
        step(running.clock, seconds)
        client.calibrate(frame(random_probabilities(rng)))
        snapshot(client)
        for path in ("/healthz", "/readyz", "/metrics", "/"):
            with urlopen(running.http + path, timeout=20) as answer:
                body = answer.read().decode()
                assert answer.status == 200
            for line in body.split("\n") if path == "/metrics" else []:
                value = line.rsplit(" ", 1)[-1]
                assert line[:1] in ("#", "") or 0 <= float(value) < 1e17, line


def test_a_daemon_started_in_1970_serves_and_its_file_is_read_later(clocked, connect, rng):
    running = clocked(settings())
    running.clock.set_1970()
    client = connect(running.start())
    client.calibrate(frame(random_probabilities(rng)))
    client.close()
    assert running.stop() == 0
    running.clock.set(0)
    client = connect(running.start())
    assert prototypes(client)["frames"] == 1
    done = running.cli("status")
    assert done.returncode == 0, done.stderr
