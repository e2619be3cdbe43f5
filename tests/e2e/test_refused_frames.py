"""Every way a frame can be wrong: its code on `calibrate`, a counter on `frames`, and no trace in
the statistics (protocol.md, "error")."""
import numpy as np
import msgpack
import pytest

import messages
from messages import frame, pack, random_probabilities
from sp import wait_until

H, W = 6, 8


def probabilities(classes=19, height=H, width=W):
    return random_probabilities(np.random.default_rng(7), classes, height, width)


def good(**extra):
    return frame(probabilities(), **extra)


def tensor(**changes):
    """A good frame whose tensor map has `changes` (None removes a key)."""
    message = good()
    message["tensor"].update(changes)
    message["tensor"] = {k: v for k, v in message["tensor"].items() if v is not None}
    return message


def with_topic(topic, message=None):
    return topic + b"\0" + pack(message or good())


DATA = probabilities().tobytes()
DEEP = {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}
DUPLICATE = b"\x82" + pack("v") + pack(1) + pack("v") + pack(1)

REFUSED = {
    # malformed
    "nothing at all": (b"\x00", "malformed"),
    "not a map": (pack([1, 2, 3]), "malformed"),
    "a byte after the map": (pack(good()) + b"\xc0", "malformed"),
    "the last byte is missing": (pack(good())[:-1], "malformed"),
    "a duplicate key": (DUPLICATE, "malformed"),
    "nine levels": (good(extra=DEEP), "malformed"),
    "257 entries": (good(**{f"k{i}": i for i in range(260)}), "malformed"),
    "an array of 1025": (good(extra=[0] * 1025), "malformed"),
    "64 KiB outside the bins": (good(extra="x" * 66000), "malformed"),
    "an array of 2^26 announced": (b"\x81" + pack("v") + b"\xdd\x04\x00\x00\x00", "malformed"),
    "a key that is a number": (b"\x81\x01\x01", "malformed"),
    # version
    "version 2": (good(v=2), "unsupported_version"),
    "no version": (good(v=None), "missing_field"),
    # missing
    "no type": (good(type=None), "missing_field"),
    "no stream": (good(stream=None), "missing_field"),
    "no seq": (dict((k, v) for k, v in good().items() if k != "seq"), "missing_field"),
    "no stamp": (good(stamp_ns=None), "missing_field"),
    "no tensor": (good(tensor=None), "missing_field"),
    "no shape": (tensor(shape=None), "missing_field"),
    "no layout": (tensor(layout=None), "missing_field"),
    "no tensor type": (tensor(type=None), "missing_field"),
    "no kind": (tensor(kind=None), "missing_field"),
    "neither data nor ring": (tensor(data=None), "missing_field"),
    # bad fields
    "another type of message": (good(type="labels"), "bad_field"),
    "a stream with a blank": (good(stream="my cam"), "bad_field"),
    "a stream with a NUL": (good(stream="cam\0"), "bad_field"),
    "a stream that begins with a dot": (good(stream=".cam"), "bad_field"),
    "a stream of 65 bytes": (good(stream="c" * 65), "bad_field"),
    "an empty stream": (good(stream=""), "bad_field"),
    "a stream that is a number": (good(stream=7), "bad_field"),
    "a stream that is binary": (good(stream=b"cam"), "bad_field"),
    "a negative seq": (good(seq=-1), "bad_field"),
    "a seq that is a float": (good(seq=1.0), "bad_field"),
    "a negative stamp": (good(stamp_ns=-5), "bad_field"),
    "adapt that is a number": (good(adapt=1), "bad_field"),
    "a domain with a slash": (good(domain="a/b"), "bad_field"),
    "want that is not a list": (good(want="argmax"), "bad_field"),
    "an unknown want": (good(want=["argmax", "heat"]), "bad_field"),
    "a deadline of 0": (good(deadline_ns=0), "bad_field"),
    "a deadline that is a float": (good(deadline_ns=1e6), "bad_field"),
    "out_shape of one side": (good(out_shape=[12]), "bad_field"),
    "out_shape below the tensor's": (good(out_shape=[H - 1, W]), "bad_field"),
    "out_shape of text": (good(out_shape="12x16"), "bad_field"),
    "an unknown layout": (tensor(layout="CWH"), "bad_field"),
    "an unknown tensor type": (tensor(type="f64"), "bad_field"),
    "an unknown kind": (tensor(kind="scores"), "bad_field"),
    "data that is text": (tensor(data="x" * len(DATA)), "bad_field"),
    "a topic by request": (with_topic(b"cam"), "malformed"),
    # tensors
    "a shape of two": (tensor(shape=[19, H * W]), "bad_tensor"),
    "a shape of four": (tensor(shape=[1, 19, H, W]), "bad_tensor"),
    "a zero side": (tensor(shape=[19, 0, W], data=b""), "bad_tensor"),
    "a negative side": (tensor(shape=[19, -6, W]), "bad_tensor"),
    "a byte too few": (tensor(data=DATA[:-1]), "bad_tensor"),
    "a byte too many": (tensor(data=DATA + b"\0"), "bad_tensor"),
    "a shape whose product overflows": (tensor(shape=[2**31, 2**31, 2**31]), "bad_tensor"),
    "logits in u8": (tensor(type="u8", kind="logits", data=DATA[:19 * H * W]), "bad_tensor"),
    "one class": (frame(np.ones((1, H, W), np.float32)), "bad_tensor"),
    "1025 classes": (frame(np.zeros((1025, 1, 1), np.float32)), "bad_tensor"),
    # limits, model, names
    "out_shape beyond 8192": (good(out_shape=[8193, W]), "too_large"),
    "more pixels than allowed": (good(out_shape=[8192, 8192]), "too_large"),
    "18 classes": (frame(probabilities(18)), "wrong_classes"),
    # rings come later
    "a ring nobody attached": (tensor(data=None, ring={"id": 1, "slot": 0, "generation": 2}),
                               "ring_unknown"),
}


