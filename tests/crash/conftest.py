"""Crashes, power cuts and bad disks: what of the statistics is there afterwards."""
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]

from fixtures import *  # noqa: E402, F401, F403
