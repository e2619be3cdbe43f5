"""Random sequences of frames, commands and restarts, to the daemon and to its model alike. After
each step the daemon's answer must be the model's, and at the end so must all its state."""
import os

import hypothesis.strategies as st
import numpy as np
import yaml
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import messages
from daemon import Daemon as Process
from material import CLASSES, FAULTS, LOADS, SAMPLES, message
from model import BANKS, Daemon as Model, Refused, nested
from peer import Peer
from sp import wait_until

# Thousands of daemons are not to wait for a disk: crash tests see to that.
PLACE = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"

S = 10**9
START = 1_700_000_000 * S
MAX = 2**64 - 1

TOTALS = {"sequences checked": 0, "model steps": 0, "restarts in sequences": 0}

# ---- What is drawn.

streams = st.sampled_from(["front", "left", "right", "rear"])  # with sync, one more than may be
domains = st.sampled_from([None, None, "default", "day", "night", "fog"])
domain_names = st.sampled_from(["day", "night", "fog", "default"])
banks = st.sampled_from(BANKS)
samples = st.sampled_from(range(len(SAMPLES)))
ways = st.sampled_from(["ask", "cam", "spare"])
twice = st.booleans()

SEQS = {
    "next": lambda last: last + 1, "gap": lambda last: last + 4, "same": lambda last: last,
    "back": lambda last: max(0, last - 3), "zero": lambda last: 0, "one": lambda last: 1,
    "far": lambda last: last + 2**31 + 1, "edge": lambda last: last + 2**31,
    "top": lambda last: MAX,
}
seqs = st.sampled_from(["next"] * 6 + list(SEQS))
STAMPS = {
    "second": lambda now: now + S, "half": lambda now: now + S // 2, "again": lambda now: now,
    "back": lambda now: now - S, "years": lambda now: now + 10**9 * S, "limit": lambda now:
    now + 600 * S, "jump": lambda now: now + 600 * S + 1, "past": lambda now: now - 3600 * S,
    "none": lambda now: 0, "end": lambda now: MAX, "start": lambda now: START,
}
stamps = st.sampled_from(["second"] * 4 + list(STAMPS))

KEYS = {  # of a bank; what a sequence starts with, and what a reload or a restart changes
    "adaptation.rule": ["euclidean", "kl"],
    "adaptation.forgetting": ["cumulative", "ema", "window"],
    "adaptation.half_life": [1.0, 0.5, 3.0],
    "adaptation.unit": ["frames", "seconds"],
    "adaptation.window": [3, 1, 2, 5],
    "adaptation.order": ["predict_first", "update_first"],
    "adaptation.warmup_frames": [0, 1, 2],
    "guards.max_void": [None, 0.5],
    "guards.max_changed": [None, 0.25],
}
CHOICES = {f"banks.{bank}.{key}": values for bank in BANKS for key, values in KEYS.items()} | {
    "streams.default.bank": ["default", "rear"],
    "streams.front.bank": ["default", "rear"],
    "streams.front.mode": ["adapt", "freeze", "shadow", "bypass"],
    "streams.accept_unnamed": [True, False],
    "snapshot.keep": [3, 1, 2],
}
FIXED = {f"banks.{bank}.guards.min_confidence": None for bank in BANKS} | {
    "banks.default.domains": 3, "banks.rear.domains": 2,
    "streams.default.mode": "adapt", "streams.sync.bank": "default", "streams.sync.mode": "adapt",
    "limits.streams": 4,
    "snapshot.interval_s": 31536000, "snapshot.keep_hourly": 0, "snapshot.keep_daily": 0}
LATER = [key for key in CHOICES if not key.endswith(".bank")]
changes = st.lists(st.sampled_from(LATER).flatmap(
    lambda key: st.tuples(st.just(key), st.sampled_from(CHOICES[key]))), max_size=2)

