"""Every command of protocol.md: its result as written, its errors, and that it takes effect once."""
import threading

import numpy as np
import pytest

import messages
from messages import command, frame, pack, random_probabilities
from sanitizers import PATIENCE
from sp import wait_until
from adaptation import prototypes, settings


@pytest.fixture
def client(make_daemon, connect):
    return connect(make_daemon(settings()).start())


@pytest.fixture
def taught(client, rng):
    """A client whose daemon has learnt from three frames."""
    for _ in range(3):
        client.calibrate(frame(random_probabilities(rng)))
    return client


def code(answer):
    return answer.get("code", answer)


# ---- envelopes


WRONG = {
    "not a map": (b"\xc0", "malformed"),
    "a byte after the map": (pack(command("status", id_="a")) + b"\0", "malformed"),
    "version 2": (command("status", v=2), "unsupported_version"),
    "no version": (command("status", v=None), "missing_field"),
    "no type": (command("status", type=None), "missing_field"),
    "no id": (command("status", id=None), "missing_field"),
    "no command": (command(None), "missing_field"),
    "another type": (command("status", type="frame"), "bad_field"),
    "an empty id": (command("status", id=""), "bad_field"),
    "an id of 65 bytes": (command("status", id_="x" * 65), "bad_field"),
    "an id that is a number": (command("status", id=7), "bad_field"),
    "arguments that are a list": (command("status", args=[1]), "bad_field"),
    "an unknown command": (command("explode"), "unknown_command"),
    "an unknown command before its arguments": (command("explode", args={"bank": "nowhere"}),
                                                "unknown_command"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_request_that_is_wrong_is_refused(client, name):
    body, expected = WRONG[name]
    answer = client.request("control", body)
    assert (answer["type"], code(answer)) == ("error", expected)
    assert answer["message"]


def test_an_error_carries_the_id_where_it_could_be_read(client):
    assert client.refused("explode", id_="abc-1")["id"] == "abc-1"


@pytest.mark.parametrize("name,args,expected", [
    ("prototypes", None, "missing_field"),
    ("prototypes", {"bank": 5}, "bad_field"),
    ("prototypes", {"bank": "a b"}, "bad_field"),
    ("prototypes", {"bank": "nowhere"}, "unknown_bank"),
    ("prototypes", {"bank": "default", "domain": "nowhere"}, "unknown_domain"),
    ("domain", {"stream": "cam"}, "missing_field"),
    ("domain", {"stream": "nobody", "domain": "x"}, "unknown_stream"),
    ("domain_delete", {"bank": "default", "domain": "default"}, "bad_field"),
    ("domain_delete", {"bank": "default", "domain": "nowhere"}, "unknown_domain"),
    ("freeze", {"stream": "nobody"}, "unknown_stream"),
    ("reset", {}, "missing_field"),
    ("reset", {"bank": "nowhere"}, "unknown_bank"),
    ("reset", {"bank": "default", "domain": "nowhere"}, "unknown_domain"),
    ("reset", {"bank": "default", "class": 19}, "bad_field"),
    ("reset", {"bank": "default", "class": -1}, "bad_field"),
    ("reset", {"bank": "default", "class": "unicorn"}, "bad_field"),
    ("snapshot", {"bank": "nowhere"}, "unknown_bank"),
    ("generations", {}, "missing_field"),
    ("generations", {"bank": "nowhere"}, "unknown_bank"),
    ("rollback", {"bank": "default"}, "missing_field"),
    ("rollback", {"bank": "default", "generation": 4711}, "bad_generation"),
    ("rollback", {"bank": "nowhere", "generation": 1}, "unknown_bank"),
    ("set_rule", {"bank": "default", "rule": "magic"}, "bad_field"),
    ("set_rule", {"bank": "nowhere", "rule": "kl"}, "unknown_bank"),
])
def test_arguments_that_are_wrong_are_refused(taught, name, args, expected):
    before = prototypes(taught)["version"]
    answer = taught.refused(name, args)
    assert code(answer) == expected, answer
    assert prototypes(taught)["version"] == before


# ---- queries


def test_status_has_every_field(taught):
    status = taught.control("status")
    assert set(status) >= {"build", "epoch", "uptime_s", "model", "classes", "tier", "threads",
                           "banks", "streams", "snapshots"}
    assert status["model"] == "default" and len(status["classes"]) == 19
    bank, = status["banks"]
    assert (bank["name"], bank["rule"]) == ("default", "euclidean")
    domain, = bank["domains"]
    assert (domain["name"], domain["frames"], domain["pixels"]) == ("default", 3, 3 * 24 * 32)
    assert domain["version"] == prototypes(taught)["version"]
    assert status["threads"] >= 1 and status["epoch"] > 1.6e18


def test_streams_have_their_counters_and_latencies(taught):
    row, = taught.control("streams")["streams"]
    assert set(row) >= {"name", "bank", "domain", "mode", "state", "received", "labelled",
                        "dropped", "lost", "refused", "duplicates", "latency_us"}
    assert (row["name"], row["mode"], row["state"], row["labelled"]) == ("cam", "adapt",
                                                                         "calibrated", 3)
    latency = row["latency_us"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    assert row["dropped_by"] == {"depth": 0, "deadline": 0, "overload": 0, "shutdown": 0}
    assert list(row["stages_us"]) == ["received_started", "compute", "started_published", "total"]
    for stage in row["stages_us"].values():
        assert stage["count"] == 3
        assert 0 < stage["p50"] <= stage["p99"] <= stage["p999"] <= stage["max"]
    assert row["stages_us"]["total"]["max"] == latency["max"]
    assert row["gap_us"]["count"] == 0  # these were answers, not publications


def test_prototypes_are_those_of_the_statistics(taught):
    now = prototypes(taught)
    seen = now["weight"] > 1e-9
    mu = np.eye(19)
    mu[seen] = now["sum"][seen] / now["weight"][seen, None]
    np.testing.assert_allclose(now["prototypes"], mu, atol=1e-7)
    assert (now["thresholds"] >= 0).all()
    assert taught.control("prototypes", {"bank": "default"})["extra"] == {}


# ---- changes


def test_reset_forgets_everything(taught):
    before = prototypes(taught)["version"]
    version = taught.control("reset", {"bank": "default"})["version"]
    assert version == {"default": before + 1}
    now = prototypes(taught)
    assert now["sum"].sum() == now["weight"].sum() == now["count"].sum() == 0
    assert (now["frames"], now["pixels"], now["version"]) == (0, 0, before + 1)
    assert (now["prototypes"] == np.eye(19)).all()


@pytest.mark.parametrize("which", [13, "car"])
def test_reset_of_a_class_forgets_that_class_alone(taught, which):
    before = prototypes(taught)
    taught.control("reset", {"bank": "default", "domain": "default", "class": which})
    now = prototypes(taught)
    others = np.arange(19) != 13
    assert now["weight"][13] == now["count"][13] == 0 and not now["sum"][13].any()
    assert (now["sum"][others] == before["sum"][others]).all()
    assert now["frames"] == before["frames"]
    assert (now["prototypes"][13] == np.eye(19)[13]).all()


def statistics(classes=19, value=2.0):
    rng = np.random.default_rng(5)
    weight = rng.random(classes) * value + 0.5
    p = rng.random((classes, classes))
    return {"sum": (p / p.sum(1, keepdims=True) * weight[:, None]).tobytes(),
            "weight": weight.tobytes(),
            "count": np.arange(1, classes + 1, dtype=np.uint64).tobytes(), "frames": 7}


def test_load_statistics_replaces_and_adds_and_creates_a_domain(taught):
    loaded = statistics()
    args = {"bank": "default", "domain": "night", "mode": "replace", **loaded}
    version = taught.control("load_statistics", args)["version"]
    now = prototypes(taught, "night")
    assert now["version"] == version
    assert now["sum"].tobytes() == loaded["sum"] and now["weight"].tobytes() == loaded["weight"]
    assert (now["frames"], now["pixels"]) == (7, sum(range(1, 20)))
    taught.control("load_statistics", {**args, "mode": "add"})
    twice = prototypes(taught, "night")
    assert (twice["sum"] == 2 * now["sum"]).all() and twice["frames"] == 14
    assert prototypes(taught)["frames"] == 3


@pytest.mark.parametrize("change", [
    {"sum": b""}, {"weight": b"\0" * 8}, {"count": b"\0" * 8}, {"mode": "merge"}, {"frames": -1},
    {"weight": np.full(19, np.nan).tobytes()}, {"weight": np.full(19, -1.0).tobytes()},
    {"sum": np.full((19, 19), np.inf).tobytes()}, {"sum": "text"}, {"domain": "a/b"},
])
def test_load_statistics_refuses_what_is_not_statistics(taught, change):
    args = {"bank": "default", "domain": "default", "mode": "replace", **statistics(), **change}
    before = prototypes(taught)
    assert code(taught.refused("load_statistics", args)) == "bad_field"
    now = prototypes(taught)
    assert now["version"] == before["version"] and (now["sum"] == before["sum"]).all()


def test_statistics_that_add_up_to_infinity_are_refused(taught):
    args = {"bank": "default", "domain": "night", **statistics(),
            "sum": np.full((19, 19), 1.5e308).tobytes()}
    taught.control("load_statistics", {**args, "mode": "replace"})
    assert code(taught.refused("load_statistics", {**args, "mode": "add"})) == "bad_field"
    assert (prototypes(taught, "night")["sum"] == 1.5e308).all()


def test_a_deleted_domain_goes_on_above_its_version_if_it_comes_again(taught, rng):
    for _ in range(3):
        taught.calibrate(frame(random_probabilities(rng), domain="brief"))
    before = prototypes(taught, "brief")["version"]
    version = taught.control("domain_delete", {"bank": "default", "domain": "brief"})["version"]
    assert version >= before
    assert code(taught.refused("prototypes", {"bank": "default",
                                              "domain": "brief"})) == "unknown_domain"
    again = taught.calibrate(frame(random_probabilities(rng), domain="brief"))
    assert again["version"] > version and prototypes(taught, "brief")["frames"] == 1


def test_the_domain_command_creates_its_domain(taught):
    assert taught.control("domain", {"stream": "cam", "domain": "tunnel"}) == {
        "previous": "default"}
    assert prototypes(taught, "tunnel")["frames"] == 0


def test_modes_without_a_stream_set_all_and_are_not_kept_over_a_restart(make_daemon, connect,
                                                                        rng):
    running = make_daemon({**settings(), "streams": {"front": {"mode": "shadow"}}}).start()
    client = connect(running)
    client.calibrate(frame(random_probabilities(rng), stream="rear"))
    assert client.control("freeze")["streams"] == {"front": "frozen", "rear": "frozen"}
    assert client.control("bypass", {"stream": "rear"})["streams"] == {"rear": "bypass"}
    client.close()
    running.stop()
    client = connect(running.start())
    answer = client.calibrate(frame(random_probabilities(rng), stream="front"))
    assert answer["state"] == "shadow"


def test_set_rule_changes_the_rule_and_a_reload_of_the_key_ends_it(taught, rng):
    assert taught.control("set_rule", {"bank": "default", "rule": "kl"}) == {
        "previous": "euclidean"}
    assert taught.calibrate(frame(random_probabilities(rng)))["rule"] == "kl"
    taught.control("reload")
    assert taught.calibrate(frame(random_probabilities(rng)))["rule"] == "kl"


def test_snapshot_generations_and_rollback(taught, rng):
    first, = taught.control("snapshot", {"bank": "default"})["snapshots"]
    assert set(first) == {"bank", "generation", "bytes"}
    old = prototypes(taught)
    taught.calibrate(frame(random_probabilities(rng)))
    second, = taught.control("snapshot")["snapshots"]
    assert second["generation"] > first["generation"]
    rows = taught.control("generations", {"bank": "default"})["generations"]
    known = {row["generation"]: row for row in rows}
    assert set(known[first["generation"]]) == {"generation", "created_ns", "frames", "bytes",
                                               "valid"}
    assert known[first["generation"]]["frames"] == 3
    assert known[second["generation"]]["frames"] == 4 and known[second["generation"]]["valid"]
    latest = prototypes(taught)["version"]
    answer = taught.control("rollback", {"bank": "default", "generation": first["generation"]})
    now = prototypes(taught)
    assert answer["version"] == {"default": now["version"]} and now["version"] > latest
    assert (now["sum"] == old["sum"]).all() and (now["count"] == old["count"]).all()
    assert now["frames"] == 3


def test_a_rollback_empties_the_domains_its_generation_lacks(taught, rng):
    first, = taught.control("snapshot")["snapshots"]
    taught.calibrate(frame(random_probabilities(rng), domain="later"))
    before = prototypes(taught, "later")["version"]
    answer = taught.control("rollback", {"bank": "default", "generation": first["generation"]})
    now = prototypes(taught, "later")
    assert (now["frames"], now["weight"].sum()) == (0, 0)
    assert answer["version"]["later"] == now["version"] > before


def test_a_rollback_to_a_broken_snapshot_is_refused_and_renames_nothing(taught):
    running = taught.daemon
    first, = taught.control("snapshot")["snapshots"]
    taught.control("snapshot")
    path = running.state / "default" / f"{first['generation']:012d}.snapshot"
    body = bytearray(path.read_bytes())
    body[40] ^= 1
    path.write_bytes(body)
    answer = taught.refused("rollback", {"bank": "default", "generation": first["generation"]})
    assert code(answer) == "bad_generation" and path.exists()
    rows = taught.control("generations", {"bank": "default"})["generations"]
    assert {r["generation"]: r["valid"] for r in rows}[first["generation"]] is False


# ---- once and only once


def test_a_repeated_id_gets_the_same_answer_and_does_nothing_again(taught):
    request = command("reset", {"bank": "default"}, id_="once")
    first = taught.request("control", request)
    version = prototypes(taught)["version"]
    assert taught.request("control", request) == first
    assert prototypes(taught)["version"] == version
    other = taught.request("control", command("reset", {"bank": "default", "class": 1},
                                              id_="once"))
    assert code(other) == "bad_field"


def test_errors_of_changing_commands_are_kept_too(taught, rng):
    request = command("domain_delete", {"bank": "default", "domain": "soon"}, id_="early")
    assert code(taught.request("control", request)) == "unknown_domain"
    taught.calibrate(frame(random_probabilities(rng), domain="soon"))
    assert code(taught.request("control", request)) == "unknown_domain"
    assert prototypes(taught, "soon")["frames"] == 1


def test_queries_run_again_under_the_same_id(taught, rng):
    request = command("status", id_="again")
    first = taught.request("control", request)["result"]["banks"][0]["domains"][0]["frames"]
    taught.calibrate(frame(random_probabilities(rng)))
    again = taught.request("control", request)["result"]["banks"][0]["domains"][0]["frames"]
    assert (first, again) == (3, 4)


def test_two_clients_with_one_id_share_one_change(taught, connect):
    request = command("snapshot", id_="shared")
    others = [connect(taught.daemon) for _ in range(4)]
    answers = []

    def ask(client):
        answers.append(client.request("control", request))
    threads = [threading.Thread(target=ask, args=(c,)) for c in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({messages.pack(a) for a in answers}) == 1
    assert len(taught.control("generations", {"bank": "default"})["generations"]) == 1


def test_each_changing_command_is_an_event(taught):
    taught.subscribe("state", b"event\0")
    taught.control("reset", {"bank": "default"}, id_="seen")
    event = taught.event("command")
    assert event["v"] == 1 and event["type"] == "event" and event["stamp_ns"] > 1.6e18
    assert event["command"] == "reset"


def test_shutting_down_is_said_to_what_comes_after_sigterm(make_daemon, connect, rng):
    """A big frame in hand holds the stop open long enough to ask."""
    running = make_daemon({**settings(), "workers": {"threads": 1}}).start()
    client, other = connect(running), connect(running)
    other.control("status")
    height = round(700 / PATIENCE**2)  # a slow build holds it as long with less
    big = pack(frame(random_probabilities(rng, height=height, width=1000, sharp=0.5), seq=1))
    client.subscribe("labels")
    client.send(big)
    wait_until(lambda: other.control("streams")["streams"])
    running.process.terminate()
    seen = []
    for _ in range(2000):
        try:
            seen.append(code(other.request("control", command("status"))))
        except Exception:
            break
        if seen[-1] == "shutting_down":
            break
        if running.process.poll() is not None:
            break
    assert client.labels()[1]["seq"] == 1
    assert running.stop() == 0
    assert "shutting_down" in seen
