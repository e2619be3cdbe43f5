"""The builds and the suites of `./run test`: one table each, run in this order."""
import dataclasses
import os
import pathlib
import platform
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent
SUPPRESSIONS = TOP / "tests" / "sanitizers"

# Optimised enough to be quick, with frames that a report can name.
SANITIZE = ["-Dbuildtype=debugoptimized", "-Db_lundef=false",
            "-Dc_args=-fno-omit-frame-pointer -fno-sanitize-recover=undefined"]

# 99 is no exit status of ours. A refused allocation is ours to handle, not an end. The patience
# multiplies the harness's time limits.
ADDRESS = {"ASAN_OPTIONS": "exitcode=99:allocator_may_return_null=1:strict_string_checks=1:"
                           "detect_stack_use_after_return=1:strict_init_order=1",
           "LSAN_OPTIONS": "exitcode=99",
           "UBSAN_OPTIONS": "exitcode=99:print_stacktrace=1",
           "LABELCAL_SANITIZED": "address,undefined", "LABELCAL_PATIENCE": "4",
           "KERNEL_FRAMES": "60"}
THREAD = {"TSAN_OPTIONS": f"exitcode=99:suppressions={SUPPRESSIONS / 'tsan.supp'}:history_size=4:"
                          "second_deadlock_stack=1",
          "LD_PRELOAD": str(TOP / "build-tsan" / "tests" / "sanitizers" / "libseenclose.so"),
          "LABELCAL_SANITIZED": "thread", "LABELCAL_PATIENCE": "4"}
# What each program is run under.
ARM64 = {"LABELCAL_WRAPPER": "qemu-aarch64", "LABELCAL_PATIENCE": "4"}

# Build directory -> meson's options and the environment of what runs from it.
BUILDS = {
    "build": ([], {}),
    "build-minimal": (["-Dhttp=disabled", "-Dpng=disabled"], {}),
    # For `./run coverage`. Threads share the counters of what they run, so these are atomic.
    "build-coverage": (["-Db_coverage=true", "-Doptimization=2", "-Ddebug=true",
                        "-Dc_args=-fprofile-update=atomic"], {"LABELCAL_COVERAGE": "1"}),
    "build-asan": (["CC=gcc", "-Db_sanitize=address,undefined", *SANITIZE], ADDRESS),
    "build-tsan": (["CC=gcc", "-Db_sanitize=thread", *SANITIZE], THREAD),
    # Debian's libwebsockets-dev is not to be had for two architectures at once.
    "build-arm64": (["--cross-file", "tests/cross/arm64.ini", "-Dhttp=disabled"], ARM64),
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


def libasan():
    """What Python, which loads the library, must have loaded before it."""
    return subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True,
                          check=True).stdout.strip()


MEMCHECK = "valgrind --quiet --error-exitcode=99 --leak-check=full --track-origins=yes"

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
    # Sanitizers. What joins a room or a folder joins its suite here.
    Suite("asan-unit", build="build-asan", meson=("--suite", "unit", "-t", "5")),
    # Leaks are looked for everywhere but here: Python frees little of what it has at its end.
    # Without the slow cases: a pixel of 1000 classes takes a million multiply-adds.
    Suite("asan-oracle", ("tests/oracle",), build="build-asan",
          options=(*TWO_WORKERS, "-m", "not slow"),
          environment={"LD_PRELOAD": libasan(),
                       "ASAN_OPTIONS": ADDRESS["ASAN_OPTIONS"] + ":detect_leaks=0"}),
    Suite("asan-e2e", ("tests/e2e",), build="build-asan", options=TWO_WORKERS),
    Suite("tsan-unit", build="build-tsan",
          meson=("--suite", "daemon", "--suite", "store", "--suite", "client", "-t", "5")),
    Suite("tsan-e2e", ("tests/e2e",), build="build-tsan", options=TWO_WORKERS),
    # Uninitialised reads, which no sanitizer of gcc sees, where numbers and bytes are computed. The
    # wide tiers compute lanes that nobody looks at: the scalar one tells.
    Suite("memcheck", meson=("--suite", "core", "--suite", "wire", "--suite", "store",
                             "--suite", "recording", "-t", "10"),
          environment={"LABELCAL_WRAPPER": MEMCHECK, "LABELCAL_CPU": "scalar"}),
    # Another architecture, under qemu: the NEON kernels to the bit, the rooms' programs but those
    # of the scene and the command line, which take minutes there, and the daemon's labels against
    # float64. KERNEL_FRAMES=N makes it long.
    Suite("arm64-unit", build="build-arm64",
          meson=("--suite", "core", "--suite", "wire", "--suite", "store", "--suite", "recording",
                 "--suite", "memory", "--suite", "client", "--suite", "daemon",
                 "--suite", "kernels", "-t", "5"),
          environment={"KERNEL_FRAMES": os.environ.get("KERNEL_FRAMES", "60")}),
    Suite("arm64-e2e", ("tests/e2e/test_truth.py",), build="build-arm64", options=TWO_WORKERS),
    # FUZZ_SECONDS=N makes it long; ./run fuzz keeps what it finds.
    Suite("fuzz", ("tests/fuzz",), build="build-fuzz", options=TWO_WORKERS),
]
# On such a machine `unit` and `e2e` are these; LABELCAL_NO_ARM64: ./run could not get what they need.
if platform.machine() == "aarch64" or "LABELCAL_NO_ARM64" in os.environ:
    SUITES = [suite for suite in SUITES if suite.build != "build-arm64"]
