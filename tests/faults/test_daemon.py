"""A labelcald in which the n-th call fails: it never crashes, hangs or leaks, its snapshots are
whole and its labels right; it says what it could not do, and goes on."""
import concurrent.futures
import shutil

import pytest

import model
import plan
import shimmed
from counts import count
from scenario import Life
from shimmed import Fault
from verdict import ended_by, judge

AT_ONCE = 3


@pytest.fixture(scope="session")
def taught(tmp_path_factory):
    """A state directory with the generation of a daemon that learnt two frames."""
    life = Life(Fault())
    life.start()
    for number in model.LEARNT:
        life.calibrate(number)
    life.stop()
    assert life.exit == 0, life.log
    kept = tmp_path_factory.mktemp("taught") / "st"
    shutil.copytree(life.state, kept)
    life.remove()
    return kept


@pytest.fixture(scope="session")
def reference(taught, tmp_path_factory):
    """{(http, fresh): {family: stacks of its calls}} of lives in which nothing fails."""
    stacks = {}
    for http, fresh in ((False, False), (False, True), (True, False)):
        trace = tmp_path_factory.mktemp("trace") / "trace"
        life = Life(Fault(), None if fresh else taught, trace, http=http).run()
        assert judge(life) == [], life.log
        stacks[http, fresh] = shimmed.stacks(trace)
        life.remove()
    return stacks


def sweep(row, numbers, state, http=False):
    """Lives with the row's fault at each n; every one must keep the promises."""
    family, error, times = row

    def live(n):
        life = Life(Fault(family, n, error, times), state, http=http).run()
        sentences = judge(life)
        place = " < ".join(shimmed.named(life.report.stack)[:6]) if sentences else ""
        life.remove()
        return str(life.fault), life.report.fired, ended_by(life), sentences, place

    wrong, fired = [], 0
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for fault, hits, library, sentences, place in pool.map(live, numbers):
            fired += hits > 0
            if library:
                count(f"faults at which {library} ends the process")
            if sentences:
                wrong.append(f"{fault} (at {place}): " + "; ".join(sentences))
    count("faults injected", fired)
    count("faults lost", len(wrong))
    assert not wrong, f"{len(wrong)} of {len(numbers)}; LABELCAL_SEED={plan.SEED}\n" \
        + "\n".join(wrong[:20])


@pytest.mark.parametrize("row", plan.ROWS, ids=plan.word)
def test_a_call_fails(row, taught, reference):
    fresh = row[0] == "mkdir"
    stacks = reference[False, fresh].get(row[0], [])
    assert stacks, "the scenario makes no such call"
    sweep(row, plan.numbers(row, stacks), None if fresh else taught)


HTTP_ROWS = [row for row in plan.ROWS if plan.word(row) in (
    "malloc-ENOMEM-once", "send-EPIPE-once", "recv-ECONNRESET-once", "accept-EMFILE-once",
    "socket-EMFILE-once", "malloc-ENOMEM-on")]


@pytest.mark.parametrize("row", HTTP_ROWS, ids=plan.word)
def test_a_call_fails_while_http_is_served(row, taught, reference):
    stacks = reference[True, False][row[0]]
    family, _, times = row
    most = 80 if family == "malloc" and times == plan.ONCE else 8
    sweep(row, plan.sample(stacks, most, "http"), taught, http=True)
