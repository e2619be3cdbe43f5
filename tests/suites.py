"""The builds and the suites of `./run test`: one table each, run in this order."""
import dataclasses
import os
import pathlib

TOP = pathlib.Path(__file__).resolve().parent.parent

# Build directory -> meson's options and the environment of what runs from it.
BUILDS = {
    "build": ([], {}),
    "build-minimal": (["-Dhttp=disabled", "-Dpng=disabled"], {}),
    # For `./run coverage`. Threads share the counters of what they run, so these are atomic.
    "build-coverage": (["-Db_coverage=true", "-Doptimization=2", "-Ddebug=true",
                        "-Dc_args=-fprofile-update=atomic"], {"LABELCAL_COVERAGE": "1"}),
    # As ./run fuzz makes it.
    "build-fuzz": (["CC=clang", "-Dfuzz=enabled", "-Dbuildtype=debugoptimized",
                    "-Db_sanitize=address,undefined", "-Db_lundef=false"], {}),
}


@dataclasses.dataclass
class Suite:
    """Programs of meson (no paths) or cases of pytest (paths), run from one build."""
    name: str
    paths: tuple = ()
    build: str = "build"
    options: tuple = ()  # for pytest
    meson: tuple = ()    # for `meson test`
    quick: bool = False  # part of --quick, there without the cases marked slow
    environment: dict = dataclasses.field(default_factory=dict)


TWO_WORKERS = ("-n", "2")

SUITES = [
    Suite("unit", quick=True),
    Suite("oracle", ("tests/oracle",), quick=True),
    Suite("e2e", ("tests/e2e",), options=TWO_WORKERS, quick=True),
    Suite("hostile", ("tests/hostile",), options=TWO_WORKERS),
    # The six required libraries alone build, pass and serve.
    Suite("unit-minimal", build="build-minimal"),
    Suite("e2e-minimal", ("tests/e2e/test_snapshots.py", "tests/e2e/test_sequence.py"),
          build="build-minimal", options=TWO_WORKERS),
    # CRASH_ROUNDS=N and CRASH_SEED=N make it long and different.
    Suite("crash", ("tests/crash",), options=TWO_WORKERS),
    Suite("time", ("tests/time",), options=TWO_WORKERS),
    # LABELCAL_FAULTS=all takes every n (`./run faults`), LABELCAL_SEED=N the sample of another run.
    Suite("faults", ("tests/faults",), options=TWO_WORKERS),
    # LABELCAL_MODEL_SEQUENCES=N (and _SEED=N) make it long and different.
    Suite("model", ("tests/model",), options=("-n", "4"),
          environment={"LABELCAL_MODEL_SEQUENCES": os.environ.get("LABELCAL_MODEL_SEQUENCES",
                                                                  "1000")}),
    # FUZZ_SECONDS=N makes it long; ./run fuzz keeps what it finds.
    Suite("fuzz", ("tests/fuzz",), build="build-fuzz", options=TWO_WORKERS),
]
