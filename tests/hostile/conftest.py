"""Peers that misbehave, and the honest clients beside them."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / "harness"),
                str(pathlib.Path(__file__).parent)]

from fixtures import *  # noqa: E402, F401, F403


def pytest_terminal_summary(terminalreporter):
    """The figures of each attack that passed, whatever process ran it."""
    for report in terminalreporter.stats.get("passed", []):
        for line in report.capstdout.splitlines():
            if "worst waits" in line:
                terminalreporter.write_line(line)
