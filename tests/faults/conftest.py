"""Faults of the system: the n-th call fails, for every n. See docs/reliability.md."""
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE)] + [str(HERE.parent / name) for name in ("harness", "oracle")]


def pytest_report_header():
    from plan import SEED, WHOLE
    return f"faults: {'every n' if WHOLE else f'a sample, LABELCAL_SEED={SEED}'}"
