"""labelcald's state as docs/protocol.md and docs/method.md state it: banks, domains, versions,
generations, modes, rules, sequences, counters. Small, plain, and without a thought of speed.

Every method that a message would call returns what the daemon must answer. A refusal is a Refused
with the code. What cannot be foretold (epochs, times, bytes) is left to the machine."""
import numpy as np

import oracle
from material import CLASSES, FAULTS, PIXELS
from sums import Domain

SEQ_JUMP = 2**31
STATES = {"freeze": "frozen", "shadow": "shadow", "bypass": "bypass"}


class Refused(Exception):
    """The daemon answers an error with this code."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


# ---- Configuration: {key: value}, every key that a sequence changes, written out.

BANKS = ("default", "rear")
RESTART_KEYS = ("forgetting", "order", "unit", "window", "mode")


def needs_restart(key):
    return key.rsplit(".", 1)[-1] in RESTART_KEYS


def nested(flat):
    """The configuration file's map of {dotted key: value}."""
    top = {}
    for key, value in flat.items():
        *path, leaf = key.split(".")
        place = top
        for name in path:
            place = place.setdefault(name, {})
        place[leaf] = value
    return top


class Stream:
    COUNTERS = ("received", "labelled", "dropped", "lost", "refused", "duplicates")

    def __init__(self, name, bank, mode):
        self.name, self.bank, self.mode = name, bank, mode
        self.domain, self.missed, self.last_state = "default", 0, None
        self.counters = dict.fromkeys(self.COUNTERS, 0)

    def __getattr__(self, name):  # stream.lost reads as it is meant
        try:
            return self.__dict__["counters"][name]
        except KeyError:
            raise AttributeError(name) from None

    def add(self, counter, number=1):
        self.counters[counter] += number


class Bank:
    def __init__(self, name, model):
        self.name, self.model = name, model
        self.domains, self.graves = {}, {}
        self.rule, self.rule_set = self.setting("adaptation.rule"), False
        self.dirty = False
        self.domain("default", create=True)

    def setting(self, key):
        return self.model.live[f"banks.{self.name}.{key}"]

    @property
    def adaptation(self):
        return {key: self.setting("adaptation." + key)
                for key in ("forgetting", "unit", "half_life", "window")}

    # ---- Domains.

    def room(self, name):
        if name not in self.domains and len(self.domains) >= self.setting("domains"):
            raise Refused("too_many_domains")

    def domain(self, name, create=False):
        """The domain; one that comes again goes on above the version of its grave."""
        if name not in self.domains:
            if not create:
                raise Refused("unknown_domain")
            self.room(name)
            grave = self.graves.get(name, 0)
            self.domains[name] = Domain(CLASSES, self.adaptation, grave + 1 if grave else 0)
        return self.domains[name]

    # ---- Generations. `disk` outlives the daemon.

    @property
    def disk(self):
        return self.model.disk[self.name]

    def next_generation(self):
        self.disk["last"] += 1
        return self.disk["last"]

    def write(self, number=None):
        """A durable generation of the domains as they are now; those beyond `keep` go."""
        number = number or self.next_generation()
        files = self.disk["files"]
        self.disk["written"] = number
        files[number] = {name: domain.saved() for name, domain in self.domains.items()}
        for old in sorted(files)[:-self.model.live["snapshot.keep"]]:
            del files[old]
        self.dirty = False
        return number

    def restore(self):
        """A number that a refused change used up left no file: it may come again."""
        self.disk["last"] = self.disk["written"]
        files = self.disk["files"]
        for name, row in (files[max(files)] if files else {}).items():
            self.domains[name] = Domain.restored(row, self.adaptation, row.version)


