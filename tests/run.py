"""Runs the test suites and adds up their cases: `N passed, N failed`.

    run.py [--quick] [NAME ...]

Suites: the unit programs (meson, TAP), the float64 oracle and the end-to-end tests (pytest), and
a build of the six required libraries alone. --quick leaves out what is marked slow and the second
build; NAME runs only the cases or programs whose name contains it.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parent.parent
BUILD = TOP / "build"
REPORTS = BUILD / "reports"


class Total:
    """Cases by outcome over all suites."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], []

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


def meson(total, build, names, suite=None):
    """The unit programs of one build directory; returns meson's exit code."""
    report = build / "meson-logs" / "testlog.junit.xml"
    report.unlink(missing_ok=True)
    command = ["meson", "test", "-C", str(build), "--no-rebuild", "--print-errorlogs"]
    command += ["--suite", suite] if suite else []
    code = subprocess.run(command + names, cwd=TOP).returncode
    total.read(build.name, report)
    return code


def pytest(total, suite, paths, options, environment, names=()):
    """The cases of some paths; returns pytest's exit code (5 = none selected, is fine)."""
    report = REPORTS / f"{suite}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
               f"--junitxml={report}", *paths]
    command += ["-k", " or ".join(names)] if names else []
    code = subprocess.run(command + options, cwd=TOP, env=environment).returncode
    total.read(suite, report)
    return 0 if code == 5 else code


def unit_programs(names):
    """Names of the unit programs that match one of `names`."""
    listed = subprocess.run(["meson", "test", "-C", str(BUILD), "--no-rebuild", "--list"],
                            cwd=TOP, capture_output=True, text=True, check=True).stdout
    programs = [line.split(" / ")[-1].strip() for line in listed.splitlines() if " / " in line]
    return [p for p in programs if any(n in p for n in names)]


def minimal(total, environment):
    """labelcald and liblabelcal with the six required libraries alone build, pass and serve."""
    build = TOP / "build-minimal"
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(build), "-Dhttp=disabled", "-Dpng=disabled"],
                       cwd=TOP, check=True, stdout=subprocess.DEVNULL)
    if subprocess.run(["ninja", "-C", str(build), "--quiet"], cwd=TOP).returncode:
        total.failed.append("build-minimal: does not build")
        return 1
    return meson(total, build, []) or pytest(
        total, "e2e-minimal", ["tests/e2e/test_snapshots.py", "tests/e2e/test_sequence.py"],
        ["-n", "2"], dict(environment, LABELCAL_BUILD=str(build)))


def main():
    parser = argparse.ArgumentParser(prog="./run test", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out what is slow")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only cases with this in the name")
    arguments = parser.parse_args()

    started = time.monotonic()
    REPORTS.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ, LABELCAL_BUILD=str(BUILD), PYTHONDONTWRITEBYTECODE="1")
    place = shared()
    if place:
        environment["LABELCAL_SHARED"] = str(place)
    else:
        print("SKIPPING what needs the recordings: no ../shared, and LABELCAL_SHARED is not set",
              file=sys.stderr)
    slow = ["-m", "not slow"] if arguments.quick else []

    total, codes = Total(), []
    programs = unit_programs(arguments.names) if arguments.names else []
    if programs or not arguments.names:
        codes.append(meson(total, BUILD, programs))
    for suite, options in (("oracle", slow), ("e2e", slow + ["-n", "2"])):
        codes.append(pytest(total, suite, [f"tests/{suite}"], options, environment,
                            arguments.names))
    if not arguments.quick and not arguments.names:
        codes.append(minimal(total, environment))
    if any(codes) and not total.failed:
        total.failed.append("a suite ended badly without naming a case")

    print()
    for name in total.skipped:
        print("skipped:", name)
    for name in total.failed:
        print("FAILED:", name)
    print(f"{time.monotonic() - started:.0f} s")
    skipped = f", {len(total.skipped)} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {len(total.failed)} failed{skipped}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
