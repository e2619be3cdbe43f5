"""SIGKILL of the real daemon, at random moments and at every step of a snapshot's sequence: what
was acknowledged is there at the next start, whole and to the bit."""
import os
import threading

import numpy as np
import pytest

import daemon as daemon_module
import flow
import wire
from counts import count
from messages import split
from model import Bank

# The long form: `CRASH_ROUNDS=1000 ./run test --suite crash`.
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "40"))
SEED = int(os.environ.get("CRASH_SEED", "20240611"))


@pytest.fixture
def pool(make_daemon):
    """Frames, and what each adds to the statistics."""
    teacher = make_daemon(flow.configuration()).start()
    made = flow.Pool(teacher, np.random.default_rng(SEED))
    teacher.kill()
    return made


class Listener(threading.Thread):
    """Notes the generations that the daemon announces, until it is gone."""

    def __init__(self, daemon, banks):
        super().__init__(daemon=True)
        self.wire = wire.connect(daemon.runtime / "state", wire.SUB)
        self.banks, self.faults = banks, []

    def run(self):
        try:
            while True:
                topic, message = split(self.wire.receive())
                if topic == "event" and message["event"] == "snapshot_written":
                    self.banks[message["bank"]].told("event", message["generation"])
                elif topic == "event" and message["event"] == "snapshot_broken":
                    self.faults.append(message)
        except wire.Gone:
            self.wire.close()


def check_folders(daemon):
    """After a start: no file half written, none set aside as broken."""
    left = [path for path in daemon.state.rglob("*") if path.name.endswith((".tmp", ".broken"))]
    assert left == [], f"left behind: {left}\n{daemon.log()}"


class Worker(threading.Thread):
    """Operations on one bank until the daemon is gone."""

    def __init__(self, driver):
        super().__init__(daemon=True)
        self.driver, self.fault = driver, None

    def run(self):
        try:
            while True:
                self.driver.any()
        except wire.Gone:
            pass
        except BaseException as fault:  # noqa: B902 - shown by the test's own thread
            self.fault = fault


def test_a_kill_at_a_random_moment_loses_nothing_acknowledged(make_daemon, pool):
    rng = np.random.default_rng(SEED)
    print(f"seed {SEED}")
    running = make_daemon(flow.configuration())
    banks = {name: Bank(name) for name in flow.BANKS}
    drivers = [flow.Driver(running, bank, pool, np.random.default_rng(int(rng.integers(2**32))))
               for bank in banks.values()]
    for i in range(ROUNDS):
        running.start()
        check_folders(running)
        for driver in drivers:
            driver.dial()
            driver.check_restart()
        listener = Listener(running, banks)
        workers = [Worker(driver) for driver in drivers]
        for thread in (listener, *workers):
            thread.start()
        # Every eighth time long enough for snapshots of the schedule; every fourth while it stops.
        workers[0].join(rng.uniform(1.0, 1.4) if i % 8 == 7 else rng.uniform(0.0, 0.25))
        if i % 4 == 3:
            running.process.terminate()
            workers[0].join(rng.uniform(0.0, 0.03))
        running.kill()
        for thread in (listener, *workers):
            thread.join(20)
        for driver in drivers:
            driver.close()
        assert listener.faults == [] and [w.fault for w in workers] == [None] * len(workers)
        count("kills survived")
    count("acknowledged generations lost", 0)


# Every step of store/durable.h, before and after its system call, and in the middle of the write.
# The start itself makes the folder of each bank durable.
FIRST = {"SYNC_FOLDER": 1 + len(flow.BANKS)}
STEPS = [f"{step}:{FIRST.get(step, 1)}:{when}"
         for step in ("CREATE", "RESERVE", "WRITE", "SYNC", "CLOSE", "RENAME", "SYNC_FOLDER")
         for when in ("before", "half", "after") if when != "half" or step == "WRITE"]
PRUNING = ["UNLINK:1:before", "UNLINK:1:after"]
OPERATIONS = ["snapshot", "reset_all", "load", "roll_back_once", "stop"]


