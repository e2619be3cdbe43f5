"""Model checks: random sequences against the real daemon and a small model of its state."""
import os
import pathlib
import random
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name) for name in ("harness", "oracle")]


def pytest_configure():
    """One seed for all processes of a run; xdist's workers inherit it."""
    os.environ.setdefault("LABELCAL_MODEL_SEED", str(random.SystemRandom().randrange(10**6)))


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"LABELCAL_MODEL_SEED={os.environ['LABELCAL_MODEL_SEED']}")
