"""Time that steps, stands still or runs backwards: the daemon's, and its senders'."""
import pathlib
import sys

sys.path[:0] = [str(pathlib.Path(__file__).parents[1] / name)
                for name in ("harness", "oracle", "model", "time")]

from fixtures import *  # noqa: E402, F401, F403
