"""State that survives: restarts after SIGTERM and SIGKILL, broken and foreign files, full disks."""
import os
import struct
import subprocess
import zlib

import msgpack
import numpy as np
import pytest

from messages import frame, random_probabilities
from sp import wait_until
from adaptation import prototypes, settings

KEYS = ("sum", "weight", "count", "frames", "pixels")


def same(one, other):
    return all(np.array_equal(one[k], other[k]) for k in KEYS)


def snapshots(daemon, bank="default"):
    folder = daemon.state / bank
    return sorted(p.name for p in folder.glob("*.snapshot")) if folder.exists() else []


def teach(client, rng, frames=3, **extra):
    for _ in range(frames):
        client.calibrate(frame(random_probabilities(rng), **extra))


@pytest.mark.parametrize("forgetting", [{"forgetting": "cumulative"},
                                        {"forgetting": "ema", "half_life": 5.0},
                                        {"forgetting": "window", "window": 4}])
def test_a_restart_after_sigterm_goes_on_bit_for_bit(make_daemon, connect, rng, forgetting):
    running = make_daemon(settings(forgetting)).start()
    client = connect(running)
    teach(client, rng, 6)
    teach(client, rng, 2, domain="night")
    day, night = prototypes(client), prototypes(client, "night")
    client.close()
    assert running.stop() == 0
    client = connect(running.start())
    assert same(prototypes(client), day) and same(prototypes(client, "night"), night)
    assert prototypes(client)["version"] == day["version"]
    again = random_probabilities(rng)
    answer = client.calibrate(frame(again))
    undisturbed = connect(make_daemon(settings(forgetting)).start())
    rng = np.random.default_rng(20240611)
    teach(undisturbed, rng, 6)
    undisturbed.calibrate(frame(again))
    assert same(prototypes(client), prototypes(undisturbed))
    assert answer["epoch"] > 0


