"""Reload: by SIGHUP and by command; what is taken over, what needs a restart, what is refused."""
import signal

import yaml

from messages import frame, random_probabilities
from sp import wait_until
from adaptation import prototypes, settings


def write(running, config):
    running.write_config(yaml.safe_dump(config))


def test_a_reload_takes_over_what_it_may_and_names_what_it_may_not(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    client.calibrate(frame(random_probabilities(rng)))
    before = prototypes(client)
    config = settings({"rule": "kl"}, guards={"max_void": 0.1})
    config["banks"]["default"]["adaptation"]["order"] = "update_first"
    config["snapshot"] = {"keep": 20}
    write(running, config)
    answer = client.control("reload")
    changed = " ".join(answer["changed"])
    for key in ("rule", "max_void", "snapshot.keep"):
        assert key in changed, answer
    assert "order" in " ".join(answer["restart"])
    assert "order" not in changed
    labels = client.calibrate(frame(random_probabilities(rng)))
    assert labels["rule"] == "kl"
    assert prototypes(client)["frames"] == before["frames"] + 1


def test_a_reload_without_changes_says_so(make_daemon, connect):
    client = connect(make_daemon(settings()).start())
    assert client.control("reload") == {"changed": [], "restart": []}


def test_a_broken_file_changes_nothing(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    running.write_config("banks:\n  default:\n    adaptation:\n      rule: kl\n      half_life: -1\n")
    answer = client.refused("reload")
    assert answer["code"] == "reload_failed" and "5:" in answer["message"]
    assert client.calibrate(frame(random_probabilities(rng)))["rule"] == "euclidean"


def test_sighup_reloads(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    write(running, settings({"rule": "kl"}))
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: client.control("status")["banks"][0]["rule"] == "kl")
    running.write_config("nonsense: [\n")
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "nonsense" in running.log() or "reload" in running.log().lower())
    assert client.calibrate(frame(random_probabilities(rng)))["rule"] == "kl"


def test_a_reload_that_changes_the_rule_ends_set_rule(make_daemon, connect, rng):
    running = make_daemon(settings({"rule": "kl"})).start()
    client = connect(running)
    client.control("set_rule", {"bank": "default", "rule": "euclidean"})
    client.control("reload")
    assert client.calibrate(frame(random_probabilities(rng)))["rule"] == "euclidean"
    write(running, settings({"rule": "euclidean"}))
    client.control("reload")
    client.control("set_rule", {"bank": "default", "rule": "euclidean"})
    write(running, settings({"rule": "kl"}))
    client.control("reload")
    assert client.calibrate(frame(random_probabilities(rng)))["rule"] == "kl"


def test_guards_protect_and_warmup_are_taken_over(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    p = random_probabilities(rng, sharp=0.7)
    client.calibrate(frame(p))
    assert client.calibrate(frame(p))["changed"] > 0
    write(running, settings({"protect": list(client.control("status")["classes"])}))
    client.control("reload")
    answer = client.calibrate(frame(p))
    assert answer["changed"] == 0 and answer["certified"] == p[0].size
    write(running, settings({"warmup_frames": 100}))
    client.control("reload")
    assert client.calibrate(frame(p))["state"] == "warmup"


def test_log_level_and_streams_are_taken_over(make_daemon, connect, rng):
    running = make_daemon(settings()).start()
    client = connect(running)
    client.calibrate(frame(random_probabilities(rng)))
    write(running, settings(stream={"want": ["argmax"]}))
    client.control("reload")
    client.subscribe("labels")
    client.send(frame(random_probabilities(rng)))
    assert "argmax" in client.labels()[1]
