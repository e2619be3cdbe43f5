"""workers.cpus, workers.realtime and workers.lock_memory: what the kernel says of the threads and of
the memory, and what labelcald says where it may not have them."""
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import urllib.request

import pytest

from messages import frame, random_probabilities
from sanitizers import SANITIZED

# Takes every capability away, and what the limits would give.
POWERLESS = ["setpriv", "--bounding-set=-all", "--", "prlimit", "--memlock=65536:65536",
             "--rtprio=0:0", "--"]


@pytest.fixture
def p(rng):
    return random_probabilities(rng)


def threads(running, name):
    """/proc's folders of the threads called so: `worker`, or `labelcald`, of which one is the loop."""
    found = [task for task in pathlib.Path(f"/proc/{running.process.pid}/task").iterdir()
             if (task / "comm").read_text().startswith(name)]
    assert found
    return found


def said(path, key):
    """A value of a /proc status."""
    return next(line.split(":")[1].strip() for line in (path / "status").read_text().splitlines()
                if line.startswith(key + ":"))


def priority(task):
    """The SCHED_FIFO priority of a thread; 0: the ordinary one."""
    fields = (task / "stat").read_text().rpartition(")")[2].split()
    rt_priority, policy = int(fields[37]), int(fields[38])
    assert (policy, rt_priority > 0) in ((os.SCHED_FIFO, True), (os.SCHED_OTHER, False))
    return rt_priority


def metric(running, name):
    with urllib.request.urlopen(running.http + "/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return next(float(line.split()[-1]) for line in text.splitlines()
                if line.startswith(f"labelcal_{name} "))


def may_be_realtime():
    trial = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(11))"
    return subprocess.run([sys.executable, "-c", trial], capture_output=True).returncode == 0


def may_lock():
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == -1


def test_workers_are_bound_to_their_cpus_and_no_other_thread_is(make_daemon, connect, p):
    cpu = max(os.sched_getaffinity(0))
    running = make_daemon({"workers": {"cpus": [cpu]}}).start()
    client = connect(running)
    assert client.control("status")["threads"] == 1  # one for each CPU of theirs
    assert client.calibrate(frame(p))["type"] == "labels"
    assert [said(task, "Cpus_allowed_list") for task in threads(running, "worker")] == [str(cpu)]
    allowed = said(pathlib.Path("/proc/self"), "Cpus_allowed_list")
    for task in threads(running, "labelcald"):
        assert said(task, "Cpus_allowed_list") == allowed


def test_cpus_that_are_not_to_be_had_are_named_and_done_without(make_daemon, connect, p):
    cpu = min(os.sched_getaffinity(0))
    running = make_daemon({"workers": {"cpus": [cpu, 1000, 4095]}}).start()
    assert connect(running).calibrate(frame(p))["type"] == "labels"
    assert [said(task, "Cpus_allowed_list") for task in threads(running, "worker")] == [str(cpu)]
    for missing in (1000, 4095):
        assert f"workers.cpus: the workers do without CPU {missing}" in running.log()


def test_workers_are_realtime_and_the_loop_goes_before_them(make_daemon, connect, p):
    if not may_be_realtime():
        pytest.skip("NOT RUN: SCHED_FIFO is not permitted here (CAP_SYS_NICE or LimitRTPRIO)")
    running = make_daemon({"workers": {"threads": 3, "realtime": 10}}).start()
    assert connect(running).calibrate(frame(p))["type"] == "labels"
    assert [priority(task) for task in threads(running, "worker")] == [10, 10, 10]
    others = {int(task.name): priority(task) for task in threads(running, "labelcald")}
    assert others.pop(running.process.pid) == 11
    assert set(others.values()) == {0}  # the store's, and what looks names up


def test_memory_is_locked_with_all_that_comes_later(make_daemon, connect, rng):
    if SANITIZED or not may_lock():
        pytest.skip("NOT RUN: sanitizers make mlockall() nothing" if SANITIZED else
                    "NOT RUN: locking memory is not permitted here (CAP_IPC_LOCK or LimitMEMLOCK)")
    running = make_daemon({"workers": {"lock_memory": True}}, http=True).start()
    process = pathlib.Path(f"/proc/{running.process.pid}")

    def locked():
        sizes = [int(said(process, key).split()[0]) for key in ("VmLck", "VmRSS")]
        assert sizes[0] >= 0.9 * sizes[1]  # all but what cannot be (the kernel's own pages)
        return sizes[0]
    before = locked()
    big = frame(random_probabilities(rng, height=512, width=512))
    assert connect(running).calibrate(big)["type"] == "labels"
    assert locked() > before + len(big["tensor"]["data"]) // 1024  # its message, at least
    assert metric(running, "memory_locked") == 1


@pytest.mark.skipif(not shutil.which("setpriv") or os.geteuid() != 0,
                    reason="NOT RUN: only root can give capabilities up for another (setpriv)")
def test_what_is_not_permitted_is_said_with_its_remedy_and_done_without(make_daemon, connect, p):
    running = make_daemon({"workers": {"realtime": 10, "lock_memory": True}}, http=True)
    command = running.command
    running.command = lambda: [*POWERLESS, *command()]
    running.start()
    assert connect(running).calibrate(frame(p))["type"] == "labels"
    for remedy in ("LimitMEMLOCK=infinity", "LimitRTPRIO=11", "RestrictRealtime=no"):
        assert remedy in running.log(), running.log()
    assert {priority(task) for task in threads(running, "worker")} == {0}
    assert said(pathlib.Path(f"/proc/{running.process.pid}"), "VmLck") == "0 kB"
    assert metric(running, "memory_locked") == metric(running, "worker_realtime_priority") == 0


def test_without_these_keys_nothing_is_asked_of_the_system(make_daemon):
    running = make_daemon({"workers": {"threads": 2}}, http=True).start()
    allowed = said(pathlib.Path("/proc/self"), "Cpus_allowed_list")
    for task in threads(running, "worker"):
        assert (priority(task), said(task, "Cpus_allowed_list")) == (0, allowed)
    assert said(pathlib.Path(f"/proc/{running.process.pid}"), "VmLck") == "0 kB"
    assert metric(running, "worker_cpus") == 0
