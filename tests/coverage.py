"""Line coverage of src/: runs the suites from a build that counts, and judges the counts.

    coverage.py [--report] [--lines]

Prints a table of the rooms and their thresholds, and leaves an HTML report beside the build. Ends
with 1 if a room is below its threshold or a test failed. --report judges the counts that the last
run left, without a new one; --lines also prints the lines that were never run, file by file.
"""
import argparse
import collections
import dataclasses
import json
import os
import subprocess
import sys

import run
from suites import SUITES, TOP

BUILD = TOP / "build-coverage"
HTML = BUILD / "coverage" / "index.html"

# What is not run of the suites of the ordinary build, each with its reason.
LEFT_OUT = {
    "crash": "a process that is killed loses its counts",
    "model": "long sequences of what e2e runs once",
}

# The least share of a room's lines, in per cent; "src" is all of them.
THRESHOLDS = {"core": 95, "wire": 95, "store": 95, "src": 90}

# Files whose lines do not count, each with its reason.
EXCLUDED = {
    "src/scene/weights.h": "numbers, written by scene_train",
    "src/scene/train.c": "a program of the build that runs for minutes by hand; what it wrote is "
                         "pinned by digests",
    "src/daemon/config_doc_main.c": "a program of the build; a unit test compares what it wrote",
}

# Lines that do not count, each with its reason.
UNREACHABLE = {
    r"^\s*case LCAL_[A-Z]+_COUNT:": "there so that -Wswitch names a forgotten row; no value has it",
}


def run_suites():
    """Runs the suites from the counting build, without what is slow; the tests' total."""
    for counts in BUILD.rglob("*.gcda"):
        counts.unlink()
    run.REPORTS.mkdir(parents=True, exist_ok=True)
    total = run.Total()
    for suite in SUITES:
        if suite.build != "build" or suite.name in LEFT_OUT:
            continue
        print(f"--- {suite.name}", flush=True)
        counted = dataclasses.replace(suite, build=BUILD.name,
                                      meson=(*suite.meson, "--timeout-multiplier", "10"))
        if counted.paths:
            run.run_cases(total, counted, [], True)
        else:
            run.run_programs(total, counted, [])
    return total


def gcovr(*arguments):
    """Runs gcovr over the counts; its output."""
    command = ["gcovr", "--root", str(TOP), "--object-directory", str(BUILD), "-j",
               str(os.cpu_count()), "--filter", "src/"]
    for name in EXCLUDED:
        command += ["--exclude", name]
    for pattern in UNREACHABLE:
        command += ["--exclude-lines-by-pattern", pattern]
    return subprocess.run([*command, *arguments, str(BUILD)], cwd=TOP, check=True,
                          stdout=subprocess.PIPE, text=True).stdout


def lines_of(report):
    """{file: {line number: times it was run}}, the copies that headers have in many files added."""
    files = {}
    for file in report["files"]:
        lines = files.setdefault(file["file"], collections.Counter())
        for line in file["lines"]:
            if not line["gcovr/noncode"]:
                lines[line["line_number"]] += line["count"]
    return files


def spans(numbers):
    """"3, 7-9" of [3, 7, 8, 9]."""
    runs = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def judge(files):
    """Prints the table; the rooms that are below their thresholds."""
    rooms = collections.defaultdict(lambda: [0, 0])
    for name, lines in files.items():
        for room in (name.split("/")[1], "src"):
            rooms[room][0] += len(lines)
            rooms[room][1] += sum(1 for count in lines.values() if count)
    below = []
    print("room        lines  never run  covered  at least")
    for room, (lines, covered) in sorted(rooms.items(), key=lambda item: (item[0] == "src", item)):
        share, least = 100 * covered / lines, THRESHOLDS.get(room)
        print(f"{room:10} {lines:6} {lines - covered:10} {share:7.1f} %"
              + (f" {least:6} %" if least else ""))
        if least and share < least:
            below.append(room)
    return below


def main():
    parser = argparse.ArgumentParser(prog="./run coverage", description=__doc__.split("\n")[0])
    parser.add_argument("--report", action="store_true", help="judge the last run's counts")
    parser.add_argument("--lines", action="store_true", help="print the lines never run")
    arguments = parser.parse_args()

    if not run.compile_build(BUILD.name):
        return 1
    failed = [] if arguments.report else run_suites().failed
    HTML.parent.mkdir(exist_ok=True)
    files = lines_of(json.loads(gcovr("--json", "--html-details", str(HTML))))
    if arguments.lines:
        for name, lines in sorted(files.items()):
            if missing := [number for number, count in lines.items() if not count]:
                print(f"{name}: {spans(missing)}")
    print()
    for name in failed:
        print("FAILED:", name)
    below = judge(files)
    print(f"every line: {HTML.relative_to(TOP)}")
    for room in below:
        print(f"BELOW its threshold: {room}")
    return 1 if failed or below else 0


if __name__ == "__main__":
    sys.exit(main())
