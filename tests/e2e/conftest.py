"""End to end: what a client of the real daemon sees."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name) for name in ("harness", "oracle")]

from fixtures import *  # noqa: E402, F401, F403
