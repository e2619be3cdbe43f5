"""What a file system may do that a happy one does not: short writes, a lock replaced under one's
hands; and what the store never does, since it would die of it."""
import numpy as np
import pytest

import daemon as daemon_module
import flow
import power
from messages import command
from model import Bank


@pytest.fixture
def preload(make_daemon, tmp_path):
    """preload(daemon, **settings): its next start has them for steps.c; .log is what it wrote."""
    def put(daemon, **settings):
        daemon.environment = {
            "LD_PRELOAD": str(daemon_module.BUILD / "tests" / "crash" / "libsteps.so"),
            "STEPS_ROOT": str(daemon.state.resolve()), "STEPS_LOG": str(put.log), **settings}
        return daemon

    put.log = tmp_path / "steps"
    return put


@pytest.fixture
def pool(make_daemon):
    teacher = make_daemon(flow.configuration()).start()
    made = flow.Pool(teacher, np.random.default_rng(1))
    teacher.kill()
    return made


def test_a_write_that_comes_up_short_is_gone_on_with(make_daemon, preload, pool):
    running = preload(make_daemon(flow.configuration(banks=("default",))), STEPS_SHORT="1000")
    driver = flow.Driver(running.start(), Bank("default"), pool, np.random.default_rng(2))
    driver.dial()
    driver.teach()
    driver.snapshot()
    driver.close()
    running.kill()
    written = [one for one in power.parse(preload.log.read_bytes()) if one[0] == "write"]
    assert len(written) > 3 and max(len(one[3]) for one in written) == 1000
    running.start()
    driver.dial()
    driver.check_restart()
    assert not list(running.state.rglob("*.broken"))
    driver.close()


def test_a_lock_replaced_while_it_is_taken_has_one_holder(make_daemon, preload):
    first = preload(make_daemon(), STEPS_STEAL="1").start()
    second = make_daemon()
    second.state = first.state
    done = second.run()
    assert done.returncode == 1 and str(first.state) in done.stderr, done.stderr
    assert f"process {first.process.pid}" in done.stderr
    assert first.stop() == 0


def test_no_file_of_the_state_directory_is_ever_mapped(make_daemon, preload, pool):
    running = preload(make_daemon(flow.configuration(keep=3, banks=("default",))))
    driver = flow.Driver(running.start(), Bank("default"), pool, np.random.default_rng(2))
    driver.dial()
    for _ in range(5):
        driver.teach()
        driver.snapshot()
    driver.roll_back_once()
    answer = driver.control.request(command("generations", {"bank": "default"}))
    assert all(row["valid"] for row in answer["result"]["generations"])
    driver.close()
    running.kill()
    running.start()
    driver.dial()
    driver.check_restart()
    driver.close()
    done = [one[0] for one in power.parse(preload.log.read_bytes())]
    assert done.count("rename") == 6 and "unlink" in done and "map" not in done
