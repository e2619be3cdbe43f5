"""The targets come from a build of their own, which `./run test --suite fuzz` makes."""
import os
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "harness"))

if "LABELCAL_BUILD" in os.environ:
    os.environ["LABELCAL_FUZZ_BUILD"] = os.environ["LABELCAL_BUILD"]
