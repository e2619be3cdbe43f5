"""Operations on a bank of a real daemon, each foretold by the model."""
import uuid

import messages
import wire
from model import EMPTY, Held

BANKS = ("default", "rear", "side")
DOMAINS = ("default", "fog", "night")


def configuration(keep=4, interval_s=1, banks=BANKS):
    """Banks with a stream each, that commit every frame."""
    def settings():
        return {"adaptation": {"forgetting": "cumulative"},
                "guards": {"max_void": None, "min_confidence": None, "max_changed": None}}
    return {"banks": {bank: settings() for bank in banks},
            "streams": {f"cam_{bank}": {"bank": bank} for bank in banks},
            "snapshot": {"interval_s": interval_s, "keep": keep, "keep_hourly": 1, "keep_daily": 1},
            "workers": {"threads": 2}, "log": {"level": "debug"}}


class Pool:
    """Frames, and what each of them adds, learnt from a daemon that is not killed."""

    def __init__(self, daemon, rng, size=6):
        self.frames = [messages.random_probabilities(rng, 19, 8, 8) for _ in range(size)]
        self.adds = []
        calibrate = wire.connect(daemon.runtime / "calibrate", wire.REQ)
        control = wire.connect(daemon.runtime / "control", wire.REQ)
        for i, array in enumerate(self.frames):
            answer = calibrate.request(messages.frame(array, stream="cam_default", domain=f"d{i}"))
            assert answer["type"] == "labels", answer
            answer = control.request(messages.command(
                "prototypes", {"bank": "default", "domain": f"d{i}"}))
            self.adds.append(Held.of(answer["result"]))
        calibrate.close()
        control.close()


def state_of(control, bank):
    """{domain: Held} of a bank, as the daemon says."""
    status = control.request(messages.command("status"))["result"]
    row, = (one for one in status["banks"] if one["name"] == bank)
    answers = {domain["name"]: control.request(messages.command(
        "prototypes", {"bank": bank, "domain": domain["name"]})) for domain in row["domains"]}
    return {name: Held.of(answer["result"]) for name, answer in answers.items()}


class Driver:
    """A client of one bank: one operation at a time, foretold."""

    def __init__(self, daemon, bank, pool, rng):
        self.bank, self.pool, self.rng = bank, pool, rng
        self.runtime = daemon.runtime
        self.calibrate = self.control = None

    def dial(self):
        self.calibrate = wire.connect(self.runtime / "calibrate", wire.REQ)
        self.control = wire.connect(self.runtime / "control", wire.REQ)

    def close(self):
        for one in (self.calibrate, self.control):
            if one is not None:
                one.close()
        self.calibrate = self.control = None

    # ---- What a restart shows.

    def check_restart(self):
        """Compares what is there with what must be; the generation it went on from."""
        bank = self.bank
        bank.found(state_of(self.control, bank.name))
        status = self.control.request(messages.command("status"))["result"]
        for row in status["snapshots"]:
            if row["bank"] == bank.name:
                assert row["generation"] >= bank.newest, (row, bank.newest)
                return row["generation"]
        assert bank.newest == 0, f"{bank.name}: no generation, where {bank.newest} was told"
        return 0

    # ---- Operations.

    def command(self, name, state, **args):
        """A command that leads to `state`, durable before it is answered; its result, or None."""
        self.bank.begin(state)
        answer = self.control.request(messages.command(
            name, {"bank": self.bank.name, **args}, id_=str(uuid.uuid4())))
        if self.refused(answer):
            return None
        self.bank.settle(durable=True)
        return answer["result"]

    def refused(self, answer):
        """Whether an operation was refused; Gone if that was because the daemon stops."""
        if answer["type"] != "error":
            return False
        self.bank.refuse()
        if answer["code"] == "shutting_down":
            raise wire.Gone
        return True

    def teach(self):
        which = int(self.rng.integers(len(self.pool.frames)))
        domain = DOMAINS[self.rng.integers(len(DOMAINS))]
        now = self.bank.now
        self.bank.begin({**now, domain: now.get(domain, EMPTY).plus(self.pool.adds[which])})
        answer = self.calibrate.request(messages.frame(
            self.pool.frames[which], stream=f"cam_{self.bank.name}", domain=domain))
        assert not self.refused(answer) and answer["committed"], answer
        self.bank.settle(durable=False)

    def snapshot(self):
        result = self.command("snapshot", self.bank.now)
        assert result is not None
        row, = result["snapshots"]
        self.bank.told("answer", row["generation"], self.bank.now)

    def reset(self):
        domain = str(self.rng.choice(list(self.bank.now)))
        assert self.command("reset", {**self.bank.now, domain: EMPTY}, domain=domain) is not None

    def reset_all(self):
        assert self.command("reset", dict.fromkeys(self.bank.now, EMPTY)) is not None

    def load(self, mode=None):
        mode = mode or str(self.rng.choice(["replace", "add"]))
        held = self.pool.adds[self.rng.integers(len(self.pool.adds))]
        domain, now = DOMAINS[self.rng.integers(len(DOMAINS))], self.bank.now
        after = held if mode == "replace" else now.get(domain, EMPTY).plus(held)
        assert self.command("load_statistics", {**now, domain: after}, domain=domain, mode=mode,
                            sum=held.sum, weight=held.weight, count=held.count,
                            frames=held.frames) is not None

    def delete(self):
        names = [name for name in self.bank.now if name != "default"]
        if names:
            name = str(self.rng.choice(names))
            after = {key: held for key, held in self.bank.now.items() if key != name}
            assert self.command("domain_delete", after, domain=name) is not None

    def rollback(self):
        """To one of the newest; it may be pruned by now, and is then refused."""
        if self.bank.generations:
            number = int(self.rng.choice(sorted(self.bank.generations)[-3:]))
            after = {**dict.fromkeys(self.bank.now, EMPTY), **self.bank.generations[number]}
            self.command("rollback", after, generation=number)

    def roll_back_once(self):
        """To the newest that was told, which is there."""
        number = max(self.bank.generations)
        after = {**dict.fromkeys(self.bank.now, EMPTY), **self.bank.generations[number]}
        assert self.command("rollback", after, generation=number) is not None

    def any(self):
        """One operation; frames most often."""
        choice = self.rng.choice(["teach", "snapshot", "reset", "load", "rollback", "delete"],
                                 p=[0.55, 0.15, 0.08, 0.08, 0.08, 0.06])
        getattr(self, str(choice))()