class Daemon:
    """One run after the other of one daemon over one state directory."""

    def __init__(self, settings):
        self.file = dict(settings)
        self.disk = {name: {"last": 0, "written": 0, "files": {}} for name in BANKS}
        self.start()

    # ---- Start and end.

    def start(self):
        self.live = dict(self.file)
        self.banks = {name: Bank(name, self) for name in BANKS}
        for bank in self.banks.values():
            bank.restore()
        self.streams = {}
        self.places = {}  # (connection, stream) -> its last seq
        for name in ("front", "sync"):
            self._create_stream(name)

    def terminate(self):
        for bank in self.banks.values():
            if bank.dirty:
                bank.write()

    def break_newest(self, bank):
        """The newest file no longer reads: its number stays used."""
        files = self.disk[bank]["files"]
        if files:
            del files[max(files)]

    # ---- Streams and sequences.

    def _create_stream(self, name):
        row = name if f"streams.{name}.bank" in self.live else "default"
        self.streams[name] = Stream(name, self.banks[self.live[f"streams.{row}.bank"]],
                                    self.live[f"streams.{row}.mode"])
        return self.streams[name]

    def connection_lost(self, connection):
        self.places = {k: v for k, v in self.places.items() if k[0] != connection}

    def _follow(self, connection, stream, seq):
        stream.add("received")
        if seq is None:
            return
        last = self.places.get((connection, stream.name))
        self.places[connection, stream.name] = seq
        if last is None:
            return
        if seq == last:
            stream.add("duplicates")
        elif last < seq <= last + SEQ_JUMP:
            stream.add("lost", seq - last - 1)
            stream.missed += seq - last - 1

    # ---- Frames.

    def frame(self, connection, name, seq, domain=None, fault=None):
        """A frame comes in: its stream, or Refused."""
        stream = self.streams.get(name)
        readable = fault is None or FAULTS[fault][1]
        if stream:
            self._follow(connection, stream, seq if readable else None)
        try:
            if fault:
                raise Refused(FAULTS[fault][0])
            self._check_names(stream, name, domain)
        except Refused:
            if stream and readable:
                stream.add("refused")
            raise
        if not stream:
            stream = self._create_stream(name)
            self._follow(connection, stream, seq)
        stream.bank.domain(domain or stream.domain, create=True)
        return stream

    def _check_names(self, stream, name, domain):
        if not stream:
            if not self.live["streams.accept_unnamed"]:
                raise Refused("unknown_stream")
            if len(self.streams) >= self.live["limits.streams"]:
                raise Refused("too_many_streams")
        bank = stream.bank if stream else self.banks[self.live["streams.default.bank"]]
        bank.room(domain or (stream.domain if stream else "default"))

    def drop(self, stream):
        stream.add("dropped")
        stream.missed += 1

    def label(self, stream, sample, stamp, domain=None, adapt=True):
        """The frame's turn: {field: value} of its labels. A field that hangs on a near tie of
        scores is left out; "maps" has the label map and where it is sure, "scores" the scores and
        how far float32 may be from them."""
        bank = stream.bank
        name = domain or stream.domain
        state = bank.domain(name, create=True)
        applied = stream.mode != "bypass" and state.frames >= bank.setting(
            "adaptation.warmup_frames")
        may_commit = stream.mode in ("adapt", "shadow") and adapt
        limit = bank.setting("guards.max_void")
        void = limit is not None and sample.void / PIXELS > limit
        commits = may_commit and not void
        update_first = bank.setting("adaptation.order") == "update_first"
        answer = {"stream": stream.name, "bank": bank.name, "domain": name, "rule": bank.rule,
                  "stamp_ns": stamp, "committed": commits, "void": sample.void, "pixels": PIXELS,
                  "missed": stream.missed, "guard": "max_void" if void else None}
        if commits and update_first:
            state.commit(sample.set, stamp, bank.adaptation)
        answer["version"] = state.version
        self._decide(stream, state, sample, applied, answer)
        if commits and not update_first:
            state.commit(sample.set, stamp, bank.adaptation)
        bank.dirty |= commits
        stream.add("labelled")
        stream.missed, stream.last_state = 0, answer["state"]
        return answer

    def _decide(self, stream, domain, sample, applied, answer):
        """Labels, state and the guard of changed labels."""
        frame = sample.oracle
        a = b = None
        if applied:
            a, b = oracle.coefficients(self.prototypes(domain), stream.bank.rule)
        labels = oracle.Labels(frame, a, b)
        slack = 2 * oracle.slack(a, b, frame.tau) + 1e-6 if applied else 0.0
        sure = labels.lead > slack
        answer["scores"] = np.where(frame.ok[..., None], labels.scores, np.nan), slack + 1e-6
        changed = (labels.label != frame.argmax) & sure
        limit = stream.bank.setting("guards.max_changed")
        guarded = applied and limit is not None and \
            changed.sum() / max(1, PIXELS - sample.void) > limit
        argmax_out = not applied or guarded or stream.mode == "shadow"
        answer["maps"] = (frame.argmax if argmax_out else labels.label,
                          np.ones_like(sure) if argmax_out else sure)
        # A map in doubt may trip the guard, or not.
        answer["certain"] = sure.all() or not applied
        answer["changed"] = int(changed.sum()) if applied else 0
        if guarded and not answer["guard"]:
            answer["guard"] = "max_changed"
        answer["state"] = STATES.get(stream.mode) if stream.mode in ("shadow", "bypass") else \
            "guarded" if guarded else STATES.get(stream.mode) or \
            ("calibrated" if applied else "warmup")

    @staticmethod
    def prototypes(domain):
        return oracle.prototypes(domain.sums.S, domain.sums.w, 1e-9)

    def stream_state(self, stream):
        """Of the last labels or command, whichever was later; before both, of the mode."""
        return stream.last_state if stream.labelled else self._mode_state(stream)

    def _mode_state(self, stream):
        if stream.mode in STATES:
            return STATES[stream.mode]
        domain = stream.bank.domains.get(stream.domain)
        warm = stream.bank.setting("adaptation.warmup_frames")
        return "warmup" if (domain.frames if domain else 0) < warm else "calibrated"

    # ---- Commands. Each returns the result map, or raises Refused.

    def _stream(self, name):
        if name not in self.streams:
            raise Refused("unknown_stream")
        return self.streams[name]

    def _bank(self, name):
        if name not in self.banks:
            raise Refused("unknown_bank")
        return self.banks[name]

    def set_mode(self, mode, stream=None):
        chosen = [self._stream(stream)] if stream else self.streams.values()
        result = {}
        for one in chosen:
            one.mode = mode
            one.last_state = result[one.name] = self._mode_state(one)
        return {"streams": result}

    def set_domain(self, stream, domain):
        one = self._stream(stream)
        one.bank.domain(domain, create=True)
        previous, one.domain = one.domain, domain
        return {"previous": previous}

    def set_rule(self, bank, rule):
        one = self._bank(bank)
        if rule not in ("euclidean", "kl"):
            raise Refused("bad_field")
        previous, one.rule, one.rule_set = one.rule, rule, True
        return {"previous": previous}

    def reset(self, bank, domain=None, class_=None):
        one = self._bank(bank)
        if domain:
            one.domain(domain)
        names = [domain] if domain else list(one.domains)
        for name in names:
            one.domains[name].reset(class_)
        one.write()
        return {"version": {name: one.domains[name].version for name in names}}

    def load_statistics(self, bank, domain, one_set, frames, mode):
        one = self._bank(bank)
        number = one.next_generation()  # used up, even if there is no room
        one.room(domain)
        if domain not in one.domains:
            one.domains[domain] = Domain(CLASSES, one.adaptation, one.graves.get(domain, 0))
        one.domains[domain].load(one_set, frames, mode == "add")
        one.write(number)
        return {"version": one.domains[domain].version}

    def domain_delete(self, bank, domain):
        if domain == "default":
            raise Refused("bad_field")
        one = self._bank(bank)
        version = one.graves[domain] = one.domain(domain).version
        del one.domains[domain]
        one.write()
        return {"version": version}

    def rollback(self, bank, generation):
        one = self._bank(bank)
        rows = one.disk["files"].get(generation)
        if rows is None:
            raise Refused("bad_generation")
        number = one.next_generation()
        if len(set(one.domains) | set(rows)) > one.setting("domains"):
            raise Refused("too_many_domains")
        for name in list(one.domains) + [n for n in rows if n not in one.domains]:
            now = one.domains[name].version if name in one.domains else one.graves.get(name, 0)
            if name in rows:
                version = max(now, rows[name].version) + 1
                one.domains[name] = Domain.restored(rows[name], one.adaptation, version)
            else:
                one.domains[name] = Domain(CLASSES, one.adaptation, now + 1)
        one.write(number)
        return {"version": {name: domain.version for name, domain in one.domains.items()}}

    def snapshot(self, bank=None):
        chosen = [self._bank(bank)] if bank else self.banks.values()
        return {"snapshots": [{"bank": one.name, "generation": one.write()} for one in chosen]}

    def reload(self):
        """The file is read again: keys that needed a restart wait for one."""
        differing = [k for k in self.file if self.file[k] != self.live[k]]
        restart = [k for k in differing if needs_restart(k)]
        changed = [k for k in differing if not needs_restart(k)]
        self.live.update({k: self.file[k] for k in changed})
        for one in self.banks.values():
            if f"banks.{one.name}.adaptation.rule" in changed:
                one.rule, one.rule_set = one.setting("adaptation.rule"), False
        return {"changed": sorted(changed), "restart": sorted(restart)}

    # ---- Queries.

    def generations(self, bank):
        files = self._bank(bank).disk["files"]
        return [{"generation": number, "frames": sum(d.frames for d in files[number].values()),
                 "valid": True} for number in sorted(files)]

    def file_rows(self, bank, number):
        """The domains of a snapshot file."""
        def bins(one):
            return {"sum": one.S.tobytes(), "weight": one.w.tobytes(), "count": one.n.tobytes()}
        return [{"name": name, "version": d.version, "frames": d.frames, "pixels": d.pixels,
                 "stamp_ns": d.stamp, **bins(d.sums), "window_sets": [
                     {"slot": slot, **bins(one)} for slot, one in
                     (d.window.in_order() if d.window else [])]}
                for name, d in self.disk[bank]["files"][number].items()]

    def prototypes_of(self, bank, domain=None):
        state = self._bank(bank).domain(domain or "default")
        sums = state.sums
        return {"classes": CLASSES, "frames": state.frames, "pixels": state.pixels,
                "version": state.version, "sum": sums.S.tobytes(), "weight": sums.w.tobytes(),
                "count": sums.n.tobytes(), "extra": {},
                "prototypes": self.prototypes(state).astype(np.float32).tobytes()}

    def bank_rows(self):
        return [{"name": one.name, "rule": one.rule, "domains": [
            {"name": name, "version": d.version, "frames": d.frames, "pixels": d.pixels}
            for name, d in one.domains.items()]} for one in self.banks.values()]

    def stream_rows(self):
        return {s.name: {"bank": s.bank.name, "domain": s.domain, "mode": s.mode,
                         "state": self.stream_state(s), **s.counters}
                for s in self.streams.values()}