@pytest.fixture
def running(make_daemon):
    return make_daemon().start()


def status(client):
    return client.control("status")


def untouched(client):
    """No stream, no statistics, no domain came of it."""
    now = status(client)
    assert now["streams"] == []
    assert [d["frames"] for b in now["banks"] for d in b["domains"]] == [0]


def test_every_refusal_on_calibrate_has_its_code_and_changes_nothing(running, connect):
    client = connect(running)
    wrong = {}
    for name, (message, code) in REFUSED.items():
        answer = client.calibrate(message)
        if (answer.get("type"), answer.get("code")) != ("error", code):
            wrong[name] = (answer.get("code", answer.get("state")), answer.get("message"))
        else:
            assert answer["v"] == 1 and answer["message"], name
    assert wrong == {}
    untouched(client)


def test_an_error_names_the_stream_and_seq_where_they_could_be_read(running, connect):
    answer = connect(running).calibrate(tensor(type="f64") | {"stream": "front", "seq": 41})
    assert (answer["stream"], answer["seq"]) == ("front", 41)
    assert "type" in answer["message"]


def test_scores_are_refused_on_frames_and_when_they_are_too_many(running, connect):
    client = connect(running)
    answer = client.calibrate(good(want=["scores"], out_shape=[2048, 2048]))
    assert answer["code"] == "bad_field"
    client.send(good(want=["scores"], stream="never"))
    client.send(good(stream="after"))
    wait_until(lambda: [s["name"] for s in status(client)["streams"]] == ["after"])


def test_refusals_on_frames_are_counted_by_reason_and_change_nothing(make_daemon, connect):
    import urllib.request
    running = make_daemon(http=True).start()
    client = connect(running)
    expected = {}
    on_frames = dict(REFUSED)
    del on_frames["a topic by request"]
    on_frames["a topic that is not the stream"] = (with_topic(b"other"), "bad_field")
    on_frames["a topic without an end"] = (b"cam" * 30, "malformed")
    for message, code in on_frames.values():
        client.send(message)
        expected[code] = expected.get(code, 0) + 1

    def counted():
        text = urllib.request.urlopen(running.http + "/metrics", timeout=5).read().decode()
        counts = {}
        for line in text.splitlines():
            if line.startswith("labelcal_frames_refused_total{"):
                reason = line.split('reason="')[1].split('"')[0]
                if float(line.split()[-1]):
                    counts[reason] = int(float(line.split()[-1]))
        return counts == expected and counts

    wait_until(counted)
    assert [d["frames"] for b in status(client)["banks"] for d in b["domains"]] == [0]
    assert "refused" in running.log()


def test_a_ring_reference_is_looked_up_before_anything_else_of_the_frame(running, connect):
    message = good(stamp_ns=None)
    message["tensor"] = {"ring": {"id": 5, "slot": 1, "generation": 2}}
    assert connect(running).calibrate(message)["code"] == "ring_unknown"


def test_data_and_ring_together_are_refused(running, connect):
    message = good()
    message["tensor"]["ring"] = {"id": "x", "slot": 0, "generation": 2}
    assert connect(running).calibrate(message)["code"] == "bad_field"


def test_unknown_keys_are_ignored(running, connect):
    message = good(exposure_us=250, lens={"k": [1, 2.5, None]})
    message["tensor"]["comment"] = "padding"
    assert connect(running).calibrate(message)["type"] == "labels"


def test_integers_of_any_msgpack_width_are_taken(running, connect):
    packer = msgpack.Packer(use_bin_type=True)
    body = pack(good(seq=5))
    wide = body.replace(pack("seq") + pack(5), pack("seq") + b"\xd3" + (5).to_bytes(8, "big"))
    assert wide != body and packer is not None
    answer = connect(running).calibrate(wide)
    assert (answer["type"], answer["seq"]) == ("labels", 5)


def test_an_unnamed_stream_is_refused_when_the_configuration_says_so(make_daemon, connect):
    config = {"streams": {"accept_unnamed": False, "front": {"mode": "shadow"}}}
    client = connect(make_daemon(config).start())
    assert client.calibrate(good(stream="rear"))["code"] == "unknown_stream"
    assert client.calibrate(good(stream="front"))["state"] == "shadow"


def test_streams_and_domains_have_limits(make_daemon, connect):
    config = {"limits": {"streams": 2}, "banks": {"default": {"domains": 2}}}
    client = connect(make_daemon(config).start())
    assert client.calibrate(good(stream="a"))["type"] == "labels"
    assert client.calibrate(good(stream="b", domain="night"))["domain"] == "night"
    assert client.calibrate(good(stream="c"))["code"] == "too_many_streams"
    assert client.calibrate(good(stream="a", domain="third"))["code"] == "too_many_domains"
    assert [s["name"] for s in status(client)["streams"]] == ["a", "b"]


def test_a_frame_may_carry_its_streams_name_as_topic(running, connect):
    client = connect(running)
    client.send(with_topic(b"cam", good(stream="cam")))
    wait_until(lambda: [s["labelled"] for s in status(client)["streams"]] == [1])
    assert messages.unpack(pack(good()))["type"] == "frame"