PLAIN = {"model": {"classes": CLASSES}, "workers": {"threads": 1}, "log": {"level": "warning"}}


class Sequences(RuleBasedStateMachine):
    """One sequence: a daemon over an empty state directory, from its start to its end."""

    def __init__(self):
        super().__init__()
        self.process = self.model = None
        self.peers, self.kept, self.next_id, self.stamp = {}, [], 0, START
        self.sound = True  # no step failed

    # ---- The two sides.

    @initialize(settings=st.fixed_dictionaries({k: st.sampled_from(v) for k, v in CHOICES.items()}))
    def start(self, settings):
        self.model = Model(FIXED | settings)
        self.process = Process(place=PLACE)
        self.write_config()
        self.process.start()

    def check_invariants(self, *arguments):
        """hypothesis calls it after each step."""
        TOTALS["model steps"] += 1
        super().check_invariants(*arguments)

    def write_config(self):
        self.process.config.write_text(yaml.safe_dump(PLAIN | nested(self.model.file),
                                                      default_flow_style=None))

    def peer(self, name):
        if name not in self.peers:
            if name == "cam" or name == "spare":
                self.peer("labels")
            socket = {"cam": "frames", "spare": "frames", "ask": "calibrate",
                      "other": "control"}.get(name, name)
            self.peers[name] = Peer(str(self.process.runtime), socket)
            if name == "labels":  # a request behind its greeting: by the answer it subscribes
                self.query("status")
        return self.peers[name]

    def check(self, condition, *what):
        if not condition:
            self.sound = False
            raise AssertionError(" ".join(str(w) for w in what))

    def same(self, got, want, what):
        if isinstance(got, dict) and isinstance(want, dict) and got.keys() == want.keys():
            for key in got:
                self.same(got[key], want[key], f"{what}, {key}")
        elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
            for i, pair in enumerate(zip(got, want)):
                self.same(*pair, f"{what}, {i}")
        elif isinstance(got, bytes) and isinstance(want, bytes) and got != want:
            self.same(repr(np.frombuffer(got)), repr(np.frombuffer(want)), what)
        self.check(got == want, f"{what}:\n  daemon {got}\n  model  {want}")

    # ---- Commands.

    def query(self, name, args=None):
        body = messages.pack(messages.command(name, args, id_="query"))
        return messages.unpack(self.peer("control").request(body))

    def command(self, name, args, model, both=False):
        """Sends it (twice at once, by two connections) and compares the answers with what
        model() returns or refuses."""
        self.next_id += 1
        body = messages.pack(messages.command(name, args, id_=f"id-{self.next_id}"))
        connections = ["control", "other"] if both else ["control"]
        for connection in connections:
            self.peer(connection).push(body)
        answers = [self.peer(connection).take() for connection in connections]
        self.same(answers[-1], answers[0], f"{name} sent twice")
        self.kept.append((body, answers[0]))
        self.compare(name, messages.unpack(answers[0]), model)

    def compare(self, name, answer, model):
        try:
            want = model()
        except Refused as refused:
            self.same(answer.get("code", answer), refused.code, name)
            return
        self.check(answer["type"] == "result", name, "was refused:", answer)
        got = answer["result"]
        for row in got.get("snapshots", []):
            row.pop("bytes")
        for key in ("changed", "restart"):
            if key in got:
                got[key].sort()
        self.same(got, want, name)

    @rule(mode=st.sampled_from(["freeze", "resume", "shadow", "bypass"]),
          stream=st.sampled_from([None, "front", "left", "right"]), both=twice)
    def set_mode(self, mode, stream, both):
        word = "adapt" if mode == "resume" else mode
        self.command(mode, {"stream": stream} if stream else None,
                     lambda: self.model.set_mode(word, stream), both)

    @rule(stream=streams, domain=domain_names, both=twice)
    def set_domain(self, stream, domain, both):
        self.command("domain", {"stream": stream, "domain": domain},
                     lambda: self.model.set_domain(stream, domain), both)

    @rule(bank=banks, name=st.sampled_from(["kl", "euclidean", "magic"]), both=twice)
    def set_rule(self, bank, name, both):
        self.command("set_rule", {"bank": bank, "rule": name},
                     lambda: self.model.set_rule(bank, name), both)

    @rule(bank=banks, domain=domains, class_=st.sampled_from([None, None, 0, 1, "class_2"]),
          both=twice)
    def reset(self, bank, domain, class_, both):
        args = {"bank": bank, "domain": domain, "class": class_}
        index = 2 if class_ == "class_2" else class_
        self.command("reset", {k: v for k, v in args.items() if v is not None},
                     lambda: self.model.reset(bank, domain, index), both)

    @rule(bank=banks, domain=domain_names, load=st.sampled_from(range(len(LOADS))),
          frames=st.integers(0, 5), mode=st.sampled_from(["replace", "add"]), both=twice)
    def load_statistics(self, bank, domain, load, frames, mode, both):
        one = LOADS[load]
        self.command("load_statistics", {
            "bank": bank, "domain": domain, "sum": one.S.tobytes(), "weight": one.w.tobytes(),
            "count": one.n.tobytes(), "frames": frames, "mode": mode},
            lambda: self.model.load_statistics(bank, domain, one, frames, mode), both)

    @rule(bank=banks, domain=domain_names, both=twice)
    def domain_delete(self, bank, domain, both):
        self.command("domain_delete", {"bank": bank, "domain": domain},
                     lambda: self.model.domain_delete(bank, domain), both)

    @rule(bank=st.sampled_from([None, "default", "rear", "nowhere"]), both=twice)
    def snapshot(self, bank, both):
        self.command("snapshot", {"bank": bank} if bank else None,
                     lambda: self.model.snapshot(bank), both)

    @rule(bank=banks, back=st.integers(0, 3), exists=st.sampled_from([True, True, False]),
          both=twice)
    def rollback(self, bank, back, exists, both):
        files = sorted(self.model.disk[bank]["files"])
        number = max(1, self.model.disk[bank]["last"] - back)
        number = files[-1 - back % len(files)] if exists and files else number
        self.command("rollback", {"bank": bank, "generation": number},
                     lambda: self.model.rollback(bank, number), both)

    @rule(changed=changes, both=twice)
    def reload(self, changed, both):
        self.model.file.update(changed)
        self.write_config()
        self.command("reload", None, self.model.reload, both)

    @rule()
    def reload_of_a_broken_file(self):
        def refused():
            raise Refused("reload_failed")
        self.process.config.write_text("banks: [\n")
        self.command("reload", None, refused)
        self.write_config()

    @rule(name=st.sampled_from(["reset", "generations", "explode", "rollback"]))
    def wrong_command(self, name):
        def refused():
            raise Refused({"explode": "unknown_command", "rollback": "missing_field"}.get(
                name, "unknown_bank"))
        self.command(name, {"bank": "nowhere"}, refused)
        self.kept.pop()

    @rule(back=st.integers(0, 5), other=st.booleans())
    def ask_again(self, back, other):
        """An earlier command under its own id; or another under that id."""
        if not self.kept:
            return
        body, answer = self.kept[-1 - back % len(self.kept)]
        if other:
            body = messages.pack({**messages.unpack(body), "extra": 1})
            got = messages.unpack(self.peer("control").request(body))
            self.same(got.get("code"), "bad_field", "another request under a used id")
        else:
            self.same(self.peer("other").request(body), answer, "the same request again")

    # ---- Frames.

    def next_frame(self, way, stream, sample, seq, stamp):
        """Seq and stamp of the sender's next frame, and its message. Scores go to askers only."""
        last = self.model.places.get((way, stream), 9)
        number = SEQS[seq](last)
        number = number if number <= MAX else 0
        self.stamp = min(max(STAMPS[stamp](self.stamp), 0), MAX)
        want = ["scores"] if way == "ask" else None
        return number, message(SAMPLES[sample], stream, number, self.stamp, want=want)

    def compare_labels(self, got, want):
        """`want`: the model's (label())."""
        maps, certain = want.pop("maps"), want.pop("certain")
        scores, slack = want.pop("scores")
        if "scores" in got:
            sent = np.frombuffer(got["scores"], np.float32).reshape(scores.shape)
            near = np.isclose(sent, scores, rtol=0, atol=slack, equal_nan=True)
            self.check(near.all(), f"scores differ:\n{sent}\n{scores}")
        labels = np.frombuffer(got["labels"], np.uint8).reshape(got["shape"]).astype(int)
        if not certain:  # scores nearly tie: the guard, and what follows from it, may go either way
            for key in ("guard", "state", "changed"):
                want.pop(key)
        for key, value in want.items():
            self.same(got.get(key), value, f"{key} of frame {got['seq']} of {got['stream']}")
        if certain or got.get("guard") != "max_changed":
            label, sure = maps
            differ = (labels != np.where(label < 0, 255, label)) & sure
            self.check(not differ.any(), f"labels differ:\n{labels}\n{label}\n{sure}")

    def labelled(self, got, stream, sample, **options):
        """The model labels the frame whose labels came, and both are compared."""
        want = self.model.label(stream, SAMPLES[sample], self.stamp, **options)
        certain = want["certain"]
        self.check(got["type"] == "labels", "no labels:", got)
        self.compare_labels(got, want)
        if not certain:
            stream.last_state = got["state"]

    def published(self, stream):
        topic, labels = messages.split(self.peer("labels").take())
        self.same(topic, stream, "the labels' topic")
        return labels

    def synchronise(self, way):
        """A frame behind the last one of a connection, and its labels: that one was received."""
        if way == "ask":
            return
        number, body = self.next_frame(way, "sync", 0, "next", "again")
        body["adapt"] = False
        self.peer(way).push(messages.pack(body))
        stream = self.model.frame(way, "sync", number)
        self.labelled(self.published("sync"), stream, 0, adapt=False)

    @rule(way=ways, stream=streams, sample=samples, seq=seqs, stamp=stamps, domain=domains,
          adapt=st.sampled_from([None, None, True, False]))
    def frame(self, way, stream, sample, seq, stamp, domain, adapt):
        number, body = self.next_frame(way, stream, sample, seq, stamp)
        body |= {k: v for k, v in {"domain": domain, "adapt": adapt}.items() if v is not None}
        self.peer(way).push(messages.pack(body))
        answer = messages.unpack(self.peer(way).take()) if way == "ask" else None
        try:
            row = self.model.frame(way, stream, number, domain)
        except Refused as refused:
            if answer:
                self.same(answer.get("code", "labels"), refused.code, "the refusal")
            self.synchronise(way)
            return
        self.labelled(answer or self.published(stream), row, sample, domain=domain,
                      adapt=adapt is not False)

    @rule(stream=streams, sample=samples, domain=domains)
    def learnt_and_taken_back(self, stream, sample, domain):
        if stream in self.model.streams:
            bank = self.model.streams[stream].bank.name
            self.snapshot(bank, False)
            self.plain_frame(stream, sample, domain)
            self.rollback(bank, 0, True, False)

    @rule(stream=streams, sample=samples, name=st.sampled_from(["kl", "euclidean"]))
    def another_rule_between_frames(self, stream, sample, name):
        self.plain_frame(stream, sample, None)
        if stream in self.model.streams:
            self.set_rule(self.model.streams[stream].bank.name, name, False)
            self.plain_frame(stream, sample, None)

    # Frames teach; a sequence without any shows little.
    @rule(stream=streams, sample=samples, domain=domains)
    def plain_frame(self, stream, sample, domain):
        self.frame("ask", stream, sample, "next", "second", domain, None)

    @rule(stream=streams, sample=samples, domain=st.sampled_from(["day", "night", "fog"]))
    def domain_that_comes_again(self, stream, sample, domain):
        self.plain_frame(stream, sample, domain)
        bank = self.model.streams[stream].bank.name if stream in self.model.streams else "rear"
        self.domain_delete(bank, domain, False)
        self.plain_frame(stream, sample, domain)

    @rule(way=ways, stream=streams, fault=st.sampled_from(sorted(FAULTS)), seq=seqs)
    def refused_frame(self, way, stream, fault, seq):
        number, body = self.next_frame(way, stream, 0, seq, "again")
        self.peer(way).push(messages.pack(FAULTS[fault][2](body)))
        answer = messages.unpack(self.peer(way).take()) if way == "ask" else None
        try:
            self.model.frame(way, stream, number, fault=fault)
        except Refused as refused:
            if answer:
                self.same(answer.get("code", "labels"), refused.code, "the refusal")
        self.synchronise(way)

    @rule(way=ways)
    def garbage(self, way):
        self.peer(way).push(b"\x93garbage")
        if way == "ask":
            self.same(messages.unpack(self.peer(way).take())["code"], "malformed", "garbage")
        self.synchronise(way)

    @rule(stream=streams, sample=samples, domain=domains)
    def frame_with_a_short_deadline(self, stream, sample, domain):
        """Which comes first, the deadline or its turn, is the daemon's to say."""
        number, body = self.next_frame("ask", stream, sample, "next", "second")
        body |= {"deadline_ns": 1} | ({"domain": domain} if domain else {})
        answer = messages.unpack(self.peer("ask").request(messages.pack(body)))
        try:
            row = self.model.frame("ask", stream, number, domain)
        except Refused as refused:
            self.same(answer.get("code", "labels"), refused.code, "the refusal")
            return
        if answer.get("code") == "deadline":
            self.model.drop(row)
        else:
            self.labelled(answer, row, sample, domain=domain)

    @rule(way=st.sampled_from(["cam", "spare"]), stream=streams,
          chosen=st.lists(samples, min_size=2, max_size=3))
    def burst(self, way, stream, chosen):
        """Frames on each other's heels; which are dropped is the daemon's to say, but each is
        labelled or dropped, in order, the newest is labelled, and none is committed unsaid."""
        bodies, rows = {}, []
        for sample in chosen:
            number, body = self.next_frame(way, stream, sample, "next", "again")
            bodies[number] = sample
            self.peer(way).push(messages.pack(body))
            try:
                rows.append(self.model.frame(way, stream, number))
            except Refused:
                self.synchronise(way)
        if not rows:
            return
        row, ends = rows[0], rows[0].labelled + rows[0].dropped + len(rows)

        def ended():
            now = self.stream_rows().get(stream)
            return now and now["labelled"] + now["dropped"] == ends and now
        now = wait_until(ended, step=0.001)
        for _ in range(now["dropped"] - row.dropped):
            self.model.drop(row)
        missed, row.missed, seen = row.missed, 0, []
        for _ in range(now["labelled"] - row.labelled):
            labels = self.published(stream)
            seen.append(labels["seq"])
            missed -= labels.pop("missed")
            labels["missed"] = 0
            self.labelled(labels, row, bodies[seen[-1]])
        self.same(missed, 0, "frames missed but not said")
        self.check(seen == sorted(seen) and seen[-1] == max(bodies), "order of", seen)

    # ---- Connections and restarts.

    @rule(way=ways)
    def reconnect(self, way):
        if way in self.peers:
            self.peers.pop(way).close()
            self.model.connection_lost(way)

    def hang_up(self):
        for peer in self.peers.values():
            peer.close()
        self.peers, self.kept = {}, []

    @rule(kill=st.booleans(), changed=changes, broken=st.sampled_from([None, None, None, *BANKS]))
    def restart(self, kill, changed, broken):
        """SIGTERM or SIGKILL, perhaps a newest file that no longer reads, and another start."""
        TOTALS["restarts in sequences"] += 1
        self.hang_up()
        if kill:
            self.process.process.kill()
            self.process.process.wait()
            self.process.kill()
        else:
            self.same(self.process.stop(), 0, "exit status")
            self.model.terminate()
        if broken and self.model.disk[broken]["files"]:
            newest = max((self.process.state / broken).glob("*.snapshot"))
            newest.write_bytes(newest.read_bytes()[:-1])
            self.model.break_newest(broken)
        self.model.file.update(changed)
        self.write_config()
        self.process.start()
        self.model.start()

    # ---- The whole state.

    def stream_rows(self):
        rows = self.query("streams")["result"]["streams"]
        return {row.pop("name"): row for row in rows}

    @rule(bank=banks, domain=domains)
    def prototypes(self, bank, domain):
        args = {"bank": bank} | ({"domain": domain} if domain else {})
        answer = self.query("prototypes", args)
        answer.get("result", {}).pop("thresholds", None)
        self.compare("prototypes", answer, lambda: self.model.prototypes_of(bank, domain))

    @rule()
    def state(self):
        status = self.query("status")["result"]
        self.same(status["banks"], self.model.bank_rows(), "banks")
        rows = {row.pop("name"): row for row in status["streams"]}
        for row in rows.values():
            latency = row.pop("latency_us")
            by, stages, gap = row.pop("dropped_by"), row.pop("stages_us"), row.pop("gap_us")
            self.check(sum(by.values()) == row["dropped"], by)
            self.check({one["count"] for one in stages.values()} == {row["labelled"]}, stages)
            self.check(gap["count"] <= row["labelled"], gap)
            self.check(latency["p50"] <= latency["p99"] <= latency["max"] < 60 * 10**6, latency)
        self.same(rows, self.model.stream_rows(), "streams")
        newest = {b: max(self.model.disk[b]["files"], default=None) for b in BANKS}
        self.same({r["bank"]: r["generation"] for r in status["snapshots"]},
                  {b: n for b, n in newest.items() if n}, "newest generations")
        for bank in BANKS:
            listed = self.query("generations", {"bank": bank})["result"]["generations"]
            kept = [{k: r[k] for k in ("generation", "frames", "valid")} for r in listed]
            self.same(kept, self.model.generations(bank), f"generations of {bank}")
            if newest[bank]:
                self.compare_file(bank, newest[bank])

    def compare_file(self, bank, number):
        """A generation as any msgpack library reads it, slots of windows and stamps too."""
        body = (self.process.state / bank / f"{number:012d}.snapshot").read_bytes()[24:]
        got = [{**row, "window_sets": row.get("window_sets", [])}
               for row in messages.unpack(body)["domains"]]
        for row in got:
            row.pop("extra", None)
            for one in row["window_sets"]:
                one.pop("extra", None)
        self.same(got, self.model.file_rows(bank, number), f"generation {number} of {bank}")

    def end(self):
        """SIGTERM, and what it leaves on disk."""
        self.hang_up()
        self.same(self.process.stop(), 0, "exit status")
        self.model.terminate()
        for bank in BANKS:
            files = self.model.disk[bank]["files"]
            found = (self.process.state / bank).glob("*.snapshot")
            self.same(sorted(int(p.name.split(".")[0]) for p in found), sorted(files),
                      f"files of {bank}")
            if files:
                self.compare_file(bank, max(files))

    def teardown(self):
        if self.process is None:
            return
        try:
            if self.sound and self.model:
                self.state()
                for bank in self.model.banks.values():
                    for domain in bank.domains:
                        self.prototypes(bank.name, domain)
                self.end()
                TOTALS["sequences checked"] += 1
        finally:
            self.hang_up()
            self.process.close()
