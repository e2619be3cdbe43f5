"""Modes, states, orders, guards and forgetting as a client sees them (method.md)."""
import numpy as np
import pytest

from adaptation import S, START, prototypes, settings
from messages import frame, label_map, random_probabilities
from sp import wait_until


def test_adapt_commits_each_frame_and_labels_with_those_before_it(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    frames = [random_probabilities(rng) for _ in range(4)]
    answers = [client.calibrate(frame(p)) for p in frames]
    assert [a["state"] for a in answers] == ["calibrated"] * 4
    assert all(a["committed"] for a in answers)
    versions = [a["version"] for a in answers]
    assert [v - versions[0] for v in versions] == [0, 1, 2, 3]
    assert (label_map(answers[0]) == frames[0].argmax(axis=0)).all()
    now = prototypes(client)
    assert (now["frames"], now["version"]) == (4, versions[-1] + 1)
    assert now["pixels"] == 4 * frames[0][0].size == now["count"].sum()


def test_warmup_publishes_the_argmax_until_enough_frames_are_committed(make_daemon, connect, rng):
    client = connect(make_daemon(settings({"warmup_frames": 2})).start())
    p = random_probabilities(rng, sharp=1.0)
    states = [client.calibrate(frame(p)) for _ in range(4)]
    assert [a["state"] for a in states] == ["warmup", "warmup", "calibrated", "calibrated"]
    assert (label_map(states[1]) == p.argmax(axis=0)).all()
    assert states[1]["certified"] == states[1]["changed"] == 0 and states[1]["committed"]
    assert states[3]["changed"] > 0


@pytest.mark.parametrize("mode,state,committed", [("freeze", "frozen", False),
                                                  ("shadow", "shadow", True),
                                                  ("bypass", "bypass", False)])
def test_a_mode_decides_what_is_published_and_what_is_committed(make_daemon, connect, rng, mode,
                                                                state, committed):
    client = connect(make_daemon(settings()).start())
    p = random_probabilities(rng, sharp=1.0)
    client.calibrate(frame(p))
    assert client.control(mode, {"stream": "cam"})["streams"] == {"cam": state}
    answer = client.calibrate(frame(p, want=["argmax", "calibrated"]))
    assert (answer["state"], answer["committed"]) == (state, committed)
    plain = (label_map(answer) == label_map(answer, "argmax")).all()
    assert plain == (mode != "freeze")
    assert ("calibrated" in answer) == (mode == "shadow")
    if mode == "shadow":
        differ = (label_map(answer, "calibrated") != label_map(answer)).sum()
        assert answer["changed"] == differ > 0
    assert prototypes(client)["frames"] == 1 + committed
    assert client.control("resume", {"stream": "cam"})["streams"] == {"cam": "calibrated"}
    assert client.calibrate(frame(p))["state"] == "calibrated"


def test_adapt_false_labels_without_committing(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    p = random_probabilities(rng)
    first = client.calibrate(frame(p, adapt=False))
    assert (first["committed"], first["state"]) == (False, "calibrated")
    assert prototypes(client)["frames"] == 0


def test_update_first_labels_with_the_frames_own_statistics(make_daemon, connect, rng):
    p = random_probabilities(rng, sharp=1.0)
    client = connect(make_daemon(settings({"order": "update_first"})).start())
    answer = client.calibrate(frame(p, want=["argmax"]))
    assert answer["changed"] > 0 and answer["committed"]
    assert answer["version"] == prototypes(client)["version"]
    mu = prototypes(client)["sum"] / np.maximum(prototypes(client)["weight"][:, None], 1e-300)
    scores = np.einsum("kc,chw->khw", mu, p.astype(float)) - 0.5 * (mu**2).sum(1)[:, None, None]
    best = np.sort(scores, axis=0)
    sure = best[-1] - best[-2] > 1e-4
    assert (label_map(answer)[sure] == scores.argmax(axis=0)[sure]).all()


def test_max_void_labels_but_does_not_commit(make_daemon, connect, rng):
    client = connect(make_daemon(settings(guards={"max_void": 0.25})).start())
    p = random_probabilities(rng)
    p[:, :12] = np.nan
    answer = client.calibrate(frame(p))
    assert (answer["guard"], answer["committed"], answer["state"]) == ("max_void", False,
                                                                       "calibrated")
    assert answer["void"] == (label_map(answer) == 255).sum() == 12 * 32
    assert prototypes(client)["frames"] == 0


def test_min_confidence_labels_but_does_not_commit(make_daemon, connect, rng):
    client = connect(make_daemon(settings(guards={"min_confidence": 0.9})).start())
    answer = client.calibrate(frame(random_probabilities(rng, sharp=0.5)))
    assert (answer["guard"], answer["committed"]) == ("min_confidence", False)
    void = np.full((19, 4, 4), np.nan, np.float32)
    assert client.calibrate(frame(void))["guard"] == "min_confidence"


def test_max_changed_publishes_the_argmax_and_still_commits(make_daemon, connect, rng):
    client = connect(make_daemon(settings(guards={"max_changed": 0.001})).start())
    p = random_probabilities(rng, sharp=1.0)
    client.calibrate(frame(p))
    answer = client.calibrate(frame(p))
    assert (answer["guard"], answer["state"], answer["committed"]) == ("max_changed", "guarded",
                                                                       True)
    assert (label_map(answer) == p.argmax(axis=0)).all()
    assert prototypes(client)["frames"] == 2


def test_a_guard_that_trips_raises_an_event(make_daemon, connect, rng):
    client = connect(make_daemon(settings(guards={"max_void": 0.0})).start())
    client.subscribe("state", b"event\0")
    p = random_probabilities(rng)
    p[:, 0, 0] = -1
    client.calibrate(frame(p, stream="front"))
    event = client.event("guard")
    assert (event["stream"], event["guard"]) == ("front", "max_void")


def test_protected_classes_keep_their_argmax(make_daemon, connect, rng):
    client = connect(make_daemon(settings({"protect": ["person", "rider"]})).start())
    p = random_probabilities(rng, sharp=0.7)
    client.calibrate(frame(p))
    answer = client.calibrate(frame(p, want=["argmax"]))
    labels, argmax = label_map(answer), label_map(answer, "argmax")
    for protected in (11, 12):
        assert (labels[argmax == protected] == protected).all()
    assert answer["changed"] > 0
    assert prototypes(client)["thresholds"][[11, 12]].tolist() == [0, 0]


def test_ema_halves_the_past_in_half_life_frames(make_daemon, connect, rng):
    config = settings({"forgetting": "ema", "half_life": 1.0})
    client = connect(make_daemon(config).start())
    p, q = random_probabilities(rng), random_probabilities(rng)
    client.calibrate(frame(p))
    first = prototypes(client)
    client.calibrate(frame(q))
    second = prototypes(client)
    alone = connect(make_daemon(settings()).start())
    alone.calibrate(frame(q))
    other = prototypes(alone)
    np.testing.assert_allclose(second["sum"], 0.5 * first["sum"] + other["sum"], rtol=1e-12)
    np.testing.assert_allclose(second["weight"], 0.5 * first["weight"] + other["weight"],
                               rtol=1e-12)
    assert (second["count"] == first["count"] + other["count"]).all()


def test_ema_in_seconds_follows_the_stamps_and_a_jump_is_an_event(make_daemon, connect, rng):
    config = settings({"forgetting": "ema", "half_life": 2.0, "unit": "seconds"})
    client = connect(make_daemon(config).start())
    client.subscribe("state", b"event\0")
    p = random_probabilities(rng)
    weights, stamps = [], [0, 2, 1, 2000, 2002]  # back by 1 s: no time; far ahead: a new base
    for second in stamps:
        client.calibrate(frame(p, stamp_ns=START + second * S))
        weights.append(prototypes(client)["weight"].sum())
    one = weights[0]
    expected = [1, 1.5, 2.5, 3.5, 2.75]
    np.testing.assert_allclose(np.array(weights) / one, expected, rtol=1e-9)
    assert client.event("clock_jump")["stream"] == "cam"


def test_a_window_holds_exactly_the_last_frames(make_daemon, connect, rng):
    client = connect(make_daemon(settings({"forgetting": "window", "window": 3})).start())
    frames = [random_probabilities(rng) for _ in range(5)]
    for p in frames:
        client.calibrate(frame(p))
    alone = connect(make_daemon(settings()).start())
    for p in frames[-3:]:
        alone.calibrate(frame(p))
    now, last = prototypes(client), prototypes(alone)
    np.testing.assert_allclose(now["sum"], last["sum"], rtol=1e-12)
    np.testing.assert_allclose(now["weight"], last["weight"], rtol=1e-12)
    assert now["frames"] == 5 and now["count"].sum() == 5 * 24 * 32


def test_domains_of_a_bank_do_not_mix(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    p, q = random_probabilities(rng), random_probabilities(rng)
    client.calibrate(frame(p))
    assert client.calibrate(frame(q, domain="tunnel"))["domain"] == "tunnel"
    assert prototypes(client)["frames"] == prototypes(client, "tunnel")["frames"] == 1
    assert client.control("domain", {"stream": "cam", "domain": "tunnel"}) == {
        "previous": "default"}
    assert client.calibrate(frame(p))["domain"] == "tunnel"
    assert prototypes(client, "tunnel")["frames"] == 2


def test_labels_are_published_with_their_topic_and_all_their_fields(make_daemon, connect, rng):
    client = connect(make_daemon(settings(stream={"want": ["confidence"]})).start())
    client.subscribe("labels", b"front\0")
    p = random_probabilities(rng)
    client.send(frame(p, stream="frontal", seq=1))
    client.send(frame(p, stream="front", seq=9, stamp_ns=123, want=["argmax"]))
    topic, labels = client.labels()
    assert topic == "front"
    assert set(labels) == {
        "v", "type", "stream", "seq", "stamp_ns", "bank", "domain", "shape", "dtype", "labels",
        "argmax", "confidence", "state", "epoch", "version", "committed", "rule", "pixels",
        "changed", "void", "certified", "missed", "received_ns", "started_ns", "published_ns"}
    assert (labels["v"], labels["type"], labels["stream"], labels["seq"]) == (1, "labels",
                                                                              "front", 9)
    assert (labels["stamp_ns"], labels["bank"], labels["domain"]) == (123, "default", "default")
    assert (labels["shape"], labels["dtype"], labels["rule"]) == ([24, 32], "u8", "euclidean")
    assert labels["pixels"] == 24 * 32 and labels["missed"] == 0
    assert labels["received_ns"] <= labels["started_ns"] <= labels["published_ns"]
    m = p.max(axis=0).astype(float)
    expected = np.minimum(255, np.floor(255 * m + 0.5)).astype(np.uint8)
    assert (label_map(labels, "confidence") == expected).all()


def test_calibrate_answers_the_requester_alone(make_daemon, connect, rng):
    client = connect(make_daemon(settings()).start())
    client.subscribe("labels")
    p = random_probabilities(rng)
    client.calibrate(frame(p, seq=1))
    client.send(frame(p, seq=2))
    assert client.labels()[1]["seq"] == 2


def test_many_classes_have_labels_of_16_bits(make_daemon, connect, rng):
    config = {**settings(), "model": {"name": "wide", "classes": 300}}
    client = connect(make_daemon(config).start())
    p = random_probabilities(rng, classes=300, height=5, width=7)
    p[:, 0, 0] = np.inf
    answer = client.calibrate(frame(p))
    labels = label_map(answer)
    assert (answer["dtype"], labels.dtype, labels[0, 0]) == ("u16", np.uint16, 65535)
    expected = p.argmax(axis=0)
    expected[0, 0] = 65535
    assert (labels == expected).all()


def test_a_mask_keeps_pixels_out_of_the_statistics(make_daemon, connect, rng):
    image = pytest.importorskip("PIL.Image")
    running = make_daemon()
    path = running.top / "mask.png"
    mask = np.full((24, 32), 255, np.uint8)
    mask[16:] = 0
    image.fromarray(mask).save(path)
    running.write_config(__import__("yaml").safe_dump(settings(stream={"mask": str(path)})))
    client = connect(running.start())
    p = random_probabilities(rng)
    assert client.calibrate(frame(p))["committed"]
    assert prototypes(client)["pixels"] == 16 * 32
    answer = client.calibrate(frame(random_probabilities(rng, height=25)))
    assert (answer["guard"], answer["committed"]) == ("mask", False)
    wait_until(lambda: prototypes(client)["frames"] == 1)
