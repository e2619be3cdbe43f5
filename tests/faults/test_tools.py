"""labelcal on files, in which the n-th call fails: a status of its own and a sentence, or the right
answer; never a crash or a leak, and a file that is whole or not there."""
import concurrent.futures
import errno
import os
import subprocess

import pytest

import plan
from counts import count
from daemon import LABELCAL, Daemon
from shimmed import Fault, Report, environment, named, stacks
from verdict import payload

EXITS = {0, 1, 2, 3, 4, 5, 6}
AT_ONCE = 3
MOST = 60


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A daemon that nothing happens to, and a snapshot of its."""
    running = Daemon().start()
    asked = running.cli("snapshot")
    assert asked.returncode == 0, asked.stderr
    kept = tmp_path_factory.mktemp("file") / "a.snapshot"
    kept.write_bytes(next((running.state / "default").glob("*.snapshot")).read_bytes())
    yield running, kept
    running.stop()
    running.close()


def run(arguments, fault, place, trace=None):
    """The completed tool and what the shim reported."""
    report = place / f"{os.urandom(6).hex()}.report"
    done = subprocess.run([str(LABELCAL), *arguments], capture_output=True, text=True, timeout=60,
                          env=environment(fault, report, trace), errors="replace")
    return done, Report(report)


def judge(done, report, expected):
    """What is wrong, or None."""
    if done.returncode not in EXITS:
        return f"exit {done.returncode}: {done.stderr[-3000:]}"
    if done.returncode == 0 and expected is not None and done.stdout != expected:
        return "success, and not what it says when nothing fails"
    if done.returncode != 0 and len(done.stderr.split()) < 3:
        return f"exit {done.returncode} without a sentence: {done.stderr!r}"
    return None


def sweep(make, family, error, place, expected=None, times=plan.ONCE, check=None):
    """make(i) -> arguments; every n or a sample."""
    trace = place / "trace"
    trace.unlink(missing_ok=True)
    done, _ = run(make(0), Fault(), place, trace)
    assert done.returncode == 0, done.stderr
    expected = done.stdout if expected else None
    calls = stacks(trace).get(family, [])

    def one(n):
        done, report = run(make(n), Fault(family, n, error, times), place)
        wrong = judge(done, report, expected) or (check and check(n, done))
        return n, report, wrong

    numbers = plan.sample(calls, MOST, " ".join(make(0)[:1]))
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(one, numbers))
    wrong = [f"{family} {n} (at {' < '.join(named(report.stack)[:6])}): {what}"
             for n, report, what in results if what]
    count("faults injected", sum(report.fired > 0 for _, report, _ in results))
    count("faults lost", len(wrong))
    assert not wrong, f"{len(wrong)} of {len(numbers)}; LABELCAL_SEED={plan.SEED}\n" \
        + "\n".join(wrong[:20])


@pytest.mark.parametrize("family, error", [("malloc", errno.ENOMEM), ("read", errno.EIO),
                                           ("open", errno.EMFILE), ("stat", errno.EIO)])
def test_inspect(served, tmp_path, family, error):
    sweep(lambda n: ["inspect", str(served[1])], family, error, tmp_path, expected=True)


@pytest.mark.parametrize("family, error", [
    ("malloc", errno.ENOMEM), ("write", errno.ENOSPC), ("fsync", errno.EIO),
    ("rename", errno.EIO), ("allocate", errno.ENOSPC), ("close", errno.EIO)])
def test_merge_writes_a_whole_file_or_none(served, tmp_path, family, error):
    def out(n):
        return tmp_path / f"{n}.snapshot"

    def check(n, done):
        if out(n).exists():
            try:
                same = payload(out(n))["domains"] == payload(out(0))["domains"]
            except ValueError as fault:
                return f"the file is {fault}"
            return None if same else "the file holds something else"
        return "success without a file" if done.returncode == 0 else None

    sweep(lambda n: ["merge", str(served[1]), str(served[1]), "-o", str(out(n))], family, error,
          tmp_path, check=check)
    assert not list(tmp_path.glob("*.tmp"))