def test_a_restart_after_sigkill_goes_on_from_the_last_durable_generation(make_daemon, connect,
                                                                         rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    teach(client, rng)
    client.control("snapshot")
    durable = prototypes(client)
    teach(client, rng)
    client.close()
    running.kill()
    client = connect(running.start())
    assert same(prototypes(client), durable)


def test_nothing_is_written_when_nothing_changed(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    teach(connect(running), rng, 1)
    assert running.stop() == 0
    before = snapshots(running)
    assert len(before) == 1
    assert running.start().stop() == 0
    assert snapshots(running) == before


def test_snapshots_are_written_at_the_interval(make_daemon, connect, rng):
    running = make_daemon({**settings(), "snapshot": {"interval_s": 1}}).start()
    client = connect(running)
    client.subscribe("state", b"event\0")
    teach(client, rng, 1)
    event = client.event("snapshot_written")
    assert event["bank"] == "default" and event["generation"] >= 1
    assert len(snapshots(running)) >= 1


def test_a_snapshot_file_is_read_by_any_msgpack_library(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    teach(client, rng)
    written, = client.control("snapshot")["snapshots"]
    body = (running.state / "default" / f"{written['generation']:012d}.snapshot").read_bytes()
    assert len(body) == written["bytes"]
    magic, version, crc, length = struct.unpack_from("<8sIIQ", body)
    assert (magic, version, length) == (b"LCALSNAP", 1, len(body) - 24)
    assert crc == zlib.crc32(body[24:])
    value = msgpack.unpackb(body[24:])
    assert (value["bank"], value["generation"], value["model"], value["rule"]) == (
        "default", written["generation"], "default", "euclidean")
    assert len(value["classes"]) == 19 and value["created_ns"] > 1.6e18
    domain, = value["domains"]
    now = prototypes(client)
    assert np.array_equal(np.frombuffer(domain["sum"], "<f8").reshape(19, 19), now["sum"])
    assert np.array_equal(np.frombuffer(domain["count"], "<u8"), now["count"])
    assert (domain["name"], domain["frames"], domain["version"]) == ("default", 3, now["version"])


def test_a_broken_file_is_set_aside_and_the_older_one_loaded(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    teach(client, rng)
    client.control("snapshot")
    good = prototypes(client)
    teach(client, rng)
    client.control("snapshot")
    client.close()
    running.kill()
    newest = running.state / "default" / snapshots(running)[-1]
    newest.write_bytes(newest.read_bytes()[:-3])
    client = connect(running.start())
    assert same(prototypes(client), good)
    assert newest.with_name(newest.name + ".broken").exists() and not newest.exists()
    assert newest.name in running.log()
    number = int(newest.name.split(".")[0])
    assert client.control("snapshot")["snapshots"][0]["generation"] > number


def test_with_no_valid_file_left_it_starts_empty_and_says_so(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    teach(connect(running), rng, 1)
    running.stop()
    only = running.state / "default" / snapshots(running)[0]
    only.write_bytes(b"\0" * 100)
    client = connect(running.start())
    assert prototypes(client)["frames"] == 0
    assert "empty" in running.log()


@pytest.mark.parametrize("model", [{"name": "other"}, {"classes": 19}, {"classes": "camvid11"}])
def test_statistics_of_another_model_refuse_the_start_and_stay_untouched(make_daemon, connect,
                                                                         rng, model):
    running = make_daemon(settings()).start()
    teach(connect(running), rng, 1)
    running.stop()
    before = {p: p.read_bytes() for p in (running.state / "default").iterdir()}
    import yaml
    running.write_config(yaml.safe_dump({**settings(), "model": model}))
    done = running.run()
    assert done.returncode == 6
    for word in (snapshots(running)[0], "model", "snapshot.start"):
        assert word in done.stderr
    assert {p: p.read_bytes() for p in (running.state / "default").iterdir()} == before
    running.write_config(yaml.safe_dump({**settings(), "model": model,
                                         "snapshot": {"start": "empty"}}))
    client = connect(running.start())
    written, = client.control("snapshot")["snapshots"]
    assert written["generation"] > int(snapshots(running)[0].split(".")[0])
    assert all(p.read_bytes() == b for p, b in before.items())


def test_a_newer_format_refuses_the_start(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    teach(connect(running), rng, 1)
    running.stop()
    only = running.state / "default" / snapshots(running)[0]
    body = bytearray(only.read_bytes())
    struct.pack_into("<I", body, 8, 2)
    only.write_bytes(body)
    assert running.run().returncode == 6
    assert only.read_bytes() == bytes(body)


def test_retention_keeps_the_newest(make_daemon, connect, rng):
    config = {**settings(), "snapshot": {"keep": 3, "keep_hourly": 1, "keep_daily": 1}}
    running = make_daemon(config).start()
    client = connect(running)
    teach(client, rng, 1)
    numbers = [client.control("snapshot")["snapshots"][0]["generation"] for _ in range(8)]
    wait_until(lambda: len(snapshots(running)) <= 4)
    assert [int(n.split(".")[0]) for n in snapshots(running)][-3:] == numbers[-3:]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_keeps_the_old_generation_and_labelling_goes_on(make_daemon, connect, rng):
    running = make_daemon(settings())
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none",
                              str(running.state)], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip("cannot mount here: " + mounted.stderr.strip())
    try:
        client = connect(running.start())
        client.subscribe("state", b"event\0")
        teach(client, rng)
        client.control("snapshot")
        good, files = prototypes(client), snapshots(running)
        filler = running.state / "filler"
        try:
            filler.write_bytes(b"x" * 65536)
        except OSError:
            pass
        teach(client, rng, 1)
        answer = client.refused("snapshot")
        assert answer["code"] == "snapshot_failed" and "space" in answer["message"].lower()
        assert client.event("snapshot_failed")["bank"] == "default"
        assert client.refused("reset", {"bank": "default"})["code"] == "snapshot_failed"
        assert prototypes(client)["frames"] == 4
        assert snapshots(running) == files
        teach(client, rng, 1)
        filler.unlink()
        client.control("snapshot")
        latest = prototypes(client)
        client.close()
        running.kill()
        client = connect(running.start())
        assert same(prototypes(client), latest) and not same(latest, good)
        client.close()
        running.stop()
    finally:
        running.close_process()
        subprocess.run(["umount", str(running.state)], check=True)


def test_a_reset_is_durable_before_it_is_answered(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    teach(client, rng)
    client.control("snapshot")
    version = client.control("reset", {"bank": "default"})["version"]["default"]
    client.close()
    running.kill()
    client = connect(running.start())
    assert prototypes(client)["frames"] == 0
    assert prototypes(client)["version"] == version


def test_a_window_loads_elsewhere_as_its_sum_and_sums_become_one_oldest_set(make_daemon, connect,
                                                                            rng):
    import yaml
    running = make_daemon(settings({"forgetting": "window", "window": 3})).start()
    teach(connect(running), rng, 3)
    window = prototypes(connect(running))
    running.stop()
    running.write_config(yaml.safe_dump(settings()))
    client = connect(running.start())
    assert same(prototypes(client), window)
    teach(client, rng, 1)
    client.close()
    running.stop()
    running.write_config(yaml.safe_dump(settings({"forgetting": "window", "window": 2})))
    client = connect(running.start())
    sums = prototypes(client)
    last = [random_probabilities(rng) for _ in range(2)]
    client.calibrate(frame(last[0]))
    grown = prototypes(client)
    assert (grown["weight"].sum() - sums["weight"].sum()) > 0
    client.calibrate(frame(last[1]))
    alone = connect(make_daemon(settings()).start())
    for p in last:
        alone.calibrate(frame(p))
    np.testing.assert_allclose(prototypes(client)["sum"], prototypes(alone)["sum"], rtol=1e-12)


def test_more_domains_than_allowed_refuse_the_start(make_daemon, connect, rng):
    import yaml
    running = make_daemon(settings()).start()
    client = connect(running)
    for name in ("a", "b", "c"):
        teach(client, rng, 1, domain=name)
    client.close()
    running.stop()
    config = settings()
    config["banks"]["default"]["domains"] = 2
    running.write_config(yaml.safe_dump(config))
    done = running.run()
    assert done.returncode == 6 and "domains" in done.stderr


def test_a_bank_no_longer_configured_is_left_alone(make_daemon, connect, rng):
    import yaml
    config = settings()
    config["banks"]["rear"] = {}
    config["streams"]["cam"] = {"bank": "rear"}
    running = make_daemon(config).start()
    teach(connect(running), rng, 1)
    running.stop()
    before = snapshots(running, "rear")
    assert before
    running.write_config(yaml.safe_dump(settings()))
    running.start()
    assert running.stop() == 0
    assert snapshots(running, "rear") == before and "rear" in running.log()


def test_a_snapshot_of_another_place_is_not_confused_by_stray_files(make_daemon, connect, rng):
    running = make_daemon(settings())
    folder = running.state / "default"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "000000000007.snapshot.tmp").write_bytes(b"torn")
    client = connect(running.start())
    teach(client, rng, 1)
    assert client.control("snapshot")["snapshots"][0]["generation"] >= 1
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "000000000007.snapshot.tmp").exists()



def test_a_change_that_was_refused_leaves_nothing_to_write(make_daemon, connect, rng):
    config = settings()
    config["banks"]["default"]["domains"] = 1
    running = make_daemon(config).start()
    client = connect(running)
    teach(client, rng, 1)
    client.control("snapshot")
    before = snapshots(running)
    zeros = {"sum": bytes(19 * 19 * 8), "weight": bytes(19 * 8), "count": bytes(19 * 8)}
    refused = client.refused("load_statistics", {"bank": "default", "domain": "night", "frames": 1,
                                                 "mode": "replace", **zeros})
    assert refused["code"] == "too_many_domains"
    client.close()
    assert running.stop() == 0
    assert snapshots(running) == before


def test_an_empty_window_is_as_empty_after_a_restart(make_daemon, connect, rng):
    """A set of nothing in it would shift the slots, and with them the order of the sums. Those of
    u8 are quotients with all their bits, so that the order shows."""
    running = make_daemon(settings({"forgetting": "window", "window": 3})).start()
    client = connect(running)
    client.control("snapshot")
    client.close()
    running.kill()
    client = connect(running.start())
    other = connect(make_daemon(settings({"forgetting": "window", "window": 3})).start())
    for _ in range(5):
        p = np.round(random_probabilities(rng) * 255).astype(np.uint8)
        client.calibrate(frame(p))
        other.calibrate(frame(p))
        assert same(prototypes(client), prototypes(other))
