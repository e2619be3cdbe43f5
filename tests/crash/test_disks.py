"""Real small disks that are full, fail, or are read-only: the generation before stays, labelling
goes on, and what cannot be made durable is refused and changes nothing."""
import threading

import numpy as np
import pytest

import disks
import flow
import messages
import wire
from counts import count
from disks import CAUSES
from model import Bank

BANK = "default"


@pytest.fixture
def pool(make_daemon):
    teacher = make_daemon(flow.configuration()).start()
    made = flow.Pool(teacher, np.random.default_rng(1))
    teacher.kill()
    return made


class Events(threading.Thread):
    """The events of a daemon."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.wire, self.seen, self.more = None, [], threading.Condition()
        self.wire = wire.connect(daemon.runtime / "state", wire.SUB)
        self.start()

    def run(self):
        try:
            while True:
                topic, message = messages.split(self.wire.receive())
                if topic == "event":
                    with self.more:
                        self.seen.append(message)
                        self.more.notify_all()
        except (wire.Gone, OSError):
            self.wire.close()

    def forget(self):
        """Whatever was heard so far."""
        with self.more:
            self.seen.clear()

    def next(self, name, seconds=20):
        """The next event of this name, which has not been asked for before."""
        def found():
            return next((e for e in self.seen if e["event"] == name), None)
        with self.more:
            assert self.more.wait_for(found, seconds), f"no {name}: {self.seen}"
            event = found()
            del self.seen[:self.seen.index(event) + 1]
            return event


def dialled(daemon, pool, bank=None):
    driver = flow.Driver(daemon, bank or Bank(BANK), pool, np.random.default_rng(2))
    driver.dial()
    return driver


def generations(daemon):
    return sorted(path.name for path in (daemon.state / BANK).iterdir())


def check_refused(driver, cause, **generation):
    """Every command that must be durable first is refused with the cause, and changes nothing."""
    before = flow.state_of(driver.control, BANK)
    held = driver.pool.adds[0]
    for name, args in [("snapshot", {}), ("reset", {}), ("domain_delete", {"domain": "fog"}),
                       ("load_statistics", {"domain": "fog", "mode": "add", "sum": held.sum,
                                            "weight": held.weight, "count": held.count,
                                            "frames": held.frames}),
                       ("rollback", generation)]:
        answer = driver.control.request(messages.command(name, {"bank": BANK, **args}))
        assert answer["type"] == "error" and answer["code"] == "snapshot_failed", (name, answer)
        assert cause in answer["message"] and f"/{BANK}/" in answer["message"], answer["message"]
        count("commands refused by a bad disk")
    assert flow.state_of(driver.control, BANK) == before == driver.bank.now
    driver.teach()
    assert flow.state_of(driver.control, BANK) == driver.bank.now != before


def prepare(driver):
    """A bank with two domains and one durable generation; its number."""
    driver.teach()
    driver.load("replace")
    driver.bank.begin({**driver.bank.now, "fog": driver.pool.adds[1]})
    held = driver.pool.adds[1]
    answer = driver.control.request(messages.command("load_statistics", {
        "bank": BANK, "domain": "fog", "mode": "replace", "sum": held.sum, "weight": held.weight,
        "count": held.count, "frames": held.frames}))
    assert answer["type"] == "result", answer
    driver.bank.settle(durable=True)
    driver.snapshot()
    return driver.bank.newest


def restart(driver, daemon):
    """Kills and starts it again; what is there is what was acknowledged."""
    driver.close()
    daemon.kill()
    daemon.start()
    driver.dial()
    driver.check_restart()


@pytest.mark.parametrize("size", ["64k", "128k", "256k"])
def test_a_disk_that_generations_fill_keeps_the_newest_and_heals(make_daemon, pool, size):
    running = make_daemon(flow.configuration(keep=1000, interval_s=1))
    with disks.tmpfs(running.state, f"size={size}"):
        try:
            driver = dialled(running.start(), pool)
            prepare(driver)
            events = Events(running)
            while True:
                driver.teach()
                answer = driver.control.request(messages.command("snapshot", {"bank": BANK}))
                if answer["type"] == "error":
                    break
                driver.bank.settle(durable=True)
                driver.bank.told("answer", answer["result"]["snapshots"][0]["generation"],
                                 driver.bank.now)
            assert CAUSES["ENOSPC"] in answer["message"], answer
            assert "cannot reserve the space" in answer["message"], answer  # nothing half written
            # A smaller one may still fit, and an event of the schedule may come between.
            disks.fill(running.state / "filler")
            files = generations(running)
            check_refused(driver, CAUSES["ENOSPC"], generation=driver.bank.newest)
            assert generations(running) == files
            events.forget()
            assert events.next("snapshot_failed")["bank"] == BANK  # of the schedule
            (running.state / "filler").unlink()
            disks.need("mount", "-o", "remount,size=1m", running.state)
            healed = events.next("snapshot_written")  # by the schedule, without being asked
            assert healed["bank"] == BANK and healed["generation"] > driver.bank.newest
            restart(driver, running)
            assert flow.state_of(driver.control, BANK) == driver.bank.now
            driver.close()
            assert running.stop() == 0
        finally:
            running.close_process()


def test_a_disk_without_an_inode_left_is_a_full_disk(make_daemon, pool):
    running = make_daemon(flow.configuration(keep=1000, interval_s=600))
    with disks.tmpfs(running.state, "size=1m,nr_inodes=16"):
        try:
            driver = dialled(running.start(), pool)
            prepare(driver)
            for i in range(32):
                try:
                    (running.state / f"filler{i}").touch()
                except OSError:
                    break
            check_refused(driver, CAUSES["ENOSPC"], generation=driver.bank.newest)
            (running.state / "filler0").unlink()
            driver.snapshot()
            restart(driver, running)
            driver.teach()
            driver.close()
            assert running.stop() == 0  # full again: it ends, and says what was not written
            assert running.log().rstrip().split("\n")[-1].startswith("<3>snapshot_failed: ")
        finally:
            running.close_process()


def test_a_start_on_a_full_disk_goes_on_from_what_is_there(make_daemon, pool):
    running = make_daemon(flow.configuration(interval_s=600))
    with disks.tmpfs(running.state, "size=128k"):
        try:
            driver = dialled(running.start(), pool)
            number = prepare(driver)
            disks.fill(running.state / "filler")
            restart(driver, running)
            check_refused(driver, CAUSES["ENOSPC"], generation=number)
            (running.state / "filler").unlink()
            driver.snapshot()
            assert driver.bank.newest > number
            restart(driver, running)
            driver.close()
        finally:
            running.close_process()


def test_a_first_start_on_a_full_disk_is_refused_with_the_cause(make_daemon):
    running = make_daemon(flow.configuration())
    with disks.tmpfs(running.state, "size=64k,nr_inodes=2"):
        disks.fill(running.state / "filler")
        done = running.run()
        assert done.returncode == 6
        assert str(running.state) in done.stderr and CAUSES["ENOSPC"] in done.stderr
        assert [path.name for path in running.state.iterdir()] == ["filler"]
        (running.state / "filler").unlink()


def test_a_disk_that_is_full_only_when_it_is_written_back(make_daemon, pool):
    running = make_daemon(flow.configuration(interval_s=600))
    with disks.sparse_ext4(running.state) as fill_below:
        try:
            driver = dialled(running.start(), pool)
            number = prepare(driver)
            files = generations(running)
            events = Events(running)
            filler = fill_below()
            check_refused(driver, CAUSES["ENOSPC"], generation=number)
            assert events.next("snapshot_failed")["bank"] == BANK
            assert generations(running) == files
            assert "cannot fsync the file" in running.log()
            filler.unlink()
            driver.snapshot()
            restart(driver, running)
            driver.close()
        finally:
            running.close_process()


def test_a_disk_that_fails_keeps_what_it_has(make_daemon, pool, tmp_path):
    running = make_daemon(flow.configuration(interval_s=600))
    image = disks.Sealable(4 << 20)
    try:
        with disks.ext4(running.state, image.path, descriptors=(image.fd,)):
            try:
                driver = dialled(running.start(), pool)
                number = prepare(driver)
                disks.call("sync", "-f", running.state)
                events = Events(running)
                image.break_it()
                check_refused(driver, CAUSES["EIO"], generation=number)
                assert events.next("snapshot_failed")["bank"] == BANK
                driver.close()
                running.kill()
            finally:
                running.close_process()
        # The disk as it is now, in a machine where it can be written.
        image.copy(tmp_path / "image")
        with disks.ext4(running.state, tmp_path / "image", make=False):
            try:
                running.start()
                driver.dial()
                driver.check_restart()
                driver.teach()
                driver.snapshot()
                assert driver.bank.newest > number
                driver.close()
                assert running.stop() == 0
            finally:
                running.close_process()
    finally:
        image.close()


def test_a_disk_that_becomes_read_only_keeps_what_it_has(make_daemon, pool, tmp_path):
    running = make_daemon(flow.configuration(interval_s=600))
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    with disks.ext4(running.state, image):
        try:
            driver = dialled(running.start(), pool)
            number = prepare(driver)
            disks.call("sync", "-f", running.state)
            events = Events(running)
            disks.need("mount", "-o", "remount,abort", running.state)  # as after an error of its own
            check_refused(driver, CAUSES["EROFS"], generation=number)
            assert events.next("snapshot_failed")["bank"] == BANK
            driver.close()
            running.kill()
        finally:
            running.close_process()
    with disks.ext4(running.state, image, options="ro", make=False):
        done = running.run()
        assert done.returncode == 6
        assert str(running.state) in done.stderr and CAUSES["EROFS"] in done.stderr
    with disks.ext4(running.state, image, make=False):
        try:
            running.start()
            driver.dial()
            driver.check_restart()
            driver.snapshot()
            assert driver.bank.newest > number
            driver.close()
            assert running.stop() == 0
        finally:
            running.close_process()
