"""Sequences of frames, commands and restarts: the daemon does what its model does.

    LABELCAL_MODEL_SEQUENCES  how many (default 200; ./run test has its number in suites.py)
    LABELCAL_MODEL_STEPS      steps of each, at most (default 15)
    LABELCAL_MODEL_SEED       which (default: a new one each time, printed)
"""
import os

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

import hypothesis.internal.conjecture.engine as engine
import machine
from counts import count

SEQUENCES = int(os.environ.get("LABELCAL_MODEL_SEQUENCES", "200"))
STEPS = int(os.environ.get("LABELCAL_MODEL_STEPS", "15"))
PARTS = 4  # one a process of pytest's
SEED = int(os.environ["LABELCAL_MODEL_SEED"])  # conftest.py sees to it

# A difference is reported after at most so long, as short as its sequence is by then.
engine.MAX_SHRINKING_SECONDS = int(os.environ.get("LABELCAL_MODEL_SHRINK_S", "60"))


@pytest.mark.parametrize("part", range(PARTS))
def test_random_sequences_leave_the_daemon_in_the_models_state(part):
    try:
        run_state_machine_as_test(seed(SEED + part)(machine.Sequences), settings=settings(
            max_examples=SEQUENCES // PARTS, stateful_step_count=STEPS, deadline=None,
            database=None, print_blob=True, suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink]))
    except Exception:
        count("sequences that differed")
        print(f"again with LABELCAL_MODEL_SEED={SEED} LABELCAL_MODEL_SEQUENCES={SEQUENCES}")
        raise
    finally:
        for what, many in machine.TOTALS.items():
            count(what, many)
            machine.TOTALS[what] = 0
    count("sequences that differed", 0)
