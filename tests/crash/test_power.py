"""Power cuts, simulated from what a real run did to its files (power.py)."""
import os
import pathlib
import random
import shutil
import tempfile

import numpy as np
import pytest

import daemon as daemon_module
import flow
import messages
import power
from counts import count
from daemon import Daemon
from model import Bank

# The long form: `CRASH_GENERATIONS=10000 ./run test --suite crash power`.
GENERATIONS = int(os.environ.get("CRASH_GENERATIONS", "200"))
SEED = int(os.environ.get("CRASH_SEED", "20240611"))
BANK = "default"

# Every now and then the process dies, so that what a start does is cut as well.
DEATHS = ["RENAME:2:after", "WRITE:1:half", "SYNC_FOLDER:3:before", "UNLINK:1:before",
          "CREATE:2:after", "SYNC:1:after", "UNLINK:2:after"]


class Run:
    """A labelcald whose file operations are written down, with what it acknowledged."""

    def __init__(self):
        self.daemon = Daemon()
        self.keep(1)
        self.log = self.daemon.top / "steps"
        teacher = Daemon(flow.configuration())
        try:
            self.pool = flow.Pool(teacher.start(), np.random.default_rng(SEED))
        finally:
            teacher.close()
        self.driver = flow.Driver(self.daemon, Bank(BANK), self.pool, np.random.default_rng(SEED))

    def keep(self, generations):
        self.daemon.write_config(flow.configuration(generations, interval_s=600, banks=(BANK,)))

    def acknowledge(self):
        """Notes, in order with the records, the generation that the daemon says it has."""
        status = self.driver.control.request(messages.command("status"))["result"]
        for row in status["snapshots"]:
            if row["bank"] == BANK:
                with open(self.log, "ab", buffering=0) as log:
                    log.write(b"ack %d\n" % row["generation"])

    def launch(self, death, wait=True):
        self.daemon.environment = {
            "LD_PRELOAD": str(daemon_module.BUILD / "tests" / "crash" / "libsteps.so"),
            "STEPS_ROOT": str(self.daemon.state.resolve()), "STEPS_LOG": str(self.log),
            "STEPS_KILL": death}
        self.daemon.start(wait)

    def start(self, death=""):
        self.launch(death)
        self.driver.dial()
        self.driver.check_restart()
        self.acknowledge()

    def died(self):
        assert self.daemon.process.wait(20) == -9
        self.daemon.kill()

    def work(self, generations):
        """Operations that write generations; ends early if the daemon dies."""
        try:
            for i in range(generations):
                self.driver.teach()
                operation = ("snapshot", "reset", "snapshot", "load", "delete")[i % 5]
                getattr(self.driver, operation)()
                self.acknowledge()
        except flow.wire.Gone:
            pass

    def record(self):
        """The records of the whole run."""
        self.launch("MAKE_FOLDER:1:after", wait=False)  # the next start finds the folder made
        self.died()
        for death in DEATHS:
            self.start(death)
            self.work(6)
            self.driver.close()
            self.died()
        self.keep(3)
        self.start()
        self.work(GENERATIONS)
        self.driver.teach()
        self.driver.close()
        assert self.daemon.stop() == 0
        self.start()
        self.driver.close()
        self.daemon.kill()
        return power.parse(self.log.read_bytes())


@pytest.fixture(scope="module")
def records():
    """What a real run did to its files."""
    run = Run()
    try:
        yield run.record()
    finally:
        run.driver.close()
        run.daemon.close()


@pytest.fixture
def loader(records):
    """A Loader in a folder of its own, in memory where there is such a place."""
    memory = pathlib.Path("/dev/shm")
    place = pathlib.Path(tempfile.mkdtemp(prefix="lc-", dir=memory if memory.is_dir() else None))
    disk = power.Disk(BANK)
    for record in records:
        disk.apply(record)
    example = place / "example"
    example.write_bytes(disk.files[disk.inode(max(disk.safe))].whole())
    made = power.Loader(daemon_module.BUILD / "tests" / "crash" / "crash_load", example, BANK, place)
    yield made
    made.close()
    shutil.rmtree(place)


def test_no_power_cut_loses_an_acknowledged_generation(records, loader):
    print(f"seed {SEED}; {len(records)} records")
    number, faults = power.simulate(records, loader, random.Random(SEED))
    assert faults == [], f"{len(faults)} of {number}:\n" + "\n".join(faults[:10])
    count("power cuts simulated", number)
    count("acknowledged generations lost", 0)


def test_the_daemon_itself_loads_what_power_cuts_leave(records, make_daemon):
    rng = random.Random(SEED)
    chosen = set(rng.sample(range(1, len(records)), 10))
    for at, (disk, folders) in enumerate(power.cuts(records, BANK, rng)):
        if at not in chosen:
            continue
        folder = rng.choice(folders)
        running = make_daemon(flow.configuration())
        if folder is not None:
            (running.state / BANK).mkdir()
            for name, body in folder.items():
                (running.state / BANK / name).write_bytes(body)
        running.start()
        status, = (line for line in running.log().split("\n") if f"bank {BANK}: " in line)
        generation = int(status.split(" ")[-1]) if "goes on" in status else 0
        assert generation >= disk.acknowledged, status
        assert generation == 0 or generation in disk.written, status
        assert not list(running.state.glob("*/*.tmp"))
        running.kill()
        count("power cuts simulated")


# ---- The simulator must see what it is for: logs as a wrong store would leave them.

def without(what):
    return lambda records: [one for one in records if one[0] != what]


def moved(what, before):
    """Each record `what` of one generation put in front of the record `before` of it."""
    def move(records):
        found = []
        for one in records:
            if one[0] == what:
                at = len(found)
                while at > 0 and found[at - 1][0] not in (before, "create"):
                    at -= 1
                found.insert(at - 1 if at > 0 and found[at - 1][0] == before else len(found), one)
            else:
                found.append(one)
        return found
    return move


WRONG = {
    "the file is not fsynced": without("sync"),
    "the folder is not fsynced": without("sync_folder"),
    "the state directory is not fsynced": without("sync_state"),
    "the file is renamed before its fsync": moved("rename", "sync"),
    "old ones are pruned before the folder's fsync": moved("unlink", "sync_folder"),
    "it is acknowledged before the folder's fsync": moved("ack", "sync_folder"),
}


@pytest.mark.parametrize("what", sorted(WRONG))
def test_a_power_cut_shows_that(records, loader, what):
    wrong = WRONG[what](records)
    assert wrong != records
    _, faults = power.simulate(wrong, loader, random.Random(SEED), stop_at_first=True)
    assert faults, f"nothing was lost although {what}"
    print(faults[0])