def start_to_die(daemon, where):
    """Starts labelcald so that it kills itself at a step, or never (None)."""
    library = daemon_module.BUILD / "tests" / "crash" / "libsteps.so"
    daemon.environment = {} if where is None else {
        "LD_PRELOAD": str(library), "STEPS_ROOT": str(daemon.state.resolve()), "STEPS_KILL": where}
    return daemon


def operate(driver, operation, running):
    """One operation that writes a generation; True if it was answered before the end."""
    try:
        if operation == "stop":
            running.process.terminate()
            driver.control.receive()
        getattr(driver, operation)()
        return True
    except wire.Gone:
        return False


def is_written(where):
    """Whether the new generation is in its place when the process dies there."""
    step, _, when = where.split(":")
    return step in ("SYNC_FOLDER", "UNLINK") or (step, when) == ("RENAME", "after")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_at_each_step_leaves_the_generation_before_or_the_new_one(make_daemon, pool,
                                                                         operation):
    running = make_daemon(flow.configuration(keep=1, interval_s=600))
    bank = Bank("default")
    driver = flow.Driver(running, bank, pool, np.random.default_rng(SEED))
    start_to_die(running, None).start()
    driver.dial()
    driver.teach()
    driver.snapshot()
    driver.close()
    running.kill()
    for where in STEPS + PRUNING:
        start_to_die(running, where).start()
        check_folders(running)
        driver.dial()
        driver.check_restart()
        before = bank.now
        driver.teach()
        answered = operate(driver, operation, running)
        assert not answered, f"it outlived {where}"
        assert running.process.wait(20) == -9
        driver.close()
        running.kill()
        after = bank.now
        start_to_die(running, None).start()
        check_folders(running)
        driver.dial()
        driver.check_restart()
        assert bank.now == (after if is_written(where) else before), f"{where}: {operation}"
        driver.snapshot()  # its number is above all that were told; what is pruned, is
        driver.close()
        running.kill()
        count("kills survived")
    count("acknowledged generations lost", 0)


@pytest.mark.parametrize("where", ["MAKE_FOLDER:1:before", "MAKE_FOLDER:1:after",
                                   "SYNC_STATE:1:before", "SYNC_STATE:1:after",
                                   "MAKE_FOLDER:2:after", "SYNC_STATE:3:after"])
def test_a_kill_in_the_first_start_is_made_good_by_the_next(make_daemon, where):
    running = start_to_die(make_daemon(flow.configuration()), where)
    running.start(wait=False)
    assert running.process.wait(20) == -9
    running.kill()
    start_to_die(running, None).start()
    assert sorted(p.name for p in running.state.iterdir() if p.is_dir()) == sorted(flow.BANKS)
    assert running.stop() == 0
    count("kills survived")


@pytest.mark.parametrize("where", ["SET_ASIDE:1:before", "SET_ASIDE:1:after", "UNLINK:1:before",
                                   "UNLINK:1:after", "SYNC_FOLDER:1:before",
                                   "SYNC_STATE:1:after"])
def test_a_kill_while_a_start_tidies_up_is_made_good_by_the_next(make_daemon, pool, where):
    running = make_daemon(flow.configuration())
    bank = Bank("default")
    driver = flow.Driver(running, bank, pool, np.random.default_rng(SEED))
    running.start()
    driver.dial()
    driver.teach()
    driver.snapshot()
    driver.close()
    running.kill()
    folder = running.state / "default"
    (folder / f"{bank.newest + 1:012d}.snapshot").write_bytes(b"torn")
    (folder / f"{bank.newest + 2:012d}.snapshot.tmp").write_bytes(b"half")
    start_to_die(running, where).start(wait=False)
    assert running.process.wait(20) == -9
    running.kill()
    start_to_die(running, None).start()
    driver.dial()
    driver.check_restart()
    assert not list(folder.glob("*.tmp"))
    assert (folder / f"{bank.newest + 1:012d}.snapshot.broken").read_bytes() == b"torn"
    driver.snapshot()
    driver.close()
    assert bank.newest > 2
    count("kills survived")
