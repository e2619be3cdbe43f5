"""Runs the test suites and adds up their cases: `N passed, N failed`.

    run.py [--quick] [--suite SUITE] [NAME ...]

A case that fails is run once more when its suite has ended, alone: these suites stall, kill and
starve processes on a machine that others may share. What passes then is printed as UNSTEADY.

suites.py is the table of suites and of the builds they run from. --quick leaves out what is marked
slow and every suite that is not quick; --suite runs that one; NAME runs only the cases or programs
of the quick suites (or of --suite) whose name contains it.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).parent / "harness"))

from counts import sums  # noqa: E402
from suites import BUILDS, SUITES, TOP  # noqa: E402

REPORTS = TOP / "build" / "reports"
COUNTS = REPORTS / "counts"


class Total:
    """Cases by outcome over all suites."""

    def __init__(self):
        self.passed, self.failed, self.skipped, self.unsteady = 0, [], [], []

    def read(self, suite, path):
        """Adds a JUnit report; a suite that left none has failed as a whole."""
        if not path.exists():
            self.failed.append(f"{suite}: no report")
            return
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{suite}: {case.get('classname') or ''} {case.get('name')}"
            skip = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(name)
            elif skip is not None:
                self.skipped.append(f"{name}: {skip.get('message') or ''}".split("\n")[0])
            else:
                self.passed += 1


def shared():
    """The folder of recordings and references, or None."""
    for place in (os.environ.get("LABELCAL_SHARED"), TOP.parent / "shared"):
        if place and (pathlib.Path(place) / "streams" / "README.md").exists():
            return pathlib.Path(place).resolve()
    return None


def environment_of(suite):
    """The environment of a suite's programs."""
    environment = dict(os.environ, LABELCAL_BUILD=str(TOP / suite.build),
                       LABELCAL_COUNTS=str(COUNTS), PYTHONDONTWRITEBYTECODE="1",
                       **BUILDS[suite.build][1])
    environment.update(suite.environment)
    place = shared()
    if place:
        environment["LABELCAL_SHARED"] = str(place)
    return environment


def compile_build(name):
    """Configures a build once and builds it; True if that went well."""
    directory, (options, _) = TOP / name, BUILDS[name]
    if not (directory / "build.ninja").exists():
        compiler = dict(os.environ, **{k: v for k, v in (o.split("=", 1) for o in options
                                                         if o.startswith("CC="))})
        command = ["meson", "setup", str(directory)] + [o for o in options if o[:3] != "CC="]
        if subprocess.run(command, cwd=TOP, env=compiler, stdout=subprocess.DEVNULL).returncode:
            return False
    return subprocess.run(["ninja", "-C", str(directory), "--quiet"], cwd=TOP).returncode == 0


def unit_programs(build, names):
    """Names of a build's unit programs that match one of `names`."""
    listed = subprocess.run(["meson", "test", "-C", str(build), "--no-rebuild", "--list"],
                            cwd=TOP, capture_output=True, text=True, check=True).stdout
    programs = [line.split(" / ")[-1].strip() for line in listed.splitlines() if " / " in line]
    return [p for p in programs if any(n in p for n in names)]


def run_programs(total, suite, names):
    """meson's programs of a suite; its exit code."""
    build = TOP / suite.build
    programs = unit_programs(build, names) if names else []
    if names and not programs:
        return 0
    log = f"testlog-{suite.name}"
    report = build / "meson-logs" / f"{log}.junit.xml"
    report.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs",
               "--logbase", log, *suite.meson]
    code = subprocess.run(command + programs, cwd=TOP, env=environment_of(suite)).returncode
    total.read(suite.name, report)
    return code


def run_cases(total, suite, names, quick):
    """pytest's cases of a suite; its exit code (none selected is fine)."""
    report = REPORTS / f"{suite.name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
               f"--junitxml={report}", *suite.paths, *suite.options]
    command += ["-k", " or ".join(names)] if names else []
    command += ["-m", "not slow"] if quick else []
    code = subprocess.run(command, cwd=TOP, env=environment_of(suite)).returncode
    total.read(suite.name, report)
    return 0 if code == 5 else code


def run_again(total, suite):
    """Runs a suite's failed cases once more, alone: what passes then is told as unsteady."""
    failed = [name for name in total.failed if name.startswith(f"{suite.name}: ")]
    if not failed or not suite.paths:
        return
    nodes = [node_of(suite, name) for name in failed]
    if not all(nodes):
        return
    report = REPORTS / f"{suite.name}-again.xml"
    report.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                    f"--junitxml={report}", *nodes], cwd=TOP, env=environment_of(suite))
    again = Total()
    again.read(suite.name, report)
    for name in failed:
        if name not in again.failed and again.passed:
            total.failed.remove(name)
            total.unsteady.append(name)
            total.passed += 1


def node_of(suite, name):
    """pytest's node of a case as a report names it: "suite: tests.e2e.test_x test_y[z]"."""
    module, _, case = name[len(suite.name) + 2:].partition(" ")
    path = TOP / (module.replace(".", "/") + ".py")
    return f"{path.relative_to(TOP)}::{case}" if module and path.exists() else None


def main():
    parser = argparse.ArgumentParser(prog="./run test", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out what is slow")
    parser.add_argument("--suite", choices=[s.name for s in SUITES], help="only this suite")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only cases with this in the name")
    arguments = parser.parse_args()

    started = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    COUNTS.unlink(missing_ok=True)
    if not shared():
        print("SKIPPING what needs the recordings: no ../shared, and LABELCAL_SHARED is not set",
              file=sys.stderr)

    total, codes, seconds = Total(), [], {}
    for suite in SUITES:
        if arguments.suite:
            if suite.name != arguments.suite:
                continue
        elif (arguments.quick or arguments.names) and not suite.quick:
            continue
        began = time.monotonic()
        print(f"--- {suite.name}", flush=True)
        if not compile_build(suite.build):
            total.failed.append(f"{suite.name}: {suite.build} does not build")
            continue
        if suite.paths:
            code = run_cases(total, suite, arguments.names, arguments.quick)
            run_again(total, suite)
            codes.append(code if any(f.startswith(f"{suite.name}: ") for f in total.failed)
                         or code not in (0, 1) else 0)
        else:
            codes.append(run_programs(total, suite, arguments.names))
        seconds[suite.name] = time.monotonic() - began
    if any(codes) and not total.failed:
        total.failed.append("a suite ended badly without naming a case")

    print()
    for name in total.skipped:
        print("skipped:", name)
    for name in total.unsteady:
        print("UNSTEADY: failed, then passed alone:", name)
    for name in total.failed:
        print("FAILED:", name)
    for name, spent in seconds.items():
        print(f"{spent:6.0f} s  {name}")
    for what, number in sums(COUNTS).items():
        print(f"{number:8}  {what}")
    print(f"{time.monotonic() - started:.0f} s")
    skipped = f", {len(total.skipped)} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {len(total.failed)} failed{skipped}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
